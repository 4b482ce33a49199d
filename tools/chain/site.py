"""The twin estate: two blocks, a gate, three entrances of different make, one edge. Built once a process, copied for each run."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from hub.config import Config
from hub.db import Database
from hub.keys import Keys
from hub.live import Live
from hub.services import Hub
from hub.tables import AccessPoint, Base, Block, Device, Door, Dwelling, Edge, Estate
from tools.chain.judge import Place
from tools.chain.terminal import BLIND, BOARD, NAMER, PROVER, Model

BEGIN = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)  # a Monday noon in Shanghai
ESTATE, EDGE = "E001", "edge-aaaa"
GATE, NAMES, WRITES, DOORS = "E001.gate", "E001.b1-name", "E001.b2-blind", "E001.b2-board"
DEVICES: dict[str, tuple[Model, str | None]] = {
    GATE: (PROVER, None),
    NAMES: (NAMER, "B1"),
    WRITES: (BLIND, "B2"),
    DOORS: (BOARD, "B2"),
}
PLACES = {
    device: Place(device, f"-{block}-" if block else None, model.capabilities.photos)
    for device, (model, block) in DEVICES.items()
}
DWELLINGS = tuple(f"E001-{block}-0{floor}0{n}" for block in ("B1", "B2") for floor in (1, 2) for n in (1, 2, 3))
SOURCE = {"name": "office", "url": "http://office", "api_key_file": "office.key", "kind": "http"}


@functools.cache
def _template() -> Path:
    root = _base() / "template"
    root.mkdir()
    db = Database(f"sqlite:///{root / 'hub.sqlite'}")
    Base.metadata.create_all(db.engine)
    hub = Hub(Config(dir=root), db, Keys(root / "keys"), Live(), lambda: BEGIN)
    build(hub)
    db.close()
    (root / "office.key").write_text("a key")
    (root / "sources.json").write_bytes(msgspec.json.encode([SOURCE]))
    return root


def _fast() -> str | None:
    """Memory where there is some: the runs test order, not disks."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


@functools.cache
def _base() -> Path:
    root = tempfile.mkdtemp(prefix="estate-chain-", dir=_fast())
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    return Path(root)


def workspace() -> Path:
    """An empty directory, always the same in one process: what is compiled for its database is used again."""
    root = _base() / "run"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    return root


def lay_out(root: Path) -> None:
    """A hub's directory with the estate in it and nobody living there."""
    shutil.copytree(_template(), root, dirs_exist_ok=True)


def build(hub: Hub) -> None:
    common = {"estate_id": ESTATE}
    with hub.db.unit_of_work("chain", "estate", audit=False, now=BEGIN) as uow:
        add, flush = uow.session.add, uow.session.flush
        brake = {"share": 1.0, "households": 1000, "floor": 1000}  # the brake has its own tests
        add(Estate(id=ESTATE, code="E001", name="青松公租房小区", policy={"brake": brake}))
        flush()
        add(Edge(id=EDGE, name="edge", enrolled_at=BEGIN, **common))
        for block in ("B1", "B2"):
            add(
                Block(id=f"E001.{block}", code=block, name=f"{block[1]}号楼", floors=2, dwellings_per_floor=3, **common)
            )
        flush()
        for code in DWELLINGS:
            _, block, number = code.split("-")
            add(Dwelling(id=f"E001.{code}", block_id=f"E001.{block}", code=code, floor=int(number[1]),
                         number=number.lstrip("0"), **common))  # fmt: skip
        for device, (model, of_block) in DEVICES.items():
            code = device.removeprefix("E001.")
            add(Device(id=device, edge_id=EDGE, code=code, name=code, kind=model.kind, **common))
            place = {"scope": "block", "block_id": f"E001.{of_block}"} if of_block else {"scope": "estate"}
            add(Door(id=f"{device}-door", code=f"{code}-door", name=code, **place, **common))
            flush()
            add(AccessPoint(id=f"{device}-in", door_id=f"{device}-door", code=f"{code}-in", name=code, side="in",
                            device_id=device, point="1", **common))  # fmt: skip
