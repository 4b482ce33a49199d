"""Presence days: tables of single days, what history teaches, and properties that hold for any history."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.occupancy.observed import Interval, day_starts, missed_shares
from hub.occupancy.presence import Reading, counts_whole, daily_use, presence
from hub.occupancy.values import CredentialUse, DayState, ObservedDay

START = date(2026, 3, 1)
POINTS = frozenset({"gate", "entrance"})
FACE = (CredentialUse("tok-a", True, identified=2, other=1),)
CARD = (CredentialUse("tok-a", True, other=2),)
STRANGE_CARD = (CredentialUse("tok-new", True, other=1),)
VISITOR = (CredentialUse("tok-v", False, other=1),)


def day(index: int, uses: tuple[CredentialUse, ...] = (), water: float | None = None, **gaps: float) -> ObservedDay:
    return ObservedDay(START + timedelta(days=index), gaps, uses, water)


def states(days: list[ObservedDay], points: frozenset[str] = POINTS) -> list[str]:
    return [judged.state.value for judged in presence(days, points)]


LIVED_IN = [day(i, FACE, 0.2) for i in range(30)]


@pytest.mark.parametrize(
    ("today", "wanted"),
    [
        (day(30, FACE), "present"),
        (day(30, CARD), "present"),
        (day(30, VISITOR), "other_use"),
        (day(30), "absent"),
        (day(30, gate=0.05), "absent"),
        (day(30, gate=0.051), "unknown"),
        (day(30, gate=0.03, entrance=0.03), "unknown"),
        (day(30, gate=1.0), "unknown"),
        (day(30, FACE, gate=1.0), "present"),
        (day(30, water=0.0), "absent"),
        (day(30, water=0.119), "absent"),
        (day(30, water=0.12), "present"),
        (day(30, water=0.12, gate=1.0), "present"),
        (day(30, (CredentialUse("tok-a", True),)), "absent"),
    ],
)
def test_a_day_after_thirty_days_lived_in(today: ObservedDay, wanted: str) -> None:
    assert states([*LIVED_IN, today])[-1] == wanted


def test_a_home_without_doors_is_never_absent() -> None:
    assert set(states([day(i) for i in range(40)], frozenset())) == {"unknown"}


def test_a_propped_door_lowers_coverage_and_hides_absence() -> None:
    judged = presence([*LIVED_IN, day(30, entrance=0.4)], POINTS)[-1]
    assert (judged.state, judged.coverage) == (DayState.UNKNOWN, 0.6)


def test_cards_of_people_no_longer_identified_become_other_use_after_two_weeks() -> None:
    after = states([*LIVED_IN, *(day(i, CARD) for i in range(30, 50))])[30:]
    assert after[:14] == ["present"] * 14
    assert after[14:] == ["other_use"] * 6


def test_a_card_of_somebody_never_identified_is_the_households() -> None:
    after = states([*LIVED_IN, *(day(i, STRANGE_CARD) for i in range(30, 60))])[30:]
    assert set(after) == {"present"}, "whoever gave no consent to the check may use the card for ever"


def test_water_after_residents_are_long_unseen_is_other_use() -> None:
    after = states([*LIVED_IN, *(day(i) for i in range(30, 50)), day(50, water=0.2)])
    assert after[-1] == "other_use"


def test_a_home_only_the_water_meter_knows_is_lived_in() -> None:
    assert set(states([day(i, water=0.2) for i in range(60)])[14:]) == {"present"}


def test_usual_water_is_of_days_before_and_freezes_when_nobody_is_seen() -> None:
    judged = presence([*LIVED_IN, *(day(i, water=0.0) for i in range(30, 120))], POINTS)
    assert judged[13].usual_water is None
    assert judged[14].usual_water == pytest.approx(0.2)
    assert judged[-1].usual_water == pytest.approx(0.2), "an empty home must not forget its usual"


USES = st.lists(
    st.builds(
        CredentialUse,
        st.sampled_from(["a", "b", "v"]),
        st.booleans(),
        st.integers(0, 3),
        st.integers(0, 3),
    ),
    max_size=3,
).map(tuple)
HISTORIES = st.lists(
    st.tuples(USES, st.none() | st.floats(0, 1), st.dictionaries(st.sampled_from(sorted(POINTS)), st.floats(0.001, 1))),
    max_size=60,
).map(lambda rows: [ObservedDay(START + timedelta(days=i), g, u, w) for i, (u, w, g) in enumerate(rows)])


@given(HISTORIES)
def test_less_coverage_never_makes_a_day_absent(history: list[ObservedDay]) -> None:
    blind = [replace(today, gaps=dict.fromkeys(POINTS, 0.5)) for today in history]
    assert "absent" not in states(blind)


@given(HISTORIES, st.integers(0, 59))
def test_a_day_is_judged_from_itself_and_the_past(history: list[ObservedDay], cut: int) -> None:
    assert presence(history, POINTS)[:cut] == presence(history[:cut], POINTS)


@given(HISTORIES)
def test_absence_means_no_lawful_sign_and_full_coverage(history: list[ObservedDay]) -> None:
    for judged in presence(history, POINTS):
        if judged.state is DayState.ABSENT:
            assert judged.passes == judged.others == 0
            assert judged.coverage >= 0.95


# --- meters and intervals -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("readings", "wanted"),
    [
        ([(0, 1.0), (1, 1.2)], {1: 0.2}),
        ([(0, 1.0), (3, 1.6)], {1: 0.2, 2: 0.2, 3: 0.2}),
        ([(0, 1.0), (4, 1.6)], {}),
        ([(0, 5.0), (1, 1.0), (2, 1.3)], {2: 0.3}),
        ([(0, 1.0), (1, 900.0)], {}),
        ([(0, 1.0)], {}),
        ([(0, 1.0), (1, 1.0), (2, 2.0)], {2: 1.0}),
        ([(0, 1.0), (1, 1.0), (2, 2.1)], {1: 0.0, 2: 1.1}),
    ],
)
def test_use_of_a_day(readings: list[tuple[int, float]], wanted: dict[int, float]) -> None:
    found = daily_use("water", [Reading(START + timedelta(days=i), value) for i, value in readings])
    assert found == pytest.approx({START + timedelta(days=i): value for i, value in wanted.items()})


def test_a_meter_of_whole_cubic_metres_is_known_by_its_days_with_use() -> None:
    assert counts_whole([0.0, 1.0] * 5)
    assert not counts_whole([0.0, 1.0] * 4), "too few to tell"
    assert not counts_whole([0.0, 1.0] * 5 + [0.1]), "one tenth: it counts smaller"


def at(hour: float) -> datetime:
    return datetime(2026, 3, 1, tzinfo=UTC) - timedelta(hours=8) + timedelta(hours=hour)


@pytest.mark.parametrize(
    ("intervals", "wanted"),
    [
        ([Interval(True, at(-5), None)], [0, 0]),
        ([], [1, 1]),
        ([Interval(True, at(12), None)], [0.5, 0]),
        ([Interval(True, at(-5), at(6)), Interval(False, at(6), at(12)), Interval(True, at(12), None)], [0.25, 0]),
        ([Interval(True, at(-5), None), Interval(False, at(18), at(30))], [0.25, 0.25]),
        ([Interval(True, at(-5), at(24)), Interval(True, at(20), None)], [0, 0]),
    ],
)
def test_share_of_a_local_day_that_was_missed(intervals: list[Interval], wanted: list[float]) -> None:
    starts = day_starts(START, START + timedelta(days=1), ZoneInfo("Asia/Shanghai"))
    assert missed_shares(intervals, starts, at(100)) == pytest.approx(wanted)


def test_time_after_now_is_not_observed() -> None:
    starts = day_starts(START, START, ZoneInfo("Asia/Shanghai"))
    assert missed_shares([Interval(True, at(-5), None)], starts, at(12)) == pytest.approx([0.5])


def test_hours_of_a_day_are_known_when_those_of_all_its_passes_are() -> None:
    known, other = CredentialUse("a", True, other=1, hours=0b10), CredentialUse("b", True, other=1, hours=0b100)
    unknown = CredentialUse("c", True, other=1)
    day = date(2026, 3, 1)
    judged = presence([ObservedDay(day, {}, uses) for uses in ((known, other), (known, unknown), ())], POINTS)
    assert [d.hours for d in judged] == [0b110, 0, 0]
