"""Does a simulated city give the answer away? Tells honest absences from new vacancies as well as a model can.

    python -m tools.leak_test --in DIR [--in DIR ...]

Among dwellings that have truly been empty for 15–45 days (from `simulated_absences`), two models (logistic regression,
gradient boosting) learn from everything the history shows by that day which of them are vacancies that began in the
history. Real homes hardly tell that early, so an AUC above 0.8 (cross-validated, whole dwellings held out) means that
the simulator draws some habit from different distributions for honest and violating households.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import typer
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier  # type: ignore[import-untyped]
from sklearn.impute import SimpleImputer  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]
from sklearn.model_selection import StratifiedGroupKFold  # type: ignore[import-untyped]
from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]
from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

Matrix = NDArray[np.float32]
SHORTEST, LONGEST, STEP, BEFORE = 15, 45, 15, 60  # days
ALLOWED = 0.8
OWN, OTHER = ("face", "card", "qr"), ("pin", "visitor")
FEATURES = (
    "days_empty", "own_passes", "other_passes", "days_with_pass", "since_pass", "face_before", "face_in_absence",
    "water", "water_days", "water_most", "water_ratio", "power", "power_ratio", "power_least",
    "seen_before", "seen_lately", "other_before", "longest_silence", "silences", "water_before", "power_before",
    "declared", "members", "consents", "first_day", "let_age",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class History:
    """Dwellings × days: passes by household members and by others, face passes, readings (NaN: none)."""

    index: dict[str, int]
    start: date
    own: Matrix
    other: Matrix
    face: Matrix
    water: Matrix
    power: Matrix
    tables: dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Result:
    """AUC of each model, and from how many rows and dwellings."""

    auc: dict[str, float]
    honest: int
    vacant: int
    vacant_dwellings: int

    @property
    def best(self) -> float:
        """The AUC of the better model."""
        return max(self.auc.values())


def batches(directory: Path, name: str, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """A table in pieces, from Parquet or CSV; CSV words stay words."""
    parquet = directory / f"{name}.parquet"
    if parquet.is_file():
        with pq.ParquetFile(parquet) as file:
            yield from file.iter_batches(500_000, columns=columns)
        return
    texts = pacsv.ConvertOptions(
        column_types=dict.fromkeys(columns, pa.string()), include_columns=columns, strings_can_be_null=True
    )
    with pacsv.open_csv(directory / f"{name}.csv", convert_options=texts) as reader:
        yield from reader


def read_history(directory: Path) -> History:
    """The history as matrices by dwelling and day. Needs memory for five of them."""
    small = {
        "dwellings": ["dwelling_id", "let_from", "expected_members"],
        "members": ["dwelling_id", "face_consent_b"],
        "absences": ["dwelling_id", "from", "to", "declared_on"],
        "simulated_absences": ["dwelling_id", "from", "to", "cause"],
        "truth": ["dwelling_id", "kind", "from"],
    }
    tables = {name: [row for b in batches(directory, name, c) for row in b.to_pylist()] for name, c in small.items()}
    index = {row["dwelling_id"]: i for i, row in enumerate(tables["dwellings"])}
    spans = [_days(b.column(0)) for b in batches(directory, "coverage", ["from"])]
    ends = [_days(b.column(0)) for b in batches(directory, "coverage", ["to"])]
    first, last = min(int(s.min()) for s in spans), max(int(e.max()) for e in ends)
    shape = len(index), last - first
    names = pa.array(list(index))
    own, other, face = (np.zeros(shape, np.float32) for _ in range(3))
    for batch in batches(directory, "passes", ["ts", "credential_kind", "dwelling_id"]):
        where = _numbers(batch.column(2), names)
        day, kind = _days(batch.column(0)) - first, np.asarray(batch.column(1).to_pylist(), str)
        fits = (where >= 0) & (day >= 0) & (day < shape[1])
        for matrix, kinds in ((own, OWN), (other, OTHER), (face, ("face",))):
            chosen = fits & np.isin(kind, kinds)
            np.add.at(matrix, (where[chosen], day[chosen]), 1)
    water, power = (np.full(shape, np.nan, np.float32) for _ in range(2))
    for batch in batches(directory, "meters", ["dwelling_id", "date", "kind", "value"]):
        where, day = _numbers(batch.column(0), names), _dates(batch.column(1)) - first
        value = np.asarray(batch.column(3).cast(pa.float64()).to_numpy(zero_copy_only=False), np.float32)
        is_water = np.asarray(batch.column(2).to_pylist()) == "water"
        for matrix, chosen in ((water, is_water), (power, ~is_water)):
            matrix[where[chosen], day[chosen]] = value[chosen]
    return History(
        index, date.fromordinal(first + date(1970, 1, 1).toordinal()), own, other, face, water, power, tables
    )


def _days(column: Any) -> NDArray[np.int64]:
    """Local days since 1970 of times, as timestamps or ISO text with the offset of China."""
    if pa.types.is_timestamp(column.type):
        seconds = column.cast(pa.timestamp("s", tz=column.type.tz), safe=False).cast(pa.int64())
        return np.asarray((seconds.to_numpy(zero_copy_only=False) + 8 * 3600) // 86_400, np.int64)
    return _dates(column)


def _dates(column: Any) -> NDArray[np.int64]:
    """Days since 1970 of dates, as dates or text that begins with the date."""
    if pa.types.is_string(column.type):
        return np.asarray([text[:10] for text in column.to_pylist()], "datetime64[D]").astype(np.int64)
    return np.asarray(column.cast(pa.int32()).to_numpy(zero_copy_only=False), np.int64)


def _numbers(column: Any, names: Any) -> NDArray[np.int64]:
    found = pa.compute.index_in(column.cast(pa.string()), names)
    return np.asarray(found.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)


def _day(history: History, value: Any) -> int | None:
    """Day of the history of a date (None stays)."""
    if value is None:
        return None
    return ((value if isinstance(value, date) else date.fromisoformat(value)) - history.start).days


def samples(history: History) -> tuple[Matrix, NDArray[np.int64], NDArray[np.int64]]:
    """(features, 1 where a new vacancy, dwelling) of every true absence each STEP days between SHORTEST and LONGEST."""
    facts = _facts(history)
    new = {
        r["dwelling_id"]
        for r in history.tables["truth"]
        if r["kind"] == "vacancy" and (_day(history, r["from"]) or 0) > 0
    }
    rows, labels, groups = [], [], []
    for spell in history.tables["simulated_absences"]:
        first, last = _day(history, spell["from"]), _day(history, spell["to"])
        vacancy = spell["cause"] == "vacancy"
        if first is None or first < BEFORE or spell["cause"] in ("sublet", "lent"):
            continue
        if vacancy and spell["dwelling_id"] not in new:
            continue
        number = history.index[spell["dwelling_id"]]
        for day in range(first + SHORTEST, min(first + LONGEST + 1, history.own.shape[1]), STEP):
            if last is None or day <= last:
                rows.append(_features(history, facts[spell["dwelling_id"]], number, first, day))
                labels.append(int(vacancy))
                groups.append(number)
    return np.array(rows, np.float32), np.array(labels), np.array(groups)


def _facts(history: History) -> dict[str, dict[str, Any]]:
    """By dwelling: what the office knows."""
    facts: dict[str, dict[str, Any]] = {}
    for row in history.tables["dwellings"]:
        let = _day(history, row["let_from"])
        facts[row["dwelling_id"]] = {"let": let, "size": row["expected_members"], "consents": 0, "declared": []}
    for row in history.tables["members"]:
        facts[row["dwelling_id"]]["consents"] += int(row["face_consent_b"])
    for row in history.tables["absences"]:
        span = tuple(_day(history, row[name]) for name in ("declared_on", "from", "to"))
        facts[row["dwelling_id"]]["declared"].append(span)
    return facts


def _features(history: History, facts: dict[str, Any], number: int, first: int, day: int) -> list[float]:
    own, other, face = (m[number] for m in (history.own, history.other, history.face))
    now, before, lately = slice(first + 1, day), slice(first - BEFORE, first), slice(first - 14, first)
    passes = own + other
    active = np.flatnonzero(passes[:day])
    runs = np.diff(np.flatnonzero(passes[: first + 1]), prepend=0)
    water, power = history.water[number], history.power[number]
    usual_water, usual_power = _mean(water[before]), _mean(power[before])
    declared = any(d <= day and f <= day and (t is None or t >= day) for d, f, t in facts["declared"])
    return [
        day - first,
        own[now].sum(),
        other[now].sum(),
        (passes[now] > 0).sum(),
        day - active[-1] if len(active) else day,
        face[before].sum() / max(1.0, own[before].sum()),
        face[now].sum(),
        _mean(water[now]),
        _mean((water[now] > 0.003).astype(np.float32)),
        float(np.nanmax(water[now])) if np.isfinite(water[now]).any() else np.nan,
        _mean(water[now]) / max(usual_water, 0.01),
        _mean(power[now]),
        _mean(power[now]) / max(usual_power, 0.1),
        float(np.nanmin(power[now])) if np.isfinite(power[now]).any() else np.nan,
        float((passes[before] > 0).mean()),
        float((passes[lately] > 0).mean()),
        other[before].sum(),
        runs.max(initial=0),
        (runs >= 10).sum(),
        usual_water,
        usual_power,
        float(declared),
        float(facts["size"] or 0),
        facts["consents"],
        first,
        day - (facts["let"] if facts["let"] is not None else 0),
    ]


def _mean(values: Matrix) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def leak(parts: list[tuple[Matrix, NDArray[np.int64], NDArray[np.int64]]], seed: int = 0) -> Result:
    """Cross-validated AUC of both models over the samples of several histories; whole dwellings are held out."""
    features, labels = np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
    groups = np.concatenate([p[2] + number * 10**7 for number, p in enumerate(parts)])
    vacant = len(set(groups[labels == 1].tolist()))
    if vacant < 5 or vacant == len(set(groups.tolist())):
        raise ValueError(
            f"{vacant} new vacancies seen after {SHORTEST} days are too few: give more or larger histories"
        )
    models = {
        "logistic regression": make_pipeline(
            SimpleImputer(strategy="median", add_indicator=True),
            StandardScaler(),
            LogisticRegression(C=0.3, max_iter=2000),
        ),
        "gradient boosting": HistGradientBoostingClassifier(
            max_iter=80, learning_rate=0.06, max_leaf_nodes=8, min_samples_leaf=40, random_state=seed
        ),
    }
    folds = list(StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(features, labels, groups))
    auc = {}
    for name, model in models.items():
        guess = np.zeros(len(labels))
        with threadpool_limits(1):  # many small fits: threads would only wait for each other
            for train, test in folds:
                guess[test] = model.fit(features[train], labels[train]).predict_proba(features[test])[:, 1]
        auc[name] = float(roc_auc_score(labels, guess))
    return Result(auc, int((labels == 0).sum()), int((labels == 1).sum()), vacant)


def single_features(parts: list[tuple[Matrix, NDArray[np.int64], NDArray[np.int64]]]) -> list[tuple[str, float]]:
    """AUC of each feature alone (0.5: says nothing), the loudest first: where to look for a leak."""
    features, labels = np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
    told = []
    for number, name in enumerate(FEATURES):
        column = features[:, number]
        known = np.isfinite(column)
        if len(set(labels[known].tolist())) == 2:
            auc = float(roc_auc_score(labels[known], column[known]))
            told.append((name, max(auc, 1 - auc)))
    return sorted(told, key=lambda item: -item[1])


def main(
    directory: Annotated[list[Path], typer.Option("--in", help="Directory of a simulated history; may be repeated.")],
) -> None:
    """Print the AUC of both models; exit 1 when the better one is above 0.8."""
    parts = [samples(read_history(one)) for one in directory]
    result = leak(parts)
    for name, auc in result.auc.items():
        typer.echo(f"{name}: AUC {auc:.3f}")
    typer.echo(f"{result.honest} honest days, {result.vacant} vacant days of {result.vacant_dwellings} dwellings")
    typer.echo("loudest alone: " + ", ".join(f"{name} {auc:.2f}" for name, auc in single_features(parts)[:6]))
    raise typer.Exit(int(result.best > ALLOWED))


if __name__ == "__main__":
    typer.run(main)
