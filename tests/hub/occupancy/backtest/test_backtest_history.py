"""What the small tables of a history say of leases and members."""

from __future__ import annotations

import pytest

from hub.occupancy.backtest.chunk import BAD, Chunk, Problems
from hub.occupancy.backtest.coverage import _may_be_any_time
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
        ([row(1, 0, 90), row(2, 120, 200), row(1, 300)], [120]),
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


HOUR = 3600


@pytest.mark.parametrize(
    ("rows", "outages", "why"),
    [
        ([("ok", 0, 10), ("ok", 12, 100)], 1, "the row that cannot be read stood in the gap"),
        ([("ok", 0, 90)], 1, "it stood at the end"),
        ([("ok", 5, 100)], 1, "it stood at the beginning"),
        ([("ok", 0, 10), ("ok", 12, 60), ("ok", 61, 100)], 2, "a gap each"),
    ],
)
def test_an_outage_that_cannot_be_read_is_where_no_row_stands(
    rows: list[tuple[str, int, int]], outages: int, why: str
) -> None:
    readable = {7: [(state, a * HOUR, b * HOUR) for state, a, b in rows]}
    assert not list(_may_be_any_time([(7, BAD)] * outages, readable, 0, 100 * HOUR)), why


@pytest.mark.parametrize(
    ("rows", "outages", "why"),
    [
        ([("ok", 0, 100)], 1, "it is written over a row that says ok"),
        ([("ok", 0, 50), ("ok", 50, 100)], 1, "no gap"),
        ([("ok", 0, 10), ("down", 10, 20), ("ok", 20, 100)], 1, "the gap has its own row"),
        ([("ok", 0, 10), ("ok", 12, 100)], 2, "two outages, one gap"),
        ([("ok", 0, 99.99)], 1, "a second at the end of a day is no gap"),
    ],
)
def test_an_outage_that_fits_no_gap_may_have_been_at_any_time(
    rows: list[tuple[str, float, float]], outages: int, why: str
) -> None:
    readable = {7: [(state, int(a * HOUR), int(b * HOUR)) for state, a, b in rows]}
    found = list(_may_be_any_time([(7, BAD)] * outages, readable, 0, 100 * HOUR))
    assert found == [(7, BAD)] * outages, why
