"""`estate-edge`: the command line of an edge box."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from device_drivers.contract.messages import DeviceReported
from device_drivers.contract.words import FailMode
from device_drivers.driver import ConfigError
from edge_agent.certificate import told as certificate_told
from edge_agent.config import AlreadyRunning, ConfigMissing, EdgeDir
from edge_agent.importer import Progress as ImportProgress
from edge_agent.importer import progress_path, read_progress
from edge_agent.probe import Address, Probed
from edge_agent.status import disk_told, lines, read_journal, read_status

app = typer.Typer(
    help="Edge agent of Estate Hub: bridges the devices of one estate to the hub.",
    no_args_is_help=True,
    add_completion=False,
)
Dir = Annotated[Path, typer.Option("--dir", help="Directory of this box: keys, journal, lists.", file_okay=False)]


def _fail(text: str) -> typer.Exit:
    typer.echo(f"estate-edge: {text}", err=True)
    return typer.Exit(1)


@app.command()
def run(directory: Dir, verbose: Annotated[bool, typer.Option(help="Log debug messages too.")] = False) -> None:
    """Run the agent until SIGTERM or Ctrl-C. Works without the hub: doors decide locally, events wait in the journal."""
    from edge_agent import run as agent

    try:
        agent.run(directory, verbose=verbose)
    except (AlreadyRunning, ConfigMissing) as error:
        raise _fail(str(error)) from error


@app.command()
def enrol(
    hub: Annotated[str, typer.Option(help="Address of the hub's console, e.g. https://hub.example.cn")],
    token: Annotated[str, typer.Option(help="One-time enrolment token from the console.")],
    directory: Dir,
    local_broker: Annotated[
        str | None, typer.Option(help="host:port of the broker on this box (face terminals).")
    ] = None,
    local_broker_credentials: Annotated[
        Path | None, typer.Option(help='File with {"username": …, "password": …} or username:password.')
    ] = None,
    mqtt_tls: Annotated[
        bool | None, typer.Option(help="TLS to the hub's broker. Default: always, except to this very machine.")
    ] = None,
    serve_host: Annotated[
        str, typer.Option(help="Address of this box in the estate's network, where terminals fetch pictures.")
    ] = "127.0.0.1",
    again: Annotated[
        bool,
        typer.Option(
            "--again",
            help="The box was enrolled and its certificate ended or its secret is lost: renew both, keep the rest.",
        ),
    ] = False,
) -> None:
    """Make this box's key, exchange the one-time token for a certificate, and keep what the hub answers."""
    from edge_agent.enrol import EnrolFailed, enrol_again, read_broker
    from edge_agent.enrol import enrol as do_enrol

    try:
        if again:
            config = asyncio.run(enrol_again(hub, token, EdgeDir(directory)))
            typer.echo(f"{config.edge} has a new certificate and a new secret: start the agent again")
            return
        if bool(local_broker) != bool(local_broker_credentials):
            raise EnrolFailed("--local-broker and --local-broker-credentials go together")
        broker = (
            read_broker(local_broker, local_broker_credentials) if local_broker and local_broker_credentials else None
        )
        place = EdgeDir(directory)
        work = do_enrol(hub, token, place, local_broker=broker, mqtt_tls=mqtt_tls, serve_host=serve_host)
        config = asyncio.run(work)
    except EnrolFailed as error:
        raise _fail(str(error)) from error
    typer.echo(f"enrolled as {config.edge} for estate {config.estate} in {directory}")


