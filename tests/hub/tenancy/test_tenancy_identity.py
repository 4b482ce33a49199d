"""A source that changed its identifiers: nobody is let in twice, nobody out; two persons confirm household by household."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select
from tenancy_feed import (
    DECISION,
    MANY,
    Feed,
    access,
    configure,
    confirmed,
    household,
    member,
    run,
    serving,
    state,
)

from hub.access import publish
from hub.services import Hub
from hub.tables import CredentialRow, Dwelling, HouseholdMember, Person, SourceState, Tenancy
from hub.tenancy import push, sync
from hub.tenancy.sources import load_sources

Change = Callable[[dict[str, Any]], dict[str, Any]]


def other_tenancies(record: dict[str, Any]) -> dict[str, Any]:
    return record | {"id": f"NEW-{record['id']}", "version": 1}


def other_people(record: dict[str, Any]) -> dict[str, Any]:
    return record | {"members": [m | {"person_id": f"NEW-{m['person_id']}"} for m in record["members"]]}


def both(record: dict[str, Any]) -> dict[str, Any]:
    return other_people(other_tenancies(record))


def without_numbers(record: dict[str, Any]) -> dict[str, Any]:
    """By name and birth date alone."""
    return both(record) | {
        "members": [
            m | {"person_id": f"NEW-{m['person_id']}", "id_number": "", "name": f"{m['name']}{m['person_id'][-1]}"}
            for m in record["members"]
        ]
    }


def counts(hub: Hub) -> tuple[int, int, int]:
    """Live tenancies, members who belong, active credentials."""
    with hub.db.reading() as session:
        live = session.scalar(select(func.count()).select_from(Tenancy).where(Tenancy.state == "active")) or 0
        members = (
            session.scalar(select(func.count()).select_from(HouseholdMember).where(HouseholdMember.to_date.is_(None)))
            or 0
        )
        active = (
            session.scalar(select(func.count()).select_from(CredentialRow).where(CredentialRow.state == "active")) or 0
        )
    return live, members, active


@pytest.mark.parametrize("change", [other_tenancies, other_people, both])
@pytest.mark.parametrize("incremental", [False, True])
def test_new_identifiers_are_recognised_held_and_mapped_by_two_persons(
    ready: Hub, feed: Feed, change: Change, incremental: bool
) -> None:
    before, numbers = access(ready), counts(ready)
    feed.records = [change(r | {"version": 2}) for r in feed.records]
    feed.records[0]["members"].append(member(300, relation="child", name="新生儿"))  # an addition under the new numbers
    if incremental:
        feed.records = [household(0)] * MANY + feed.records  # only what follows the cursor is new
        feed.records = feed.records[MANY:]
    told = run(ready) if not incremental else sync.run(ready)
    if incremental and "held" not in told:
        told = run(ready)
    publish.publish(ready)
    assert "held: identifiers_changed" in told
    held = state(ready).held
    assert held is not None
    assert len(held["households"]) == MANY, "household by household"
    assert all(h["leaving"] == 0 and h["reason"] == "identifiers_changed" for h in held["households"])
    child = {household(0)["dwelling_code"]: before[household(0)["dwelling_code"]] | {"3000300"}}
    assert access(ready) == before | child, "nobody out, nobody in twice; additions go on"
    assert counts(ready) == (numbers[0], numbers[1] + 1, numbers[2] + 1)
    run(ready)
    assert counts(ready) == (numbers[0], numbers[1] + 1, numbers[2] + 1), "and so on every run"
    assert confirmed(ready) == MANY
    run(ready)
    assert state(ready).held is None
    assert access(ready) == before | child
    assert counts(ready) == (numbers[0], numbers[1] + 1, numbers[2] + 1)
    with ready.db.reading() as session:
        known = set(session.scalars(select(Tenancy.source_id)))
        assert known == {r["id"] for r in feed.records}, "mapped"
        wanted = {m["person_id"] for r in feed.records for m in r["members"]}
        assert set(session.scalars(select(Person.source_id))) == wanted
    feed.records[1] = change(household(1, 2)) | {"version": 3, "state": "ended", "end_decision": DECISION}
    assert "-1" in run(ready), "from now on the new numbers are the household's"


def test_a_household_that_only_calls_itself_ended_is_recognised_too(ready: Hub, feed: Feed) -> None:
    """Its tenant has died, or nobody signed: it goes on here, under whatever number."""
    feed.records[0] = household(0, 2, state="ended", end_decision=DECISION | {"kind": "death"})
    feed.records[1] = household(1, 2, state="ended", end_decision=None)
    run(ready)
    before, numbers = access(ready), counts(ready)
    feed.records = [both(r) for r in feed.records]
    assert "held: identifiers_changed" in run(ready)
    assert (access(ready), counts(ready)) == (before, numbers)


def test_a_handful_of_households_is_held_too_and_one_renewed_lease_is_not(ready: Hub, feed: Feed) -> None:
    before, numbers = access(ready), counts(ready)
    feed.records = [both(household(n)) for n in range(2)] + [household(n) for n in range(2, MANY)]
    assert "held: identifiers_changed" in run(ready)
    assert (access(ready), counts(ready)) == (before, numbers)
    feed.records = [other_tenancies(household(0)), *(household(n) for n in range(1, MANY))]
    assert "held" not in run(ready), "the old lease is in the archive, the next one has a number of its own"
    assert access(ready) == before
    assert state(ready).detail["missing"] == ["T-000000"]


def test_by_name_where_no_id_number_is_told(ready: Hub, feed: Feed) -> None:
    feed.records = [
        r | {"version": 2, "members": [m | {"name": f"{m['name']}{m['person_id'][-1]}"} for m in r["members"]]}
        for r in feed.records
    ]
    run(ready)
    before, numbers = access(ready), counts(ready)
    feed.records = [without_numbers(household(n)) for n in range(MANY)]
    assert "held: identifiers_changed" in run(ready)
    assert (access(ready), counts(ready)) == (before, numbers)


def test_strangers_everywhere_are_held_and_a_single_one_is_a_new_household(ready: Hub, feed: Feed) -> None:
    before, numbers = access(ready), counts(ready)
    old = feed.records

    def strangers(n: int) -> dict[str, Any]:
        people = [member(400 + n, name=f"陌生{n}", id_number="", birth_date=None)]
        return household(n, 1, id=f"X-{n}", members=people)

    feed.records = [strangers(n) for n in range(MANY)]
    told = run(ready)
    assert "held" in told
    assert (access(ready), counts(ready)) == (before, numbers), "no second tenancy in every dwelling"
    feed.records = [strangers(0), *old[1:]]
    run(ready)
    now = access(ready)
    assert now[household(0)["dwelling_code"]] == before[household(0)["dwelling_code"]] | {"3000400"}
    assert counts(ready)[0] == numbers[0] + 1, "one: additions go on, and who was there keeps his access"


def test_a_renewal_under_a_new_number_and_a_split_household_are_no_renaming(ready: Hub, feed: Feed) -> None:
    renewed = household(0, 1, id="T-900000")
    feed.records.append(renewed)  # both stand in the feed: the old lease and the next
    feed.records.append(household(1, 1, id="T-900001", members=[member(3)]))  # one of two has a tenancy of her own
    told = run(ready)
    assert "held" not in told
    assert "+2" in told
    feed.records[0] = household(0, 2, state="ended", end_decision=DECISION)
    run(ready)
    assert access(ready)[household(0)["dwelling_code"]] == {"3000000", "3000001"}, "no gap between two leases"


def test_pushes_under_other_numbers_are_held_too(ready: Hub, feed: Feed) -> None:
    """A push tells only a part: many at once are suspicious, one is a new lease."""
    (ready.config.dir / "feed.key").write_text("k")
    before, numbers = access(ready), counts(ready)
    source = load_sources(ready.config.dir)[0]
    done = push.take(ready, source, [both(household(n, 2)) for n in range(10)])
    publish.publish(ready)
    assert len(done.held) == 10
    assert (access(ready), counts(ready)) == (before, numbers)


@pytest.mark.parametrize("ready", ["sqlite_hub", "postgres_hub"], indirect=True)
def test_another_source_of_the_same_households_is_handed_over_by_two_persons(ready: Hub, feed: Feed) -> None:
    """As when a source gets another name: everything comes a second time."""
    before, numbers = access(ready), counts(ready)
    with serving() as second:
        second.records = [both(household(n)) for n in range(MANY)]
        second.records += [household(44)]
        configure(ready.config.dir, second, name="second")
        sync.run(ready)
        publish.publish(ready)
        now = access(ready)
        assert now.pop(household(44)["dwelling_code"]) == {"3000088", "3000089"}, "additions go on"
        assert now == before
        assert counts(ready) == (numbers[0] + 1, numbers[1] + 2, numbers[2] + 2)
        with ready.db.reading() as session:
            held = session.get_one(SourceState, "second").held
        assert held is not None
        assert held["reason"] == "other_source"
        assert confirmed(ready, "second") == MANY
        sync.run(ready)
        publish.publish(ready)
        now = access(ready)
        now.pop(household(44)["dwelling_code"])
        assert now == before
        with ready.db.reading() as session:
            assert set(session.scalars(select(Tenancy.source))) == {"second"}
            assert session.get_one(SourceState, "second").held is None
            assert len(session.scalars(select(Dwelling.id)).all()) > 0
    assert json.loads((ready.config.dir / "sources.json").read_text())[0]["name"] == "second"
