"""The smaller rules on a database: hints become findings, a question becomes a case, and the same hint is not written again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hub.catalogue.watch import watch
from hub.occupancy.analyse import last_whole_day
from hub.services import Hub
from hub.tables import (
    AccessPass,
    CaseFile,
    CredentialRow,
    DwellingMemory,
    Finding,
    OutsideSign,
    PassDay,
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
