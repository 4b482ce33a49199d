"""A household tells the counter that it is away (离家报备): a class of reason, no document asked; ended early by one word."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from hub.db import UnitOfWork
from hub.errors import BadRequest, Conflict, NotFound
from hub.ids import new_id
from hub.occupancy.dirty import mark_dirty
from hub.services import Hub
from hub.tables import Absence, Dwelling, Estate
from hub.tenancy.records import ABSENCE_REASONS

DESK = "desk:"
MOST_BACK = timedelta(days=183)
MOST_AHEAD = timedelta(days=366)
ANALYSIS = "occupancy.analyse"


@dataclass(frozen=True, slots=True)
class Wish:
    """`last` None: no end said; it then pauses for the policy pack's time and the household is asked again."""

    first: date
    last: date | None
    reason: str


def declare(hub: Hub, actor: str, dwelling_id: str, wish: Wish, said: str) -> str:
    """The absence's id. A day that was already judged is judged again. Raises BadRequest with what to correct."""
    with hub.db.unit_of_work(actor, said, now=hub.now()) as uow:
        today = _today(uow, dwelling_id)
        if wish.reason not in ABSENCE_REASONS:
            raise BadRequest("请从列表中选择离家原因的类别（不需要证明材料）。")
        if wish.last is not None and wish.last < wish.first:
            raise BadRequest("结束日期早于开始日期，请检查。")
        if not today - MOST_BACK <= wish.first <= today + MOST_AHEAD:
            raise BadRequest("开始日期应在过去半年到未来一年之内，请检查。")
        if wish.last is not None and wish.last > wish.first + MOST_AHEAD:
            raise BadRequest("报备最长一年；更长的离家请到期前再次报备。")
        same = select(Absence.id).where(
            Absence.dwelling_id == dwelling_id, Absence.from_date == wish.first, Absence.reason == wish.reason
        )
        if uow.session.scalar(same) is not None:
            raise Conflict("这次离家已经报备过。如需更改，请先结束原来的报备。", "absence_known")
        row = Absence(
            id=f"{DESK}{new_id('abs')}",
            dwelling_id=dwelling_id,
            from_date=wish.first,
            to_date=wish.last,
            reason=wish.reason,
            declared_on=today,
        )
        uow.session.add(row)
        uow.record("absence.declared", row.id, reason=wish.reason, dwelling=dwelling_id)
        uow.session.flush()
        mark_dirty(uow.session, {dwelling_id: wish.first})
        id = row.id
    hub.signal(ANALYSIS)
    return id


def end(hub: Hub, actor: str, absence_id: str, said: str) -> None:
    """They are back: it ends yesterday; one that has not begun is taken off. What a feed declared, its own system ends."""
    with hub.db.unit_of_work(actor, said, now=hub.now()) as uow:
        row = uow.session.get(Absence, absence_id)
        if row is None:
            raise NotFound
        if not absence_id.startswith(DESK):
            raise Conflict("这条报备来自租赁系统，请在那里更改，系统会自动同步。", "absence_of_feed")
        today = _today(uow, row.dwelling_id)
        if row.to_date is not None and row.to_date < today:
            raise Conflict("这条报备已经结束。", "absence_over")
        mark_dirty(uow.session, {row.dwelling_id: row.from_date})
        uow.record("absence.ended", row.id, dwelling=row.dwelling_id)
        if row.from_date >= today:
            uow.session.delete(row)
        else:
            row.to_date = today - timedelta(days=1)
    hub.signal(ANALYSIS)


def _today(uow: UnitOfWork, dwelling_id: str) -> date:
    row = uow.session.execute(
        select(Estate.id, Estate.time_zone)
        .join(Dwelling, Dwelling.estate_id == Estate.id)
        .where(Dwelling.id == dwelling_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    uow.estate_id = row.id
    return uow.now.astimezone(ZoneInfo(row.time_zone)).date()
