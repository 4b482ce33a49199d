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
    file = directory / SETTINGS
    kept: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    known = {field.name for field in fields(Config)} - {"dir"}
    if unknown := set(kept) - known:
        raise typer.BadParameter(f"{file}: unknown settings {', '.join(sorted(unknown))}")
    given = {name: value for name, value in overrides.items() if value is not None}
    for name in ("host", "edge_host"):
        kept.setdefault(name, "127.0.0.1")
    environment = from_environment(directory)
    plain = Config(dir=directory)
    changed = {f: getattr(environment, f) for f in known if getattr(environment, f) != getattr(plain, f)}
    merged = {**kept, **changed, **given}
    if isinstance(merged.get("web_dir"), str):
        merged["web_dir"] = Path(merged["web_dir"])
    return Config(dir=directory, **merged)


def fail(error: Exception | str) -> typer.Exit:
    typer.echo(f"error: {error}", err=True)
    return typer.Exit(1)


def open_directory(directory: Path, *, create: bool = False) -> Any:
    """The hub in `directory`. A mistyped --dir must not make a new, empty one."""
    with loading():
        from hub import migrations
        from hub.services import open_hub

    config = load_config(directory)
    if not create and not config.database_url and not (directory / "hub.sqlite").exists():
        raise fail(f"there is no hub in {directory}: check --dir, or make one with `estate-hub migrate`")
    hub = open_hub(config)
    try:
        migrations.upgrade(hub.db)
    except migrations.DatabaseInUse as error:
        raise fail(error) from error
    return hub
