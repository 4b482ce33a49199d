"""Whose life a fact is of: the tenancy whose people came and went, in the home in which they live now."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from hub.cases.nightly import analyse
from hub.occupancy.dirty import mark_dirty
from hub.services import Hub
from hub.tables import (
    Consent,
    Coverage,
    CredentialRow,
    DwellingMemory,
    Estate,
    Finding,
    HouseholdMember,
    LifeFactRow,
    MeterDay,
    OutboxMessage,
    PassDay,
    Person,
    PresenceDay,
    Tenancy,
)

HOME, OTHER_HOME = "E001.E001-B1-0101", "E001.E001-B1-0102"
TOKEN = "a1b2c3d4e5f6g7h8i9j0"
"""Of the household of T-1."""

SPAN = 40
LEFT = 30
"""Day on which T-1 has moved out."""


@pytest.fixture
def site(sqlite_hub: Hub, small_site: Callable[[Hub], None]) -> Hub:
    """Home 101 let to T-1 long before the gate began to observe, SPAN days ago; no meter there."""
    small_site(sqlite_hub)
    with sqlite_hub.db.unit_of_work("test", "history", audit=False) as uow:
        uow.session.execute(delete(Coverage))
        start = sqlite_hub.now() - timedelta(days=SPAN + 1)
        uow.session.add(Coverage(estate_id="E001", device_id="E001.face-g1", state="ok", from_at=start))
    return sqlite_hub


def _day(hub: Hub, n: int) -> date:
    return hub.now().date() - timedelta(days=SPAN - n)


def _passes(hub: Hub, token: str, days: Iterable[int], home: str = HOME, face: bool = False) -> None:
    """Of a resident's credential, two a day. `face`: by the face, without consent (b)."""
    counted = {"face": 2, "face_consented": 0, "other": 0} if face else {"face": 0, "face_consented": 0, "other": 2}
    rows = [{"dwelling_id": home, "credential": token, "holder_class": "resident", "day": _day(hub, n)} for n in days]
    with hub.db.unit_of_work("test", "passes", audit=False) as uow:
        uow.session.connection().execute(insert(PassDay), [{**row, **counted} for row in rows])
        mark_dirty(uow.session, {home: min(row["day"] for row in rows)})  # type: ignore[type-var]


def _over(hub: Hub, tenancy: str, left: int) -> None:
    with hub.db.unit_of_work("test", "over", audit=False) as uow:
        decision = {"number": "青房退〔2026〕12号", "move_out_completed_on": str(_day(hub, left))}
        values = {"state": "ended", "ended_at": hub.now(), "end_decision": decision}
        uow.session.execute(update(Tenancy).where(Tenancy.id == tenancy).values(**values))
        mark_dirty(uow.session, {HOME: _day(hub, left)})


def _let(hub: Hub, tenancy: str, day: int, person: str, token: str, home: str = HOME) -> None:
    """To `person` (made where new), handed over on that day."""
    with hub.db.unit_of_work("test", "let", audit=False) as uow:
        place = {"estate_id": "E001", "dwelling_id": home}
        at = _day(hub, day)
        uow.session.add(
            Tenancy(id=tenancy, source="test", source_id=tenancy, state="active", from_date=at, handover_at=at, **place)
        )
        if uow.session.get(Person, person) is None:
            uow.session.add(Person(id=person, source="test", source_id=person, name="王小明"))
        uow.session.flush()
        of = {"person_id": person, "tenancy_id": tenancy}
        uow.session.add(HouseholdMember(id=f"m-{tenancy}", relation="applicant", from_date=at, **of))
        more = {"holder_class": "resident", "label": "成员1", "created_at": hub.now(), **place, **of}
        uow.session.add(CredentialRow(token=token, **more))
        mark_dirty(uow.session, {home: at})


def _told(hub: Hub, kind: str) -> dict[str, dict[str, Any]]:
    """Message id → body, of one kind."""
    with hub.db.reading() as session:
        rows = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == f"dwelling.{kind}"))
        return {row.id: json.loads(row.body) for row in rows}


