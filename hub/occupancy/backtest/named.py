"""(P) How many homes a year the leads of a history name, held against what experience says can be right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hub.occupancy.asking import SHARE
from hub.occupancy.backtest.replay import Lead
from hub.occupancy.outcomes import ASKED

MOST_TRUE = 0.05
"""The largest share of homes let on that anybody published (London, one in twenty); inspections found 0.1 to 4 % elsewhere
(`detection.md` section 1.1)."""


FEWEST = 10
"""Of fewer homes nothing is said: in a small estate that is luck."""


def homes_named(leads: Sequence[Lead], dwellings: int, days: int) -> dict[str, dict[str, Any]]:
    """By stage: homes that had a lead of this stage or a higher one, a year (`named`), and the most that can be if the stage is
    to be as often right as it promises (`most`). A history of less than a year counts as one."""
    stages = [stage.value for stage in ASKED]
    years = max(1.0, days / 365)
    found = {}
    for place, stage in enumerate(ASKED):
        homes = {lead.dwelling for lead in leads if lead.stage in stages[place:]}
        found[stage.value] = {"named": round(len(homes) / years), "most": round(MOST_TRUE / ASKED[stage] * dwellings)}
    return found


def doubts(named: dict[str, dict[str, Any]]) -> list[str]:
    """A line for each stage that names more homes than can be right."""
    return [
        f"  {stage} or above names {of['named']} homes a year; if it is to be right as often as it promises, {of['most']} "
        "at most can be (one home in twenty breaks the rules where most do): this city is unlike those that the model learned "
        "from. Have some of the leads inspected and give their outcomes as `cases` before anything is done on its word."
        for stage, of in named.items()
        if of["named"] > max(of["most"], FEWEST)
    ]


def limited(asking: Mapping[str, Any]) -> list[str]:
    """A line where the stock could not bear all its questions."""
    if not asking["limited_weeks"]:
        return []
    return [
        f"  questions were put to the likeliest homes alone in {asking['limited_weeks']} of {asking['weeks']} weeks (above a "
        f"chance of up to {asking['highest']:.2f}): more leads began than {SHARE:.0%} of all homes a year can be asked about. "
        "A city where this lasts is unlike those that the model learned from."
    ]
