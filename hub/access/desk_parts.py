"""What the counter's pages have in common: who may, what is answered, and how a device stands to a credential."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.access import desk, held
from hub.access.ways import not_usable
from hub.auth import Principal, hub_of, in_scope, require
from hub.english.phrases import in_english
from hub.errors import NotFound
from hub.other_way import phone_link
from hub.services import Hub
from hub.tables import AccessPass, CredentialIdentifierRow, Estate

Viewer = Annotated[Principal, Depends(require("estate.view"))]
Desk = Annotated[Principal, Depends(require("access.desk"))]
TheHub = Annotated[Hub, Depends(hub_of)]
ReasonText = Annotated[str, Field(min_length=4, max_length=500)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ReasonWanted(Strict):
    reason: ReasonText


class OnDevice(BaseModel):
    device_id: str
    device_name: str
    state: str
    since: datetime | None
    code: str
    message_zh: str
    message_en: str


class DeskAnswer(BaseModel):
    """`number` of a new pass, and the `link` with which a phone shows its code: shown this once.

    `warnings`, `warnings_en`: what the clerk should know, e.g. doors that the chosen way does not open. `held`: the id of what
    waits for a second person, else empty.
    """

    subject: str = ""
    number: str = ""
    link: str = ""
    warnings: list[str] = []
    warnings_en: list[str] = []
    held: str = ""


def estate_known(hub: Hub, principal: Principal, estate_id: str) -> None:
    """In scope, and there. Raises ApiError."""
    in_scope(principal, estate_id)
    with hub.db.reading() as session:
        if session.get(Estate, estate_id) is None:
            raise NotFound


def pass_not_usable(session: Session, row: AccessPass, identifier: CredentialIdentifierRow | None) -> list[str]:
    if identifier is None:
        return []
    scheduled, counted = row.schedule_id is not None, row.uses is not None
    return not_usable(session, row.estate_id, row.doors, identifier.type, scheduled=scheduled, counted=counted)


def answer_of(hub: Hub, done: desk.Done) -> DeskAnswer:
    """With the link as a person opens it, and what the clerk should know of a new pass."""
    link = phone_link(hub.config.public_url, done.secret)
    warnings = list(done.warnings)
    if done.number or done.secret:
        with hub.db.reading() as session:
            if row := session.get(AccessPass, done.subject):
                shown = select(CredentialIdentifierRow).where(CredentialIdentifierRow.token == row.token)
                warnings += pass_not_usable(session, row, session.scalars(shown).first())
    return DeskAnswer(
        subject=done.subject, number=done.number, link=link, warnings=warnings, warnings_en=in_english(warnings)
    )


def answer(hub: Hub, response: Response, told: held.Answer) -> DeskAnswer:
    """202 with the id of what waits for a second person."""
    if told.done is None:
        response.status_code = 202
        return DeskAnswer(held=told.held)
    return answer_of(hub, told.done)