def test_a_pass_of_who_moved_out_is_no_hand_over_to_who_comes(site: Hub) -> None:
    """Let again on the day of the move-out: the old household carries its boxes down, and comes once more for the mail."""
    _passes(site, TOKEN, [*range(LEFT), LEFT, LEFT + 2])
    _over(site, "tenancy-1", LEFT)
    _let(site, "tenancy-2", LEFT, "person-2", "new-token")
    analyse(site)
    assert _told(site, "handed_over") == {}, "nobody of the new household was there"
    assert _told(site, "moved_in") == {}
    _passes(site, "new-token", [LEFT + 4, LEFT + 5])
    analyse(site)
    (handed,) = _told(site, "handed_over").values()
    (moved,) = _told(site, "moved_in").values()
    assert (handed["tenancy_id"], handed["first_pass_on"]) == ("tenancy-2", str(_day(site, LEFT + 4)))
    assert (moved["tenancy_id"], moved["first_day"]) == ("tenancy-2", str(_day(site, LEFT + 4)))


def test_so_it_is_night_by_night(site: Hub, clock: Any) -> None:
    """The same, each day judged on from what is kept of the days before."""
    _passes(site, TOKEN, range(SPAN - 1))
    analyse(site)
    _over(site, "tenancy-1", SPAN - 1)
    _let(site, "tenancy-2", SPAN - 1, "person-2", "new-token")
    for n in range(SPAN - 1, SPAN + 6):
        if n in (SPAN - 1, SPAN + 1):
            with site.db.unit_of_work("test", "boxes", audit=False) as uow:
                row = {"dwelling_id": HOME, "credential": TOKEN, "holder_class": "resident", "face": 0, "other": 2}
                at = {"face_consented": 0, "day": clock.at.date() - timedelta(days=1)}
                uow.session.connection().execute(insert(PassDay), [{**row, **at}])
                mark_dirty(uow.session, {HOME: at["day"]})  # type: ignore[dict-item]
        analyse(site)
        clock.pass_(days=1)
    assert _told(site, "handed_over") == {}
    assert _told(site, "moved_in") == {}


def test_a_renewal_is_of_the_same_people_whatever_card_they_use(site: Hub) -> None:
    """A new tenancy of who lives there already: the card of the old one is theirs."""
    _passes(site, TOKEN, range(SPAN))
    _over(site, "tenancy-1", LEFT)
    _let(site, "tenancy-2", LEFT, "person-1", "renewed-token")
    analyse(site)
    (moved,) = _told(site, "moved_in").values()
    assert (moved["tenancy_id"], moved["first_day"]) == ("tenancy-2", str(_day(site, LEFT)))


@pytest.mark.parametrize("handover", [None, SPAN + 15, SPAN - 5])
def test_who_left_is_gone_although_the_home_is_let_already(site: Hub, clock: Any, handover: int | None) -> None:
    """Allotted to the next household before the last one left, with keys later (or no day of theirs known): night by night."""
    _let(site, "tenancy-2", SPAN - 10, "person-2", "new-token")
    with site.db.unit_of_work("test", "no keys yet", audit=False) as uow:
        keys = None if handover is None else _day(site, handover)
        next_one = update(Tenancy).where(Tenancy.id == "tenancy-2")
        uow.session.execute(next_one.values(state="allocated", from_date=_day(site, SPAN), handover_at=keys))
    _passes(site, TOKEN, range(SPAN))
    analyse(site)
    clock.pass_(days=1)
    left = clock.at.date() - timedelta(days=1)
    with site.db.unit_of_work("test", "over", audit=False) as uow:
        values = {"state": "ended", "ended_at": clock.at, "end_decision": {"move_out_completed_on": str(left)}}
        uow.session.execute(update(Tenancy).where(Tenancy.id == "tenancy-1").values(**values))
        mark_dirty(uow.session, {HOME: left})
    for _ in range(8):
        analyse(site)
        clock.pass_(days=1)
    told = list(_told(site, "moved_out").values())
    if handover == SPAN - 5:
        assert told == [], "the keys were there before: the next household may be just as quiet"
    else:
        assert [(one["tenancy_id"], one["gone_since"]) for one in told] == [("T-1", str(left))]
    assert _told(site, "ready_to_relet") == {}, "it is let"


def test_a_face_without_consent_b_hands_nothing_over(site: Hub) -> None:
    _over(site, "tenancy-1", 5)
    _let(site, "tenancy-2", LEFT, "person-2", "new-token")
    _passes(site, "new-token", range(LEFT, SPAN), face=True)
    analyse(site)
    assert _told(site, "handed_over") == {}
    assert _told(site, "moved_in") == {}


