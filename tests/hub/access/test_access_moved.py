"""Publication of what moved gives what publication of everything gives; revocations go first and are followed to the end."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from access_site import BOARD, GATE, Setup, change, desired, report, token_of
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Executable, select, update

from device_drivers.contract.messages import (
    RevocationOrder,
    RevocationResult,
    Revocations,
    Revoked,
    RevokedOn,
    decode,
)
from device_drivers.mqtt import MemoryBroker, MemoryLink
from hub import moved
from hub.access import due, merge, publish, revocations
from hub.access.credentials import end_by_token
from hub.access.lifecycle import Cause
from hub.access.states import credential_states, device_lists
from hub.jobs import NotYet
from hub.services import Hub
from hub.tables import (
    AccessMoved,
    Consent,
    DesiredEntry,
    DesiredList,
    Door,
    Edge,
    HouseholdMember,
    ReportedList,
    Revocation,
    Tenancy,
)

DECISION = {"number": "青房退12号", "date": "2026-10-01", "move_out_completed_on": "2026-11-01"}


def noted(hub: Hub, tenancy: str, what: Executable, *, ends: bool = False) -> None:
    """A change of records with its note, as `tenancy.write` leaves them."""
    with hub.db.unit_of_work("test", "change", now=hub.now(), audit=False) as uow:
        uow.session.execute(what)
        moved.tenancies(uow, "E001", (tenancy,), ends=ends)


def end(hub: Hub, tenancy: str) -> None:
    values = {"state": "ended", "end_decision": DECISION}
    noted(hub, tenancy, update(Tenancy).where(Tenancy.id == tenancy).values(**values), ends=True)


def orders(hub: Hub, broker: MemoryBroker) -> list[Revocations]:
    found = [decode(RevocationOrder, m.payload) for m in broker.log if m.topic.endswith("/down/revoke")]
    for one in found:
        Ed25519PublicKey.from_public_bytes(hub.keys.public_key).verify(one.signature, one.payload)
    return [msgspec.json.decode(one.payload, type=Revocations) for one in found]


def lists(hub: Hub) -> dict[str, tuple[int, str]]:
    with hub.db.reading() as session:
        rows = session.execute(select(DesiredList.device_id, DesiredList.generation, DesiredList.digest))
        return {device: (generation, digest) for device, generation, digest in rows}


def entries(hub: Hub) -> dict[str, set[str]]:
    with hub.db.reading() as session:
        found: dict[str, set[str]] = {}
        for device, token in session.execute(select(DesiredEntry.device_id, DesiredEntry.token)):
            found.setdefault(device, set()).add(token)
        return found


def test_a_revocation_is_sent_before_any_list_is_made(hub: Hub, estate: Setup, broker: MemoryBroker) -> None:
    estate(hub)
    publish.publish(hub)
    before, gone = lists(hub), token_of(hub, "P3")
    broker.log.clear()
    end(hub, "T-2")
    assert publish.revoke(hub) == "1 credentials ended, 2 orders sent"
    assert lists(hub) == before, "no list was composed for it"
    (order,) = orders(hub, broker)
    assert (order.edge, order.estate_id) == ("edge-e001", "E001") or order.estate_id == "E001"
    assert sorted(order.items, key=lambda i: i.device) == [RevokedOn(BOARD, (gone,)), RevokedOn(GATE, (gone,))]
    assert not any(m.retain for m in broker.log if m.topic.endswith("/down/revoke")), "an order never rests in a broker"
    with hub.db.reading() as session:
        assert {s.state for s in credential_states(session, [gone])[gone]} == {"pending"}
        assert [r.because for r in revocations.unconfirmed(session, "E001")] == ["end_decision"] * 2
    assert publish.revoke(hub) == "0 credentials ended, 0 orders sent", "once"
    assert publish.run(hub).startswith("credentials +0 ~0 -0; 2 lists published")
    assert all(gone not in tokens for tokens in entries(hub).values())
    with hub.db.reading() as session:
        assert session.scalars(select(AccessMoved.id)).all() == []
        assert len(revocations.unconfirmed(session, "E001")) == 2, "published is not confirmed"


def test_each_device_confirms_for_itself_and_an_open_one_says_why(hub: Hub, estate: Setup) -> None:
    estate(hub)
    publish.publish(hub)
    gone = token_of(hub, "P3")
    end(hub, "T-2")
    publish.revoke(hub)
    with hub.db.reading() as session:
        edge = session.scalars(select(Edge.id)).first()
    assert edge
    at = hub.now()
    result = RevocationResult((Revoked(GATE, gone, "gone", at), Revoked(BOARD, gone, "pending", at, "设备离线")))
    assert revocations.take_result(hub, edge, result)
    with hub.db.reading() as session:
        (left,) = revocations.unconfirmed(session, "E001")
        assert (left.device_id, left.told) == (BOARD, "设备离线")
        assert {s.device_id for s in credential_states(session, [gone])[gone]} == {BOARD}
    assert not revocations.take_result(hub, "edge-of-others", result), "an edge answers for its own devices only"
    assert revocations.take_result(hub, edge, RevocationResult((Revoked(BOARD, gone, "assumed", at),)))
    with hub.db.reading() as session:
        rows = session.scalars(select(Revocation).order_by(Revocation.device_id)).all()
        assert {(r.device_id, r.state) for r in rows} == {(BOARD, "assumed"), (GATE, "gone")}
        assert revocations.oldest_open(session, "E001") is None
    publish.run(hub)
    with hub.db.reading() as session:
        rows = session.scalars(select(Revocation).order_by(Revocation.device_id)).all()
        assert [(r.device_id, r.state, r.generation) for r in rows] == [(BOARD, "assumed", 2), (GATE, "gone", 2)]
        assert revocations.unconfirmed(session, "E001") == [], "what was confirmed ahead of its list is not asked again"


def test_a_list_composed_before_an_end_opens_no_second_revocation(hub: Hub, estate: Setup) -> None:
    """While the lists of a bulk load are made somebody is ended and confirmed: the list stored then still names him."""
    estate(hub)
    publish.publish(hub)
    gone = token_of(hub, "P3")
    noted(hub, "T-1", update(HouseholdMember).where(HouseholdMember.id == "M1").values(offered={"cards": ["77001"]}))
    ending = iter([True])

    def in_between() -> None:
        if next(ending, False):
            end(hub, "T-2")
            publish.revoke(hub)
            at = hub.now()
            both = RevocationResult((Revoked(GATE, gone, "gone", at), Revoked(BOARD, gone, "gone", at)))
            assert revocations.take_result(hub, "edge-aaaa", both)

    publish._publish(hub, due.tasks(hub, everything=True), in_between)
    assert any(gone in tokens for tokens in entries(hub).values()), "the list was composed before"
    publish.run(hub)
    assert all(gone not in tokens for tokens in entries(hub).values())
    with hub.db.reading() as session:
        rows = session.scalars(select(Revocation).where(Revocation.token == gone)).all()
        listed = dict(session.execute(select(DesiredList.device_id, DesiredList.generation)).all())
    assert sorted((r.device_id, r.state) for r in rows) == [(BOARD, "gone"), (GATE, "gone")], "one a device, confirmed"
    assert {r.device_id: r.generation for r in rows} == listed, "the first list without it"


def test_what_somebody_loses_goes_first_and_its_lists_follow_together(hub: Hub, estate: Setup, clock: Any) -> None:
    estate(hub)
    publish.publish(hub)
    before = lists(hub)
    end(hub, "T-2")
    with pytest.raises(NotYet, match="revocations go first"):
        publish.job(hub)
    publish.revoke(hub)
    with pytest.raises(NotYet) as later:
        publish.job(hub)
    assert 0 < later.value.after_s <= publish.GATHER.total_seconds(), (
        "in force by the order: the list may wait for others"
    )
    assert lists(hub) == before
    clock.pass_(seconds=later.value.after_s)
    assert "2 lists published" in publish.job(hub)


def test_who_gains_access_waits_for_nobody(hub: Hub, estate: Setup) -> None:
    estate(hub)
    publish.publish(hub)
    end(hub, "T-2")
    publish.revoke(hub)
    noted(hub, "T-1", update(HouseholdMember).where(HouseholdMember.id == "M1").values(offered={"cards": ["77001"]}))
    assert "lists published" in publish.job(hub)


def test_a_clock_that_was_set_does_not_keep_lists_waiting(hub: Hub, estate: Setup, clock: Any) -> None:
    estate(hub)
    publish.publish(hub)
    end(hub, "T-2")
    publish.revoke(hub)
    clock.pass_(seconds=-3600)
    assert "lists published" in publish.job(hub)


def test_an_order_lost_on_the_way_is_sent_again_and_when_the_edge_comes_back(
    hub: Hub, estate: Setup, broker: MemoryBroker, clock: Any
) -> None:
    estate(hub)
    publish.publish(hub)
    link = hub.link
    assert isinstance(link, MemoryLink)
    link.cut()
    end(hub, "T-2")
    assert publish.revoke(hub) == "1 credentials ended, 0 orders sent", "no link: nothing is called sent"
    link.restore()
    assert publish.revoke(hub) == "0 credentials ended, 2 orders sent"
    broker.log.clear()
    clock.pass_(seconds=21)
    assert publish.revoke(hub) == "0 credentials ended, 2 orders sent", "nobody answered"
    change(hub, lambda s: s.execute(update(Edge).values(online=False)))
    clock.pass_(seconds=21)
    assert publish.revoke(hub) == "0 credentials ended, 0 orders sent", "an order does not wait for an offline edge"


def test_a_credential_ended_at_the_counter_is_ordered_off_at_once(
    hub: Hub, estate: Setup, broker: MemoryBroker
) -> None:
    estate(hub)
    publish.publish(hub)
    one = token_of(hub, "P1")
    with hub.db.unit_of_work("desk", "card lost") as uow:
        end_by_token(uow, one, Cause.REPLACED_AFTER_INCIDENT, "挂失单 7")
    publish.revoke(hub)
    assert {t for order in orders(hub, broker) for i in order.items for t in i.tokens} == {one}
    assert publish.run(hub).startswith("credentials +1 ")
    assert token_of(hub, "P1") != one, "and has a new credential from the next run on"


def test_a_report_of_a_list_that_is_not_ours_confirms_nothing(hub: Hub, estate: Setup) -> None:
    """A hub restored from yesterday's backup: its edges hold newer lists, which it has never seen."""
    estate(hub)
    publish.publish(hub)
    gone, one = token_of(hub, "P3"), token_of(hub, "P1")
    end(hub, "T-2")
    publish.run(hub)
    report(hub, GATE, generation=41, digest="of a list that was restored away")
    with hub.db.reading() as session:
        assert GATE in {r.device_id for r in revocations.unconfirmed(session, "E001")}
        assert {s.device_id: s.state for s in credential_states(session, [one])[one]}[GATE] == "unknown"
        (gate,) = [d for d in device_lists(session) if d.device.id == GATE]
        assert (gate.state, gate.in_step) == ("behind", False)
    assert publish.run(hub).startswith("credentials +0 ~0 -0; 1 lists published"), "no record changed, and yet"
    assert desired(hub, GATE).generation == 42
    report(hub, GATE, generation=41, digest="a late report of that list")
    with hub.db.reading() as session:
        assert GATE in {r.device_id for r in revocations.unconfirmed(session, "E001")}
    report(hub, GATE)
    with hub.db.reading() as session:
        assert GATE not in {r.device_id for r in revocations.unconfirmed(session, "E001")}
        assert gone not in entries(hub)[GATE]


