"""Makes a backup of a hub that may go on serving: database, keys, settings, the accounts of its own broker."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import secrets
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from hub.backup.database import copied
from hub.backup.manifest import CHUNK, FORMAT, NAME, SQLITE, BackupProblem, Manifest, Part, Progress

PICTURES = "snapshots"
LEFT_OUT = (".part", ".log", ".lock", ".pid")


def make(
    directory: Path,
    url: str,
    form: str,
    out: Path,
    *,
    pictures: bool = False,
    progress: Progress = lambda _bytes: None,
) -> Manifest:
    """Writes `out` (mode 0600), whole or not at all. `form`: of the database. `pictures`: those of the gates too.

    The database comes first and is one moment; what is read after it (the list of revoked certificates, the broker's accounts)
    knows of no less than it does. Raises BackupProblem; OSError where there is no room.
    """
    if out.exists():
        raise BackupProblem(f"{out} is there already: give another name")
    fresh = out.with_name(f".{out.name}.{secrets.token_hex(4)}.part")
    try:
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=out.parent) as work:
            at = datetime.now(UTC)
            database = copied(url, Path(work))
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as raw:
                manifest = _write(raw, database, at, directory, form, pictures, progress)
                raw.flush()
                os.fsync(raw.fileno())
        fresh.rename(out)
    finally:
        fresh.unlink(missing_ok=True)
    return manifest


def _write(
    raw: BinaryIO, database: Path, at: datetime, directory: Path, form: str, pictures: bool, progress: Progress
) -> Manifest:
    parts: dict[str, Part] = {}
    with gzip.GzipFile("", "wb", 6, raw) as packed, tarfile.open(fileobj=packed, mode="w|") as tar:
        parts[database.name] = _add(tar, database.name, database.open("rb"), database.stat().st_size, progress)
        for entry, file in files_of(directory, pictures):
            try:
                content = file.read_bytes()
            except FileNotFoundError:  # a picture whose time was over
                continue
            parts[entry] = _add(tar, entry, io.BytesIO(content), len(content), progress)
        manifest = Manifest(FORMAT, at.isoformat(timespec="seconds"), form, parts)
        written = msgspec.json.format(msgspec.json.encode(manifest))
        _add(tar, NAME, io.BytesIO(written), len(written), lambda _bytes: None)
    return manifest


def files_of(directory: Path, pictures: bool) -> Iterator[tuple[str, Path]]:
    """(entry, file) of everything in a hub's directory but its database and what each start makes anew."""
    for folder, folders, names in os.walk(directory):
        place = Path(folder)
        folders.sort()
        if place == directory and not pictures and PICTURES in folders:
            folders.remove(PICTURES)
        for name in sorted(names):
            entry = (place / name).relative_to(directory).as_posix()
            if not entry.startswith(SQLITE) and not name.endswith(LEFT_OUT) and (place / name).is_file():
                yield entry, place / name


def _add(tar: tarfile.TarFile, entry: str, source: BinaryIO, size: int, progress: Progress) -> Part:
    info = tarfile.TarInfo(entry)
    info.size, info.mode = size, 0o600
    with source:
        counted = _Counted(source, progress)
        tar.addfile(info, counted)
    return Part(size, counted.digest.hexdigest())


class _Counted(io.RawIOBase):
    """A source whose bytes are digested as they are read."""

    def __init__(self, source: BinaryIO, progress: Progress) -> None:
        self._source, self._progress, self.digest = source, progress, hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size if 0 <= size <= CHUNK else CHUNK)
        self.digest.update(data)
        self._progress(len(data))
        return data
