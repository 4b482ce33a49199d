"""`detect.*`, `backtest.passes`: how often leads are right, on cities the detector has never seen (`tools.bench.draws`).

Beside what practice uses, in the same run: 30, 90 and 180 days without a pass, and an isolation forest. Each value is the
mean of the draws, with the worst one told; all of each draw stands in build/detect.json. `ESTATE_DETECT_DRAWS` (default 5)
says how many, `ESTATE_DETECT_APART` (default 2) how many of each other simulator (`simulators.apart`). Cities are drawn and
replayed side by side, one process a core.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

from hub.occupancy.backtest.chunk import Problems
from hub.occupancy.backtest.pool import cores
from hub.occupancy.backtest.score import STAGES
from hub.occupancy.backtest.tables import Tables
from simulators.apart import APART
from tools.bench import calibration, controls, splice
from tools.bench.draws import DRAWS, DWELLINGS, Draw, city, world
from tools.bench.figure import Figure
from tools.bench.without import resting
from tools.leak_test import ALLOWED, leak, read_history, samples

OUT = Path(__file__).resolve().parents[2] / "build/detect.json"
COUNT = int(os.environ.get("ESTATE_DETECT_DRAWS", "5"))
COUNT_APART = int(os.environ.get("ESTATE_DETECT_APART", "2"))
JUDGED_AGAIN = 60
"""Leads a draw that are judged again without their evidence."""

Found = dict[str, Any]


def measure() -> list[Figure]:
    with ProcessPoolExecutor(cores(), get_context("spawn")) as pool:  # each counts its own processor seconds
        calibrating, controlling = pool.submit(calibration.run), pool.submit(controls.run)
        draws = list(pool.map(one_draw, DRAWS[:COUNT]))
        others = list(pool.map(one_draw, [f"{name}:{number}" for number in DRAWS[:COUNT_APART] for name in APART]))
        calibrated, controlled = calibrating.result(), controlling.result()
    figures = [*splice.splice_figures(), *tiers(draws), subgroups(draws), evidence(draws), passes(draws), leak_figure()]
    figures.append(apart(others))
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(
        json.dumps(
            {"draws": draws, "apart": others, "calibration": calibrated, "controls": controlled}, indent=1, default=str
        )
    )
    return [*figures, calibration.figure(calibrated), *controls.figures(controlled)]


def one_draw(number: int | str) -> Found:
    """Everything that is measured on one city."""
    source = city(number)
    draw = Draw(source)
    try:
        leads = draw.replay()
        standing = [lead for lead in leads if lead.stage in STAGES]
        again = resting(draw, Random(str(number)).sample(standing, min(JUDGED_AGAIN, len(standing))))
        return {
            "world": world(number),
            "dwellings": len(draw.history.dwellings),
            "passes": draw.gathered.passes,
            "seconds": draw.seconds,
            "reading": reading(source),
            "score": draw.score(leads),
            "baselines": draw.baselines(),
            "rest_on_evidence": sum(one.rests for one in again),
            "judged_again": len(again),
            "do_not": Counter(f"{one.lead.rule} {one.lead.stage}" for one in again if not one.rests),
        }
    finally:
        draw.close()


def reading(source: Path) -> float:
    """Seconds of the processor to read the passes and do nothing."""
    began = time.process_time()
    for _chunk in Tables(source, Problems()).chunks("passes"):
        pass
    return time.process_time() - began


def tiers(draws: Sequence[Found]) -> list[Figure]:
    """Precision, false leads, and what is found in time."""
    where = f"mean of {len(draws)} held-out cities of {DWELLINGS} dwellings"
    red, orange = _of(draws, "red", "precision"), _of(draws, "orange+", "precision")
    false = _of(draws, "red", "false_per_10000_dwelling_years")
    asked = _of(draws, "yellow+", "precision"), _of(draws, "yellow+", "false_per_10000_dwelling_years")
    ask, sublet = _recall(draws, "yellow+", "vacancy"), _recall(draws, "red", "sublet_whole")
    ask_sublet, empty = _recall(draws, "yellow+", "sublet_whole"), _recall(draws, "red", "vacancy", "within_history")
    visitors = _recall(draws, "red", "visitor_abuse", "within_60")
    long_ask, long_ask_sublet = (_recall_of_long(draws, "yellow+", kind) for kind in ("vacancy", "sublet_whole"))
    long_sublet = _recall_of_long(draws, "red", "sublet_whole")
    long_empty = _recall_of_long(draws, "red", "vacancy", "within_history")
    lawful_empty = _recall_of_long(draws, "red", "vacancy", "within_history", 210)
    long_visitors = _recall_of_long(draws, "red", "visitor_abuse", "within_60")
    best = max(_baseline(draws, "precision").values())
    practice = ", ".join(f"{name} {value:.2f}" for name, value in _baseline(draws, "precision").items())
    least = _baseline(draws, "false_per_10000_dwelling_years")
    practice_false = ", ".join(f"{name} {value:,.0f}" for name, value in least.items())
    orange_false = fmean(_of(draws, "orange+", "false_per_10000_dwelling_years"))
    fixed = {name: _practice_recall(draws, name, "vacancy") for name in least}
    return [
        Figure(
            "detect.red_precision", round(fmean(red), 3), f"of red leads right, {where}; worst {min(red):.2f}", practice,
            round(fmean(red) / best, 2), ">= 0.90", fmean(red) >= 0.9,
        ),
        Figure(
            "detect.red_false_leads", round(fmean(false), 1),
            f"red leads on innocent homes, per 10,000 dwelling-years; worst {max(false):.0f}", practice_false,
            round(fmean(false) / min(least.values()), 3), "<= 30", fmean(false) <= 30,
        ),
        Figure(
            "detect.orange_precision", round(fmean(orange), 3),
            f"of orange and red right; {orange_false:.0f} false per 10,000; worst {min(orange):.2f}", practice,
            round(fmean(orange) / best, 2), ">= 0.80, <= 60 false", fmean(orange) >= 0.8 and orange_false <= 60,
        ),
        Figure(
            "detect.ask_recall", round(long_ask, 3),
            f"of vacancies that ran 120 days or more asked about within 120 days, {long_ask_sublet:.2f} of such whole "
            f"sublets; of all that began, however late, {ask[0]:.2f} (worst {ask[1]:.2f}) and {ask_sublet[0]:.2f}; "
            f"precision {fmean(asked[0]):.2f} (worst {min(asked[0]):.2f}), {fmean(asked[1]):.0f} false per 10,000",
            "vacancies by " + ", ".join(f"{name} {value:.2f}" for name, value in fixed.items()),
            round(ask[0] / max(*fixed.values(), 0.01), 2), ">= 0.55, sublets >= 0.75, precision >= 0.45, <= 350 false",
            long_ask >= 0.55 and long_ask_sublet >= 0.75 and fmean(asked[0]) >= 0.45 and fmean(asked[1]) <= 350,
        ),
        Figure(
            "detect.sublet_recall", round(long_sublet, 3),
            f"of whole sublets that ran 120 days or more red within 120 days, median {_median(draws):g} days; of such "
            f"vacancies in the year {long_empty:.2f} ({lawful_empty:.2f} of those that ran 210: the law wants six months); of "
            f"such visitor abuse within 60 days {long_visitors:.2f}; of all that "
            f"began, however late, {sublet[0]:.2f} (worst {sublet[1]:.2f}), {empty[0]:.2f}, {visitors[0]:.2f}",
            f"{_cases(draws, 'sublet_whole')} sublets, {_cases(draws, 'vacancy')} vacancies", None,
            ">= 0.65, median <= 30; 0.55; 0.95",
            long_sublet >= 0.65 and _median(draws) <= 30 and long_empty >= 0.55 and long_visitors >= 0.95,
        ),
    ]  # fmt: skip


def _of(draws: Iterable[Found], tier: str, what: str) -> list[float]:
    return [value for draw in draws if (value := draw["score"][tier][what]) is not None]


def _recall(draws: Iterable[Found], tier: str, kind: str, within: str = "within_120") -> tuple[float, float]:
    """(over the cases of all draws, of the worst draw)."""
    found = [one for draw in draws if (one := draw["score"][tier]["recall"].get(kind))]
    cases = sum(one["cases"] for one in found)
    return sum(one[within] * one["cases"] for one in found) / max(1, cases), min(
        (o[within] for o in found), default=0.0
    )


def _recall_of_long(draws: Iterable[Found], tier: str, kind: str, within: str = "within_120", days: int = 120) -> float:
    """Of the cases that ran so many days or more within the history (120: as the goals were measured)."""
    found = [one[f"seen_{days}_days"] for draw in draws if (one := draw["score"][tier]["recall"].get(kind))]
    cases = sum(one["cases"] for one in found)
    return float(sum(one[within] * one["cases"] for one in found if one["cases"]) / max(1, cases))


def _median(draws: Iterable[Found]) -> float:
    days = [d["score"]["red"]["recall"].get("sublet_whole", {}).get("median_days") for d in draws]
    return fmean([float(one) for one in days if one is not None] or [0.0])


def _cases(draws: Iterable[Found], kind: str) -> int:
    return sum(draw["score"]["red"]["recall"].get(kind, {}).get("cases", 0) for draw in draws)


def _baseline(draws: Sequence[Found], what: str) -> dict[str, float]:
    names = draws[0]["baselines"]
    return {name: fmean(draw["baselines"][name]["red"][what] or 0.0 for draw in draws) for name in names}


def _practice_recall(draws: Iterable[Found], name: str, kind: str) -> float:
    found = [one for draw in draws if (one := draw["baselines"][name]["red"]["recall"].get(kind))]
    return float(sum(one["within_120"] * one["cases"] for one in found) / max(1, sum(one["cases"] for one in found)))


def subgroups(draws: Sequence[Found]) -> Figure:
    """False leads of each group over the average, tier by tier."""
    ratios: dict[tuple[str, str], float] = {}
    for tier in ("yellow+", "orange+", "red"):
        average = fmean(_of(draws, tier, "false_per_10000_dwelling_years"))
        groups = {group for draw in draws for group in draw["score"][tier]["subgroups_false_per_10000"]}
        for group in sorted(groups):
            rates = [d["score"][tier]["subgroups_false_per_10000"].get(group) or 0.0 for d in draws]
            ratios[tier, group] = fmean(rates) / max(average, 1e-9)
    (tier, group), worst = max(ratios.items(), key=lambda item: item[1])
    told = "; ".join(
        f"{tier}: " + ", ".join(f"{g} {r:.1f}" for (t, g), r in ratios.items() if t == tier)
        for tier in ("red", "orange+", "yellow+")
    )
    unit = f"× the average false leads: {group} at {tier}, the worst group"
    return Figure("detect.subgroups", round(worst, 2), unit, told, None, "<= 2", worst <= 2)


def evidence(draws: Sequence[Found]) -> Figure:
    """Leads that fall below their stage when what they name is taken out of the record."""
    rests, judged = sum(d["rest_on_evidence"] for d in draws), sum(d["judged_again"] for d in draws)
    others = sum((Counter(d["do_not"]) for d in draws), Counter[str]())
    told = f"{judged} leads judged again; not: " + (", ".join(f"{c} {n}" for c, n in others.most_common(4)) or "none")
    share = rests / max(1, judged)
    unit = "of leads fall below their stage without the evidence they name"
    return Figure("detect.evidence", round(share, 3), unit, told, None, ">= 0.95", share >= 0.95)


def apart(draws: Sequence[Found]) -> Figure:
    """Red leads in cities of the simulators that others wrote: what holds only in our own is no knowledge of people."""
    told = []
    for name in APART:
        of = [draw for draw in draws if draw["world"].startswith(f"{name}:")]
        red = ", ".join(f"{value:.2f}" for value in _of(of, "red", "precision"))
        told.append(f"{name} {red} ({fmean(_of(of, 'red', 'false_per_10000_dwelling_years')):.0f} false)")
    shares = _of(draws, "red", "precision")
    unit = f"of red leads right in {len(draws)} cities of other simulators: {'; '.join(told)}"
    practice = ", ".join(f"{name} {value:.2f}" for name, value in _baseline(draws, "precision").items())
    best = max(_baseline(draws, "precision").values())
    ratio = round(fmean(shares) / max(best, 1e-9), 2)
    return Figure("detect.apart", round(fmean(shares), 3), unit, practice, ratio, ">= 0.80", fmean(shares) >= 0.8)


def leak_figure() -> Figure:
    """How well the best model tells honest absence from new vacancy early: what the simulator gives away, it gives to all."""
    found = leak([samples(read_history(city(number))) for number in DRAWS[:COUNT]])
    told = f"{found.honest} honest days, {found.vacant} vacant days of {found.vacant_dwellings} dwellings, these cities"
    unit = "AUC of the best model, homes empty for 15-45 days"
    return Figure("detect.leak", round(found.best, 3), unit, told, None, f"<= {ALLOWED}", found.best <= ALLOWED)


def passes(draws: Sequence[Found]) -> Figure:
    """Passes a second of one processor: read, sorted, judged and made into leads; against reading them alone."""
    count, seconds = sum(d["passes"] for d in draws), sum(d["seconds"] for d in draws)
    bare = sum(d["passes"] for d in draws) / max(1e-9, sum(d["reading"] for d in draws))
    rate = count / seconds
    unit = "passes a second of one core through presence and detection"
    return Figure(
        "backtest.passes", round(rate), unit, f"reading them alone {bare:,.0f}", round(rate / bare, 3), "", None
    )
