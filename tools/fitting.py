"""What the fits of hub/occupancy/likely.json share: samples of days with weights, boosted trees on them, how they are kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier  # type: ignore[import-untyped]

from hub.occupancy.backtest.leads import family
from hub.occupancy.backtest.score import Truth
from simulators.city.vary import varied_world
from simulators.city.world import World, parse_world

DAYS = 365
EVERY = 5
"""Days between samples of a dwelling."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Rows of signs, whether each is a case, how many it stands for, and whose day it is."""

    signs: NDArray[np.floating[Any]]
    right: NDArray[np.bool_]
    weight: NDArray[np.float64]
    dwelling: NDArray[np.int64]

    @classmethod
    def joined(cls, parts: Iterable[Samples]) -> Samples:
        """All rows, in order."""
        signs, right, weight, dwelling = zip(*((p.signs, p.right, p.weight, p.dwelling) for p in parts), strict=True)
        return cls(np.concatenate(signs), np.concatenate(right), np.concatenate(weight), np.concatenate(dwelling))

    def no_case_above(self, most: int) -> Samples:
        """The days of one case together weigh as much as `most` at most: a lead counts once, however long the case runs on."""
        _names, place = np.unique(self.dwelling, return_inverse=True)
        days = np.bincount(place, weights=self.right)[place]
        share = np.where(self.right, np.minimum(1, most / np.maximum(days, 1)), 1)
        return Samples(self.signs, self.right, self.weight * share, self.dwelling)


@dataclass(frozen=True, slots=True)
class Shape:
    """How many trees of how many leaves, each on so many rows at least; `rate`: what each adds, `small`: how much is asked of
    a leaf (l2)."""

    trees: int
    leaves: int
    rows: int = 60
    rate: float = 0.1
    small: float = 5


def raised(number: int, boost: float, kinds: Iterable[str]) -> World:
    """World `vary:number` with `boost` times its violations of these kinds, so that enough are seen."""
    tree = msgspec.to_builtins(varied_world(number))
    for kind in kinds:
        tree["violations"][kind] = min(0.9, tree["violations"][kind] * boost)
    return parse_world(msgspec.json.encode(tree))


def stands(truth: Truth, dwelling: int, day: int, wanted: str) -> bool:
    """Whether a case of this family stands on this day."""
    return any(family(label.kind) == wanted and label.covers(day) for label in truth.labels.get(dwelling, ()))


def fit(
    parts: Sequence[Samples], columns: Sequence[str], plus: Iterable[str], minus: Iterable[str], shape: Shape
) -> dict[str, Any]:
    """The trees as likely.json holds them. `plus`, `minus`: signs that can only speak for, or only against."""
    every = Samples.joined(parts)
    fitted = HistGradientBoostingClassifier(
        max_iter=shape.trees,
        learning_rate=shape.rate,
        max_leaf_nodes=shape.leaves,
        min_samples_leaf=min(shape.rows, max(5, len(every.right) // 200)),
        l2_regularization=shape.small,
        monotonic_cst=[1 if name in plus else -1 if name in minus else 0 for name in columns],
        early_stopping=False,
        random_state=1,
    ).fit(every.signs, every.right, sample_weight=every.weight)

    def read(nodes: Any, number: int) -> Any:
        node = nodes[number]
        if node["is_leaf"]:
            return round(float(node["value"]), 4)
        threshold = float(f"{float(node['num_threshold']):.5g}")
        below, above = (read(nodes, int(node[side])) for side in ("left", "right"))
        return [columns[int(node["feature_idx"])], threshold, below, above]

    return {
        "bias": round(float(np.ravel(fitted._baseline_prediction)[0]), 5),
        "trees": [read(tree.nodes, 0) for (tree,) in fitted._predictors],  # the one way to its trees
    }


def write(
    out: Path, part: str, fitted: dict[str, Any], tiers: dict[str, float], worlds: Sequence[int], version: str
) -> None:
    """One part of likely.json written anew, the rest left alone."""
    data = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
    data["version"], data[part] = version, {**fitted, "tiers": tiers, "worlds": list(worlds)}
    out.write_text(json.dumps(data, separators=(",", ":")), encoding="utf-8")
