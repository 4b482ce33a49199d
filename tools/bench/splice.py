"""`detect.water_splice`: vacancies spliced into the water of 83 real homes (DAIAD).

ESTATE_REAL_DATA names the folder with it (default: ../shared/data beside the main clone); without it the figure is left out.
"""

from __future__ import annotations

import csv
import gzip
import os
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from random import Random
from statistics import median

from hub.occupancy.rhythm import StockRhythm, expected_a_year, stock_rhythm
from tools.bench.figure import Figure

DRY_LITRES, HOURS_READ, VALID_DAYS, SECOND_HOME = 10, 12, 200, 0.25
EXPECTED = 0.28
"""Alarm once so few absences of this length are expected of the home in a year."""

FIXED = 14
NEVER = 999
Dry = list[bool | None]
"""A home's days: dry, not dry, not known."""


def splice_figures() -> list[Figure]:
    """Alarms a home-year on real homes, and the days until a vacancy put into their series is seen."""
    folder = Path(os.environ.get("ESTATE_REAL_DATA", Path(__file__).resolve().parents[3] / "shared/data"))
    file = folder / "daiad_daily_litres.csv.gz"
    if not file.is_file():
        return []
    homes = read_homes(file)
    known = {home: sum(d is not None for d in days) for home, days in homes.items()}
    main = {home for home, days in homes.items() if sum(d is True for d in days) <= SECOND_HOME * known[home]}
    starts = {home: [Random(f"{home}:{n}").randrange(120, len(days) - 45) for n in range(3)]
              for home, days in homes.items() if len(days) > 170}  # fmt: skip
    alarms, fixed, delays = dict[str, int](), dict[str, int](), list[int]()
    for home, days in homes.items():
        stock = stock_rhythm((absences(d), known[h]) for h, d in homes.items() if h != home)
        alarms[home], _ = watch(days, stock)
        fixed[home], _ = watch(days, None)
        delays += [watch(days, stock, start)[1] for start in starts.get(home, ())]

    def rate(found: dict[str, int], of: Sequence[str]) -> float:
        return 100 * sum(found[h] for h in of) / (sum(known[h] for h in of) / 365)

    every, ours_main, fixed_main = rate(alarms, [*homes]), rate(alarms, sorted(main)), rate(fixed, sorted(main))
    days_to = median(delays)
    met = every <= 25 and ours_main <= fixed_main and days_to <= 14
    told = f"false alarms per 100 home-years, {len(homes)} real homes, median {days_to:g} days to see a vacancy put in"
    reference = f"{FIXED} dry days: {rate(fixed, [*homes]):.1f}; main homes {ours_main:.1f} against {fixed_main:.1f}"
    goal = "≤ 25 at a median of 13–14 days, main homes no worse than fixed"
    ratio = round(every / rate(fixed, [*homes]), 2)
    return [Figure("detect.water_splice", round(every, 1), told, reference, ratio, goal, met)]


def read_homes(file: Path) -> dict[str, Dry]:
    """Home → its days, for homes with enough days read."""
    read: dict[str, dict[date, bool]] = defaultdict(dict)
    with gzip.open(file, "rt", encoding="utf-8", newline="") as opened:
        for row in csv.DictReader(opened):
            if int(row["hours_read"]) >= HOURS_READ:
                read[row["household"]][date.fromisoformat(row["day"])] = float(row["litres"]) < DRY_LITRES
    homes: dict[str, Dry] = {}
    for home, days in sorted(read.items()):
        if len(days) > VALID_DAYS:
            first, last = min(days).toordinal(), max(days).toordinal()
            homes[home] = [days.get(date.fromordinal(d)) for d in range(first, last + 1)]
    return homes


def absences(days: Dry) -> list[int]:
    """Lengths of the runs of dry days; what is not known neither counts nor ends one."""
    found, length = [], 0
    for dry in [*days, False]:
        if dry is None:
            continue
        if not dry and length:
            found.append(length)
        length = length + 1 if dry else 0
    return found


def watch(days: Dry, stock: StockRhythm | None, vacant_from: int | None = None) -> tuple[int, int]:
    """(alarms, days from `vacant_from` to the alarm), day by day; `stock` None: a fixed number of dry days."""
    earlier: list[int] = []
    length = observed = alarms = 0
    told = False
    for at, recorded in enumerate(days):
        vacant = vacant_from is not None and at >= vacant_from
        dry = True if vacant and recorded is not None else recorded
        if dry is None:
            continue
        observed += 1
        if not dry:
            earlier += [length] if length else []
            length, told = 0, False
            continue
        length += 1
        if not told and (
            length >= FIXED if stock is None else expected_a_year(length, earlier, observed, stock) <= EXPECTED
        ):
            told, alarms = True, alarms + 1
        if told and vacant and vacant_from is not None:
            return alarms, at - vacant_from + 1
    return alarms, NEVER
