"""Doors that many use and that record nobody: the night finds them and keeps the days, which were not observed there (`unheard`).

A reader that sleeps says of itself that it observes. What it did not record is nobody's absence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from hub.db import UnitOfWork, upsert
from hub.occupancy.dirty import mark_dirty
from hub.occupancy.point_days import Point, Shares, access_points, missed_by_points
from hub.occupancy.unheard import HOMES_BEHIND, silent_days
from hub.tables import AccessPoint, Door, DoorDay, Dwelling, Estate

SETTLED_DAYS = 90
"""What was said of earlier days stays: a box is not without its hub for so long, and a day is not judged anew without need."""

WARM_UP_DAYS = 30
"""Silence is known after twelve days at most (`unheard`): what is before these says nothing of the days looked at."""

HALF = 0.5
_table: Table = DoorDay.__table__  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Told:
    """Of a door: days that are silent now and were not, and that are no more. `homes`: behind it."""

    door: str
    silent: tuple[date, ...]
    heard: tuple[date, ...]
    homes: tuple[str, ...]

    @property
    def first(self) -> date:
        return min(*self.silent, *self.heard, date.max)


def look(session: Session, estate: Estate, last: date, now: datetime) -> list[Told]:
    """What is to be said anew of the estate's common doors up to `last`. Before passes were counted by door nothing is said."""
    homes = _homes_behind(session, estate.id)
    days = _days(session, list(homes))
    counted = min((day for of_door in days.values() for day in of_door), default=None)
    if counted is None or counted > last:
        return []
    since = max(counted, last - timedelta(days=SETTLED_DAYS + WARM_UP_DAYS - 1))
    points = [point for point in access_points(session, estate.id) if point.door_id in homes]
    observing = _observing(missed_by_points(session, estate.id, points, since, last, ZoneInfo(estate.time_zone), now))
    settled = last - timedelta(days=SETTLED_DAYS)
    found = []
    for door, shown in sorted(observing.items()):
        kept = days.get(door, {})
        was = {day for day, (_passes, silent) in kept.items() if silent and day > settled}
        are = {day for day in silent_days(kept, counted, since, shown) if day > settled}
        if was != are:
            found.append(Told(door, tuple(sorted(are - was)), tuple(sorted(was - are)), homes[door]))
    return found


def keep(uow: UnitOfWork, told: Sequence[Told], judged_to: date) -> None:
    """Writes it; days up to `judged_to`, which were judged without, are judged again."""
    rows = [
        {"door_id": one.door, "day": day, "unheard": silent}
        for one in told
        for silent, days in ((True, one.silent), (False, one.heard))
        for day in days
    ]
    if not rows:
        return
    statement = upsert(uow.session, _table)
    statement = statement.on_conflict_do_update(
        index_elements=["door_id", "day"], set_={"unheard": statement.excluded.unheard}
    )
    uow.session.execute(statement, rows)
    again: dict[str, date] = {}
    for one in told:
        for home in one.homes if one.first <= judged_to else ():
            again[home] = min(one.first, again.get(home, date.max))
    mark_dirty(uow.session, again)


def without_silent(
    session: Session, told: Sequence[tuple[Point, Shares]], first: date, last: date
) -> Iterator[tuple[Point, Shares]]:
    """What each access point could not observe, with the days on which its door was silent as days it missed."""
    silent: dict[str, set[int]] = defaultdict(set)
    for row in session.execute(
        select(DoorDay.door_id, DoorDay.day).where(
            DoorDay.door_id.in_({point.door_id for point, _shares in told}),
            DoorDay.day.between(first, last),
            DoorDay.unheard,
        )
    ):
        silent[row.door_id].add((row.day - first).days)
    for point, shares in told:
        mine = silent.get(point.door_id, ())
        yield (
            point,
            [1.0 if n in mine and share is not None else share for n, share in enumerate(shares)] if mine else shares,
        )


def _homes_behind(session: Session, estate_id: str) -> dict[str, tuple[str, ...]]:
    """Common doors → the dwellings whose way home leads there, of doors with enough of them to be expected."""
    of_block: dict[str, list[str]] = defaultdict(list)
    for home, block in session.execute(
        select(Dwelling.id, Dwelling.block_id).where(Dwelling.estate_id == estate_id).order_by(Dwelling.id)
    ):
        of_block[block].append(home)
    everybody = tuple(home for homes in of_block.values() for home in homes)
    found = {}
    for door, scope, of in session.execute(
        select(Door.id, Door.scope, Door.block_id).where(
            Door.estate_id == estate_id, Door.scope.in_(("estate", "block"))
        )
    ):
        homes = everybody if scope == "estate" else tuple(of_block.get(of or "", ()))
        if len(homes) >= HOMES_BEHIND:
            found[door] = homes
    return found


def _days(session: Session, doors: Sequence[str]) -> dict[str, dict[date, tuple[int, bool]]]:
    """Door → day → (passes, whether it is kept as silent)."""
    found: dict[str, dict[date, tuple[int, bool]]] = defaultdict(dict)
    rows = select(DoorDay.door_id, DoorDay.day, DoorDay.passes, DoorDay.unheard).where(DoorDay.door_id.in_(doors))
    for door, day, passes, silent in session.execute(rows):
        found[door][day] = (passes, silent)
    return found


def _observing(told: Sequence[tuple[Point, Shares]]) -> dict[str, list[bool]]:
    """Door → by day, whether any of its access points says that it observed."""
    found: dict[str, list[bool]] = {}
    for point, shares in told:
        mine = [share is not None and share < HALF for share in shares]
        found[point.door_id] = [
            a or b for a, b in zip(found.get(point.door_id, [False] * len(mine)), mine, strict=True)
        ]
    return found


def silences_of(session: Session, device_id: str, since: datetime) -> list[dict[str, Any]]:
    """For the device's page, as spans of coverage."""
    rows = session.execute(
        select(DoorDay.day, Estate.time_zone)
        .join(Door, Door.id == DoorDay.door_id)
        .join(Estate, Estate.id == Door.estate_id)
        .where(
            DoorDay.door_id.in_(select(AccessPoint.door_id).where(AccessPoint.device_id == device_id)),
            DoorDay.unheard,
            DoorDay.day >= since.date(),
        )
        .distinct()
        .order_by(DoorDay.day)
    ).all()
    return [
        {
            "state": "silent",
            "reason": "",
            "from_at": datetime.combine(first, time(), ZoneInfo(zone)),
            "to_at": datetime.combine(end + timedelta(days=1), time(), ZoneInfo(zone)),
        }
        for first, end, zone in _spans([(row.day, row.time_zone) for row in rows])
    ]


def _spans(days: Sequence[tuple[date, str]]) -> Iterator[tuple[date, date, str]]:
    """Days in a row as (first, last)."""
    for _start, run in groupby(enumerate(days), lambda one: one[1][0] - timedelta(days=one[0])):
        mine = [day for _n, day in run]
        yield mine[0][0], mine[-1][0], mine[0][1]


def silent_now(session: Session, estate_id: str, day: date) -> dict[str, date]:
    """Doors that were silent on `day` → since when."""
    found: dict[str, date] = {}
    rows = select(DoorDay.door_id, DoorDay.day).join(Door, Door.id == DoorDay.door_id)
    rows = rows.where(Door.estate_id == estate_id, DoorDay.unheard, DoorDay.day <= day).order_by(DoorDay.day.desc())
    for door, silent in session.execute(rows):
        if silent == day or found.get(door) == silent + timedelta(days=1):
            found[door] = silent
    return found
