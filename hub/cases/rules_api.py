"""How right each rule has been, by the hub's own closed cases: what is promised, what was measured, what is held back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from hub.auth import Principal, hub_of, require
from hub.cases.inspected import outcomes_of
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


class RuleRecords(BaseModel):
    rules: list[RuleRecord]
    corrections: list[CorrectionItem]


def records(learned: Learned) -> RuleRecords:
    """What is known now, to be shown."""
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
    today = hub.now().date()
    return records(outcomes_of(hub.db, today).on(today))
