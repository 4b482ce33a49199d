"""Who may pass where, when, because of what, and on which devices since when: for people who must answer for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from hub.access import bundle
from hub.access.entitle import Entitlement, entitle
from hub.access.schedules import in_words
from hub.access.states import DeviceState, credential_states
from hub.access.step import no_way_in
from hub.tables import AccessPoint, CredentialRow, Door, Dwelling, Estate

STATE_ZH = {
    "confirmed": "已确认",
    "assumed": "已写入（无法回读）",
    "pending": "下发中",
    "refused": "设备拒绝",
    "unknown": "未知",
}
ALWAYS = "7×24 小时"
TYPE_ZH = {"card": "刷卡", "face": "刷脸", "pin": "密码", "qr": "二维码", "id_card": "身份证"}


class NothingToExplain(LookupError):
    """No dwelling, credential or door of this name."""


@dataclass(frozen=True, slots=True)
class Line:
    """One holder and what he may pass; `where` are the doors, `ways` how he shows himself."""

    who: str
    where: str
    when: str
    because: str
    ways: str
    devices: tuple[DeviceState, ...]


def explain_dwelling(session: Session, dwelling: Dwelling, at: datetime) -> list[Line]:
    """Everybody whose right comes from a tenancy of this dwelling, and ended credentials still on a device."""
    estate = session.get_one(Estate, dwelling.estate_id)
    rows = session.execute(
        select(CredentialRow.token, CredentialRow.state, CredentialRow.label, CredentialRow.ended_because)
        .where(CredentialRow.dwelling_id == dwelling.id)
        .order_by(CredentialRow.label, CredentialRow.token)
    ).all()
    tokens = {token for token, state, _, _ in rows if state == "active"}
    lines = _lines(session, estate, at, tokens, None)
    ended = [(token, label, why) for token, state, label, why in rows if state != "active"]
    states = credential_states(session, [token for token, _, _ in ended])
    for token, label, why in ended:
        if states[token]:
            lines.append(Line(label, "无", "已终止", f"已终止：{why}", "", tuple(states[token])))
    return lines


def explain_token(session: Session, token: str, at: datetime) -> list[Line]:
    """One credential."""
    row = session.get(CredentialRow, token)
    if row is None:
        raise NothingToExplain(token)
    if row.state != "active":
        states = credential_states(session, [token])[token]
        return [Line(row.label, "无", "已终止", f"已终止：{row.ended_because}", "", tuple(states))]
    return _lines(session, session.get_one(Estate, row.estate_id), at, {token}, None)


def explain_door(session: Session, door: Door, at: datetime) -> list[Line]:
    """Everybody who may pass this door."""
    points = set(session.scalars(select(AccessPoint.id).where(AccessPoint.door_id == door.id)))
    return _lines(session, session.get_one(Estate, door.estate_id), at, None, points)


def _lines(
    session: Session, estate: Estate, at: datetime, tokens: set[str] | None, points: set[str] | None
) -> list[Line]:
    loaded = bundle.load(session, estate)
    entitlements = [
        e
        for e in entitle(loaded.points, loaded.holders, at, estate.time_zone, loaded.passes)
        if (tokens is None or e.token in tokens) and (points is None or not points.isdisjoint(e.access_points))
    ]
    names = _door_names(session, estate.id)
    states = credential_states(session, [e.token for e in entitlements])
    stuck = {n.token: n.why for n in no_way_in(session, estate, at)}
    controls = {t.device: t.access_points for t in loaded.targets}
    found = []
    for one in sorted(entitlements, key=lambda e: (e.label, e.token)):
        where = [p for p in one.access_points if points is None or p in points]
        doors = "、".join(dict.fromkeys(names[p] for p in where)) or "无"
        devices = [s for s in states[one.token] if not controls.get(s.device_id, frozenset()).isdisjoint(where)]
        found.append(Line(one.label, doors, _when(one), one.because, _ways(one, stuck), tuple(devices)))
    return found


def _door_names(session: Session, estate_id: str) -> dict[str, str]:
    rows = session.execute(
        select(AccessPoint.id, Door.name)
        .join(Door, Door.id == AccessPoint.door_id)
        .where(AccessPoint.estate_id == estate_id)
    )
    return dict(rows.all())


def _when(one: Entitlement) -> str:
    start, end = one.validity.not_before, one.validity.not_after
    hours = "；".join(dict.fromkeys(in_words(s) for _, s in one.schedules))
    if len({p for p, _ in one.schedules}) < len(one.access_points):
        hours = f"{ALWAYS}（公共设施 {hours}）" if hours else ALWAYS
    if end is not None:
        return f"{start.isoformat(timespec='minutes') if start else '即刻'} 至 {end.isoformat(timespec='minutes')}，{hours}"
    return f"自 {start.isoformat()} 起，{hours}" if start else hours


def _ways(one: Entitlement, stuck: dict[str, str]) -> str:
    if one.token in stuck:
        return f"尚无开门方式：{stuck[one.token]}"
    return "、".join(dict.fromkeys(TYPE_ZH.get(i.type, i.type) for i in one.identifiers))


def as_text(lines: Sequence[Line]) -> str:
    """For a terminal and for a letter."""
    if not lines:
        return "没有任何人因此取得通行权限。"
    told = []
    for line in lines:
        told.append(f"{line.who}：可通行 {line.where}（{line.when}），依据 {line.because}；方式：{line.ways or '无'}")
        for device in line.devices:
            since = f"，{device.since.isoformat(timespec='seconds')} 上报" if device.since else ""
            why = f"：{device.message_zh}" if device.message_zh else ""
            told.append(f"  - {device.device_name}：{STATE_ZH.get(device.state, device.state)}{since}{why}")
    return "\n".join(told)


def explain_text(session: Session, subject: str, at: datetime) -> str:
    """`subject`: a dwelling's id or house code, a credential's token, or a door's id or code. Raises NothingToExplain."""
    dwelling = session.scalar(select(Dwelling).where(or_(Dwelling.id == subject, Dwelling.code == subject)))
    if dwelling is not None:
        return as_text(explain_dwelling(session, dwelling, at))
    if session.get(CredentialRow, subject) is not None:
        return as_text(explain_token(session, subject, at))
    doors = session.scalars(select(Door).where(or_(Door.id == subject, Door.code == subject)).order_by(Door.id)).all()
    if not doors:
        raise NothingToExplain(subject)
    return "\n\n".join(f"{door.id} {door.name}\n{as_text(explain_door(session, door, at))}" for door in doors)
