"""A resident's access ends by the four lawful causes alone: whatever anybody calls, whatever job runs, however time passes."""

from __future__ import annotations

import ast
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from access_site import BOARD, GATE, Setup, change, desired, report, token_of
from any_call import Caller, unsafe_routes
from empty_hub import openapi
from fastapi.testclient import TestClient
from sqlalchemy import insert, select, update

from device_drivers.contract.words import HolderClass, IdentifierType
from hub import auth, rooms
from hub.access import publish
from hub.access.lifecycle import GROUNDS, TRANSITIONS, Cause, CredentialState, Ground
from hub.services import Hub
from hub.tables import (
    AccessPoint,
    AuditRow,
    CaseFile,
    Consent,
    CredentialIdentifierRow,
    CredentialRow,
    DesiredList,
    Device,
    Door,
    Finding,
    HouseholdMember,
    Person,
    Tenancy,
    UserSession,
)

STEPS = 150
RESIDENT = HolderClass.RESIDENT.value


def causes(state: CredentialState, holder: HolderClass) -> set[Cause]:
    return {cause for (start, cause), (_, whom) in TRANSITIONS.items() if start is state and holder in whom}


def test_the_command_line_touches_no_credential() -> None:
    """Whoever has the machine's shell explains access with it, and changes it at the counter like everybody."""
    tree = ast.parse((Path(rooms.__file__).parent / "cli.py").read_text())
    named = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    touching = {name for name in named if name.startswith(("hub.access", "hub.tenancy"))}
    reading = (
        "hub.access.explain",
        "hub.tenancy.reconciliation",
        "hub.tenancy.sources",
    )  # reports, and where they look
    assert all(name.startswith(reading) for name in touching - {"hub.tenancy"}), touching


def test_the_state_machine_has_no_other_edge() -> None:
    ending = causes(CredentialState.ACTIVE, HolderClass.RESIDENT)
    assert {GROUNDS[cause] for cause in ending} == {Ground.OWN_REQUEST, Ground.INCIDENT, Ground.DECISION}
    assert GROUNDS[Cause.PASS_EXPIRED] is Ground.PASS_OVER
    assert HolderClass.RESIDENT not in TRANSITIONS[CredentialState.ACTIVE, Cause.PASS_EXPIRED][1], "no date ends it"
    assert not any(start is CredentialState.ENDED for start, _ in TRANSITIONS), "and nothing brings it back unseen"


@pytest.fixture
def site(sqlite_hub: Hub, estate: Setup) -> Hub:
    """Two households whose leases are long over by date, a red finding and an open case on the first."""
    estate(sqlite_hub)

    def more(session: Any) -> None:
        session.execute(update(Tenancy).values(to_date=date(2026, 2, 1)))
        common = {"estate_id": "E001", "dwelling_id": "E001.E001-B1-0101", "kind": "sublet", "stage": "red"}
        now = sqlite_hub.now()
        session.add(CaseFile(id="case-1", number="N-1", state="open", opened_at=now, **common))
        session.flush()
        session.add(
            Finding(
                id="finding-1", rule="S1", rule_version="1", policy_version="1", families=[], coverage=1.0, because=[],
                window_from=date(2026, 1, 1), window_to=date(2026, 2, 1), against=[], refuted_by=[], evidence=[],
                inputs_hash="", opened_at=now, updated_at=now, case_id="case-1", **common,
            )
        )  # fmt: skip

    change(sqlite_hub, more)
    publish.publish(sqlite_hub)
    return sqlite_hub


def whats(hub: Hub, subject: str) -> set[str]:
    with hub.db.reading() as session:
        return {c["what"] for row in session.scalars(select(AuditRow)) for c in row.changes if c["subject"] == subject}


def check_endings(hub: Hub) -> None:
    """Every ended credential of a resident has a lawful cause, and the act of a person that proves it."""
    with hub.db.reading() as session:
        rows = session.scalars(
            select(CredentialRow).where(CredentialRow.holder_class == RESIDENT, CredentialRow.state != "active")
        ).all()
    for row in rows:
        cause, _, proof = row.ended_because.removeprefix("taken_back: ").partition(": ")
        assert proof, f"{row.token} ended by {row.ended_because!r}, with no proof"
        acted = {"own_request": "desk.own_request", "replaced_after_incident": "desk.lost_card"}.get(cause)
        assert acted, f"{row.token} ended by {row.ended_because!r}: nothing here may do that to a resident"
        assert acted in whats(hub, row.token), f"{row.token}: {cause} without a person who asked for it"


