"""The city of the nightly figure: one estate's drawn history, and copies of it in the database."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from hub.services import Hub
from hub.tables import (
    AccessPoint,
    Block,
    Consent,
    Coverage,
    CredentialRow,
    Device,
    Door,
    DoorDay,
    Dwelling,
    Edge,
    Estate,
    HouseholdMember,
    Meter,
    MeterDay,
    PassDay,
    Person,
    Tenancy,
)

LAST = date(2026, 11, 20)
BLOCKS = 5
KEPT_ROWS = 6
"""Days of rows that a copy needs, unless it is judged from its whole record."""


@dataclass(frozen=True, slots=True)
class Story:
    """How a household of the template lives. `home`: chance of a pass a day; `faces`: with consent (b)."""

    home: float
    faces: bool
    away_from: int | None = None


def _stories(rng: random.Random, dwellings: int) -> list[Story | None]:
    """None: not let. Shares as in `reference` cities: most at home, some away for weeks or months, some hardly recorded."""
    found: list[Story | None] = []
    for _ in range(dwellings):
        kind = rng.random()
        if kind < 0.03:
            found.append(None)
        elif kind < 0.10:
            found.append(Story(0.85, rng.random() < 0.6, rng.randrange(3, 200)))
        elif kind < 0.14:
            found.append(Story(0.25, False))
        else:
            found.append(Story(rng.uniform(0.75, 0.97), rng.random() < 0.65))
    return found


def template(hub: Hub, dwellings: int, history: int, pack: str) -> None:
    """An estate under this policy pack, its history in the daily tables."""
    rng = random.Random(7)
    begun = LAST - timedelta(days=history - 1)
    with hub.db.unit_of_work("bench", "template", audit=False) as uow:
        session = uow.session

        def put(table: Any, rows: list[dict[str, Any]]) -> None:
            session.connection().execute(insert(table), rows)

        put(Estate, [{"id": "E0000", "code": "E0000", "name": "x", "policy": {}, "policy_pack": pack}])
        blocks = [f"E0000.B{n}" for n in range(BLOCKS)]
        put(
            Block,
            [
                {"id": b, "estate_id": "E0000", "code": b[6:], "name": b[6:], "floors": 30, "dwellings_per_floor": 9}
                for b in blocks
            ],
        )
        put(Edge, [{"id": "E0000.edge", "estate_id": "E0000", "name": "x"}])
        devices = ["E0000.gate", *(f"{b}.door" for b in blocks)]
        common = {"estate_id": "E0000", "edge_id": "E0000.edge", "kind": "modbus_door", "name": "x"}
        put(Device, [{"id": d, "code": d, **common} for d in [*devices, "E0000.meters"]])
        put(
            Door,
            [
                {"id": f"{d}.d", "estate_id": "E0000", "code": d, "name": "x", "scope": "block" if ".B" in d else "estate",
                 "block_id": d.removesuffix(".door") if ".B" in d else None}
                for d in devices
            ],
        )  # fmt: skip
        put(
            AccessPoint,
            [
                {
                    "id": f"{d}.a",
                    "estate_id": "E0000",
                    "door_id": f"{d}.d",
                    "code": d,
                    "name": "x",
                    "side": "in",
                    "device_id": d,
                }
                for d in devices
            ],
        )
        since = datetime(begun.year, begun.month, begun.day, tzinfo=UTC) - timedelta(days=2)
        put(
            Coverage,
            [{"estate_id": "E0000", "device_id": d, "state": "ok", "from_at": since, "to_at": None} for d in devices],
        )
        days = [begun + timedelta(days=n) for n in range(history)]
        put(
            DoorDay, [{"door_id": f"{d}.d", "day": day, "passes": dwellings // BLOCKS} for d in devices for day in days]
        )
        for number, story in enumerate(_stories(rng, dwellings)):
            _dwelling(put, rng, number, blocks[number % BLOCKS], story, begun, history)


def _dwelling(
    put: Any, rng: random.Random, number: int, block: str, story: Story | None, begun: date, history: int
) -> None:
    home = f"E0000.{number:05d}"
    put(
        Dwelling,
        [
            {
                "id": home,
                "estate_id": "E0000",
                "block_id": block,
                "code": home,
                "floor": 1,
                "number": str(number),
                "rooms": 2,
            }
        ],
    )
    put(
        Meter,
        [
            {
                "id": f"{home}.w",
                "estate_id": "E0000",
                "dwelling_id": home,
                "device_id": "E0000.meters",
                "point": "x",
                "quantity": "water",
            }
        ],
    )
    let = begun - timedelta(days=200)
    people = [f"{home}.p{n}" for n in range(1 + number % 4)] if story else []
    if story:
        put(
            Tenancy,
            [{"id": f"{home}.t", "source": "b", "source_id": f"{home}.t", "estate_id": "E0000", "dwelling_id": home,
              "state": "active",
              "from_date": let}],
        )  # fmt: skip
        put(
            Person,
            [{"id": p, "source": "b", "source_id": p, "name": "x", "birth_date": date(1980, 1, 1)} for p in people],
        )
        put(
            HouseholdMember,
            [
                {
                    "id": f"{p}.m",
                    "tenancy_id": f"{home}.t",
                    "person_id": p,
                    "relation": "x",
                    "ordinal": n,
                    "from_date": let,
                }
                for n, p in enumerate(people)
            ],
        )
        made = datetime(2024, 1, 1, tzinfo=UTC)
        base = {
            "estate_id": "E0000",
            "holder_class": "resident",
            "tenancy_id": f"{home}.t",
            "dwelling_id": home,
            "label": "x",
        }
        put(CredentialRow, [{"token": f"{p}.c", "person_id": p, "created_at": made, **base} for p in people])
        if story.faces:
            put(Consent, [{"id": f"{p}.b", "person_id": p, "purpose": "b", "granted_at": made} for p in people])
    passes, meters, value = [], [], 100.0
    for n in range(history):
        day = begun + timedelta(days=n)
        away = story is None or (story.away_from is not None and history - n <= story.away_from)
        at_home = story is not None and not away and rng.random() < story.home
        value += round(rng.uniform(0.08, 0.3), 3) if story is not None and not away else 0.0
        meters.append(
            {
                "meter_id": f"{home}.w",
                "day": day,
                "dwelling_id": home,
                "quantity": "water",
                "last_value": value,
                "ok_count": 4,
            }
        )
        if at_home and story is not None:
            who = people[: rng.randint(1, len(people))]
            passes += [
                {"dwelling_id": home, "day": day, "credential": f"{p}.c", "holder_class": "resident", "face": 2 * story.faces,
                 "face_consented": 2 * story.faces, "other": 0 if story.faces else 2,
                 "hours": 1 << rng.randint(6, 9) | 1 << rng.randint(17, 21)}
                for p in who
            ]  # fmt: skip
    put(MeterDay, meters)
    if passes:
        put(PassDay, passes)


WHOLE_TABLES = (
    "estate", "block", "edge", "device", "door", "access_point", "coverage", "dwelling", "meter", "tenancy", "person",
    "household_member", "consent", "credential", "dwelling_memory", "recognition_day", "door_day", "finding",
    "case_file",
)  # fmt: skip
DAILY_TABLES = ("pass_day", "meter_day", "presence_day")
KEYS = {
    "estate": "id", "pass_day": "dwelling_id", "meter_day": "dwelling_id", "presence_day": "dwelling_id",
    "recognition_day": "block_id", "door_day": "door_id",
    "dwelling_memory": "dwelling_id", "household_member": "id", "consent": "id", "person": "id",
}  # fmt: skip
"""Tables whose rows are known by another column than `estate_id`."""

GIVEN_IDS = {("finding", "id"), ("finding", "case_id"), ("case_file", "id")}
"""Ids that the job gave: a copy's are others."""


