"""`publish.estate`: from a tenancy change to the lists published, with 5,000 and 50,000 people in the estate, with memory.

Timed is what an ordinary change costs: a member leaves, another gets another card, and the job `access.publish` runs on what was
noted. Reference: composing the same estate from everything, in the same run; and the raw read of its credentials.
"""

from __future__ import annotations

import resource
import statistics
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert, select, update

from device_drivers.mqtt import MemoryBroker, MemoryLink
from hub import moved
from hub.access import publish
from hub.config import Config
from hub.db import Database, UnitOfWork
from hub.keys import Keys
from hub.live import Live
from hub.services import Hub
from hub.tables import (
    AccessPoint,
    Base,
    Block,
    CredentialRow,
    DesiredList,
    Device,
    Door,
    Dwelling,
    Edge,
    Estate,
    HouseholdMember,
    Person,
    Tenancy,
)
from tools.bench.figure import Figure

PEOPLE_A_HOUSEHOLD = 3
DWELLINGS_A_BLOCK = 200
RUNS = 5
FROM = date(2026, 1, 5)
GOALS_S = {5_000: 1.0, 50_000: 5.0}


def build(hub: Hub, people: int, e: str = "E") -> int:
    """An estate with four gates and an entrance a block, one device each. Gives the number of devices.

    Ids begin with `e`, but for the estate `E`: there they are short.
    """
    households = people // PEOPLE_A_HOUSEHOLD
    blocks = -(-households // DWELLINGS_A_BLOCK)
    gates, p = 4, "" if e == "E" else f"{e}."
    members = range(households * PEOPLE_A_HOUSEHOLD)
    with hub.db.unit_of_work("bench", "estate", audit=False) as uow:
        put = _Put(uow)
        put(Estate, [{"id": e, "code": e, "name": e, "policy": {}}])
        put(Edge, [{"id": f"{p}edge", "estate_id": e, "name": f"{p}edge", "online": True}])
        put(Block, [{"id": f"{p}B{b}", "estate_id": e, "code": f"B{b}", "name": f"{b}号楼", "floors": 50,
                     "dwellings_per_floor": 4} for b in range(blocks)])  # fmt: skip
        places = [("estate", None)] * gates + [("block", f"{p}B{b}") for b in range(blocks)]
        put(Device, [{"id": f"{p}d{n}", "estate_id": e, "edge_id": f"{p}edge", "code": f"d{n}", "name": f"d{n}",
                      "kind": "face_terminal", "config": {}} for n in range(len(places))])  # fmt: skip
        put(Door, [{"id": f"{p}door{n}", "estate_id": e, "code": f"door{n}", "name": f"door{n}", "scope": scope,
                    "block_id": block} for n, (scope, block) in enumerate(places)])  # fmt: skip
        put(AccessPoint, [{"id": f"{p}p{n}", "estate_id": e, "door_id": f"{p}door{n}", "code": f"p{n}", "name": f"p{n}",
                           "side": "in", "device_id": f"{p}d{n}", "point": "1"} for n in range(len(places))])  # fmt: skip
        put(Dwelling, [{"id": f"{p}w{h}", "estate_id": e, "block_id": f"{p}B{h // DWELLINGS_A_BLOCK}",
                        "code": f"{p}w{h}", "floor": 1, "number": str(h % DWELLINGS_A_BLOCK)}
                       for h in range(households)])  # fmt: skip
        put(Tenancy, [{"id": f"{p}t{h}", "source": "s", "source_id": f"{p}t{h}", "version": 1, "estate_id": e,
                       "dwelling_id": f"{p}w{h}", "state": "active", "from_date": FROM} for h in range(households)])  # fmt: skip
        put(Person, [{"id": f"{p}q{n}", "source": "s", "source_id": f"{p}q{n}", "name": "某",
                      "birth_date": date(1980, 1, 1)} for n in members])  # fmt: skip
        put(HouseholdMember, [
            {"id": f"{p}m{n}", "tenancy_id": f"{p}t{n // PEOPLE_A_HOUSEHOLD}", "person_id": f"{p}q{n}", "relation": "other",
             "ordinal": n % PEOPLE_A_HOUSEHOLD + 1, "from_date": FROM, "offered": {"cards": [str(10**6 + n)]}}
            for n in members
        ])  # fmt: skip
    return len(places)


class _Put:
    """Rows of one table, in one statement."""

    def __init__(self, uow: UnitOfWork) -> None:
        self.uow = uow

    def __call__(self, table: type[Base], rows: list[dict[str, object]]) -> None:
        self.uow.session.execute(insert(table), rows)


def change(hub: Hub, run: int) -> None:
    """One member leaves, and one other gets another card."""
    with hub.db.unit_of_work("bench", "change", audit=False) as uow:
        left = update(HouseholdMember).where(HouseholdMember.id == f"m{10 * run}")
        uow.session.execute(left.values(to_date=hub.now().date() - timedelta(days=1)))
        other = update(HouseholdMember).where(HouseholdMember.id == f"m{10 * run + 5}")
        uow.session.execute(other.values(offered={"cards": [str(9 * 10**6 + run)]}))
        touched = [f"t{(10 * run + extra) // PEOPLE_A_HOUSEHOLD}" for extra in (0, 5)]
        moved.tenancies(uow, "E", touched, ends=True)


def one(people: int) -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        db = Database(f"sqlite:///{Path(folder) / 'hub.sqlite'}")
        Base.metadata.create_all(db.engine)
        hub = Hub(Config(dir=Path(folder)), db, Keys(Path(folder) / "keys"), Live(), lambda: datetime.now(UTC))
        hub.link = MemoryLink(MemoryBroker())
        hub.link.start(lambda _message: None, lambda _up, _why: None)
        devices = build(hub, people)
        began = time.perf_counter()
        publish.publish(hub)
        first = time.perf_counter() - began
        began = time.perf_counter()
        publish.publish(hub)
        whole = time.perf_counter() - began
        times = []
        for run in range(1, RUNS + 1):
            before = _generations(hub)
            change(hub, run)
            began = time.perf_counter()
            publish.run(hub)
            times.append(time.perf_counter() - began)
            if _generations(hub) == before:
                raise RuntimeError("a change moved no list: nothing was measured")
        began = time.perf_counter()
        with hub.db.reading() as session:
            rows = len(session.execute(select(CredentialRow.token, CredentialRow.label, CredentialRow.state)).all())
        bare = time.perf_counter() - began
        db.close()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    took, goal = statistics.median(times), GOALS_S[people]
    return Figure(
        "publish.estate",
        round(took, 2),
        f"s median of {RUNS}, {people:,} people, {devices} devices (first list {first:.1f} s, process peak {memory:.0f} MiB)",
        f"the whole estate composed {whole:.2f} s; bare read of {rows:,} credential rows {bare * 1000:.0f} ms",
        round(took / whole, 3),
        f"≤ {goal:g} s",
        took <= goal,
    )


def _generations(hub: Hub) -> dict[str, int]:
    with hub.db.reading() as session:
        return dict(session.execute(select(DesiredList.device_id, DesiredList.generation)).all())


def measure() -> list[Figure]:
    """Smaller first: the peak of memory is the process's, and only grows."""
    return [one(people) for people in sorted(GOALS_S)]
