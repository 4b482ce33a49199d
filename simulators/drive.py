"""`estate-sim control …`: drive a running simulated estate and its back office from the command line."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import typer

from simulators.back_office_events import EVENTS
from simulators.back_office_feed import MODES
from simulators.lease_words import sign, tell
from simulators.plan import Plan, load_plan
from simulators.site import ZONE

app = typer.Typer(
    no_args_is_help=True, help="Drive a running estate: end a tenancy, spoil the feed, walk, break a device."
)
app.command()(sign)
app.command()(tell)
Dir = Annotated[Path, typer.Option("--dir", help="Directory of the simulated estate, e.g. .demo/site")]
KeyFile = Annotated[
    Path | None, typer.Option("--api-key-file", help="Key of the back office (default: back-office.key beside DIR).")
]


async def _ask(method: str, url: str, body: dict[str, Any] | None, key: str = "") -> Any:
    async with aiohttp.ClientSession(headers={"X-Api-Key": key}) as session:
        try:
            async with session.request(method, url, json=body) as reply:
                text = await reply.text()
                if reply.status >= 400:
                    raise typer.BadParameter(f"{reply.status}: {text}")
                return json.loads(text)
        except aiohttp.ClientConnectionError as error:
            raise typer.BadParameter(f"nothing answers at {url}: is the estate running? ({error})") from error


def _plan(directory: Path) -> Plan:
    try:
        return load_plan(directory)
    except FileNotFoundError as error:
        raise typer.BadParameter(f"{directory} is no simulated estate; the demo's is .demo/site ({error})") from error


def _office(directory: Path, key_file: Path | None, path: str, body: dict[str, Any] | None = None) -> Any:
    url = f"http://127.0.0.1:{_plan(directory).back_office_port}{path}"
    file = key_file or directory.parent / "back-office.key"
    if not file.is_file():
        raise typer.BadParameter(f"there is no {file}: name the back office's key with --api-key-file")
    key = file.read_text(encoding="utf-8").strip()
    return asyncio.run(_ask("GET" if body is None else "POST", url, body, key))


def _estate(directory: Path, path: str, body: dict[str, Any] | None = None) -> Any:
    url = f"http://127.0.0.1:{_plan(directory).control_port}{path}"
    return asyncio.run(_ask("GET" if body is None else "POST", url, body))


def _show(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=1))


@app.command()
def tenancies(
    directory: Dir,
    dwelling: Annotated[str, typer.Option(help="Only this house code, e.g. E001-B1-0301")] = "",
    api_key_file: KeyFile = None,
) -> None:
    """List the tenancy records: id, state, dwelling, members."""
    for record in _office(directory, api_key_file, "/api/tenancies?cursor=&limit=1000")["items"]:
        if dwelling in ("", record["dwelling_code"]):
            typer.echo(
                f"{record['id']}  {record['state']:9}  {record['dwelling_code']}  {len(record['members'])} members"
            )


@app.command("end-tenancy")
def end_tenancy(
    tenancy: Annotated[str, typer.Argument(help="Id of the tenancy, e.g. T-000012 (see `tenancies`).")],
    directory: Dir,
    unsigned: Annotated[bool, typer.Option("--unsigned", help="Without a decision: access must stay.")] = False,
    api_key_file: KeyFile = None,
) -> None:
    """End a tenancy by a signed decision with number, date and completed move-out."""
    today = datetime.now(ZONE).date()
    decision = {
        "number": f"青房退〔{today.year}〕{tenancy[2:]}号",
        "date": (today - timedelta(days=20)).isoformat(),
        "move_out_completed_on": (today - timedelta(days=1)).isoformat(),
        "kind": "surrender",
        "signed_by": "王主任",
    }
    body = {"id": tenancy, "decision": None if unsigned else decision}
    _show(_office(directory, api_key_file, "/control/end-tenancy", body))


@app.command()
def feed(
    mode: Annotated[str, typer.Argument(help=f"{', '.join(MODES)} (also with hyphens).")],
    directory: Dir,
    api_key_file: KeyFile = None,
) -> None:
    """Let the tenancy feed misbehave, or make it normal again."""
    _show(_office(directory, api_key_file, "/control/feed", {"mode": mode}))


@app.command()
def event(
    kind: Annotated[str, typer.Argument(help=f"{', '.join(EVENTS)} (also with hyphens).")],
    directory: Dir,
    dwelling: Annotated[str, typer.Option(help="House code where it happens, e.g. E001-B1-0301.")],
    to: Annotated[
        str, typer.Option(help="The other house code: of move, transfer, swap; of divorce if she gets one.")
    ] = "",
    api_key_file: KeyFile = None,
) -> None:
    """Let something happen in a household's life: the lease system records it, the hub reads it with its next pull."""
    body = {"kind": kind, "dwelling_code": dwelling, "to": to}
    for record in _office(directory, api_key_file, "/control/event", body)["tenancies"]:
        members = ", ".join(f"{m['person_id']} {m['relation']}" for m in record["members"])
        typer.echo(f"{record['id']} v{record['version']}  {record['state']:9}  {record['dwelling_code']}  {members}")


