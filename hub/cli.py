"""`estate-hub`: the hub's command line."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from hub.backup.command import backup_command, restore_command
from hub.case_command import case_app
from hub.evidence.command import verify_evidence_command
from hub.occupancy.backtest.command import backtest_command
from hub.occupancy.policy_command import TrialRefused, policy_app, try_on
from hub.opening import DIR, Directory, database_problem, fail, load_config, loading, open_directory, settings

app = typer.Typer(
    name="estate-hub",
    help="Estate IoT and access-control hub for public rental housing. State lives in one directory (--dir).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _setup(verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False) -> None:
    shape = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format=shape, stream=sys.stderr)


@app.command()
def serve(
    directory: Directory = DIR,
    port: Annotated[int | None, typer.Option(help="Console port (default 8080; 0: a free one).")] = None,
    host: Annotated[str | None, typer.Option(help="Address the console listens on (default 127.0.0.1).")] = None,
    edge_port: Annotated[int | None, typer.Option(help="HTTPS port for edges, mutual TLS (0: a free one).")] = None,
    edge_host: Annotated[str | None, typer.Option(help="Address edges reach us at (default 127.0.0.1).")] = None,
    broker_host: Annotated[str | None, typer.Option(help="Where the link broker is.")] = None,
    broker_port: Annotated[
        int | None, typer.Option(help="Use a broker that runs there; without it the hub starts one of its own.")
    ] = None,
    database_url: Annotated[str | None, typer.Option(help="SQLAlchemy URL (default: SQLite in --dir).")] = None,
    public_url: Annotated[
        str | None, typer.Option(help="How people reach the console, e.g. https://hub.example.")
    ] = None,
) -> None:
    """Run the hub: migrations, broker link, jobs, console and API, and the edges' port. Ends cleanly on SIGTERM."""
    with loading():
        from sqlalchemy.exc import SQLAlchemyError

        from hub.migrations import CannotUpgrade
        from hub.mosquitto import BrokerFailed
        from hub.server import CannotServe
        from hub.server import serve as run

    config = load_config(
        directory,
        port=port,
        host=host,
        edge_port=edge_port,
        edge_host=edge_host,
        broker_host=broker_host,
        broker_port=broker_port,
        database_url=database_url,
        public_url=public_url,
    )
    config.dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    embedded = (
        broker_port is None and "broker_port" not in settings(directory) and "ESTATE_BROKER_PORT" not in os.environ
    )
    try:
        raise typer.Exit(run(config, embedded))
    except (CannotServe, BrokerFailed, CannotUpgrade) as error:
        raise fail(error) from error
    except SQLAlchemyError as error:
        raise fail(database_problem(error)) from error


@app.command()
def migrate(directory: Directory = DIR) -> None:
    """Bring the database to this release (serve does it too)."""
    hub = open_directory(directory, create=True)
    typer.echo(f"database is up to date: {hub.db.engine.url.render_as_string(hide_password=True)}")
    hub.db.close()


@app.command("import-site")
def import_site_command(
    file: Annotated[Path, typer.Argument(help="The installer's hand-over (site.json).", exists=True, dir_okay=False)],
    directory: Directory = DIR,
    edge: Annotated[
        str | None, typer.Option(help="The edge on which the devices hang, if the estate has several.")
    ] = None,
    by: Annotated[
        str,
        typer.Option(
            help="The user who asks, where doors of more than 20 people move: a second one confirms in the console."
        ),
    ] = "",
) -> None:
    """Import an estate: blocks, dwellings, doors, access points, devices, meters. May be run again."""
    with loading():
        from hub.estate.site import SiteProblem, SiteWaits, import_site

    hub = open_directory(directory, create=True)
    try:
        estate = import_site(hub, file.read_bytes(), edge, by=by)
    except SiteProblem as error:
        raise fail(f"{file} is not imported:\n{error}") from error
    except SiteWaits as error:
        raise fail(f"{file} is not imported yet: {error}.") from error
    typer.echo(f"estate {estate} imported")


@app.command("add-user")
def add_user_command(
    name: Annotated[str, typer.Argument(help="Sign-in name.")],
    role: Annotated[str, typer.Option(help="estate_manager, housing_official, care_worker, auditor or administrator.")],
    display_name: Annotated[str, typer.Option(help="As shown on the screen.")] = "",
    estate: Annotated[list[str] | None, typer.Option(help="An estate the user sees; repeat for more.")] = None,
    password: Annotated[bool, typer.Option(help="Ask for a password; --no-password: sign-in links only.")] = True,
    directory: Directory = DIR,
) -> None:
    """Add somebody who signs in."""
    with loading():
        from hub import auth
        from hub.english.phrases import english
        from hub.errors import BadRequest

    hub = open_directory(directory)
    text = typer.prompt("Password", hide_input=True, confirmation_prompt=True) if password else None
    try:
        auth.add_user(hub, name, display_name, role, estate or [], text, "command line")
    except BadRequest as error:
        raise fail(english(error.message)) from error
    typer.echo(f"user {name} added")


