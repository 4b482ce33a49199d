"""The same person under two records: found, shown masked, linked by two persons and by nobody else, and taken apart again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from meeting import meeting
from sqlalchemy import select
from tenancy_feed import Feed, access, household, member, opens, run

from hub.access import publish
from hub.services import Hub
from hub.tables import AuditRow, Consent, Estate, Person, PersonLink
from hub.tenancy import people, sync

SignIn = Callable[..., TestClient]
URL = "/api/v1/tenancy/people"
AGREED = {"at": "2026-01-05T10:00:00+08:00", "notice": "v1"}
FIRST, SECOND = household(0)["dwelling_code"], household(44)["dwelling_code"]


def ok(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


def consents(hub: Hub) -> dict[str, str]:
    """Number of a record → the purposes its person consents to now."""
    with hub.db.reading() as session:
        rows = session.execute(
            select(Person.source_id, Consent.purpose)
            .join(Consent, Consent.person_id == Person.id)
            .where(Consent.withdrawn_at.is_(None))
            .order_by(Consent.purpose)
        ).all()
    found: dict[str, str] = {}
    for number, purpose in rows:
        found[number] = found.get(number, "") + purpose
    return found


@pytest.fixture
def twice(ready: Hub, feed: Feed) -> Hub:
    """P-000000 (consents a and b) is also P-001000 of another household, who consents to nothing; one card for both."""
    two = {"a": AGREED, "b": AGREED, "c": None}
    feed.records[0] = household(0, 2, members=[member(0, consents=two), member(1, relation="spouse")])
    again = member(
        1000, id_number=member(0)["id_number"], cards=["3000000"], consents={"a": None, "b": None, "c": None}
    )
    feed.records.append(household(44, members=[again]))
    run(ready)
    return ready


def linked(hub: Hub, sign_in: SignIn) -> tuple[str, TestClient, TestClient]:
    first, second = sign_in(hub, "housing_official"), sign_in(hub, "administrator")
    (pair,) = ok(first.get(f"{URL}/candidates"))["items"]
    kept, other = (one["person"] for one in pair["records"])
    said = {"reason": "核对了两份证件"}
    link = ok(first.post(f"{URL}/same", json=said | {"kept": kept, "other": other}), 202)["link"]
    answer = first.post(f"{URL}/same/{link}/confirm", json=said)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "same_person")
    (pair,) = ok(second.get(f"{URL}/candidates"))["items"]
    assert (pair["link"], pair["state"]) == (link, "asked")
    assert ok(second.post(f"{URL}/same/{link}/confirm", json=said), 202)["state"] == "linked"
    publish.publish(hub)
    return link, first, second


def test_nothing_is_merged_by_itself_and_the_evidence_is_masked(twice: Hub, feed: Feed, sign_in: SignIn) -> None:
    for _ in range(3):
        run(twice)
    with twice.db.reading() as session:
        assert set(session.scalars(select(Person.same_as))) == {None}
    viewer = sign_in(twice, "estate_manager", ["E001"])
    (pair,) = ok(viewer.get(f"{URL}/candidates"))["items"]
    assert pair["by"] == "id_number"
    text = str(pair)
    assert "张三丰" not in text
    assert member(0)["id_number"] not in text
    assert "3000000" not in text
    homes = [m["dwelling_code"] for one in pair["records"] for m in one["memberships"]]
    assert sorted(homes) == sorted([FIRST, SECOND]), "records come in no told order"
    said = {"kept": pair["records"][0]["person"], "other": pair["records"][1]["person"], "reason": "同一个人"}
    assert viewer.post(f"{URL}/same", json=said).status_code == 403
    with twice.db.unit_of_work("test", "another estate", audit=False) as uow:
        uow.session.add(Estate(id="E002", code="E002", name="翠竹小区", policy={}))
    assert ok(sign_in(twice, "estate_manager", ["E002"]).get(f"{URL}/candidates"))["items"] == []
    assert opens(twice)["3000000"] == {FIRST}, "one card, two strangers: it opens for whom it was given first"


def test_who_asked_to_be_looked_after_is_not_told_beside_a_record(twice: Hub, feed: Feed, sign_in: SignIn) -> None:
    cared_for = dict.fromkeys("abc", AGREED)
    feed.records[0] = household(0, 3, members=[member(0, consents=cared_for), member(1, relation="spouse")])
    run(twice)
    assert consents(twice)["P-000000"] == "abc"
    for viewer in (sign_in(twice, "housing_official"), sign_in(twice, "estate_manager", ["E001"])):
        (pair,) = ok(viewer.get(f"{URL}/candidates"))["items"]
        told = {one["number"]: one["consents"] for one in pair["records"]}
        assert told == {"P-000000": ["a", "b"], "P-001000": []}, (
            "consent c is shown where consents are taken, nowhere else"
        )


def test_a_link_makes_one_person_of_two_records_and_widens_no_consent(twice: Hub, feed: Feed, sign_in: SignIn) -> None:
    before = consents(twice)
    assert before["P-000000"] == "ab"
    link, _, second = linked(twice, sign_in)
    assert opens(twice)["3000000"] == {FIRST, SECOND}, "the card is the person's"
    now = consents(twice)
    assert "P-000000" not in now, "the stricter record holds until the person is asked"
    assert "P-001000" not in now
    assert access(twice)[FIRST] == {"3000000", "3000001"}, "no other way in is shortened"
    for _ in range(2):
        run(twice)
        assert "P-000000" not in consents(twice), "nor is it by the next pull"
    assert ok(second.get(f"{URL}/candidates"))["items"] == []
    assert [p["link"] for p in ok(second.get(f"{URL}/linked"))["items"]] == [link]
    asked = {"a": {"at": "2026-11-22T10:00:00+08:00", "notice": "v2"}, "b": None, "c": None}
    twice.clock.pass_(days=2)  # type: ignore[attr-defined]
    feed.records[0] = household(0, 3, members=[member(0, consents=asked), member(1, relation="spouse")])
    run(twice)
    assert consents(twice)["P-000000"] == "a", "asked anew, he agreed"


@pytest.mark.parametrize("ready", ["sqlite_hub", "postgres_hub"], indirect=True)
def test_a_split_gives_back_exactly_what_each_record_told(twice: Hub, feed: Feed, sign_in: SignIn) -> None:
    before, doors = consents(twice), opens(twice)
    link, first, second = linked(twice, sign_in)
    assert consents(twice) != before
    assert ok(first.post(f"{URL}/same/{link}/split", json={"reason": "原来是两个人"}), 202)["state"] == "split"
    publish.publish(twice)
    assert (consents(twice), opens(twice)) == (before, doors)
    run(twice)
    assert (consents(twice), opens(twice)) == (before, doors)
    assert ok(second.get(f"{URL}/candidates"))["items"] == [], "what people decided is not asked again"
    assert second.post(f"{URL}/same/{link}/split", json={"reason": "再来一次"}).status_code == 409
    with twice.db.reading() as session:
        whats = [c["what"] for row in session.scalars(select(AuditRow)) for c in row.changes]
    assert [w for w in whats if w.startswith("person.")] == ["person.same_asked", "person.linked", "person.split"]


def test_a_refusal_stands_and_three_records_can_be_one(twice: Hub, feed: Feed, sign_in: SignIn) -> None:
    third = member(1001, id_number=member(0)["id_number"], cards=["55"])
    feed.records.append(household(45, members=[third]))
    run(twice)
    first, second = sign_in(twice, "housing_official"), sign_in(twice, "administrator")
    pairs = ok(first.get(f"{URL}/candidates"))["items"]
    assert len(pairs) == 3
    said = {"reason": "核对了证件"}
    links = []
    for pair in pairs[:2]:
        kept, other = (one["person"] for one in pair["records"])
        links.append(ok(first.post(f"{URL}/same", json=said | {"kept": kept, "other": other}), 202)["link"])
        ok(second.post(f"{URL}/same/{links[-1]}/confirm", json=said), 202)
    publish.publish(twice)
    assert ok(first.get(f"{URL}/candidates"))["items"] == [], "all three are one now"
    assert opens(twice)["55"] == opens(twice)["3000000"]
    ok(first.post(f"{URL}/same/{links[0]}/split", json=said), 202)
    publish.publish(twice)
    assert sync.run(twice)


def test_by_name_and_birth_where_one_has_no_number(ready: Hub, feed: Feed, sign_in: SignIn) -> None:
    feed.records.append(household(44, members=[member(1002, id_number="", name="欧阳七", birth_date="1990-02-03")]))
    feed.records.append(household(45, members=[member(1003, id_number="", name="欧阳七", birth_date="1990-02-03")]))
    feed.records.append(household(46, members=[member(1004, id_number="", name="欧阳七", birth_date="1991-02-03")]))
    run(ready)
    viewer = sign_in(ready, "housing_official")
    (pair,) = ok(viewer.get(f"{URL}/candidates"))["items"]
    assert (pair["by"], {one["number"] for one in pair["records"]}) == ("name_and_birth", {"P-001002", "P-001003"})
    said = {"kept": pair["records"][0]["person"], "other": pair["records"][1]["person"], "reason": "只是同名"}
    link = ok(viewer.post(f"{URL}/same", json=said), 202)["link"]
    assert viewer.post(f"{URL}/same", json=said).status_code == 409
    second = sign_in(ready, "administrator")
    assert ok(second.post(f"{URL}/same/{link}/refuse", json={"reason": "同名不同人"}), 202)["state"] == "refused"
    assert ok(viewer.get(f"{URL}/candidates"))["items"] == []


def test_two_links_at_once_make_one_person_and_no_chain(postgres_hub: Hub, estate: Callable[[Hub], None]) -> None:
    """A and B, B and C: whoever comes second sees what the first has joined."""
    hub = postgres_hub
    estate(hub)
    with hub.db.unit_of_work("test", "three records", now=hub.now()) as uow:
        uow.session.add_all(Person(id=one, source="s", source_id=one, name="李建华") for one in "ABC")
        uow.session.flush()
        for number, (kept, other) in enumerate(("AB", "BC")):
            link = PersonLink(
                id=f"link-{number}", kept=kept, other=other, state="asked", asked_by="王官员", reason="", undo={}
            )
            link.asked_at = uow.now
            uow.session.add(link)

    def decide(number: int, then: Callable[[], object] = lambda: None) -> None:
        with hub.db.unit_of_work("李官员", "同一人", now=hub.now()) as uow:
            people.decide(uow, f"link-{number}", True)
            uow.session.flush()
            then()

    met = meeting(hub, lambda: decide(1))
    decide(0, met)
    met.over()
    with hub.db.reading() as session:
        assert dict(session.execute(select(Person.id, Person.same_as)).all()) == {"A": None, "B": "A", "C": "A"}
