"""What the box remembers beside the journal: applied and refused credentials, observation marks, commands seen, time.

A file of its own, so that damage to one does not take the other. Calls are short and blocking: use `asyncio.to_thread`.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from device_drivers.contract.words import ObservationState
from edge_agent.sqlite_file import GroupSync, NoSync, connect, connect_to_read, is_corrupt, set_aside, takes_nothing
from edge_agent.state_rows import SCHEMA, moment, take_over, upgrade

log = logging.getLogger(__name__)
COMMANDS_KEPT = 5_000
BACK_S = 5.0  # between two tries to write to a disk that took nothing
NOTHING: Mapping[str, str] = {}
REFUSED_FOR = timedelta(
    hours=6
)  # what was refused of an unchanged credential is tried again after this (a list may have room again); no photo, no number

OURS_FOR = timedelta(days=40)
"""What was taken off is known as ours for so long: a terminal set back to a copy of last month has it again."""

NEVER = datetime.max.replace(tzinfo=UTC)
"""Stands for when somebody was revoked, where that cannot be read: no list is newer."""

ROOM_AGAIN = "UPDATE refused SET at = 0 WHERE device = ? AND code = 'list_full'"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The write of `fingerprint` was refused; `photo`: SHA-256 of a photo that is not tried again until it changes; `card`: the
    write whose card is not."""

    fingerprint: str
    code: str
    text: str
    photo: str = ""
    card: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """Until when a device is known to have been in this observation state."""

    state: ObservationState
    until: datetime


