"""The hub's settings: one immutable value, read once from the state directory and the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Config:
    """`dir` holds everything the hub keeps. `database_url` is an SQLAlchemy URL; the default is SQLite in `dir`.

    `edge_port` is the HTTPS port for edges (mutual TLS). `broker_*` is the hub's link broker. Ports of 0 mean: free port.
    `night_jobs`: processes that judge a large night (0: as many as cores, at most five).
    """

    dir: Path
    host: str = "127.0.0.1"
    port: int = 8080
    edge_host: str = "127.0.0.1"
    edge_port: int = 0
    database_url: str = ""
    broker_host: str = "127.0.0.1"
    broker_port: int = 1883
    broker_secret_file: str = "broker-hub.secret"
    demo: bool = False
    public_url: str = ""
    web_dir: Path | None = None
    night_jobs: int = 0

    @property
    def url(self) -> str:
        return self.database_url or f"sqlite:///{self.dir / 'hub.sqlite'}"

    @property
    def keys_dir(self) -> Path:
        return self.dir / "keys"


def from_environment(dir: Path, **overrides: object) -> Config:
    """`ESTATE_DATABASE_URL`, `ESTATE_BROKER_HOST`, `ESTATE_BROKER_PORT`, `ESTATE_WEB_DIR`, `ESTATE_NIGHT_JOBS` override the
    defaults."""
    values: dict[str, object] = {"dir": dir}
    if url := os.environ.get("ESTATE_DATABASE_URL"):
        values["database_url"] = url
    if host := os.environ.get("ESTATE_BROKER_HOST"):
        values["broker_host"] = host
    if port := os.environ.get("ESTATE_BROKER_PORT"):
        values["broker_port"] = int(port)
    if jobs := os.environ.get("ESTATE_NIGHT_JOBS"):
        values["night_jobs"] = int(jobs)
    if web := os.environ.get("ESTATE_WEB_DIR"):
        values["web_dir"] = Path(web)
    return Config(**{**values, **overrides})  # type: ignore[arg-type]
