"""`estate-sim city`: a year of a whole city, in the history format of `estate-hub backtest`."""

from __future__ import annotations

import json
import sys
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from simulators.apart import APART, world_apart, write_apart
from simulators.city.faults import Injected
from simulators.city.plan import Settings
from simulators.city.vary import varied_world
from simulators.city.world import World, builtin_world, parse_world, world_schema

app = typer.Typer(
    name="city",
    help="A simulated city of public rental homes for back-tests: passes, meters and the true label.",
    invoke_without_command=True,
)
WORLDS = ("dev", "hidden")
VARIED = "vary:"
INJECTED = "Negative control; changes only what is recorded, nobody's life."


def load_world(name: str) -> World:
    """The world of this name, of other parameters by its number (`vary:7`), or of this JSON file."""
    if name.startswith(VARIED) and name.removeprefix(VARIED).isdigit():
        return varied_world(int(name.removeprefix(VARIED)))
    try:
        return builtin_world(name) if name in WORLDS else parse_world(Path(name).read_bytes())
    except OSError as error:
        raise typer.BadParameter(f"{name} is neither {' nor '.join(WORLDS)} nor a file: {error}") from error
    except ValueError as error:
        raise typer.BadParameter(f"{name}: {error}") from error


def _day(text: str, hint: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text} is no date YYYY-MM-DD", param_hint=hint) from error


def _festival(text: str) -> date | bool | None:
    return {"auto": None, "none": False}[text] if text in ("auto", "none") else _day(text, "--spring-festival")


@app.callback()
def city(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option(help="Directory for the tables; tables there are replaced.")] = None,
    dwellings: Annotated[int, typer.Option(min=1, max=300_000)] = 20_000,
    days: Annotated[int, typer.Option(min=1, max=1100)] = 365,
    seed: Annotated[int, typer.Option(min=0, help="The same seed, world and sizes give the same city.")] = 1,
    world: Annotated[
        str,
        typer.Option(
            help="dev, hidden, vary:NUMBER (other parameters), a JSON file (see `estate-sim city schema`), or NUMBER of "
            f"another simulator: {', '.join(f'{name}:NUMBER' for name in APART)} (--seed is this number)."
        ),
    ] = "dev",
    file_format: Annotated[str, typer.Option("--format", help="parquet or csv.")] = "parquet",
    start: Annotated[str, typer.Option(help="First day, YYYY-MM-DD.")] = "2025-07-01",
    honest_only: Annotated[bool, typer.Option("--honest-only", help="Nobody breaks the rules.")] = False,
    spring_festival: Annotated[str, typer.Option(help="auto (the real one), none, or a date.")] = "auto",
    outage_days: Annotated[int, typer.Option(min=0, help=f"All doors of the largest estate are down. {INJECTED}")] = 0,
    propped: Annotated[int, typer.Option(min=0, help=f"So many block doors stand open for 30 days. {INJECTED}")] = 0,
    propped_seen: Annotated[float, typer.Option(min=0, max=1, help="Share of these that the coverage shows.")] = 0.5,
    dead_meters: Annotated[int, typer.Option(min=0, help=f"Days without meters in that estate. {INJECTED}")] = 0,
    silent_days: Annotated[
        int, typer.Option(min=0, help=f"Doors of that estate record nobody while the coverage says ok. {INJECTED}")
    ] = 0,
    inspections: Annotated[int, typer.Option(min=0, help="So many closed cases from simulated inspections.")] = 0,
) -> None:
    """Write a simulated history (tables of `estate-hub backtest`) into --out."""
    if context.invoked_subcommand is not None:
        return
    if out is None:
        raise typer.BadParameter("is needed", param_hint="--out")
    if file_format not in ("parquet", "csv"):
        raise typer.BadParameter(f"{file_format} is neither parquet nor csv", param_hint="--format")
    if file_format == "parquet" and find_spec("pyarrow") is None:
        raise typer.BadParameter(
            "parquet needs pyarrow, which is not installed; csv does without", param_hint="--format"
        )
    if apart := world_apart(world):
        _only_for_city(context)
        _write_apart(*apart, out, dwellings, days, _day(start, "--start"), parquet=file_format == "parquet")
        return
    settings = Settings(
        world=load_world(world),
        seed=seed,
        dwellings=dwellings,
        days=days,
        start=_day(start, "--start"),
        honest_only=honest_only,
        festival=_festival(spring_festival),
        injected=Injected(outage_days, propped, propped_seen, dead_meters, silent_days),
        inspections=inspections,
    )
    _write(settings, out, parquet=file_format == "parquet")


def _only_for_city(context: typer.Context) -> None:
    """Negative controls and the like are of `simulators.city` alone."""
    common = {"out", "dwellings", "days", "seed", "world", "file_format", "start"}
    for name, value in context.params.items():
        given = context.get_parameter_source(name)
        if name not in common and given is not None and given.name == "COMMANDLINE":
            option = f"--{name.replace('_', '-')}"
            raise typer.BadParameter(f"{value} is not for worlds of another simulator", param_hint=option)


def _write_apart(name: str, seed: int, out: Path, dwellings: int, days: int, start: date, *, parquet: bool) -> None:
    began = monotonic()
    with Progress(TextColumn("{task.description}"), TimeElapsedColumn(), disable=not sys.stderr.isatty()) as bar:
        bar.add_task(f"{name}:{seed}", total=None)
        try:
            write_apart(name, out, seed=seed, dwellings=dwellings, days=days, start=start, parquet=parquet)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--world") from error
    typer.echo(f"wrote {dwellings} dwellings, {days} days to {out} in {monotonic() - began:.0f} s")


def _write(settings: Settings, out: Path, *, parquet: bool) -> None:
    from simulators.city.generate import generate

    columns = (TextColumn("{task.description:10}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    began = monotonic()
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), disable=not sys.stderr.isatty()) as bar:
        tasks = {name: bar.add_task(name, total=None) for name in ("households", "days")}
        written = generate(
            settings,
            out,
            parquet=parquet,
            progress=lambda what, done, total: bar.update(tasks[what], completed=done, total=total),
        )
    seconds = monotonic() - began
    typer.echo(
        f"wrote {written.dwellings} dwellings, {written.passes} passes, {written.meter_days} meter readings, "
        f"{written.violations} violations to {out} in {seconds:.0f} s"
    )


@app.command()
def schema() -> None:
    """Print the JSON schema of a world file."""
    typer.echo(json.dumps(world_schema(), indent=2))


@app.command("world")
def show_world(name: Annotated[str, typer.Argument(help="dev, hidden, vary:NUMBER or a file.")] = "dev") -> None:
    """Print a world as JSON, to change and pass as --world FILE; a file is checked against the schema."""
    import msgspec

    typer.echo(msgspec.json.format(msgspec.json.encode(load_world(name)), indent=2).decode())
