"""A home's whole story with the simulated lease system, over real HTTP both ways and with the clock moved on: each event of its
life is delivered once, and corrected or taken back when what came later contradicts it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from tenancy_office import KEY, Office, code, member, tenancy

from device_drivers.contract.events import AccessEvent, Event, MeterReading
from device_drivers.contract.messages import EventBatch
from device_drivers.contract.words import AccessOutcome, IdentifierType, Quantity
from hub.access import publish
from hub.cases.nightly import analyse
from hub.events.ingest import Ingest
from hub.lease.outbox import CONFIG_FILE, deliver
from hub.services import Hub
from hub.tables import AccessPoint, CaseFile, Coverage, CredentialRow, Device, Door, Edge, Finding, Meter
from hub.tenancy import sync
from hub.welfare.watch import watch

FREE = code(45)
HOME = f"E001.{FREE}"
EMPTY_DAYS = 30
CLERK = {"X-Api-Key": KEY}
DECISION = {
    "number": "青房退〔2026〕45号",
    "date": "2026-11-20",
    "kind": "surrender",
    "signed_by": "虚构市住房保障中心",
}


@dataclass
class Story:
    """A hub, the lease system it pulls from and tells, and one home with a gate and a water meter. `day`: today, local."""

    hub: Hub
    office: Office
    clock: Any
    water: float = 100.0
    seq: int = 0
    version: int = 0
    told: list[str] = field(default_factory=list)

    @property
    def day(self) -> date:
        return self.hub.now().date()

    def lease(self, number: int = 45, **changed: Any) -> None:
        """The lease system writes a tenancy of the home; the hub pulls it and publishes."""
        record = tenancy(number, **{"dwelling_code": FREE, "version": self.version, **changed})
        self.version += 1
        self.office.control("put-tenancy", **record)
        assert ", 0 refused" in (said := sync.run(self.hub)), said
        publish.publish(self.hub)

    def days(self, what: str) -> None:
        """A letter a day: l lived in (passes and water), w water alone, e nothing. Then the night, and the delivery."""
        for letter in what:
            if letter == "l":
                for hours in (2, 10):
                    self._event(self._pass(), self.hub.now() + timedelta(hours=hours))
            self.read()
            self.water += 0.2 if letter in "lw" else 0.0
            self.read(after_hours=11)
            self.clock.pass_(days=1)
            analyse(self.hub)
            deliver(self.hub)

    def read(self, after_hours: float = 0) -> None:
        """The meter is read."""
        reading = MeterReading(Quantity.WATER, self.water, meter="E001.W-45")
        self._event(reading, self.hub.now() + timedelta(hours=after_hours), "E001.meters-b1")

    def _pass(self) -> AccessEvent:
        with self.hub.db.reading() as session:
            live = CredentialRow.dwelling_id == HOME, CredentialRow.state == "active"
            token = session.scalars(select(CredentialRow.token).where(*live).order_by(CredentialRow.token)).first()
        assert token, "nobody who lives there has a credential"
        by = IdentifierType.CARD
        return AccessEvent(AccessOutcome.GRANTED, access_point="E001.G1-IN", credential=token, identifier=by)

    def _event(self, body: Any, at: datetime, device: str = "E001.gate") -> None:
        self.seq += 1
        event = Event(seq=self.seq, device=device, received_at=at, device_at=at, body=body)
        Ingest(self.hub).take("edge-aaaa", "epoch", [EventBatch("epoch", self.seq, (event,))])

    def news(self) -> dict[str, dict[str, Any]]:
        """What has reached the lease system since the last look, by id; each once, with a signature it accepts."""
        items = httpx.get(f"{self.office.url}/api/inbox", headers=CLERK, trust_env=False).json()["items"]
        assert {item["times"] for item in items} <= {1}, "something was delivered twice"
        fresh = {item["idempotency_key"]: item["body"] for item in items if item["idempotency_key"] not in self.told}
        self.told += fresh
        return fresh


@pytest.fixture
def story(sqlite_hub: Hub, configured: Callable[[Hub], None], office: Office, clock: Any) -> Story:
    """The home has never been let; gate and meter have seen nobody there for thirty days."""
    hub = sqlite_hub
    configured(hub)
    (hub.config.dir / "lease.key").write_text(KEY)
    inbox = {"url": f"{office.url}/api/inbox", "api_key_file": "lease.key"}
    (hub.config.dir / CONFIG_FILE).write_text(json.dumps(inbox))
    key = base64.b64encode(hub.keys.public_key).decode()
    put = httpx.put(f"{office.url}/api/hub-key", json={"public_key": key}, headers=CLERK, trust_env=False)
    assert put.status_code == 200, put.text
    with hub.db.unit_of_work("test", "gate and meter", audit=False) as uow:
        add, common = uow.session.add_all, {"estate_id": "E001", "edge_id": "edge-aaaa"}
        add([Edge(id="edge-aaaa", estate_id="E001", name="边缘机", enrolled_at=hub.now())])
        uow.session.flush()
        add(
            [
                Device(id="E001.gate", code="gate", name="北门", kind="modbus_door", **common),
                Device(id="E001.meters-b1", code="meters-b1", name="表具网关", kind="modbus_meter", **common),
                Door(id="E001.G1", estate_id="E001", code="G1", name="北门", scope="estate"),
            ]
        )
        uow.session.flush()
        since = hub.now() - timedelta(days=EMPTY_DAYS)
        add(
            [
                AccessPoint(id="E001.G1-IN", estate_id="E001", door_id="E001.G1", code="G1-IN", name="进", side="in",
                            device_id="E001.gate", point="door1"),
                Meter(id="E001.W-45", estate_id="E001", dwelling_id=HOME, device_id="E001.meters-b1", point="unit-45",
                      quantity="water"),
                Coverage(estate_id="E001", device_id="E001.gate", state="ok", from_at=since),
            ]
        )  # fmt: skip
    sync.run(hub)
    return Story(hub, office, clock)


def test_a_home_is_let_left_taken_back_left_again_used_and_let_again(story: Story) -> None:
    story.days("ee")
    assert story.news() == {}, "a home that nobody has is no news"

    begun = story.day
    whole: dict[str, Any] = {"from": str(begun), "handover_at": str(begun)}
    story.lease(**whole)
    story.days("elll")
    came = story.news()
    assert len(came) == 2, f"handed over and moved in, nothing else: {sorted(came)}"
    handed, moved = (_of(came, kind) for kind in ("handed_over", "moved_in"))
    assert handed["first_pass_on"] == moved["first_day"] == str(begun + timedelta(days=1))
    assert handed["proof"] == ["F1", "F2"], "doors and meter both say so"
    assert (moved["tenancy_id"], moved["access_changes"]) == ("T-000045", False)
    story.days("ll")
    assert story.news() == {}, "said once is enough"

    gone = story.day
    story.days("eeeee")
    assert story.news() == {}, "an empty home is not moved out of while its tenancy goes on"
    ended: dict[str, Any] = {
        "state": "ended",
        "end_decision": {**DECISION, "move_out_completed_on": str(gone + timedelta(days=1))},
    }
    story.lease(**whole, **ended)  # late news: completed four days ago
    analyse(story.hub)
    deliver(story.hub)
    left = story.news()
    assert _of(left, "moved_out")["gone_since"] == str(gone + timedelta(days=1)), "from the completed move-out on"
    assert _of(left, "ready_to_relet")["unused_since"] == str(gone + timedelta(days=2))
    assert len(left) == 2, sorted(left)

    story.lease(**whole)  # an appeal is upheld: the tenancy goes on
    story.days("e")
    back = story.news()
    assert {b["kind"]: b["withdrawn"] for b in back.values()} == {
        "dwelling.moved_out": True,
        "dwelling.ready_to_relet": True,
    }, "both are taken back, each once"
    story.lease(**whole, **ended)
    story.days("e")
    assert {(b["kind"], b["withdrawn"], b["revision"]) for b in story.news().values()} == {
        ("dwelling.moved_out", False, 3),
        ("dwelling.ready_to_relet", False, 3),
    }

    story.days("wwww")
    used = story.news()
    assert _of(used, "ready_to_relet")["withdrawn"], "water runs: it is not ready"
    assert _of(used, "vacant_used")["access_changes"] is False, "recorded vacant, and used"
    assert len(used) == 3, f"these and the case that asks staff to look, each once: {sorted(used)}"
    story.days("e" * 20)
    calm = story.news()
    assert _of(calm, "vacant_used")["withdrawn"], "nobody uses it any more"
    assert _of(calm, "ready_to_relet")["revision"] == 5
    assert len(calm) == 3, f"these, and the case closed as unproven: {sorted(calm)}"

    again = story.day
    members = [member(300), member(301, relation="spouse", face_photo=None, name="李四")]
    let: dict[str, Any] = {"from": str(again), "handover_at": str(again), "members": members}
    story.lease(99, **let)
    story.days("lll")
    last = story.news()
    assert _of(last, "ready_to_relet")["because"] == ["房屋已由另一租约配租。"]
    assert {_of(last, kind)["tenancy_id"] for kind in ("handed_over", "moved_in")} == {"T-000099"}
    assert len(last) == 3, sorted(last)


def _of(news: dict[str, dict[str, Any]], kind: str) -> dict[str, Any]:
    found = [body for body in news.values() if body["kind"] == f"dwelling.{kind}"]
    assert len(found) == 1, f"one {kind} among {sorted(news)}"
    return found[0]


def test_care_by_consent_is_told_once_and_reaches_nobody_who_decides(story: Story, sign_in: Any) -> None:
    given = {"at": "2026-01-05T10:00:00+08:00", "notice": "v1"}
    alone = member(400, face_photo=None)
    story.lease(members=[alone])
    story.days("ee")
    carer = sign_in(story.hub, "care_worker", ["E001"])
    where, list_of = f"/api/v1/dwellings/{HOME}/care-watches", "/api/v1/estates/E001/care/candidates"
    assert carer.get(list_of).json()["items"] == [], "nobody asked for care"
    assert watch(story.hub) == "0 watches, 0 calls opened", "without consent (c) nothing is looked at"
    story.lease(members=[alone | {"consents": {**alone["consents"], "c": given}}])
    (one,) = carer.get(list_of).json()["items"]
    before = enforced(story.hub)
    begun = carer.post(where, json={"member_id": one["member_id"], "said": "本人在窗口申请"})
    assert begun.status_code == 201, begun.text
    story.read()
    watch(story.hub)
    watch(story.hub)
    analyse(story.hub)
    deliver(story.hub)
    asked = story.news()
    assert [body["kind"] for body in asked.values()] == ["care.asked"], "once, and nothing else"
    (body,) = asked.values()
    assert (body["use"], body["tenancy_id"], body["access_changes"]) == ("care_only", None, False)
    (call,) = carer.get("/api/v1/estates/E001/care").json()["calls"]
    assert carer.post(f"/api/v1/care-calls/{call['id']}/answer", json={"outcome": "fine"}).status_code == 204
    deliver(story.hub)
    assert [body["kind"] for body in story.news().values()] == ["care.answered"]
    assert enforced(story.hub) == before, "no lead and no case comes of care"
    story.lease(members=[alone])  # taken back, by the lease system's record
    assert watch(story.hub) == "1 watches, 0 calls opened"
    assert watch(story.hub) == "0 watches, 0 calls opened", "the watch ended with the consent"
    story.days("e")
    assert story.news() == {}


def enforced(hub: Hub) -> list[Any]:
    """Everything that a decision about a tenancy could rest on."""
    with hub.db.reading() as session:
        findings = session.execute(select(Finding.id, Finding.stage, Finding.inputs_hash, Finding.closed_at))
        return [*map(tuple, findings), *session.scalars(select(CaseFile.id))]
