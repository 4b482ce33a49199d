"""What an estate's devices could observe when one takes over from another, and whom its doors recognise."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, insert, select

from hub.estate import adding
from hub.estate.adding import PointWish
from hub.occupancy.estate_view import EstateView, load_estate
from hub.occupancy.load import load_records
from hub.occupancy.recognised import count_days
from hub.occupancy.served import take_over
from hub.services import Hub
from hub.tables import (
    AccessPoint,
    Consent,
    Coverage,
    CredentialRow,
    Device,
    Estate,
    HouseholdMember,
    PassDay,
    Person,
    Tenancy,
)

LAST = date(2026, 11, 20)
HOME = "E001.E001-B1-0101"
NEW = "E001.face-g2"
NOON = datetime(2026, 11, 15, 4, 0, tzinfo=UTC)


@pytest.fixture
def site(sqlite_hub: Hub, small_site: Callable[[Hub], None]) -> Hub:
    """The gate's terminal has observed since the 10th; a second one stands beside it."""
    small_site(sqlite_hub)
    with sqlite_hub.db.unit_of_work("test", "coverage", audit=False) as uow:
        uow.session.add(
            Device(id=NEW, code="face-g2", name="新终端", kind="face_terminal", estate_id="E001", edge_id="edge-aaaa")
        )
        start = datetime(2026, 11, 9, 16, 0, tzinfo=UTC)
        uow.session.add(Coverage(estate_id="E001", device_id="E001.face-g1", state="ok", from_at=start))
    return sqlite_hub


def _view(hub: Hub) -> EstateView:
    with hub.db.reading() as session:
        view = load_estate(session, session.get_one(Estate, "E001"), LAST, hub.now())
    assert view is not None
    return view


def _hand_over(hub: Hub, at: datetime, device: str | None) -> None:
    with hub.db.unit_of_work("test", "take over", audit=False) as uow:
        take_over(uow.session, uow.session.get_one(AccessPoint, "E001.G1-IN"), device, at)


def _covered(hub: Hub, device: str, at: datetime, state: str = "ok") -> None:
    with hub.db.unit_of_work("test", "coverage", audit=False) as uow:
        uow.session.add(Coverage(estate_id="E001", device_id=device, state=state, from_at=at))


def test_what_the_old_device_saw_stays_with_the_access_point(site: Hub) -> None:
    _hand_over(site, NOON, NEW)
    _covered(site, NEW, NOON)
    view = _view(site)
    assert view.points["E001.B1"] == {NEW}
    assert all(not gaps for gaps in view.block_gaps["E001.B1"]), "months of the old device read as months of blindness"


def test_the_time_between_two_devices_was_seen_by_nobody(site: Hub) -> None:
    _hand_over(site, NOON, None)
    _hand_over(site, NOON + timedelta(days=2), NEW)
    _covered(site, NEW, NOON - timedelta(days=4))  # it observed elsewhere before
    gaps = [day.get(NEW, 0.0) for day in _view(site).block_gaps["E001.B1"]]
    assert gaps == [0, 0, 0, 0, 0, 0.5, 1.0, 0.5, 0, 0, 0]


def test_what_the_old_device_does_afterwards_is_no_coverage(site: Hub) -> None:
    _hand_over(site, NOON, NEW)  # the new one reports nothing yet
    gaps = [day.get(NEW, 0.0) for day in _view(site).block_gaps["E001.B1"]]
    assert gaps == [0, 0, 0, 0, 0, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0]


def test_the_same_device_again_is_no_take_over(site: Hub) -> None:
    _hand_over(site, NOON, "E001.face-g1")
    assert all(not gaps for gaps in _view(site).block_gaps["E001.B1"])


def test_mapping_on_the_page_keeps_the_past(site: Hub, clock: Any) -> None:
    clock.at = NOON
    adding.change(site, "test", "E001.face-g1", adding.Change(in_service=False), "换新设备")
    with site.db.unit_of_work("test", "another terminal at the gate", now=NOON) as uow:
        adding.map_in(uow, "E001.face-g1", [])
        adding.map_in(uow, NEW, [PointWish("door1", access_point_id="E001.G1-IN")])
    _covered(site, NEW, NOON)
    clock.at = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
    assert all(not gaps for gaps in _view(site).block_gaps["E001.B1"])


