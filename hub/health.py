"""Which parts are well. Public: it says nothing of people or places."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.auth import hub_of
from hub.db import AWAY
from hub.english.phrases import english
from hub.services import Hub
from hub.tables import Edge, JobRun, OutboxMessage, SourceState

router = APIRouter(prefix="/api/v1", tags=["health"])
VERSION = "0.1.0"
LOW_DISK = 512 * 1024 * 1024
OUTBOX_LATE = timedelta(minutes=15)
CERTIFICATE_LEFT = timedelta(days=14)  # a box renews when 30 are left
BACKUP_AGE = timedelta(days=8)  # who makes one a week has a day to notice that it failed


class Part(BaseModel):
    """`detail_zh`: one line; `detail`: the same in English. `looked` False: nobody looked yet, it is neither well nor ill."""

    name: str
    ok: bool
    looked: bool
    detail: str
    detail_zh: str


class Health(BaseModel):
    ok: bool
    version: str
    parts: list[Part]


@router.get("/health", response_model=Health)
def health(hub: Annotated[Hub, Depends(hub_of)]) -> Any:
    parts = [*_database_parts(hub), _broker(hub), _disk(hub)]
    return {"ok": all(part.ok for part in parts), "version": VERSION, "parts": parts}


def _part(name: str, ok: bool, detail_zh: str, *, looked: bool = True) -> Part:
    return Part(name=name, ok=ok, looked=looked or not ok, detail=english(detail_zh), detail_zh=detail_zh)


def _database_parts(hub: Hub) -> list[Part]:
    try:
        with hub.db.reading() as session:
            session.execute(select(1))
            parts = [
                _jobs(session),
                _edges(session, hub),
                _source(session),
                _outbox(session, hub),
                _law(session),
                _backup(session, hub),
            ]
    except AWAY:
        return [_part("database", False, "数据库没有响应")]
    return [_part("database", True, hub.db.engine.dialect.name), *parts]


def _jobs(session: Session) -> Part:
    failed = [row.job for row in session.scalars(select(JobRun).where(JobRun.ok.is_(False)))]
    total = session.scalar(select(func.count()).select_from(JobRun)) or 0
    if not total:
        return _part("jobs", True, "尚未运行", looked=False)
    return _part("jobs", not failed, f"失败：{', '.join(failed)}" if failed else f"{total} 项任务正常")


def _edges(session: Session, hub: Hub) -> Part:
    online = session.execute(select(Edge.online).where(Edge.enrolled_at.is_not(None))).scalars().all()
    unsent = sorted(hub.unsent)
    ending = select(Edge.id).where(Edge.secret_hash.is_not(None), Edge.certificate_until < hub.now() + CERTIFICATE_LEFT)
    ends = session.scalars(ending.order_by(Edge.id)).all()
    doubted = select(Edge.id).where(Edge.online, Edge.clock_trusted.is_(False))
    unsure = session.scalars(doubted.order_by(Edge.id)).all()
    full = session.scalars(select(Edge.id).where(Edge.online, Edge.disk_writes.is_(False)).order_by(Edge.id)).all()
    said = [f"{len(online)} 台中 {sum(online)} 台在线"]
    if unsure:
        said.append(f"时间不可信，访客暂不放行：{', '.join(unsure[:5])}")
    if full:
        said.append(f"磁盘不能写入，记录断电即失：{', '.join(full[:5])}")
    if ends:
        said.append(f"证书未续期：{', '.join(ends[:5])}")
    if unsent:
        said.append(f"过大而无法下发：{', '.join(unsent[:5])}")
    well = all(online) and not (unsent or ends or full or unsure)
    return _part("edges", well, "；".join(said), looked=bool(online))


def _source(session: Session) -> Part:
    rows = session.scalars(select(SourceState)).all()
    bad = [row.source for row in rows if row.last_error]
    held = [row.source for row in rows if row.held]
    said = [f"出错：{', '.join(bad)}" if bad else f"{len(rows)} 个来源"]
    unread = [row.source for row in rows if row.last_ok_at is None and not row.last_error]
    if unread:
        said.append(f"尚未读取：{', '.join(unread)}")
    if held:
        said.append(f"有记录待核：{', '.join(held)}")
    return _part("tenancy_source", not bad, "；".join(said), looked=len(unread) < len(rows))


def _outbox(session: Session, hub: Hub) -> Part:
    waiting = session.scalars(select(OutboxMessage.created_at).where(OutboxMessage.delivered_at.is_(None))).all()
    late = [at for at in waiting if hub.now() - at > OUTBOX_LATE]
    return _part("lease_outbox", not late, f"{len(waiting)} 条待送，其中 {len(late)} 条已迟")


def _law(session: Session) -> Part:
    """The running set-up against the law, as the last check found it."""
    row = session.get(JobRun, "law.check")
    unlawful = row.detail.partition(" ")[0] if row else ""
    if unlawful.isdigit():
        return _part("law", unlawful == "0", f"{unlawful} 处不合法")
    if row is not None and row.ok is False:
        return _part("law", False, "最近一次检查失败")
    return _part("law", True, "尚未检查", looked=False)


def _backup(session: Session, hub: Hub) -> Part:
    """As `estate-hub backup` noted it. Who saves the hub by other means never ran it: that is not ill."""
    row = session.get(JobRun, "backup")
    if row is None or row.finished_at is None:
        return _part("backup", True, "尚未用 estate-hub backup 备份", looked=False)
    days = (hub.now() - row.finished_at).days
    said = "最近一次备份在 24 小时内" if days < 1 else f"最近一次备份在 {days} 天前"
    return _part("backup", hub.now() - row.finished_at <= BACKUP_AGE, said)


def _broker(hub: Hub) -> Part:
    if not hub.takes():
        return _part("broker", False, "收到的消息无人处理，请重启服务")
    up = hub.link is not None and hub.link.connected
    return _part("broker", up, "已连接" if up else "与消息代理没有连接")


def _disk(hub: Hub) -> Part:
    free = shutil.disk_usage(hub.config.dir).free
    return _part("disk", free > LOW_DISK, f"剩余 {free // 2**20} MB")
