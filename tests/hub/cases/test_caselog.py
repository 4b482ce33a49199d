"""The log of a case is only ever added to, and shows it when somebody went around that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, select, update

from hub import caselog
from hub.services import Hub
from hub.tables import AuditRow, CaseEntry, CaseFile

AT = datetime(2026, 11, 20, 4, tzinfo=UTC)


@pytest.fixture
def case(hub: Hub, small_site: Callable[[Hub], None]) -> str:
    small_site(hub)
    with hub.db.unit_of_work("test", "a case", now=AT) as uow:
        row = CaseFile(id="case-1", number="N-1", estate_id="E001", dwelling_id="E001.E001-B1-0101", state="open")
        row.kind, row.stage, row.opened_at = "vacancy", "red", AT
        uow.session.add(row)
        uow.session.flush()
        caselog.append(uow, "case-1", "system", "opened", data={"window_from": "2026-05-01", "coverage": 0.95})
        caselog.append(uow, "case-1", "user-1", "note", "C_PHONE", "电话未接通")
        caselog.append(uow, "case-1", "user-1", "ask", "", "您好，请问近期是否外出？", {"fields": {"channel": "phone"}})
    return "case-1"


def _broken(hub: Hub) -> int | None:
    with hub.db.reading() as session:
        return caselog.first_broken(session, "case-1")


def test_it_holds_and_its_hashes_stand_in_the_audit_trail(hub: Hub, case: str) -> None:
    assert _broken(hub) is None
    with hub.db.reading() as session:
        links = [entry.data["chain"] for entry in session.scalars(select(CaseEntry).order_by(CaseEntry.id))]
        changes = [change for row in session.scalars(select(AuditRow)) for change in row.changes]
    assert [change["hash"] for change in changes if change["what"] == "case.entry"] == links


@pytest.mark.parametrize(
    "changes",
    [{"opinion": "电话已接通"}, {"actor": "user-2"}, {"action": "ask"}, {"reason_code": "C_REACHED"}, {"data": {}}],
)
def test_a_changed_entry_is_seen(hub: Hub, case: str, changes: dict[str, object]) -> None:
    with hub.db.unit_of_work("test", "around the door", audit=False) as uow:
        second = uow.session.scalars(select(CaseEntry.id).order_by(CaseEntry.id)).all()[1]
        uow.session.execute(update(CaseEntry).where(CaseEntry.id == second).values(**changes))
    assert _broken(hub) in (second, second + 1)


def test_a_removed_and_a_slipped_in_entry_is_seen(hub: Hub, case: str) -> None:
    with hub.db.unit_of_work("test", "around the door", audit=False) as uow:
        first = uow.session.scalars(select(CaseEntry.id).order_by(CaseEntry.id)).first()
        uow.session.execute(delete(CaseEntry).where(CaseEntry.id == first))
    assert _broken(hub) is not None


def test_one_without_a_link_after_linked_ones_is_seen(hub: Hub, case: str) -> None:
    with hub.db.unit_of_work("test", "around the door", audit=False) as uow:
        uow.session.add(CaseEntry(case_id=case, at=AT, actor="user-1", action="note", data={}))
    assert _broken(hub) is not None


def test_entries_of_an_older_release_are_taken_into_the_chain(hub: Hub, case: str) -> None:
    with hub.db.unit_of_work("test", "older", audit=False) as uow:
        uow.session.execute(delete(CaseEntry))
        uow.session.add(CaseEntry(case_id=case, at=AT, actor="system", action="opened", data={}))
        uow.session.flush()
        caselog.append(uow, case, "user-1", "note", "C_PHONE", "电话未接通")
    assert _broken(hub) is None
    with hub.db.unit_of_work("test", "around the door", audit=False) as uow:
        uow.session.execute(update(CaseEntry).where(CaseEntry.action == "opened").values(actor="user-9"))
    assert _broken(hub) is not None


@pytest.mark.parametrize("change", ["update", "delete"])
def test_the_usual_way_to_change_it_is_shut(hub: Hub, case: str, change: str) -> None:
    def around() -> None:
        with hub.db.unit_of_work("test", "by mistake") as uow:
            entry = uow.session.scalars(select(CaseEntry)).all()[0]
            if change == "update":
                entry.opinion = "改写"
            else:
                uow.session.delete(entry)
            uow.session.flush()

    with pytest.raises(caselog.AppendOnly):
        around()
    assert _broken(hub) is None