def test_a_note_stays_when_somebody_else_published_in_between(sqlite_hub: Hub, estate: Setup) -> None:
    hub = sqlite_hub
    estate(hub)
    publish.publish(hub)
    end(hub, "T-2")
    publish.revoke(hub)  # the credential ended; the lists are still to be made
    (task,) = due.tasks(hub)
    composed = publish._composed(hub, task.estate, task.scope)
    with hub.db.unit_of_work("other", "another process", audit=False) as uow:
        uow.session.execute(update(DesiredList).values(generation=9))
    with hub.db.unit_of_work("system", "this process", audit=False) as uow:
        assert [publish._store(hub, uow, "E001", one) for one in composed] == [None, None]
    publish.run(hub)
    assert {generation for generation, _ in lists(hub).values()} == {10}, "made again on what stands there now"
    with hub.db.reading() as session:
        assert session.scalars(select(AccessMoved.id)).all() == []


def test_what_a_forgetful_box_takes_for_foreign_is_not_called_gone(sqlite_hub: Hub, estate: Setup) -> None:
    """A box with a new disk finds an entry it wrote itself, and that nobody wants any more: it still opens the door."""
    hub = sqlite_hub
    estate(hub)
    publish.publish(hub)
    gone = token_of(hub, "P3")
    end(hub, "T-2")
    publish.run(hub)
    report(hub, GATE, foreign=1, strays=(gone,))
    with hub.db.reading() as session:
        (at_gate,) = [r for r in revocations.unconfirmed(session, "E001") if r.device_id == GATE]
        assert "不记得" in at_gate.told
    report(hub, GATE, foreign=0)
    with hub.db.reading() as session:
        assert GATE not in {r.device_id for r in revocations.unconfirmed(session, "E001")}


