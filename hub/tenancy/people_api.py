"""Records that may be of one person, on the console: the evidence masked, two persons decide, a split undoes it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from hub import moved
from hub.auth import Principal, hub_of, require
from hub.errors import Conflict
from hub.services import Hub
from hub.tables import PersonLink
from hub.tenancy import people

router = APIRouter(prefix="/api/v1", tags=["tenancy"])
Viewer = Annotated[Principal, Depends(require("tenancy.view"))]
Manager = Annotated[Principal, Depends(require("tenancy.manage"))]
TheHub = Annotated[Hub, Depends(hub_of)]


class PersonMembership(BaseModel):
    tenancy: str
    dwelling_code: str
    relation: str
    state: str
    from_date: str
    to_date: str
    cards: list[str]


class PersonRecord(BaseModel):
    """One record as its source tells it, masked."""

    person: str
    source: str
    number: str
    name: str
    id_number: str
    birth_year: int | None
    consents: list[str]
    memberships: list[PersonMembership]


class PersonPair(BaseModel):
    """`by`: id_number, name_and_birth or people. `state`: empty (nobody said anything), asked or linked."""

    records: list[PersonRecord]
    by: str
    link: str
    state: str
    asked_by: str


class PersonPairs(BaseModel):
    items: list[PersonPair]


class SamePerson(BaseModel):
    """`kept` and `other`: the two records that were looked at."""

    kept: str = Field(min_length=1, max_length=64)
    other: str = Field(min_length=1, max_length=64)
    reason: str = Field(min_length=4, max_length=500)


class SameWord(BaseModel):
    reason: str = Field(min_length=4, max_length=500)


class SameSaid(BaseModel):
    link: str
    state: str


def _pairs(found: list[people.Pair]) -> PersonPairs:
    return PersonPairs(items=[PersonPair.model_validate(_plain(pair)) for pair in found])


def _plain(pair: people.Pair) -> dict[str, object]:
    records = [
        {
            "person": one.person,
            "source": one.source,
            "number": one.number,
            "name": one.name,
            "id_number": one.id_number,
            "birth_year": one.birth_year,
            "consents": list(one.consents),
            "memberships": [
                {
                    "tenancy": m.tenancy,
                    "dwelling_code": m.dwelling_code,
                    "relation": m.relation,
                    "state": m.state,
                    "from_date": m.from_date,
                    "to_date": m.to_date,
                    "cards": list(m.cards),
                }
                for m in one.memberships
            ],
        }
        for one in pair.records
    ]
    return {"records": records, "by": pair.by, "link": pair.link, "state": pair.state, "asked_by": pair.asked_by}


def _everywhere(principal: Principal) -> None:
    if principal.estate_ids is not None:
        raise Conflict("同一人可能涉及多个小区，请由可查看全部小区的人员办理。")


@router.get("/tenancy/people/candidates")
def person_candidates(hub: TheHub, principal: Viewer, source: str | None = None) -> PersonPairs:
    """By the same ID number, or the same name and birth date where one has none. Nothing is merged by being listed."""
    with hub.db.reading() as session:
        return _pairs(people.candidates(session, principal.estate_ids, source))


@router.get("/tenancy/people/linked")
def linked_persons(hub: TheHub, principal: Viewer) -> PersonPairs:
    """What people confirmed; each can be taken apart again."""
    with hub.db.reading() as session:
        return _pairs(people.linked(session, principal.estate_ids))


@router.post("/tenancy/people/same", status_code=202)
def ask_same_person(body: SamePerson, hub: TheHub, principal: Manager) -> SameSaid:
    """The first of two persons says that both records are of one human being."""
    _everywhere(principal)
    with hub.db.unit_of_work(principal.name, body.reason, now=hub.now()) as uow:
        return _said(people.ask(uow, body.kept, body.other))


@router.post("/tenancy/people/same/{link}/confirm", status_code=202)
def confirm_same_person(link: str, body: SameWord, hub: TheHub, principal: Manager) -> SameSaid:
    """The second, who is another. Of consents the stricter one holds until the person is asked anew."""
    _everywhere(principal)
    with hub.db.unit_of_work(principal.name, body.reason, now=hub.now()) as uow:
        told = _said(people.decide(uow, link, same=True))
    moved.tell(hub)
    return told


@router.post("/tenancy/people/same/{link}/refuse", status_code=202)
def refuse_same_person(link: str, body: SameWord, hub: TheHub, principal: Manager) -> SameSaid:
    """They are two: it is not asked again."""
    _everywhere(principal)
    with hub.db.unit_of_work(principal.name, body.reason, now=hub.now()) as uow:
        return _said(people.decide(uow, link, same=False))


@router.post("/tenancy/people/same/{link}/split", status_code=202)
def split_person(link: str, body: SameWord, hub: TheHub, principal: Manager) -> SameSaid:
    """Two after all: each record stands for itself again, with the consents it told."""
    _everywhere(principal)
    with hub.db.unit_of_work(principal.name, body.reason, now=hub.now()) as uow:
        told = _said(people.split(uow, link))
    moved.tell(hub)
    return told


def _said(link: PersonLink) -> SameSaid:
    return SameSaid(link=link.id, state=link.state)
