"""What ingest must know of an edge's things and of the credentials a run of events names. Read fresh for every run."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from device_drivers.contract.events import AccessEvent, Event, MeterReading
from hub.events.rows import Holder, Places
from hub.tables import AccessPoint, Consent, CredentialRow, Device, Edge, Estate, Meter


def load_places(session: Session, edge: Edge, events: Iterable[Event]) -> Places:
    """A few queries by key: a consent withdrawn a moment ago counts already."""
    tokens: set[str] = set()
    meters: set[str] = set()
    for event in events:
        if isinstance(event.body, AccessEvent):
            if event.body.credential:
                tokens.add(event.body.credential)
        elif isinstance(event.body, MeterReading):
            meters.add(event.body.meter)
    estate = session.get_one(Estate, edge.estate_id)
    points = session.execute(
        select(AccessPoint.id, AccessPoint.door_id, AccessPoint.name).where(AccessPoint.estate_id == edge.estate_id)
    ).all()
    devices = session.execute(select(Device.id, Device.name).where(Device.edge_id == edge.id))
    return Places(
        edge_id=edge.id,
        estate_id=edge.estate_id,
        zone=ZoneInfo(estate.time_zone),
        devices={row.id: row.name for row in devices},
        doors={id: door for id, door, _name in points},
        access_points={id: name for id, _door, name in points},
        meters=_meters(session, meters, edge.estate_id),
        holders=_holders(session, tokens, edge.estate_id),
    )


def _meters(session: Session, ids: set[str], estate_id: str) -> dict[str, tuple[str, str]]:
    if not ids:
        return {}
    query = select(Meter.id, Meter.dwelling_id, Meter.quantity).where(Meter.id.in_(ids), Meter.estate_id == estate_id)
    return {id: (dwelling, quantity) for id, dwelling, quantity in session.execute(query)}


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
    consents: dict[str, list[tuple[datetime, datetime | None]]] = {}
    persons = {row.person_id for row in rows if row.person_id}
    if persons:
        given = select(Consent.person_id, Consent.granted_at, Consent.withdrawn_at)
        for person, granted, withdrawn in session.execute(
            given.where(Consent.person_id.in_(persons), Consent.purpose == "b")
        ):
            consents.setdefault(person, []).append((granted, withdrawn))
    return {
        row.token: Holder(
            row.dwelling_id, row.person_id, row.holder_class, row.label, tuple(consents.get(row.person_id or "", ()))
        )
        for row in rows
    }
