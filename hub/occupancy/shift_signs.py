"""(P) Whether a home is lived in otherwise than before: the day from which on its credentials, hours and meters fit best to
others than its own past. Part of the signs.

For each of some lengths the last days are held against all days before them: for every credential, and for every two hours of
working days and of weekends, the log-likelihood ratio of two rates against one; for meters, of two means against one. What the
best split explains beyond chance is told by kind. Causal, and only of what the household's own days say.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hub.occupancy.columns import Columns
from hub.occupancy.windows import Bools, Floats, Windows

LENGTHS = (14, 21, 30, 45, 60, 90)
"""Days that the other life may have lasted."""

BEFORE_DAYS, SINCE_DAYS = 30, 10
"""Observed days needed before, and since."""

USED_BEFORE, USED_SINCE = 20, 6
"""Days with passes needed to compare hours; with readings, to compare meters (of these METERED_SINCE)."""

METERED_SINCE = 7
FEW = 5
"""A credential used on fewer days says nothing."""

BINS = 12
STEADY = 0.02
"""Least variance of the log of a meter: what never varies would turn every drop into proof."""

SHIFT_SIGNS = (
    "shift", "shift_days", "shift_hours", "shift_weekend", "shift_tokens", "shift_meter", "mix_lost", "mix_new", "shift_usual",
)  # fmt: skip
"""`shift`: of all kinds together at the best length, which is `shift_days` (0: too young to say). `mix_lost`: share of the usual
uses of credentials that are gone since; `mix_new`: share of the present ones that are new. `shift_usual`: what `shift` is at most
times anyway."""


def shift_signs(c: Columns, w: Windows, known: Bools, used: Bools) -> dict[str, Floats]:
    """One value a day for each of SHIFT_SIGNS. `known`, `used`: days that could be observed, on which anybody passed."""
    count = len(c)
    found = {name: np.zeros(count) for name in SHIFT_SIGNS}
    rows = _token_days(c)
    tokens, observed, uses = _sums(rows & known), _sums(known), _sums(rows)
    uses[-2:] = FEW  # visitors are no credential that is known by its uses
    passed, passable, timed = (_sums(x) for x in _hour_days(c, used))
    meters = [_moments(c.water, 0.01), _moments(c.power, 0.2)]
    end = w.at + 1
    for length in LENGTHS:
        begin = np.maximum(end - length, 0)
        n, m = observed[end] - observed[begin], observed[begin]
        enough = (m >= BEFORE_DAYS) & (n >= SINCE_DAYS)
        if not enough.any():
            continue
        # a credential is counted from its FEW-th use on: on an earlier day nobody can know that more will follow
        counted = np.where(uses[:, end] >= FEW, 1.0, 0.0)
        now, then = (tokens[:, end] - tokens[:, begin]) * counted, tokens[:, begin] * counted
        of_tokens = (_beyond_chance(_ratio(now, n, then, m)) * counted).sum(axis=0)
        by_hour = _beyond_chance(
            _ratio(passed[:, end] - passed[:, begin], passable[:, end] - passable[:, begin], passed[:, begin], passable[:, begin])
        )  # fmt: skip
        comparable = (timed[end] - timed[begin] >= USED_SINCE) & (timed[begin] >= USED_BEFORE)
        by_hour = np.where(comparable, by_hour, 0.0)
        of_meters = sum((_means(*one, begin, end) for one in meters), np.zeros(count))
        whole = np.where(enough, of_tokens + by_hour.sum(axis=0) + of_meters, 0.0)
        better = whole > found["shift"]
        p, q = now[:-1] / np.maximum(n, 1), then[:-1] / np.maximum(m, 1)
        for name, value in (
            ("shift_days", np.full(count, float(length))), ("shift_hours", by_hour.sum(axis=0)),
            ("shift_weekend", by_hour[BINS:].sum(axis=0)), ("shift_tokens", of_tokens), ("shift_meter", of_meters),
            ("mix_lost", np.maximum(q - p, 0).sum(axis=0) / np.maximum(q.sum(axis=0), 0.05)),
            ("mix_new", np.maximum(p - q, 0).sum(axis=0) / np.maximum(p.sum(axis=0), 0.05)), ("shift", whole),
        ):  # fmt: skip
            found[name] = np.where(better, value, found[name])
    found["shift_usual"] = w.usual_mean(found["shift"])
    return found


def _token_days(c: Columns) -> Bools:
    """Credentials × days, each as identified and as not; then visitors, and visitors as of people who sleep there. Left out are
    those that never reach FEW uses, only to save time: they are counted on no day."""
    often = [row for row in (*c.faces.values(), *c.cards.values()) if row.sum() >= FEW]
    return np.array([*often, c.others > 0, c.late > 0], np.bool_)


def _hour_days(c: Columns, used: Bools) -> tuple[Bools, Bools, Bools]:
    """(two hours of working days and of weekends × days with a pass in them; the days that count for each; days with hours)."""
    bits = c.hours
    weekend = (c.first - 1 + np.arange(len(c))) % 7 >= 5  # day 1 of all was a Monday
    timed = used & (bits != 0)
    rows = np.stack([((bits >> (2 * number)) & 3) != 0 for number in range(BINS)])
    counts = np.concatenate([np.tile(timed & ~weekend, (BINS, 1)), np.tile(timed & weekend, (BINS, 1))])
    return np.concatenate([rows, rows]) & counts, counts, timed


def _sums(x: Bools) -> Floats:
    made = np.zeros((*x.shape[:-1], x.shape[-1] + 1))
    np.cumsum(x, axis=-1, out=made[..., 1:])
    return made


def _ratio(k: Floats, n: Floats, j: Floats, m: Floats) -> Floats:
    """Twice the log-likelihood ratio of two rates (k of n, j of m) against one."""
    p, q, r = (k + 0.5) / (n + 1), (j + 0.5) / (m + 1), (k + j + 0.5) / (n + m + 1)
    return np.asarray(
        2
        * (
            k * np.log(p / r)
            + (n - k) * np.log((1 - p) / (1 - r))
            + j * np.log(q / r)
            + (m - j) * np.log((1 - q) / (1 - r))
        )
    )


def _beyond_chance(ratio: Floats) -> Floats:
    """One is what chance gives."""
    return np.maximum(ratio - 1, 0)


def _moments(value: Floats, least: float) -> tuple[Floats, Floats, Floats]:
    """Running count, sum, and sum of squares of the log."""
    good = ~np.isnan(value)
    log: NDArray[np.float64] = np.where(good, np.log(np.maximum(np.nan_to_num(value), 0) + least), 0.0)
    made = [np.concatenate([[0.0], np.cumsum(x)]) for x in (good, log, log * log)]
    return made[0], made[1], made[2]


def _means(count: Floats, total: Floats, squares: Floats, begin: NDArray[np.int64], end: NDArray[np.int64]) -> Floats:
    """How much two means explain beyond one, against the whole variance."""
    n, m, every = count[end] - count[begin], count[begin], np.maximum(count[end], 1)
    now, then = (total[end] - total[begin]) / np.maximum(n, 1), total[begin] / np.maximum(m, 1)
    spread = np.maximum(squares[end] / every - (total[end] / every) ** 2, STEADY)
    gain = _beyond_chance((now - then) ** 2 / spread * n * m / np.maximum(n + m, 1))
    return np.where((n >= METERED_SINCE) & (m >= USED_BEFORE), gain, 0.0)
