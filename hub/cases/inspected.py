"""The hub's own closed cases, as what they teach about chances and rules (`hub.occupancy.outcomes`)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.cases.states import State
from hub.db import Database
from hub.occupancy.asking_rows import above_since
from hub.occupancy.cleared import LOOKED
from hub.occupancy.finding import Kind, Stage
from hub.occupancy.fitted import fixed_chances, marks
from hub.occupancy.outcomes import FAMILY, Inspected, Outcomes, Result, Stated, learned_weekly
from hub.occupancy.values import LOOK_BACK_DAYS
from hub.tables import CaseEntry, CaseFile, Estate, Finding

RESULTS: dict[str, Result] = {
    "upheld": "confirmed",
    State.RECTIFIED: "confirmed",
    State.DISMISSED: "unfounded",
    State.WITHDRAWN: "unfounded",
    State.CLOSED_UNPROVEN: "unfounded",
    State.GOOD_CAUSE: "good_cause",
}


def outcomes_of(db: Database, last: date) -> Outcomes:
    """What all closed cases of the hub taught, week by week, and from which chance on questions were put, as far back as a day's
    judgement looks."""
    first = last - timedelta(days=LOOK_BACK_DAYS)
    with db.reading() as session:
        cases, above = inspected_cases(session), above_since(session, first)
    return replace(learned_weekly(cases, first, last, marks(), fixed_chances()), above=above)


def inspected_cases(session: Session) -> list[Inspected]:
    """Every closed case that somebody looked into, in order of closing."""
    looked = set(session.scalars(select(CaseEntry.case_id).where(CaseEntry.action.in_(LOOKED)).distinct()))
    rows = session.execute(
        select(CaseFile, Finding.kind, Finding.stated, Estate.time_zone)
        .join(Finding, Finding.case_id == CaseFile.id)
        .join(Estate, Estate.id == CaseFile.estate_id)
        .where(CaseFile.closed_at.is_not(None), CaseFile.outcome.in_(RESULTS), Finding.kind.in_(list(Kind)))
        .order_by(CaseFile.closed_at, CaseFile.id, Finding.opened_at)
    )
    found: dict[str, Inspected] = {}
    for case, kind, stated, zone in rows:
        if case.closed_at is None or (case.outcome == State.CLOSED_UNPROVEN and case.id not in looked):
            continue
        closed_on = case.closed_at.astimezone(ZoneInfo(zone)).date()
        by_then = tuple(_stated(one) for one in stated if one["on"] < closed_on.isoformat())
        found[case.id] = Inspected(closed_on, FAMILY.get(Kind(kind), kind), RESULTS[case.outcome], by_then)
    return list(found.values())


def _stated(row: dict[str, Any]) -> Stated:
    return Stated(row["rule"], Stage(row["stage"]), row["fitted"])
