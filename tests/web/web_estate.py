"""The hub as the console meets it: the real application on SQLite, a small estate in it, served on a free port."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from empty_hub import app_on, open_sqlite
from patience import PATIENCE_S

from device_drivers.catalogue import DEFINITIONS
from device_drivers.contract.device import DeviceStatus
from device_drivers.contract.events import AccessEvent, DoorEvent, Event
from device_drivers.contract.messages import (
    CredentialRefusal,
    DeviceReported,
    EdgeCatalogue,
    EdgeStatus,
    EventBatch,
    PointMode,
)
from device_drivers.contract.words import (
    AccessOutcome,
    DenyReason,
    DeviceCondition,
    Direction,
    DoorState,
    IdentifierType,
)
from device_drivers.mqtt import MemoryBroker, MemoryLink
from hub import auth
from hub.access.publish import publish
from hub.cases import service
from hub.config import Config
from hub.estate.devices import take_report
from hub.estate.edges import take_catalogue, take_status
from hub.events.ingest import Ingest
from hub.keys import Keys
from hub.live import Live
from hub.services import Hub
from hub.tables import (
    Absence,
    AccessPoint,
    Base,
    Block,
    Consent,
    Coverage,
    CredentialIdentifierRow,
    CredentialRow,
    DesiredList,
    Device,
    Door,
    Dwelling,
    Edge,
    Estate,
    Finding,
    HouseholdMember,
    Meter,
    MeterDay,
    Person,
    PresenceDay,
    Tenancy,
)

ESTATE, EDGE, TERMINAL = "E001", "edge-aaaa", "E001.face-g1"
HOME = "E001.E001-B1-0201"
TOKEN, TOKEN_2 = "token-of-member-one", "token-of-member-two"
PASSWORD = "correct horse battery"
USERS = {
    "manager": "estate_manager",
    "official": "housing_official",
    "auditor": "auditor",
    "admin": "administrator",
    "carer": "care_worker",
}
STARTED_AT = datetime.now(UTC)
TODAY = (STARTED_AT + timedelta(hours=8)).date()


@dataclass
class Served:
    """A running hub. `stop` and `start` are the restart of the server: same database, same port, another process life."""

    directory: Path
    port: int
    hub: Hub = field(init=False)
    seq: int = 0
    _server: uvicorn.Server | None = None
    _thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, wait_until: Callable[..., object]) -> None:
        database = open_sqlite(self.directory)
        self.hub = Hub(Config(dir=self.directory), database, Keys(self.directory / "keys"), Live())
        self.hub.link = MemoryLink(MemoryBroker())
        self.hub.link.start(lambda _message: None, lambda _up, _why: None)
        config = uvicorn.Config(
            app_on(self.hub), port=self.port, log_config=None, access_log=False, timeout_graceful_shutdown=2
        )
        server = self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=server.run, name="console", daemon=True)
        self._thread.start()
        wait_until(lambda: server.started, "the hub to listen")

    def stop(self) -> None:
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join(PATIENCE_S)
            ended = not self._thread.is_alive()
            self.hub.db.close()
            assert ended, f"the hub does not stop within {PATIENCE_S} s: a request or a stream holds it"

    def take(self, *bodies: AccessEvent | DoorEvent) -> None:
        """Events of the terminal, now, through ingest, as the edge would send them."""
        now = datetime.now(UTC)
        first = self.seq + 1
        events = tuple(
            Event(seq=first + n, device=TERMINAL, received_at=now, device_at=now, clock_offset_s=0.2, body=body)
            for n, body in enumerate(bodies)
        )
        self.seq += len(events)
        Ingest(self.hub).take(EDGE, "epoch-1", [EventBatch("epoch-1", first, events)])

    def passes(self, count: int = 1, outcome: AccessOutcome = AccessOutcome.GRANTED) -> None:
        denied = outcome is AccessOutcome.DENIED
        body = AccessEvent(
            outcome,
            access_point="E001.G1-IN",
            credential=None if denied else TOKEN,
            identifier=IdentifierType.CARD,
            reason=DenyReason.UNKNOWN_CREDENTIAL if denied else None,
            direction=Direction.IN,
        )
        self.take(*([body] * count))

    def edge(self, online: bool, **of_box: bool) -> None:
        take_status(self.hub, EDGE, EdgeStatus(online=online, epoch="epoch-1", head_seq=self.seq, **of_box))


def furnish(served: Served) -> None:
    """Two blocks, household T-000102 with two members, a gate, a refusal, 200 days, one lead, four users."""
    hub = served.hub
    with hub.db.unit_of_work("test", "estate", audit=False) as uow:
        for rows in (_places(), _devices(), _people(), _credentials()):
            for row in rows:  # one by one: no relationship tells the session what must go first
                uow.session.add(row)
                uow.session.flush()
        uow.session.add_all(_observed())
    for name, role in USERS.items():
        own = [ESTATE] if role in auth.SCOPED_ROLES else []
        password = PASSWORD if name == "official" else None  # the others follow a link: hashing is slow on purpose
        auth.add_user(hub, name, f"{name}-name", role, own, password, "test")
    served.edge(online=True)
    take_catalogue(hub, EDGE, EdgeCatalogue(tuple(one.info for one in DEFINITIONS)))
    publish(hub)
    report(hub)
    served.passes(3)
    served.passes(1, AccessOutcome.DENIED)
    served.take(DoorEvent(DoorState.CLOSED, access_point="E001.G1-IN"))
    with hub.db.unit_of_work("system", "finding") as uow:
        finding = _finding()
        uow.session.add(finding)
        uow.session.flush()
        service.follow(uow, finding, "tenancy-1")


def _places() -> list[Base]:
    blocks: list[Base] = [
        Block(id=f"E001.B{b}", estate_id=ESTATE, code=f"B{b}", name=f"{b}号楼", floors=3, dwellings_per_floor=3)
        for b in (1, 2)
    ]
    dwellings = [
        Dwelling(
            id=f"E001.E001-B{b}-0{floor}0{n}", estate_id=ESTATE, block_id=f"E001.B{b}", code=f"E001-B{b}-0{floor}0{n}",
            floor=floor, number=f"0{floor}0{n}", rooms=2, under_repair=(b, floor, n) == (2, 1, 1),
        )
        for b in (1, 2) for floor in (1, 2, 3) for n in (1, 2, 3)
    ]  # fmt: skip
    edge = Edge(id=EDGE, estate_id=ESTATE, name="小区网关", enrolled_at=STARTED_AT)
    return [Estate(id=ESTATE, code=ESTATE, name="青松公租房小区", policy={}), *blocks, *dwellings, edge]


def _devices() -> list[Base]:
    common = {"estate_id": ESTATE, "edge_id": EDGE}
    return [
        Device(id=TERMINAL, code="face-g1", name="北门人脸终端", kind="face_terminal", config={"port": 1}, **common),
        Device(id="E001.cam-g1", code="cam-g1", name="北门摄像机", kind="onvif_camera", **common),
        Device(id="E001.meters-b1", code="meters-b1", name="1号楼水表采集", kind="modbus_meter", **common),
        Door(id="E001.G1", estate_id=ESTATE, code="G1", name="北门人行门", scope="estate"),
        AccessPoint(
            id="E001.G1-IN", estate_id=ESTATE, door_id="E001.G1", code="G1-IN", name="北门 进", side="in",
            device_id=TERMINAL, point="door1", camera_id="E001.cam-g1",
        ),
        Meter(
            id="E001.W-0201", estate_id=ESTATE, dwelling_id=HOME, device_id="E001.meters-b1", point="unit-1",
            quantity="water",
        ),
    ]  # fmt: skip


def _people() -> list[Base]:
    people: list[Base] = [
        Person(
            id=f"person-{n}", source="test", source_id=f"P-{n}", name=name, id_number_last4="123X",
            birth_date=date(1980, 1, 1 + n),
        )
        for n, name in ((1, "李建华"), (2, "王芳"))
    ]  # fmt: skip
    tenancy = Tenancy(
        id="tenancy-1", source="test", source_id="T-000102", estate_id=ESTATE, dwelling_id=HOME, state="active",
        from_date=date(2025, 3, 1), handover_at=date(2025, 3, 4),
    )  # fmt: skip
    members = [
        HouseholdMember(
            id=f"member-{n}", tenancy_id="tenancy-1", person_id=f"person-{n}", relation=relation, ordinal=n,
            from_date=date(2025, 3, 1),
            offered={"cards": [f"345678{n}"], "photo": None},
        )
        for n, relation in ((1, "applicant"), (2, "spouse"))
    ]  # fmt: skip
    absence = Absence(
        id="absence-1", dwelling_id=HOME, from_date=TODAY - timedelta(days=150), to_date=TODAY - timedelta(days=140),
        reason="hospital", declared_on=TODAY - timedelta(days=151),
    )  # fmt: skip
    consent = Consent(id="consent-1", person_id="person-1", purpose="a", granted_at=STARTED_AT - timedelta(days=90))
    return [*people, tenancy, *members, consent, absence]


def _credentials() -> list[Base]:
    rows: list[Base] = []
    for n, token in ((1, TOKEN), (2, TOKEN_2)):
        rows += [
            CredentialRow(
                token=token, estate_id=ESTATE, holder_class="resident", person_id=f"person-{n}",
                tenancy_id="tenancy-1", dwelling_id=HOME, label=f"1号楼-0201 · 成员{n}",
                created_at=STARTED_AT - timedelta(days=90),
            ),
            CredentialIdentifierRow(id=f"identifier-{n}", token=token, type="card", value=f"345678{n}"),
        ]  # fmt: skip
    return rows


def _observed() -> list[Base]:
    """200 days: lived in, then silent for 95; ten days at the edge's outage nobody could see."""
    rows: list[Base] = []
    for back in range(200, 0, -1):
        day = TODAY - timedelta(days=back)
        state = "unknown" if 120 < back <= 130 else "present" if back > 95 else "absent"
        used = 0.2 if state == "present" else 0.0
        signals: dict[str, object] = {
            "doors": 2 if used else 0,
            "identified": 0,
            "others": 0,
            "water": used,
            "gaps": {},
        }
        coverage = 0.2 if state == "unknown" else 1.0
        rows.append(PresenceDay(dwelling_id=HOME, day=day, state=state, coverage=coverage, signals=signals))
    reading = MeterDay(
        meter_id="E001.W-0201", day=TODAY, dwelling_id=HOME, quantity="water", first_value=118.2, first_at=STARTED_AT,
        last_value=118.22, last_at=STARTED_AT, ok_count=1,
    )  # fmt: skip
    start = STARTED_AT - timedelta(days=20)
    seen = Coverage(estate_id=ESTATE, device_id=TERMINAL, state="ok", reason="", from_at=start, to_at=None)
    return [*rows, reading, seen]


