"""`detect.honest_year`, `detect.controls`: what must make no lead. A year of honest households, and the same year with a fault
put in that changes nothing but what is recorded; each extra red lead is one that the fault made.

`ESTATE_DETECT_CONTROLS` (default 1): so many cities.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from hub.occupancy.backtest.kinds import family
from tools.bench.draws import DRAWS, DWELLINGS, Draw, city
from tools.bench.figure import Figure

COUNT = int(os.environ.get("ESTATE_DETECT_CONTROLS", "1"))
FAULTS: Mapping[str, tuple[str, ...]] = {
    "an estate's doors down for 14 days": ("--outage-days", "14"),
    "an estate's doors down for 45 days": ("--outage-days", "45"),
    "an estate's doors silent for 30 days": ("--silent-days", "30"),
    "30 doors propped": ("--propped", "30"),
    "meters dead for 10 days": ("--dead-meters", "10"),
}
NO_FESTIVAL = ("--spring-festival", "none")
HONEST = "--honest-only"


def run(numbers: Sequence[int] = DRAWS[:COUNT], dwellings: int = DWELLINGS) -> list[dict[str, Any]]:
    """Of each city the red leads of the honest year, and the extra ones of each fault and of Spring Festival."""
    found = []
    for number in numbers:
        plain = _red(number, dwellings)
        extra = {what: len(_red(number, dwellings, *options) - plain) for what, options in FAULTS.items()}
        extra["Spring Festival"] = max(0, len(plain) - len(_red(number, dwellings, *NO_FESTIVAL)))
        found.append({"world": f"vary:{number}", "dwellings": dwellings, "red": len(plain), "extra": extra})
    return found


def _red(number: int, dwellings: int, *options: str) -> set[tuple[int, str]]:
    draw = Draw(city(number, dwellings, HONEST, *options))
    try:
        return {(lead.dwelling, family(lead.kind)) for lead in draw.replay() if lead.stage == "red"}
    finally:
        draw.close()


def figures(found: Sequence[dict[str, Any]]) -> list[Figure]:
    """The two figures."""
    years = sum(one["dwellings"] for one in found)
    honest = 10_000 * sum(one["red"] for one in found) / years
    extra = {what: 10_000 * sum(one["extra"][what] for one in found) / years for what in found[0]["extra"]}
    told = ", ".join(f"{what} {value:.1f}" for what, value in extra.items())
    unit = f"red leads per 10,000 dwelling-years, {len(found)} cities of honest households ({years:,} dwellings)"
    worst = max(extra.values())
    return [
        Figure("detect.honest_year", round(honest, 1), unit, "every one is false", None, "<= 30", honest <= 30),
        Figure(
            "detect.controls",
            round(worst, 1),
            "extra red leads per 10,000, the worst fault",
            told,
            None,
            "<= 1",
            worst <= 1,
        ),
    ]
