"""Whether so many homes as the leads name can be right at all."""

from __future__ import annotations

from hub.occupancy.backtest.named import doubts, homes_named
from hub.occupancy.backtest.replay import Lead


def lead(dwelling: int, stage: str) -> Lead:
    return Lead(dwelling, "sublet_whole", stage, 20_000, None, True, "F1+F3", "", "", "S1", "1")


def test_more_homes_than_base_rates_allow_are_a_city_that_the_model_does_not_know() -> None:
    red = [lead(n, "red") for n in range(56)]
    named = homes_named([*red, *red, lead(900, "insufficient_data")], 1000, 365)
    assert named["red"] == {"named": 56, "most": 56}, "a home counts once, and what data do not suffice for not at all"
    assert doubts(named) == [], "5 % that are right in 0.9 of cases"
    more = homes_named([*red, lead(56, "red")], 1000, 365)
    (line,) = doubts(more)
    assert "red or above names 57 homes a year" in line
    assert "`cases`" in line, "says what to do"
    assert doubts(homes_named([*red, lead(56, "red")], 1000, 730)) == [], "in two years there may be twice as many"


def test_a_stage_counts_those_above_it() -> None:
    named = homes_named([lead(n, stage) for n, stage in enumerate(("yellow", "orange", "red"))], 1000, 100)
    assert [of["named"] for of in named.values()] == [3, 2, 1]


def test_of_a_few_homes_nothing_is_said() -> None:
    assert doubts(homes_named([lead(n, "red") for n in range(10)], 20, 365)) == [], "in a small estate that is luck"
