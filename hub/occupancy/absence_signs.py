"""(P) The signs that nobody lives in a dwelling, as numbers, for every day of a record at once.

Causal: row d is drawn from days up to d alone. An absence is counted from the last day on which somebody lived there: two days of
real use within six. A single one is a visit to an empty home, and so is a pass while the meters read near nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hub.occupancy.columns import columns_of
from hub.occupancy.rhythm import expected_a_year
from hub.occupancy.values import PresenceDay
from hub.occupancy.windows import Bools, Floats, Ints

NEAR, ENOUGH = 6, 2
LOW_SHARE, POWER_SHARE = 0.15, 0.45
LONG_GAP, SHORT_GAP = 10, 3
USUAL_WATER, USUAL_POWER = 0.15, 2.5
"""m³ and kWh a day of a home lived in, where the record begins with the absence and knows no usual of its own."""

MOST_MEMBERS = 4
"""A household of more is rarely away as a whole, however many more."""

ABSENCE_SIGNS = (
    "away", "absent", "unknown", "paused", "began_in_pause", "after_pause", "declared", "declared_now", "overdue", "visits",
    "visits_lately", "water", "water_low", "has_water", "power", "power_low", "has_power", "longest_before", "long_before",
    "away_share_before", "members", "censored", "single_use", "expected",
)  # fmt: skip
"""Columns in order. Of the absence that reaches the day: `away` days in all, of which `absent` were observed and count,
`unknown` and `paused` ones; `after_pause` days since the pause around Spring Festival in which it began; the share `declared`,
and `overdue` days since what was declared ended; `visits`; mean `water` and `power` over the own usual, and shares of days
that were low. A day that a meter missed counts as one of usual use: what is not known speaks for nobody's absence.
Before it: how long and how often they were away. `expected`: log of absences so long that this household has in a year."""

ABSENCE_COLUMN = {name: number for number, name in enumerate(ABSENCE_SIGNS)}


def absence_signs(days: Sequence[PresenceDay], members: int, paused: Bools, declared: Bools) -> tuple[Floats, Ints]:
    """(one row a day with a column for each of ABSENCE_SIGNS; the first day of absence by day). `paused`, `declared`: by day."""
    c = columns_of(days)
    count = len(c)
    at = np.arange(count)
    known, sign, visit = c.known, c.sign, c.visit
    water, power, usual_water, usual_power = c.water, c.power, c.usual_water, c.usual_power
    solid = sign & ~visit
    reset = solid & (_window(solid, NEAR) >= ENOUGH)
    start = np.maximum.accumulate(np.where(reset, at, -1)) + 1  # first day of absence
    away = at + 1 - start
    absent = ~sign & known & ~paused & ~declared

    def run(x: NDArray[np.generic]) -> Floats:
        c = _sums(x)
        return np.asarray(c[at + 1] - c[start], np.float64)

    length = np.maximum(away, 1)
    ok_w, ok_p = ~np.isnan(water), ~np.isnan(power)
    before = np.maximum(start - 1, 0)
    base_w, base_p = usual_water[before], usual_power[before]
    n_w, n_p = run(ok_w), run(ok_p)
    own_w, own_p = np.nan_to_num(base_w, nan=USUAL_WATER), np.nan_to_num(base_p, nan=USUAL_POWER)
    mean_w = (run(np.nan_to_num(water)) + (length - n_w) * own_w) / length
    mean_p = (run(np.nan_to_num(power)) + (length - n_p) * own_p) / length
    has_w = (n_w >= 0.6 * length) & ~(np.isnan(base_w) & (start > 0))
    has_p = (n_p >= 0.6 * length) & ~(np.isnan(base_p) & (start > 0))
    with np.errstate(all="ignore"):
        ratio_w = np.where(has_w, np.minimum(mean_w / own_w, 3), 0.0)
        ratio_p = np.where(has_p, np.minimum(mean_p / own_p, 3), 0.0)
    low_w = ok_w & (water <= LOW_SHARE * np.nan_to_num(usual_water, nan=0.1))
    low_p = ok_p & (power <= POWER_SHARE * np.nan_to_num(usual_power, nan=USUAL_POWER))
    longest, long_count, gone, expected = _gaps(reset, away)
    began_in_pause = paused[np.minimum(start, count - 1)]
    after_pause = np.where(began_in_pause, at - np.maximum.accumulate(np.where(paused, at, -1)), 0)
    told_until = np.maximum.accumulate(np.where(declared, at, -1))
    overdue = np.where(told_until >= start, at - told_until, 0)
    columns = (
        away, run(absent), run(~known & ~sign), run(paused), began_in_pause, after_pause, run(declared) / length, declared,
        overdue, run(sign), _window(sign, 30), ratio_w, np.where(has_w, run(low_w) / length, 0), has_w, ratio_p,
        np.where(has_p, run(low_p) / length, 0), has_p, longest, long_count, gone / np.maximum(start, 1),
        np.full(count, min(members, MOST_MEMBERS)), start == 0, run(solid), np.log(expected),
    )  # fmt: skip
    return np.stack([np.asarray(c, np.float64) for c in columns], axis=1), start


def _sums(x: NDArray[np.generic]) -> Floats:
    c = np.zeros(len(x) + 1)
    np.cumsum(x, out=c[1:])
    return c


def _window(x: NDArray[np.generic], width: int) -> Floats:
    c, at = _sums(x), np.arange(len(x))
    return c[at + 1] - c[np.maximum(0, at + 1 - width)]


def _gaps(reset: Bools, away: Ints) -> tuple[Floats, Floats, Floats, Floats]:
    """By day, of the absences that ended before it: the longest, how many long ones, their days in all; and how many as long
    as the present one this household is expected to have in a year."""
    count = len(reset)
    longest, number, gone, expected = np.zeros(count), np.zeros(count), np.zeros(count), np.ones(count)
    signs = [-1, *np.nonzero(reset)[0].tolist()]
    earlier: list[int] = []
    for before, now in zip(signs, [*signs[1:], count], strict=True):
        for day in range(before + SHORT_GAP, now):
            expected[day] = expected_a_year(int(away[day]), earlier, before + 1)
        gap = now - before - 1
        if gap >= SHORT_GAP and before >= 0:
            longest[now:] = np.maximum(longest[now:], gap)
            gone[now:] += gap
            number[now:] += gap >= LONG_GAP
            earlier.append(gap)
    return longest, number, gone, expected
