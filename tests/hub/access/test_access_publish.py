"""From a tenancy to a signed list and its doorbell, and back from what devices report, on both databases with a twin link."""

from __future__ import annotations

import time
from datetime import date, timedelta
from typing import Any

import pytest
from access_site import BOARD, CAMERA, GATE, Setup, change, desired, doorbells, report, token_of
from sqlalchemy import event, select, update

from device_drivers.contract.words import IdentifierType
from device_drivers.mqtt import MemoryBroker, MemoryLink
from hub.access import publish
from hub.access.credentials import end_by_token
from hub.access.explain_text import NothingToExplain, explain_text
from hub.access.lifecycle import Cause, Unlawful
from hub.access.revocations import unconfirmed as unconfirmed_removals
from hub.access.states import credential_states, device_lists
from hub.access.step import no_way_in, step_item, sync_summary
from hub.services import Hub
from hub.tables import (
    AuditRow,
    Consent,
    CredentialIdentifierRow,
    CredentialRow,
    DesiredList,
    Dwelling,
    Edge,
    Estate,
    HouseholdMember,
    Person,
    Tenancy,
)


def test_first_publication_and_then_silence(hub: Hub, estate: Setup, broker: MemoryBroker) -> None:
    estate(hub)
    assert publish.publish(hub) == "credentials +3 ~0 -0; 2 lists published, 2 doorbells repeated"
    gate, board = desired(hub, GATE), desired(hub, BOARD)
    one, two, three = (token_of(hub, p) for p in ("P1", "P2", "P3"))
    assert {c.token: [i.type for i in c.identifiers] for c in gate.credentials} == {
        one: [IdentifierType.CARD, IdentifierType.FACE],
        two: [IdentifierType.CARD],
        three: [IdentifierType.CARD],
    }
    assert {c.label for c in gate.credentials} == {"1号楼-0101 · 成员1", "1号楼-0101 · 成员2", "1号楼-0202 · 成员1"}
    assert all([i.type for i in c.identifiers] == [IdentifierType.CARD] for c in board.credentials)
    assert (gate.generation, board.generation) == (1, 1)
    assert all(len(t) == 20 for t in (one, two, three))
    with hub.db.reading() as session:
        assert session.get(DesiredList, CAMERA) is None, "a camera controls no access point"
    assert {(d.device, d.generation) for d in doorbells(broker)} == {(GATE, 1), (BOARD, 1)}
    assert all(m.retain for m in broker.log if m.topic.endswith("/desired"))
    report(hub, GATE)
    report(hub, BOARD)
    broker.log.clear()
    assert publish.publish(hub) == "credentials +0 ~0 -0; 0 lists published, 0 doorbells repeated"
    assert doorbells(broker) == []
    with hub.db.reading() as session:
        rows = [c["what"] for row in session.scalars(select(AuditRow)) for c in row.changes]
    assert rows == ["credential.created"] * 3 + ["list.published"] * 2


def test_an_end_by_decision_leaves_every_device_and_is_watched_until_confirmed(hub: Hub, estate: Setup) -> None:
    estate(hub)
    publish.publish(hub)
    report(hub, GATE)
    report(hub, BOARD)
    gone = token_of(hub, "P3")
    decision = {"number": "青房退12号", "date": "2026-10-01", "move_out_completed_on": "2026-11-01"}
    change(
        hub,
        lambda s: s.execute(update(Tenancy).where(Tenancy.id == "T-2").values(state="ended", end_decision=decision)),
    )
    assert publish.publish(hub).startswith("credentials +0 ~0 -1; 2 lists published")
    assert gone not in {c.token for c in (*desired(hub, GATE).credentials, *desired(hub, BOARD).credentials)}
    with hub.db.reading() as session:
        row = session.get_one(CredentialRow, gone)
        assert (row.state, row.ended_at) == ("ended", hub.now())
        assert row.ended_because == "end_decision: decision 青房退12号 on tenancy T-2"
        assert [r.device_id for r in unconfirmed_removals(session, "E001")] == [BOARD, GATE]
        assert sync_summary(session, "E001")["oldest_unconfirmed_removal_at"] == hub.now()
        assert {s.device_id: s.state for s in credential_states(session, [gone])[gone]} == {
            GATE: "pending",
            BOARD: "pending",
        }
        assert "等待设备确认" in explain_text(session, gone, hub.now())
    report(hub, GATE)
    with hub.db.reading() as session:
        assert [r.device_id for r in unconfirmed_removals(session, "E001")] == [BOARD]
    report(hub, BOARD)
    with hub.db.reading() as session:
        assert unconfirmed_removals(session, "E001") == []
        assert sync_summary(session, "E001") == {
            "devices_in_step": 2, "devices_total": 2, "oldest_unconfirmed_removal_at": None,
        }  # fmt: skip
        assert credential_states(session, [gone])[gone] == []