@pytest.mark.parametrize("back", [False, True])
def test_a_consent_of_who_comes_says_nothing_of_the_days_before(site: Hub, back: bool) -> None:
    """Doors saw that the home stood empty: that the next household comes by face, and agreed to being seen only when it came
    (or took that back), hides none of it."""
    _passes(site, TOKEN, range(3))
    _over(site, "tenancy-1", 10)
    _let(site, "tenancy-2", LEFT, "person-2", "new-token")
    came = site.now() - timedelta(days=SPAN - LEFT)
    with site.db.unit_of_work("test", "consents", audit=False) as uow:
        for purpose in ("a", "b"):
            given = {"granted_at": came - timedelta(days=25 if back else 0), "withdrawn_at": None}
            if back and purpose == "b":
                given["withdrawn_at"] = came - timedelta(days=24)
            uow.session.add(Consent(id=f"c-{purpose}", person_id="person-2", purpose=purpose, **given))
    analyse(site)
    (gone,) = _told(site, "moved_out").values()
    assert (gone["tenancy_id"], gone["gone_since"]) == ("T-1", str(_day(site, 10)))


def test_who_may_still_come_by_face_unseen_has_not_moved_out(site: Hub) -> None:
    """The decision named a day a week ago; the hub hears of it today. All the while they came by face, and nobody agreed that
    anybody looks: that the doors saw nobody says nothing. From now on their faces open no door."""
    with site.db.unit_of_work("test", "face, no consent (b)", audit=False) as uow:
        uow.session.execute(delete(Consent))
        since = site.now() - timedelta(days=300)
        uow.session.add(Consent(id="a", person_id="person-1", purpose="a", granted_at=since))
    _passes(site, TOKEN, range(SPAN), face=True)
    _over(site, "tenancy-1", LEFT + 2)
    analyse(site)
    assert _told(site, "moved_out") == {}
    assert _told(site, "ready_to_relet") == {}
    with site.db.reading() as session:
        states = set(session.scalars(select(PresenceDay.state).where(PresenceDay.dwelling_id == HOME)))
    assert states == {"unknown"}, "missing data is never absence"


def test_once_the_hub_knows_of_the_end_doors_see(site: Hub, clock: Any) -> None:
    test_who_may_still_come_by_face_unseen_has_not_moved_out(site)
    for _ in range(5):
        clock.pass_(days=1)
        analyse(site)
    (gone,) = _told(site, "moved_out").values()
    assert gone["coverage"] == 0.3, "three days that could be seen, of the ten since"
    with site.db.unit_of_work("test", "looked at anew", audit=False) as uow:
        uow.session.execute(delete(DwellingMemory))
    analyse(site)
    assert len(_told(site, "moved_out")) == 1, "the whole record says the same"


def _rows(hub: Hub) -> dict[str, tuple[str, bool]]:
    """Kind → (dwelling, standing) of tenancy 2."""
    with hub.db.reading() as session:
        rows = session.scalars(select(LifeFactRow).where(LifeFactRow.tenancy_id == "tenancy-2"))
        return {row.kind: (row.dwelling_id, row.standing) for row in rows}


def _transferred(hub: Hub, tenancy: str, home: str) -> None:
    """The lease system says that it is of another home."""
    with hub.db.unit_of_work("test", "another home", audit=False) as uow:
        uow.session.execute(update(Tenancy).where(Tenancy.id == tenancy).values(dwelling_id=home))
        mark_dirty(uow.session, {HOME: _day(hub, LEFT), OTHER_HOME: _day(hub, LEFT)})


def test_a_tenancy_of_another_home_takes_its_facts_there(site: Hub) -> None:
    """Told of home 101, then the record says 102, where they pass on the same days: told again, of the home it is."""
    _over(site, "tenancy-1", 5)
    _let(site, "tenancy-2", LEFT, "person-2", "new-token")
    _passes(site, "new-token", range(LEFT, SPAN))
    analyse(site)
    assert _rows(site) == {"handed_over": (HOME, True), "moved_in": (HOME, True)}
    _passes(site, "new-token", range(LEFT, SPAN), home=OTHER_HOME)
    _transferred(site, "tenancy-2", OTHER_HOME)
    analyse(site)
    assert _rows(site) == {"handed_over": (OTHER_HOME, True), "moved_in": (OTHER_HOME, True)}
    told = _told(site, "moved_in")
    assert [body["dwelling_code"] for body in told.values()] == ["E001-B1-0101", "E001-B1-0102"]
    assert _told(site, "moved_in") == told
    analyse(site)
    assert _told(site, "moved_in") == told, "said once is enough"