def copies(file: Path, estates: int, whole: list[str]) -> None:
    """The template's rows again under other ids; old daily rows only of dwellings that need them (`whole`)."""
    db = sqlite3.connect(file, isolation_level=None)
    # pages of an index stay at hand (kB, taken as needed): with the usual 2 MB each row of a large city is read from disk again
    for setting in ("foreign_keys=off", "synchronous=off", "journal_mode=off", "cache_size=-6000000"):
        db.execute(f"PRAGMA {setting}")
    db.execute("CREATE TEMP TABLE whole (id TEXT PRIMARY KEY)")
    db.executemany("INSERT INTO whole VALUES (?)", [(id,) for id in whole])
    recent = (LAST - timedelta(days=KEPT_ROWS)).isoformat()
    db.execute("BEGIN")
    for table in (*WHOLE_TABLES, *DAILY_TABLES):
        rows = ""
        if table in DAILY_TABLES:
            rows = f" AND (day >= '{recent}'" + (")" if table == "presence_day" else " OR dwelling_id IN whole)")
        for number in range(1, estates):
            _copy(db, table, f"E{number:04d}", rows)
    db.execute("COMMIT")
    db.close()


def _copy(db: sqlite3.Connection, table: str, name: str, rows: str) -> None:
    key = KEYS.get(table, "estate_id")
    columns, taken = [], []
    for _n, column, kind, *_ in db.execute(f"PRAGMA table_info({table})"):
        if table == "coverage" and column == "id":
            continue
        columns.append(column)
        text = "CHAR" in kind.upper() or "TEXT" in kind.upper()
        given = (table, column) in GIVEN_IDS
        own = f"{column} || '{name}'" if given else f"replace({column}, 'E0000', '{name}')"
        taken.append(own if text else column)
    chosen = f"{key} >= 'E0000' AND {key} < 'E0001'{rows}"
    db.execute(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(taken)} FROM {table} WHERE {chosen}")