def _finding() -> Finding:
    now = datetime.now(UTC)
    return Finding(
        id="finding-1", estate_id=ESTATE, dwelling_id=HOME, kind="vacancy", rule="V3", rule_version="1",
        policy_version="national 2026.1", stage="orange", families=["F1", "F2"], window_from=TODAY - timedelta(days=95),
        window_to=TODAY - timedelta(days=1), coverage=0.98, because=["连续95天未见本户合法通行。"],
        against=["可能住院或探亲（IE03、IE09）。"], refuted_by=["任一成员的一次通行。"],
        evidence=[{"kind": "meter", "ref": "E001.W-0201", "text_zh": "水表无用量", "day": None}], observed="95天",
        threshold="90天", inputs_hash="x", opened_at=now, updated_at=now,
    )  # fmt: skip


def report(
    hub: Hub,
    confirmed: int = 1,
    assumed: int = 0,
    refused: tuple[CredentialRefusal, ...] = (CredentialRefusal(TOKEN_2, "photo_no_face", "461"),),
    read_back: bool = True,
) -> None:
    """The terminal has the newest list; as furnished, it holds the first member and refuses the second."""
    now = datetime.now(UTC)
    with hub.db.reading() as session:
        desired = session.get_one(DesiredList, TERMINAL)
        generation, digest = desired.generation, desired.digest
    status = DeviceStatus(DeviceCondition.ONLINE, since=now, last_seen_at=now, clock_offset_s=0.2, model="X5")
    take_report(
        hub,
        EDGE,
        DeviceReported(
            TERMINAL, generation, digest, status, wanted=2, confirmed=confirmed, assumed=assumed, refused=refused,
            read_back_at=now if read_back else None, reported_at=now,
        ),
    )  # fmt: skip


