"""The population simulated by diaries: its truth, and that forms of export differ."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from city_tables import DAYS, SAMPLES, Cities

from simulators.city_by_diaries.calendar import make_calendar
from simulators.city_by_diaries.diaries import live
from simulators.city_by_diaries.person import make_person
from simulators.city_by_diaries.world import draw_world, export_form

SAMPLE = SAMPLES["diaries"]


def test_prevalence_is_that_of_homes_that_are_let(cities: Cities) -> None:
    labelled = [row for row in cities.sample("diaries")["truth"] if row["kind"] != "vacant_used"]
    assert len(labelled) == round(SAMPLE.prevalence * SAMPLE.dwellings)


def test_nobody_passes_while_away() -> None:
    rng, calendar = np.random.default_rng(1), make_calendar(SAMPLE.start, DAYS)
    worker = make_person(rng, 0, "worker", 40)
    worker.away = [(20.5, 50.5)]
    crossings, presence = live(rng, calendar, [worker], 1)
    day = (crossings.minute // 1440).astype(int)
    assert not ((day > 20) & (day < 50)).any()
    assert set(range(5, 15)) & set(day.tolist()), "a worker who is at home never leaves"
    assert presence.living[0, 21:50].sum() == 0
    assert presence.living[0, 60] == 1


def test_forms_of_export_differ_between_neighbours() -> None:
    forms = [export_form(seed) for seed in range(12)]
    assert all(one != other for one, other in pairwise(forms))
    for field in ("identity", "offset_h", "id_style", "meters", "order", "directions", "relet_in_two_rows"):
        assert len({getattr(form, field) for form in forms}) > 1, f"every city has the same {field}"


def test_a_given_prevalence_changes_nothing_but_itself() -> None:
    drawn = draw_world(np.random.default_rng(4))
    given = draw_world(np.random.default_rng(4), 0.1)
    assert replace(given, prevalence=0.0) != replace(drawn, prevalence=0.0), "the draws after it move by one"
    assert given.prevalence == 0.1
    assert 0.02 <= drawn.prevalence <= 0.037
    assert given.away_30_days == drawn.away_30_days