@app.command("sign-in-link")
def sign_in_link_command(
    name: Annotated[str, typer.Argument(help="Sign-in name.")], directory: Directory = DIR
) -> None:
    """Print a link that signs a user in (recovery): opened, its button does, once. It works for 12 hours."""
    with loading():
        from hub import auth

    hub = open_directory(directory)
    try:
        path = auth.make_sign_in_link(hub, name)
    except LookupError as error:
        raise fail(error) from error
    config = hub.config
    typer.echo(f"{config.public_url or f'http://{config.host}:{config.port}'}{path}")


@app.command("add-edge")
def add_edge_command(
    estate: Annotated[str, typer.Argument(help="Estate id, e.g. E001.")],
    name: Annotated[str, typer.Option(help="What people call the box.")] = "edge box",
    directory: Directory = DIR,
) -> None:
    """Add an edge box to an estate; prints its id."""
    with loading():
        from hub import enrol

    hub = open_directory(directory)
    try:
        typer.echo(enrol.add_edge(hub, estate, name, "command line"))
    except LookupError as error:
        raise fail(error) from error


@app.command("remove-edge")
def remove_edge_command(
    edge: Annotated[str, typer.Argument(help="Edge id, as add-edge printed it.")],
    reason: Annotated[str, typer.Option(help="Why, for the audit trail: stolen, replaced …")],
    directory: Directory = DIR,
) -> None:
    """Shut an edge box out: certificate revoked, secret ended, off the broker within seconds while serve runs."""
    with loading():
        from hub import enrol

    hub = open_directory(directory)
    try:
        enrol.remove_edge(hub, edge, "command line", reason)
    except LookupError as error:
        raise fail(error) from error
    typer.echo(f"edge {edge} removed; `enrolment-token` lets a box take its place")


@app.command("enrolment-token")
def enrolment_token_command(
    edge: Annotated[str, typer.Argument(help="Edge id, as add-edge printed it.")], directory: Directory = DIR
) -> None:
    """Print a one-time token (30 minutes) with which an edge box enrols: `estate-edge enrol`."""
    with loading():
        from hub import enrol

    hub = open_directory(directory)
    try:
        token, _expires_at = enrol.enrolment_token(hub, edge, "command line")
    except LookupError as error:
        raise fail(error) from error
    typer.echo(token)


@app.command("api-key")
def api_key_command(
    name: Annotated[str, typer.Argument(help="Which system it is for.")], directory: Directory = DIR
) -> None:
    """Print a new key for the lease system (header X-Api-Key). It is shown once."""
    with loading():
        from hub import auth

    typer.echo(auth.add_api_key(open_directory(directory), name))


@app.command("verify-audit")
def verify_audit_command(directory: Directory = DIR) -> None:
    """Check the whole audit trail, link by link. Status 1 where a row was changed, removed or slipped in."""
    with loading():
        from hub.audit import ChainBroken, verify

    try:
        typer.echo(verify(open_directory(directory)))
    except ChainBroken as error:
        raise fail(error) from error


@app.command("explain")
def explain_command(
    subject: Annotated[
        str,
        typer.Argument(
            help="A dwelling (house code), a person (id, or house code and name), a pass, a credential's token, or a door."
        ),
    ],
    directory: Directory = DIR,
) -> None:
    """Say who may pass where, when, because of what, on which devices since when, confirmed by what; and why not."""
    with loading():
        from hub.access.explain_text import NothingToExplain, explain_text

    hub = open_directory(directory)
    try:
        with hub.db.reading() as session:
            typer.echo(explain_text(session, subject, hub.now()))
    except NothingToExplain as error:
        raise fail(
            f"{subject!r} is no dwelling, person, pass, credential or door of this hub: give a house code (E001-B1-0301), house "
            "code and name of a person, a door (G1), or the id of a pass"
        ) from error


