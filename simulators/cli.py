"""`estate-sim`: a simulated estate and its back office, for demos, tests and technicians."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from simulators.city.cli import app as city_app
from simulators.drive import app as control_app
from simulators.plan import Plan, load_plan, write_plan
from simulators.residents import Layout
from simulators.site import ZONE

app = typer.Typer(
    name="estate-sim",
    help="A simulated public rental estate: its devices on real protocols, its people, and the back office.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(city_app)
app.add_typer(control_app, name="control")
Dir = Annotated[Path, typer.Option("--dir", help="Directory of the simulated estate (made by `estate-sim plan`).")]
Seed = Annotated[int, typer.Option(help="Seed of everything that is drawn: the same seed gives the same estate.")]
Days = Annotated[int, typer.Option(min=30, max=730, help="Length of the history in days.")]


def main() -> None:
    """Entry point of `estate-sim`."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    app()


def _plan_of(directory: Path) -> Plan:
    try:
        return load_plan(directory)
    except FileNotFoundError as error:
        raise typer.BadParameter(str(error), param_hint="--dir") from error


def _read_key(path: Path) -> str:
    key = path.read_text(encoding="utf-8").strip() if path.is_file() else ""
    if not key:
        raise typer.BadParameter(f"{path} is missing or empty", param_hint="--api-key-file")
    return key


@app.command()
def plan(
    directory: Dir,
    seed: Seed = 1,
    days: Days = 200,
    edge_broker_port: Annotated[
        int | None, typer.Option(help="Port of the edge box's broker, for the face terminals.")
    ] = None,
    blocks: Annotated[int, typer.Option(min=1, max=9, help="Blocks of the estate.")] = 4,
    floors: Annotated[int, typer.Option(min=3, max=30, help="Floors a block (4 dwellings each).")] = 15,
    force: Annotated[bool, typer.Option("--force", help="Make everything anew although a plan is there.")] = False,
) -> None:
    """Make an estate: site.json for the hub, tenancies for the back office, ports, secrets and photos.

    Does nothing when DIR holds a plan already, so that devices keep their addresses over restarts.
    """
    if (directory / "plan.json").is_file() and not force:
        typer.echo(f"kept {directory / 'plan.json'}")
        return
    anchor = datetime.now(ZONE)
    layout = Layout(blocks=blocks, floors=floors)
    made = write_plan(directory, seed, anchor=anchor, days=days, edge_broker_port=edge_broker_port, layout=layout)
    typer.echo(f"made {directory / 'site.json'}: {len(layout.dwellings())} dwellings, {len(made.devices)} devices")