def test_a_withdrawn_consent_takes_off_the_face_and_nothing_else(hub: Hub, estate: Setup) -> None:
    estate(hub)
    publish.publish(hub)
    before, one = desired(hub, GATE), token_of(hub, "P1")
    board = desired(hub, BOARD)
    change(hub, lambda s: s.execute(update(Consent).where(Consent.id == "C1").values(withdrawn_at=hub.now())))
    assert publish.publish(hub).startswith("credentials +0 ~1 -0; 1 lists published")
    after = desired(hub, GATE)
    assert {c.token: [i.type for i in c.identifiers] for c in after.credentials}[one] == [IdentifierType.CARD]
    assert [c for c in after.credentials if c.token != one] == [c for c in before.credentials if c.token != one]
    assert desired(hub, BOARD) == board, "the entrance never knew the face"
    with hub.db.reading() as session:
        kept = session.scalars(select(CredentialIdentifierRow).where(CredentialIdentifierRow.token == one)).all()
        assert [(k.type, k.photo_url) for k in kept] == [("card", None)]


def test_leaving_the_household_ends_one_and_a_lost_card_is_not_given_again(hub: Hub, estate: Setup) -> None:
    estate(hub)
    publish.publish(hub)
    one, two = token_of(hub, "P1"), token_of(hub, "P2")
    left = hub.now().date() - timedelta(days=1)
    change(hub, lambda s: s.execute(update(HouseholdMember).where(HouseholdMember.id == "M2").values(to_date=left)))
    publish.publish(hub)
    with hub.db.reading() as session:
        assert session.scalars(
            select(CredentialIdentifierRow.type).where(CredentialIdentifierRow.token == two)
        ).all() == ["card"]
        row = session.get_one(CredentialRow, two)
        assert row.ended_because == "left_household: member left household by record T-1 v1"
        assert session.get_one(CredentialRow, one).state == "active"
    with hub.db.unit_of_work("desk", "card lost") as uow:
        end_by_token(uow, one, Cause.REPLACED_AFTER_INCIDENT, "挂失单 7")
        with pytest.raises(Unlawful):
            end_by_token(uow, two, Cause.OWN_REQUEST, "ended already")
    assert publish.publish(hub).startswith("credentials +1 ")
    again = token_of(hub, "P1")
    assert again != one
    with hub.db.reading() as session:
        kept = select(CredentialIdentifierRow.type).where(CredentialIdentifierRow.token == one)
        assert session.scalars(kept).all() == ["card"], "the ended credential keeps no face"
    (held,) = (c for c in desired(hub, GATE).credentials if c.token == again)
    assert [i.type for i in held.identifiers] == [IdentifierType.FACE], "the lost card opens nothing any more"


def test_who_has_no_means_is_listed_and_a_card_is_never_shared(hub: Hub, estate: Setup) -> None:
    estate(hub)
    values = {"offered": {"cards": ["1001"], "photo": None}}
    change(hub, lambda s: s.execute(update(HouseholdMember).where(HouseholdMember.id == "M3").values(**values)))
    publish.publish(hub)
    holders = [c.token for c in desired(hub, BOARD).credentials if c.identifiers[0].value == "1001"]
    assert holders == [token_of(hub, "P1")]
    with hub.db.reading() as session:
        (stuck,) = no_way_in(session, session.get_one(Estate, "E001"), hub.now())
        assert (stuck.token, stuck.label) == (token_of(hub, "P3"), "1号楼-0202 · 成员1")
        assert "换卡" in stuck.why
        assert "尚无开门方式" in explain_text(session, "E001-B1-0202", hub.now())


