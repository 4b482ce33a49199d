"""`estate-hub case …`: cases at a terminal, by the same functions, permissions and second-person rules as the console.

Who keeps the machine is not who may see or decide a case: every command is a named person's, who signs in with a password, or
with a sign-in link of their own. What they do stands in the case's log and the audit trail under their name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hub.opening import DIR, Directory, fail, loading

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
    with loading():
        from hub import case_terminal as terminal

    with terminal.person(directory, name, link, english) as (hub, principal):
        filters = {"state": state, "kind": kind, "stage": stage}
        found = terminal.listed(hub, principal, estate, filters, late, limit)
    for item in found.items:
        typer.echo(terminal.item_line(item, english))
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
    with loading():
        from hub import case_terminal as terminal

    with terminal.person(directory, name, link, english) as (hub, principal):
        detail = terminal.detail_of(hub, principal, number)
    if as_json:
        typer.echo(detail.model_dump_json(indent=1))
        return
    for line in terminal.detail_lines(detail, english):
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
    with loading():
        from hub import case_terminal as terminal

    with terminal.person(directory, name, link, english) as (hub, principal):
        detail = terminal.detail_of(hub, principal, number)
    step = next((one for one in detail.actions if one.action == action), None)
    if step is None:
        raise fail(f"no step {action!r} is open to {name} now; open: {', '.join(one.action for one in detail.actions)}")
    for line in terminal.form_lines(step, english):
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
    with loading():
        from hub import case_terminal as terminal

    if action not in {one.value for one in terminal.Action}:
        raise fail(f"there is no step {action!r}; steps: {', '.join(one.value for one in terminal.Action)}")
    if wrong := [one for one in field or () if "=" not in one]:
        raise fail(f"--set needs name=value, not {wrong[0]!r}")
    fields = dict(one.split("=", 1) for one in field or ())
    with terminal.person(directory, name, link, english) as (hub, principal):
        item = terminal.taken(hub, principal, number, action, reason, opinion, fields)
    typer.echo(terminal.item_line(item, english))


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
    with loading():
        from hub import case_terminal as terminal

    form = out.suffix.lower().removeprefix(".")
    if form not in ("pdf", "zip"):
        raise fail("--out must end in .pdf or .zip")
    with terminal.person(directory, name, link, english) as (hub, principal):
        content = terminal.packed(hub, principal, number, pdf=form == "pdf", unmasked=unmasked, reason=reason)
    out.write_bytes(content)
    typer.echo(f"wrote {out} ({len(content)} bytes); check it with: estate-hub verify-evidence {out}")