def test_what_is_not_so_in_the_other_home_is_taken_back_of_the_first(site: Hub) -> None:
    _over(site, "tenancy-1", 5)
    _let(site, "tenancy-2", LEFT, "person-2", "new-token")
    _passes(site, "new-token", range(LEFT, SPAN))
    analyse(site)
    _transferred(site, "tenancy-2", OTHER_HOME)
    analyse(site)
    again = _told(site, "moved_in")["dwelling.moved_in:tenancy-2:r2"]
    assert (again["withdrawn"], again["dwelling_code"]) == (True, "E001-B1-0101"), "nobody was told of the other home"


def test_homes_that_are_swapped_take_no_facts_of_the_others(site: Hub) -> None:
    """Two households change homes: what one did in its old home proves nothing of the other."""
    _over(site, "tenancy-1", 5)
    _let(site, "tenancy-2", LEFT - 10, "person-2", "token-2")
    _let(site, "tenancy-3", LEFT - 10, "person-3", "token-3", home=OTHER_HOME)
    _passes(site, "token-2", range(LEFT - 10, LEFT))
    _passes(site, "token-3", range(LEFT - 5, LEFT), home=OTHER_HOME)
    analyse(site)
    for tenancy, home, token in (("tenancy-2", OTHER_HOME, "token-2"), ("tenancy-3", HOME, "token-3")):
        _transferred(site, tenancy, home)
        _passes(site, token, range(LEFT + 2, SPAN), home=home)
    analyse(site)
    with site.db.reading() as session:
        rows = session.scalars(select(LifeFactRow).where(LifeFactRow.standing))
        found = {(row.tenancy_id, row.kind): (row.dwelling_id, row.day) for row in rows}
    came = _day(site, LEFT + 2)
    assert found[("tenancy-2", "handed_over")] == (OTHER_HOME, came)
    assert found[("tenancy-3", "handed_over")] == (HOME, came)


def _water(hub: Hub, days: Iterable[int]) -> None:
    """The meter of home 101 counts something on these days, otherwise nothing."""
    used, value, rows = set(days), 50.0, []
    for n in range(SPAN):
        value += 0.05 + 0.03 * (n % 4) if n in used else 0.0
        row = {"meter_id": "E001.W-0101", "dwelling_id": HOME, "quantity": "water", "ok_count": 1, "bad_count": 0}
        rows.append({**row, "day": _day(hub, n), "last_value": value})
    with hub.db.unit_of_work("test", "water", audit=False) as uow:
        uow.session.execute(delete(MeterDay))
        uow.session.connection().execute(insert(MeterDay), rows)
        mark_dirty(uow.session, {HOME: _day(hub, 0)})


def test_a_note_is_not_told_a_lead_is_and_again_when_it_comes_back(site: Hub) -> None:
    """A meter that counts in an empty home where nobody passes is hardly ever somebody who lives there (rule U1 measured it): a
    note for the house. That somebody comes and goes for six weeks is a lead, and what staff is asked to look at."""
    _over(site, "tenancy-1", -60)
    with site.db.unit_of_work("test", "pack", audit=False) as uow:
        uow.session.execute(update(Estate).values(policy_pack="national_measured"))
    lately = range(SPAN - 20, SPAN)
    _water(site, lately)
    analyse(site)
    with site.db.reading() as session:
        assert session.scalars(select(Finding.stage)).all() == ["note"]
    assert _told(site, "vacant_used") == {}
    _passes(site, TOKEN, range(4, SPAN))
    analyse(site)
    (told,) = _told(site, "vacant_used").values()
    assert (told["withdrawn"], told["proof"]) == (False, ["F4", "F2", "F3"])
    with site.db.unit_of_work("test", "they were another home's passes", audit=False) as uow:
        uow.session.execute(delete(PassDay))
        mark_dirty(uow.session, {HOME: _day(site, 0)})
    analyse(site)
    assert [body["withdrawn"] for body in _told(site, "vacant_used").values()] == [False, True]
    _passes(site, TOKEN, range(4, SPAN))
    analyse(site)
    analyse(site)
    assert [body["withdrawn"] for body in _told(site, "vacant_used").values()] == [False, True, False], "a lead again"
