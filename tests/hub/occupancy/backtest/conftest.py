"""A simulated city's history told to a hub as its edge would tell it: day by day, through ingest and the registers."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, update

from device_drivers.contract.events import AccessEvent, Event, MeterReading, ObservationChanged
from device_drivers.contract.messages import EventBatch
from device_drivers.contract.words import AccessOutcome, IdentifierType, ObservationState, Quantity
from hub.events.ingest import Ingest
from hub.occupancy.backtest import baselines
from hub.services import Hub
from hub.tables import (
    Absence,
    AccessPoint,
    Block,
    CaseFile,
    Consent,
    CredentialRow,
    Device,
    Door,
    Dwelling,
    Edge,
    Estate,
    HouseholdMember,
    Meter,
    Person,
    Tenancy,
)

EDGE, EPOCH, BATCH = "edge-city", "epoch-1", 5000
CHINA = datetime.fromisoformat("2025-01-01T00:00:00+08:00").tzinfo
KINDS = {kind.value: kind for kind in (IdentifierType.FACE, IdentifierType.CARD, IdentifierType.PIN, IdentifierType.QR)}
SIDES = ("in", "out", "unknown")
Table = list[dict[str, str]]


@pytest.fixture(scope="package", autouse=True)
def small_forests() -> Iterator[None]:
    """What stands beside a back-test takes a third of a small one's time, and no test but that it is there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(baselines, "TREES", 2)
        yield


def read(file: Path) -> Table:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def _first(reading: MeterReading, used: float | None) -> MeterReading:
    """The same register before the first day's use."""
    return msgspec.structs.replace(reading, value=round((reading.value or 0) - (used or 0), 4))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), CHINA)


HUB_KIND = {"vacancy": "vacancy", "vacant_used": "vacant_used"}
HUB_OUTCOME = {"confirmed": "upheld", "unfounded": "dismissed", "good_cause": "good_cause"}