@app.command()
def history(
    directory: Dir,
    out: Annotated[Path, typer.Option(help="File to write; a name ending in .gz is compressed.")],
    days: Annotated[int | None, typer.Option(min=1, help="Only the last so many days (default: all planned).")] = None,
) -> None:
    """Write the months before the plan was made as a record export (one JSON object a line, ordered by time)."""
    from simulators.history import write_history

    site = _plan_of(directory)
    with Progress(transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("history", total=None)
        count = write_history(
            out,
            site.population(),
            site.anchor,
            days=days,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    typer.echo(f"wrote {count} lines to {out}")


@app.command("back-office")
def back_office(
    directory: Dir,
    api_key_file: Annotated[Path, typer.Option(help="File with the API key that callers must send as X-Api-Key.")],
    port: Annotated[int | None, typer.Option(help="TCP port on 127.0.0.1 (default: the plan's).")] = None,
) -> None:
    """Run the back office: tenancy records, photos, declared absences and the lease system's inbox over HTTP."""
    from aiohttp import web

    from simulators.back_office import make_app, open_office

    chosen = port if port is not None else _plan_of(directory).back_office_port
    application = make_app(open_office(directory, _read_key(api_key_file)))
    web.run_app(
        application,
        host="127.0.0.1",
        port=chosen,
        print=lambda _: typer.echo(f"ready http://127.0.0.1:{chosen}"),
        shutdown_timeout=2,
        access_log=None,
    )


@app.command()
def estate(
    directory: Dir,
    seed: Annotated[int | None, typer.Option(help="Must be the plan's seed when given.")] = None,
    broker_host: Annotated[str, typer.Option(help="Host of the edge box's broker.")] = "127.0.0.1",
    broker_port: Annotated[int | None, typer.Option(help="Port of the edge box's broker (default: plan's).")] = None,
    broker_credentials: Annotated[
        Path | None,
        typer.Option(help='JSON {"face-g1": {"username", "password"}} (default: those of plan.json).'),
    ] = None,
    speed: Annotated[float, typer.Option(min=0.1, max=1000, help="1 = real time; 20 = a day in 72 minutes.")] = 1.0,
    back_office: Annotated[
        str | None, typer.Option(help="URL of the back office: people who move in there walk here.")
    ] = None,
    api_key_file: Annotated[Path | None, typer.Option(help="API key for --back-office.")] = None,
) -> None:
    """Run all devices of the estate and let its residents walk. DIR/ready.json tells the control address."""
    from simulators.estate import Estate, Options

    site = _plan_of(directory)
    if seed is not None and seed != site.raw["seed"]:
        raise typer.BadParameter(f"{directory} was planned with seed {site.raw['seed']}", param_hint="--seed")
    if back_office and api_key_file is None:
        raise typer.BadParameter("--back-office needs --api-key-file", param_hint="--api-key-file")
    credentials = json.loads(broker_credentials.read_text(encoding="utf-8")) if broker_credentials else {}
    options = Options(
        broker_host=broker_host,
        broker_port=broker_port,
        credentials=credentials,
        speed=speed,
        back_office=back_office,
        api_key=_read_key(api_key_file) if api_key_file else None,
    )
    try:
        running = Estate(site, options)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    asyncio.run(running.run())


@app.command()
def device(
    kind: Annotated[str, typer.Argument(help="face_terminal, modbus_board, modbus_meter, onvif_camera or onvif_door.")],
    config: Annotated[
        str, typer.Option(help='Settings as JSON, or @FILE; e.g. \'{"port": 1502, "board": "inveo_rfid_ind"}\'.')
    ] = "{}",
    code: Annotated[str, typer.Option(help="The device's code.")] = "device",
    state_dir: Annotated[Path | None, typer.Option(help="Keep the device's memory here over restarts.")] = None,
    control_port: Annotated[int, typer.Option(help="Port of the control page (0: any free one).")] = 0,
    seed: Seed = 1,
) -> None:
    """Run one device alone, to try a driver or a tool on it, with a control page to drive it and make it fail."""
    from simulators.kinds import make_device

    text = Path(config[1:]).read_text(encoding="utf-8") if config.startswith("@") else config
    try:
        settings: dict[str, Any] = {"host": "127.0.0.1", "port": 0, **json.loads(text)}
        if state_dir is not None:
            state_dir.mkdir(parents=True, exist_ok=True)
        sim = make_device(kind, code, settings, seed=seed, state_dir=state_dir)
    except KeyError as error:
        raise typer.BadParameter(f"the config of a {kind} needs {error}", param_hint="--config") from error
    except (ValueError, TypeError) as error:
        raise typer.BadParameter(str(error), param_hint="--config") from error
    asyncio.run(_run_devices([sim], control_port))


@app.command()
def devices(
    file: Annotated[
        Path,
        typer.Argument(help='JSON list of {"kind", "code", "config", "count"}; {n} in texts is the number of each.'),
    ],
    control_port: Annotated[int, typer.Option(help="Port of the control page (0: any free one).")] = 0,
    seed: Seed = 1,
) -> None:
    """Run many devices in this one process (hundreds fit on one core), with one control page for all."""
    from simulators.fleet import parse_fleet
    from simulators.kinds import make_device

    try:
        given = parse_fleet(file.read_bytes())
        sims = [make_device(kind, code, config, seed=seed + n) for n, (kind, code, config) in enumerate(given)]
    except OSError as error:
        raise typer.BadParameter(str(error), param_hint="FILE") from error
    except KeyError as error:
        raise typer.BadParameter(f"a device's config needs {error}", param_hint="FILE") from error
    except (ValueError, TypeError) as error:
        raise typer.BadParameter(str(error), param_hint="FILE") from error
    asyncio.run(_run_devices(sims, control_port))


async def _run_devices(sims: list[Any], control_port: int) -> None:
    from simulators.control import ControlServer

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    control = ControlServer(sims, port=control_port)
    try:
        for sim in sims:
            await sim.start()
        await control.start()
        what = f"{len(sims)} devices"
        if len(sims) == 1:
            where = f" on port {sims[0].port}" if hasattr(sims[0], "port") else ""
            what = f"{sims[0].kind} {sims[0].code}{where}"
        typer.echo(f"ready {what}, control {control.url}")
        await stop.wait()
    finally:
        await control.stop()
        await asyncio.gather(*(sim.stop() for sim in sims))


@app.command()
def xlsx(
    out: Annotated[Path, typer.Option(help="XLSX file to write.")],
    directory: Annotated[
        Path | None, typer.Option("--dir", help="A planned estate (default: one is drawn from the seed).")
    ] = None,
    seed: Seed = 1,
    messy: Annotated[
        bool, typer.Option("--messy", help="Spoil the list as real ones are: merged cells, wrong digits, doubles.")
    ] = False,
) -> None:
    """Write the tenancy list as a spreadsheet with Chinese headers, as offices exchange them."""
    from simulators.residents import population
    from simulators.tenancies import tenancy_records
    from simulators.xlsx import write_xlsx

    if directory is not None:
        tenancies = json.loads((_plan_of(directory).directory / "tenancies.json").read_text(encoding="utf-8"))
        records = tenancies["tenancies"]
    else:
        records = tenancy_records(population(seed, datetime.now(ZONE).date()), {})
    mess = write_xlsx(out, records, messy=messy, seed=seed)
    spoilt = ", ".join(f"{name} {count}" for name, count in sorted(mess.counts.items()))
    typer.echo(f"wrote {mess.rows} rows to {out}" + (f" ({spoilt})" if spoilt else ""))
