"""What the small tables of a history say of leases and members."""

from __future__ import annotations

import pytest

from hub.occupancy.backtest.history import MemberRow, _turnovers


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
