"""What ingest must know of an edge's things and of the credentials a run of events names.

Kept between runs for as long as the audit trail stands still: whatever changes a credential, a consent, a meter or a device
writes an audit row in the same transaction, so its newest id is the version of all of them, in every process.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from device_drivers.contract.events import AccessEvent, Event, MeterReading
from hub.consents import Given, Span, spans
from hub.events.rows import Holder, Places
from hub.tables import AccessPoint, AuditRow, Consent, CredentialRow, Device, Edge, Estate, Meter, Person

MAX_KEPT = 200_000  # credentials and meters of one edge


class PlacesCache:
    """One a worker. A consent withdrawn a moment ago counts already: its audit row moved the version."""

    def __init__(self) -> None:
        self._version: int | None = None
        self._of_edge: dict[str, Places] = {}

    def places(self, session: Session, edge: Edge, events: Iterable[Event]) -> Places:
        """The edge's things, with at least the credentials and meters that these events name and the hub knows."""
        version = session.scalar(select(func.max(AuditRow.id))) or 0
        if version != self._version:
            self._of_edge.clear()
            self._version = version
        tokens, meters = _named(events)
        known = self._of_edge.get(edge.id)
        if known is None or len(known.holders) + len(known.meters) > MAX_KEPT:
            known = self._of_edge[edge.id] = _load(session, edge)
        known.holders.update(_holders(session, tokens - known.holders.keys(), edge.estate_id))
        known.meters.update(_meters(session, meters - known.meters.keys(), edge.estate_id))
        return known


def _named(events: Iterable[Event]) -> tuple[set[str], set[str]]:
    """Tokens and meters."""
    tokens: set[str] = set()
    meters: set[str] = set()
    for event in events:
        body = event.body
        if isinstance(body, AccessEvent):
            if body.credential:
                tokens.add(body.credential)
        elif isinstance(body, MeterReading):
            meters.add(body.meter)
    return tokens, meters


def _load(session: Session, edge: Edge) -> Places:
    estate = session.get_one(Estate, edge.estate_id)
    points = session.execute(
        select(AccessPoint.id, AccessPoint.door_id, AccessPoint.name, AccessPoint.side).where(
            AccessPoint.estate_id == edge.estate_id
        )
    ).all()
    devices = session.execute(select(Device.id, Device.name).where(Device.edge_id == edge.id))
    return Places(
        edge_id=edge.id,
        estate_id=edge.estate_id,
        zone=ZoneInfo(estate.time_zone),
        devices={row.id: row.name for row in devices},
        doors={row.id: row.door_id for row in points},
        access_points={row.id: row.name for row in points},
        meters={},
        holders={},
        sides={row.id: row.side for row in points},
    )


def _meters(session: Session, ids: set[str], estate_id: str) -> dict[str, tuple[str, str]]:
    if not ids:
        return {}
    query = select(Meter.id, Meter.dwelling_id, Meter.quantity).where(Meter.id.in_(ids), Meter.estate_id == estate_id)
    return {id: (dwelling, quantity) for id, dwelling, quantity in session.execute(query)}


def _fourteen(born: date) -> datetime:
    day = date(born.year + 14, 3, 1) if (born.month, born.day) == (2, 29) else born.replace(year=born.year + 14)
    return datetime.combine(day, time(), UTC)


def _alone(found: list[Span], guarded: list[bool], born: date | None) -> tuple[Span, ...]:
    """Below 14 a guardian consents (PIPL 31): without one it counts from that birthday on."""
    return tuple(
        (max(since, _fourteen(born)) if born and not by_guardian else since, until)
        for (since, until), by_guardian in zip(found, guarded, strict=True)
    )


def _holders(session: Session, tokens: set[str], estate_id: str) -> dict[str, Holder]:
    if not tokens:
        return {}
    columns = (
        CredentialRow.token,
        CredentialRow.dwelling_id,
        CredentialRow.person_id,
        CredentialRow.holder_class,
        CredentialRow.label,
    )
    query = select(*columns).where(CredentialRow.token.in_(tokens), CredentialRow.estate_id == estate_id)
    rows = session.execute(query).all()
    given: dict[str, list[Given]] = {}
    born_on: dict[str, date | None] = {}
    guarded: dict[str, list[bool]] = {}
    persons = {row.person_id for row in rows if row.person_id}
    if persons:
        asked = select(
            Consent.person_id,
            Consent.granted_at,
            Consent.withdrawn_at,
            Consent.recorded_at,
            Consent.guardian,
            Person.birth_date,
        ).join(Person, Person.id == Consent.person_id)
        for person, granted, withdrawn, recorded, guardian, born in session.execute(
            asked.where(Consent.person_id.in_(persons), Consent.purpose == "b")
        ):
            given.setdefault(person, []).append(Given(granted, withdrawn, recorded))
            guarded.setdefault(person, []).append(bool(guardian))
            born_on[person] = born
    consents = {person: _alone(spans(rows), guarded[person], born_on[person]) for person, rows in given.items()}
    return {
        row.token: Holder(
            row.dwelling_id, row.person_id, row.holder_class, row.label, consents.get(row.person_id or "", ())
        )
        for row in rows
    }