ORDERS = ["momentary_access", "lock_down", "lock_open", "block", "release"]


def boards(hub: Hub) -> None:
    """Besides what is furnished: an entrance a block, each with a board that can be told to lock and is in its normal mode."""
    with hub.db.unit_of_work("test", "boards", audit=False) as uow:
        edge = uow.session.get_one(Edge, EDGE)
        others = [driver for driver in edge.catalogue if driver["kind"] != "modbus_door"]
        can = {"cards": True, "identifiers": ["card"], "commands": ORDERS}
        edge.catalogue = [*others, {"kind": "modbus_door", "title": "门控板", "schema": {}, "capabilities": can}]
        for block in ("B1", "B2"):
            device, door = f"E001.board-{block}", f"E001.D{block}"
            rows = [
                Device(
                    id=device, estate_id=ESTATE, edge_id=EDGE, code=f"board-{block}", name=f"{block}门控板",
                    kind="modbus_door",
                ),
                Door(
                    id=door, estate_id=ESTATE, code=f"D{block}", name=f"{block}单元门", scope="block",
                    block_id=f"E001.{block}",
                ),
                AccessPoint(
                    id=f"{door}-IN", estate_id=ESTATE, door_id=door, code=f"D{block}-IN", name=f"{block}单元门 进",
                    side="in", device_id=device, point="door1",
                ),
            ]  # fmt: skip
            for row in rows:
                uow.session.add(row)
                uow.session.flush()
    for block in ("B1", "B2"):
        told(hub, block)


def told(hub: Hub, block: str, **mode: Any) -> None:
    """The edge reports a block's board: normal, or in a mode (fields of PointMode)."""
    now = datetime.now(UTC)
    points = (PointMode(f"E001.D{block}-IN", since=now, **mode),) if mode else ()
    status = DeviceStatus(DeviceCondition.ONLINE, since=now, last_seen_at=now)
    take_report(hub, EDGE, DeviceReported(f"E001.board-{block}", 0, "", status, modes=points))
