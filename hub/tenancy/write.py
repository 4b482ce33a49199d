"""A change set into the database: set-based for new tenancies, one by one for changes, all in the caller's unit of work."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from hub import moved
from hub.db import UnitOfWork, one_at_a_time
from hub.ids import new_id
from hub.occupancy.dirty import mark_dirty
from hub.tables import Absence, HouseholdLoss, HouseholdMember, Person, Tenancy
from hub.tenancy import ledger
from hub.tenancy.changes import ENDED, Change, ChangeSet
from hub.tenancy.onfile import Place, parts
from hub.tenancy.records import AbsenceRecord, EndDecision, Member, TenancyRecord

DESK = ("desk_cards", "id_card", "pin")  # what people gave at the counter: no record knows it, and none takes it away
MANY = 50  # of one kind in one run: beyond it the audit row says the number, not each


def alone(session: Session) -> None:
    """Who compares records with what is known waits for who is writing: two that read the same state would let the older of two
    versions win, and the brake count neither of two removals; a consent taken back would live again by a record read before."""
    one_at_a_time(session, "tenancy records")


def apply(
    uow: UnitOfWork,
    source: str,
    changes: ChangeSet,
    where: Mapping[str, Place],
    excused: Collection[str] = (),
    absent: Mapping[str, date] | None = None,
) -> None:
    """Write a change set. Everything of it, in the caller's unit of work. `excused`: tenancies two persons let pass.

    `absent`: what `apply_absences` found to be judged again; all is marked at once, in the order in which everybody marks.
    """
    people = _People(uow, source, [m for r in changes.new for m in r.members])
    told = _insert_new(uow, source, changes.new, where, people)
    for change in (*changes.changed, *changes.ended):
        told |= _apply_change(uow, source, change, where, people, change.record.id in excused)
    for key, version in changes.seen:
        mine = update(Tenancy).where(Tenancy.source == source, Tenancy.source_id == key)
        uow.session.execute(mine.values(seen_version=version))
    uow.session.flush()
    ledger.follow(uow, told)
    _audit(uow, changes)
    touched = _touched(changes, where, uow.now.date())
    for dwelling, day in (absent or {}).items():
        touched[dwelling] = min(touched.get(dwelling, day), day)
    mark_dirty(uow.session, touched)
    _note_moved(uow, source, changes)


def _touched(changes: ChangeSet, where: Mapping[str, Place], today: date) -> dict[str, date]:
    """Dwelling → the day from which its days must be judged again: late news changes the days since it became true."""
    touched: dict[str, date] = {}
    told = [(r.dwelling_code, _since(None, r, today)) for r in changes.new]
    for change in (*changes.changed, *changes.ended):
        since = _since(change.before, change.record, today)
        told += [(code, since) for code in (change.record.dwelling_code, change.before.dwelling_code)]
    for code, day in told:
        if code in where:
            dwelling = where[code].dwelling_id
            touched[dwelling] = min(day, touched.get(dwelling, day))
    return touched


def _since(before: TenancyRecord | None, record: TenancyRecord, today: date) -> date:
    """The first day on which what is told now differs from what was known."""
    days = {today}
    for begin in (lambda r: r.from_date, lambda r: r.handover_at, _left):
        then, now = begin(before) if before else None, begin(record)
        if then != now:
            days |= {day for day in (then, now) if day is not None}
    return min(days)


def _left(record: TenancyRecord) -> date | None:
    """The completed move-out of a tenancy that is over."""
    return record.end_decision.move_out_completed_on if record.state == ENDED and record.end_decision else None


def _note_moved(uow: UnitOfWork, source: str, changes: ChangeSet) -> None:
    """For the publication of access lists. Who may lose something goes first."""
    losing = {c.record.id for c in (*changes.ended, *changes.changed) if c.losses or c.fields == ("state",)}
    touched = {r.id for r in changes.new} | {c.record.id for c in (*changes.changed, *changes.ended)}
    rows = [
        row
        for part in parts(sorted(touched))
        for row in uow.session.execute(
            select(Tenancy.id, Tenancy.source_id, Tenancy.estate_id).where(
                Tenancy.source == source, Tenancy.source_id.in_(part)
            )
        )
    ]
    ledger.note(uow, [(estate, tenancy) for tenancy, number, estate in rows if number not in losing])
    for tenancy, number, estate in rows:
        if number in losing:
            moved.tenancies(uow, estate, (tenancy,), ends=True)


class _People:
    """Persons of a source by their id there. The same person under two ids is two persons: never merged automatically."""

    def __init__(self, uow: UnitOfWork, source: str, members: Iterable[Member]) -> None:
        self.uow, self.source = uow, source
        self.ids: dict[str, str] = {}
        self.fresh: set[str] = set()
        wanted = {m.person_id: m for m in members}
        for part in parts(sorted(wanted)):
            rows = uow.session.execute(
                select(Person.source_id, Person.id).where(Person.source == source, Person.source_id.in_(part))
            )
            self.ids |= dict(rows.all())
        missing = [m for key, m in wanted.items() if key not in self.ids]
        if missing:
            self._insert(missing)

    def _insert(self, members: Sequence[Member]) -> None:
        rows = [
            {"id": new_id("person"), "source": self.source, "source_id": m.person_id, **_person(m)} for m in members
        ]
        self.uow.session.execute(insert(Person), rows)
        self.ids |= {str(row["source_id"]): str(row["id"]) for row in rows}
        self.fresh |= {m.person_id for m in members}

    def of(self, member: Member, known: str | None = None) -> str:
        """The person's row id; made or brought up to date. `known`: who this is in the household already."""
        if known is not None:
            self.ids.setdefault(member.person_id, known)
        if member.person_id not in self.ids:
            found = self.uow.session.scalar(
                select(Person.id).where(Person.source == self.source, Person.source_id == member.person_id)
            )
            if found is None:
                self._insert([member])
            else:
                self.ids[member.person_id] = found
        person_id = self.ids[member.person_id]
        if member.person_id not in self.fresh:
            self.uow.session.execute(update(Person).where(Person.id == person_id).values(**_person(member)))
        return person_id


