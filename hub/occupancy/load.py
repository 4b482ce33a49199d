"""Reads what the pure functions of this room need, a batch of dwellings at a time, with few queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from hub.consents import Given, spans
from hub.occupancy.cleared import FOUND_NOTHING, KINDS, LOOKED, UNLESS_LOOKED_INTO
from hub.occupancy.contacts import CONTACT_CODES
from hub.occupancy.estate_view import EstateView, Gaps
from hub.occupancy.former import without_former
from hub.occupancy.moved_out import left_on
from hub.occupancy.outside_rows import signs_of
from hub.occupancy.presence import Memory, daily_use, presence
from hub.occupancy.readings import readings_of
from hub.occupancy.values import (
    ByDay,
    Cleared,
    Contact,
    CredentialUse,
    DeclaredAbsence,
    DwellingRecord,
    Household,
    Member,
    ObservedDay,
    PresenceDay,
    withheld_of,
)
from hub.tables import (
    Absence,
    AccessPass,
    CaseEntry,
    CaseFile,
    Consent,
    CredentialRow,
    HouseholdMember,
    PassDay,
    Person,
    Tenancy,
)

ADULT_YEARS = 18
ATTENDING = frozenset({"carer", "repair", "viewing"})
"""Kinds of passes whose holders have their own reason to come (IE14, IE24); a visitor's, also a regular one's, tells none."""

NEVER_LET: tuple[date, str | None] = (date.min, None)


def load_records(session: Session, view: EstateView, dwellings: Sequence[str]) -> list[DwellingRecord]:
    """The judged days and the household of each dwelling of the batch."""
    return [record for record, _memory in load_judged(session, view, dwellings)]


def load_judged(session: Session, view: EstateView, dwellings: Sequence[str]) -> list[tuple[DwellingRecord, Memory]]:
    """The same, with what the days have taught."""
    households = households_of(session, view, dwellings)
    uses = without_former(session, households, uses_of(session, view, dwellings))
    meters, readings = readings_of(session, view, dwellings, view.first - timedelta(days=1))
    vacant = ended_of(session, view.zone, [d for d in dwellings if d not in households])
    former = _former(session, view, [tenancy for _day, tenancy in vacant.values()])
    outside = signs_of(session, dwellings, view.first, view.last)
    records = []
    for dwelling in dwellings:
        block = view.dwelling_block[dwelling]
        points = view.way_home(dwelling)
        household = households.get(dwelling)
        used = {quantity: daily_use(quantity, readings[dwelling, quantity]) for quantity in meters.get(dwelling, {})}
        whose = _Whose.lives(household) if household else former.get(vacant.get(dwelling, NEVER_LET)[1] or "")
        days, memory = _judged(
            view, view.gaps(dwelling), view.ever_home(dwelling), household, whose, uses.get(dwelling, {}), used
        )
        record = DwellingRecord(
            dwelling_id=dwelling,
            household=household,
            days=tuple(days),
            points=points,
            meters=meters.get(dwelling, {}),
            vacant_since=None if household else max(vacant.get(dwelling, NEVER_LET)[0], view.first),
            ended_tenancy=vacant.get(dwelling, NEVER_LET)[1],
            under_repair=dwelling in view.under_repair,
            identification_ok=view.recognition.healthy[-1],
            recognised=view.recognition.of(block)[-1],
            by_day=ByDay(view.recognition.healthy, view.recognition.of(block)),
            outside=outside.get(dwelling, ()),
        )
        records.append((record, memory))
    return records


@dataclass(frozen=True, slots=True)
class _Whose:
    """Whose consents say on which days whether doors may look: of those who have the home, or of those who had it last."""

    household: Household
    first: date
    last: date

    @classmethod
    def lives(cls, household: Household) -> _Whose:
        return cls(household, min(household.first, household.handover or household.first), date.max)

    def on(self, day: date) -> bool:
        return self.first <= day <= self.last


def _former(session: Session, view: EstateView, tenancies: Sequence[str]) -> dict[str, _Whose]:
    """By tenancy that is over: until the hub heard of it their faces opened the doors, whatever day the decision names."""
    rows = session.execute(
        select(Tenancy.id, Tenancy.from_date, Tenancy.ended_at).where(
            Tenancy.id.in_(tenancies), Tenancy.ended_at.is_not(None)
        )
    ).all()
    members = _members(session, view, [row.id for row in rows], since=view.first)
    return {
        id: _Whose(Household(id, begun, None, tuple(members.get(id, ()))), begun, _local(heard, view.zone))
        for id, begun, heard in rows
        if heard is not None and heard.astimezone(view.zone).date() >= view.first
    }


def _judged(
    view: EstateView,
    gaps: Gaps,
    points: frozenset[str],
    household: Household | None,
    whose: _Whose | None,
    uses: Mapping[date, tuple[CredentialUse, ...]],
    used: Mapping[str, Mapping[date, float]],
) -> tuple[list[PresenceDay], Memory]:
    """Judge the days of the tenancy apart from those before it: another household's habits are not this one's, nor are its
    consents."""
    water, power = used.get("water", {}), used.get("electricity", {})
    start = household.first if household else view.first
    observed = [
        ObservedDay(
            day,
            missed,
            uses.get(day, ()),
            water.get(day),
            power.get(day),
            withheld=whose is not None and whose.on(day) and whose.household.withheld_on(day),
            unlooked=whose is not None and whose.on(day) and day < whose.household.looked_from,
        )
        for day, missed in zip(view.days, gaps, strict=True)
    ]
    split = min(max((start - view.first).days, 0), len(observed))
    memory = Memory()
    return presence(observed[:split], points) + presence(observed[split:], points, memory), memory


def uses_of(
    session: Session, view: EstateView, dwellings: Sequence[str]
) -> dict[str, dict[date, tuple[CredentialUse, ...]]]:
    """Lawful passes only: the column of faces without consent (b) is not read. Who looks after the household
    (by the kind of the pass) is no other who lives there."""
    found: dict[str, dict[date, tuple[CredentialUse, ...]]] = defaultdict(dict)
    rows = session.execute(
        select(
            PassDay.dwelling_id,
            PassDay.day,
            PassDay.credential,
            PassDay.holder_class,
            PassDay.face_consented,
            PassDay.other,
            PassDay.late,
            PassDay.hours,
            AccessPass.kind,
        )
        .outerjoin(AccessPass, AccessPass.token == PassDay.credential)
        .where(
            PassDay.dwelling_id.in_(dwellings),
            PassDay.day.between(view.first, view.last),
            PassDay.face_consented + PassDay.other > 0,
        )
        .order_by(PassDay.dwelling_id, PassDay.day, PassDay.credential)
    )
    for dwelling, day, credential, holder, identified, other, late, hours, kind in rows:
        use = CredentialUse(
            credential, holder == "resident", identified, other, late, hours or 0, attends=kind in ATTENDING
        )
        days = found[dwelling]
        days[day] = (*days.get(day, ()), use)
    return found


def _live_on(day: date) -> ColumnElement[bool]:
    return or_(HouseholdMember.to_date.is_(None), HouseholdMember.to_date >= day)


def households_of(session: Session, view: EstateView, dwellings: Sequence[str]) -> dict[str, Household]:
    tenancies: Sequence[Any] = session.execute(
        select(Tenancy.id, Tenancy.dwelling_id, Tenancy.from_date, Tenancy.handover_at, Tenancy.expected_members)
        .where(Tenancy.dwelling_id.in_(dwellings), Tenancy.state != "ended", Tenancy.from_date <= view.last)
        .order_by(Tenancy.from_date, Tenancy.id)
    ).all()
    members = _members(session, view, [tenancy.id for tenancy in tenancies])
    registered = _registered(session, view, [tenancy.id for tenancy in tenancies])
    absences: dict[str, list[DeclaredAbsence]] = defaultdict(list)
    for row in session.scalars(
        select(Absence)
        .where(Absence.dwelling_id.in_(dwellings), Absence.declared_on <= view.last)
        .order_by(Absence.from_date, Absence.id)
    ):
        absences[row.dwelling_id].append(DeclaredAbsence(row.id, row.from_date, row.to_date, row.reason))
    contacts = _contacts(session, view, dwellings)
    cleared = _cleared(session, view, dwellings)
    return {
        tenancy.dwelling_id: Household(
            tenancy_id=tenancy.id,
            first=tenancy.from_date,
            handover=tenancy.handover_at,
            members=tuple(members.get(tenancy.id, ())),
            absences=tuple(absences.get(tenancy.dwelling_id, ())),
            contacts=tuple(contacts.get(tenancy.dwelling_id, ())),
            registered=registered.get(tenancy.id, (None, 0))[0],
            expected=tenancy.expected_members,
            left=registered.get(tenancy.id, (None, 0))[1],
            cleared=tuple(cleared.get(tenancy.id, ())),
        )
        for tenancy in tenancies
    }


def _members(
    session: Session, view: EstateView, tenancies: Sequence[str], since: date | None = None
) -> dict[str, list[Member]]:
    """Those registered on the last day; with `since` also who left from then on."""
    rows: Sequence[Any] = session.execute(
        select(
            HouseholdMember.id,
            HouseholdMember.tenancy_id,
            HouseholdMember.person_id,
            HouseholdMember.from_date,
            Person.birth_date,
        )
        .join(Person, Person.id == HouseholdMember.person_id)
        .where(
            HouseholdMember.tenancy_id.in_(tenancies),
            HouseholdMember.from_date <= view.last,
            _live_on(since or view.last),
        )
        .order_by(HouseholdMember.ordinal, HouseholdMember.id)
    ).all()
    persons = {row.person_id for row in rows}
    given: dict[str, list[Given]] = defaultdict(list)
    enrolled: set[str] = set()
    for person, purpose, at, until, came in session.execute(
        select(Consent.person_id, Consent.purpose, Consent.granted_at, Consent.withdrawn_at, Consent.recorded_at)
        .where(Consent.person_id.in_(persons), Consent.purpose.in_(("a", "b")))
        .order_by(Consent.granted_at, Consent.id)
    ):
        if purpose == "a":
            enrolled.add(person)
        else:
            given[person].append(Given(at, until, came))
    tokens: dict[tuple[str, str], set[str]] = defaultdict(set)
    for token, tenancy_id, person_id in session.execute(
        select(CredentialRow.token, CredentialRow.tenancy_id, CredentialRow.person_id).where(
            CredentialRow.tenancy_id.in_(tenancies), CredentialRow.person_id.is_not(None)
        )
    ):
        if tenancy_id and person_id:
            tokens[tenancy_id, person_id].add(token)
    found: dict[str, list[Member]] = defaultdict(list)
    for row in rows:
        adult = row.birth_date is None or row.birth_date <= _years_before(view.last, ADULT_YEARS)
        own = frozenset(tokens.get((row.tenancy_id, row.person_id), ()))
        days = [
            (_local(at, view.zone), _local(until, view.zone) if until else None)
            for at, until in sorted(spans(given[row.person_id]), key=lambda span: span[0])
        ]
        live = any(until is None for _at, until in days)
        looked = days[0][0] if days else None if row.person_id in enrolled else date.min
        withheld = withheld_of(days, view.last)
        found[row.tenancy_id].append(Member(row.id, adult, live, own, row.from_date, withheld, looked))
    return found


def _local(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def _registered(session: Session, view: EstateView, tenancies: Sequence[str]) -> dict[str, tuple[date, int]]:
    """Tenancy → (first day on which anybody was registered, also those who left; how many have left)."""
    rows = session.execute(
        select(
            HouseholdMember.tenancy_id,
            func.min(HouseholdMember.from_date),
            func.count().filter(HouseholdMember.to_date < view.last),
        )
        .where(HouseholdMember.tenancy_id.in_(tenancies))
        .group_by(HouseholdMember.tenancy_id)
    )
    return {tenancy: (day, left) for tenancy, day, left in rows if day is not None}


def _years_before(day: date, years: int) -> date:
    return date(day.year - years, day.month, 28 if (day.month, day.day) == (2, 29) else day.day)


def _contacts(session: Session, view: EstateView, dwellings: Sequence[str]) -> dict[str, list[Contact]]:
    found: dict[str, list[Contact]] = defaultdict(list)
    rows = session.execute(
        select(CaseEntry.id, CaseEntry.at, CaseEntry.reason_code, CaseFile.dwelling_id)
        .join(CaseFile, CaseFile.id == CaseEntry.case_id)
        .where(CaseFile.dwelling_id.in_(dwellings), CaseEntry.reason_code.in_(CONTACT_CODES))
        .order_by(CaseEntry.id)
    )
    for entry_id, at, code, dwelling in rows:
        kind = CONTACT_CODES[code]
        day = at.astimezone(view.zone).date()
        found[dwelling].append(Contact(str(entry_id), day, kind.in_person, kind.off_hours, kind.reached))
    return found


def _cleared(session: Session, view: EstateView, dwellings: Sequence[str]) -> dict[str, list[Cleared]]:
    """By tenancy: who lived there before is somebody else."""
    looked = select(CaseEntry.id).where(CaseEntry.case_id == CaseFile.id, CaseEntry.action.in_(LOOKED)).exists()
    rows: Sequence[Any] = session.execute(
        select(CaseFile.tenancy_id, CaseFile.number, CaseFile.kind, CaseFile.outcome, CaseFile.closed_at)
        .where(
            CaseFile.dwelling_id.in_(dwellings),
            CaseFile.tenancy_id.is_not(None),
            CaseFile.kind.in_(KINDS),
            CaseFile.outcome.in_(FOUND_NOTHING),
            CaseFile.closed_at.is_not(None),
            or_(CaseFile.outcome != UNLESS_LOOKED_INTO, looked),
        )
        .order_by(CaseFile.closed_at, CaseFile.number)
    ).all()
    found: dict[str, list[Cleared]] = defaultdict(list)
    for tenancy, number, kind, outcome, closed_at in rows:
        on = closed_at.astimezone(view.zone).date()
        if on <= view.last:
            found[tenancy].append(Cleared(on, KINDS[kind], FOUND_NOTHING[outcome], number))
    return found


def ended_of(session: Session, zone: ZoneInfo, dwellings: Sequence[str]) -> dict[str, tuple[date, str]]:
    """Dwelling → (day after which no tenancy held it, that tenancy), for those that had one: of the last to be left."""
    rows = session.execute(
        select(Tenancy.dwelling_id, Tenancy.id, Tenancy.ended_at, Tenancy.end_decision).where(
            Tenancy.dwelling_id.in_(dwellings), Tenancy.state == "ended"
        )
    )
    found: dict[str, tuple[date, str]] = {}
    for dwelling, tenancy, ended_at, decision in rows:
        day = left_on(decision, ended_at, zone)
        if day is not None:
            found[dwelling] = max(found.get(dwelling, (day, tenancy)), (day, tenancy))
    return found
