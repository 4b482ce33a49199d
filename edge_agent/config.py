"""The directory of an edge box: what enrolment left there and where everything else lives."""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from device_drivers.driver import BrokerAddress

UNFINISHED = ".new"


class LocalBroker(msgspec.Struct, frozen=True):
    """The broker on the box itself, which face terminals speak to."""

    host: str
    port: int
    username: str
    password: str


class EdgeConfig(msgspec.Struct, frozen=True):
    """`edge.json`. `serve_host` is the address under which devices reach this box (pictures for terminals).

    `device_interface`: our IPv4 address on the devices' network, where ONVIF devices are looked for; empty: `serve_host`.
    `face_pack`: directory of a licensed model pack for the face engine; empty: no faces are recognised on this box.
    """

    edge: str
    estate: str
    mqtt_host: str
    mqtt_port: int
    https_url: str
    secret: str
    mqtt_tls: bool = True
    serve_host: str = "127.0.0.1"
    serve_port: int = 0
    local_broker: LocalBroker | None = None
    device_interface: str = ""
    face_pack: str = ""

    @property
    def discovery_interface(self) -> str:
        """Empty: nothing is looked for. Never a wildcard: a box may hang in other networks too."""
        found = self.device_interface or ("" if is_loopback(self.serve_host) else self.serve_host)
        return "" if found in ("0.0.0.0", "::") else found

    @property
    def broker_address(self) -> BrokerAddress | None:
        b = self.local_broker
        return BrokerAddress(b.host, b.port, b.username, b.password) if b else None


class AlreadyRunning(Exception):
    """Another agent works in this directory: two would write one journal, and answer the hub in turns."""


class ConfigMissing(Exception):
    """The box is not enrolled, or its `edge.json` cannot be read: the text says what to do."""


@dataclass(frozen=True, slots=True)
class EdgeDir:
    """Names of everything below `--dir`."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / "edge.json"

    @property
    def key(self) -> Path:
        return self.root / "key.pem"

    @property
    def certificate(self) -> Path:
        return self.root / "cert.pem"

    @property
    def ca(self) -> Path:
        return self.root / "ca.pem"

    @property
    def hub_key(self) -> Path:
        return self.root / "hub_key"

    @property
    def journal(self) -> Path:
        return self.root / "journal.db"

    @property
    def state(self) -> Path:
        return self.root / "state.db"

    @property
    def devices(self) -> Path:
        return self.root / "devices.json"

    @property
    def status(self) -> Path:
        return self.root / "status.json"

    @property
    def socket(self) -> Path:
        return self.root / "control.sock"

    @property
    def lists(self) -> Path:
        return self.root / "lists"

    @property
    def photos(self) -> Path:
        return self.root / "photos"

    @property
    def snapshots(self) -> Path:
        return self.root / "snapshots"

    @property
    def found(self) -> Path:
        return self.root / "found"

    @property
    def imports(self) -> Path:
        return self.root / "import"

    def make(self) -> None:
        for path in (self.root, self.lists, self.photos, self.snapshots, self.imports):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """While it lasts no other agent works here, also after a kill: the lock ends with its process. Raises AlreadyRunning."""
        folder = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise AlreadyRunning(f"another estate-edge works in {self.root}") from error
        finally:
            os.close(folder)

    def sweep(self) -> None:
        """What a power cut left half written. (Pictures have their own way out.)"""
        for folder in (self.root, self.lists, self.imports, self.found):
            for path in folder.glob(f"*{UNFINISHED}"):
                with contextlib.suppress(OSError):
                    path.unlink()

    def load(self) -> EdgeConfig:
        """Raises ConfigMissing."""
        try:
            return msgspec.json.decode(self.config.read_bytes(), type=EdgeConfig)
        except FileNotFoundError as error:
            raise ConfigMissing(f"{self.config} is missing: run `estate-edge enrol` first") from error
        except (OSError, ValueError) as error:
            raise ConfigMissing(f"{self.config}: {error}") from error


def write_atomic(path: Path, content: bytes, mode: int = 0o600, *, lasting: bool = True) -> None:
    """Whole or not at all, also after a power cut: write beside, fsync, rename, fsync the directory.

    Each writer has a file of its own: two terminals fetch the same photo at the same moment. Not `lasting`: without the
    flushes, for what is checked when it is read and can be had again.
    """
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}{UNFINISHED}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(handle, view) :]
            if lasting:
                os.fsync(handle)
        finally:
            os.close(handle)
        beside.replace(path)
    except BaseException:  # a part of it would take the room that is missing
        beside.unlink(missing_ok=True)
        raise
    if not lasting:
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def is_loopback(host: str) -> bool:
    """Plain text is allowed to this very machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