def test_who_stands_on_a_device_again_after_he_was_taken_off_is_shown_and_ordered_off(
    sqlite_hub: Hub, estate: Setup, broker: MemoryBroker
) -> None:
    """A terminal set back to an older copy, or another one in its place: its box knows nothing of him, the hub does."""
    hub = sqlite_hub
    estate(hub)
    publish.publish(hub)
    gone = token_of(hub, "P3")
    end(hub, "T-2")
    publish.run(hub)
    report(hub, GATE)
    with hub.db.reading() as session:
        assert GATE not in {r.device_id for r in revocations.unconfirmed(session, "E001")}
    report(hub, GATE, foreign=2, strays=(gone, "x" * 20))
    with hub.db.reading() as session:
        (back,) = [r for r in revocations.unconfirmed(session, "E001") if r.device_id == GATE]
        assert (back.token, "又出现" in back.told) == (gone, True)
        (gate,) = device_lists(session, devices=[GATE])
        assert gate.state == "pending", "not in step: it opens for somebody it should not"
    assert revocations.send(hub) >= 1, "ordered off once more"
    report(hub, GATE, foreign=1, strays=("x" * 20,))
    with hub.db.reading() as session:
        assert GATE not in {r.device_id for r in revocations.unconfirmed(session, "E001")}
        (gate,) = device_lists(session, devices=[GATE])
        assert gate.state == "in_step"


