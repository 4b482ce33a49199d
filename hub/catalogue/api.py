"""Hints of the smaller rules, what is wrong with entrances and data, and the catalogue itself, for the console."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from sqlalchemy import select

from hub.auth import Principal, hub_of, in_scope, require
from hub.cases.view import kind_zh
from hub.catalogue.integrity_rows import entrance_hints, integrity_hints
from hub.english.phrases import english, in_english
from hub.errors import NotFound
from hub.estate.names import names_in
from hub.occupancy.catalogue import ACCESS_ENDS_ONLY_BY, FORBIDDEN, HINT_KINDS_ZH, RULES
from hub.services import Hub
from hub.tables import Block, Dwelling, Estate, Finding

router = APIRouter(prefix="/api/v1", tags=["catalogue"])
TheHub = Annotated[Hub, Depends(hub_of)]
Viewer = Annotated[Principal, Depends(require("case.view"))]
Auditor = Annotated[Principal, Depends(require("audit.view"))]


class RuleItem(BaseModel):
    """`may`: rungs of the ladder. `waits`: why it cannot be judged here, if so."""

    rule: str
    title_zh: str
    stage: str
    may: list[str]
    must_not: list[str]
    innocent: list[str]
    anchor: str
    waits: str


class RuleList(BaseModel):
    items: list[RuleItem]
    forbidden: list[str]
    access_ends_only_by: list[str]


class HintItem(BaseModel):
    """`case_id`: the case it became, if it asks."""

    id: str
    dwelling_id: str
    block_name: str
    dwelling_number: str
    kind: str
    kind_zh: str
    rule: str
    stage: str
    because: list[str]
    against: list[str]
    because_en: list[str]
    against_en: list[str]
    window_from: date
    window_to: date
    updated_at: datetime
    case_id: str | None


class HintList(BaseModel):
    items: list[HintItem]


class IntegrityItem(BaseModel):
    """`subject`: a device or, of D6, a door (D); a source, a person's, dwelling's or user's id (N). `about`: which of these;
    `name`: as people know it, empty where it has none to show (a person)."""

    rule: str
    title_zh: str
    title_en: str
    subject: str
    about: str
    name: str
    text_zh: str
    text_en: str


class IntegrityList(BaseModel):
    entrances: list[IntegrityItem]
    data: list[IntegrityItem]


@router.get("/rules")
def list_rules(principal: Viewer) -> RuleList:
    """The whole catalogue: what each rule may and must not lead to."""
    return RuleList(
        items=[
            RuleItem(
                rule=rule,
                title_zh=one.title_zh,
                stage=one.stage,
                may=list(one.may),
                must_not=list(one.must_not),
                innocent=list(one.innocent),
                anchor=one.anchor,
                waits=one.waits,
            )
            for rule, one in RULES.items()
        ],
        forbidden=list(FORBIDDEN),
        access_ends_only_by=list(ACCESS_ENDS_ONLY_BY),
    )


@router.get("/estates/{estate_id}/hints")
def list_hints(estate_id: str, hub: TheHub, principal: Viewer) -> HintList:
    """Open hints of the smaller rules, and notes of the main ones, newest first."""
    in_scope(principal, estate_id)
    with hub.db.reading() as session:
        rows = session.execute(
            select(Finding, Dwelling.number, Block.name)
            .join(Dwelling, Dwelling.id == Finding.dwelling_id)
            .join(Block, Block.id == Dwelling.block_id)
            .where(Finding.estate_id == estate_id, Finding.closed_at.is_(None))
            .where(Finding.kind.in_(list(HINT_KINDS_ZH)) | (Finding.stage == "note"))
            .order_by(Finding.updated_at.desc(), Finding.id)
            .limit(500)
        ).all()
        return HintList(items=[_hint(*row) for row in rows])


def _hint(row: Finding, number: str, block: str) -> HintItem:
    names = ("id", "dwelling_id", "kind", "rule", "stage", "because", "against", "window_from", "window_to")
    return HintItem(
        block_name=block,
        dwelling_number=number,
        kind_zh=kind_zh(row.kind),
        updated_at=row.updated_at,
        case_id=row.case_id,
        because_en=in_english(row.because),
        against_en=in_english(row.against),
        **{name: getattr(row, name) for name in names},
    )


@router.get("/estates/{estate_id}/integrity")
def estate_integrity(estate_id: str, hub: TheHub, principal: Auditor) -> IntegrityList:
    """Entrances that need a repair (D) and data that cannot be trusted (N), as of now. No household is named by a D."""
    in_scope(principal, estate_id)
    with hub.db.reading() as session:
        estate = session.get(Estate, estate_id)
        if estate is None:
            raise NotFound
        names = names_in(session, estate_id)
        entrances = [
            _integrity(one.rule, one.place, one.text_zh, names) for one in entrance_hints(session, estate, hub.now())
        ]
        data = [
            _integrity(one.rule, one.subject, one.text_zh, names) for one in integrity_hints(session, estate, hub.now())
        ]
    return IntegrityList(entrances=entrances, data=data)


ABOUT = {"D6": "door", "N1": "source", "N2": "person", "N3": "dwelling", "N4": "user", "N5": "user"}
"""What a rule's subject is; of the other rules about entrances a device."""


def _integrity(rule: str, subject: str, text: str, names: Mapping[tuple[str, str], str]) -> IntegrityItem:
    about, title = ABOUT.get(rule, "device"), RULES[rule].title_zh
    return IntegrityItem(
        rule=rule, title_zh=title, title_en=english(title), subject=subject, about=about,
        name=subject if about == "source" else names.get((about, subject), ""), text_zh=text, text_en=english(text),
    )  # fmt: skip
