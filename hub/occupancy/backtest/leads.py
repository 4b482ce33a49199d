"""leads.csv, and the chance that each lead states."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from pathlib import Path

from hub.occupancy.backtest.history import History
from hub.occupancy.backtest.replay import Lead
from hub.occupancy.backtest.tables import day_of

HEADER = (
    "dwelling_id",
    "kind",
    "stage",
    "probability",
    "opened_on",
    "closed_on",
    "families",
    "because",
    "against",
    "rule",
    "policy_version",
)
ENOUGH_CASES = 150
"""From so many inspected cases on, what was found changes what is stated (fewer are a lottery)."""

PRIOR_CASES = 10.0
BELONGS_DAYS = 120
"""An inspection belongs to the lead that stood, or had closed at most so long before it was closed."""

OTHERS = frozenset({"sublet_whole", "sublet_part", "lent", "visitor_abuse", "enrolment_fraud"})


def family(kind: str) -> str:
    """`others` for all kinds that mean "others live here"; else the kind itself."""
    return "others" if kind in OTHERS else kind


@cache
def stated_chances() -> dict[str, float]:
    """`RULE stage` → chance before any inspection, with its source (chances.json)."""
    text = (resources.files("hub.occupancy") / "chances.json").read_text(encoding="utf-8")
    chances: dict[str, float] = json.loads(text)["chances"]
    return chances


def probabilities(leads: Sequence[Lead], history: History) -> list[float]:
    """For each lead (in any order) its stated chance on the day its row began.

    Before `ENOUGH_CASES` inspections are known: the chance of rule and stage as first stated. Then a Beta mean of that and
    of the inspections, closed before the day, of dwellings with such a lead. Nothing learned later changes a row.
    """
    by_dwelling: dict[tuple[int, str], list[Lead]] = defaultdict(list)
    for lead in leads:
        by_dwelling[lead.dwelling, family(lead.kind)].append(lead)
    found = [0.0] * len(leads)
    inspected: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    cases, known = iter([*history.cases, None]), 0
    case = next(cases)
    for place in sorted(range(len(leads)), key=lambda i: leads[i].opened):
        lead = leads[place]
        while case is not None and case.closed_on < lead.opened:
            known += 1
            cell = _cell_of(by_dwelling.get((case.dwelling, family(case.kind)), ()), case.closed_on)
            if cell is not None:
                inspected[cell][0] += case.confirmed
                inspected[cell][1] += 1
            case = next(cases)
        found[place] = _chance(cell_name(lead), inspected, known) if lead.chance is None else lead.chance
    return found


def cell_name(lead: Lead) -> str:
    """Rule and stage."""
    return f"{lead.rule} {lead.stage}"


def _cell_of(leads: Iterable[Lead], day: int) -> str | None:
    standing = [one for one in leads if one.opened < day and (one.closed is None or one.closed >= day - BELONGS_DAYS)]
    return cell_name(max(standing, key=lambda one: one.opened)) if standing else None


def _chance(cell: str, inspected: dict[str, list[int]], known: int) -> float:
    prior = stated_chances().get(cell, 0.0)
    confirmed, total = inspected.get(cell, (0, 0))
    if known < ENOUGH_CASES or not total:
        return round(prior, 3)
    return round((PRIOR_CASES * prior + confirmed) / (PRIOR_CASES + total), 3)


def write_leads(file: Path, leads: Sequence[Lead], chances: Sequence[float], history: History) -> None:
    """Rows by day, then dwelling and kind."""
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(HEADER)
        for place in sorted(range(len(leads)), key=lambda i: (leads[i].opened, leads[i].dwelling, leads[i].kind)):
            lead = leads[place]
            closed = "" if lead.closed is None else day_of(lead.closed).isoformat()
            row = (lead.kind, lead.stage, chances[place], day_of(lead.opened).isoformat(), closed, lead.families)
            name = history.dwellings[lead.dwelling]
            writer.writerow((name, *row, lead.because, lead.against, lead.rule, lead.policy_version))