def check_lists(hub: Hub) -> None:
    """Who lives there stands, without an end, in the list of every device in service on the way home."""
    with hub.db.reading() as session:
        points = session.execute(
            select(AccessPoint.device_id, Door.scope, Door.block_id)
            .join(Door, Door.id == AccessPoint.door_id)
            .join(Device, Device.id == AccessPoint.device_id)
            .where(Device.in_service.is_(True), Device.removed_at.is_(None), Device.kind != "onvif_camera")
        ).all()
        holders = {
            row.token
            for row in session.scalars(
                select(CredentialRow)
                .join(CredentialIdentifierRow, CredentialIdentifierRow.token == CredentialRow.token)
                .where(CredentialRow.holder_class == RESIDENT, CredentialRow.state == "active")
                .where(CredentialIdentifierRow.type == "card")
            )
        }
        published = set(session.scalars(select(DesiredList.device_id)))
    for device, scope, block in points:
        if scope == "estate" or (scope == "block" and block == "E001.B1"):
            assert device in published, f"{device} has no list"
            listed = {c.token: c for c in desired(hub, device).credentials}
            assert holders <= listed.keys(), f"{device} does not know {holders - listed.keys()} any more"
            assert all(listed[t].validity.not_after is None for t in holders), f"{device}: an end by date"


def people(hub: Hub, sign_in: Any, client_for: Callable[[Hub], TestClient]) -> dict[str, TestClient]:
    clients = {role: sign_in(hub, role) for role in ("estate_manager", "housing_official", "administrator")}
    system = client_for(hub)
    system.headers["X-Api-Key"] = auth.add_api_key(hub, "lease")
    return {**clients, "lease_system": system}


def stay_signed_in(hub: Hub) -> None:
    change(
        hub,
        lambda s: s.execute(update(UserSession).values(seen_at=hub.now(), expires_at=hub.now() + timedelta(hours=1))),
    )


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_called_no_resident_loses_access_but_by_a_lawful_cause(
    site: Hub, sign_in: Any, client_for: Callable[[Hub], TestClient], clock: Any, seed: int
) -> None:
    """Every route that changes something, with bodies of its own schema; every job; days and months that pass."""
    caller = Caller(site, seed, people(site, sign_in, client_for), openapi())
    routes, jobs = list(unsafe_routes()), list(rooms.JOBS)
    for step in range(STEPS):
        if step % 10 == 0:
            caller.look()
            clock.pass_(hours=caller.rng.choice((1, 1, 1, 30)))
            stay_signed_in(site)
        caller.call(*caller.rng.choice(routes))
        if step % 15 == 0:
            job = caller.rng.choice(jobs)
            job.run(site)
        if step % 30 == 29:
            publish.publish(site)
            check_endings(site)
            check_lists(site)
    assert sum(caller.done.values()) > STEPS // 10, f"hardly anything was taken, so nothing was proven: {caller.done}"


def test_time_debts_cases_and_letters_move_no_list(site: Hub, sign_in: Any, client_for: Any, clock: Any) -> None:
    """A year passes; the lease system writes what it likes; officials decide on the case. The lists stay, byte for byte."""
    clients = people(site, sign_in, client_for)

    def lists() -> dict[str, str]:
        with site.db.reading() as session:
            return dict(session.execute(select(DesiredList.device_id, DesiredList.digest)).all())

    before = lists()
    assert len(before) == 2
    for number, kind in enumerate(("end_tenancy", "case_result", "arrears", "access_suspend", "evict_now")):
        body = {"id": f"d-{number}", "kind": kind, "tenancy_id": "T-1", "document_number": "建公租退〔2026〕1号"}
        body |= {"case_number": "N-1", "result": "认定欠租12个月", "effective_date": "2026-01-01", "arrears_months": 12}
        assert clients["lease_system"].post("/api/v1/lease/decisions", json=body).status_code == 202
    for action in ("recheck", "note", "dismiss"):
        words = {"action": action, "reason_code": "other", "opinion": "入户核查后的意见"}
        clients["housing_official"].post("/api/v1/cases/case-1/decisions", json=words)
    for _ in range(13):
        clock.pass_(days=30)
        stay_signed_in(site)
        for job in rooms.JOBS:
            job.run(site)
    assert lists() == before
    check_endings(site)


