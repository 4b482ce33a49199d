"""(P) What changed since a household was last recognised, and how far the hours of passing moved: part of the signs."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from hub.occupancy.windows import USUAL_DAYS, Bools, Floats, Ints, Windows

HOUR_BINS = 8
RUN, MOST = 60, 120.0
FEW, METERED_DAYS, HOURS_DAYS = 5, 14, 8


class Days(Protocol):
    """What is read of the days."""

    @property
    def faces(self) -> Bools: ...
    @property
    def cards(self) -> Bools: ...
    @property
    def water(self) -> Floats: ...
    @property
    def power(self) -> Floats: ...
    @property
    def passes(self) -> Floats: ...
    @property
    def hours(self) -> Ints: ...


def hours_change(w: Windows, hours: Ints, used: Bools) -> Floats:
    """How far the hours of passing moved: total variation 0..1 between recent and usual, by bins of three hours."""
    bits = _hour_bins(hours)
    enough = (w.recent(used) >= HOURS_DAYS) & (w.usual(used) >= USUAL_DAYS)
    return np.where(enough, _variation(w.recent(bits), w.usual(bits)), 0.0)


def _hour_bins(hours: Ints) -> Floats:
    return np.stack([((hours >> (3 * b)) & 7) != 0 for b in range(HOUR_BINS)]).astype(np.float64)


def _variation(now: Floats, then: Floats) -> Floats:
    """0 where no hours are known of either."""
    p, q = now / np.maximum(now.sum(axis=0), 1), then / np.maximum(then.sum(axis=0), 1)
    known = (now.sum(axis=0) > 0) & (then.sum(axis=0) > 0)
    return np.where(known, np.abs(p - q).sum(axis=0) / 2, 0.0)


def since_last_seen(w: Windows, rows: Days, known: Bools, used: Bools, night: Bools, last: Ints) -> dict[str, Floats]:
    """The days since `last` (at most RUN of them) against all days before them; 0 where either is too short."""
    whole = last + 1
    begin = np.maximum(whole, w.at + 1 - RUN)
    days, busy = np.maximum(w.between(known, begin), 1), np.maximum(w.between(used, begin), 1)
    before = np.maximum(w.before(used, whole), 1)
    enough = (w.before(used, whole) >= USUAL_DAYS) & (w.between(used, begin) >= FEW)

    def change(now: Floats, then: Floats, least: float, ok: Bools) -> Floats:
        return np.where(ok, np.log((now + least) / (then + least)), 0.0)

    def metered(value: Floats, least: float) -> Floats:
        good = ~np.isnan(value)
        lived, plain = good & used, np.nan_to_num(value)
        n, m = w.between(good, begin), w.before(lived, whole)
        ok = enough & (n >= FEW) & (m >= METERED_DAYS)
        now, then = w.between(plain, begin) / np.maximum(n, 1), w.before(plain * lived, whole) / np.maximum(m, 1)
        return change(now, then, least, ok)

    def a_busy_day(amount: Floats) -> Floats:
        return change(w.between(amount, begin) / busy, w.before(amount, whole) / before, 0.5, enough)

    bins = _hour_bins(rows.hours)
    return {
        "run_days": np.minimum(w.between(known, whole), MOST),
        "run_used": w.between(used, begin) / days,
        "run_night": w.between(night, begin) / days,
        "run_hours": np.where(enough, _variation(w.between(bins, begin), w.before(bins, whole)), 0.0),
        "run_water": metered(rows.water, 0.01),
        "run_power": metered(rows.power, 0.2),
        "run_persons": a_busy_day(np.asarray((rows.faces | rows.cards).sum(axis=0), np.float64)),
        "run_passes": a_busy_day(rows.passes),
    }
