"""What the small tables of a history say of leases and members."""

from __future__ import annotations

import pytest

from hub.occupancy.backtest.chunk import Chunk, Problems
from hub.occupancy.backtest.history import MemberRow, _people, _turnovers


def row(person: int, first: int, last: int | None = None) -> MemberRow:
    return MemberRow(person, first, last, consent=True)


@pytest.mark.parametrize(
    ("rows", "days"),
    [
        ([row(1, 0, 90), row(2, 10, 80), row(3, 120), row(4, 130)], [120]),
        ([row(1, 0, 90), row(2, 91)], [91]),
        ([row(1, 0, 90), row(2, 90)], []),
        ([row(1, 0, 90), row(2, 10), row(3, 120)], []),
        ([row(1, 0, 90), row(1, 120), row(2, 120)], []),
        ([row(1, 0, 90), row(2, 120, 200), row(3, 300)], [120, 300]),
        ([row(1, 0, 90), row(2, 120, 200), row(1, 300)], []),
        ([row(1, 0)], []),
        ([], []),
    ],
    ids=["let anew", "the day after", "a day together", "one stayed", "one came back", "twice", "came back later", "one", "none"],
)  # fmt: skip
def test_a_household_that_is_replaced_as_a_whole_is_another(rows: list[MemberRow], days: list[int]) -> None:
    assert list(_turnovers(rows)) == days


def test_how_many_a_home_is_let_to_is_left_out_and_named_where_it_cannot_be() -> None:
    problems = Problems()
    told = ["3", "", "0", "-2", "1e300", "3000", "2.0"]
    chunk = Chunk("dwellings", {"expected_members": told}, range(11, 18), problems)
    assert _people(chunk, problems) == [3, 0, 0, 0, 0, 0, 2]
    said = "expected_members that cannot be, left out"
    assert problems.counts == {said: 4}, "what is not told is no fault"
    assert problems.examples[said][0] == "dwellings row 13"
