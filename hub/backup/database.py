"""The database of a backup: one moment of it, while others go on writing; and a database from that.

SQLite by its own online backup, PostgreSQL by its own `pg_dump` and `pg_restore`.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import create_engine, inspect, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from hub.backup.manifest import DUMP, SQLITE, BackupProblem


def copied(url: str, into: Path) -> Path:
    """A file in `into`, named as its entry. Raises BackupProblem."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        return _sqlite(Path(address.database or ""), into / SQLITE)
    out = into / DUMP
    _run("pg_dump", address, "--format=custom", "--no-owner", "--no-privileges", f"--file={out}")
    return out


def _sqlite(file: Path, out: Path) -> Path:
    if not file.is_file():
        raise BackupProblem(f"there is no database {file}: check --dir")
    try:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(out)) as copy:
            source.backup(copy)  # in one step: in several it begins anew with every write of the hub
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, whoever opens it
    except sqlite3.DatabaseError as error:
        raise BackupProblem(f"the database {file} cannot be copied: {error}") from error
    return out


def sound(file: Path) -> None:
    """Raises BackupProblem where an SQLite file is damaged."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as database:
            said = [" ".join(row[0].split()) for row in database.execute("PRAGMA quick_check(1)")]
    except sqlite3.DatabaseError as error:
        said = [str(error)]
    if said != ["ok"]:
        raise BackupProblem(f"its database is damaged: {'; '.join(said)}. Take an older backup")


def empty(url: str) -> None:
    """Raises BackupProblem where the PostgreSQL database at `url` does not answer, or holds tables already."""
    address = make_url(url)
    if address.get_backend_name() != "postgresql":
        raise BackupProblem("the backup is of a PostgreSQL database: give the address of an empty one (--database-url)")
    engine = create_engine(address)
    try:
        tables = inspect(engine).get_table_names()
    except SQLAlchemyError as error:
        raise BackupProblem(f"the database does not answer: {' '.join(str(error.args[0]).split())}") from error
    finally:
        engine.dispose()
    if tables:
        raise BackupProblem(f"the database {address.database} holds {len(tables)} tables: give an empty one")


def filled(url: str, dump: Path) -> None:
    """Everything of the dump, or nothing. Raises BackupProblem."""
    options = ("--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction")
    _run("pg_restore", make_url(url), *options, str(dump))


def _run(program: str, address: URL, *options: str) -> None:
    plain = address.set(drivername="postgresql", password=None).render_as_string()
    environment = {**os.environ, **({"PGPASSWORD": str(address.password)} if address.password else {})}
    command = [_program(program), f"--dbname={plain}", "--no-password", *options]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if ran.returncode:
        said = " ".join(ran.stderr.split()) or f"it ended with {ran.returncode}"
        raise BackupProblem(f"{program} failed: {said[-600:]}")


def _program(name: str) -> str:
    """`ESTATE_PG_BIN`, the newest one that Debian keeps off PATH, PATH: an older one does not read a newer server."""
    named = os.environ.get("ESTATE_PG_BIN")
    places = [Path(named) / name] if named else []
    found = Path("/").glob(f"usr/lib/postgresql/*/bin/{name}")
    places += sorted(found, key=lambda path: float(path.parts[-3]), reverse=True)
    places += [Path(path)] if (path := shutil.which(name)) else []
    for place in places:
        if place.is_file():
            return str(place)
    raise BackupProblem(
        f"{name} is not installed: install the system package `postgresql-client`, or set ESTATE_PG_BIN"
    )