@dataclass
class CityInHub:
    """`live(day)` tells the hub all that happened on a day, and what the registers said at its end.

    The hub learns of credentials as back-test format means them: a person's face and first card are one credential, further
    cards are others of theirs, and what is nobody's own belongs to the household. Who lived in a home `once` keeps the credential
    of that time.
    """

    hub: Hub
    source: Path
    seq: int = 0
    passes: dict[date, Table] = field(default_factory=lambda: defaultdict(list))
    used: dict[tuple[str, date], float] = field(default_factory=dict)
    observed: dict[date, list[tuple[str, datetime, ObservationState]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    members: Table = field(default_factory=list)
    dwellings: Table = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    once: set[tuple[str, str]] = field(default_factory=set)
    held: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    sums: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    metered: dict[str, None] = field(default_factory=dict)

    def build(self) -> CityInHub:
        """Places, devices and tables; nothing has happened yet."""
        self.dwellings, self.members = read(self.source / "dwellings.csv"), read(self.source / "members.csv")
        for row in read(self.source / "passes.csv"):
            self.passes[date.fromisoformat(row["ts"][:10])].append(row)
        for row in read(self.source / "meters.csv"):
            meter, day = f"{row['dwelling_id']}:{row['kind']}", date.fromisoformat(row["date"])
            self.metered |= {meter: None}
            if row["ok"] == "1" and row["value"]:
                self.used[meter, day] = round(float(row["value"]), 4)
        ends: dict[str, set[str]] = defaultdict(set)
        begins: dict[str, set[str]] = defaultdict(set)
        for row in read(self.source / "coverage.csv"):
            point, at = row["access_point_id"], datetime.fromisoformat(row["from"])
            self.observed[at.date()].append((point, at, ObservationState(row["state"])))
            begins[point].add(row["from"])
            ends[point].add(row["to"])
        for point, known in ends.items():
            for end in known - begins[point]:
                at = datetime.fromisoformat(end)
                self.observed[at.date()].append((point, at, ObservationState.DOWN))
        with self.hub.db.unit_of_work("test", "city", audit=False) as uow:
            self._places(uow.session)
        return self

    def _places(self, session: Any) -> None:
        estates = sorted({row["estate_id"] for row in self.dwellings})
        assert len(estates) == 1, "one edge serves one estate"
        code = estates[0]
        session.add(Estate(id=code, code=code, name=code, policy={}, policy_pack="national_measured"))
        session.flush()
        session.add(Edge(id=EDGE, estate_id=code, name="edge", epoch=EPOCH))
        blocks = sorted({row["block_id"] for row in self.dwellings})
        session.add_all(Block(id=b, estate_id=code, code=b, name=b, floors=1, dwellings_per_floor=1) for b in blocks)
        session.flush()
        homes = {row["dwelling_id"]: row["block_id"] for row in self.dwellings}
        session.add_all(
            Dwelling(id=d, estate_id=code, block_id=b, code=d, floor=1, number=d) for d, b in sorted(homes.items())
        )
        common = {"estate_id": code, "edge_id": EDGE, "kind": "modbus_door"}
        session.add(Device(id="meters", code="meters", name="meters", **common))
        session.flush()
        for row in read(self.source / "access_points.csv"):
            point = row["access_point_id"]
            session.add(Device(id=point, code=point, name=point, **common))
            session.add(
                Door(
                    id=point, estate_id=code, block_id=row["block_id"] or None, dwelling_id=row["dwelling_id"] or None,
                    code=point, name=point, scope=row["scope"],
                )
            )  # fmt: skip
            session.flush()
            session.add_all(
                AccessPoint(
                    id=f"{point}/{side}", estate_id=code, door_id=point, code=f"{point}/{side}", name=point, side=side,
                    device_id=point, point=side,
                )
                for side in SIDES
            )  # fmt: skip
        session.add_all(
            Meter(id=id, estate_id=code, dwelling_id=home, device_id="meters", point=id, quantity=kind)
            for id in self.metered
            for home, _, kind in (id.rpartition(":"),)
        )

    def live(self, day: date) -> None:
        """A day goes by."""
        with self.hub.db.unit_of_work("test", "registers", audit=False) as uow:
            self._tenancies(uow.session, day)
            self._members(uow.session, day)
            self._absences(uow.session, day)
            self._cases(uow.session, day)
            passes = list(self._passes(uow.session, day))
        readings = list(self._readings(day))
        if not self.seq:  # what the registers showed when the history began
            start = _midnight(day) - timedelta(minutes=1)
            readings += [
                (start, "meters", MeterReading(Quantity(m.rpartition(":")[2]), 1000.0, meter=m)) for m in self.metered
            ]
        seen = [(at, point, ObservationChanged(state)) for point, at, state in self.observed.get(day, ())]
        told = sorted([*passes, *readings, *seen], key=lambda one: one[0])
        events = [
            Event(seq=self.seq + n, device=device, received_at=at, device_at=at, body=body)
            for n, (at, device, body) in enumerate(told, 1)
        ]
        self.seq += len(events)
        for begin in range(0, len(events), BATCH):
            part = tuple(events[begin : begin + BATCH])
            outcome = Ingest(self.hub).take(EDGE, EPOCH, [EventBatch(EPOCH, part[0].seq, part)])
            assert outcome is not None
            assert (outcome.new, outcome.dead) == (len(part), 0)

    def _tenancies(self, session: Any, day: date) -> None:
        for row in self.dwellings:
            if not row["let_from"]:
                continue
            id = f"{row['dwelling_id']}@{row['let_from']}"
            if row["let_to"] and date.fromisoformat(row["let_to"]) < day:
                ended = _midnight(date.fromisoformat(row["let_to"])) + timedelta(hours=12)
                session.execute(update(Tenancy).where(Tenancy.id == id).values(state="ended", ended_at=ended))
            if row["let_from"] <= day.isoformat() and session.get(Tenancy, id) is None:
                session.add(
                    Tenancy(
                        id=id, source="test", source_id=id, estate_id=row["estate_id"], dwelling_id=row["dwelling_id"],
                        state="active", from_date=date.fromisoformat(row["let_from"]),
                    )
                )  # fmt: skip
        session.flush()

    def _tenancy_of(self, home: str, day: date) -> str | None:
        live = (r for r in self.dwellings if r["dwelling_id"] == home and r["let_from"] and r["let_from"] <= str(day))
        return next((f"{home}@{r['let_from']}" for r in live if not r["let_to"] or str(day) <= r["let_to"]), None)

    def _live_members(self, day: date) -> dict[tuple[str, str], bool]:
        """(person, dwelling) → consent (b)."""
        return {
            (row["person_id"], row["dwelling_id"]): row["face_consent_b"] == "1"
            for row in self.members
            if row["from"] <= str(day) and (not row["to"] or str(day) <= row["to"])
        }

    def _members(self, session: Any, day: date) -> None:
        live = self._live_members(day)
        known = {m.id: m for m in session.scalars(select(HouseholdMember))}
        for person, home in live:
            tenancy = self._tenancy_of(home, day)
            id = f"{person}@{tenancy}"
            if tenancy is None or id in known:
                continue
            if session.get(Person, person) is None:
                session.add(Person(id=person, source="test", source_id=person, name="x"))
                session.flush()
            since = min(r["from"] for r in self.members if (r["person_id"], r["dwelling_id"]) == (person, home))
            session.add(
                HouseholdMember(
                    id=id, tenancy_id=tenancy, person_id=person, relation="x", from_date=date.fromisoformat(since)
                )
            )
        for member in known.values():
            home = member.tenancy_id.partition("@")[0]
            if member.to_date is None and (member.person_id, home) not in live:
                member.to_date = day - timedelta(days=1)
        session.flush()
        consented = {person for (person, _home), given in live.items() if given}
        rows = {c.person_id: c for c in session.scalars(select(Consent).where(Consent.withdrawn_at.is_(None)))}
        for person in consented - rows.keys():
            given = [r["from"] for r in self.members if r["person_id"] == person and r["face_consent_b"] == "1"]
            granted = _midnight(date.fromisoformat(max(first for first in given if first <= str(day))))
            session.add(Consent(id=f"{person}-{day}", person_id=person, purpose="b", granted_at=granted))
        for person in rows.keys() - consented:
            rows[person].withdrawn_at = _midnight(day)
        session.flush()

    def _absences(self, session: Any, day: date) -> None:
        for number, row in enumerate(read(self.source / "absences.csv")):
            if row["declared_on"] == str(day) or (
                row["declared_on"] < str(day) and session.get(Absence, str(number)) is None
            ):
                session.add(
                    Absence(
                        id=str(number), dwelling_id=row["dwelling_id"], from_date=date.fromisoformat(row["from"]),
                        to_date=date.fromisoformat(row["to"]) if row["to"] else None, reason=row["reason"],
                        declared_on=date.fromisoformat(row["declared_on"]),
                    )
                )  # fmt: skip
        session.flush()

    def _cases(self, session: Any, day: date) -> None:
        """What an official closed on this day. It had no lead of ours."""
        for number, row in enumerate(read(self.source / "cases.csv")):
            home, at = row["dwelling_id"], _midnight(day) + timedelta(hours=10)
            if row["closed_on"] == str(day):
                session.add(
                    CaseFile(
                        id=f"case-{number}", number=f"E-2024-{number:04d}", estate_id=home[:3], dwelling_id=home,
                        tenancy_id=self._tenancy_of(home, day), kind=HUB_KIND.get(row["kind"], "sublet"), stage="yellow",
                        state=HUB_OUTCOME[row["outcome"]], outcome=HUB_OUTCOME[row["outcome"]], opened_at=at, closed_at=at,
                    )
                )  # fmt: skip

    def _passes(self, session: Any, day: date) -> Iterator[tuple[datetime, str, AccessEvent]]:
        homes: dict[str, list[tuple[str, bool]]] = defaultdict(list)
        for (person, home), consent in self._live_members(day).items():
            homes[person].append((home, consent))
            self.once.add((person, home))
        for row in self.passes.get(day, ()):
            kind, person, named = row["credential_kind"], row["person_id"], row["dwelling_id"]
            granted = row["granted"] == "1"
            home, consent = next(((h, c) for h, c in sorted(homes.get(person, ())) if named in ("", h)), ("", False))
            where = home or named
            own = (bool(home) or (person, where) in self.once) and kind in ("face", "card", "qr")
            # a face that is nobody's here is no credential of a dwelling; what was refused opened nothing
            holder = granted and kind != "staff" and bool(where) and (own or kind != "face")
            token = (
                (self._own(person, row["credential_id"], kind) if own else row["credential_id"] or "?")
                if holder
                else None
            )
            if token is not None:
                self._credential(session, token, person if own else None, where, day, visitor=kind == "visitor")
            body = AccessEvent(
                AccessOutcome.GRANTED if granted else AccessOutcome.DENIED,
                access_point=f"{row['access_point_id']}/{row['direction']}",
                credential=token,
                identifier=KINDS.get(kind, IdentifierType.QR),
            )
            yield datetime.fromisoformat(row["ts"]).astimezone(UTC), row["access_point_id"], body
        session.flush()

    def _own(self, person: str, credential: str, kind: str) -> str:
        cards = self.held[person]
        if kind != "face" and credential not in cards:
            cards.append(credential)
        place = cards.index(credential) if kind != "face" else 0
        return f"P:{person}" if place == 0 else f"P:{person}#{place + 1}"

    def _credential(self, session: Any, token: str, person: str | None, home: str, day: date, visitor: bool) -> None:
        if token in self.tokens:
            return
        self.tokens.add(token)
        session.add(
            CredentialRow(
                token=token, estate_id=home[:3], holder_class="visitor" if visitor else "resident", person_id=person,
                tenancy_id=self._tenancy_of(home, day) if person else None, dwelling_id=home, label="x",
                created_at=_midnight(day),
            )
        )  # fmt: skip

    def _readings(self, day: date) -> Iterator[tuple[datetime, str, MeterReading]]:
        """What each register shows at the end of the day: where the day's use is known, and before a day whose use is known."""
        at = (_midnight(day) + timedelta(hours=23, minutes=59)).astimezone(UTC)
        for meter in self.metered:
            used = self.used.get((meter, day))
            if used is not None:
                self.sums[meter] = round(self.sums[meter] + used, 4)
            elif (meter, day + timedelta(days=1)) not in self.used:
                continue
            yield at, "meters", MeterReading(Quantity(meter.rpartition(":")[2]), 1000 + self.sums[meter], meter=meter)


@pytest.fixture
def city_in_hub() -> Callable[[Hub, Path], CityInHub]:
    """`city_in_hub(hub, directory)`: the city of these tables, of which nothing has happened yet."""
    return lambda hub, source: CityInHub(hub, source).build()
