"""Faces of the residents of this estate on this box: encrypted a row, only for credentials on a current list, gone with them.

There is no way in for a face without a listed credential: matching (`FaceEngine`) takes a picture and answers, and what
it saw is never handed out. Calls are short and blocking: use `asyncio.to_thread`.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from device_drivers.faces.match import Gallery, NotComparable, Template
from edge_agent.config import write_atomic
from edge_agent.sqlite_file import connect, is_corrupt

log = logging.getLogger(__name__)
KEY_BYTES, NONCE_BYTES = 32, 12

# Deleted rows are overwritten with zeros.
SCHEMA = """
PRAGMA secure_delete=ON;
CREATE TABLE IF NOT EXISTS faces(token TEXT PRIMARY KEY, model TEXT NOT NULL, photo TEXT NOT NULL, nonce BLOB NOT NULL,
  sealed BLOB NOT NULL);
"""


class NotListed(Exception):
    """No current list of this estate names the credential: its face is not kept."""


class KeyUnsafe(Exception):
    """The key file cannot be used as it lies there: a person must look. The text says what to do."""


def load_key(path: Path) -> bytes:
    """The box's key, made at first use. Raises KeyUnsafe for one that others may read or that is no key."""
    if not path.exists():
        write_atomic(path, AESGCM.generate_key(KEY_BYTES * 8))
    about = path.lstat()
    if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid():
        raise KeyUnsafe(f"{path} is not a file of this service")
    if about.st_mode & 0o077:
        raise KeyUnsafe(f"{path} can be read by others ({stat.filemode(about.st_mode)}): delete it, enrol faces anew")
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise KeyUnsafe(f"{path} holds {len(key)} bytes, {KEY_BYTES} are needed: delete it, enrol faces anew")
    return key


class FaceStore:
    """`listed` gives the tokens that may have a face here at this moment: those of the current lists, with their consent.

    `model` is `FaceEngine.model`; rows of another model are dropped on `open`: their photographs must be embedded anew.
    """

    def __init__(
        self, path: Path, key_path: Path, estate: str, model: str, listed: Callable[[], Collection[str]]
    ) -> None:
        self.path, self.key_path, self.estate, self.model, self.listed = path, key_path, estate, model, listed
        self._lock = threading.Lock()

    def open(self) -> None:
        """Raises KeyUnsafe. A damaged file is deleted, not set aside: faces must not lie about, photographs come again."""
        self._seal = AESGCM(load_key(self.key_path))
        try:
            self._db = connect(self.path, SCHEMA)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            if not is_corrupt(error):
                raise
            log.error("faces %s are damaged (%s): deleted, photographs are fetched again", self.path, error)
            for suffix in ("", "-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            self._db = connect(self.path, SCHEMA)
        with self._write() as db:
            other = db.execute("DELETE FROM faces WHERE model != ?", (self.model,)).rowcount
        if other:
            log.warning("faces: %d of another model dropped", other)
            self._scrub()

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _scrub(self) -> None:
        """The write-ahead log still holds what was deleted: empty it."""
        with self._lock:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _bound(self, token: str) -> bytes:
        """What a row is sealed to: it cannot be moved to another person, estate or model."""
        return "\0".join((token, self.estate, self.model)).encode()

    # --- in and out ------------------------------------------------------------------------------------------------
    def put(self, token: str, template: Template, photo: str = "") -> None:
        """`photo`: SHA-256 of the photograph it was made from. Raises NotListed, NotComparable."""
        if template.model != self.model:
            raise NotComparable(f"a face of {template.model} in a store of {self.model}")
        if token not in self.listed():
            raise NotListed(token)
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._seal.encrypt(nonce, template.to_bytes(), self._bound(token))
        with self._write() as db:
            row = (token, self.model, photo, nonce, sealed)
            db.execute("INSERT OR REPLACE INTO faces VALUES (?, ?, ?, ?, ?)", row)
        if token not in self.listed():  # taken off the list meanwhile
            self.forget(token)
            raise NotListed(token)

    def forget(self, *tokens: str) -> int:
        """With the credential, or when consent is withdrawn: nothing of it is left in the file. Returns how many there were."""
        with self._write() as db:
            gone = sum(db.execute("DELETE FROM faces WHERE token = ?", (t,)).rowcount for t in tokens)
        if gone:
            self._scrub()
        return gone

    def keep_listed(self) -> int:
        """Forget every face whose credential no current list names. To be called after each change; returns how many went."""
        listed = set(self.listed())
        return self.forget(*(t for t in self.photos() if t not in listed))

    def photos(self) -> dict[str, str]:
        """Token → SHA-256 of the photograph its face was made from."""
        with self._lock:
            return dict(self._db.execute("SELECT token, photo FROM faces").fetchall())

    def gallery(self, *, without: str = "", only: str = "") -> Gallery:
        """The estate's faces, opened into memory; only those still listed. A row that cannot be opened is forgotten.

        `only`: of this one credential, for 1:1; nobody else's face is opened then.
        """
        listed = set(self.listed()) - {without}
        with self._lock:
            rows = self._db.execute(
                "SELECT token, nonce, sealed FROM faces WHERE token = ? OR ? = ''", (only, only)
            ).fetchall()
        opened, lost = {}, []
        for token, nonce, sealed in rows:
            if token not in listed:
                continue
            try:
                content = self._seal.decrypt(nonce, sealed, self._bound(token))
                opened[token] = Template.from_bytes(content, self.model)
            except (InvalidTag, NotComparable, ValueError, TypeError):
                lost.append(token)
        if lost:
            log.error(
                "faces: %d rows cannot be opened (key changed or file altered): forgotten, to be made anew", len(lost)
            )
            self.forget(*lost)
        return Gallery.of(self.estate, self.model, opened)
