"""A tenancy list uploaded for one estate: read, compared with what is known, and (unless a dry run) applied.

A sheet adds and corrects; it never ends anything. A card it replaces is a loss like any other: the brake counts it. A dwelling
whose tenancy comes from another source is that source's: rows that agree with it are taken and change nothing, others are
refused. A household whose tenancy has ended does not come back by a list from before: only rows that start after the end (a new
lease) are taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub import held_rows, moved, quota
from hub.db import UnitOfWork
from hub.masking import mask_card, mask_name
from hub.services import Hub
from hub.tables import Dwelling, Estate, HouseholdMember, Person, SourceState, Tenancy
from hub.tenancy import counter, onfile, refused, write
from hub.tenancy.changes import ENDED, ChangeSet, HeldHousehold
from hub.tenancy.diff import diff
from hub.tenancy.files import rows_of
from hub.tenancy.onfile import Place
from hub.tenancy.progress import BOARD, Meter
from hub.tenancy.records import EndDecision, Member, RefusedRow, TenancyRecord
from hub.tenancy.settle import has_left
from hub.tenancy.sheet import SheetRead, read_sheet, refuse_member


@dataclass(frozen=True, slots=True)
class HouseholdChange:
    """Which household a list changes, for the clerk who tries it: `change` is "new" or "changed"; `members` live there then.

    Masked: `added` who comes, `corrected` (who, what is other), `loses` (who, what he would lose), `held` by the brake.
    """

    dwelling_code: str
    change: str
    members: int
    added: tuple[str, ...] = ()
    corrected: tuple[tuple[str, str], ...] = ()
    loses: tuple[tuple[str, str], ...] = ()
    held: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """`accepted` + `refused` = all rows that held anything. `noted`: accepted rows of which one cell was left out.
    `household_changes`: new, changed, ended, unchanged households.

    `households`: each of the new and changed ones, by house code. `held`: why the brake stopped what they would lose, or empty.
    `waiting`: the id under which the whole list waits for a second person, or empty.
    """

    accepted: int
    refused: tuple[RefusedRow, ...]
    household_changes: dict[str, int]
    applied: bool
    households: tuple[HouseholdChange, ...] = ()
    held: str = ""
    waiting: str = ""
    noted: tuple[RefusedRow, ...] = ()


class ApplyList(msgspec.Struct, frozen=True, tag="tenancy.upload"):
    """A list as it was read, to be compared anew when the second person confirms it: the world may have moved.

    `losing`: households that would lose something; `label` names them for the second person.
    """

    records: tuple[TenancyRecord, ...]
    losing: int
    label: str


NAMED = 12  # house codes in a label


def source_of(estate: Estate) -> str:
    return f"upload-{estate.code}"


def upload(
    hub: Hub,
    estate: Estate,
    actor: str,
    name: str,
    content: bytes,
    *,
    dry_run: bool,
    meter: Meter | None = None,
    who: str = "",
) -> Outcome:
    """Raises Refused when the file cannot be read at all. What takes more than this person's hour allows waits for a second.

    `who`: the person's id; the brake on people counts each household that would lose something.
    """
    meter = meter or Meter(BOARD, "")
    meter.at("reading")
    today = hub.now().astimezone(ZoneInfo(estate.time_zone)).date()
    rows = rows_of(name, content)
    meter.at("checking", 0, len(rows))
    read = read_sheet(rows, hub.keys.blind, today, meter.step)
    meter.at("comparing", len(rows), len(rows))
    if dry_run:
        with hub.db.reading() as session:
            records, agreed = _place(session, estate, read)
            changes = _changes(session, estate, records, today, hub.now())
            outcome = _outcome(read, changes, agreed, today, applied=False)
        meter.at("done", len(rows), len(rows))
        return outcome
    with hub.db.unit_of_work(actor, "tenancy list uploaded", estate_id=estate.id, now=hub.now()) as uow:
        write.alone(uow.session)
        records, agreed = _place(uow.session, estate, read)
        changes = _changes(uow.session, estate, records, today, uow.now)
        losing = [c.record.dwelling_code for c in (*changes.changed, *changes.ended) if c.losses]
        waits = bool(losing) and not quota.spend(uow, who or actor, "tenancy.upload", len(losing))
        meter.at("writing", len(rows), len(rows))
        if waits:
            wanted = ApplyList(tuple(records), len(losing), _label(losing))
            waiting = held_rows.hold(uow, who, estate.id, wanted, wanted.label, len(losing))
        else:
            waiting = ""
            _write(uow, estate, read, records, changes)
    if not waits:
        moved.tell(hub)
    meter.at("done", len(rows), len(rows))
    return replace(_outcome(read, changes, agreed, today, applied=not waits), waiting=waiting)


def _label(codes: Sequence[str]) -> str:
    named = "、".join(sorted(codes)[:NAMED])
    return f"上传的名单：{len(codes)}户会失去门卡或居住资格（{named}{'等' if len(codes) > NAMED else ''}）"


def _apply_list(uow: UnitOfWork, estate_id: str, wanted: ApplyList) -> str:
    """What a second person confirmed, compared with what is known now; the source's brake looks at it like at any list."""
    write.alone(uow.session)
    estate, today, read = _again(uow.session, estate_id, wanted, uow.now)
    records, _ = _place(uow.session, estate, read)
    _write(uow, estate, read, records, _changes(uow.session, estate, records, today, uow.now))
    return estate_id


