"""Fits hub/occupancy/likely.json anew: the chances that a home stands empty, and that others live in it.

    python -m tools.fit_likely --boost 3 --out hub/occupancy/likely.json DIR [DIR ...]

Each DIR is a history with truth (`estate-sim city --world FILE`), of worlds as different as possible, none of them one that
it is measured on. Where violations were raised `--boost` times, so that enough are seen, the weights undo it. The direction
of signs that can only speak for, or against, is fixed: what is fitted on simulated people must not learn their accidents.
The vacancy part is better fitted by `tools.fit_vacancy`, which sees far more long absences; then this takes `--only others`.
With `--onto FILE` the trees of that file stay, and further small ones correct them on these worlds: what earlier worlds
taught is kept.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from unittest.mock import patch

import numpy as np
import typer
from numpy.typing import NDArray
from sklearn._loss.loss import HalfBinomialLoss  # type: ignore[import-untyped]
from sklearn.ensemble import HistGradientBoostingClassifier  # type: ignore[import-untyped]

from hub.occupancy.absence_signs import ABSENCE_SIGNS, absence_signs
from hub.occupancy.backtest.gather import bucket_starts, gather
from hub.occupancy.backtest.history import read_history
from hub.occupancy.backtest.leads import family
from hub.occupancy.backtest.replay import Replayer
from hub.occupancy.backtest.score import Truth, read_truth
from hub.occupancy.backtest.tables import Problems, Tables
from hub.occupancy.likely import AWAY_DAYS, SETTLED_DAYS, declared_days
from hub.occupancy.policy import calendar, pack_named
from hub.occupancy.runs import festival_days
from hub.occupancy.signs import SIGNS, signs, worth_a_look
from hub.occupancy.trees import Trees

EVERY = 5  # days between samples of a dwelling
HONEST_EVERY = 3  # of honest dwellings so many are left out but one
TIERS = {
    "others": {"yellow": 0.42, "orange": 0.82, "red": 0.9},
    "vacancy": {"yellow": 0.22, "orange": 0.65, "red": 0.7},
}
FOR_OTHERS = [
    "unseen_face",
    "never_recognised",
    "gone_faces",
    "own_lost",
    "face_lost",
    "visitors_recent",
    "late_recent",
    "late_short",
    "lived_unseen",
    "newcomer_only",
    "house_recent",
    "new_token",
    "hours_change",
    "unidentified_recent",
    "night_unseen",
    "run_used",
    "run_night",
    "run_hours",
    "shift_hours",
    "mix_new",
]
AGAINST_OTHERS = [
    "face_recent",
    "own_recent",
    "stayed_faces",
    "declared",
    "visitors_usual",
    "house_usual",
    "unidentified_usual",
    "hours_usual",
    "water_usual",
    "shift_usual",
]
FOR_VACANCY = ["away", "absent", "water_low", "power_low", "after_pause", "overdue"]
AGAINST_VACANCY = [
    "declared",
    "declared_now",
    "water",
    "power",
    "longest_before",
    "long_before",
    "away_share_before",
    "visits_lately",
    "expected",
]


@dataclass(frozen=True, slots=True)
class Samples:
    """Rows of signs, whether each is a case, and how many it stands for."""

    signs: NDArray[np.float64]
    right: NDArray[np.bool_]
    weight: NDArray[np.float64]

    @classmethod
    def joined(cls, parts: Iterable[Samples]) -> Samples:
        """All rows, in order."""
        signs, right, weight = zip(*((p.signs, p.right, p.weight) for p in parts), strict=True)
        return cls(np.concatenate(signs), np.concatenate(right), np.concatenate(weight))


FURTHER_TREES = 60
HOW_LATE = ("usual_days", "record_days")
"""Signs that tell how late in the history it is: no correction rests on them."""

SOURCE = (
    "Fitted by tools.fit_likely on simulated cities of varied parameters; weights undo the raised share of violations."
)


def samples(source: Path, boost: float) -> tuple[Samples, Samples]:
    """(of others, of vacancy) from one history."""
    tables = Tables(source, Problems())
    history = read_history(tables, None, None)
    truth = read_truth(tables, history)
    if truth is None:
        raise typer.BadParameter(f"{source} holds no truth to learn from")
    pack = pack_named("national_measured")
    festival = festival_days(calendar(), pack.pauses)
    rows: list[list[Any]] = [[], []]
    with tempfile.TemporaryDirectory() as folder:
        gathered = gather(tables, history, Path(folder), lambda _rows: None)
        replayer = Replayer(history, gathered, pack, calendar())
        starts = [*bucket_starts(history).tolist(), len(history.dwellings)]
        for number in range(len(starts) - 1):
            for dwelling, record, days, recognised in replayer.spells(Path(folder), number):
                honest = dwelling not in truth.labels
                household = record.household
                if household is None or (honest and dwelling % HONEST_EVERY):
                    continue
                offset = next((i for i, d in enumerate(record.days) if d.day >= household.first), len(record.days))
                tenancy = record.days[offset:]
                if len(tenancy) < SETTLED_DAYS:
                    continue
                declared = declared_days(tenancy, household, pack)
                paused = np.array([festival(day.day) for day in tenancy], np.bool_)
                found = signs(tenancy, household, recognised[offset : offset + len(tenancy)], declared)
                absence, _from = absence_signs(tenancy, household.size, paused, declared)
                index = np.arange(max(SETTLED_DAYS, days.start - offset), len(tenancy))
                index = index[(index + offset) % EVERY == 0]
                weight = HONEST_EVERY if honest else 1 / boost
                for kept, table, kind, look in (
                    (rows[0], found, "others", worth_a_look(found)),
                    (rows[1], absence, "vacancy", absence[:, 0] >= AWAY_DAYS),
                ):
                    at = index[look[index]]
                    right = [stands(truth, dwelling, history.first + offset + i, kind) for i in at.tolist()]
                    kept.append((table[at], np.array(right, np.bool_), np.full(len(at), weight)))
    others, vacancy = (Samples(*(np.concatenate(part) for part in zip(*kept, strict=True))) for kept in rows)
    return others, vacancy


def stands(truth: Truth, dwelling: int, day: int, wanted: str) -> bool:
    """Whether a case of this family stands on this day."""
    return any(family(label.kind) == wanted and label.covers(day) for label in truth.labels.get(dwelling, ()))


def fit(
    parts: list[Samples],
    columns: tuple[str, ...],
    plus: list[str],
    minus: list[str],
    trees: int,
    leaves: int,
    rows: int = 60,
) -> dict[str, Any]:
    """The trees as likely.json holds them. `rows`: a leaf rests on so many at least."""
    table = np.concatenate([p.signs for p in parts])
    way = [1 if name in plus else -1 if name in minus else 0 for name in columns]
    fitted = HistGradientBoostingClassifier(
        max_iter=trees,
        learning_rate=0.1,
        max_leaf_nodes=leaves,
        min_samples_leaf=min(rows, max(5, len(table) // 200)),
        l2_regularization=5,
        monotonic_cst=way,
        random_state=1,
    ).fit(table, np.concatenate([p.right for p in parts]), sample_weight=np.concatenate([p.weight for p in parts]))

    return {"bias": round(float(np.ravel(fitted._baseline_prediction)[0]), 5), "trees": _trees(fitted, columns)}


def _trees(fitted: Any, columns: Sequence[str]) -> list[Any]:
    def read(nodes: Any, number: int) -> Any:
        node = nodes[number]
        if node["is_leaf"]:
            return round(float(node["value"]), 4)
        threshold = float(f"{float(node['num_threshold']):.5g}")
        return [
            columns[int(node["feature_idx"])],
            threshold,
            read(nodes, int(node["left"])),
            read(nodes, int(node["right"])),
        ]

    return [read(tree.nodes, 0) for (tree,) in fitted._predictors]  # the one way to its trees


class _Margins(np.ndarray[Any, np.dtype[np.float64]]):
    """What an earlier model says of each row, as the fit's starting point: it asks for one number and reshapes it."""

    def reshape(self, *_shape: Any, **_order: Any) -> Any:
        return np.asarray(self)[:, None]


