"""The whole back-test: read, sort into buckets, replay, write. Resumable: what a killed run finished is not done again."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from hub.occupancy.asking import FEWEST, SHARE, WINDOW_DAYS
from hub.occupancy.backtest.baselines import BaselineCounter
from hub.occupancy.backtest.chunk import HistoryInvalid, Problems, day_of
from hub.occupancy.backtest.gather import gather
from hub.occupancy.backtest.gathered import Gathered
from hub.occupancy.backtest.history import History, read_history
from hub.occupancy.backtest.inspected import taught, told
from hub.occupancy.backtest.leads import write_leads
from hub.occupancy.backtest.named import homes_named
from hub.occupancy.backtest.replay import Lead, Replayer
from hub.occupancy.backtest.score import Scored, Truth, read_truth, score
from hub.occupancy.backtest.stock import replay_all
from hub.occupancy.backtest.tables import Tables
from hub.occupancy.finding import RULES_VERSION
from hub.occupancy.fitted import fixed_chances, marks, model
from hub.occupancy.policy import calendar, pack_named
from hub.whole_file import write_whole

GATHERED = "gathered.json"
"""In the working directory: the tables are read, what follows goes on where it stopped."""

FORM = 4
"""Of what is kept in the working directory, and of how tables are read into it: with another one a run begins anew."""

OURS = (GATHERED, "uses-*.bin", "meters-*.bin", "keys-*.bin", "leads-*.json", "again-*.json", "*.part")

Progress = Callable[[str, int, int], None]
"""Told (what is being done, so many done, of so many)."""


@dataclass(frozen=True, slots=True)
class Options:
    """`since`..`until`: days to replay; None: as far as the coverage reaches. `jobs`: processes that replay."""

    source: Path
    out: Path
    policy: str = "national_measured"
    since: date | None = None
    until: date | None = None
    report: Path | None = None
    jobs: int = 1


@dataclass(frozen=True, slots=True)
class Result:
    """What was done; `figures` is what report.json holds."""

    leads: list[Lead]
    problems: Problems
    figures: dict[str, Any]


def backtest(options: Options, progress: Progress) -> Result:
    """Replays the history in `options.source`. HistoryInvalid when it is none; PolicyPackUnknown for the policy."""
    problems = Problems()
    try:
        return _replayed(options, progress, problems)
    except HistoryInvalid as error:  # what was noted on the way often names the cause
        for what, count in sorted(problems.counts.items()):
            if what in str(error):
                continue
            error.add_note(f"noted before: {what}: {count} (first: {next(iter(problems.examples.get(what, [])), '')})")
        raise


def _replayed(options: Options, progress: Progress, problems: Problems) -> Result:
    pack, work = pack_named(options.policy), working_directory(options.out)
    _ours(work)
    tables = Tables(options.source, problems)
    history = read_history(tables, options.since, options.until)
    truth = read_truth(tables, history)  # what is wrong with it is told before the replay, not after it
    gathered = _gathered(work, _fingerprint(options, tables, pack.model_dump_json()), tables, history, progress)
    replayer = Replayer(history, gathered, pack, calendar())
    learned = taught(history, replayer, work, marks(), fixed_chances())
    replayer.outcomes = learned.outcomes
    counter = BaselineCounter(history)
    total = replayer.buckets

    def done(number: int) -> None:
        counter.add(work, number)
        progress("dwellings", number + 1, total)

    progress("dwellings", 0, total)
    found = replay_all(
        history, replayer, work, options.jobs, done, lambda number, of: progress("questions", number, of)
    )
    leads = found.leads
    write_leads(options.out, leads, history)
    figures = _figures(history, gathered, leads, counter, problems, truth)
    figures["outcomes"] = told(learned)
    figures["asking"] = found.asking
    if options.report is not None:
        options.report.write_text(json.dumps(figures, ensure_ascii=False, indent=1), encoding="utf-8")
    shutil.rmtree(work)
    return Result(leads, problems, figures)


def working_directory(out: Path) -> Path:
    """Where a run that was stopped keeps what it had judged."""
    return out.with_name(out.name + ".work")


def _ours(work: Path) -> None:
    """HistoryInvalid where somebody else's files stand: what is finished is deleted, and those would be, too."""
    if not work.exists():
        return
    others = [file.name for file in sorted(work.iterdir()) if not any(file.match(name) for name in OURS)]
    if others:
        raise HistoryInvalid(
            f"{work} holds {others[0]!r}, which is no back-test's: move it away, or write to another --out"
        )


