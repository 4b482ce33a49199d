"""A hub's directory from a backup, or the proof that one could be made. Nothing is made of a file that is not whole."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

import msgspec

from hub.backup.database import empty, filled, sound
from hub.backup.manifest import CHUNK, DUMP, FORMAT, NAME, SQLITE, BackupProblem, Manifest, Part, Progress
from hub.opening import SETTINGS

BROKEN = (tarfile.TarError, EOFError, zlib.error, OSError)
MOST_MANIFEST = 64 << 20


def check(file: Path, progress: Progress = lambda _bytes: None) -> Manifest:
    """Reads all of it, unpacks the database to look at it, and writes nothing that stays. Raises BackupProblem."""
    with tempfile.TemporaryDirectory(prefix="estate-backup-") as work:
        return _unpacked(file, Path(work), progress)


def restore(file: Path, directory: Path, url: str = "", progress: Progress = lambda _bytes: None) -> Manifest:
    """Makes `directory`, which must not be there yet or be empty; with a backup of PostgreSQL also fills the empty database at
    `url`, which stays filled where the directory then cannot be made. Raises BackupProblem."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise BackupProblem(f"{directory} is not empty: restore into a new directory, and look at it before it serves")
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=directory.parent) as work:
        fresh = Path(work) / "hub"
        fresh.mkdir(mode=0o700)
        manifest = _unpacked(file, fresh, progress)
        if manifest.database == DUMP:
            empty(url)
            filled(url, fresh / DUMP)
            (fresh / DUMP).unlink()
            _address(fresh / SETTINGS, url)
        elif url:
            raise BackupProblem(
                "the backup holds an SQLite database, which stands in the directory: leave --database-url"
            )
        if directory.exists():
            directory.rmdir()
        fresh.rename(directory)
    return manifest


def _address(settings: Path, url: str) -> None:
    """Settings that name the database name the new one: else the hub would go on with the old one."""
    kept = json.loads(settings.read_text(encoding="utf-8")) if settings.exists() else {}
    if "database_url" in kept:
        settings.write_text(json.dumps({**kept, "database_url": url}, indent=1), encoding="utf-8")


def _unpacked(file: Path, into: Path, progress: Progress) -> Manifest:
    manifest: Manifest | None = None
    found: dict[str, Part] = {}
    try:
        with gzip.open(file) as packed, tarfile.open(fileobj=packed, mode="r|") as tar:
            for info in tar:
                source = tar.extractfile(info) if info.isreg() else None
                if source is None or manifest is not None or not _inside(info.name):
                    raise BackupProblem(f"{file} is no backup of a hub: it holds {info.name!r}")
                if info.name == NAME:
                    manifest = _manifest(file, source.read(MOST_MANIFEST))
                else:
                    found[info.name] = _write(source, into / info.name, progress)
            # what fills the file up is covered by its check sum alone, which is read at its end
            while packed.read(CHUNK):
                pass
    except BROKEN as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise BackupProblem(f"{file} cannot be unpacked: {error.strerror} ({error.filename or into})") from error
        raise BackupProblem(f"{file} is damaged or breaks off ({error}): take another backup") from error
    if manifest is None:
        raise BackupProblem(f"{file} has no list of what it holds: it breaks off, or is no backup of a hub")
    for name in _differ(manifest.parts, found):
        raise BackupProblem(f"{file} is damaged: {name} is not as it was when the backup was made. Take another backup")
    if manifest.database is None:
        raise BackupProblem(f"{file} holds no database: it is no backup of a hub")
    if manifest.database == SQLITE:
        sound(into / SQLITE)
    return manifest


def _differ(wanted: dict[str, Part], found: dict[str, Part]) -> Iterator[str]:
    return (name for name in sorted(wanted.keys() | found.keys()) if wanted.get(name) != found.get(name))


def _inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def _manifest(file: Path, content: bytes) -> Manifest:
    try:
        read = msgspec.json.decode(content, type=Manifest)
    except msgspec.DecodeError as error:
        raise BackupProblem(f"{file}: its list of what it holds cannot be read: {error}") from error
    if read.format != FORMAT:
        raise BackupProblem(f"{file} was made by another release (format {read.format}; this one reads {FORMAT})")
    return read


def _write(source: IO[bytes], out: Path, progress: Progress) -> Part:
    out.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest, size = hashlib.sha256(), 0
    with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        while data := source.read(CHUNK):
            file.write(data)
            digest.update(data)
            size += len(data)
            progress(len(data))
        file.flush()
        os.fsync(file.fileno())
    return Part(size, digest.hexdigest())
