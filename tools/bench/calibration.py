"""`detect.calibration`: does a stated chance mean what it says, before any inspection and once 150 cases are known?

A city is replayed without cases. Of the leads opened in its first 200 days 150 are inspected (or all, if there are fewer),
whatever their stage: what is found is the truth of the day of the visit. The history is replayed with these cases, and the
chances stated by leads that open after all were closed are compared with the truth, with and without what the cases taught.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from random import Random
from typing import Any

from hub.occupancy.backtest.history import CaseRow
from hub.occupancy.backtest.kinds import family
from hub.occupancy.backtest.replay import Lead
from hub.occupancy.backtest.score import STAGES, right, score
from tools.bench.draws import DRAWS, Draw, city, error_by_chance, scored
from tools.bench.figure import Figure

INSPECTED = 150
OPENED_BY, VISIT, WRITTEN = 200, (10, 28), (1, 6)  # days
DWELLINGS = int(os.environ.get("ESTATE_DETECT_CALIBRATION", "4000"))
COUNT = int(os.environ.get("ESTATE_DETECT_CALIBRATION_CITIES", "1"))


def experiment(draw: Draw, seed: int = 1, count: int = INSPECTED) -> dict[str, Any]:
    """The calibration errors and how they came about; `openings`: (stated, right) before and after."""
    before = draw.replay()
    cases = inspect(draw, before, seed, count)
    taught = draw.taught(cases)
    after = draw.replay(taught.outcomes)
    since = max((case.closed_on for case in cases), default=draw.history.first) + 7
    late_before, late_after = _openings(draw, before, since), _openings(draw, after, since)
    last = taught.outcomes.steps[-1][1] if taught.outcomes.steps else None
    return {
        "cases": len(cases),
        "heard": taught.heard,
        "confirmed": sum(case.outcome == "confirmed" for case in cases),
        "openings": {"any": _openings(draw, before, 0), "before": late_before, "after": late_after},
        "corrections": {name: (c.slope, c.shift, c.cases) for name, c in last.corrections.items()} if last else {},
        "held_back": sorted(f"{rule} {stage}" for rule, stage in last.held_back) if last else [],
        "tiers_before": _tiers(draw, before, since),
        "tiers_after": _tiers(draw, after, since),
    }


def inspect(draw: Draw, leads: Sequence[Lead], seed: int, count: int) -> list[CaseRow]:
    """Closed cases of leads of all stages that opened by day OPENED_BY."""
    rng, until = Random(f"inspect:{seed}"), draw.history.first + OPENED_BY
    opened = [one for one in leads if one.begins and one.stage in STAGES and one.opened < until]
    cases = []
    for lead in rng.sample(opened, min(count, len(opened))):
        visit = lead.opened + rng.randint(*VISIT)
        labels = draw.truth.labels.get(lead.dwelling, ())
        found = any(family(label.kind) == family(lead.kind) and label.first <= visit <= label.last for label in labels)
        absent = lead.kind == "vacancy" and draw.counter.absent_at(lead.dwelling, visit) > 1
        outcome = "confirmed" if found else "good_cause" if absent else "unfounded"
        cases.append(CaseRow(lead.dwelling, lead.kind, visit + rng.randint(*WRITTEN), outcome))
    return cases


def _openings(draw: Draw, leads: Sequence[Lead], since: int) -> list[tuple[float, bool]]:
    rows = [row for row in scored(leads) if row.begins and row.stage in STAGES and row.day >= since]
    return [(row.chance, right(row, draw.truth)) for row in rows]


def _tiers(draw: Draw, leads: Sequence[Lead], since: int) -> dict[str, Any]:
    made = score([row for row in scored(leads) if row.day >= since], draw.truth, draw.history, {})
    return {tier: (made[tier]["right"], made[tier]["leads"]) for tier in ("yellow+", "orange+", "red")}


def error(openings: Sequence[tuple[float, bool]]) -> float | None:
    """Expected calibration error over ten bins, as scoring has it."""
    if not openings:
        return None
    gaps = [0.0] * 10
    for stated, found in openings:
        gaps[min(9, int(stated * 10))] += stated - found
    return sum(abs(gap) for gap in gaps) / len(openings)


def told(openings: Sequence[tuple[float, bool]]) -> dict[str, Any]:
    """The error, what chance alone would make of it, and the bins."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for row in openings:
        bins.setdefault(min(9, int(row[0] * 10)), []).append(row)
    return {
        "leads": len(openings),
        "error": error(openings),
        "by_chance": error_by_chance([stated for stated, _ in openings]) if openings else None,
        "bins": {
            b / 10: (
                len(rows),
                round(sum(s for s, _ in rows) / len(rows), 3),
                round(sum(f for _, f in rows) / len(rows), 3),
            )
            for b, rows in sorted(bins.items())
        },
    }


def run(numbers: Sequence[int] = DRAWS[:COUNT], dwellings: int = DWELLINGS) -> list[dict[str, Any]]:
    """The experiment on each city."""
    found = []
    for number in numbers:
        draw = Draw(city(number, dwellings))
        try:
            found.append({"world": f"vary:{number}", **experiment(draw, number)})
        finally:
            draw.close()
    return found


def figure(found: Sequence[dict[str, Any]]) -> Figure:
    """Over the leads of all cities: what they stated before any case, and after theirs were closed."""
    pooled = {what: told([o for one in found for o in one["openings"][what]]) for what in ("any", "before", "after")}
    value, before, chance = (
        pooled["after"]["error"] or 0.0,
        pooled["any"]["error"] or 0.0,
        pooled["after"]["by_chance"] or 0.0,
    )
    cases = "/".join(str(one["heard"]) for one in found)
    unit = (
        f"off on average, {pooled['after']['leads']} leads after {cases} inspected cases; by chance alone {chance:.3f}"
    )
    reference = f"before any case {before:.3f}; the same days without cases {pooled['before']['error'] or 0:.3f}"
    good = value <= 0.05 and before <= 0.15
    met = good if good or value > chance else None  # perfect chances would look as bad: too few leads to tell
    ratio = round(value / before, 2) if before else None
    return Figure("detect.calibration", round(value, 3), unit, reference, ratio, "<= 0.05; before any <= 0.15", met)
