"""Orders to doors over HTTP: looked at first, sent once, a second person for a whole place, a result a door."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from orders_site import build, commands_of, told
from sqlalchemy import func, select

from device_drivers.contract.messages import CommandResult
from device_drivers.contract.words import CommandOutcome, DoorMode
from device_drivers.mqtt import MemoryBroker
from hub.estate import commands, orders
from hub.estate.order_rules import DoorPlace, needs_second
from hub.services import Hub
from hub.tables import AccessPoint, AuditRow, CommandRow, Device, Edge

API = "/api/v1"
REASON = {"reason": "消防演练"}


@pytest.fixture
def site(sqlite_hub: Hub, small_estate: Callable[[Hub], None]) -> Hub:
    build(sqlite_hub, small_estate)
    return sqlite_hub


@pytest.fixture
def manager(site: Hub, sign_in: Callable[..., TestClient]) -> TestClient:
    return sign_in(site, "estate_manager")


@pytest.fixture
def second(site: Hub, sign_in: Callable[..., TestClient]) -> TestClient:
    return sign_in(site, "administrator")


def look(client: TestClient, kind: str, *doors: str, **more: Any) -> Any:
    body = {"kind": kind, "scope": "doors", "door_ids": [f"E001.{door}" for door in doors], **more}
    return client.post(f"{API}/estates/E001/command-orders", json=body)


def act(client: TestClient, order: str, step: str, **body: Any) -> Any:
    return client.post(f"{API}/command-orders/{order}/{step}", json={**REASON, **body})


def code(reply: Any) -> str:
    return str(reply.json()["error"]["code"])


def settle(hub: Hub, command: Any, outcome: CommandOutcome, text: str = "") -> None:
    with hub.db.reading() as session:
        edge = session.get_one(CommandRow, command.id).edge_id
    commands.settle(hub, edge, CommandResult(command.id, outcome, hub.now(), text))


def test_the_look_names_doors_and_people_and_sends_nothing(manager: TestClient, broker: MemoryBroker) -> None:
    shown = look(manager, "lock_down", "D1")
    assert shown.status_code == 201, shown.text
    order = shown.json()
    assert [(d["door_name"], d["device_name"], d["state"]) for d in order["doors"]] == [("D1", "板D1", "ready")]
    assert (order["residents"], order["shut_out"], order["second_person"]) == (1, 1, True)
    assert "出门始终自由" in order["effect_zh"], "egress is said, for it stays free"
    assert commands_of(broker) == []
    both = look(manager, "lock_down", "G1").json()
    assert (both["residents"], both["shut_out"], both["second_person"]) == (2, 0, False), "the other gate stays"


def test_done_by_its_token_once_with_an_end(site: Hub, manager: TestClient, broker: MemoryBroker) -> None:
    order = look(manager, "lock_down", "G1", minutes=30).json()["id"]
    assert act(manager, order, "execute", reason="x").status_code == 422, "a reason is not optional"
    with ThreadPoolExecutor(4) as clicks:
        states = {r.json()["state"] for r in clicks.map(lambda _: act(manager, order, "execute"), range(4))}
    assert states == {"issued"}
    (command,) = commands_of(broker)
    assert (command.kind, command.device, command.reason) == ("lock_down", "E001.board-G1", "消防演练")
    assert command.until == site.now() + timedelta(minutes=30), "nobody forgets a locked door"
    assert command.expires_at - command.issued_at == timedelta(seconds=10)
    settle(site, command, CommandOutcome.DONE, "ok")
    (door,) = manager.get(f"{API}/command-orders/{order}").json()["doors"]
    assert (door["outcome"], door["outcome_text"]) == ("done", "ok")


def test_a_look_is_good_for_its_person_its_doors_and_five_minutes(
    site: Hub, manager: TestClient, second: TestClient, broker: MemoryBroker, clock: Any
) -> None:
    order = look(manager, "block", "D1").json()["id"]
    assert act(second, order, "execute").status_code == 404, "another has not looked"
    with site.db.unit_of_work("test", "moved", audit=False) as uow:
        uow.session.get_one(AccessPoint, "E001.D1-IN").device_id = "E001.board-D2"
    assert code(act(manager, order, "execute")) == "preview_stale"
    fresh = look(manager, "block", "D1").json()["id"]
    clock.pass_(minutes=6)
    assert code(act(manager, fresh, "execute")) == "preview_expired"
    assert commands_of(broker) == []


@pytest.mark.parametrize("kind", ["lock_down", "lock_open", "block"])
def test_a_whole_place_takes_a_second_person(
    site: Hub, manager: TestClient, second: TestClient, broker: MemoryBroker, kind: str
) -> None:
    body = {"kind": kind, "scope": "estate"}
    order = manager.post(f"{API}/estates/E001/command-orders", json=body).json()
    assert (order["second_person"], len(order["doors"])) == (True, 4)
    assert act(manager, order["id"], "execute").json()["state"] == "asked"
    assert commands_of(broker) == [], "nothing happens before the second word"
    assert code(act(manager, order["id"], "confirm")) == "same_person"
    waiting = second.get(f"{API}/estates/E001/command-orders").json()
    assert (waiting["waiting"], waiting["items"][0]["mine"]) == (1, False)
    done = act(second, order["id"], "confirm").json()
    assert (done["state"], done["decided_reason"]) == ("issued", "消防演练")
    sent = commands_of(broker)
    assert sorted(c.device for c in sent) == [f"E001.board-{d}" for d in ("D1", "D2", "G1", "G2")]
    assert code(act(second, order["id"], "confirm")) == "order_gone", "and not twice"
    assert len(commands_of(broker)) == 4
    settle(site, sent[0], CommandOutcome.DONE)
    settle(site, sent[1], CommandOutcome.REFUSED, "fire")
    outcomes = [d["outcome"] for d in second.get(f"{API}/command-orders/{order['id']}").json()["doors"]]
    assert sorted(str(o) for o in outcomes) == ["None", "None", "done", "refused"], "each door has its own"
    with site.db.reading() as session:
        whats = [c["what"] for row in session.scalars(select(AuditRow)) for c in row.changes]
    assert {"command_order.asked", "command_order.confirmed", "command.issued"} <= set(whats)


def test_the_second_word_has_ten_minutes_and_may_be_no(
    site: Hub, manager: TestClient, second: TestClient, broker: MemoryBroker, clock: Any
) -> None:
    body = {"kind": "lock_open", "scope": "block", "block_id": "E001.B1"}
    late = manager.post(f"{API}/estates/E001/command-orders", json=body).json()["id"]
    act(manager, late, "execute")
    no = manager.post(f"{API}/estates/E001/command-orders", json=body).json()["id"]
    act(manager, no, "execute")
    assert act(manager, no, "refuse").json()["state"] == "refused", "who asked may take it back"
    clock.pass_(minutes=10)
    assert code(act(second, late, "confirm")) == "order_gone"
    assert orders.expire(site) == "1 orders expired"
    assert second.get(f"{API}/command-orders/{late}").json()["state"] == "expired"
    assert commands_of(broker) == []


def test_one_door_after_the_other_is_the_whole_too(manager: TestClient, broker: MemoryBroker, clock: Any) -> None:
    first = look(manager, "lock_down", "G1", minutes=90).json()
    assert act(manager, first["id"], "execute").json()["state"] == "issued"
    other = look(manager, "lock_down", "G2").json()
    assert other["second_person"], "both gates are every way into the estate"
    assert act(manager, other["id"], "execute").json()["state"] == "asked"
    clock.pass_(minutes=61)
    assert look(manager, "lock_down", "G2").json()["second_person"], "the first gate is still locked down"
    clock.pass_(minutes=30)
    assert not look(manager, "lock_down", "G2").json()["second_person"], "it is over by now"
    assert len(commands_of(broker)) == 1


def test_two_looks_at_once_do_not_pass_the_second_person_by(manager: TestClient, broker: MemoryBroker) -> None:
    looks = [look(manager, "lock_down", gate).json()["id"] for gate in ("G1", "G2")]
    assert [act(manager, one, "execute").json()["state"] for one in looks] == ["issued", "asked"]


def test_release_is_one_persons(site: Hub, manager: TestClient, broker: MemoryBroker) -> None:
    order = manager.post(f"{API}/estates/E001/command-orders", json={"kind": "release", "scope": "estate"}).json()
    assert (order["second_person"], order["lasts_s"]) == (False, None)
    assert act(manager, order["id"], "execute").json()["state"] == "issued"
    assert {(c.kind, c.until) for c in commands_of(broker)} == {("release", None)}
    one = {"kind": "release", "access_point_id": "E001.D1-IN", "reason": "解除"}
    assert manager.post(f"{API}/devices/E001.board-D1/commands", json=one).status_code == 202


def test_an_offline_edge_gets_nothing_and_says_so_at_its_door(
    site: Hub, manager: TestClient, second: TestClient, broker: MemoryBroker
) -> None:
    with site.db.unit_of_work("test", "cut", audit=False) as uow:
        uow.session.get_one(Edge, "edge-bbbb").online = False
    order = manager.post(f"{API}/estates/E001/command-orders", json={"kind": "lock_down", "scope": "estate"}).json()
    assert {d["door_name"]: d["state"] for d in order["doors"]}["D2"] == "offline"
    act(manager, order["id"], "execute")
    doors = {d["door_name"]: d for d in act(second, order["id"], "confirm").json()["doors"]}
    assert doors["D2"]["outcome"] == "unreachable"
    assert "不会排队" in doors["D2"]["outcome_text"]
    assert [c.device for c in commands_of(broker) if "D2" in c.device] == []
    with site.db.unit_of_work("test", "back", audit=False) as uow:
        uow.session.get_one(Edge, "edge-bbbb").online = True
    assert [c.device for c in commands_of(broker) if "D2" in c.device] == [], "not when it comes back either"


def test_what_a_device_did_not_announce_is_refused_before_it_is_sent(
    site: Hub, manager: TestClient, broker: MemoryBroker
) -> None:
    with site.db.unit_of_work("test", "terminal", audit=False) as uow:
        uow.session.get_one(Device, "E001.board-D1").kind = "face_terminal"
    reply = look(manager, "lock_down", "D1")
    assert (reply.status_code, code(reply)) == (409, "unsupported")
    release = {"kind": "release", "access_point_id": "E001.D1-IN", "reason": "解除封锁"}
    reply = manager.post(f"{API}/devices/E001.board-D1/commands", json=release)
    assert code(reply) == "unsupported"
    assert "它支持：开门一次、回读名单" in reply.json()["error"]["message"]
    grave = {"kind": "lock_down", "access_point_id": "E001.D2-IN", "reason": "直接下达"}
    assert code(manager.post(f"{API}/devices/E001.board-D2/commands", json=grave)) == "needs_preview"
    with site.db.unit_of_work("test", "silent", audit=False) as uow:
        uow.session.get_one(Edge, "edge-aaaa").catalogue = []
    momentary = {"kind": "momentary_access", "access_point_id": "E001.G1-IN", "reason": "开门"}
    assert code(manager.post(f"{API}/devices/E001.board-G1/commands", json=momentary)) == "unsupported"
    assert commands_of(broker) == []


def test_every_device_of_a_door_is_told_and_who_cannot_be_told_is_named(
    site: Hub, manager: TestClient, second: TestClient, broker: MemoryBroker
) -> None:
    with site.db.unit_of_work("test", "three readers", audit=False) as uow:
        common = {"estate_id": "E001", "door_id": "E001.D1", "point": "door1"}
        uow.session.get_one(AccessPoint, "E001.G1-IN").door_id = "E001.D1"
        uow.session.get_one(Device, "E001.board-G2").kind = "face_terminal"
        own = {"code": "D1-OUT", "name": "出", "side": "out", "device_id": "E001.board-D1"}
        uow.session.add(AccessPoint(id="E001.D1-OUT", **own, **common))
        uow.session.get_one(AccessPoint, "E001.G2-IN").door_id = "E001.D1"
    order = look(manager, "lock_down", "D1").json()
    assert [d["device_name"] for d in order["doors"]] == ["板D1", "板G1"], "each board once, however many points it has"
    assert order["doors"][0]["still_opens"] == ["板G2"], "the terminal opens by its own list"
    act(manager, order["id"], "execute")
    act(second, order["id"], "confirm")
    assert [c.access_point for c in commands_of(broker)] == ["E001.D1-IN", "E001.G1-IN"]
    doors = manager.get(f"{API}/command-orders/{order['id']}").json()["doors"]
    assert len({d["command_id"] for d in doors}) == 2
    assert look(manager, "lock_open", "D1").json()["doors"][0]["still_opens"] == []


def test_a_double_click_opens_once(site: Hub, manager: TestClient, broker: MemoryBroker, clock: Any) -> None:
    body = {"kind": "momentary_access", "access_point_id": "E001.D1-IN", "reason": "送外卖"}
    where = f"{API}/devices/E001.board-D1/commands"

    def click(**more: Any) -> Any:
        return manager.post(where, json={**body, **more})

    with ThreadPoolExecutor(4) as clicks:
        ids = {r.json()["id"] for r in clicks.map(lambda _: click(key="k-1"), range(6))}
    assert len(ids) == 1
    clock.pass_(seconds=3)
    assert click(key="k-1").json()["id"] in ids, "however late the repetition comes"
    assert code(click(key="k-1", access_point_id="E001.G1-IN")) == "key_reused"
    assert len({click().json()["id"] for _ in range(3)}) == 1, "without a key: the same click within two seconds"
    clock.pass_(seconds=3)
    click()
    assert len(commands_of(broker)) == 3
    with site.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(CommandRow)) == 3


def test_all_at_once_is_once_on_both_databases(
    hub: Hub, small_estate: Callable[[Hub], None], sign_in: Callable[..., TestClient], broker: MemoryBroker
) -> None:
    """Impatient clicks on the token, on a key, on no key, and two who confirm at the same moment."""
    build(hub, small_estate)
    manager, others = sign_in(hub, "estate_manager"), [sign_in(hub, "administrator") for _ in range(2)]
    order = look(manager, "lock_down", "G2").json()["id"]
    body = {"kind": "momentary_access", "access_point_id": "E001.G1-IN", "reason": "送外卖"}
    whole = manager.post(f"{API}/estates/E001/command-orders", json={"kind": "lock_open", "scope": "estate"}).json()[
        "id"
    ]
    with ThreadPoolExecutor(4) as clicks:
        assert {r.json()["state"] for r in clicks.map(lambda _: act(manager, order, "execute"), range(4))} == {"issued"}
        for key in ("k", ""):
            wish = {**body, "key": key}
            sent = [clicks.submit(manager.post, f"{API}/devices/E001.board-G1/commands", json=wish) for _ in range(4)]
            replies = [one.result() for one in sent]
            assert len({r.json()["id"] for r in replies}) == 1, [r.text for r in replies]
        assert act(manager, whole, "execute").json()["state"] == "asked"
        said = sorted(r.status_code for r in clicks.map(lambda who: act(who, whole, "confirm"), others))
    assert said == [202, 409]
    kinds = [str(c.kind) for c in commands_of(broker)]
    assert [kinds.count(k) for k in ("lock_down", "momentary_access", "lock_open")] == [1, 1, 4]


def test_a_door_shows_the_mode_its_edge_reports_not_what_was_sent(
    site: Hub, manager: TestClient, broker: MemoryBroker
) -> None:
    def mode() -> dict[str, Any]:
        doors = manager.get(f"{API}/estates/E001/doors").json()["items"]
        return next(door for door in doors if door["code"] == "D1")

    assert mode()["mode"] == "unknown", "nobody has told"
    told(site, "D1")
    assert mode()["mode"] == "normal"
    assert mode()["commands"] == ["block", "lock_down", "lock_open", "momentary_access", "read_back", "release"]
    act(manager, look(manager, "lock_down", "D1").json()["id"], "execute")
    assert mode()["mode"] == "normal", "sent is not done"
    until = site.now() + timedelta(hours=1)
    told(site, "D1", DoorMode.LOCKED_DOWN, until=until, actor="wang", reason="演练", command="c")
    shown = mode()
    assert (shown["mode"], shown["mode_by"], shown["mode_reason"], shown["mode_cause"]) == (
        "locked_down", "wang", "演练", "command",
    )  # fmt: skip
    assert shown["mode_until"] is not None
    seen = look(manager, "lock_down", "G1").json()
    assert seen["shut_out"] == 1, "a door that stands locked is no other way home"
    told(site, "D1")
    assert mode()["mode"] == "normal"


def test_a_mode_that_has_reached_its_end_is_over_also_while_its_box_is_away(
    site: Hub, manager: TestClient, clock: Any
) -> None:
    """A box ends it by itself; its word of that may come days later."""
    until = site.now() + timedelta(hours=1)
    told(site, "D1", DoorMode.LOCKED_DOWN, until=until, actor="wang", reason="演练", command="c")
    clock.at = until
    doors = {door["code"]: door for door in manager.get(f"{API}/estates/E001/doors").json()["items"]}
    assert (doors["D1"]["mode"], doors["D1"]["mode_by"], doors["D1"]["mode_until"]) == ("normal", "", None)
    ordered = look(manager, "lock_down", "G1").json()
    assert ordered["shut_out"] == 0, "D1 lets people in again"
    assert [door["modes"] for door in look(manager, "lock_down", "D1").json()["doors"]] == [[]]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"kind": "momentary_access", "scope": "estate"}, 422),
        ({"kind": "lock_down", "scope": "doors", "door_ids": []}, 400),
        ({"kind": "lock_down", "scope": "doors", "door_ids": ["E002.X"]}, 404),
        ({"kind": "lock_down", "scope": "block", "block_id": "E001.B9"}, 400),
        ({"kind": "lock_down", "scope": "estate", "minutes": 60 * 25}, 400),
    ],
)
def test_a_wrong_wish_says_what_is_wrong(manager: TestClient, body: dict[str, Any], status: int) -> None:
    reply = manager.post(f"{API}/estates/E001/command-orders", json=body)
    assert reply.status_code == status, reply.text


def test_the_only_gate_of_an_estate_and_the_only_entrance_of_a_block_take_two() -> None:
    gate, entrance = DoorPlace("G1", "estate", None, None, ()), DoorPlace("B1D", "block", "B1", None, ())
    assert needs_second("lock_down", "doors", {"G1"}, (gate, entrance), ()), "nobody locks an estate's only gate alone"
    for kind in ("lock_down", "block"):
        assert needs_second(kind, "doors", {"B1D"}, (gate, entrance), ()), "everybody in the block comes home by it"
    assert not needs_second("lock_open", "doors", {"B1D"}, (gate, entrance), ()), (
        "held open for a removal van: one person's"
    )
    second = DoorPlace("B1E", "block", "B1", None, ())
    assert not needs_second("lock_down", "doors", {"B1D"}, (gate, entrance, second), ()), "there is another entrance"
    assert not needs_second("release", "doors", {"G1"}, (gate, entrance), ())
