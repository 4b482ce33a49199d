"""Rows that stand in a table twice, however far apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hub.occupancy.backtest import repeats
from hub.occupancy.backtest.repeats import Repeats, keys_of


def numbers(*values: int) -> np.ndarray:
    return keys_of(np.array(values, np.int64))


@pytest.mark.parametrize("flush", [3, 10**6], ids=["on disk", "held"])
def test_what_comes_back_is_known_at_the_second_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flush: int
) -> None:
    monkeypatch.setattr(repeats, "FLUSH_KEYS", flush)
    pieces = [numbers(1, 2, 2, 3), numbers(4, 5), numbers(3, 6, 1), numbers(1)]
    first = Repeats(tmp_path)
    assert [first.again(piece).tolist() for piece in pieces] == [
        [False, False, True, False],  # within a piece it is seen at once
        [False, False],
        [False, False, False],
        [False],
    ]
    known = first.coming_back()
    assert sorted(known.tolist()) == sorted(numbers(1, 3).tolist())
    second = Repeats(tmp_path, known)
    assert [second.again(piece).tolist() for piece in pieces] == [
        [False, False, True, False],
        [False, False],
        [True, False, True],
        [True],
    ]
    assert not list(tmp_path.iterdir()), "nothing is left behind"


def test_a_table_without_repeats_has_none(tmp_path: Path) -> None:
    first = Repeats(tmp_path)
    first.again(numbers(*range(1000)))
    assert len(first.coming_back()) == 0


def test_numbers_differ_where_any_column_does() -> None:
    one, zero = np.ones(1, np.int64), np.zeros(1, np.int64)
    found = {
        int(keys_of(*columns)[0]) for columns in ((one, zero), (zero, one), (one, one), (zero, zero), (-one, zero))
    }
    assert len(found) == 5
    many = np.arange(100_000, dtype=np.int64)
    assert len(np.unique(keys_of(many, many % 7))) == len(many)
