"""(P) Sums of small decision trees, read from data: a chance from signs. Every tree can be read by eye in likely.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MOST_LEAVES = 32
ALL = np.uint32(0xFFFFFFFF)
TOGETHER = 64
"""Rows asked at once: more do not fit into a processor's cache."""


@dataclass(frozen=True, slots=True)
class Trees:
    """Trees × nodes. A node asks whether its sign is above `threshold`; if so, the leaves below its other branch fall away
    (`kept`: a bit for each leaf of the tree, the leftmost first). Of what all nodes leave, the leftmost leaf is the one that
    a walk from the root would reach: no walk is needed, and all rows are asked at once (Lucchese et al., QuickScorer,
    SIGIR 2015). The chance is the logistic of `bias` and the `value` of the leaves."""

    bias: float
    sign: NDArray[np.intp]
    threshold: Floats
    kept: NDArray[np.uint32]
    value: Floats

    @classmethod
    def read(cls, data: Mapping[str, Any], columns: Sequence[str]) -> Trees:
        """`data["trees"]`: nested `[sign, threshold, left, right]`, a number being a leaf. ValueError for an unknown sign, or
        for a tree of more than 32 leaves."""
        place, trees = {name: number for number, name in enumerate(columns)}, data["trees"]
        count, width = len(trees), max((_leaves(tree) for tree in trees), default=1)
        if width > MOST_LEAVES:
            raise ValueError(f"likely.json has a tree of {width} leaves; {MOST_LEAVES} are the most (tools.fit_others)")
        shape = (count, max(1, width - 1))
        made = cls(
            float(data["bias"]),
            np.zeros(shape, np.intp),
            np.full(shape, np.inf),
            np.full(shape, ALL),
            np.zeros((count, MOST_LEAVES)),
        )
        for number, tree in enumerate(trees):
            made._lay_out(number, tree, place)
        return made

    def _lay_out(self, number: int, tree: Any, place: Mapping[str, int]) -> None:
        nodes = 0

        def add(node: Any, first: int) -> int:
            """Lays out a branch whose leftmost leaf is `first`; how many leaves it has."""
            nonlocal nodes
            if not isinstance(node, list):
                self.value[number, first] = float(node)
                return 1
            name, threshold, left, right = node
            if name not in place:
                raise ValueError(
                    f"likely.json asks for the sign {name!r}, which nobody draws; fit it anew "
                    "(tools.fit_others, tools.fit_vacancy)"
                )
            mine, nodes = nodes, nodes + 1
            below = add(left, first)
            self.sign[number, mine], self.threshold[number, mine] = place[name], float(threshold)
            self.kept[number, mine] = ALL ^ np.uint32(((1 << below) - 1) << first)
            return below + add(right, first + below)

        add(tree, 0)

    def chance(self, signs: Floats) -> Floats:
        """The chance for each row of signs."""
        found = np.empty(len(signs))
        sign, threshold, kept, value = (x.ravel() for x in (self.sign, self.threshold, self.kept, self.value))
        tree = np.arange(len(self.sign)) * MOST_LEAVES
        for begin in range(0, len(signs), TOGETHER):
            rows = signs[begin : begin + TOGETHER]
            left = np.where(rows[:, sign] > threshold, kept, ALL).reshape(len(rows), *self.sign.shape)
            possible = np.bitwise_and.reduce(left, axis=2)
            leftmost = possible & (~possible + np.uint32(1))
            leaf = np.log2(leftmost).astype(np.intp)  # exact: a power of two
            found[begin : begin + TOGETHER] = value[leaf + tree].sum(axis=1)
        return np.asarray(1 / (1 + np.exp(-(self.bias + found))), np.float64)


def _leaves(tree: Any) -> int:
    return _leaves(tree[2]) + _leaves(tree[3]) if isinstance(tree, list) else 1
