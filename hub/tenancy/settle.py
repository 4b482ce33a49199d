"""(P) Whether "ended" holds: only with a complete decision that is in force, and never against those who stay.

law_and_practice.md 1.2: after the tenant's death the co-residents may continue the lease (Civil Code 732).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import msgspec

from hub.tenancy.changes import ACTIVE, ENDED, Change, Known
from hub.tenancy.records import EndDecision, Member, TenancyRecord

DEATH = ("death", "死亡", "承租人死亡", "deceased")


def settle(record: TenancyRecord, today: date, household: Sequence[Member] = ()) -> TenancyRecord:
    """The record as it takes effect: "ended" holds only with a complete decision whose move-out is over; else it is active.

    A decision that comes with a tenancy that goes on is none. `household`: who lives there as far as the hub knows: a record
    that ends a tenancy often names nobody any more.
    """
    if record.state != ENDED:
        return msgspec.structs.replace(record, end_decision=None) if record.end_decision else record
    decision = record.end_decision or EndDecision()
    members = record.members or tuple(household)
    if by_death(decision) and (stay := _co_residents(members, today)):
        members = _without_the_dead(members, stay, decision)
        return msgspec.structs.replace(record, state=ACTIVE, end_decision=decision, members=members)
    return msgspec.structs.replace(record, state=ENDED if in_force(decision, today) else ACTIVE, end_decision=decision)


def in_force(decision: EndDecision | None, today: date) -> bool:
    """Complete, dated on or before today, and the move-out completed."""
    if decision is None or not decision.complete or decision.move_out_completed_on is None or decision.date is None:
        return False
    return max(decision.move_out_completed_on, decision.date) <= today


def by_death(decision: EndDecision | None) -> bool:
    """The tenant has died: that ends his own access, and nobody else's."""
    return decision is not None and decision.kind.strip().lower() in DEATH


def has_left(member: Member, today: date) -> bool:
    """`to_date` is the last day of belonging."""
    return member.to_date is not None and member.to_date < today


def _co_residents(members: Iterable[Member], today: date) -> tuple[Member, ...]:
    return tuple(m for m in members if m.relation != "applicant" and not has_left(m, today))


def _without_the_dead(
    members: tuple[Member, ...], stay: tuple[Member, ...], decision: EndDecision
) -> tuple[Member, ...]:
    """The tenant's last day is that of the decision; without a complete one nobody leaves."""
    if not decision.complete:
        return members
    last = decision.date
    return tuple(m if m in stay or m.to_date is not None else msgspec.structs.replace(m, to_date=last) for m in members)


def due(known: Iterable[Known], today: date) -> tuple[Change, ...]:
    """Tenancies kept only because the move-out was not over, and now it is: they end today."""
    found = []
    for one in known:
        decision = one.record.end_decision
        if one.record.state == ENDED or decision is None:
            continue
        ended = settle(msgspec.structs.replace(one.record, state=ENDED), today)
        if ended.state == ENDED:
            found.append(Change(one.record, ended, fields=("state",)))
    return tuple(found)


def why_incomplete(record: TenancyRecord) -> str:
    """Why a tenancy goes on although its source says that it ended."""
    if by_death(record.end_decision) and len(record.members) > 1:
        return "death_coresidents"
    return "move_out_pending" if record.end_decision and record.end_decision.complete else "incomplete_decision"
