"""One person's access: by which households, on which devices; and why not, with what to do about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from hub.access.explain import explain_tokens
from hub.access.explain_words import Line, ended, summary
from hub.access.holders import local_day, members_on_file
from hub.access.lifecycle import why_no_face
from hub.masking import mask_name
from hub.tables import CredentialRow, Dwelling, Estate, HouseholdMember, Person, Tenancy


@dataclass(frozen=True, slots=True)
class PersonAccess:
    """`name` masked. `households`: where this person belongs, with the tenancy's state. `summary`: on how many devices, since
    when. `not_because`: why this person passes nowhere, or not by every way.
    """

    person_id: str
    estate_ids: tuple[str, ...]
    zone: str
    name: str
    households: tuple[str, ...]
    lines: tuple[Line, ...]
    summary: str
    not_because: tuple[str, ...]

    @property
    def confirmed(self) -> int:
        return sum(d.state == "confirmed" for line in self.lines for d in line.devices)

    @property
    def devices(self) -> int:
        return sum(len(line.devices) for line in self.lines)


def explain_person(
    session: Session, person: Person, at: datetime, sees: Callable[[str], bool] = lambda _estate: True
) -> PersonAccess:
    """`sees`: whether the reader may see an estate; what lies in others is left out."""
    found = session.execute(
        select(HouseholdMember, Tenancy, Dwelling, Estate)
        .join(Tenancy, Tenancy.id == HouseholdMember.tenancy_id)
        .join(Dwelling, Dwelling.id == Tenancy.dwelling_id)
        .join(Estate, Estate.id == Tenancy.estate_id)
        .where(HouseholdMember.person_id == person.id)
        .order_by(Tenancy.from_date.desc(), Tenancy.id)
    ).all()
    rows = [row for row in found if sees(row[3].id)]
    mine = select(CredentialRow).where(CredentialRow.person_id == person.id)
    credentials = [
        c
        for c in session.scalars(mine.order_by(CredentialRow.created_at.desc(), CredentialRow.token))
        if sees(c.estate_id)
    ]
    zone = rows[0][3].time_zone if rows else "Asia/Shanghai"
    live = [c.token for c in credentials if c.state == "active"]
    lines = explain_tokens(session, live, at)
    told: list[str] = []
    for member, tenancy, dwelling, estate in rows:
        of_tenancy = [c for c in credentials if c.tenancy_id == tenancy.id]
        told += _why_not(session, estate, member, tenancy, dwelling, of_tenancy, at)
    if not rows:
        told.append("此人不在任何家庭的名单上：请核对租赁系统中的共同居住人登记。")
    devices = [d for line in lines for d in line.devices]
    return PersonAccess(
        person.id,
        tuple(dict.fromkeys(estate.id for _, _, _, estate in rows)),
        zone,
        mask_name(person.name),
        tuple(f"{dwelling.code}（租约 {tenancy.source_id}，{_STATE_ZH.get(tenancy.state, tenancy.state)}）"
              for _, tenancy, dwelling, _ in rows),
        tuple(lines),
        summary(devices, zone),
        tuple(dict.fromkeys(told)),
    )  # fmt: skip


_STATE_ZH = {"allocated": "已分配未入住", "active": "在租", "ended": "已终止"}


def _why_not(
    session: Session,
    estate: Estate,
    member: HouseholdMember,
    tenancy: Tenancy,
    dwelling: Dwelling,
    credentials: list[CredentialRow],
    at: datetime,
) -> list[str]:
    """Why this membership gives no access, or not every way in."""
    today = local_day(estate, at)
    place = f"{dwelling.code}："
    active = any(c.state == "active" for c in credentials)
    if not active and (why := _membership(member, tenancy, today)):
        return [place + why]
    if not active:
        last = next((c for c in credentials if c.state == "ended"), None)
        why = ended(last.ended_because) if last else "通行凭证正在生成，一分钟后再看；如一直没有，请联系技术人员。"
        return [place + why]
    told = []
    if tenancy.state == "active" and member.from_date > today:
        told.append(f"{place}入住日期 {member.from_date.isoformat()} 起可通行。")
    for one in members_on_file(session, estate.id, at=at):
        if one.member_id == member.id and (why := why_no_face(one.facts, today)):
            told.append(f"{place}不能刷脸：{why}。其他方式不受影响。")
    return told


def _membership(member: HouseholdMember, tenancy: Tenancy, today: date) -> str:
    if tenancy.state == "ended":
        number = str((tenancy.end_decision or {}).get("number", ""))
        return f"租约已终止{f'（决定书 {number}）' if number else ''}。"
    if tenancy.state == "allocated":
        return "房屋已分配，租约尚未生效；入住登记后自动开通。"
    if member.to_date is not None and member.to_date < today:
        return f"已于 {member.to_date.isoformat()} 离开家庭（按租赁系统登记）。"
    return ""


def find_persons(session: Session, subject: str) -> list[Person]:
    """By our id, the source's id, or `dwelling name` (a house code and a name, whole or masked: `E001-B1-0301 李*华`)."""
    exact = session.scalars(select(Person).where(or_(Person.id == subject, Person.source_id == subject))).all()
    if exact:
        return sorted(exact, key=lambda p: p.id)
    parts = [part for part in re.split(r"[\s/@,，]+", subject.strip()) if part]
    if len(parts) != 2:
        return []
    for place, name in (parts, parts[::-1]):
        rows = session.scalars(
            select(Person)
            .join(HouseholdMember, HouseholdMember.person_id == Person.id)
            .join(Tenancy, Tenancy.id == HouseholdMember.tenancy_id)
            .join(Dwelling, Dwelling.id == Tenancy.dwelling_id)
            .where(or_(Dwelling.code == place.upper(), Dwelling.id == place))
            .order_by(Person.id)
            .distinct()
        ).all()
        if found := [p for p in rows if name in (p.name, mask_name(p.name))]:
            return found
    return []
