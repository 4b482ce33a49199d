"""Outside signs (旁证) kept: from the lease system's feed (F4) and from staff (F5). Nothing here looks at or changes access."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import select

from hub.db import UnitOfWork
from hub.errors import ApiError, BadRequest, Conflict, NotFound
from hub.ids import new_id
from hub.occupancy.dirty import mark_dirty
from hub.occupancy.outside import SIGN_KINDS
from hub.tables import Dwelling, InboundDecision, OutsideSign

KIND = "outside_sign"
LEASE_SYSTEM = "lease_system"
MOST_BACK, MOST_AHEAD = timedelta(days=400), timedelta(days=366)


class SignMessage(BaseModel):
    """The schema of `outside_sign`: a class and its days. A field for an amount, a name or an address there is not.

    `sign`: one of the classes of family F4. `withdraws`: the id of an earlier message that was wrong.
    """

    model_config = ConfigDict(extra="forbid")
    id: str
    kind: str
    dwelling_code: str = Field(default="", max_length=100)
    sign: str = Field(default="", max_length=40)
    on: date | None = None
    until: date | None = None
    withdraws: str = Field(default="", max_length=120)


@dataclass(frozen=True, slots=True)
class Wish:
    """`digest`: SHA-256 of the copy of an advertisement."""

    kind: str
    on: date
    until: date | None = None
    anonymous: bool = False
    digest: str = ""


def receive(uow: UnitOfWork, id: str, body: dict[str, Any]) -> str:
    """A message of the lease system. 422 names the field that has no place here, so that no amount is ever stored."""
    try:
        told = SignMessage.model_validate(body)
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors()[0]["loc"])[:60]
        raise ApiError(
            422, "bad_sign", f"旁证只收类别和日期（不收金额、姓名、地址）。“{field}”不是可用的字段或内容无效。"
        ) from error
    if told.withdraws:
        row = uow.session.scalar(
            select(OutsideSign).where(OutsideSign.source == LEASE_SYSTEM, OutsideSign.source_id == told.withdraws)
        )
        if row is None:
            return "stored; the sign it withdraws is not known here"
        withdraw(uow, row)
        return "sign withdrawn"
    kind = SIGN_KINDS.get(told.sign)
    if kind is None or kind.by_people or told.on is None:
        allowed = ", ".join(name for name, one in SIGN_KINDS.items() if not one.by_people)
        raise ApiError(422, "bad_sign", f"旁证须有日期“on”和类别“sign”：{allowed}。")
    dwelling = uow.session.scalar(select(Dwelling).where(Dwelling.code == told.dwelling_code))
    if dwelling is None:
        return "stored; no dwelling has this code"
    kept = keep(uow, dwelling, Wish(told.sign, told.on, told.until), LEASE_SYSTEM, id, LEASE_SYSTEM)
    if _taken_back(uow, id):  # messages may come in any order
        withdraw(uow, uow.session.get(OutsideSign, kept))
        return "sign kept, and withdrawn by an earlier message"
    return "sign kept"


def _taken_back(uow: UnitOfWork, id: str) -> bool:
    earlier = select(InboundDecision.id).where(InboundDecision.kind == KIND)
    return uow.session.scalar(earlier.where(InboundDecision.body["withdraws"].as_string() == id).limit(1)) is not None


def keep(uow: UnitOfWork, dwelling: Dwelling, wish: Wish, source: str, source_id: str, by: str) -> str:
    """The sign's id. Its days are judged again, so that it stands beside them. Raises BadRequest."""
    kind, today = SIGN_KINDS.get(wish.kind), uow.now.date()
    if kind is None:
        raise BadRequest("请从列表中选择类别。")
    if not today - MOST_BACK <= wish.on <= today + timedelta(days=1):
        raise BadRequest("日期应在过去400天之内，且不晚于今天。")
    if wish.until is not None and not (kind.lasting and wish.on <= wish.until <= wish.on + MOST_AHEAD):
        raise BadRequest("这一类别没有截止日期，或截止日期早于起始日期、超过一年。")
    row = OutsideSign(
        id=new_id("sign"),
        estate_id=dwelling.estate_id,
        dwelling_id=dwelling.id,
        kind=wish.kind,
        on=wish.on,
        until=wish.until,
        anonymous=wish.anonymous,
        digest=wish.digest,
        source=source,
        source_id=source_id or new_id("own"),
        recorded_by=by,
        recorded_at=uow.now,
    )
    uow.estate_id = dwelling.estate_id
    uow.session.add(row)
    uow.session.flush()
    uow.record("sign.kept", row.id, kind=wish.kind, dwelling=dwelling.id, source=source)
    mark_dirty(uow.session, {dwelling.id: min(wish.on, today)})
    return row.id


def withdraw(uow: UnitOfWork, row: OutsideSign | None) -> None:
    """It was wrong: it stays on record and counts no more."""
    if row is None:
        raise NotFound
    if row.withdrawn_at is not None:
        raise Conflict("这条旁证已撤回。", "sign_withdrawn")
    row.withdrawn_at, uow.estate_id = uow.now, row.estate_id
    uow.record("sign.withdrawn", row.id, dwelling=row.dwelling_id)
    mark_dirty(uow.session, {row.dwelling_id: row.on})
