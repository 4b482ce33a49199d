"""The hub's settings: one immutable value, read once from the state directory and the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]


@dataclass(frozen=True, slots=True)
class Config:
    """`dir` holds everything the hub keeps. `database_url` is an SQLAlchemy URL; the default is SQLite in `dir`.

    `edge_port` is the HTTPS port for edges (mutual TLS). `broker_*` is the hub's link broker. Ports of 0 mean: free port.
    `night_jobs`: processes that judge a large night (0: as many as cores, at most five).
    """

    dir: Path
    host: str = "127.0.0.1"
    port: Port = 8080
    edge_host: str = "127.0.0.1"
    edge_port: Port = 0
    database_url: str = ""
    broker_host: str = "127.0.0.1"
    broker_port: Port = 1883
    broker_secret_file: str = "broker-hub.secret"
    demo: bool = False
    public_url: str = ""
    web_dir: Path | None = None
    night_jobs: Annotated[int, msgspec.Meta(ge=0)] = 0

    @property
    def url(self) -> str:
        return self.database_url or f"sqlite:///{self.dir / 'hub.sqlite'}"

    @property
    def keys_dir(self) -> Path:
        return self.dir / "keys"


def from_environment(dir: Path, **overrides: object) -> Config:
    """`ESTATE_DATABASE_URL`, `ESTATE_BROKER_HOST`, `ESTATE_BROKER_PORT`, `ESTATE_WEB_DIR`, `ESTATE_NIGHT_JOBS` override the
    defaults. ValueError for a number that is none."""
    values: dict[str, object] = {"dir": dir}
    if url := os.environ.get("ESTATE_DATABASE_URL"):
        values["database_url"] = url
    if host := os.environ.get("ESTATE_BROKER_HOST"):
        values["broker_host"] = host
    if port := os.environ.get("ESTATE_BROKER_PORT"):
        values["broker_port"] = _number("ESTATE_BROKER_PORT", port)
    if jobs := os.environ.get("ESTATE_NIGHT_JOBS"):
        values["night_jobs"] = _number("ESTATE_NIGHT_JOBS", jobs)
    if web := os.environ.get("ESTATE_WEB_DIR"):
        values["web_dir"] = Path(web)
    return Config(**{**values, **overrides})  # type: ignore[arg-type]


def _number(name: str, text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"{name} is {text!r}: give a whole number")
    return int(text)