def _again(session: Session, estate_id: str, wanted: ApplyList, now: datetime) -> tuple[Estate, date, SheetRead]:
    estate = session.get_one(Estate, estate_id)
    people = [(record.dwelling_code, member.person_id) for record in wanted.records for member in record.members]
    row_of = {person: row for row, person in enumerate(people, start=1)}
    read = SheetRead(records=list(wanted.records), rows=len(people), row_of=row_of)
    return estate, now.astimezone(ZoneInfo(estate.time_zone)).date(), read


def _households(session: Session, estate_id: str, wanted: ApplyList, now: datetime) -> list[held_rows.HouseholdLoses]:
    """Every household that would lose something if the list were applied now, for the second person."""
    estate, today, read = _again(session, estate_id, wanted, now)
    records, agreed = _place(session, estate, read)
    outcome = _outcome(read, _changes(session, estate, records, today, now), agreed, today, applied=False)
    return [held_rows.HouseholdLoses(one.dwelling_code, one.loses) for one in outcome.households if one.loses]


def _write(
    uow: UnitOfWork, estate: Estate, read: SheetRead, records: Sequence[TenancyRecord], changes: ChangeSet
) -> None:
    write.apply(uow, source_of(estate), changes, onfile.places(uow.session))
    refused.keep(uow, source_of(estate), [*read.refused, *read.noted, *changes.conflicts], None)
    _keep_state(uow, estate, len(records))
    held = [h.tenancy for h in changes.held]
    uow.record("tenancy.upload", estate.id, accepted=read.accepted, refused=len(read.refused), held=held[:50])


def _changes(session: Session, estate: Estate, records: list[TenancyRecord], today: date, now: datetime) -> ChangeSet:
    source = source_of(estate)
    taken_back = counter.withdrawn(session, source)
    return diff(
        counter.known_without(onfile.known(session, source), taken_back),
        [counter.stripped(record, taken_back) for record in records],
        today=today,
        limits=onfile.limits(session),
        recent=onfile.recent_losses(session, now),
        recent_week=onfile.recent_losses(session, now, onfile.WEEK),
        live_counts=onfile.live_counts(session),
    )


def _outcome(read: SheetRead, changes: ChangeSet, agreed: int, today: date, *, applied: bool) -> Outcome:
    counts = {
        "new": len(changes.new),
        "changed": len(changes.changed),
        "ended": len(changes.ended),
        "unchanged": len(changes.unchanged) + agreed,
    }
    ordered = sorted(read.refused, key=lambda row: int(row.key.split()[-1]))
    held = {h.tenancy: h for h in changes.held}
    new = [_told(record, "new", today, (), held) for record in changes.new]
    other = [_told(c.record, "changed", today, c.before.members, held) for c in changes.changed]
    silent = [
        HouseholdChange(h.dwelling_code, "changed", h.members, loses=_lost(h), held=True)
        for h in changes.held
        if h.tenancy not in {c.record.id for c in changes.changed}
    ]
    households = tuple(sorted((*new, *other, *silent), key=lambda one: one.dwelling_code))
    return Outcome(read.accepted, tuple(ordered), counts, applied, households, changes.refused, noted=read.noted)


def _told(
    record: TenancyRecord, change: str, today: date, before: Sequence[Member], held: Mapping[str, HeldHousehold]
) -> HouseholdChange:
    """Who comes, what is other and what is lost, by masked names."""
    old = {m.person_id: m for m in before}
    here = [m for m in record.members if not has_left(m, today)]
    corrected, loses = [], list(_lost(held[record.id])) if record.id in held else []
    for member in here:
        was = old.get(member.person_id)
        if was is None:
            continue
        names = ("name", "relation", "birth_date", "from_date", "cards")
        other = [name for name in names if getattr(was, name) != getattr(member, name)]
        corrected += [(mask_name(member.name), name) for name in other]
        loses += [(mask_name(member.name), f"card {mask_card(c)}") for c in was.cards if c not in member.cards]
    added = tuple(mask_name(m.name) for m in here if m.person_id not in old)
    return HouseholdChange(
        record.dwelling_code, change, len(here), added, tuple(corrected), tuple(loses), record.id in held
    )


def _lost(held: HeldHousehold) -> tuple[tuple[str, str], ...]:
    return tuple(("", what) for what in held.losses)


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


KIND = held_rows.Kind(
    ApplyList,
    weight=lambda _session, wanted: int(wanted.losing),
    about=lambda _session, _estate_id, wanted: str(wanted.label),
    perform=_apply_list,
    follow=moved.tell,
    households=_households,
)
