"""A tenancy list uploaded for one estate: read, compared with what is known, and (unless a dry run) applied.

A sheet adds and corrects; it never ends anything. A dwelling whose tenancy comes from another source is that source's: rows that
agree with it are taken and change nothing, others are refused. A household whose tenancy has ended does not come back by a list
from before: only rows that start after the end (a new lease) are taken.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub import moved
from hub.db import UnitOfWork
from hub.services import Hub
from hub.tables import Dwelling, Estate, HouseholdMember, Person, SourceState, Tenancy
from hub.tenancy import onfile, refused, write
from hub.tenancy.changes import ENDED, ChangeSet
from hub.tenancy.diff import diff
from hub.tenancy.files import rows_of
from hub.tenancy.onfile import Place
from hub.tenancy.records import EndDecision, RefusedRow, TenancyRecord
from hub.tenancy.settle import has_left
from hub.tenancy.sheet import SheetRead, read_sheet, refuse_member


@dataclass(frozen=True, slots=True)
class HouseholdChange:
    """Which household a list changes, for the clerk who tries it: `change` is "new" or "changed"; `members` live there then."""

    dwelling_code: str
    change: str
    members: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """`accepted` + `refused` = all rows that held anything. `household_changes`: new, changed, ended, unchanged households.

    `households`: each of the new and changed ones, by house code.
    """

    accepted: int
    refused: tuple[RefusedRow, ...]
    household_changes: dict[str, int]
    applied: bool
    households: tuple[HouseholdChange, ...] = ()


def source_of(estate: Estate) -> str:
    return f"upload-{estate.code}"


def upload(hub: Hub, estate: Estate, actor: str, name: str, content: bytes, *, dry_run: bool) -> Outcome:
    """Raises Refused when the file cannot be read at all."""
    today = hub.now().astimezone(ZoneInfo(estate.time_zone)).date()
    read = read_sheet(rows_of(name, content), hub.keys.blind, today)
    if dry_run:
        with hub.db.reading() as session:
            records, agreed = _place(session, estate, read)
            changes = diff(onfile.known(session, source_of(estate)), records, today=today)
        return _outcome(read, changes, agreed, today, applied=False)
    with hub.db.unit_of_work(actor, "tenancy list uploaded", estate_id=estate.id, now=hub.now()) as uow:
        records, agreed = _place(uow.session, estate, read)
        changes = diff(onfile.known(uow.session, source_of(estate)), records, today=today)
        write.apply(uow, source_of(estate), changes, onfile.places(uow.session))
        refused.keep(uow, source_of(estate), read.refused, None)
        _keep_state(uow, estate, len(records))
        uow.record("tenancy.upload", estate.id, accepted=read.accepted, refused=len(read.refused))
    moved.tell(hub)
    return _outcome(read, changes, agreed, today, applied=True)


def _outcome(read: SheetRead, changes: ChangeSet, agreed: int, today: date, *, applied: bool) -> Outcome:
    counts = {
        "new": len(changes.new),
        "changed": len(changes.changed),
        "ended": len(changes.ended),
        "unchanged": len(changes.unchanged) + agreed,
    }
    ordered = sorted(read.refused, key=lambda row: int(row.key.split()[-1]))
    told = [(r, "new") for r in changes.new] + [(c.record, "changed") for c in changes.changed]
    households = tuple(
        HouseholdChange(record.dwelling_code, change, sum(not has_left(m, today) for m in record.members))
        for record, change in sorted(told, key=lambda one: one[0].dwelling_code)
    )
    return Outcome(read.accepted, tuple(ordered), counts, applied, households)


def _keep_state(uow: UnitOfWork, estate: Estate, total: int) -> None:
    state = uow.session.get(SourceState, source_of(estate))
    if state is None:
        state = SourceState(source=source_of(estate), cursor="", last_error="", detail={})
        uow.session.add(state)
    state.last_ok_at = state.last_full_at = uow.now
    state.last_total = total
    state.detail = {**state.detail, "kind": "upload", "estate": estate.id}


def _place(session: Session, estate: Estate, read: SheetRead) -> tuple[list[TenancyRecord], int]:
    """The records that may be applied, and how many households another source has just so. Others become refused rows."""
    where = onfile.places(session)
    occupied, over = _occupied(session, estate), _over(session, estate)
    mine = source_of(estate)
    records: list[TenancyRecord] = []
    agreed = 0
    for given in read.records:
        if reason := _wrong_place(given.dwelling_code, estate, where):
            _refuse_all(read, given, reason)
            continue
        living = occupied.get(given.dwelling_code)
        if living and living.source != mine:
            agreed += _compare(read, given, living)
            continue
        record = _of_now(read, given, living, over)
        if record is None:
            continue
        if reason := _wrong_household(record, living):
            _refuse_all(read, record, reason)
        else:
            records.append(record)
    return records, agreed


def _wrong_household(record: TenancyRecord, living: _Living | None) -> str:
    """The reason why this is not the household that lives there, or nothing."""
    head = next((m for m in record.members if m.relation == "applicant"), None)
    if living is None:
        return "" if head else "no_head"
    others = living.source_id != record.id or bool(head and living.head and living.head != head.id_hash)
    return "dwelling_occupied" if others else ""


@dataclass(slots=True)
class _Over:
    """What has ended in an estate: house code → the last day of its last ended tenancy; and the uploads' own ended numbers."""

    last_day: dict[str, date] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)