def _person(member: Member) -> dict[str, Any]:
    return {
        "name": member.name,
        "id_number_hash": member.id_hash or None,
        "id_number_last4": member.id_last4,
        "birth_date": member.birth_date,
    }


def _insert_new(
    uow: UnitOfWork, source: str, records: Sequence[TenancyRecord], where: Mapping[str, Place], people: _People
) -> set[str]:
    """The persons (row ids) of whom something was told."""
    tenancies, members = [], []
    for record in records:
        tenancy_id = new_id("tenancy")
        tenancies.append(
            {"id": tenancy_id, "source": source, "source_id": record.id, **_tenancy(record, where, uow.now)}
        )
        if record.state == ENDED:
            continue  # it never gave access here: no more of these people than needed
        for ordinal, member in enumerate(record.members, start=1):
            members.append(_member(tenancy_id, people.of(member), ordinal, member))
    for table, rows in ((Tenancy, tenancies), (HouseholdMember, members)):
        if rows:
            uow.session.execute(insert(table), rows)
    return {row["person_id"] for row in members}


def _apply_change(
    uow: UnitOfWork, source: str, change: Change, where: Mapping[str, Place], people: _People, excused: bool
) -> set[str]:
    """The persons (row ids) of whom something was told."""
    session, record = uow.session, change.record
    told: set[str] = set()
    row = session.scalars(select(Tenancy).where(Tenancy.source == source, Tenancy.source_id == record.id)).one()
    if record.state != ENDED and row.state == ENDED:
        row.ended_at = None
    if where[record.dwelling_code].estate_id != row.estate_id:
        moved.tenancies(uow, row.estate_id, (row.id,), ends=True)
    for name, value in _tenancy(record, where, uow.now).items():
        if name != "ended_at":
            setattr(row, name, value)
    if record.state == ENDED and change.before.state != ENDED:
        row.ended_at = uow.now
    for what in change.losses:
        estate = row.estate_id if what != "moved" else where[change.before.dwelling_code].estate_id
        loss = {"estate_id": estate, "tenancy_id": row.id, "source": source, "what": what, "at": uow.now}
        session.add(HouseholdLoss(**loss, excused=excused))
    members = session.execute(
        select(Person.source_id, HouseholdMember)
        .join(Person, Person.id == HouseholdMember.person_id)
        .where(HouseholdMember.tenancy_id == row.id)
        .with_for_update(of=HouseholdMember)  # the counter may be handing out a card in this moment
        .execution_options(populate_existing=True)
    ).all()
    held, known = {m.person_id: m for _, m in members}, {number: m.person_id for number, m in members}
    ordinal = max((m.ordinal for m in held.values()), default=0)
    for member in record.members:
        if record.state == ENDED:
            member = msgspec.structs.replace(member, photo=None)  # kept no longer than it opens doors (PIPL art. 47)
        person_id = people.of(member, known.get(member.person_id))
        if person_id in held:
            of_the_desk = {name: held[person_id].offered[name] for name in DESK if held[person_id].offered.get(name)}
            for name, value in _member(row.id, person_id, held[person_id].ordinal, member).items():
                if name != "id":
                    setattr(held[person_id], name, value)
            if of_the_desk:
                held[person_id].offered = {**held[person_id].offered, **of_the_desk}
        else:
            ordinal += 1
            session.add(HouseholdMember(**_member(row.id, person_id, ordinal, member)))
        told.add(person_id)
    return told


