"""The smaller rules on a database: hints become findings, a question becomes a case, and the same hint is not written again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from hub.catalogue.homes import hints
from hub.catalogue.load import homes
from hub.catalogue.watch import watch
from hub.occupancy.analyse import last_whole_day
from hub.services import Hub
from hub.tables import (
    AccessPass,
    CaseFile,
    Consent,
    CredentialIdentifierRow,
    CredentialRow,
    DwellingMemory,
    EventRow,
    Finding,
    HouseholdMember,
    OutsideSign,
    PassDay,
    Person,
    PresenceDay,
    Tenancy,
)

HOME = "E001.E001-B1-0101"


@pytest.fixture
def site(sqlite_hub: Hub, small_site: Callable[[Hub], None]) -> Hub:
    small_site(sqlite_hub)
    hub = sqlite_hub
    today = last_whole_day(hub.now(), "Asia/Shanghai")
    with hub.db.unit_of_work("test", "a night was spent", audit=False, now=hub.now()) as uow:
        uow.session.add(DwellingMemory(dwelling_id=HOME, day=today, first_day=today - timedelta(days=90), body=b""))
        for n in range(60):
            day = today - timedelta(days=n)
            uow.session.add(PresenceDay(dwelling_id=HOME, day=day, state="present", coverage=1.0, signals={"doors": 3}))
    return hub


def _visitor(hub: Hub, days: int) -> None:
    today = last_whole_day(hub.now(), "Asia/Shanghai")
    with hub.db.unit_of_work("test", "a visitor", audit=False, now=hub.now()) as uow:
        tenancy = uow.session.scalars(select(Tenancy.id).where(Tenancy.dwelling_id == HOME)).first()
        uow.session.add(
            CredentialRow(
                token="visit-1", estate_id="E001", holder_class="visitor", dwelling_id=HOME, tenancy_id=tenancy,
                label="访客", created_at=uow.now,
            )
        )  # fmt: skip
        uow.session.flush()
        uow.session.add(
            AccessPass(
                id="pass-1", estate_id="E001", token="visit-1", kind="visitor", host_dwelling_id=HOME,
                host_tenancy_id=tenancy, doors=[], reason="探亲", issued_by="x", issued_at=uow.now,
            )
        )  # fmt: skip
        for n in range(days):
            uow.session.add(
                PassDay(
                    dwelling_id=HOME, day=today - timedelta(days=n), credential="visit-1", holder_class="visitor",
                    face=0, face_consented=0, other=2, late=0,
                )
            )  # fmt: skip


def _open(hub: Hub) -> list[tuple[str, str, str | None]]:
    with hub.db.reading() as session:
        rows = session.scalars(select(Finding).where(Finding.closed_at.is_(None)).order_by(Finding.kind))
        return [(row.kind, row.stage, row.case_id) for row in rows]


def test_a_note_is_kept_once_and_closed_when_it_is_over(site: Hub, sign_in: Any, clock: Any) -> None:
    _visitor(site, 20)
    assert watch(site).endswith("1 hints changed")
    assert watch(site).endswith("0 hints changed"), "the same hint is not written every hour"
    assert _open(site) == [("visitor_use", "note", None)], "a note opens no case"
    shown = sign_in(site, "housing_official").get("/api/v1/estates/E001/hints").json()["items"]
    assert [(one["rule"], one["kind_zh"], one["case_id"]) for one in shown] == [("P", "访客频繁", None)]
    assert sign_in(site, "estate_manager", ["E001"]).get("/api/v1/estates/E001/hints").status_code == 403
    with site.db.unit_of_work("test", "the visitor left", audit=False) as uow:
        for row in uow.session.scalars(select(PassDay).where(PassDay.credential == "visit-1")):
            uow.session.delete(row)
    assert watch(site).endswith("1 hints changed")
    assert _open(site) == []


def test_a_report_beside_it_becomes_a_question(site: Hub) -> None:
    _visitor(site, 20)
    today = last_whole_day(site.now(), "Asia/Shanghai")
    with site.db.unit_of_work("test", "a report", audit=False, now=site.now()) as uow:
        uow.session.add(
            OutsideSign(
                id="sign-1", estate_id="E001", dwelling_id=HOME, kind="report_others", on=today, source="desk",
                source_id="1", recorded_by="x", recorded_at=uow.now,
            )
        )  # fmt: skip
    watch(site)
    found = _open(site)
    assert [(kind, stage) for kind, stage, _ in found] == [("reported", "yellow"), ("visitor_use", "note")]
    with site.db.reading() as session:
        case = session.scalars(select(CaseFile)).one()
        assert (case.kind, case.stage, case.id) == ("reported", "yellow", found[0][2])


@pytest.mark.parametrize("household", ["of today", "of before"])
def test_who_lives_there_is_asked_by_one_case(site: Hub, clock: Any, household: str) -> None:
    """Three guests who sleep there, and a case on others that is open, then closed."""
    _visitor(site, 0)
    today = last_whole_day(site.now(), "Asia/Shanghai")
    with site.db.unit_of_work("test", "guests, and a case", audit=False, now=site.now()) as uow:
        tenancy = uow.session.scalars(select(Tenancy.id).where(Tenancy.dwelling_id == HOME)).first()
        before = Tenancy(
            id="tenancy-0", source="test", source_id="T-0", estate_id="E001", dwelling_id=HOME, state="ended"
        )
        before.from_date, before.to_date = today - timedelta(days=2000), today - timedelta(days=1500)
        uow.session.add(before)
        uow.session.flush()
        host = uow.session.get_one(AccessPass, "pass-1").host_tenancy_id
        for token in ("guest-a", "guest-b", "guest-c"):
            uow.session.add(
                CredentialRow(
                    token=token, estate_id="E001", holder_class="visitor", dwelling_id=HOME, tenancy_id=host, label="访客",
                    created_at=uow.now,
                )
            )  # fmt: skip
            uow.session.flush()
            uow.session.add(
                AccessPass(
                    id=f"pass-{token}", estate_id="E001", token=token, kind="visitor", host_dwelling_id=HOME,
                    host_tenancy_id=host, doors=[], reason="探亲", issued_by="x", issued_at=uow.now,
                )
            )  # fmt: skip
            for n in range(6):
                uow.session.add(
                    PassDay(
                        dwelling_id=HOME, day=today - timedelta(days=2 * n), credential=token, holder_class="visitor", face=0,
                        face_consented=0, other=2, late=1,
                    )
                )  # fmt: skip
        uow.session.add(
            CaseFile(
                id="case-1", number="E001-2026-0001", estate_id="E001", dwelling_id=HOME, kind="sublet", stage="yellow",
                state="open", opened_at=uow.now, tenancy_id=tenancy if household == "of today" else "tenancy-0",
            )
        )  # fmt: skip
    watch(site)
    stages = {kind: stage for kind, stage, _ in _open(site)}
    if household == "of before":
        assert stages["turnover"] == "yellow", "who lived there before was asked, not they"
        return
    assert stages["turnover"] == "note"
    with site.db.unit_of_work("test", "explained", audit=False, now=site.now()) as uow:
        case = uow.session.get_one(CaseFile, "case-1")
        case.state = case.outcome = "dismissed"
        case.closed_at, case.quiet_until = uow.now, uow.now + timedelta(days=90)
    watch(site)
    assert {kind: stage for kind, stage, _ in _open(site)}["turnover"] == "note", "they have just been asked"
    with site.db.unit_of_work("test", "long ago", audit=False, now=site.now()) as uow:
        uow.session.get_one(CaseFile, "case-1").quiet_until = uow.now - timedelta(days=2)
    watch(site)
    assert {kind: stage for kind, stage, _ in _open(site)}["turnover"] == "yellow"


def test_before_a_night_was_spent_nothing_is_said(sqlite_hub: Hub, small_site: Callable[[Hub], None]) -> None:
    small_site(sqlite_hub)
    assert watch(sqlite_hub) == "0 homes looked at, 0 hints changed"


def test_entrances_and_data_for_the_auditor(site: Hub, sign_in: Any) -> None:
    found = sign_in(site, "auditor").get("/api/v1/estates/E001/integrity")
    assert found.status_code == 200, found.text
    assert sign_in(site, "housing_official").get("/api/v1/estates/E001/integrity").status_code == 403
    rules = sign_in(site, "auditor").get("/api/v1/rules").json()
    assert {one["rule"] for one in rules["items"]} >= {"V0", "S4", "C1", "N5"}


# --- faces that may not be looked at ------------------------------------------------------------------------------------------


@pytest.fixture
def couple(site: Hub) -> Hub:
    """Two adults pass every day: one by card, the other by a face without consent (b)."""
    today = last_whole_day(site.now(), "Asia/Shanghai")
    since = datetime(2025, 3, 1, tzinfo=UTC)
    with site.db.unit_of_work("test", "two adults", audit=False, now=site.now()) as uow:
        add = uow.session.add
        first = uow.session.scalars(select(CredentialRow.token).where(CredentialRow.person_id == "person-1")).one()
        add(Person(id="person-2", source="test", source_id="P-2", name="王", birth_date=date(1981, 1, 2)))
        uow.session.flush()
        member = HouseholdMember(id="member-2", tenancy_id="tenancy-1", person_id="person-2", relation="spouse")
        member.from_date = since.date()
        second = CredentialRow(
            token="second", estate_id="E001", holder_class="resident", person_id="person-2", label="x"
        )
        second.tenancy_id, second.dwelling_id, second.created_at = "tenancy-1", HOME, since
        add(member)
        add(second)
        uow.session.flush()
        add(CredentialIdentifierRow(id="i2", token="second", type="card", value="777"))
        add(CredentialIdentifierRow(id="i3", token="second", type="face", photo_url="x", photo_sha256="0"))
        add(Consent(id="a2", person_id="person-2", purpose="a", granted_at=since))
        for n in range(90):
            day = today - timedelta(days=n)
            seen = PresenceDay(dwelling_id=HOME, day=day, state="present", coverage=1.0, signals={"doors": 3})
            uow.session.merge(seen)
            for token, face, other in (("second", 2, 0), (first, 0, 2)):
                row = PassDay(
                    dwelling_id=HOME, day=day, credential=token, holder_class="resident", face=face, other=other
                )
                row.face_consented = row.late = 0
                uow.session.merge(row)
    return site


def _rules(hub: Hub) -> set[str]:
    today = last_whole_day(hub.now(), "Asia/Shanghai")
    with hub.db.reading() as session:
        return {
            one.rule for home in homes(session, "E001", ZoneInfo("Asia/Shanghai"), [HOME], today) for one in hints(home)
        }


@pytest.mark.parametrize("then", ["nothing", "(b) is given", "(a) is taken back"])
def test_who_came_by_face_was_not_unseen(couple: Hub, then: str) -> None:
    """Rule R looks at sixty days: what holds today does not say who could be seen on them."""
    with couple.db.unit_of_work("test", then, audit=False) as uow:
        if then == "(b) is given":
            given = couple.now() - timedelta(days=1)
            uow.session.add(Consent(id="b2", person_id="person-2", purpose="b", granted_at=given))
        if then == "(a) is taken back":
            uow.session.get_one(Consent, "a2").withdrawn_at = couple.now()
            uow.session.delete(uow.session.get_one(CredentialIdentifierRow, "i3"))
    assert "R" not in _rules(couple)


def test_no_face_of_a_former_tenant_is_counted(site: Hub) -> None:
    """A terminal that still knows it tells of it: refused, and nobody's concern. A card is (E)."""
    today = last_whole_day(site.now(), "Asia/Shanghai")
    with site.db.unit_of_work("test", "a former tenant", audit=False) as uow:
        lease = Tenancy(id="old", source="test", source_id="T-0", estate_id="E001", dwelling_id=HOME, state="ended")
        lease.from_date = date(2020, 3, 1)
        uow.session.add(lease)
        uow.session.add(Person(id="person-0", source="test", source_id="P-0", name="赵", birth_date=date(1981, 1, 2)))
        uow.session.flush()
        row = CredentialRow(token="gone", estate_id="E001", holder_class="resident", person_id="person-0", label="x")
        row.tenancy_id, row.dwelling_id, row.state, row.created_at = (
            "old",
            HOME,
            "ended",
            datetime(2020, 3, 1, tzinfo=UTC),
        )
        uow.session.add(row)

    def held_to_a_reader(identifier: str, first: int) -> None:
        with site.db.unit_of_work("test", identifier, audit=False) as uow:
            for n in range(3):
                at = datetime.combine(today - timedelta(days=n), time(12), ZoneInfo("Asia/Shanghai"))
                uow.session.add(
                    EventRow(
                        edge_id="edge-aaaa", epoch="e", seq=first + n, estate_id="E001", kind="access", device_id="E001.face-g1",
                        access_point_id="E001.G1-IN", credential="gone", identifier=identifier, outcome="denied", at=at,
                        received_at=at, ingested_at=at, late=False, data="{}",
                    )
                )  # fmt: skip

    held_to_a_reader("face", 1)
    assert "E" not in _rules(site)
    held_to_a_reader("card", 10)
    assert "E" in _rules(site)
