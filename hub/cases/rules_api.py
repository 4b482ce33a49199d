"""How right each rule has been, by the hub's own closed cases: what is promised, what was measured, what is held back."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from hub.auth import Principal, hub_of, require
from hub.cases.inspected import outcomes_of
from hub.db import Database
from hub.occupancy.asking import SHARE, WINDOW_DAYS
from hub.occupancy.asking_rows import asking_now
from hub.occupancy.finding import RULE_TITLES
from hub.occupancy.outcomes import ASKED, Learned
from hub.services import Hub

router = APIRouter(prefix="/api/v1", tags=["cases"])


class RuleRecord(BaseModel):
    """Of the cases of the last year. `precision`: measured, with the promise as prior; `held_back`: lowered by one stage."""

    rule: str
    title: str
    stage: str
    promised: float
    inspected: int
    confirmed: int
    precision: float
    held_back: bool


class CorrectionItem(BaseModel):
    """A fitted model's chances of this family (others, vacancy), in log-odds: times `slope` plus `shift`."""

    family: str
    slope: float
    shift: float
    cases: int


class AskingItem(BaseModel):
    """How questions are put this week: to homes with a chance above `above` (0: to all). Of the `begun` leads of `days` days
    `most` may become questions; `waiting`: notes for now. `share`: of all homes a year."""

    above: float
    begun: int
    most: int
    waiting: int
    days: int = WINDOW_DAYS
    share: float = SHARE


class RuleRecords(BaseModel):
    """`asking`: None before the first night was judged."""

    rules: list[RuleRecord]
    corrections: list[CorrectionItem]
    asking: AskingItem | None = None


def records_of(db: Database, today: date) -> RuleRecords:
    """What is known now, to be shown."""
    with db.reading() as session:
        now = asking_now(session)
    found = _records(outcomes_of(db, today).on(today))
    found.asking = AskingItem(**asdict(now)) if now else None
    return found


def _records(learned: Learned) -> RuleRecords:
    rules = [
        RuleRecord(
            rule=rule,
            title=RULE_TITLES.get(rule, rule),
            stage=stage.value,
            promised=ASKED[stage],
            inspected=track.inspected,
            confirmed=track.confirmed,
            precision=round(track.precision(ASKED[stage]), 4),
            held_back=(rule, stage) in learned.held_back,
        )
        for (rule, stage), track in sorted(learned.tracks.items())
    ]
    corrections = [
        CorrectionItem(family=family, slope=round(c.slope, 4), shift=round(c.shift, 4), cases=c.cases)
        for family, c in sorted(learned.corrections.items())
    ]
    return RuleRecords(rules=rules, corrections=corrections)


@router.get("/rule-records")
def list_rule_records(
    _principal: Annotated[Principal, Depends(require("case.view"))], hub: Annotated[Hub, Depends(hub_of)]
) -> RuleRecords:
    """Over all estates: numbers alone, no dwelling."""
    return records_of(hub.db, hub.now().date())
