"""`estate-hub case …`: cases at a terminal, by the same functions, permissions and second-person rules as the console.

Who keeps the machine is not who may see or decide a case: every command is a named person's, who signs in with a password, or
with a sign-in link of their own. What they do stands in the case's log and the audit trail under their name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from hub import auth
from hub.auth import PERMISSIONS, Principal
from hub.cases.api import cases_of
from hub.cases.case_text import detail_lines, form_lines, item_line
from hub.cases.decisions import case_in_scope, decide
from hub.cases.models import CaseDetail
from hub.cases.steps import Action
from hub.cases.view import case_detail
from hub.cases.workflow import Wish
from hub.errors import ApiError
from hub.evidence.api import PackWish, take_pack
from hub.opening import DIR, Directory, fail, open_directory
from hub.services import Hub

case_app = typer.Typer(
    name="case",
    no_args_is_help=True,
    help="Cases: list, show, forms of the steps, take a step, export the evidence pack. Each as a named person (--as NAME, "
    "password asked for; or --link, a sign-in link of their own).",
)
As = Annotated[str, typer.Option("--as", help="Sign-in name of the person this is done by.")]
Link = Annotated[
    str, typer.Option("--link", help="A sign-in link of that person (it is used up), instead of the password.")
]
Number = Annotated[str, typer.Argument(help="The case's number, e.g. E001-2026-0006.")]
English = Annotated[bool, typer.Option("--english", help="Reasons and labels in English where there are words.")]


@contextmanager
def _person(directory: Path, name: str, link: str, english: bool = False) -> Iterator[tuple[Hub, Principal]]:
    """The hub and who is signed in; refusals become one line and status 1. The session ends with the command."""
    hub = open_directory(directory)
    token: str | None = None
    try:
        if link:
            token = auth.follow_link(hub, link.strip().rstrip("/").rsplit("/", 1)[-1], "command line")
            if token is None:
                raise fail("this sign-in link is used up, has expired or is not known")
        else:
            token = auth.sign_in(hub, name, typer.prompt("Password", hide_input=True, err=True), "command line")
        principal = auth.by_session(hub, token)
        if principal.name != name:
            raise fail(f"this sign-in link is not {name}'s")
        yield hub, principal
    except ApiError as error:
        from hub.english.phrases import english as told

        raise fail(f"{error.code}: {told(error.message) if english else error.message}") from error
    finally:
        if token is not None:
            auth.end_session(hub, token)
        hub.db.close()


def _detail(hub: Hub, principal: Principal, number: str) -> CaseDetail:
    if not principal.may("case.view"):
        raise ApiError(403, "forbidden", "您的岗位没有这项权限。如需办理，请联系管理员。")
    with hub.db.reading() as session:
        row = case_in_scope(session, number, principal)
        return case_detail(session, row, principal.id, PERMISSIONS.get(principal.role, frozenset()), hub.now())


@case_app.command("list")
def list_command(
    name: As,
    link: Link = "",
    estate: Annotated[str | None, typer.Option(help="Only this estate.")] = None,
    state: Annotated[str | None, typer.Option(help="Only this state: open, asked, visit …")] = None,
    stage: Annotated[str | None, typer.Option(help="Only yellow, orange or red.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only this kind: vacancy, sublet, not_moved_in …")] = None,
    late: Annotated[bool, typer.Option("--late", help="Only where a step of ours is overdue.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 200,
    english: English = False,
    directory: Directory = DIR,
) -> None:
    """List the cases this person sees, newest first."""
    with _person(directory, name, link, english) as (hub, principal):
        filters = {"state": state, "kind": kind, "stage": stage}
        found = cases_of(hub, principal, estate, filters, late=late, limit=limit)
    for item in found.items:
        typer.echo(item_line(item, english))
    typer.echo(f"{len(found.items)} cases shown, {found.counts.late} of all overdue")


@case_app.command("show")
def show_command(
    number: Number,
    name: As,
    link: Link = "",
    as_json: Annotated[bool, typer.Option("--json", help="All of it, as the API gives it.")] = False,
    english: English = False,
    directory: Directory = DIR,
) -> None:
    """Show a case: why, what speaks against it, deadlines, its history, and the steps open to this person."""
    with _person(directory, name, link, english) as (hub, principal):
        detail = _detail(hub, principal, number)
    if as_json:
        typer.echo(detail.model_dump_json(indent=1))
        return
    for line in detail_lines(detail, english):
        typer.echo(line)


@case_app.command("form")
def form_command(
    number: Number,
    action: Annotated[str, typer.Argument(help="The step, as `case show` names it: recheck, ask, visited …")],
    name: As,
    link: Link = "",
    english: English = False,
    directory: Directory = DIR,
) -> None:
    """Say what a step asks for: reasons, fields with their choices, and what must come first."""
    with _person(directory, name, link, english) as (hub, principal):
        detail = _detail(hub, principal, number)
    step = next((one for one in detail.actions if one.action == action), None)
    if step is None:
        raise fail(f"no step {action!r} is open to {name} now; open: {', '.join(one.action for one in detail.actions)}")
    for line in form_lines(step, english):
        typer.echo(line)


@case_app.command("step")
def step_command(
    number: Number,
    action: Annotated[str, typer.Argument(help="The step: recheck, ask, visited … (`case form` says what it needs).")],
    name: As,
    opinion: Annotated[str, typer.Option(help="The person's own words: opinion, record, or what was said.")],
    reason: Annotated[str, typer.Option(help="Reason code, where the step has them.")] = "",
    field: Annotated[list[str] | None, typer.Option("--set", help="name=value of a field; repeat for more.")] = None,
    link: Link = "",
    english: English = False,
    directory: Directory = DIR,
) -> None:
    """Take a step as this person. What the console would refuse is refused here with the same words; nothing is forced."""
    if action not in {one.value for one in Action}:
        raise fail(f"there is no step {action!r}; steps: {', '.join(one.value for one in Action)}")
    if wrong := [one for one in field or () if "=" not in one]:
        raise fail(f"--set needs name=value, not {wrong[0]!r}")
    fields = dict(one.split("=", 1) for one in field or ())
    with _person(directory, name, link, english) as (hub, principal):
        item = decide(hub, number, Wish(Action(action), reason, opinion, fields), principal)
    typer.echo(item_line(item, english))


@case_app.command("export")
def export_command(
    number: Number,
    name: As,
    out: Annotated[Path, typer.Option(help="File to write: .pdf (report) or .zip (signed bundle).")],
    link: Link = "",
    unmasked: Annotated[bool, typer.Option("--unmasked", help="With full names; needs --reason.")] = False,
    reason: Annotated[str, typer.Option(help="What for; it goes to the audit trail.")] = "",
    english: English = False,
    directory: Directory = DIR,
) -> None:
    """Write the evidence pack as it stands now; that it was taken, and by whom, stands in the case's log."""
    form = out.suffix.lower().removeprefix(".")
    if form not in ("pdf", "zip"):
        raise fail("--out must end in .pdf or .zip")
    with _person(directory, name, link, english) as (hub, principal):
        with hub.db.reading() as session:
            case_id = case_in_scope(session, number, principal)[0].id
        wish = PackWish(form="pdf" if form == "pdf" else "zip", unmasked=unmasked, reason=reason)
        content = take_pack(hub, principal, case_id, wish)[1]
    out.write_bytes(content)
    typer.echo(f"wrote {out} ({len(content)} bytes); check it with: estate-hub verify-evidence {out}")