def _over(session: Session, estate: Estate) -> _Over:
    zone, found = ZoneInfo(estate.time_zone), _Over()
    rows = session.execute(
        select(Dwelling.code, Tenancy.source, Tenancy.source_id, Tenancy.end_decision, Tenancy.ended_at)
        .join(Dwelling, Dwelling.id == Tenancy.dwelling_id)
        .where(Tenancy.estate_id == estate.id, Tenancy.state == ENDED)
    )
    for code, source, source_id, decision, ended_at in rows:
        out = msgspec.convert(decision or {}, EndDecision).move_out_completed_on
        day = out or (ended_at.astimezone(zone).date() if ended_at else date.max)
        found.last_day[code] = max(day, found.last_day.get(code, date.min))
        if source == source_of(estate):
            found.own.add(source_id)
    return found


def _of_now(read: SheetRead, record: TenancyRecord, living: _Living | None, over: _Over) -> TenancyRecord | None:
    """The record without the rows of a household whose tenancy is over, under a number that is not that tenancy's.

    A list without tenancy numbers calls each lease by its house code; the next lease there adds its first day.
    """
    ended, known = over.last_day.get(record.dwelling_code), living.members if living else set()
    late = [m for m in record.members if ended and m.from_date <= ended and m.id_hash not in known]
    numbered = record.id != record.dwelling_code
    if (numbered and record.id in over.own) or (living is None and any(m.relation == "applicant" for m in late)):
        late = list(record.members)
    for member in late:
        refuse_member(read, record, member, "tenancy_ended")
    stay = tuple(m for m in record.members if m not in late)
    if not stay:
        return None
    if late:
        record = msgspec.structs.replace(record, members=stay, from_date=stay[0].from_date)
    if not numbered and living and living.source_id.startswith(f"{record.dwelling_code}@"):
        return msgspec.structs.replace(record, id=living.source_id)
    if not numbered and living is None and record.id in over.own:
        return msgspec.structs.replace(record, id=f"{record.dwelling_code}@{record.from_date.isoformat()}")
    return record


@dataclass(slots=True)
class _Living:
    """The live tenancy of a dwelling: whose record it is, and its members' blind ID numbers."""

    source: str
    source_id: str
    head: str
    members: set[str]


def _occupied(session: Session, estate: Estate) -> dict[str, _Living]:
    rows = session.execute(
        select(Dwelling.code, Tenancy.source, Tenancy.source_id, HouseholdMember.relation, Person.id_number_hash)
        .join(Dwelling, Dwelling.id == Tenancy.dwelling_id)
        .join(HouseholdMember, HouseholdMember.tenancy_id == Tenancy.id)
        .join(Person, Person.id == HouseholdMember.person_id)
        .where(Tenancy.estate_id == estate.id, Tenancy.state != ENDED)
        .order_by(Tenancy.source, Tenancy.source_id, HouseholdMember.ordinal)
    )
    found: dict[str, _Living] = {}
    for code, source, source_id, relation, identity in rows:
        living = found.setdefault(code, _Living(source, source_id, "", set()))
        if identity:
            living.members.add(identity)
            if relation == "applicant" and not living.head:
                living.head = identity
    return found


def _compare(read: SheetRead, record: TenancyRecord, living: _Living) -> int:
    strangers = [m for m in record.members if m.id_hash not in living.members]
    for member in strangers:
        refuse_member(read, record, member, "managed_elsewhere")
    return 1 if len(strangers) < len(record.members) else 0


def _refuse_all(read: SheetRead, record: TenancyRecord, reason: str) -> None:
    for member in record.members:
        refuse_member(read, record, member, reason)


def _wrong_place(code: str, estate: Estate, where: dict[str, Place]) -> str:
    if code not in where:
        return "dwelling_unknown"
    return "dwelling_of_other_estate" if where[code].estate_id != estate.id else ""