def test_who_only_lost_this_door_is_ordered_off_it_and_goes_on_elsewhere(
    sqlite_hub: Hub, estate: Setup, broker: MemoryBroker
) -> None:
    """The device was put at another door, and its box has a new disk: it takes those of the old door for a guard's own."""
    hub = sqlite_hub
    estate(hub)
    publish.publish(hub)
    one = token_of(hub, "P1")
    moved = update(Door).where(Door.id == "E001.G1").values(scope="dwelling", dwelling_id="E001.E001-B1-0202")
    change(hub, lambda s: s.execute(moved))
    publish.publish(hub)
    assert one not in entries(hub)[GATE]
    assert one in entries(hub)[BOARD]
    report(hub, GATE, foreign=1, strays=(one,))
    broker.log.clear()
    assert revocations.send(hub) == 1
    assert [i for order in orders(hub, broker) for i in order.items] == [RevokedOn(GATE, (), (one,))]
    report(hub, GATE)
    with hub.db.reading() as session:
        assert GATE not in {r.device_id for r in revocations.unconfirmed(session, "E001")}


def test_a_list_composed_before_an_end_does_not_take_the_revocation_back(sqlite_hub: Hub, estate: Setup) -> None:
    """The bulk list was being made while the credential ended: it is stored all the same, and the next one is without it."""
    hub = sqlite_hub
    estate(hub)
    publish.publish(hub)
    gone = token_of(hub, "P3")
    offer = update(HouseholdMember).where(HouseholdMember.id == "M1").values(offered={"cards": ["77"], "photo": None})
    noted(hub, "T-1", offer)
    (task,) = due.tasks(hub)
    with hub.db.unit_of_work("system", "as the job", audit=False) as uow:
        publish.credentials.reconcile(uow, task.estate, task.scope)
    composed = publish._composed(hub, task.estate, task.scope)
    end(hub, "T-2")
    publish.revoke(hub)
    for one in composed:
        with hub.db.unit_of_work("system", "as the job", audit=False) as uow:
            assert publish._store(hub, uow, "E001", one)
    with hub.db.reading() as session:
        waiting = [r.device_id for r in revocations.unconfirmed(session, "E001") if r.token == gone]
        assert waiting == [BOARD, GATE]
        assert {s.state for s in credential_states(session, [gone])[gone]} == {"pending"}
    publish.run(hub)
    assert all(gone not in tokens for tokens in entries(hub).values())
    with hub.db.reading() as session:
        rows = session.scalars(select(Revocation).where(Revocation.token == gone)).all()
        assert [(r.state, r.generation) for r in rows] == [("open", 3)] * 2, (
            "a row a device, from the first list without it"
        )


