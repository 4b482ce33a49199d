"""A hub's directory for the command line: its settings, and the hub opened on it."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from hub.config import Config, from_environment

Directory = Annotated[Path, typer.Option("--dir", help="The hub's state: database, keys, settings (hub.json).")]
DIR = Path("estate-hub")
SETTINGS = "hub.json"


@contextmanager
def loading() -> Iterator[None]:
    """Around the imports with which a process begins. They make a million objects that all stay: looking for garbage among them,
    now and later, is a third of a command's time."""
    if "hub.services" in sys.modules:  # not the beginning
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def load_config(directory: Path, **overrides: Any) -> Config:
    """`hub.json` in the directory (fields of Config), then the environment, then what was given here (None: not given)."""
    kept, known = settings(directory), {field.name for field in fields(Config)} - {"dir"}
    file = directory / SETTINGS
    if unknown := set(kept) - known:
        raise typer.BadParameter(f"{file}: unknown settings {', '.join(sorted(unknown))}")
    given = {name: value for name, value in overrides.items() if value is not None}
    for name in ("host", "edge_host"):
        kept.setdefault(name, "127.0.0.1")
    try:
        environment = from_environment(directory)
    except ValueError as error:
        raise fail(error) from error
    plain = Config(dir=directory)
    changed = {f: getattr(environment, f) for f in known if getattr(environment, f) != getattr(plain, f)}
    merged = {**kept, **changed, **given}
    try:
        return msgspec.convert({**merged, "dir": directory}, Config, dec_hook=lambda _type, value: Path(value))
    except msgspec.ValidationError as error:
        raise fail(f"a setting of {file}, or one that was given, cannot be used: {error}") from error


def settings(directory: Path) -> dict[str, Any]:
    """What `hub.json` says; ends the command where it cannot be read."""
    file = directory / SETTINGS
    try:
        kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        if not isinstance(kept, dict):
            raise ValueError("it holds no object of settings")
    except (ValueError, OSError) as error:
        raise fail(f"{file} cannot be read: {error}. Correct it, or restore it from the backup") from error
    return kept


def fail(error: Exception | str) -> typer.Exit:
    typer.echo(f"error: {error}", err=True)
    return typer.Exit(1)


def open_directory(directory: Path, *, create: bool = False) -> Any:
    """The hub in `directory`. A mistyped --dir must not make a new, empty one."""
    with loading():
        from sqlalchemy.exc import SQLAlchemyError

        from hub import migrations
        from hub.services import open_hub

    config = load_config(directory)
    if not create and not config.database_url and not (directory / "hub.sqlite").exists():
        raise fail(f"there is no hub in {directory}: check --dir, or make one with `estate-hub migrate`")
    try:
        hub = open_hub(config)
        migrations.upgrade(hub.db)
    except migrations.CannotUpgrade as error:
        raise fail(error) from error
    except SQLAlchemyError as error:
        raise fail(database_problem(error)) from error
    return hub


def database_problem(error: Exception) -> str:
    """What a database, or its address, said, with what to do: one line."""
    from sqlalchemy.exc import OperationalError

    said = " ".join(str(getattr(error, "orig", None) or error).split())
    if isinstance(error, OperationalError):
        return f"the database does not answer or takes no writes; start it and try again: {said}"
    return f"the database cannot be used: {said}. Check its file or its address, or restore the last backup"
