"""Pull, push and upload mixed, in any order and any number of times, end in the same state; and nobody is locked out between."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from tenancy_feed import DECISION, Feed, access, household, member

from hub.access import publish
from hub.services import Hub
from hub.tables import Consent, CredentialRow, Dwelling, Estate, HouseholdMember, Person, SourceState, Tenancy
from hub.tenancy import push, sync
from hub.tenancy.settle import has_left
from hub.tenancy.sources import load_sources
from hub.tenancy.upload import upload

Setup = Callable[[Hub], None]
AT = "2026-0{}-05T10:00:00+08:00"
TENANCIES = 3


def history(rng: random.Random, number: int) -> list[dict[str, Any]]:
    """Two to four versions of one tenancy: people come, go and come back, cards and consents change, it moves, it ends."""
    people = [2 * number, 2 * number + 1, 200 + number]
    found = []
    for version in range(1, rng.randint(2, 4) + 1):
        who = sorted({people[0], *rng.sample(people, rng.randint(0, 3))})
        members = [
            member(
                one,
                relation="applicant" if one == people[0] else "child",
                cards=[str(1_000 * one + rng.randint(1, 3))],
                name=rng.choice(["张三丰", "张三峰"]),
                consents={p: rng.choice([None, {"at": AT.format(version), "notice": "v1"}]) for p in "abc"},
                to=rng.choice([None, None, None, "2026-10-01"]) if one != people[0] else None,
            )
            for one in who
        ]
        changed: dict[str, Any] = {"members": members}
        if rng.random() < 0.25:
            changed |= {"state": "ended", "end_decision": rng.choice([DECISION, None, DECISION | {"signed_by": ""}])}
        if rng.random() < 0.3:
            changed["dwelling_code"] = household(40 + rng.randint(0, 7))["dwelling_code"]
        found.append(household(number, version, **changed))
    return found


def snapshot(hub: Hub) -> dict[str, Any]:
    """What must be the same: tenancies, who lives there, what they consent to, which cards open where."""
    today = hub.now().date()
    with hub.db.reading() as session:
        tenancies = {
            t.source_id: (t.version, t.state, code, t.end_decision)
            for t, code in session.execute(
                select(Tenancy, Dwelling.code).join(Dwelling, Dwelling.id == Tenancy.dwelling_id)
            )
        }
        rows = session.execute(
            select(Tenancy.source_id, Tenancy.state, Person, HouseholdMember)
            .join(HouseholdMember, HouseholdMember.person_id == Person.id)
            .join(Tenancy, Tenancy.id == HouseholdMember.tenancy_id)
        ).all()
        living = {(t, p.source_id, p.name) for t, s, p, m in rows if s != "ended" and not has_left(m, today)}
        at_home = {p.id for _, s, p, m in rows if s != "ended" and not has_left(m, today)}
        consents = {
            (p.source_id, c.purpose, c.granted_at)
            for c, p in session.execute(select(Consent, Person).join(Person, Person.id == Consent.person_id))
            if c.withdrawn_at is None and p.id in at_home
        }
    return {"tenancies": tenancies, "living": living, "consents": consents, "cards": access(hub)}


def justified(hub: Hub, delivered: list[dict[str, Any]]) -> None:
    """Every credential that ended did so by a record that was delivered: a whole decision, or a household without him."""
    with hub.db.reading() as session:
        rows = session.execute(
            select(Tenancy.source_id, Person.source_id, CredentialRow.ended_because)
            .join(Tenancy, Tenancy.id == CredentialRow.tenancy_id)
            .join(Person, Person.id == CredentialRow.person_id)
            .where(CredentialRow.state == "ended")
        ).all()
    for tenancy, person, why in rows:
        mine = [r for r in delivered if r["id"] == tenancy]
        if why.startswith("end_decision"):
            assert any(r["end_decision"] == DECISION for r in mine), (tenancy, why)
        else:
            assert why.startswith("left_household"), why
            there = [[m for m in r["members"] if m["person_id"] == person] for r in mine]
            assert any(not some or some[0]["to"] for some in there), (tenancy, person, why)


def deliver(hub: Hub, feed: Feed, rng: random.Random, records: list[dict[str, Any]]) -> None:
    """Each record by push or by a pull of a feed that stands just there; now and then a list comes in between."""
    (source,) = load_sources(hub.config.dir)
    with hub.db.reading() as session:
        estate = session.get_one(Estate, "E001")
    done: list[dict[str, Any]] = []
    shown: dict[str, dict[str, Any]] = {}
    for record in records:
        shown[record["id"]] = record
        done.append(record)
        if rng.random() < 0.5:
            push.take(hub, source, [record] * rng.randint(1, 2))
        else:
            feed.records = list(shown.values())
            rng.shuffle(feed.records)
            with hub.db.unit_of_work("test", "everything again", audit=False) as uow:
                if (state := uow.session.get(SourceState, "feed")) is not None:
                    sync.want_full(uow, state)
            sync.run(hub)
            done += feed.records
        if rng.random() < 0.2 and record["state"] == "active":
            first = record["members"][0]
            line = f"{record['dwelling_code']},{first['name']},{first['id_number']},本人,2026-01-05,{first['cards'][0]}"
            if record["dwelling_code"] in access(hub):
                sheet = f"房屋编码,姓名,身份证号,关系,起租日,卡号\n{line}\n".encode()
                upload(hub, estate, "official", "x.csv", sheet, dry_run=False)
        publish.publish(hub)
        justified(hub, done)


@pytest.mark.parametrize("seed", range(4))
def test_any_order_of_any_mixture_ends_in_the_same_state(seed: int, make_fed: Callable[[], Hub], feed: Feed) -> None:
    rng = random.Random(seed)
    histories = [history(rng, n) for n in range(TENANCIES)]
    straight = [record for some in histories for record in some]
    ends = []
    for order in range(2):
        hub, records = make_fed(), list(straight)
        if order:
            records += rng.choices(straight, k=4)
            rng.shuffle(records)
        deliver(hub, feed, rng, records)
        feed.records = [some[-1] for some in histories]
        with hub.db.unit_of_work("test", "everything again", audit=False) as uow:
            sync.want_full(uow, uow.session.get_one(SourceState, "feed"))
        sync.run(hub)
        publish.publish(hub)
        ends.append(snapshot(hub))
    for other in ends[1:]:
        for part, value in ends[0].items():
            assert other[part] == value, f"seed {seed}: {part}"
