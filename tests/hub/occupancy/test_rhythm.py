"""A household's own rhythm of absences, with the stock's where its own is short."""

from __future__ import annotations

from itertools import pairwise

from hub.occupancy.rhythm import MEASURED_STOCK, expected_a_year, stock_rhythm


def test_a_home_often_empty_is_expected_to_be_empty_again() -> None:
    traveller = expected_a_year(20, [25, 18, 30, 22], 365)
    homebody = expected_a_year(20, [], 365)
    assert traveller > 3, "four absences like it in a year"
    assert homebody < MEASURED_STOCK.rate(20) / 3, "a year without one says more than the stock"


def test_a_new_home_is_judged_by_the_stock() -> None:
    assert expected_a_year(14, [], 0) == MEASURED_STOCK.rate(14)


def test_longer_absences_are_rarer() -> None:
    lengths = (3, 7, 14, 30, 45, 60, 90, 150, 300)
    expected = [expected_a_year(n, [5, 9, 40], 200) for n in lengths]
    assert all(a >= b for a, b in pairwise(expected))
    assert expected[-1] < 0.05


def test_the_rhythm_of_a_stock_is_counted_from_its_homes() -> None:
    stock = stock_rhythm([([10, 3], 365), ([], 365), ([40], 730)])
    assert stock.rate(3) == 3 / 4
    assert stock.rate(11) == 1 / 4
    assert stock.rate(400) == 0
