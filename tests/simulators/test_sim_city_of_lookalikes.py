"""The population of look-alikes: that honest life looks like the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from city_tables import DAYS, SAMPLES, Cities, Tables, longest_dry

from simulators.city_of_lookalikes import write_city
from simulators.city_of_lookalikes.absences import HONEST, leave_home, vacancy_manner
from simulators.city_of_lookalikes.calendar import draw_weather, make_calendar
from simulators.city_of_lookalikes.dice import Dice
from simulators.city_of_lookalikes.estates import build_places
from simulators.city_of_lookalikes.households import populate
from simulators.city_of_lookalikes.people import Town
from simulators.city_of_lookalikes.violations import draw_violations
from simulators.city_of_lookalikes.world import draw_world

SAMPLE = SAMPLES["lookalikes"]
START, SEED, DWELLINGS = SAMPLE.start, SAMPLE.seed, SAMPLE.dwellings


def _town(seed: int = SEED) -> Town:
    """A city with its people, before anything happens."""
    dice, calendar = Dice(np.random.default_rng(seed)), make_calendar(START, DAYS)
    world = draw_world(dice)
    town = Town(dice, world, calendar, draw_weather(dice, world, calendar), build_places(dice, world, DWELLINGS))
    populate(town)
    return town


@pytest.fixture
def city(cities: Cities) -> Tables:
    return cities.sample("lookalikes")


def test_times_multiplies_the_prevalence() -> None:
    once, thrice = _town(), _town()
    draw_violations(once, 1)
    draw_violations(thrice, 3)
    assert len(once.truth) == round(DWELLINGS * once.world.prevalence)
    assert len(thrice.truth) == round(DWELLINGS * once.world.prevalence * 3)


def test_some_honest_absences_are_declared_and_some_are_not(city: Tables) -> None:
    labelled = {row["dwelling_id"] for row in city["truth"]}
    declared = {row["dwelling_id"] for row in city["absences"]}
    away = {home for home, run in longest_dry(city).items() if run >= 14 and home not in labelled}
    assert away & declared
    assert away - declared


def test_a_home_left_honestly_looks_like_one_left_for_good() -> None:
    """The same draws leave the same home in the same way: but for the rates of `Manner` nothing tells them apart."""
    honest, vacant = _town(), _town()
    home = honest.steady[0]
    manner = vacancy_manner(honest)
    leave_home(honest, home, 10, 100, manner)
    leave_home(vacant, home, 10, 100, manner, violates=True)
    for one, other in zip(honest.households[home].actors, vacant.households[home].actors, strict=True):
        assert np.array_equal(one.present, other.present)
        assert np.array_equal(one.visits, other.visits)
        assert one.present[20:100].sum() < 20
    for share in ("used_by_day", "token_visits", "tapers"):
        assert abs(getattr(manner, share) - getattr(HONEST, share)) < 0.2, f"{share} alone would tell a vacancy"


@pytest.mark.parametrize(("prevalence", "times"), [(0.9, 1), (0.2, 3), (None, -1)])
def test_a_prevalence_that_times_makes_no_share_is_refused(
    prevalence: float | None, times: float, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="prevalence"):
        write_city(tmp_path, seed=1, dwellings=150, days=120, start=START, prevalence=prevalence, times=times)
    assert list(tmp_path.iterdir()) == []
