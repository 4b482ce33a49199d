"""Carers, repairers and viewings have passes of their own kind: what the register shows is no sign of others who live there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hub.cases.nightly import analyse
from hub.occupancy.analyse import last_whole_day
from hub.occupancy.presence import presence
from hub.occupancy.values import CredentialUse, DayState, ObservedDay
from hub.services import Hub
from hub.tables import AccessPass, CaseFile, Coverage, CredentialRow, Finding, MeterDay, PassDay, PresenceDay

TOKEN = "a1b2c3d4e5f6g7h8i9j0"
"""Of person-1 (see `small_site`)."""

HOME, EMPTY = "E001.E001-B1-0101", "E001.E001-B1-0102"
LIVED, UNSEEN = 60, 40


def _pass(session: Any, hub: Hub, dwelling: str, kind: str) -> None:
    common: dict[str, Any] = {"estate_id": "E001"}
    session.add(
        CredentialRow(
            token="tok-guest", holder_class="contractor" if kind == "repair" else "visitor", dwelling_id=dwelling,
            label="访客", created_at=hub.now(), **common,
        )
    )  # fmt: skip
    session.flush()
    session.add(
        AccessPass(
            id="pass-1", token="tok-guest", kind=kind, host_dwelling_id=dwelling, doors=[], reason="上门", issued_by="x",
            issued_at=hub.now(), **common,
        )
    )  # fmt: skip


def _day(dwelling: str, day: date, credential: str, resident: bool) -> PassDay:
    return PassDay(
        dwelling_id=dwelling, day=day, credential=credential, holder_class="resident" if resident else "visitor",
        face=0, face_consented=int(resident), other=0 if resident else 2, late=int(not resident), hours=1 << 19,
    )  # fmt: skip


@pytest.fixture
def site(sqlite_hub: Hub, small_site: Callable[[Hub], None]) -> Hub:
    """The gate has observed all the time."""
    small_site(sqlite_hub)
    begin = sqlite_hub.now() - timedelta(days=LIVED + UNSEEN + 1)
    with sqlite_hub.db.unit_of_work("test", "an observed gate", audit=False) as uow:
        uow.session.query(Coverage).delete()
        uow.session.add(Coverage(estate_id="E001", device_id="E001.face-g1", state="ok", from_at=begin))
    return sqlite_hub


def _leads(hub: Hub) -> list[tuple[str, str, str]]:
    analyse(hub)
    with hub.db.reading() as session:
        return [(row.dwelling_id, row.rule, row.stage) for row in session.scalars(select(Finding))]


@pytest.mark.parametrize(
    ("kind", "stage"), [("visitor", "orange"), ("regular_visitor", "orange"), ("carer", "yellow"), ("repair", "yellow")]
)
def test_who_cannot_leave_the_bed_and_has_a_carer_every_day_gets_no_visit_for_it(
    site: Hub, kind: str, stage: str
) -> None:
    """Once seen at the gate each day, not seen for six weeks, water as ever, somebody comes each day: housebound
    (IE29), cared for (IE14). Two kinds of signals made a home visit of it, and of a couple a file."""
    last = last_whole_day(site.now(), "Asia/Shanghai")
    first = last - timedelta(days=LIVED + UNSEEN - 1)
    with site.db.unit_of_work("test", "a carer", audit=False) as uow:
        _pass(uow.session, site, HOME, kind)
        value = 100.0
        for n in range(-1, LIVED + UNSEEN):
            value += (0.14, 0.2, 0.26)[n % 3]
            uow.session.add(
                MeterDay(
                    meter_id="E001.W-0101", day=first + timedelta(days=n), dwelling_id=HOME, quantity="water",
                    last_value=value, ok_count=4, bad_count=0,
                )
            )  # fmt: skip
            if n >= 0:
                own = n < LIVED
                # the terminal goes on recognising the neighbours
                uow.session.add(_day("E001.E001-B1-0201", first + timedelta(days=n), "tok-next", True))
                uow.session.add(_day(HOME, first + timedelta(days=n), TOKEN if own else "tok-guest", own))
    assert [lead for lead in _leads(site) if lead[0] == HOME] == [(HOME, "S1", stage)]
    with site.db.reading() as session:
        states = set(session.scalars(select(PresenceDay.state).where(PresenceDay.dwelling_id == HOME)))
    assert "absent" not in states, "whoever comes, the home does not stand empty"


@pytest.mark.parametrize(
    ("kind", "leads"),
    [("visitor", [(EMPTY, "U1", "yellow")]), ("viewing", []), ("repair", [])],
)
def test_a_viewing_of_an_empty_home_is_no_misuse_of_it(site: Hub, kind: str, leads: list[Any]) -> None:
    last = last_whole_day(site.now(), "Asia/Shanghai")
    with site.db.unit_of_work("test", "shown to somebody", audit=False) as uow:
        _pass(uow.session, site, EMPTY, kind)
        uow.session.add(_day(EMPTY, last - timedelta(days=2), "tok-guest", False))
    assert [lead for lead in _leads(site) if lead[0] == EMPTY] == leads
    with site.db.reading() as session:
        assert len(session.scalars(select(CaseFile).where(CaseFile.dwelling_id == EMPTY)).all()) == len(leads)


def test_an_attended_day_is_a_sign_of_use_and_of_no_guest() -> None:
    uses = (CredentialUse("carer", False, 0, 2, late=1, hours=1 << 19, attends=True),)
    (day,) = presence([ObservedDay(date(2026, 5, 1), {}, uses)], frozenset({"gate"}))
    assert (day.state, day.others, day.late_others, day.passes, day.hours) == (DayState.OTHER_USE, 0, 0, 0, 0)
