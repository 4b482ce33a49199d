"""Explanations over HTTP: of a dwelling, a person, a door, and of one credential (a pass, a role, a member's)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from sqlalchemy import select

from hub.access.explain import explain_door, explain_dwelling, explain_tokens
from hub.access.explain_person import explain_person
from hub.access.explain_text import door_text, person_text
from hub.access.explain_words import Line, as_text, device_words
from hub.auth import Principal, hub_of, in_scope, require
from hub.english.phrases import english, in_english, part
from hub.errors import NotFound
from hub.services import Hub
from hub.tables import CredentialRow, Door, Dwelling, Estate, HouseholdMember, Person, Tenancy

router = APIRouter(prefix="/api/v1", tags=["access"])
Viewer = Annotated[Principal, Depends(require("estate.view"))]
TheHub = Annotated[Hub, Depends(hub_of)]


class ExplainedDevice(BaseModel):
    """`held_since`: since when it is known to be held so. `proof`: edge (decides by list `generation`), read_back, or empty.

    `text_zh` says all of it in words.
    """

    device_id: str
    device_name: str
    state: str
    since: datetime | None
    code: str
    message_zh: str
    message_en: str
    held_since: datetime | None
    proof: str
    generation: int
    text_zh: str


class LineInEnglish(BaseModel):
    """The same words in English (`hub.english`); names of doors and roles stay as they are."""

    who: str
    where: str
    when: str
    because: str
    ways: str
    not_because: list[str]


class ExplainedLine(BaseModel):
    """`not_because`: why the holder cannot pass all the same, at some door or everywhere, with what to do."""

    who: str
    where: str
    when: str
    because: str
    ways: str
    devices: list[ExplainedDevice]
    not_because: list[str]
    token: str
    holder_class: str
    english: LineInEnglish


class Explanation(BaseModel):
    lines: list[ExplainedLine]
    text: str


class DoorDevice(BaseModel):
    """`state`: in_step, pending, behind, refusals, unknown."""

    device_id: str
    device_name: str
    state: str


class DoorExplanation(BaseModel):
    """`total`: how many may pass; `lines` are a page of them, who does not live here first. `shut`: the door's mode, if not
    its normal one.
    """

    door_id: str
    name: str
    scope: str
    shut: list[str]
    shut_en: list[str]
    devices: list[DoorDevice]
    total: int
    by_class: dict[str, int]
    lines: list[ExplainedLine]
    text: str


class PersonExplanation(BaseModel):
    """`name` masked. On `confirmed` of `devices` devices; `summary` says since when. `not_because`: why not, or not by every
    way, with what to do.
    """

    person_id: str
    name: str
    households: list[str]
    households_en: list[str]
    devices: int
    confirmed: int
    summary: str
    summary_en: str
    not_because: list[str]
    not_because_en: list[str]
    lines: list[ExplainedLine]
    text: str


def _items(lines: Sequence[Line], zone: str) -> list[ExplainedLine]:
    return [
        ExplainedLine(
            **{k: v for k, v in asdict(line).items() if k not in ("devices", "not_because")},
            not_because=list(line.not_because),
            english=_english(line),
            devices=[ExplainedDevice(**d.as_json(), text_zh=device_words(d, zone)) for d in line.devices],
        )
        for line in lines
    ]


def _english(line: Line) -> LineInEnglish:
    return LineInEnglish(
        **{name: part(getattr(line, name)) for name in ("who", "where", "when", "because", "ways")},
        not_because=in_english(list(line.not_because)),
    )


@router.get("/dwellings/{dwelling_id}/explain")
def explain_dwelling_access(dwelling_id: str, hub: TheHub, principal: Viewer) -> Explanation:
    with hub.db.reading() as session:
        dwelling = session.get(Dwelling, dwelling_id)
        in_scope(principal, dwelling.estate_id if dwelling else None)
        if dwelling is None:
            raise NotFound
        lines = explain_dwelling(session, dwelling, hub.now())
        zone = session.get_one(Estate, dwelling.estate_id).time_zone
    return Explanation(lines=_items(lines, zone), text=as_text(lines, zone))


@router.get("/credentials/{token}/explain")
def explain_credential(token: str, hub: TheHub, principal: Viewer) -> Explanation:
    """One credential, also one that ended."""
    with hub.db.reading() as session:
        row = session.get(CredentialRow, token)
        in_scope(principal, row.estate_id if row else None)
        if row is None:
            raise NotFound
        lines = explain_tokens(session, {token}, hub.now())
        zone = session.get_one(Estate, row.estate_id).time_zone
    return Explanation(lines=_items(lines, zone), text=as_text(lines, zone))


@router.get("/doors/{door_id}/explain")
def explain_door_access(
    door_id: str,
    hub: TheHub,
    principal: Viewer,
    offset: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    label: Annotated[str, Query(max_length=60)] = "",
) -> DoorExplanation:
    """Everybody who may pass it; `label`: only those whose label (house number, role, kind of pass) contains it."""
    with hub.db.reading() as session:
        door = session.get(Door, door_id)
        in_scope(principal, door.estate_id if door else None)
        if door is None:
            raise NotFound
        access = explain_door(session, door, hub.now())
    chosen = [line for line in access.lines if label in line.who]
    classes = [line.holder_class for line in chosen]
    access.lines[:] = chosen[offset : offset + limit]
    return DoorExplanation(
        door_id=door.id,
        name=door.name,
        scope=door.scope,
        shut=list(access.shut),
        shut_en=in_english(list(access.shut)),
        devices=[DoorDevice(device_id=d, device_name=name, state=state) for d, name, state in access.devices],
        total=len(chosen),
        by_class={c: classes.count(c) for c in sorted(set(classes))},
        lines=_items(access.lines, access.zone),
        text=door_text(access),
    )


@router.get("/persons/{person_id}/access")
def explain_person_access(person_id: str, hub: TheHub, principal: Viewer) -> PersonExplanation:
    """Our id of a person. Seen by who sees an estate in which the person's household is, or was."""
    with hub.db.reading() as session:
        estates = session.scalars(
            select(Tenancy.estate_id)
            .join(HouseholdMember, HouseholdMember.tenancy_id == Tenancy.id)
            .where(HouseholdMember.person_id == person_id)
        ).all()
        seen = [estate for estate in estates if principal.sees(estate)]
        in_scope(principal, seen[0] if seen else None)
        access = explain_person(session, session.get_one(Person, person_id), hub.now(), principal.sees)
    return PersonExplanation(
        person_id=access.person_id,
        name=access.name,
        households=list(access.households),
        households_en=in_english(list(access.households)),
        devices=access.devices,
        confirmed=access.confirmed,
        summary=access.summary,
        summary_en=english(access.summary),
        not_because=list(access.not_because),
        not_because_en=in_english(list(access.not_because)),
        lines=_items(access.lines, access.zone),
        text=person_text(access),
    )
