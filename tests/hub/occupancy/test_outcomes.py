"""What inspections teach: chances that mean what they say, rules held back and heard again, nothing said before changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.occupancy.finding import Stage
from hub.occupancy.outcomes import (
    FEWEST,
    OTHERS,
    VACANCY,
    Correction,
    Inspected,
    Outcomes,
    Result,
    Stated,
    learn,
    learned_weekly,
)

DAY = date(2026, 3, 2)
MARKS = {OTHERS: (0.37, 0.63, 0.78), VACANCY: (0.3, 0.72, 0.72)}
RED, ORANGE, YELLOW = Stage.RED, Stage.ORANGE, Stage.YELLOW


def case(
    result: Result,
    stage: Stage = YELLOW,
    chance: float | None = 0.5,
    rule: str = "S1",
    before: int = 30,
    family: str = OTHERS,
) -> Inspected:
    return Inspected(DAY - timedelta(days=before), family, result, (Stated(rule, stage, chance),))


def shifted(count: int, true_of: float, seed: int = 1) -> list[Inspected]:
    """Cases of a model whose log-odds are too high by `true_of`."""
    rng = Random(seed)
    found = []
    for _ in range(count):
        stated = rng.uniform(0.3, 0.97)
        odds = np.log(stated / (1 - stated)) - true_of
        found.append(case("confirmed" if rng.random() < 1 / (1 + np.exp(-odds)) else "unfounded", chance=stated))
    return found


def error(correction: Correction, true_of: float) -> float:
    stated = np.linspace(0.3, 0.97, 68)
    true = 1 / (1 + np.exp(-(np.log(stated / (1 - stated)) - true_of)))
    return float(np.abs(correction.of(stated) - true).mean())


@pytest.mark.parametrize("true_of", [-1.0, 0.0, 1.0, 1.6])
def test_after_150_cases_a_stated_chance_is_within_five_hundredths(true_of: float) -> None:
    errors = [error(learn(shifted(150, true_of, seed), DAY, MARKS).corrections[OTHERS], true_of) for seed in range(20)]
    assert sum(errors) / len(errors) <= 0.05, f"a model off by {true_of} in log-odds stays off by {errors}"
    assert max(errors) <= 0.12


def test_few_cases_move_little() -> None:
    five = learn([case("unfounded", chance=0.8) for _ in range(5)], DAY, MARKS).corrections[OTHERS]
    assert 0.5 < float(five.of(np.array([0.8]))[0]) < 0.8, "five cases are no verdict on a model"


def test_the_luck_of_thirty_cases_hardly_moves_a_model_that_is_right() -> None:
    errors = [error(learn(shifted(30, 0.0, seed), DAY, MARKS).corrections[OTHERS], 0.0) for seed in range(40)]
    assert sum(errors) / len(errors) <= 0.04, f"thirty cases of a right model put its chances off by {errors}"


def test_a_rule_of_a_fixed_chance_states_soon_what_its_cases_say() -> None:
    found = [case("confirmed", chance=None, rule="U1") for _ in range(10)]
    found += [case("unfounded", chance=None, rule="U1") for _ in range(3)]
    assert learn(found, DAY, MARKS).stated("U1", YELLOW, 0.35) == pytest.approx((4 * 0.35 + 10) / 17)
    assert learn([], DAY, MARKS).stated("U1", YELLOW, 0.35) == 0.35, "before any case, what was measured beforehand"


def test_a_family_learns_from_its_own_cases_alone() -> None:
    learned = learn([case("unfounded", chance=0.8) for _ in range(50)], DAY, MARKS)
    assert VACANCY not in learned.corrections


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_a_correction_keeps_the_order_and_stays_a_chance(
    cases: Sequence[tuple[float, bool]], one: float, other: float
) -> None:
    known = [case("confirmed" if right else "unfounded", chance=chance) for chance, right in cases]
    low, high = learn(known, DAY, MARKS).corrections[OTHERS].of(np.array(sorted((one, other)))).tolist()
    assert 0 <= low <= high <= 1


def test_no_chance_at_all_stays_none() -> None:
    assert Correction(1.0, 3.0).of(np.array([0.0]))[0] == 0.0, "where nothing was seen no case makes a lead"


def test_a_rule_that_is_mostly_wrong_is_held_back_by_one_stage_and_says_why() -> None:
    cases = [case("confirmed", RED, None)] * 3 + [case("unfounded", RED, None)] * 17
    learned = learn(cases, DAY, MARKS)
    assert learned.lowered("S1", RED) is ORANGE
    assert learned.lowered("S1", ORANGE) is ORANGE, "each stage stands on its own cases"
    assert learned.lowered("S2", RED) is RED, "each rule stands on its own cases"
    assert "20件，属实3件" in learned.why("S1", RED)


def test_a_rule_is_not_held_back_by_few_cases_nor_by_good_ones() -> None:
    assert not learn([case("unfounded", RED, None)] * (FEWEST - 1), DAY, MARKS).held_back
    assert not learn([case("confirmed", RED, None)] * 17 + [case("unfounded", RED, None)] * 3, DAY, MARKS).held_back


def test_held_back_at_both_stages_it_may_only_ask() -> None:
    wrong = [case("unfounded", stage, None) for stage in (RED, ORANGE) for _ in range(12)]
    assert learn(wrong, DAY, MARKS).lowered("S1", RED) is YELLOW


def test_a_rule_held_back_is_heard_again() -> None:
    wrong = [case("unfounded", RED, None, before=100)] * 15
    assert learn(wrong, DAY, MARKS).lowered("S1", RED) is ORANGE
    later = [case("confirmed", RED, None, before=10)] * 40
    assert learn([*wrong, *later], DAY, MARKS).lowered("S1", RED) is RED, "what it would have called red was confirmed"
    assert learn(wrong, DAY + timedelta(days=300), MARKS).lowered("S1", RED) is RED, "old cases no longer speak"


def test_a_good_cause_is_no_fault_of_a_question_but_one_of_a_file() -> None:
    assert ("V2", YELLOW) not in learn([case("good_cause", YELLOW, None, "V2", family=VACANCY)] * 20, DAY, MARKS).tracks
    assert learn([case("good_cause", RED, None, "V5", family=VACANCY)] * 20, DAY, MARKS).lowered("V5", RED) is ORANGE


def test_what_the_correction_mended_is_not_held_against_the_rule() -> None:
    learned = learn([case("unfounded", RED, 0.8)] * 30, DAY, MARKS)
    now = float(learned.corrections[OTHERS].of(np.array([0.8]))[0])
    assert now < MARKS[OTHERS][0]
    assert not learned.tracks, "such a chance makes no lead any more"
    asked = learn([case("unfounded", YELLOW, 0.1)] * 30, DAY, MARKS)
    assert ("S1", YELLOW) in asked.held_back, "who was asked whatever the chance is asked no more"


def test_nothing_learned_on_a_day_changes_what_was_said_before() -> None:
    first, last = DAY - timedelta(days=100), DAY + timedelta(days=60)
    cases = shifted(60, 1.5)
    cases = [Inspected(first + timedelta(days=i * 2), c.family, c.result, c.stated) for i, c in enumerate(cases)]
    chance = np.full(161, 0.8)
    whole = learned_weekly(cases, first, last, MARKS, {})
    said = whole.corrected(OTHERS, chance, first)
    for known in (10, 30, 50):
        until = cases[known].closed_on
        part = learned_weekly(cases[:known], first, last, MARKS, {}).corrected(OTHERS, chance, first)
        days = (until - first).days + 1
        assert part[:days].tolist() == said[:days].tolist(), f"the case closed on {until} reached back"
    assert said[0] == 0.8, "before any case nothing is corrected"
    assert said[-1] < 0.7
    assert all(whole.on(since - timedelta(days=1)) is not learned for since, learned in whole.steps)
    assert all(since.weekday() == 0 for since, _ in whole.steps)


def test_no_cases_leave_the_chances_as_they_are() -> None:
    chance = np.array([0.1, 0.9])
    assert Outcomes().corrected(OTHERS, chance, DAY) is chance