@app.command("import-history")
def import_history(
    file: Annotated[Path, typer.Argument(help="Newline-delimited JSON, .gz allowed.", exists=True, dir_okay=False)],
    directory: Dir,
    timeout: Annotated[float, typer.Option(help="Give up after this many seconds without progress.")] = 120.0,
) -> None:
    """Import a record export of terminals taken over, through the running agent and its journal.

    A file beside it named holders.json (person id of the old system to credential token) maps persons without a card.
    The same file imported again adds nothing.
    """
    folder = EdgeDir(directory).imports
    if not folder.is_dir():
        raise _fail(f"{folder} is missing: is the agent of {directory} running?")
    path = folder / _import_name(file)
    progress_path(path).unlink(missing_ok=True)
    holders = file.with_name("holders.json")
    if holders.exists():
        shutil.copyfile(holders, path.with_name(path.name + ".holders.json"))
    part = path.with_name(path.name + ".part")
    shutil.copyfile(file, part)
    part.replace(path)
    done = _follow(path, timeout)
    typer.echo(f"{done.state}: {done.imported} events imported, {done.refused} lines refused {done.text}".rstrip())
    if done.state != "done":
        raise typer.Exit(1)


def _import_name(file: Path) -> str:
    """Named by content: the journal remembers how far a name was imported."""
    digest = hashlib.sha256()
    with file.open("rb") as source:
        while block := source.read(1 << 20):
            digest.update(block)
    return f"history-{digest.hexdigest()[:16]}.ndjson{'.gz' if file.suffix == '.gz' else ''}"


