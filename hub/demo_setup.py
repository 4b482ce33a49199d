"""What the demo prepares before it starts anything, and what it looks at to know how far things are."""

from __future__ import annotations

import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from hub import auth, enrol, kept_ports, migrations, mosquitto, rooms
from hub.config import Config
from hub.estate.site import import_site
from hub.jobs import JobRunner
from hub.mosquitto import TerminalUser
from hub.services import Hub
from hub.tables import (
    CredentialRow,
    DesiredList,
    Device,
    Edge,
    Estate,
    EventRow,
    HubUser,
    IngestCursor,
    Person,
    ReportedList,
)

USERS = (
    ("manager", "estate_manager", "小区管理员 estate manager  "),
    ("official", "housing_official", "住保官员 housing official   "),
    ("admin", "administrator", "系统管理员 administrator     "),
)
HISTORY_MARK = "history.done"


class SetupProblem(RuntimeError):
    """The demo cannot be prepared; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Chosen once and kept in demo.json: an enrolled edge and its devices find everything where it was."""

    edge_https: int
    hub_broker: int
    edge_broker: int


def ports(directory: Path, console_port: int) -> Ports:
    """Raises SetupProblem when the console's port is taken."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", console_port))
        except OSError as error:
            raise SetupProblem(f"port {console_port} is taken: choose another with --port ({error})") from error
    file = directory / "demo.json"
    if file.exists():
        return Ports(**json.loads(file.read_text()))
    chosen = Ports(*kept_ports.choose(3))
    file.write_text(json.dumps(asdict(chosen)))
    return chosen


def config(directory: Path, chosen: Ports, console_port: int) -> Config:
    return Config(
        dir=directory / "hub",
        port=console_port,
        edge_port=chosen.edge_https,
        broker_port=chosen.hub_broker,
        demo=True,
        public_url=f"http://127.0.0.1:{console_port}",
    )


def prepare(hub: Hub, directory: Path) -> None:
    """Database, site, users, where the tenancy records and the lease system are. Does nothing twice."""
    migrations.upgrade(hub.db)
    with hub.db.reading() as session:
        known = session.scalar(select(func.count()).select_from(Estate))
    if not known:
        import_site(hub, (directory / "site/site.json").read_text(), actor="demo")
    _users(hub)
    url = back_office_url(directory)
    key = str(back_office_key(directory))
    _write(hub.config.dir / "sources.json", [{"name": "back-office", "kind": "http", "url": url, "api_key_file": key}])
    # commands on this directory print addresses: they must be those of this demo
    _write(hub.config.dir / "hub.json", {"port": hub.config.port})
    _write(hub.config.dir / "lease.json", {"url": f"{url}/api/inbox", "api_key_file": key})


def _users(hub: Hub) -> None:
    """They have no password: the demo signs in by link."""
    with hub.db.reading() as session:
        known = set(session.scalars(select(HubUser.name)))
        estates = list(session.scalars(select(Estate.id)))
    for name, role, title in USERS:
        if name not in known:
            own = estates if role == "estate_manager" else []
            auth.add_user(hub, name, title.split()[0], role, own, password=None, actor="demo")


def back_office_url(directory: Path) -> str:
    return f"http://127.0.0.1:{_plan(directory)['back_office_port']}"


def back_office_key(directory: Path) -> Path:
    """The file with the key that the back office asks for; made once."""
    file = directory / "back-office.key"
    if not file.exists():
        _private(file, secrets.token_urlsafe(32))
    return file


def edge_broker_credentials(directory: Path) -> Path:
    file = directory / "edge-broker.json"
    if not file.exists():
        _private(file, json.dumps({"username": "edge", "password": secrets.token_urlsafe(24)}))
    return file


def broker_commands(directory: Path, chosen: Ports) -> dict[str, list[str]]:
    """What runs the hub's link broker and the edge box's own. Raises mosquitto.BrokerFailed."""
    plan = _plan(directory)
    accounts = [d["config"] for d in plan["devices"] if d["kind"] == "face_terminal"]
    if spare := plan.get("spare_terminal"):  # for a terminal that is added later
        accounts.append(spare)
    terminals = [TerminalUser(c["username"], c["password"], c["topic_root"], c["device_id"]) for c in accounts]
    password = mosquitto.secret_for(directory / "hub" / Config(directory).broker_secret_file)
    edge_password = json.loads(edge_broker_credentials(directory).read_text())["password"]
    hub, edge = directory / "broker/hub", directory / "broker/edge"
    return {
        "hub-broker": mosquitto.hub_broker_command(hub, chosen.hub_broker, password),
        "edge-broker": mosquitto.edge_broker_command(edge, chosen.edge_broker, edge_password, terminals),
    }


def enrolment_token(hub: Hub) -> str:
    """For the one edge of the site."""
    with hub.db.reading() as session:
        edge = session.scalar(select(Edge.id))
    if edge is None:
        raise SetupProblem("the site has no edge")
    token, _expires_at = enrol.enrolment_token(hub, edge, actor="demo")
    return token


def write_holders(hub: Hub, file: Path) -> None:
    """Person of the old system → credential token: what a take-over of terminals is given beside the record export."""
    query = select(Person.source_id, CredentialRow.token).join(CredentialRow, CredentialRow.person_id == Person.id)
    with hub.db.reading() as session:
        _write(file, {row.source_id: row.token for row in session.execute(query)})


def has_history(directory: Path) -> bool:
    return (directory / HISTORY_MARK).exists()


def mark_history(directory: Path) -> None:
    (directory / HISTORY_MARK).touch()


def devices_in_step(hub: Hub) -> bool:
    """Every device that decides who passes has reported on the newest list, nothing pending."""
    query = (
        select(DesiredList.generation, ReportedList.generation, ReportedList.pending)
        .select_from(Device)
        .outerjoin(DesiredList, DesiredList.device_id == Device.id)
        .outerjoin(ReportedList, ReportedList.device_id == Device.id)
        .where(Device.kind.in_(("face_terminal", "modbus_door")), Device.in_service)
    )
    with hub.db.reading() as session:
        rows = session.execute(query).all()
    return bool(rows) and all(want is not None and want == has and not pending for want, has, pending in rows)


def caught_up(hub: Hub) -> bool:
    """The hub acknowledged what the edge's journal held a moment ago."""
    with hub.db.reading() as session:
        cursor = session.scalar(select(func.max(IngestCursor.up_to_seq))) or 0
        head = session.scalar(select(func.max(Edge.head_seq))) or 0
    return cursor >= max(head, 1)


def analyse(hub: Hub) -> bool:
    """The occupancy job, run here and now: jobs may run in any process. False when it failed."""
    return JobRunner(hub, rooms.JOBS).run_once("occupancy.analyse")


def seen_live(hub: Hub, since: datetime) -> bool:
    """Something that happened after `since` came through: a pass, a door, a meter."""
    live = select(EventRow.seq).where(EventRow.late.is_(False), EventRow.received_at > since).limit(1)
    with hub.db.reading() as session:
        return session.scalar(live) is not None


def sign_in_links(hub: Hub, url: str) -> list[tuple[str, str]]:
    return [(title, url + auth.make_sign_in_link(hub, name, single_use=False)) for name, _role, title in USERS]


def _plan(directory: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((directory / "site/plan.json").read_text())
    return found


def _write(file: Path, value: Any) -> None:
    _private(file, json.dumps(value, ensure_ascii=False, indent=1))


def _private(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