def further(
    parts: list[Samples], columns: tuple[str, ...], plus: list[str], minus: list[str], before: dict[str, Any]
) -> dict[str, Any]:
    """The trees of `before`, and small ones that correct them on these samples."""
    table, right, weight = (np.concatenate([getattr(p, name) for p in parts]) for name in ("signs", "right", "weight"))
    chance = np.clip(Trees.read(before, columns).chance(table), 1e-5, 1 - 1e-5)
    margins = np.log(chance / (1 - chance)).view(_Margins)
    used = [name for name in columns if name not in HOW_LATE]
    model = HistGradientBoostingClassifier(
        max_iter=FURTHER_TREES,
        learning_rate=0.06,
        max_leaf_nodes=8,
        min_samples_leaf=80,
        l2_regularization=20,
        monotonic_cst=[1 if name in plus else -1 if name in minus else 0 for name in used],
        max_bins=128,
        early_stopping=False,
        random_state=1,
    )
    with patch.object(HalfBinomialLoss, "fit_intercept_only", lambda *_loss, **_rows: margins):
        model.fit(table[:, [columns.index(name) for name in used]], right, sample_weight=weight)
    return {"bias": before["bias"], "trees": [*before["trees"], *_trees(model, used)]}


def main(
    sources: Annotated[list[Path], typer.Argument(help="Histories with truth.")],
    out: Annotated[Path, typer.Option(help="likely.json to write.")],
    version: Annotated[str, typer.Option(help="What leads will name.")] = "2026.11",
    boost: Annotated[float, typer.Option(help="How many times the violations of these worlds were raised.")] = 3.0,
    only: Annotated[str | None, typer.Option(help="`others` or `vacancy`: the other part stays as it is.")] = None,
    onto: Annotated[Path | None, typer.Option(help="likely.json whose trees stay, and are corrected (others).")] = None,
) -> None:
    """Fit the model on histories with truth."""
    if only not in (None, "others", "vacancy"):
        raise typer.BadParameter(f"{only} is neither others nor vacancy", param_hint="--only")
    parts = [samples(source, boost) for source in sources]
    data = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
    data["version"], data["source"] = version, SOURCE
    if only in (None, "others"):
        rows = [p[0] for p in parts]
        if onto is None:
            others = fit(rows, SIGNS, FOR_OTHERS, AGAINST_OTHERS, 220, 8)
        else:
            before = json.loads(onto.read_text(encoding="utf-8"))["others"]
            others = further(rows, SIGNS, FOR_OTHERS, AGAINST_OTHERS, before)
        data["others"] = {**others, "tiers": TIERS["others"]}
    if only in (None, "vacancy"):
        vacancy = fit([p[1] for p in parts], ABSENCE_SIGNS, FOR_VACANCY, AGAINST_VACANCY, 90, 6)
        data["vacancy"] = {**vacancy, "tiers": TIERS["vacancy"]}
    out.write_text(json.dumps(data, separators=(",", ":")), encoding="utf-8")
    typer.echo(f"{sum(len(p[0].right) for p in parts)} and {sum(len(p[1].right) for p in parts)} samples; wrote {out}")


if __name__ == "__main__":
    typer.run(main)
