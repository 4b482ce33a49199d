"""(P) One journal line as the hub keeps it, and what it means for the daily counts. No session, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

import msgspec

from device_drivers.contract.events import (
    AccessEvent,
    CameraEvent,
    DoorEvent,
    Event,
    EventBody,
    FaceCheck,
    MeterReading,
    ObservationChanged,
    SnapshotTaken,
    Unreadable,
)
from device_drivers.contract.words import AccessOutcome, DoorMode, DoorState, IdentifierType
from hub.estate.coverage import Change
from hub.occupancy.values import is_late

COLUMNS = (
    "edge_id", "epoch", "seq", "estate_id", "kind", "device_id", "access_point_id", "dwelling_id", "credential",
    "identifier", "outcome", "reason", "at", "device_at", "received_at", "ingested_at", "clock_offset_s", "late", "data",
)  # fmt: skip
CLOCK_TRUST_S = 60.0  # a device whose measured offset is larger has its time corrected by it
FUTURE = timedelta(minutes=5)  # a device's time this far ahead of the edge's cannot be
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_encode = msgspec.json.Encoder().encode
Row = tuple[Any, ...]


class PoisonRow(ValueError):
    """A journal line that reads well and cannot be stored."""


@dataclass(frozen=True, slots=True)
class Holder:
    """What ingest needs to know of a credential. `consent_b`: (granted_at, withdrawn_at) of the occupancy check."""

    dwelling_id: str | None
    person_id: str | None
    holder_class: str
    label: str
    consent_b: tuple[tuple[datetime, datetime | None], ...] = ()

    def consented(self, at: datetime) -> bool:
        return any(granted <= at and (ended is None or at < ended) for granted, ended in self.consent_b)


@dataclass(frozen=True, slots=True)
class Places:
    """Names of one edge's things: devices (id → name), access points (id → door id, → side), meters (id → dwelling, quantity)."""

    edge_id: str
    estate_id: str
    zone: ZoneInfo
    devices: Mapping[str, str]
    doors: Mapping[str, str]
    access_points: Mapping[str, str]
    meters: dict[str, tuple[str, str]]
    holders: dict[str, Holder]
    sides: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Passes:
    """Increments of one pass_day row."""

    dwelling_id: str
    holder_class: str
    face: int = 0
    face_consented: int = 0
    other: int = 0
    late: int = 0
    hours: int = 0


@dataclass(slots=True)
class Readings:
    """One meter's readings of one day as far as these rows tell."""

    dwelling_id: str
    quantity: str
    first: tuple[datetime, float] | None = None
    last: tuple[datetime, float] | None = None
    ok: int = 0
    bad: int = 0

    def add(self, at: datetime, value: float | None, ok: bool) -> None:
        if not ok or value is None:
            self.bad += 1
            return
        self.ok += 1
        if self.first is None or at < self.first[0]:
            self.first = (at, value)
        if self.last is None or at >= self.last[0]:
            self.last = (at, value)


@dataclass(slots=True)
class Effects:
    """What a run of new rows changes besides the event table. Everything commutes: order does not matter."""

    by_credential: dict[str, dict[date, Passes]] = field(default_factory=dict)
    passes: dict[tuple[str, date, str], Passes] = field(default_factory=dict)
    meters: dict[tuple[str, date], Readings] = field(default_factory=dict)
    doors: dict[str, tuple[datetime, str, str]] = field(default_factory=dict)
    at_doors: dict[tuple[str, date], int] = field(default_factory=dict)
    coverage: dict[str, list[Change]] = field(default_factory=dict)
    dirty: dict[str, date] = field(default_factory=dict)
    unreadable: dict[str, int] = field(default_factory=dict)
    seen: dict[str, datetime] = field(default_factory=dict)
    pictures: list[tuple[str, int]] = field(default_factory=list)
    looks: list[tuple[int, str, str]] = field(default_factory=list)

    def settle(self) -> None:
        """Once, after the last row: what was counted by credential and day becomes rows and marks."""
        for credential, days in self.by_credential.items():
            for day, count in days.items():
                self.passes[count.dwelling_id, day, credential] = count
                self.touch(count.dwelling_id, day)
        self.by_credential.clear()

    def touch(self, dwelling_id: str, day: date) -> None:
        known = self.dirty.get(dwelling_id)
        if known is None or day < known:
            self.dirty[dwelling_id] = day


def best_time(event: Event) -> datetime:
    """The device's time where it can be trusted, corrected by its measured offset; otherwise the edge's receive time."""
    at = event.device_at
    if at is None:
        return event.received_at
    if event.clock_offset_s is not None and abs(event.clock_offset_s) > CLOCK_TRUST_S and not event.late:
        at -= timedelta(seconds=event.clock_offset_s)
    return event.received_at if at > event.received_at + FUTURE or at < EARLIEST else at