def test_states_are_as_honest_as_the_report(hub: Hub, estate: Setup) -> None:
    estate(hub)
    publish.publish(hub)
    one, three = token_of(hub, "P1"), token_of(hub, "P3")

    def at_gate(token: str) -> tuple[str, str]:
        with hub.db.reading() as session:
            found = {s.device_id: s for s in credential_states(session, [token])[token]}[GATE]
            return found.state, found.message_zh

    assert at_gate(one)[0] == "unknown", "never reported"
    report(hub, GATE)
    assert at_gate(one) == ("confirmed", "")
    report(hub, GATE, confirmed=0, assumed=3)
    assert at_gate(one)[0] == "assumed"
    report(hub, GATE, confirmed=1, pending=1, pending_tokens=[three], refused=[{"token": one, "code": "photo_no_face"}])
    assert at_gate(one) == ("refused", "照片中未检测到人脸，请重新拍照。")
    assert at_gate(three)[0] == "pending"
    report(hub, GATE)
    change(hub, lambda s: s.execute(update(Consent).where(Consent.id == "C1").values(withdrawn_at=hub.now())))
    publish.publish(hub)
    assert (at_gate(one)[0], at_gate(three)[0]) == ("pending", "confirmed"), "only what changed is on its way"
    change(hub, lambda s: s.execute(update(Edge).values(online=False)))
    assert at_gate(three)[0] == "unknown", "an offline edge vouches for nothing"
    with hub.db.reading() as session:
        assert {step_item(d)["state"] for d in device_lists(session)} == {"unknown"}


def test_a_restored_hub_goes_on_above_what_its_edge_reports_and_lost_doorbells_ring_again(
    hub: Hub, estate: Setup, broker: MemoryBroker
) -> None:
    estate(hub)
    link = hub.link
    assert isinstance(link, MemoryLink)
    link.cut()
    publish.publish(hub)
    assert doorbells(broker) == []
    link.restore()
    publish.publish(hub)
    assert {d.device for d in doorbells(broker)} == {GATE, BOARD}
    report(hub, GATE, generation=41, digest="of a list that was restored away")
    values = {"offered": {"cards": ["77"], "photo": None}}
    change(hub, lambda s: s.execute(update(HouseholdMember).where(HouseholdMember.id == "M3").values(**values)))
    publish.publish(hub)
    assert (desired(hub, GATE).generation, desired(hub, BOARD).generation) == (42, 2)


def test_explain_says_who_where_when_why_and_how_sure(hub: Hub, estate: Setup) -> None:
    estate(hub)
    publish.publish(hub)
    report(hub, GATE, refused=[{"token": token_of(hub, "P1"), "code": "photo_no_face"}])
    with hub.db.reading() as session:
        text = explain_text(session, "E001-B1-0101", hub.now())
        assert (
            "1号楼-0101 · 成员1：可通行 单元门、北门（7×24 小时），依据 租约 T-1，家庭成员1；方式：刷卡、刷脸" in text
        )
        assert "face-g1：设备拒绝" in text
        assert "重新拍照" in text
        assert "某某" not in text, "never a name"
        assert explain_text(session, "B1D", hub.now()).count("可通行 单元门") == 3
        assert "T-2" in explain_text(session, token_of(hub, "P3"), hub.now())
        with pytest.raises(NothingToExplain):
            explain_text(session, "nowhere", hub.now())


def test_five_thousand_people_are_published_with_few_queries(sqlite_hub: Hub, estate: Setup) -> None:
    """Prints the time (never asserts it); asserts that the number of queries does not grow with the people."""
    hub = sqlite_hub
    estate(hub)

    def many(session: Any) -> None:
        for n in range(100, 5100):
            session.add(Person(id=f"P{n}", source="s", source_id=f"P{n}", name="某某", birth_date=date(1980, 1, 1)))
            if n % 3 == 0:
                session.add(
                    Tenancy(
                        id=f"T-{n}", source="s", source_id=f"T-{n}", version=1, estate_id="E001", state="active",
                        dwelling_id="E001.E001-B1-0101", from_date=date(2026, 1, 5),
                    )
                )  # fmt: skip
        session.flush()
        for n in range(102, 5100):
            session.add(
                HouseholdMember(
                    id=f"M{n}", tenancy_id=f"T-{n - n % 3}", person_id=f"P{n}", relation="other", ordinal=n % 3 + 1,
                    from_date=date(2026, 1, 5), offered={"cards": [str(10_000 + n)], "photo": None},
                )
            )  # fmt: skip

    change(hub, many)
    statements: list[str] = []
    event.listen(hub.db.engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    for what in ("first", "again, nothing moved"):
        statements.clear()
        started = time.perf_counter()
        told = publish.publish(hub)
        print(f"{what}: {told} in {time.perf_counter() - started:.2f} s, {len(statements)} statements")
        assert len(statements) < 80
    with hub.db.reading() as session:
        assert session.get_one(Dwelling, "E001.E001-B1-0101")
        assert session.get_one(DesiredList, GATE).count == 5001
