"""`estate-hub backup` and `estate-hub restore`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.backup.manifest import BackupProblem, Manifest, Progress
from hub.opening import DIR, Directory, database_problem, fail, load_config, loading

if TYPE_CHECKING:
    from hub.db import Database

NAMED = re.compile(r"hub-\d{8}T\d{6}Z\.tar\.gz")
MB = 1_000_000


def backup_command(
    out: Annotated[
        Path, typer.Argument(help="File to write, or a folder: there it is named hub-<date>T<time>Z.tar.gz.")
    ],
    directory: Directory = DIR,
    keep: Annotated[
        int | None, typer.Option(min=1, help="In a folder: remove all but the newest so many backups of that name.")
    ] = None,
    pictures: Annotated[
        bool, typer.Option("--pictures", help="With the pictures of the gates, which are kept for days only.")
    ] = False,
) -> None:
    """Write the hub's state into one file: database, keys, settings, its broker's accounts. The hub may go on serving."""
    with loading():
        from sqlalchemy.exc import SQLAlchemyError

        from hub import migrations
        from hub.backup.making import make
        from hub.db import Database

    config, folder = load_config(directory), out.is_dir()
    if keep is not None and not folder:
        raise typer.BadParameter("--keep needs a folder that is there", param_hint="OUT")
    if folder:
        out = out / f"hub-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar.gz"
    if not out.parent.is_dir():
        raise fail(f"there is no folder {out.parent}: make it first")
    if out.resolve().is_relative_to(directory.resolve()):
        raise fail(f"{out} is in the directory that is backed up, and would be lost with it: give another place")
    if not config.database_url and not (directory / "hub.sqlite").exists():
        raise fail(f"there is no hub in {directory}: check --dir")
    db = Database(config.url)
    try:
        form, current = migrations.form_of(db)
        if current:  # a copy of everybody's data leaves the hub: who looks at the trail finds it
            with db.unit_of_work("command line", "backup") as uow:
                uow.record("hub.backed_up", "hub", file=out.name, pictures=pictures)
        with _bar("written") as tell:
            manifest = make(directory, config.url, form, out, pictures=pictures, progress=tell)
        if current:
            _note(db)
    except BackupProblem as error:
        raise fail(error) from error
    except SQLAlchemyError as error:
        raise fail(database_problem(error)) from error
    except OSError as error:
        raise fail(f"{out} cannot be written: {error.strerror}. Nothing was left behind") from error
    finally:
        db.close()
    typer.echo(f"{out}: {said(manifest)}, {out.stat().st_size / MB:.1f} MB packed")
    typer.echo(
        "It holds the hub's keys and personal data: keep it as closed as the hub, encrypted where it leaves the machine."
    )
    for old in sorted(file for file in out.parent.iterdir() if keep and NAMED.fullmatch(file.name))[: -(keep or 0)]:
        old.unlink()
        typer.echo(f"removed {old}")


def restore_command(
    file: Annotated[Path, typer.Argument(help="A backup.", exists=True, dir_okay=False)],
    directory: Annotated[
        Path | None, typer.Option("--dir", help="The new hub's directory; it must not be there.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only prove that it can be restored; make nothing.")] = False,
    database_url: Annotated[
        str, typer.Option(help="Of a PostgreSQL database without tables, where the backup is of one.")
    ] = "",
) -> None:
    """Make a hub's directory from a backup, or nothing at all where the file is not whole."""
    with loading():
        from hub.backup import restoring

    if check == (directory is not None):
        raise typer.BadParameter("give either --dir or --check")
    try:
        with _bar("unpacked") as tell:
            if directory is None:
                manifest = restoring.check(file, tell)
            else:
                manifest = restoring.restore(file, directory, database_url, tell)
    except BackupProblem as error:
        raise fail(error) from error
    if directory is None:
        typer.echo(f"{file}: whole and sound; {said(manifest)}")
        return
    typer.echo(f"{directory}: {said(manifest)}")
    for line in AFTER:
        typer.echo(f"  {line.format(directory=directory)}")


def _note(db: Database) -> None:
    """For the health page, which says when backups have stopped."""
    from hub.tables import JobRun

    with db.unit_of_work("command line", "backup", audit=False) as uow:
        uow.session.merge(JobRun(job="backup", started_at=uow.now, finished_at=uow.now, ok=True))


AFTER = (
    "The hub from which it came must not run any more: two with the same keys tell the boxes different things.",
    "Look first: estate-hub verify-audit --dir {directory}",
    "Then serve. Tenancy records are read anew. Boxes come back by themselves where the address is the same, send again "
    "what they recorded in the last 72 hours, and go on refusing the credentials they were told to refuse since.",
    "What people did after that moment is to be done again: boxes and users removed, passes, consents, steps of cases.",
    "Days of which nothing is left are unknown, never absence.",
)


def said(manifest: Manifest) -> str:
    """What a backup holds, in one line."""
    pictures = sum(name.startswith("snapshots/") for name in manifest.parts)
    database = "SQLite" if manifest.database == "hub.sqlite" else "PostgreSQL"
    made = datetime.fromisoformat(manifest.made_at).astimezone()
    return (
        f"the hub of {made:%Y-%m-%d %H:%M:%S %Z}, database {database} (form {manifest.form or 'none'}), "
        f"{len(manifest.parts) - 1} files{f', {pictures} of them pictures' if pictures else ''}, {manifest.size / MB:.1f} MB"
    )


@contextmanager
def _bar(words: str) -> Iterator[Progress]:
    from rich.progress import DownloadColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (SpinnerColumn(), TextColumn("{task.description}"), DownloadColumn(), TimeElapsedColumn())
    with Bar(*columns, disable=not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task(words, total=None)
        yield lambda done: bar.advance(task, done)
