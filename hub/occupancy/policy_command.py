"""`estate-hub policy`: the installed packs, a pack file checked, and a pack tried on an estate's own history."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:  # the command line starts without a hub's libraries, for `verify-evidence`
    from hub.occupancy.outcomes import Outcomes
    from hub.occupancy.pack import PolicyPack
    from hub.services import Hub

policy_app = typer.Typer(name="policy", help="Policy packs: list, check, schema, try.", no_args_is_help=True)


class TrialRefused(ValueError):
    """A pack cannot be tried so; the text says what to do."""


def _fail(text: str) -> typer.Exit:
    typer.echo(f"error: {text}", err=True)
    return typer.Exit(1)


@policy_app.command("list")
def list_command() -> None:
    """The installed packs with their thresholds and how sure their sources are."""
    from hub.occupancy.policy import packs

    for pack in packs().values():
        rule = pack.vacancy
        shape = {
            "consecutive": f"{rule.red_days} days in a row",
            "cumulative": f"{rule.red_days} days in all",
            "days_lived": f"under {rule.lived_days} days lived in {rule.window_days}",
        }[rule.shape]
        typer.echo(f"{pack.name}  {pack.version}  {shape}  ({pack.confidence})  {pack.title_zh}：{pack.legal_basis}")


@policy_app.command("schema")
def schema_command() -> None:
    """Print the JSON schema of a pack file."""
    from hub.occupancy.pack import PolicyPack

    typer.echo(json.dumps(PolicyPack.model_json_schema(), ensure_ascii=False, indent=2))


@policy_app.command("check")
def check_command(
    file: Annotated[str, typer.Argument(help="A pack file, NAME.json, or an installed pack's name.")],
) -> None:
    """Check a pack file against the schema and the law of all places. Status 1 with every field that is wrong."""
    try:
        pack = _to_try(file)
    except TrialRefused as error:
        raise _fail(str(error)) from error
    typer.echo(f"{pack.name} {pack.version}: good; {len(pack.anchors)} legal anchors")


def try_on(hub: Hub, estate: str, pack: str, out: Path | None, outcomes: Outcomes | None = None) -> Iterator[str]:
    """What `estate-hub policy try` prints. `pack`: an installed one by its name, or a pack file. `outcomes`: what closed cases
    taught. Raises TrialRefused with what to do."""
    from hub.occupancy.outcomes import NO_OUTCOMES
    from hub.occupancy.try_pack import NoHistory, try_pack
    from hub.tables import Estate

    with hub.db.reading() as session:
        if session.get(Estate, estate) is None:
            raise TrialRefused(f"there is no estate {estate!r} in this hub")
    tried = _to_try(pack)
    try:
        with typer.progressbar(length=100, label="dwellings", file=sys.stderr) as bar:
            result = try_pack(
                hub.db,
                estate,
                tried,
                hub.now(),
                lambda done, total: bar.update(100 * done // total - bar.pos),
                outcomes or NO_OUTCOMES,
            )
    except NoHistory as error:
        raise TrialRefused(f"{error}; connect its devices, or import its history first") from error
    if out is not None:
        out.write_text(json.dumps(result, ensure_ascii=False, indent=1), encoding="utf-8")
    yield from summary(result)


def _to_try(pack: str) -> PolicyPack:
    from hub.occupancy.policy import PolicyPackInvalid, packs, read_pack

    if pack in packs():
        return packs()[pack]
    file = Path(pack)
    if not file.exists():
        raise TrialRefused(f"no policy pack {pack!r}, nor a file of that name; installed: {', '.join(packs())}")
    try:
        return read_pack(file)
    except PolicyPackInvalid as error:
        raise TrialRefused(str(error)) from error


def summary(result: Mapping[str, Any]) -> Iterator[str]:
    """Both packs, tier by tier."""
    yield f"{result['dwellings']} dwellings, {result['first']} to {result['last']}"
    for role in ("tried", "in_force"):
        one = result[role]
        opened, now = one["opened"], one["standing"]
        yield (
            f"{role:9} {one['pack']} {one['version']}: opened yellow {opened['yellow']}, orange {opened['orange']}, "
            f"red {opened['red']}; standing today {now['yellow']}, {now['orange']}, {now['red']}; "
            f"{one['insufficient_days']} dwelling-days without sufficient data"
        )
    yield (
        f"leads that would stand under the tried pack alone: {result['only_tried_count']}; "
        f"under the pack in force alone: {result['only_in_force_count']}"
    )