@pytest.mark.parametrize(
    ("decision", "ends"),
    [
        ({"number": "建公租退〔2026〕1号", "date": "2026-10-01", "move_out_completed_on": "2026-11-01"}, True),
        (None, False),
    ],
)
def test_a_tenancy_without_its_decision_ends_nothing(site: Hub, decision: Any, ends: bool) -> None:
    token = token_of(site, "P1")
    change(
        site,
        lambda s: s.execute(update(Tenancy).where(Tenancy.id == "T-1").values(end_decision=decision, state="ended")),
    )
    publish.publish(site)
    with site.db.reading() as session:
        row = session.get_one(CredentialRow, token)
    assert (row.state == "ended") is ends, row.ended_because
    assert (token in {c.token for c in desired(site, GATE).credentials}) is not ends


def child(hub: Hub, guardian: str | None) -> None:
    """A member of nine years with a photo, and a consent: by whom?"""

    def add(session: Any) -> None:
        session.add(Person(id="P9", source="s", source_id="P9", name="某某", birth_date=date(2017, 5, 1)))
        session.flush()
        photo = {"url": "http://office/9.jpg", "sha256": "9" * 64}
        session.execute(
            insert(HouseholdMember).values(
                id="M9", tenancy_id="T-1", person_id="P9", relation="child", ordinal=3, from_date=date(2026, 1, 5),
                offered={"cards": [], "photo": photo},
            )
        )  # fmt: skip
        session.add(Consent(id="C9", person_id="P9", purpose="a", granted_at=hub.now(), guardian=guardian))

    change(hub, add)
    publish.publish(hub)


def test_a_childs_face_needs_its_guardian_and_a_child_without_a_card_is_shown(site: Hub, sign_in: Any) -> None:
    child(site, None)
    token = token_of(site, "P9")
    ways = [i for c in desired(site, GATE).credentials if c.token == token for i in c.identifiers]
    assert ways == []
    stuck = sign_in(site, "estate_manager").get("/api/v1/estates/E001/sync").json()["no_way_in"]
    assert [(s["token"], s["dwelling_id"]) for s in stuck] == [(token, "E001.E001-B1-0101")]
    assert "监护人" in stuck[0]["why"]
    assert "请" in stuck[0]["why"], "what to do now"
    change(site, lambda s: s.execute(update(Consent).where(Consent.id == "C9").values(guardian="P1")))
    publish.publish(site)
    ways = [i.type for c in desired(site, GATE).credentials if c.token == token for i in c.identifiers]
    assert ways == [IdentifierType.FACE]
    assert sign_in(site, "estate_manager").get("/api/v1/estates/E001/sync").json()["no_way_in"] != [], (
        "the entrance has no face reader: a card is needed all the same"
    )


def test_a_face_that_a_device_out_of_service_keeps_is_not_forgotten(site: Hub, sign_in: Any) -> None:
    manager, token = sign_in(site, "estate_manager"), token_of(site, "P1")
    change(site, lambda s: s.execute(update(Device).where(Device.id == GATE).values(in_service=False)))

    def unconfirmed() -> list[tuple[str, str]]:
        rows = manager.get("/api/v1/estates/E001/sync").json()["unconfirmed_removals"]
        return [(row["device_id"], row["token"]) for row in rows]

    change(site, lambda s: s.execute(update(Consent).where(Consent.id == "C1").values(withdrawn_at=site.now())))
    publish.publish(site)
    assert unconfirmed() == [(GATE, token)], "it has no list to take it off by, and is shown until it has"
    change(site, lambda s: s.execute(update(Device).where(Device.id == GATE).values(in_service=True)))
    publish.publish(site)
    assert unconfirmed() == [(GATE, token)]
    report(site, GATE)
    assert unconfirmed() == []


def test_without_consent_the_card_opens_from_the_same_minute(site: Hub) -> None:
    change(site, lambda s: s.execute(update(Consent).where(Consent.id == "C1").values(withdrawn_at=site.now())))
    publish.publish(site)
    token = token_of(site, "P1")
    for device in (GATE, BOARD):
        ways = [i.type for c in desired(site, device).credentials if c.token == token for i in c.identifiers]
        assert ways == [IdentifierType.CARD]