@app.command()
def inbox(directory: Dir, api_key_file: KeyFile = None) -> None:
    """What the lease system received from the hub."""
    _show(_office(directory, api_key_file, "/api/inbox"))


@app.command()
def walk(
    person: Annotated[str, typer.Argument(help="Person id, e.g. P-000012, or `stranger`.")],
    directory: Dir,
    out: Annotated[bool, typer.Option("--out", help="Leave instead of coming home.")] = False,
) -> None:
    """Let somebody walk home (or out) now."""
    what = "stranger" if person == "stranger" else "out" if out else "in"
    body = {"what": what} if what == "stranger" else {"what": what, "person_id": person}
    _show(_estate(directory, "/estate/walk", body))


@app.command()
def speed(factor: Annotated[float, typer.Argument(help="1 = real time.")], directory: Dir) -> None:
    """How fast the residents' day goes by."""
    _show(_estate(directory, "/estate/speed", {"speed": factor}))


@app.command()
def devices(directory: Dir, code: Annotated[str, typer.Argument(help="One device in full.")] = "") -> None:
    """The simulated devices, or one of them with all it holds."""
    _show(_estate(directory, f"/devices/{code}" if code else "/devices"))


@app.command()
def fault(
    code: Annotated[str, typer.Argument(help="Device, e.g. door-b1.")],
    name: Annotated[str, typer.Argument(help="silent, slow, restart_empty …; `none` ends all faults.")],
    directory: Dir,
    seconds: Annotated[float | None, typer.Option(help="How long (default: until `none`).")] = None,
) -> None:
    """Let a device misbehave as its kind does."""
    _show(_estate(directory, f"/devices/{code}/fault", {"fault": name, "seconds": seconds}))


@app.command()
def fire(
    code: Annotated[str, typer.Argument(help="Door board with a fire contact, e.g. door-b1.")],
    directory: Dir,
    over: Annotated[bool, typer.Option("--over", help="The alarm is over.")] = False,
) -> None:
    """Let the fire panel's contact at a board act, or fall back."""
    _show(_estate(directory, f"/devices/{code}/fire", {"active": not over}))


@app.command()
def present(
    code: Annotated[str, typer.Argument(help="Device with a reader or a keypad, e.g. door-b1.")],
    directory: Dir,
    card: Annotated[str | None, typer.Option(help="A card's number.")] = None,
    pin: Annotated[str | None, typer.Option(help="Keys typed at the keypad, then #.")] = None,
    qr: Annotated[str | None, typer.Option(help="What a phone shows.")] = None,
    id_card: Annotated[str | None, typer.Option(help="An identity card's number.")] = None,
) -> None:
    """Hold something to a reader, or type at a keypad."""
    shown = {"card": card, "pin": pin, "qr": qr, "id_card": id_card}
    _show(_estate(directory, f"/devices/{code}/present", {k: v for k, v in shown.items() if v is not None}))
