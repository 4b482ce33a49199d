"""`estate-hub backtest`: the command around the back-test, with its progress bar and summary."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


def _day(text: str | None, option: str) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text} is no date YYYY-MM-DD", param_hint=option) from error


def _writable(file: Path, option: str) -> None:
    """Said before the replay, not after it. A directory that is missing is made."""
    if file.is_dir():
        raise typer.BadParameter(f"{file} is a directory: name a file", param_hint=option)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        new = not file.exists()
        file.open("ab").close()  # whether it may be written is known by trying
        if new:
            file.unlink()
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be written: {error}", param_hint=option) from error


def _apart(source: Path, out: Path, report: Path | None) -> None:
    """Nothing that is written takes the place of what is read, or of what was written before it."""
    from hub.occupancy.backtest.tables import COLUMNS

    for file, option in ((out, "--out"), (report, "--report")):
        if file is not None and file.resolve().parent == source.resolve() and file.stem in COLUMNS:
            raise typer.BadParameter(f"{file} is a table of the history: name another file", param_hint=option)
    if report is not None and report.resolve() == out.resolve():
        raise typer.BadParameter(f"{report} holds the leads (--out): name another file", param_hint="--report")


def backtest_command(
    source: Annotated[Path, typer.Option("--in", help="Directory of the history's tables (CSV or Parquet).")],
    out: Annotated[Path, typer.Option(help="leads.csv to write; OUT.work beside it holds what a killed run had done.")],
    policy: Annotated[str, typer.Option(help="Policy pack to try.")] = "national_measured",
    since: Annotated[
        str | None, typer.Option("--from", help="First day, YYYY-MM-DD (default: of the coverage).")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Last day, YYYY-MM-DD.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="JSON with what was kept out, and the score where truth stands.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes that replay (default: one a core); the leads are the same.")
    ] = None,
) -> None:
    """Replay a history day by day under a policy pack, and write the leads it would have raised."""
    from hub.occupancy.backtest.chunk import HistoryInvalid
    from hub.occupancy.backtest.pool import ReplayBroken, cores
    from hub.occupancy.backtest.run import GATHERED, Options, backtest, working_directory
    from hub.occupancy.policy import PolicyPackUnknown, packs

    _apart(source, out, report)
    for file, option in ((out, "--out"), (report, "--report")):
        if file is not None:
            _writable(file, option)
    options = Options(source, out, policy, _day(since, "--from"), _day(until, "--to"), report, jobs or cores())
    columns = (TextColumn("{task.description:27}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, disable=not sys.stderr.isatty()) as bar:
            said = {"megabytes": "megabytes read", "dwellings": "batches of dwellings judged"}
            tasks = {name: bar.add_task(words, total=None) for name, words in said.items()}

            def tell(what: str, done: int, total: int) -> None:
                if what not in tasks:  # most histories have no more questions than can be put
                    tasks[what] = bar.add_task("batches of questions chosen", total=None)
                bar.update(tasks[what], completed=done, total=total)

            result = backtest(options, tell)
    except KeyboardInterrupt:
        kept = working_directory(out)
        if (kept / GATHERED).exists():
            left = f"what was judged so far is kept in {kept}, and the same command goes on from there"
        else:
            left = "the tables were not read to their end, so the same command begins anew"
        typer.echo(f"stopped; {left}", err=True)
        raise typer.Exit(130) from None
    except (HistoryInvalid, ReplayBroken) as error:
        typer.echo(f"error: {error}", err=True)
        for note in getattr(error, "__notes__", ()):
            typer.echo(f"  {note}", err=True)
        raise typer.Exit(1) from error
    except PolicyPackUnknown as error:
        typer.echo(f"error: no policy pack {policy!r}; installed: {', '.join(packs())}", err=True)
        raise typer.Exit(1) from error
    for line in summary(result.figures):
        typer.echo(line)


def summary(figures: Mapping[str, Any]) -> list[str]:
    """What was kept out, and the figures of each tier beside the baselines."""
    from hub.occupancy.backtest.named import doubts, limited

    lines = [
        f"{figures['dwellings']} dwellings, {figures['days']} days, {figures['passes']} passes: {figures['rows']} rows"
    ]
    for what, found in figures["problems"].items():
        lines.append(
            f"  kept out or noted: {what}: {found['count']} (first: {found['first'][0] if found['first'] else ''})"
        )
    lines += _taught(figures["outcomes"])
    lines += doubts(figures["homes"])
    lines += limited(figures["asking"])
    if "score" not in figures:
        return lines
    from hub.occupancy.backtest.score import SEEN_DAYS

    for stage in ("red", "orange+", "yellow+"):
        lines.append(_tier_line(stage, figures["score"][stage]))
        for kind, recall in figures["score"][stage]["recall"].items():
            lines.append(f"    {kind:16} {_recall_line(recall)}, median {_shown(recall['median_days'])} days")
            for days in SEEN_DAYS:
                if (seen := recall[f"seen_{days}_days"])["cases"]:
                    lines.append(f"    {'':16} of these ran {days} days or more: {_recall_line(seen)}")
    lines.append(f"  calibration error {_shown(figures['score']['calibration_error'])}")
    lines += [_tier_line(name, scored["red"]) for name, scored in figures["baselines"].items()]
    return lines


def _shown(figure: float | None) -> str:
    """A dash where there is nothing to take a share or a median of."""
    return "–" if figure is None else str(figure)


def _tier_line(name: str, tier: Mapping[str, Any]) -> str:
    return (
        f"  {name}: {tier['leads']} leads, precision {_shown(tier['precision'])}, "
        f"{tier['false_per_10000_dwelling_years']} false per 10,000 innocent dwelling-years"
    )


def _recall_line(recall: Mapping[str, Any]) -> str:
    shares = "/".join(f"{recall[f'within_{n}']:.2f}" for n in (60, 120, 210))
    return f"{recall['cases']:4} cases, found in 60/120/210 days {shares}, in all {recall['within_history']:.2f}"


def _taught(outcomes: Mapping[str, Any]) -> list[str]:
    """What the closed cases taught by the last day."""
    if not outcomes["cases"]:
        return []
    lines = [f"  {outcomes['cases']} closed cases, {outcomes['heard']} of them of leads"]
    for name, found in outcomes["corrections"].items():
        lines.append(
            f"    chances of {name}: log-odds × {found['slope']:.2f} + {found['shift']:.2f} ({found['cases']} cases)"
        )
    for cell, found in outcomes["held_back"].items():
        lines.append(f"    {cell} held back by one stage in {found['weeks']} weeks, first from {found['first']}")
    return lines