@pytest.mark.parametrize("order_first", [False, True])
def test_a_card_that_is_free_again_goes_to_who_waited_for_it(sqlite_hub: Hub, estate: Setup, order_first: bool) -> None:
    hub = sqlite_hub
    estate(hub)
    values = {"offered": {"cards": ["1001"], "photo": None}}
    change(hub, lambda s: s.execute(update(HouseholdMember).where(HouseholdMember.id == "M3").values(**values)))
    publish.publish(hub)
    three = token_of(hub, "P3")
    assert three not in {c.token for c in desired(hub, BOARD).credentials}, "P1 has that card"
    yesterday = hub.now().date() - timedelta(days=1)
    leave = update(HouseholdMember).where(HouseholdMember.id == "M1").values(to_date=yesterday)
    noted(hub, "T-1", leave, ends=True)
    if order_first:
        publish.revoke(hub)
    publish.run(hub)
    assert three in {c.token for c in desired(hub, BOARD).credentials}, (
        "the card is his, also where the order went first"
    )


@pytest.mark.parametrize("seed", range(12))
def test_what_moved_and_everything_give_the_same_lists(sqlite_hub: Hub, estate: Setup, seed: int) -> None:
    """Random changes published one by one: then the whole estate composed anew moves nothing."""
    hub, rng = sqlite_hub, random.Random(seed)
    estate(hub)
    publish.publish(hub)
    members = {"M1": "T-1", "M2": "T-1", "M3": "T-2"}
    for step in range(8):
        member = rng.choice(sorted(members))
        tenancy, at = members[member], datetime(2026, 2, 1 + step, tzinfo=UTC)
        one = update(HouseholdMember).where(HouseholdMember.id == member)
        match rng.randrange(5):
            case 0:
                offer = {"cards": [str(rng.randrange(1000, 1004))], "photo": None}
                noted(hub, tenancy, one.values(offered=offer))
            case 1:
                noted(hub, tenancy, one.values(to_date=hub.now().date() - timedelta(days=1)), ends=True)
            case 2:
                noted(hub, tenancy, one.values(to_date=None))
            case 3:
                noted(hub, "T-1", update(Consent).values(withdrawn_at=rng.choice([None, at])))
            case _:
                state = rng.choice(["active", "ended"])
                values = {"state": state, "end_decision": DECISION if state == "ended" else None}
                noted(hub, tenancy, update(Tenancy).where(Tenancy.id == tenancy).values(**values), ends=True)
        if rng.random() < 0.7:
            publish.run(hub)
        if rng.random() < 0.5:
            publish.revoke(hub)
    publish.run(hub)
    after = lists(hub)
    told = publish.publish(hub)
    assert lists(hub) == after, f"seed {seed}: {told}"
    assert entries(hub) == {
        d: {c.token for c in desired(hub, d).credentials} for d in after if desired(hub, d).credentials
    }
    with hub.db.reading() as session:
        assert session.scalars(select(ReportedList.device_id)).all() == []


def test_a_list_made_before_the_end_and_published_after_its_confirmation_opens_no_second_revocation(
    sqlite_hub: Hub, estate: Setup
) -> None:
    hub = sqlite_hub
    estate(hub)
    publish.publish(hub)
    gone = token_of(hub, "P3")
    old = merge.read(desired_payload(hub, GATE), "E001", GATE)
    end(hub, "T-2")
    publish.revoke(hub)
    with hub.db.reading() as session:
        edge = session.scalars(select(Edge.id)).one()
    assert revocations.take_result(hub, edge, RevocationResult((Revoked(GATE, gone, "gone", hub.now()),)))
    with hub.db.unit_of_work("test", "a list that was under way", audit=False) as uow:
        revocations.listed(uow, (GATE, "E001"), 7, merge.Merged(old, frozenset(), frozenset(), {}, {}))
        revocations.ended(uow, gone, "said twice")
    publish.run(hub)
    with hub.db.reading() as session:
        rows = session.scalars(select(Revocation).where(Revocation.device_id == GATE, Revocation.token == gone)).all()
        assert [(r.state, r.proof) for r in rows] == [("gone", "read_back")], "confirmed once, and for good"


def desired_payload(hub: Hub, device: str) -> bytes:
    with hub.db.reading() as session:
        return session.get_one(DesiredList, device).payload
