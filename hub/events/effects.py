"""The daily counts, door states, coverage and marks that follow from new events. Every statement commutes."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Table, bindparam, case, or_, select, update
from sqlalchemy.orm import Session

from hub.db import upsert
from hub.estate import coverage
from hub.events.rows import Effects
from hub.occupancy.dirty import mark_dirty
from hub.tables import Device, Door, DoorDay, Dwelling, Edge, Estate, FaceLook, MeterDay, PassDay, Snapshot

_passes: Table = PassDay.__table__  # type: ignore[assignment]
_at_doors: Table = DoorDay.__table__  # type: ignore[assignment]
_meters: Table = MeterDay.__table__  # type: ignore[assignment]
_looks: Table = FaceLook.__table__  # type: ignore[assignment]


def write_effects(session: Session, edge: Edge, epoch: str, effects: Effects) -> list[dict[str, Any]]:
    """The doors whose state moved, as the live page wants them."""
    if effects.coverage:
        moved = coverage.apply_changes(session, edge.estate_id, effects.coverage)
        if moved:
            zone = ZoneInfo(session.get_one(Estate, edge.estate_id).time_zone)
            mark_estate_dirty(session, edge.estate_id, moved.astimezone(zone).date(), effects)
    _add_passes(session, effects)
    _add_at_doors(session, effects)
    _add_readings(session, effects)
    mark_dirty(session, effects.dirty)
    _devices(session, effects)
    for sha256, of_seq in effects.pictures:
        session.execute(
            update(Snapshot)
            .where(Snapshot.sha256 == sha256, Snapshot.edge_id == edge.id)
            .values(epoch=epoch, of_seq=of_seq)
        )
    _add_looks(session, edge, epoch, effects)
    return _doors(session, effects)


def _add_looks(session: Session, edge: Edge, epoch: str, effects: Effects) -> None:
    if effects.looks:
        rows = [
            {"edge_id": edge.id, "epoch": epoch, "of_seq": seq, "outcome": outcome, "text": text}
            for seq, outcome, text in effects.looks
        ]
        session.execute(upsert(session, _looks).on_conflict_do_nothing(), rows)


def mark_estate_dirty(session: Session, estate_id: str, day: date, effects: Effects) -> None:
    """Coverage moved: the days of every dwelling of the estate are looked at again."""
    for dwelling in session.scalars(select(Dwelling.id).where(Dwelling.estate_id == estate_id)):
        effects.touch(dwelling, day)


def _add_passes(session: Session, effects: Effects) -> None:
    if not effects.passes:
        return
    statement = upsert(session, _passes)
    new, old = statement.excluded, _passes.c
    statement = statement.on_conflict_do_update(
        index_elements=["dwelling_id", "day", "credential"],
        set_={
            **{name: old[name] + new[name] for name in ("face", "face_consented", "other", "late")},
            "hours": old.hours.bitwise_or(new.hours),  # of a row from before hours were kept: still not known
        },
    )
    rows = [
        {
            "dwelling_id": dwelling,
            "day": day,
            "credential": credential,
            "holder_class": count.holder_class,
            "face": count.face,
            "face_consented": count.face_consented,
            "other": count.other,
            "late": count.late,
            "hours": count.hours,
        }
        for (dwelling, day, credential), count in sorted(effects.passes.items(), key=lambda entry: entry[0])
    ]
    session.execute(statement, rows)


def _add_at_doors(session: Session, effects: Effects) -> None:
    if not effects.at_doors:
        return
    statement = upsert(session, _at_doors)
    statement = statement.on_conflict_do_update(
        index_elements=["door_id", "day"], set_={"passes": _at_doors.c.passes + statement.excluded.passes}
    )
    rows = [{"door_id": door, "day": day, "passes": count} for (door, day), count in sorted(effects.at_doors.items())]
    session.execute(statement, rows)


def _add_readings(session: Session, effects: Effects) -> None:
    if not effects.meters:
        return
    statement = upsert(session, _meters)
    new, old = statement.excluded, _meters.c
    first = (new.first_at.is_not(None)) & (or_(old.first_at.is_(None), new.first_at < old.first_at))
    last = (new.last_at.is_not(None)) & (or_(old.last_at.is_(None), new.last_at >= old.last_at))
    statement = statement.on_conflict_do_update(
        index_elements=["meter_id", "day"],
        set_={
            "first_value": case((first, new.first_value), else_=old.first_value),
            "first_at": case((first, new.first_at), else_=old.first_at),
            "last_value": case((last, new.last_value), else_=old.last_value),
            "last_at": case((last, new.last_at), else_=old.last_at),
            "ok_count": old.ok_count + new.ok_count,
            "bad_count": old.bad_count + new.bad_count,
        },
    )
    rows = [
        {
            "meter_id": meter,
            "day": day,
            "dwelling_id": readings.dwelling_id,
            "quantity": readings.quantity,
            "first_value": readings.first[1] if readings.first else None,
            "first_at": readings.first[0] if readings.first else None,
            "last_value": readings.last[1] if readings.last else None,
            "last_at": readings.last[0] if readings.last else None,
            "ok_count": readings.ok,
            "bad_count": readings.bad,
        }
        for (meter, day), readings in sorted(effects.meters.items(), key=lambda entry: entry[0])
    ]
    session.execute(statement, rows)


def _devices(session: Session, effects: Effects) -> None:
    table: Table = Device.__table__  # type: ignore[assignment]
    if effects.seen:
        newer = or_(table.c.last_seen_at.is_(None), table.c.last_seen_at < bindparam("seen"))
        statement = update(table).where(table.c.id == bindparam("device"), newer).values(last_seen_at=bindparam("seen"))
        session.execute(statement, [{"device": id, "seen": at} for id, at in sorted(effects.seen.items())])
    if effects.unreadable:
        count = update(table).where(table.c.id == bindparam("device"))
        count = count.values(unreadable_count=table.c.unreadable_count + bindparam("more"))
        session.execute(count, [{"device": id, "more": more} for id, more in sorted(effects.unreadable.items())])


def _doors(session: Session, effects: Effects) -> list[dict[str, Any]]:
    moved: list[dict[str, Any]] = []
    for door_id, (at, state, alarm) in sorted(effects.doors.items()):
        statement = update(Door).where(Door.id == door_id, or_(Door.state_at.is_(None), Door.state_at <= at))
        result = session.execute(statement.values(state=state, alarm=alarm, state_at=at))
        if result.rowcount:  # type: ignore[attr-defined]  # an UPDATE gives a CursorResult
            moved.append({"id": door_id, "state": state, "alarm": alarm, "state_at": at})
    return moved
