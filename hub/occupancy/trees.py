"""(P) Sums of small decision trees, read from data: a chance from signs. Every tree can be read by eye in likely.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trees:
    """Trees × nodes: a node asks whether its sign is at most `threshold`, then goes left, else right; a leaf's children are
    itself. The chance is the logistic of `bias` and the values of the leaves reached."""

    bias: float
    sign: NDArray[np.intp]
    threshold: Floats
    left: NDArray[np.intp]
    right: NDArray[np.intp]
    value: Floats
    depth: int

    @classmethod
    def read(cls, data: Mapping[str, Any], columns: Sequence[str]) -> Trees:
        """`data["trees"]`: nested `[sign, threshold, left, right]`, a number being a leaf. ValueError for an unknown sign."""
        place = {name: number for number, name in enumerate(columns)}
        made = [_flat(tree, place) for tree in data["trees"]]
        width = max(len(nodes) for nodes, _ in made)
        table = np.zeros((5, len(made), width))
        table[2] = table[3] = np.arange(width)
        for number, (nodes, _) in enumerate(made):
            table[:, number, : len(nodes)] = np.array(nodes).T
        whole = [table[k].astype(np.intp) for k in (0, 2, 3)]
        return cls(float(data["bias"]), whole[0], table[1], whole[1], whole[2], table[4], max(d for _, d in made))

    def chance(self, signs: Floats) -> Floats:
        """The chance for each row of signs."""
        rows, trees = np.arange(len(signs))[:, None], np.arange(len(self.sign))[None, :]
        node = np.zeros((len(signs), len(self.sign)), np.intp)
        for _ in range(self.depth):
            goes_left = signs[rows, self.sign[trees, node]] <= self.threshold[trees, node]
            node = np.where(goes_left, self.left[trees, node], self.right[trees, node])
        margin = self.bias + self.value[trees, node].sum(axis=1)
        return np.asarray(1 / (1 + np.exp(-margin)), np.float64)


def _flat(tree: Any, place: Mapping[str, int]) -> tuple[list[tuple[float, float, float, float, float]], int]:
    """Nodes as (sign, threshold, left, right, value), and the depth."""
    nodes: list[tuple[float, float, float, float, float]] = []

    def add(node: Any) -> tuple[int, int]:
        number = len(nodes)
        if not isinstance(node, list):
            nodes.append((0, 0, number, number, float(node)))
            return number, 0
        name, threshold, left, right = node
        if name not in place:
            raise ValueError(
                f"likely.json asks for the sign {name!r}, which nobody draws; fit it anew (tools.fit_likely)"
            )
        nodes.append((0, 0, 0, 0, 0))
        (first, one), (second, other) = add(left), add(right)
        nodes[number] = (place[name], float(threshold), first, second, 0)
        return number, 1 + max(one, other)

    return (nodes, add(tree)[1])
