"""`estate-sim control sign` and `control tell`: what the lease system sends to a hub of its own accord."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import aiohttp
import typer

from simulators.site import ZONE

PATH = "/api/v1/lease/decisions"
WORDS_IN = {"case_result": "result", "household_statement": "text", "household_appeal": "text"}
"""Where the words stand in each kind of message about a case."""

Hub = Annotated[str, typer.Option(help="Where the hub's console is.")]
KeyFile = Annotated[Path, typer.Option("--api-key-file", help="File with the key that `estate-hub api-key` printed.")]
Id = Annotated[
    str, typer.Option("--id", help="The message's number (default: a new one). The same again changes nothing.")
]


def sign_body(id: str, sign: str, dwelling: str, on: str, until: str, withdraws: str) -> dict[str, str]:
    """An outside sign as the hub takes it: a class and its days, no amount, no name."""
    given = {"dwelling_code": dwelling, "sign": sign, "on": on, "until": until, "withdraws": withdraws}
    return {"id": id, "kind": "outside_sign", **{name: value for name, value in given.items() if value}}


async def _send(url: str, key: str, body: dict[str, Any]) -> Any:
    async with aiohttp.ClientSession(headers={"X-Api-Key": key}) as session:
        try:
            async with session.post(url, json=body) as reply:
                text = await reply.text()
        except aiohttp.ClientConnectionError as error:
            raise typer.BadParameter(f"nothing answers at {url}: is the hub running? ({error})") from error
        if reply.status >= 400:
            raise typer.BadParameter(f"the hub answers {reply.status}: {text}")
        return json.loads(text)


def _told(hub: str, key_file: Path, body: dict[str, Any]) -> None:
    try:
        key = key_file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise typer.BadParameter(str(error), param_hint="--api-key-file") from error
    answer = asyncio.run(_send(hub.rstrip("/") + PATH, key, body))
    typer.echo(json.dumps(answer, ensure_ascii=False))


def sign(
    what: Annotated[
        str,
        typer.Argument(
            help="rent_by_other, rent_arrears, renewal_applied, moveout_agreed, tenant_deceased, registry_others, "
            "insurance_elsewhere … (family F4). What people saw (F5) is recorded in the console."
        ),
    ] = "",
    dwelling: Annotated[str, typer.Option(help="House code, e.g. E001-B1-0301.")] = "",
    on: Annotated[str, typer.Option(help="The day, YYYY-MM-DD (default: today).")] = "",
    until: Annotated[str, typer.Option(help="Its last day, for classes that last.")] = "",
    withdraws: Annotated[str, typer.Option(help="Number of an earlier message that was wrong.")] = "",
    hub: Hub = "http://127.0.0.1:8080",
    api_key_file: KeyFile = Path("lease-system.key"),
    id: Id = "",
) -> None:
    """Tell the hub what an office's records say of a dwelling (an outside sign): a class and its days."""
    if bool(what) == bool(withdraws):
        raise typer.BadParameter("give either a class with --dwelling, or --withdraws")
    day = "" if withdraws else on or datetime.now(ZONE).date().isoformat()
    _told(hub, api_key_file, sign_body(id or f"sign-{uuid4().hex[:12]}", what, dwelling, day, until, withdraws))


def tell(
    kind: Annotated[str, typer.Argument(help=f"{', '.join(WORDS_IN)}.")],
    case: Annotated[str, typer.Option(help="The case's number, e.g. E001-2026-0006.")],
    words: Annotated[str, typer.Option(help="The result, or the household's own words.")],
    document: Annotated[str, typer.Option(help="Number of the court's or office's document.")] = "",
    hub: Hub = "http://127.0.0.1:8080",
    api_key_file: KeyFile = Path("lease-system.key"),
    id: Id = "",
) -> None:
    """Send a case's result, or what its household says online, back to the hub."""
    if kind not in WORDS_IN:
        raise typer.BadParameter(f"kind must be one of {', '.join(WORDS_IN)}")
    body = {"id": id or f"say-{uuid4().hex[:12]}", "kind": kind, "case_number": case, WORDS_IN[kind]: words}
    _told(hub, api_key_file, {**body, "document_number": document} if document else body)