def _members(hub: Hub, count: int, identified: int) -> None:
    """`count` further members of the household with consent (b), of whom doors identified some within the month."""
    with hub.db.unit_of_work("test", "members", audit=False) as uow:
        session = uow.session
        for n in range(count):
            session.add(Person(id=f"p{n}", source="test", source_id=f"p{n}", name="x"))
            session.flush()
            session.add(Consent(id=f"c{n}", person_id=f"p{n}", purpose="b", granted_at=NOON - timedelta(days=300)))
            session.add(
                HouseholdMember(
                    id=f"m{n}",
                    tenancy_id="tenancy-1",
                    person_id=f"p{n}",
                    relation="child",
                    from_date=LAST,
                    ordinal=n + 2,
                )
            )
            common = {"estate_id": "E001", "holder_class": "resident", "tenancy_id": "tenancy-1", "dwelling_id": HOME}
            session.add(CredentialRow(token=f"t{n}", person_id=f"p{n}", label="x", created_at=NOON, **common))
        session.flush()
        day = {"dwelling_id": HOME, "holder_class": "resident", "face": 1, "face_consented": 1, "other": 0}
        rows = [{**day, "credential": f"t{n}", "day": LAST - timedelta(days=n)} for n in range(identified)]
        session.connection().execute(insert(PassDay), rows)


def test_a_block_says_how_many_of_its_consenting_members_it_recognises(site: Hub) -> None:
    _members(site, 23, 12)
    assert _view(site).recognition.share["E001.B1"][-1] == pytest.approx(12 / 24)


def test_who_moved_out_is_not_expected_after_that_day_whenever_the_hub_heard(site: Hub) -> None:
    _members(site, 23, 23)
    moved_out, heard = LAST - timedelta(days=20), datetime(2026, 11, 18, 4, 0, tzinfo=UTC)

    def members(decision: dict[str, str | None] | None) -> dict[date, int]:
        with site.db.unit_of_work("test", "the household ended", audit=False) as uow:
            tenancy = uow.session.get_one(Tenancy, "tenancy-1")
            tenancy.state, tenancy.ended_at, tenancy.end_decision = "ended", heard, decision
            for row in uow.session.scalars(select(HouseholdMember)):
                row.from_date = date(2025, 3, 1)
        with site.db.reading() as session:
            counts = count_days(session, "E001", ZoneInfo("Asia/Shanghai"), moved_out, LAST)
        return {day: count.members for (_block, day), count in counts.items()}

    told = members({"move_out_completed_on": moved_out.isoformat()})
    assert (told[moved_out], told[moved_out + timedelta(days=1)]) == (24, 0)
    untold = members({"move_out_completed_on": None})
    assert (untold[date(2026, 11, 18)], untold[date(2026, 11, 19)]) == (24, 0), (
        "without a day: when the hub heard of it"
    )


def test_of_few_members_no_share_is_told(site: Hub) -> None:
    _members(site, 5, 5)
    assert _view(site).recognition.share["E001.B1"][-1] is None


def test_a_record_says_since_when_a_member_is_registered_and_which_passes_were_late(site: Hub) -> None:
    with site.db.unit_of_work("test", "a visitor", audit=False) as uow:
        uow.session.execute(delete(PassDay))
        uow.session.add(
            PassDay(
                dwelling_id=HOME,
                day=LAST,
                credential="v",
                holder_class="visitor",
                face=0,
                face_consented=0,
                other=3,
                late=2,
            )
        )
    view = _view(site)
    with site.db.reading() as session:
        (record,) = load_records(session, view, [HOME])
    assert record.household is not None
    assert [m.since for m in record.household.members] == [date(2025, 3, 1)]
    assert record.days[-1].late_others == 2
    assert record.recognised is None


def test_a_record_says_how_many_the_home_was_let_to_and_whom_the_register_never_named(site: Hub) -> None:
    _members(site, 2, 2)
    with site.db.unit_of_work("test", "let to five, one has left", audit=False) as uow:
        uow.session.get_one(Tenancy, "tenancy-1").expected_members = 5
        uow.session.get_one(HouseholdMember, "m1").to_date = LAST - timedelta(days=1)
    view = _view(site)
    with site.db.reading() as session:
        (record,) = load_records(session, view, [HOME])
    household = record.household
    assert household is not None
    assert (household.expected, household.size, household.left) == (5, 2, 1)
    assert household.unnamed == 2, "who left was registered: two never were"