def _follow(path: Path, timeout: float) -> ImportProgress:
    console = Console()
    columns = (TextColumn("import"), BarColumn(), TaskProgressColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    last, moved, tenth = ImportProgress("waiting"), time.monotonic(), 0
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("import", total=None)
        while last.state not in ("done", "failed"):
            now = read_progress(path) or last
            if now != last:
                last, moved = now, time.monotonic()
            if time.monotonic() - moved > timeout:
                raise _fail(f"no progress for {timeout:.0f} s: is the agent running? ({last.state} {last.text})")
            bar.update(task, total=max(1, last.total), completed=last.acked + last.refused)
            percent = (last.acked + last.refused) * 10 // max(1, last.total)
            if not console.is_terminal and percent > tenth:
                tenth = percent
                typer.echo(f"import {tenth * 10} % ({last.acked + last.refused} of {last.total})")
                sys.stdout.flush()
            time.sleep(0.1)
    return last


def _status_table(reported: Sequence[DeviceReported]) -> Table:
    """Fits 80 columns. A device's name is never cut, however narrow the terminal: other commands want it whole."""
    width = max((len(r.device) for r in reported), default=6)
    table = Table(Column("device", no_wrap=True, min_width=max(6, width)), box=None, padding=(0, 1, 0, 0))
    for title in ("condition", "list", "wanted", "confirmed", "assumed", "pending", "refused", "foreign"):
        table.add_column(title, overflow="fold")
    for r in reported:
        numbers = (r.wanted, r.confirmed, r.assumed, r.pending, len(r.refused), r.foreign)
        kind = f"{r.generation}{' edge' if r.decided_at_edge else ''}"
        table.add_row(r.device, str(r.status.condition), kind, *map(str, numbers))
    return table


@app.command()
def status(directory: Dir) -> None:
    """What hangs at this box, since when it decides without the hub, its journal, doors that are not in their normal mode."""
    place = EdgeDir(directory)
    try:
        config = place.load()
    except ConfigMissing as error:
        raise _fail(str(error)) from error
    console = Console()
    console.print(f"edge {config.edge}, estate {config.estate}, hub {config.mqtt_host}:{config.mqtt_port}")
    if journal := read_journal(place):
        waiting = journal.head - journal.cursor
        console.print(
            f"journal epoch {journal.epoch}, head {journal.head}, cursor {journal.cursor}, {waiting} not acknowledged"
        )
    box = read_status(place)
    reported = box.devices
    now = datetime.now(UTC)
    for line in (disk_told(place), certificate_told(place, now, box.certificate_refused), *lines(box, now)):
        if not line:
            continue
        console.print(line, markup=False, highlight=False)
    console.print(_status_table(reported))
    for r in reported:
        if r.status.detail:
            console.print(f"{r.device}: {r.status.detail}", markup=False, highlight=False)


@app.command("open")
def open_door(
    directory: Dir,
    door: Annotated[str, typer.Argument(help="Access point, DEVICE:POINT, or a device with one door.")] = "",
    reason: Annotated[str, typer.Option(help="Why. It is logged, and the hub is told.")] = "",
    show: Annotated[bool, typer.Option("--list", help="List the doors and open none.")] = False,
) -> None:
    """Break glass: open a door once, at the box itself. Needs no hub, asks no list; who and why are logged and reported."""
    from edge_agent.break_glass import Ask, NotRunning, ask_agent, by_hand

    if not show and not (door and reason.strip()):
        raise _fail('say which door and why: estate-edge open DOOR --reason "…" (doors: estate-edge open --list)')
    asked = Ask() if show else Ask(door, reason, os.environ.get("SUDO_USER", ""))
    try:
        reply = ask_agent(EdgeDir(directory).socket, asked)
    except NotRunning as error:
        ways = "\n".join(f"  {mode}: {by_hand(mode)}" for mode in (FailMode.FAIL_SAFE, FailMode.FAIL_SECURE))
        text = (
            f"the agent of {directory} does not answer ({error}); start it (estate-edge run), or open by hand:\n{ways}"
        )
        raise _fail(text) from error
    if reply.text:
        typer.echo(reply.text, err=not reply.opened)
    for line in reply.doors:
        typer.echo(
            f"{line.access_point}  {line.device}:{line.point}  {line.name}  {line.direction}  {line.mode}  {line.condition}"
        )
    if not show and not reply.opened:
        raise typer.Exit(1)


@app.command()
def probe(
    address: Annotated[str, typer.Argument(help="See the forms below.", metavar="ADDRESS")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
    timeout: Annotated[float, typer.Option(help="Wait for one answer, seconds.", min=0.1, max=60)] = 2.0,
    tell: Annotated[
        Path | None, typer.Option(help="Directory of a running agent: what answers appears in the console as found.")
    ] = None,
) -> None:
    """Tell what a device is, can do and holds, and whether its clock is right. Reads only; needs no enrolment.

    modbus+tcp://HOST[:PORT][?unit=1&board=NAME]

    modbus+rtu-over-tcp://HOST[:PORT][?unit=1&board=NAME]

    modbus+rtu:///dev/ttyS1[?baud=9600&parity=N&stop=1&unit=1&board=NAME]

    onvif://USER@HOST[:PORT]

    face-mqtt://[USER@]BROKER[:PORT]/DEVICE-ID[?root=mqtt/face]

    The password of USER comes from ESTATE_EDGE_PASSWORD, or is asked for. Exit status 0 when the device answered,
    1 when not, 2 for an address that cannot be read.
    """
    from edge_agent.probe import lines as probe_lines
    from edge_agent.probe import parse

    try:
        where = parse(address)
        from edge_agent.probe_kinds import probe as do_probe  # heavy: only when a device is asked

        password = os.environ.get("ESTATE_EDGE_PASSWORD", "")
        if where.username and not password and sys.stdin.isatty():
            password = typer.prompt(f"password of {where.username}", hide_input=True, err=True)
        found = asyncio.run(do_probe(where, address, password, timeout))
    except ConfigError as error:
        typer.echo(f"estate-edge: {error}", err=True)
        raise typer.Exit(2) from error
    typer.echo(msgspec.json.encode(found).decode() if as_json else "\n".join(probe_lines(found)))
    if not found.answered:
        raise typer.Exit(1)
    if tell is not None:
        _tell(tell, where, found)


def _tell(root: Path, where: Address, found: Probed) -> None:
    from edge_agent.finding import leave
    from edge_agent.probe import as_found

    device = as_found(where, found, datetime.now(UTC))
    if device is None:
        typer.echo("estate-edge: what answered is none of the devices that can be added", err=True)
        return
    try:
        leave(EdgeDir(root).found, device)
    except OSError as error:
        typer.echo(f"estate-edge: {error}", err=True)
        raise typer.Exit(2) from error


def main() -> None:
    app()


if __name__ == "__main__":
    main()