def _fingerprint(options: Options, tables: Tables, pack: str) -> str:
    files = [(name, file.name, file.stat().st_size, file.stat().st_mtime_ns) for name, file in tables.files.items()]
    key = (
        files,
        str(options.since),
        str(options.until),
        pack,
        RULES_VERSION,
        model().version,
        FORM,
        SHARE,
        WINDOW_DAYS,
        FEWEST,
    )
    return hashlib.sha256(repr(key).encode()).hexdigest()


def _gathered(work: Path, fingerprint: str, tables: Tables, history: History, progress: Progress) -> Gathered:
    """Sorted buckets of an earlier run on the same input, or new ones."""
    mark = work / GATHERED
    if mark.exists():
        kept = json.loads(mark.read_text(encoding="utf-8"))
        if kept["fingerprint"] == fingerprint:
            tables.problems.counts, tables.problems.examples = kept["counts"], kept["examples"]
            found = Gathered(
                kept["passes"],
                kept["recognised"],
                kept["credentials"],
                {(d, bool(w)) for d, w in kept["metered"]},
                [(person, number) for person, number in kept["holdings"]],
                kept["carded"],
                kept["water_days"],
                [(point, day) for point, day in kept["unheard"]],
                [(dwelling, day) for dwelling, day in kept["contradicted"]],
            )
            found.tell(history)
            return found
    work.mkdir(parents=True, exist_ok=True)
    for name in OURS:
        for file in work.glob(name):
            file.unlink()
    large = ("passes", "meters")
    total = sum(map(tables.size, large))

    def shown() -> None:
        progress("megabytes", sum(tables.read[name] for name in large) // 1_000_000, max(1, total // 1_000_000))

    found = gather(tables, history, work, shown)
    text = {
        "fingerprint": fingerprint,
        "passes": found.passes,
        "recognised": found.recognised,
        "credentials": found.credentials,
        "metered": sorted(found.metered),
        "holdings": found.holdings,
        "carded": found.carded,
        "water_days": found.water_days,
        "unheard": found.unheard,
        "contradicted": found.contradicted,
        "counts": tables.problems.counts,
        "examples": tables.problems.examples,
    }
    write_whole(mark, json.dumps(text, ensure_ascii=False).encode())
    return found


def _kept_out(history: History) -> dict[str, str]:
    """Dwelling → why nothing is said of it."""
    doubted = {
        dwelling: f"passes that name another dwelling than their holder's: nothing is said from {day_of(history.first + day)} on"
        for dwelling, day in history.doubted.items()
    }
    return {history.dwellings[d]: why for d, why in sorted((doubted | history.excluded).items())}


def _figures(
    history: History,
    gathered: Gathered,
    leads: list[Lead],
    counter: BaselineCounter,
    problems: Problems,
    truth: Truth | None,
) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "dwellings": len(history.dwellings),
        "kept_out": _kept_out(history),
        "days": history.last - history.first + 1,
        "passes": gathered.passes,
        "rows": len(leads),
        "homes": homes_named(leads, len(history.dwellings), history.last - history.first + 1),
        "problems": {
            what: {"count": n, "first": problems.examples.get(what, [])} for what, n in sorted(problems.counts.items())
        },
    }
    if truth is not None:
        rows = [Scored(x.dwelling, x.kind, x.stage, x.opened, x.begins, x.chance) for x in leads]
        runs = {(x.dwelling, x.opened): counter.absent_at(x.dwelling, x.opened) for x in leads if x.kind == "vacancy"}
        figures["score"] = score(rows, truth, history, runs)
        figures["baselines"] = {name: score(found, truth, history, {}) for name, found in counter.leads().items()}
    return figures
