"""What doors and water meters say of the window before now, of one person at one home."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime, time, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from hub.estate import coverage
from hub.meters import meters_of, there
from hub.tables import Absence, AccessPoint, CareWatch, CredentialRow, Door, Dwelling, EventRow
from hub.welfare import home
from hub.welfare.rules import Signs, used

SLACK = timedelta(hours=3)
"""A meter is read a few times a day: a reading within so long of either end of the window will do."""

OBSERVED = 0.95
"""From this share of its time on a window counts as observed (rule catalogue 4.0): a door is cut off for minutes every day."""


def signs_of(session: Session, row: CareWatch, now: datetime) -> Signs:
    """Of the window before now."""
    begin = now - timedelta(hours=row.hours)
    return Signs(
        now=now,
        last_pass_at=_last_pass(session, row, begin, now),
        water=_water(session, row, begin, now),
        doors_observed=_observed(session, row, begin, now),
        away=_away(session, row, now),
    )


def _last_pass(session: Session, row: CareWatch, since: datetime, now: datetime) -> datetime | None:
    """By the person's own credentials: who visits may have knocked in vain."""
    mine = session.execute(
        select(CredentialRow.token, CredentialRow.dwelling_id).where(CredentialRow.person_id == row.person_id)
    ).all()
    return session.scalar(
        select(EventRow.at)
        .where(
            EventRow.dwelling_id.in_({row.dwelling_id, *(home for _token, home in mine if home)}),
            EventRow.credential.in_([token for token, _home in mine]),
            EventRow.at > since,
            EventRow.at <= now,
            EventRow.kind == "access",
            EventRow.outcome.in_(("granted", "taken")),
        )
        .order_by(EventRow.at.desc())
        .limit(1)
    )


def _water(session: Session, row: CareWatch, begin: datetime, now: datetime) -> float | None:
    """m³ of all water meters that are in the home; None where none is, or one of them was not read often enough."""
    held = meters_of(session, [row.dwelling_id], home.today(session, row.estate_id, now))
    meters = there(held.get((row.dwelling_id, "water"), ()))
    readings: dict[str, list[tuple[datetime, float]]] = defaultdict(list)
    for at, data in session.execute(
        select(EventRow.at, EventRow.data).where(
            EventRow.dwelling_id == row.dwelling_id,
            EventRow.at > begin - SLACK,
            EventRow.at <= now,
            EventRow.kind == "meter",
            EventRow.reason == "water",
        )
    ):
        body = json.loads(data)
        if body.get("ok", True) and isinstance(body.get("value"), int | float):
            readings[str(body.get("meter"))].append((at, float(body["value"])))
    amounts = [used(readings[meter.id], begin, now, SLACK) for meter in meters]
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known and len(known) == len(amounts) else None


def _observed(session: Session, row: CareWatch, begin: datetime, now: datetime) -> bool:
    """Every device on the way home observed the window."""
    block = session.scalar(select(Dwelling.block_id).where(Dwelling.id == row.dwelling_id))
    devices = set(
        session.scalars(
            select(AccessPoint.device_id)
            .join(Door, Door.id == AccessPoint.door_id)
            .where(
                AccessPoint.estate_id == row.estate_id,
                AccessPoint.device_id.is_not(None),
                or_(
                    Door.scope == "estate",
                    (Door.scope == "block") & (Door.block_id == block),
                    (Door.scope == "dwelling") & (Door.dwelling_id == row.dwelling_id),
                ),
            )
        )
    )
    held = coverage.load(session, [device for device in devices if device], begin)
    least = OBSERVED * (now - begin).total_seconds()
    return bool(devices) and all(
        coverage.covered_seconds(held.get(device or "", ()), begin, now) >= least for device in devices
    )


def _away(session: Session, row: CareWatch, now: datetime) -> bool:
    """They said so, and nobody else who lived there before. One without an end is over when they were seen on a later day."""
    zone = home.estate_zone(session, row.estate_id)
    today = now.astimezone(zone).date()
    since = home.since(session, row.person_id, row.dwelling_id) or today
    told = session.execute(
        select(Absence.from_date, Absence.to_date).where(
            Absence.dwelling_id == row.dwelling_id,
            Absence.from_date.between(since, today),
            or_(Absence.to_date.is_(None), Absence.to_date >= today),
        )
    ).all()
    if any(until is not None for _from, until in told):
        return True
    if not told:
        return False
    left = datetime.combine(max(day for day, _until in told) + timedelta(days=1), time(), zone)
    return _last_pass(session, row, left, now) is None
