"""Trees of likely.json: every row reaches the leaf that a walk from the root reaches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.occupancy.trees import MOST_LEAVES, Trees

COLUMNS = ("a", "b", "c")
VALUES = st.integers(-8, 8).map(lambda n: n / 4)
TREE = st.recursive(
    VALUES, lambda part: st.tuples(st.sampled_from(COLUMNS), VALUES, part, part).map(list), max_leaves=MOST_LEAVES
)


def walked(tree: Any, row: dict[str, float]) -> float:
    while isinstance(tree, list):
        name, threshold, left, right = tree
        tree = left if row[name] <= threshold else right
    return float(tree)


@given(
    st.lists(TREE, min_size=1, max_size=5),
    st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=130),
    VALUES,
)
def test_a_row_reaches_the_leaf_that_a_walk_reaches(
    trees: list[Any], rows: list[tuple[float, ...]], bias: float
) -> None:
    chance = Trees.read({"bias": bias, "trees": trees}, COLUMNS).chance(np.array(rows))
    for row, stated in zip(rows, chance, strict=True):
        margin = bias + sum(walked(tree, dict(zip(COLUMNS, row, strict=True))) for tree in trees)
        assert stated == pytest.approx(1 / (1 + np.exp(-margin)), abs=1e-12)


def test_a_full_tree_of_the_most_leaves_is_read_to_its_last_leaf() -> None:
    tree: Any = 31.0
    for number in range(MOST_LEAVES - 2, -1, -1):
        tree = ["a", float(number), float(number), tree]
    trees = Trees.read({"bias": 0, "trees": [tree]}, COLUMNS)
    at = trees.chance(np.array([[float(n), 0, 0] for n in range(40)]))
    assert np.allclose(np.log(at / (1 - at)), np.minimum(np.arange(40), 31), atol=1e-2), "to the 32nd leaf"
    with pytest.raises(ValueError, match="33 leaves"):
        Trees.read({"bias": 0, "trees": [["b", 0.0, 0.0, tree]]}, COLUMNS)


def test_a_sign_that_nobody_draws_is_named() -> None:
    with pytest.raises(ValueError, match="'gone'"):
        Trees.read({"bias": 0, "trees": [["gone", 0.5, 0.0, 1.0]]}, COLUMNS)


def test_no_rows_have_no_chance() -> None:
    assert Trees.read({"bias": 0, "trees": [1.0]}, COLUMNS).chance(np.zeros((0, 3))).shape == (0,)
