"""What the fits of hub/occupancy/likely.json share: cities walked tenancy by tenancy, samples of days with weights, boosted trees
on them, how both are kept. What one world teaches is kept in build/fit, so that a run that was stopped goes on."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from sklearn.ensemble import HistGradientBoostingClassifier  # type: ignore[import-untyped]

import hub.occupancy
from hub.occupancy.backtest.chunk import Problems
from hub.occupancy.backtest.gather import gather
from hub.occupancy.backtest.gathered import bucket_starts
from hub.occupancy.backtest.history import read_history
from hub.occupancy.backtest.kinds import family
from hub.occupancy.backtest.pool import cores
from hub.occupancy.backtest.replay import Replayer
from hub.occupancy.backtest.score import Truth, read_truth
from hub.occupancy.backtest.tables import Tables
from hub.occupancy.likely import SETTLED_DAYS, declared_days
from hub.occupancy.policy import calendar, pack_named
from hub.occupancy.runs import festival_days
from hub.occupancy.values import Household, PresenceDay
from simulators.apart import world_apart, write_apart
from simulators.city.vary import varied_world
from simulators.city.world import World, parse_world
from tools.bench.draws import POLICY, drawn_by

KEPT = Path(__file__).resolve().parents[1] / "build/fit"
DAYS = 365
EVERY = 5
"""Days between samples of a dwelling."""

DWELLINGS_APART, PREVALENCE, APART_WEIGHT = 2000, 0.03, 0.4
STARTS_APART = (date(2025, 7, 1), date(2025, 1, 1), date(2025, 10, 1))
"""Of worlds of other simulators; `PREVALENCE`: their usual share of violations (3.0-3.2 %, detection.md section 3)."""


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


@dataclass(frozen=True, slots=True)
class Tenancy:
    """What a city's record says of one tenancy, and what is true. `days[0]` is day `offset` of the history, `begin` the first of
    `days` that this record is judged on, `honest`: the home never has a case."""

    dwelling: int
    name: str
    household: Household
    days: Sequence[PresenceDay]
    offset: int
    begin: int
    recognised: Sequence[float | None]
    declared: NDArray[np.bool_]
    paused: NDArray[np.bool_]
    honest: bool
    truth: Truth
    first: int

    def cases(self, index: NDArray[np.int64], wanted: str) -> NDArray[np.bool_]:
        """Whether a case of this family stands on each of these days."""
        days = (self.first + self.offset + index).tolist()
        return np.array([stands(self.truth, self.dwelling, day, wanted) for day in days], np.bool_)


def tenancies(source: Path) -> Iterator[Tenancy]:
    """All tenancies of the city in `source` whose days can be judged, as the back-test's records have them."""
    with tempfile.TemporaryDirectory() as folder:
        work, tables = Path(folder), Tables(source, Problems())
        history = read_history(tables, None, None)
        truth = read_truth(tables, history)
        assert truth is not None, "a simulated city has its truth"
        pack = pack_named(POLICY)
        festival = festival_days(calendar(), pack.pauses)
        replayer = Replayer(history, gather(tables, history, work, lambda: None), pack, calendar())
        for bucket in range(len(bucket_starts(history))):
            for dwelling, record, days, recognised in replayer.spells(work, bucket):
                household = record.household
                if household is None:
                    continue
                own = record.since(household.handover or household.first)
                offset = len(record.days) - len(own)
                if len(own) < SETTLED_DAYS:
                    continue
                yield Tenancy(
                    dwelling, history.dwellings[dwelling], household, own, offset, max(SETTLED_DAYS, days.start - offset),
                    recognised[offset : offset + len(own)], declared_days(own, household, pack),
                    np.array([festival(day.day) for day in own], np.bool_), dwelling not in truth.labels, truth, history.first,
                )  # fmt: skip


def drawn(
    part: str, draw: Callable[[str], Samples], worlds: Sequence[str], how: str, apart: float = APART_WEIGHT
) -> list[Samples]:
    """What worlds teach, side by side, or as it was kept, balanced. `how`: names what else the samples depend on."""
    with ProcessPoolExecutor(cores(), get_context("spawn")) as pool:
        files = [KEPT / f"{part}_{drawn_by()}_{_signs()}_{name.replace(':', '')}_{how}.npz" for name in worlds]
        parts = list(track(pool.map(_one, [draw] * len(files), worlds, files), "worlds", total=len(files)))
    return balanced(parts, [one[0] if (one := world_apart(name)) else "" for name in worlds], apart)


def balanced(parts: Sequence[Samples], simulators: Sequence[str], apart: float = APART_WEIGHT) -> list[Samples]:
    """Worlds of each other simulator together weigh `apart` of those of our first one ("")."""
    total = dict.fromkeys(simulators, 0.0)
    for part, name in zip(parts, simulators, strict=True):
        total[name] += float(part.weight.sum())
    wanted = apart * total.get("", 0.0)
    return [
        replace(part, weight=part.weight * (wanted / total[name])) if name and wanted and total[name] else part
        for part, name in zip(parts, simulators, strict=True)
    ]


def draw_apart(name: str, source: Path, times: float) -> None:
    """The city of another simulator in `source`, with `times` the usual share of violations."""
    apart = world_apart(name)
    assert apart is not None, name
    simulator, seed = apart
    start = STARTS_APART[seed % len(STARTS_APART)]
    write_apart(
        simulator, source, seed=seed, dwellings=DWELLINGS_APART, days=DAYS, start=start, prevalence=PREVALENCE * times
    )


def _one(draw: Callable[[str], Samples], number: str, kept: Path) -> Samples:
    if kept.exists():
        with np.load(kept) as held:
            return Samples(held["signs"], held["right"], held["weight"], held["dwelling"])
    found = draw(number)
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(".part.npz")
    np.savez(part, signs=found.signs, right=found.right, weight=found.weight, dwelling=found.dwelling)
    part.replace(kept)
    return found


def _signs() -> str:
    """Names the code that draws the signs: after a change they are drawn anew."""
    digest = hashlib.sha256()
    for file in sorted(Path(hub.occupancy.__file__).parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:8]


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


def mixed(before: dict[str, Any], fitted: dict[str, Any], keep: float) -> dict[str, Any]:
    """Trees that say the mean of both in log-odds, `keep` (0..1) of it from `before`: what worlds taught that are too many to be
    drawn again is not lost."""

    def scaled(tree: Any, share: float) -> Any:
        if not isinstance(tree, list):
            return round(tree * share, 4)
        name, threshold, below, above = tree
        return [name, threshold, scaled(below, share), scaled(above, share)]

    parts = ((before, keep), (fitted, 1 - keep))
    return {
        "bias": round(sum(of["bias"] * share for of, share in parts), 5),
        "trees": [scaled(tree, share) for of, share in parts for tree in of["trees"]],
    }


def write(
    out: Path,
    part: str,
    fitted: dict[str, Any],
    tiers: dict[str, float],
    worlds: Sequence[str],
    version: str,
    keep: float = 0.0,
) -> None:
    """One part of likely.json written anew, the rest left alone. `keep`: so much of what it says is kept beside the new."""
    data = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
    if keep:
        fitted, worlds = mixed(data[part], fitted, keep), [*data[part]["worlds"], *worlds]
    data["version"], data[part] = version, {**fitted, "tiers": tiers, "worlds": list(worlds)}
    out.write_text(json.dumps(data, separators=(",", ":")), encoding="utf-8")