class State:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.set_aside: list[Path] = []  # damaged files, until somebody told of them
        self.volatile = False  # in memory alone: the disk takes nothing
        self._tried_at = 0.0
        self._sync: GroupSync | NoSync
        self._lock = threading.Lock()

    def open(self) -> None:
        try:
            self._open_file()
        except sqlite3.DatabaseError as error:
            if is_corrupt(error):
                self._replace(error)
            elif takes_nothing(error):
                self._open_memory(self.path, error)
            else:
                raise

    def _open_file(self) -> None:
        self._db = connect(self.path, SCHEMA)
        upgrade(self._db)
        self._sync = GroupSync(self._db, self.path)

    def _open_memory(self, path: Path, error: sqlite3.DatabaseError) -> None:
        """A box whose disk takes nothing works by what it reads there; what it is told meanwhile it keeps in memory."""
        log.error("state %s cannot be written (%s): kept in memory", self.path, error)
        self._db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._db.executescript(SCHEMA)
        self._sync, self.volatile, self._tried_at = NoSync(), True, time.monotonic()
        try:
            with closing(connect_to_read(path)) as old:
                take_over(self._db, old)
        except sqlite3.Error as unread:
            log.error("state %s cannot be read either: %s", path, unread)

    def _back_to_disk(self) -> None:
        """Under the lock: what is in memory goes to the disk as soon as that takes it."""
        if not self.volatile or time.monotonic() - self._tried_at < BACK_S:
            return
        self._tried_at, memory = time.monotonic(), self._db
        try:
            self._open_file()
            take_over(self._db, memory)
        except (sqlite3.Error, OSError) as error:
            log.debug("state: still in memory: %s", error)
            if self._db is not memory:
                self._db.close()
            self._db, self._sync = memory, NoSync()
            return
        memory.close()
        self.volatile = False
        log.warning("state %s is on the disk again", self.path)

    def _replace(self, error: sqlite3.DatabaseError) -> None:
        """What can still be read of a damaged file goes on in a new one. Under the lock, or before anybody else reads."""
        if hasattr(self, "_sync"):
            self._db.close()
            self._sync.close()
        aside = set_aside(self.path, datetime.now(UTC))
        self.set_aside.append(aside)
        log.error("state %s is damaged (%s): set aside as %s", self.path, error, aside.name)
        try:
            self._open_file()
            with closing(sqlite3.connect(aside)) as old:
                log.error("state: %d rows carried over", take_over(self._db, old))
        except sqlite3.OperationalError as full:
            self._db.close()
            self._open_memory(aside, full)

    def close(self) -> None:
        with self._lock:
            self._db.close()
        self._sync.close()

    @contextmanager
    def _write(self, *, lasting: bool = True) -> Iterator[sqlite3.Connection]:
        """`lasting`: on the disk when it ends. Else with the next that is: for what a power cut may take back harmlessly.

        Raises sqlite3.Error. A file found damaged is replaced first, so that whoever tries again gets through.
        """
        with self._lock:
            self._back_to_disk()
            db, sync = self._db, self._sync
            try:
                db.execute("BEGIN IMMEDIATE")
                try:
                    yield db
                    db.execute("COMMIT")
                except BaseException:
                    if db.in_transaction:
                        db.execute("ROLLBACK")
                    raise
            except sqlite3.DatabaseError as error:
                if is_corrupt(error):
                    self._replace(error)
                raise
            number = sync.committed()
        if lasting:
            sync.wait(number)

    def _rows(self, query: str, *values: object) -> list[tuple[str, ...]]:
        with self._lock:
            try:
                return self._db.execute(query, values).fetchall()
            except sqlite3.DatabaseError as error:
                if not is_corrupt(error):
                    raise
                self._replace(error)
                return self._db.execute(query, values).fetchall()

    # --- credentials -----------------------------------------------------------------------------------------------
    def applied(self, device: str) -> dict[str, str]:
        """Token → fingerprint last written with the device's yes; "" where a write was begun and its end is not known."""
        return {row[0]: row[1] for row in self._rows("SELECT token, fingerprint FROM applied WHERE device = ?", device)}

    def contents(self, device: str) -> dict[str, str]:
        """Token → what a read-back of the entry should say; "" where that is not known."""
        return {row[0]: row[1] for row in self._rows("SELECT token, content FROM applied WHERE device = ?", device)}

    def begin_apply(self, device: str, tokens: Iterable[str]) -> None:
        """Written before the device is: after a crash in between the token is still known to be ours.

        What stands there is not known until it answers, of an entry that was there before no more than of a new one: after
        an answer that was lost, a list that goes back to what it was must not look like what was written last.
        """
        query = "INSERT INTO applied VALUES (?, ?, '', '') ON CONFLICT DO UPDATE SET fingerprint = '', content = ''"
        with self._write() as db:
            db.executemany(query, ((device, t) for t in tokens))

    def forget_applied(self, device: str, tokens: Iterable[str], at: datetime) -> None:
        """Of entries that are neither held nor wanted any more. That they once were ours is remembered."""
        with self._write(lasting=False) as db:
            _taken_off(db, device, list(tokens), at)

    def once(self, device: str) -> frozenset[str]:
        """Tokens that were taken off it not long ago."""
        return frozenset(row[0] for row in self._rows("SELECT token FROM once WHERE device = ?", device))

    def end_apply(
        self,
        device: str,
        written: Mapping[str, str],
        removed: Iterable[str],
        refused: Mapping[str, Refusal],
        at: datetime,
        partial: Collection[str] = (),
        contents: Mapping[str, str] = NOTHING,
        unchanged: Mapping[str, str] = NOTHING,
        *,
        room: bool = True,
    ) -> None:
        """What was removed is remembered as once ours (`once`), should it still stand there after its device said yes.

        `partial`: of `written`, those without their refused photo: what is remembered of the photo stays.

        `unchanged`: begun, and refused by the device: it holds what it held before, of this fingerprint. After a power cut
        that takes this back the entries are in doubt, and written again. `room`: the removals made some.
        """
        gone, stamp = list(removed), at.timestamp()
        with self._write(lasting=False) as db:
            db.executemany(
                "INSERT OR REPLACE INTO applied VALUES (?, ?, ?, ?)",
                ((device, t, f, contents.get(t, "")) for t, f in written.items()),
            )
            db.executemany(
                "UPDATE applied SET fingerprint = ? WHERE device = ? AND token = ?",
                ((f, device, t) for t, f in unchanged.items()),
            )
            _taken_off(db, device, gone, at)
            db.executemany(
                "DELETE FROM refused WHERE device = ? AND token = ?",
                ((device, t) for t in (*written, *gone) if t not in partial),
            )
            db.executemany(
                "INSERT OR REPLACE INTO refused(device, token, fingerprint, code, text, at, photo, card) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                ((device, t, r.fingerprint, r.code, r.text, stamp, r.photo, r.card) for t, r in refused.items()),
            )
            if gone and room:
                db.execute(ROOM_AGAIN, (device,))

    def room_again(self, device: str) -> None:
        """Something made room in it that was not ours to remove: who found none is tried again."""
        with self._write(lasting=False) as db:
            db.execute(ROOM_AGAIN, (device,))

    def refused(self, device: str, now: datetime) -> dict[str, Refusal]:
        """What stands refused. After a while the write is tried again (no fingerprint), a refused photo or number never."""
        query = "SELECT token, CASE WHEN at > ? THEN fingerprint ELSE '' END, code, text, photo, card FROM refused "
        query += "WHERE device = ? AND (at > ? OR photo != '' OR card != '')"
        since = (now - REFUSED_FOR).timestamp()
        return {t: Refusal(*rest) for t, *rest in self._rows(query, since, device, since)}

    def forget_refusals(self, device: str) -> None:
        """Another device, or the same one otherwise: what was refused before says nothing of it."""
        with self._write(lasting=False) as db:
            db.execute("DELETE FROM refused WHERE device = ?", (device,))

    def forget_refused(self, device: str, tokens: Iterable[str]) -> None:
        """Of credentials that nobody wants any more."""
        with self._write(lasting=False) as db:
            db.executemany("DELETE FROM refused WHERE device = ? AND token = ?", ((device, t) for t in tokens))

    # --- revocations -----------------------------------------------------------------------------------------------
    def revoke(self, items: Iterable[tuple[str, str]], at: datetime) -> None:
        """(device, token): ended for good by the hub's word of `at`, and the hub is owed an answer."""
        stamp = at.timestamp()
        with self._write() as db:
            db.executemany("INSERT OR REPLACE INTO revoked VALUES (?, ?, 1, ?)", ((*item, stamp) for item in items))

    def revoked(self, device: str) -> dict[str, tuple[datetime, bool]]:
        """Token → (when it was revoked, whether an answer is still owed). They stay until no list can bring them back."""
        rows = self._rows("SELECT token, at, owed FROM revoked WHERE device = ?", device)
        return {token: (moment(at) or NEVER, bool(owed)) for token, at, owed in rows}

    def settle_revoked(self, items: Iterable[tuple[str, str]]) -> None:
        """(device, token): answered."""
        with self._write(lasting=False) as db:
            db.executemany("UPDATE revoked SET owed = 0 WHERE device = ? AND token = ?", items)

    def forget_revoked(self, device: str, tokens: Iterable[str]) -> None:
        """No list that could come back names them."""
        with self._write(lasting=False) as db:
            db.executemany("DELETE FROM revoked WHERE device = ? AND token = ?", ((device, t) for t in tokens))

    # --- observation -----------------------------------------------------------------------------------------------
    def mark(self, device: str) -> Mark | None:
        rows = self._rows("SELECT state, until FROM marks WHERE device = ?", device)
        until = moment(rows[0][1]) if rows else None
        return Mark(ObservationState(rows[0][0]), until) if until else None

    def set_marks(self, marks: Mapping[str, Mark], high_water: datetime | None = None) -> None:
        """One transaction for all devices and the clock: every ten seconds, so it counts for the wear of the card."""
        with self._write() as db:
            rows = ((device, m.state.value, m.until.timestamp()) for device, m in marks.items())
            db.executemany("INSERT OR REPLACE INTO marks VALUES (?, ?, ?)", rows)
            if high_water:
                db.execute("INSERT OR REPLACE INTO kept VALUES ('high_water', ?)", (high_water.isoformat(),))

    @property
    def high_water(self) -> datetime | None:
        try:
            return datetime.fromisoformat(self.kept("high_water") or "").astimezone(UTC)
        except ValueError:  # none, or none that can be read
            return None

    def propped(self, device: str) -> set[str]:
        return {p for (p,) in self._rows("SELECT point FROM propped WHERE device = ?", device)}

    def set_propped(self, device: str, point: str, on: bool) -> None:
        change = (
            "INSERT OR IGNORE INTO propped VALUES (?, ?)" if on else "DELETE FROM propped WHERE device=? AND point=?"
        )
        with self._write() as db:
            db.execute(change, (device, point))

    # --- commands and the rest -------------------------------------------------------------------------------------
    def first_sight(self, command: str) -> bool:
        """True once for each command id, also across restarts."""
        with self._write() as db:
            new = db.execute("INSERT OR IGNORE INTO commands(id, result) VALUES (?, '')", (command,)).rowcount == 1
            db.execute("DELETE FROM commands WHERE n <= (SELECT max(n) FROM commands) - ?", (COMMANDS_KEPT,))
        return new

    def command_result(self, command: str) -> str:
        """What was answered; "" while it is not known; "told" where only that it was answered is known."""
        rows = self._rows("SELECT result FROM commands WHERE id = ?", command)
        return rows[0][0] if rows else ""

    def settle_command(self, command: str, result: str) -> None:
        with self._write() as db:
            db.execute("UPDATE commands SET result = ? WHERE id = ?", (result, command))

    def last_commands(self, count: int = 100) -> list[tuple[str, str]]:
        """(id, result) of the newest commands, oldest first."""
        newest = self._rows("SELECT id, result FROM commands ORDER BY n DESC LIMIT ?", count)
        return [(name, result) for name, result in reversed(newest)]

    def uses(self) -> dict[str, int]:
        """How often each counted credential has opened a door of this box."""
        return {token: int(count) for token, count in self._rows("SELECT token, count FROM uses")}

    def set_uses(self, token: str, count: int) -> None:
        with self._write() as db:
            db.execute("INSERT OR REPLACE INTO uses VALUES (?, ?)", (token, count))

    def kept(self, key: str) -> str | None:
        rows = self._rows("SELECT value FROM kept WHERE key = ?", key)
        return rows[0][0] if rows else None

    def keep(self, key: str, value: str) -> None:
        with self._write() as db:
            db.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (key, value))


def _taken_off(db: sqlite3.Connection, device: str, tokens: Sequence[str], at: datetime) -> None:
    db.executemany("DELETE FROM applied WHERE device = ? AND token = ?", ((device, t) for t in tokens))
    rows = ((device, t, at.timestamp()) for t in tokens)
    db.executemany("INSERT OR REPLACE INTO once VALUES (?, ?, ?)", rows)
    if tokens:
        db.execute("DELETE FROM once WHERE device = ? AND at < ?", (device, (at - OURS_FOR).timestamp()))
