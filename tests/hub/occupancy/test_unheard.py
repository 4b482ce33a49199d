"""Doors that fall silent, or write what cannot be read, were not observing."""

from __future__ import annotations

import pytest

from hub.occupancy.unheard import unheard

BEFORE = [20] * 14


def days(recorded: list[int], lost: list[int] | None = None, down: frozenset[int] = frozenset()) -> list[int]:
    lost = [0] * len(recorded) if lost is None else lost
    return unheard(recorded, lost, [day not in down for day in range(len(recorded))])


@pytest.mark.parametrize(
    ("recorded", "found"),
    [
        ([*BEFORE, 0, 0, 18, 0], [14, 15, 17]),
        ([*BEFORE, 1, 2, 3], []),
        ([*[4] * 14, 0, 0, 0, 0], [16, 17]),
        ([1] * 14 + [0] * 11, []),
        ([20] * 9 + [0] * 5, []),
        ([0] * 30 + [5, 0], list(range(30))),
        ([*[40] * 14, 4, 5, 4, 40], [14, 16]),
    ],
    ids=[
        "busy",
        "few went on",
        "less busy, later",
        "hardly used",
        "too young to tell",
        "nobody yet",
        "next to nothing is left",
    ],
)
def test_a_door_that_many_use_and_nobody_does_is_not_observing(recorded: list[int], found: list[int]) -> None:
    assert days(recorded) == found


def test_what_the_device_says_itself_is_not_counted_as_silence() -> None:
    recorded = [*[4] * 14, 0, 0, 0, 0, 0]
    assert days(recorded, down=frozenset({14, 15})) == [18], "silent for three days of its own, not for five"


def test_records_that_cannot_be_read_are_records_lost() -> None:
    recorded, lost = [20, 20, 20, 0, 8, 20], [0, 2, 4, 20, 2, 5]
    assert days(recorded, lost) == [3, 5], "a slip of the hand is none; a fifth of the day is"


def test_a_long_silence_does_not_become_what_is_usual() -> None:
    assert days([*BEFORE, *[0] * 60]) == list(range(14, 74))


def test_a_day_is_judged_from_days_up_to_it() -> None:
    recorded = [*BEFORE, 0, 0, 12, 0, 3, 0, 0, 25]
    whole = days(recorded)
    for end in range(1, len(recorded)):
        assert days(recorded[:end]) == [day for day in whole if day < end]