def _tenancy(record: TenancyRecord, where: Mapping[str, Place], now: datetime) -> dict[str, Any]:
    place = where[record.dwelling_code]
    decision = record.end_decision
    over = record.state == ENDED and decision is not None and decision.move_out_completed_on
    return {
        "version": record.version,
        "estate_id": place.estate_id,
        "dwelling_id": place.dwelling_id,
        "state": record.state,
        "from_date": record.from_date,
        "to_date": record.to_date,
        "handover_at": record.handover_at,
        "expected_members": record.expected_members,
        "end_decision": None if decision is None else msgspec.to_builtins(decision),
        "ended_at": _midnight(over, place.zone) if over else None,
        "updated_at": now,
    }


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def _member(tenancy_id: str, person_id: str, ordinal: int, member: Member) -> dict[str, Any]:
    photo = {"url": member.photo.url, "sha256": member.photo.sha256} if member.photo else None
    return {
        "id": new_id("member"),
        "tenancy_id": tenancy_id,
        "person_id": person_id,
        "relation": member.relation,
        "ordinal": ordinal,
        "from_date": member.from_date,
        "to_date": member.to_date,
        "offered": {
            "cards": list(member.cards),
            "photo": photo,
            **({"lease_end": member.lease_end.isoformat()} if member.lease_end else {}),
        },
        "consents": {purpose: msgspec.to_builtins(given) for purpose, given in member.consents.items()},
    }


def _audit(uow: UnitOfWork, changes: ChangeSet) -> None:
    if len(changes.new) > MANY:
        uow.record("tenancy.new", "many", count=len(changes.new))
    else:
        for record in changes.new:
            uow.record("tenancy.new", record.id, state=record.state, members=len(record.members))
    for change in changes.changed:
        detail = {"version": change.record.version, "fields": list(change.fields)}
        for name in ("added", "left", "cards_gone"):
            if ids := getattr(change, name):
                detail[name] = list(ids)
        for name in ("consents_given", "consents_withdrawn"):
            if pairs := getattr(change, name):
                detail[name] = [list(pair) for pair in pairs]
        uow.record("tenancy.changed", change.record.id, **detail)
    for change in changes.ended:
        decision = change.record.end_decision or EndDecision()
        uow.record("tenancy.ended", change.record.id, version=change.record.version, decision=decision.number)


def apply_absences(
    uow: UnitOfWork, source: str, records: Iterable[AbsenceRecord], where: Mapping[str, Place]
) -> dict[str, date]:
    """Insert or update declared absences. Dwelling → the first day to judge again (`apply` marks it) of those that were new or
    other than before."""
    moved: dict[str, date] = {}
    for record in records:
        row = uow.session.get(Absence, f"{source}:{record.id}")
        values = {
            "dwelling_id": where[record.dwelling_code].dwelling_id,
            "from_date": record.from_date,
            "to_date": record.to_date,
            "reason": record.reason,
            "declared_on": record.declared_on,
        }
        if row is None:
            row = Absence(id=f"{source}:{record.id}", **values)
            uow.session.add(row)
        elif all(getattr(row, name) == value for name, value in values.items()):
            continue
        else:
            for name, value in values.items():
                setattr(row, name, value)
        dwelling = str(values["dwelling_id"])
        moved[dwelling] = min(moved.get(dwelling, record.from_date), record.from_date)
        uow.record("absence.declared", f"{source}:{record.id}", reason=record.reason)
    uow.session.flush()
    return moved