@app.command("reconciliation")
def reconciliation_command(
    source: Annotated[str, typer.Argument(help="A tenancy source of sources.json that is pulled.")],
    directory: Directory = DIR,
    out: Annotated[Path | None, typer.Option(help="Also write the whole report, masked: a .csv or .xlsx file.")] = None,
) -> None:
    """Read a whole source again and say how it and the hub agree, record by record. Changes nothing. Status 1: they differ."""
    with loading():
        from hub.errors import ApiError
        from hub.tenancy import sheets
        from hub.tenancy.reconciliation import reconcile_source, rows_of, said
        from hub.tenancy.sources import SourceProblem, load_sources

    hub = open_directory(directory)
    try:
        known = [one.name for one in load_sources(hub.config.dir) if one.kind == "http"]
        if source not in known:
            told = ", ".join(known) or "none in sources.json"
            raise fail(f"{source!r} is no source that is pulled; those that are: {told}")
        report = reconcile_source(hub, source)
    except (ApiError, SourceProblem) as error:
        raise fail(error) from error
    rows = rows_of(report)
    for row in rows[1:]:
        typer.echo("  ".join(cell for cell in row if cell))
    if out is not None:
        plain = out.suffix.lower() == ".csv"
        out.write_bytes(sheets.as_csv(rows) if plain else sheets.as_xlsx(rows, source))
    typer.echo(said(report))
    if not report.agrees:
        raise typer.Exit(1)


@app.command("demo")
def demo_command(
    directory: Annotated[Path, typer.Option("--dir", help="Keeps all state; the next start continues.")],
    port: Annotated[int, typer.Option(help="Console port.")] = 8080,
    seed: Annotated[int, typer.Option(help="The simulated residents' seed.")] = 1,
    days: Annotated[int, typer.Option(help="Days of history.")] = 200,
    speed: Annotated[float, typer.Option(help="How fast the residents' day goes by (1: real time).")] = 20.0,
    blocks: Annotated[int, typer.Option(min=1, max=9, help="Blocks of the estate.")] = 4,
    floors: Annotated[int, typer.Option(min=3, max=30, help="Floors a block, four dwellings each.")] = 15,
) -> None:
    """Run a whole simulated estate on real protocols: brokers, devices, edge, hub, back office."""
    with loading():
        from hub.demo import demo

    raise typer.Exit(demo(directory, port, seed=seed, days=days, speed=speed, blocks=blocks, floors=floors))


app.command("backtest")(backtest_command)
app.add_typer(policy_app)
app.add_typer(case_app)


@policy_app.command("try")
def try_policy_command(
    estate: Annotated[str, typer.Option(help="Estate id, e.g. E001.")],
    pack: Annotated[str, typer.Option(help="The pack to try: one that `policy list` names, or a pack file.")],
    directory: Directory = DIR,
    out: Annotated[Path | None, typer.Option(help="Also write the whole result as JSON.")] = None,
) -> None:
    """Say what a pack would have opened on an estate's own history, beside the pack in force. Changes nothing."""
    with loading():
        from hub.cases.inspected import outcomes_of

    hub = open_directory(directory)
    try:
        for line in try_on(hub, estate, pack, out, outcomes_of(hub.db, hub.now().date())):
            typer.echo(line)
    except TrialRefused as error:
        raise fail(error) from error
    finally:
        hub.db.close()


@policy_app.command("measured")
def measured_rules_command(directory: Directory = DIR) -> None:
    """Say how right each rule has been by this hub's closed cases, and which one is held back."""
    with loading():
        from hub.cases.rules_api import records_of

    hub = open_directory(directory)
    try:
        found = records_of(hub.db, hub.now().date())
    finally:
        hub.db.close()
    for one in found.rules:
        held = "  HELD BACK by one stage" if one.held_back else ""
        typer.echo(
            f"{one.rule} {one.stage:6}  {one.confirmed} of {one.inspected} confirmed: {one.precision:.2f}, "
            f"promised {one.promised:.2f}{held}"
        )
    for correction in found.corrections:
        typer.echo(
            f"chances of {correction.family}: log-odds × {correction.slope:.2f} + {correction.shift:.2f} "
            f"({correction.cases} cases)"
        )
    if not found.rules:
        typer.echo("no closed case that somebody looked into yet")
    if found.asking and found.asking.above:
        now = found.asking
        typer.echo(
            f"questions: this week to homes with a chance above {now.above:.2f}; {now.begun} leads began in {now.days} days, "
            f"{now.most} of them may become questions ({now.share:.0%} of all homes a year); {now.waiting} wait as notes"
        )


app.command("verify-evidence")(verify_evidence_command)
app.command("backup")(backup_command)
app.command("restore")(restore_command)


def main() -> None:
    app()


if __name__ == "__main__":
    main()