def to_row(event: Event, epoch: str, places: Places, now: datetime) -> Row:
    """Raises PoisonRow with the reason."""
    body = event.body
    if event.device and event.device not in places.devices:
        raise PoisonRow(f"device {event.device!r} is not one of this edge's")
    try:
        received, device_at = _utc(event.received_at), _utc(event.device_at) if event.device_at else None
        at = _utc(best_time(event))
    except (OverflowError, ValueError) as error:
        raise PoisonRow(f"time out of range: {error}") from error
    if event.received_at.tzinfo is None or received < EARLIEST:
        raise PoisonRow(f"receive time {event.received_at} cannot be")
    access_point: str | None = None
    dwelling: str | None = None
    credential: str | None = None
    identifier: str | None = None
    outcome: str | None = None
    reason: str | None = None
    if isinstance(body, AccessEvent):
        access_point, credential, identifier = body.access_point or None, body.credential, body.identifier
        outcome, reason = body.outcome, body.reason
        holder = places.holders.get(credential) if credential else None
        dwelling = holder.dwelling_id if holder else None
    elif isinstance(body, DoorEvent):
        access_point, outcome = body.access_point or None, body.state
        reason = body.alarm
    elif isinstance(body, MeterReading):
        meter = places.meters.get(body.meter)
        dwelling, reason = (meter[0] if meter else None), body.quantity
    elif isinstance(body, CameraEvent | SnapshotTaken):
        access_point = body.access_point or None
    elif isinstance(body, FaceCheck):  # of no dwelling: no record of who lives where reads it
        access_point, credential, outcome = body.access_point or None, body.credential, body.outcome
    elif isinstance(body, ObservationChanged):
        outcome, reason = body.state, body.reason or None
    row = (
        places.edge_id, epoch, event.seq, places.estate_id, kind_of(event), event.device, access_point, dwelling,
        credential, _text(identifier), _text(outcome), _text(reason), at, device_at, received, now,
        event.clock_offset_s, event.late, _encode(body).decode(),
    )  # fmt: skip
    return _without_nul(row)


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo is UTC else at.astimezone(UTC)


_KINDS = {body: str(body.__struct_config__.tag) for body in get_args(EventBody)}


def kind_of(event: Event) -> str:
    """The body's tag: access, door, meter, camera, snapshot, face_check, observation, edge, unreadable."""
    return _KINDS[type(event.body)]


def add_effects(event: Event, row: Row, places: Places, effects: Effects) -> None:
    """Count this row. Called once a row, only for rows that are really new."""
    body, at = event.body, row[12]
    if event.device and not event.late:
        effects.seen[event.device] = max(row[14], effects.seen.get(event.device, row[14]))
    if isinstance(body, AccessEvent):
        local = at.astimezone(places.zone)
        if (door := places.doors.get(body.access_point)) and not _withheld(body, at, places):
            place = door, local.date()
            effects.at_doors[place] = effects.at_doors.get(place, 0) + 1
        _count_pass(body, at, local, places, effects)
    elif isinstance(body, MeterReading):
        meter = places.meters.get(body.meter)
        if meter:
            day = at.astimezone(places.zone).date()
            readings = effects.meters.setdefault((body.meter, day), Readings(*meter))
            readings.add(at, body.value, body.ok)
            effects.touch(meter[0], day)
    elif isinstance(body, DoorEvent):
        door = places.doors.get(body.access_point)
        told = (
            body.state is not DoorState.UNKNOWN or body.mode is DoorMode.UNKNOWN
        )  # not only what the door was told to do
        if door and told and (door not in effects.doors or effects.doors[door][0] <= at):
            effects.doors[door] = (at, str(body.state), str(body.alarm))
    elif isinstance(body, ObservationChanged):
        effects.coverage.setdefault(event.device, []).append(Change(str(body.state), body.reason, at))
    elif isinstance(body, Unreadable):
        effects.unreadable[event.device] = effects.unreadable.get(event.device, 0) + 1
    elif isinstance(body, SnapshotTaken) and body.of_seq is not None:
        effects.pictures.append((body.sha256, body.of_seq))
    elif isinstance(body, FaceCheck) and body.of_seq is not None:
        effects.looks.append((body.of_seq, body.outcome.value, body.text[:200]))


def _withheld(body: AccessEvent, at: datetime, places: Places) -> bool:
    """A face of somebody without a live consent (b): it says nothing, not even that the door observed."""
    holder = places.holders.get(body.credential) if body.credential else None
    return body.identifier is IdentifierType.FACE and holder is not None and not holder.consented(at)


def _count_pass(body: AccessEvent, at: datetime, local: datetime, places: Places, effects: Effects) -> None:
    holder = places.holders.get(body.credential) if body.credential else None
    if holder is None or holder.dwelling_id is None or body.credential is None:
        return
    if body.outcome is not AccessOutcome.GRANTED and body.outcome is not AccessOutcome.TAKEN:
        return
    days = effects.by_credential.get(body.credential)
    if days is None:
        days = effects.by_credential[body.credential] = {}
    day = local.date()
    count = days.get(day)
    if count is None:
        count = days[day] = Passes(holder.dwelling_id, holder.holder_class)
    if body.identifier is IdentifierType.FACE:
        count.face += 1
        if not holder.consented(at):
            return
        count.face_consented += 1
    else:
        count.other += 1
        count.late += is_late(local.hour, places.sides.get(body.access_point, ""))
    count.hours |= 1 << local.hour


def _text(word: str | None) -> str | None:
    return None if word is None else str(word)


def _without_nul(row: Row) -> Row:
    """PostgreSQL takes no NUL in text, and JSON may carry one: it becomes the replacement character.

    Every text of a row but the device (which is known) comes from the body, so the body's JSON tells.
    """
    if "\\u0000" not in row[18]:
        return row
    clean = [value.replace("\0", "\ufffd") if isinstance(value, str) else value for value in row]
    clean[18] = clean[18].replace("\\u0000", "\\ufffd")
    return tuple(clean)
