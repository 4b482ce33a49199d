"""A tenancy list uploaded for one estate: read, compared with what is known, and (unless a dry run) applied.

A sheet adds and corrects; it never ends anything. A dwelling whose tenancy comes from another source is that source's: rows that
agree with it are taken and change nothing, others are refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.db import UnitOfWork
from hub.services import Hub
from hub.tables import Dwelling, Estate, HouseholdMember, Person, SourceState, Tenancy
from hub.tenancy import onfile, refused, write
from hub.tenancy.diff import ENDED, ChangeSet, diff
from hub.tenancy.files import rows_of
from hub.tenancy.onfile import Place
from hub.tenancy.records import RefusedRow, TenancyRecord
from hub.tenancy.sheet import SheetRead, read_sheet, refuse_member


@dataclass(frozen=True, slots=True)
class Outcome:
    """`accepted` + `refused` = all rows that held anything. `household_changes`: new, changed, ended, unchanged households."""

    accepted: int
    refused: tuple[RefusedRow, ...]
    household_changes: dict[str, int]
    applied: bool


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
        return _outcome(read, changes, agreed, applied=False)
    with hub.db.unit_of_work(actor, "tenancy list uploaded", estate_id=estate.id, now=hub.now()) as uow:
        records, agreed = _place(uow.session, estate, read)
        changes = diff(onfile.known(uow.session, source_of(estate)), records, today=today)
        write.apply(uow, source_of(estate), changes, onfile.places(uow.session))
        refused.keep(uow, source_of(estate), read.refused, None)
        _keep_state(uow, estate, len(records))
        uow.record("tenancy.upload", estate.id, accepted=read.accepted, refused=len(read.refused))
    hub.signal("access.publish")
    return _outcome(read, changes, agreed, applied=True)


def _outcome(read: SheetRead, changes: ChangeSet, agreed: int, *, applied: bool) -> Outcome:
    counts = {
        "new": len(changes.new),
        "changed": len(changes.changed),
        "ended": len(changes.ended),
        "unchanged": len(changes.unchanged) + agreed,
    }
    ordered = sorted(read.refused, key=lambda row: int(row.key.split()[-1]))
    return Outcome(read.accepted, tuple(ordered), counts, applied)


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
    occupied = _occupied(session, estate)
    mine = source_of(estate)
    records: list[TenancyRecord] = []
    agreed = 0
    for record in read.records:
        if reason := _wrong_place(record.dwelling_code, estate, where):
            _refuse_all(read, record, reason)
            continue
        living = occupied.get(record.dwelling_code)
        if living and living.source != mine:
            agreed += _compare(read, record, living)
            continue
        if living and living.source_id != record.id:
            _refuse_all(read, record, "dwelling_occupied")
            continue
        head = next((m for m in record.members if m.relation == "applicant"), None)
        if living is None and head is None:
            _refuse_all(read, record, "no_head")
        elif living and head and living.head and living.head != head.id_hash:
            _refuse_all(read, record, "dwelling_occupied")
        else:
            records.append(record)
    return records, agreed


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
