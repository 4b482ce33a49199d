"""Signs that a home is lived in otherwise than before: what moved, when, and what never may count as moving."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from hub.occupancy.columns import columns_of
from hub.occupancy.shift_signs import SHIFT_SIGNS, shift_signs
from hub.occupancy.values import DayState, PresenceDay
from hub.occupancy.windows import Floats, Windows

FIRST = date(2026, 1, 5)
MORNING, NIGHT = 1 << 7 | 1 << 18, 1 << 14 | 1 << 23


def lived(count: int, token: str, hours: int, every: int = 1) -> list[tuple[str, int]]:
    """Days on which the token passed at these hours; on every so many only."""
    return [(token, hours) if day % every == 0 else ("", 0) for day in range(count)]


def drawn(uses: list[tuple[str, int]], water: list[float] | None = None) -> dict[str, Floats]:
    days = [
        PresenceDay(
            FIRST + timedelta(days=i),
            DayState.PRESENT if token else DayState.ABSENT,
            1.0,
            {},
            cards_of=(token,) if token else (),
            hours=hours,
            water=None if water is None else water[i],
        )
        for i, (token, hours) in enumerate(uses)
    ]
    used = np.array([bool(token) for token, _hours in uses], np.bool_)
    return shift_signs(columns_of(days), Windows(len(days)), np.ones(len(days), np.bool_), used)


def test_another_card_at_other_hours_is_another_life_from_that_day_on() -> None:
    found = drawn(lived(120, "own", MORNING) + lived(30, "other", NIGHT))
    assert found["shift_days"][-1] == 30, "the length that fits best is the one that it lasted"
    assert found["mix_lost"][-1] > 0.9, "the usual card is gone"
    assert found["mix_new"][-1] > 0.9, "the present card is new"
    assert found["shift_hours"][-1] > 20, "the hours moved"
    assert found["shift"][-1] > 10 * max(1.0, found["shift"][118]), "before, nothing did"


def test_the_same_card_used_by_another_is_seen_by_its_hours() -> None:
    found = drawn(lived(120, "own", MORNING) + lived(30, "own", NIGHT))
    assert found["shift_hours"][-1] > 20
    assert found["mix_lost"][-1] == found["mix_new"][-1] == 0


def test_a_household_that_goes_on_as_before_has_not_moved() -> None:
    found = drawn(lived(200, "own", MORNING, every=2), [0.2, 0.3] * 100)
    assert found["shift"].max() < 2


def test_half_the_water_since_is_a_move_of_the_meter() -> None:
    ups = [0.9, 1.0, 1.1]
    found = drawn(lived(150, "own", MORNING), [(0.3 if day < 120 else 0.1) * ups[day % 3] for day in range(150)])
    assert found["shift_meter"][-1] > 20
    assert found["shift_tokens"][-1] < 2


def test_of_a_young_record_nothing_is_said() -> None:
    found = drawn(lived(20, "own", MORNING) + lived(20, "other", NIGHT))
    assert all(not found[name].any() for name in SHIFT_SIGNS)


def test_a_day_is_drawn_from_the_days_up_to_it() -> None:
    life = lived(120, "own", MORNING) + lived(30, "other", NIGHT) + lived(40, "own", MORNING)
    whole = drawn(life)
    for known in (60, 121, 123, 126, 131, 150, 153):
        part = drawn(life[:known])
        for name in SHIFT_SIGNS:
            assert np.allclose(whole[name][:known], part[name]), f"{name} looks ahead of day {known}"


def test_a_face_of_somebody_who_left_on_a_day_nobody_observed_counts_for_nothing() -> None:
    days = [
        PresenceDay(
            FIRST + timedelta(days=i), DayState.UNKNOWN if i % 4 else DayState.PRESENT, 1.0, {}, identified_by=("left",)
        )
        for i in range(240)
    ]
    known = np.array([day.state is DayState.PRESENT for day in days], np.bool_)
    with np.errstate(all="raise"):
        found = shift_signs(columns_of(days), Windows(len(days)), known, np.zeros(len(days), np.bool_))
    assert all(np.isfinite(found[name]).all() for name in SHIFT_SIGNS), "more uses than days that could be observed"
