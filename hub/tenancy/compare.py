"""(P) One known tenancy against what its source says now: the change, without what no record may take away.

* Nobody's first day moves into the future, and nobody who has his keys goes back to "allocated": neither is a lawful end.
* A list (version 0) tells who is there; what it does not tell (consents, photo, cards) stays.
* The same version with other content contradicts itself: what it adds is taken, what it takes away is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import msgspec

from hub.tenancy.changes import ACTIVE, ALLOCATED, ENDED, Change
from hub.tenancy.records import ConsentGiven, Member, RefusedRow, TenancyRecord
from hub.tenancy.settle import has_left

FAR = timedelta(days=3 * 366)  # a last day beyond it says "no end", not that somebody leaves


def compare(before: TenancyRecord, record: TenancyRecord, today: date) -> tuple[Change, tuple[RefusedRow, ...]]:
    """The change from `before` to `record` (settled), and where the record contradicts what it said before."""
    record, others = _same_people(before, record)
    record = _told_by_a_list(before, record) if not record.version else _with_what_is_not_told(before, record)
    record = _never_back(before, without_earlier_lease_end(before, record), today)
    change = change_of(before, record, today)
    if 0 < record.version == before.version:
        if _contradicts(change):
            others = (*others, RefusedRow(record.id, "version_conflict", f"版本 {record.version}"))
        change = change_of(before, _joined(before, record), today)
    return change, others


def change_of(before: TenancyRecord, record: TenancyRecord, today: date) -> Change:
    """What is other in `record`, and what to store: known members keep their place, leavers are dated."""
    old = {m.person_id: m for m in before.members}
    new = {m.person_id: m for m in record.members}
    gone = [m for m in before.members if m.person_id not in new]
    keeping = record.partial or record.state == ENDED
    yesterday = today - timedelta(days=1)
    stay = tuple(m if keeping or has_left(m, today) else msgspec.structs.replace(m, to_date=yesterday) for m in gone)
    came = tuple(
        m for m in record.members if m.person_id in old or record.state != ENDED
    )  # no new people of what is over
    merged = msgspec.structs.replace(record, members=_in_order(before, (*came, *stay)), partial=False)
    after = {m.person_id: m for m in merged.members}
    before_consents = {(p, c) for p, m in old.items() for c in m.consents}
    after_consents = {(p, c) for p, m in after.items() for c in m.consents}
    return Change(
        before=before,
        record=merged,
        added=tuple(m.person_id for m in came if m.person_id not in old),
        left=tuple(p for p, m in old.items() if _leaves(m, after[p], today)),
        photos_gone=tuple(p for p, m in old.items() if _loses_photo(m, after[p], today)),
        cards_gone=tuple(p for p, m in old.items() if not has_left(m, today) and set(m.cards) - set(after[p].cards)),
        moved=before.dwelling_code != merged.dwelling_code and before.state != ENDED,
        consents_given=tuple(sorted(after_consents - before_consents)),
        consents_withdrawn=tuple(sorted(before_consents - after_consents)),
        fields=fields_of(before, merged),
    )


def fields_of(before: TenancyRecord, after: TenancyRecord) -> tuple[str, ...]:
    """Which fields differ."""
    names = TenancyRecord.__struct_fields__
    return tuple(n for n in names if n != "partial" and getattr(before, n) != getattr(after, n))


def without_losses(change: Change, today: date) -> Change:
    """A held change without what it takes away; the rest (additions too) takes effect. No `fields`: nothing is left of it.

    The version stays the old one, so that the loss is not forgotten: the next full pull shows it again.
    """
    before = change.before
    old = {m.person_id: m for m in before.members}

    def kept(member: Member) -> Member:
        was = old.get(member.person_id)
        if was is None:
            return member
        to_date = was.to_date if member.person_id in change.left else member.to_date
        cards = (
            tuple(dict.fromkeys((*was.cards, *member.cards))) if member.person_id in change.cards_gone else member.cards
        )
        photo = was.photo if member.person_id in change.photos_gone else member.photo
        return msgspec.structs.replace(member, to_date=to_date, cards=cards, photo=photo)

    record = msgspec.structs.replace(
        change.record,
        members=tuple(kept(m) for m in change.record.members),
        version=before.version,
        end_decision=before.end_decision,
        dwelling_code=before.dwelling_code,
        state=before.state if change.record.state == ENDED else change.record.state,
    )
    return change_of(before, msgspec.structs.replace(record, partial=True), today)


def _same_people(before: TenancyRecord, record: TenancyRecord) -> tuple[TenancyRecord, tuple[RefusedRow, ...]]:
    """The record without members who under a known number are somebody else (other name and other ID number).

    The number's holder stays as he is: a mix-up at the source must not put one person's access into another's hands.
    """
    old = {m.person_id: m for m in before.members}
    others = tuple(m for m in record.members if m.person_id in old and _another(old[m.person_id], m))
    if not others:
        return record, ()
    stay = tuple(old[m.person_id] if m in others else m for m in record.members)
    rows = tuple(RefusedRow(f"{record.id}/{m.person_id}", "person_other") for m in others)
    return msgspec.structs.replace(record, members=stay), rows


def _another(was: Member, now: Member) -> bool:
    return bool(was.id_hash and now.id_hash and was.id_hash != now.id_hash and was.name != now.name)


def _told_by_a_list(before: TenancyRecord, record: TenancyRecord) -> TenancyRecord:
    old = {m.person_id: m for m in before.members}

    def full(member: Member) -> Member:
        was = old.get(member.person_id)
        if was is None:
            return member
        return msgspec.structs.replace(
            member, cards=member.cards or was.cards, consents=was.consents, photo=was.photo, to_date=was.to_date
        )

    members = tuple(full(m) for m in record.members)
    handover = record.handover_at or before.handover_at
    return msgspec.structs.replace(
        record,
        members=members,
        version=before.version,
        handover_at=handover,
        expected_members=record.expected_members or before.expected_members,
    )


def _with_what_is_not_told(before: TenancyRecord, record: TenancyRecord) -> TenancyRecord:
    """A record without a field takes nothing away; an ID number and a birth date that were told once are not forgotten."""
    old = {m.person_id: m for m in before.members}

    def full(member: Member) -> Member:
        was = old.get(member.person_id)
        if was is None:
            return told(member)
        kept = {name: getattr(was, name) for name in member.untold}
        if not member.id_hash:
            kept |= {"id_hash": was.id_hash, "id_last4": was.id_last4}
        kept["birth_date"] = member.birth_date or was.birth_date
        return told(msgspec.structs.replace(member, **kept))

    return msgspec.structs.replace(record, members=tuple(full(m) for m in record.members))


def told(member: Member) -> Member:
    """As it is kept: what the record did not tell is no part of it."""
    without_consent = member.photo is not None and "a" not in member.consents
    return msgspec.structs.replace(member, untold=(), photo=None if without_consent else member.photo)


def _never_back(before: TenancyRecord, record: TenancyRecord, today: date) -> TenancyRecord:
    old = {m.person_id: m for m in before.members}

    def begun(member: Member) -> Member:
        was = old.get(member.person_id)
        if was is None or has_left(was, today) or not was.from_date <= today < member.from_date:
            return member
        return msgspec.structs.replace(member, from_date=was.from_date)

    start = before.from_date if before.state == ACTIVE and before.from_date <= today < record.from_date else None
    back = before.state == ACTIVE and record.state == ALLOCATED
    return msgspec.structs.replace(
        record,
        members=tuple(begun(m) for m in record.members),
        from_date=start or record.from_date,
        state=ACTIVE if back else record.state,
    )


def without_earlier_lease_end(before: TenancyRecord, record: TenancyRecord) -> TenancyRecord:
    """After a renewal some systems still repeat the old lease's end at each member: that is nobody's leaving either.

    A date at which the hub already has a member leave stays: it was given when it was not the end of a lease.
    """
    old = {m.person_id: m for m in before.members}

    def seen(member: Member) -> Member:
        was = old.get(member.person_id)
        end = member.lease_end or (was.lease_end if was else None)
        earlier = member.to_date is not None and member.to_date in (before.to_date, end) and not (was and was.to_date)
        if earlier:
            return msgspec.structs.replace(member, to_date=None, lease_end=member.to_date)
        return msgspec.structs.replace(member, lease_end=end) if end != member.lease_end else member

    return msgspec.structs.replace(record, members=tuple(seen(m) for m in record.members))


def _contradicts(change: Change) -> bool:
    """Under one version: somebody would lose something, or is named otherwise, or consents to more."""
    old = {m.person_id: m for m in change.before.members}
    named = any(
        (old[m.person_id].name, old[m.person_id].id_hash) != (m.name, m.id_hash)
        for m in change.record.members
        if m.person_id in old
    )
    announced = change.losses == ("ended",) and change.before.end_decision == change.record.end_decision
    return named or bool(change.consents_given) or bool(change.losses and not announced)


def _joined(before: TenancyRecord, record: TenancyRecord) -> TenancyRecord:
    """Both of one version, in whatever order they come: who is in one of them is there, with every card of either.

    Of consents only those which both tell: what is not sure is not consented to. An end that was announced takes place.
    """
    old = {m.person_id: m for m in before.members}
    members = tuple(_joined_member(old[m.person_id], m) if m.person_id in old else m for m in record.members)
    over = record.state == ENDED and before.state != ENDED and record.end_decision != before.end_decision
    return msgspec.structs.replace(
        record,
        members=members,
        partial=True,
        dwelling_code=before.dwelling_code,
        from_date=min(before.from_date, record.from_date),
        state=before.state if over or before.state == ACTIVE != record.state != ENDED else record.state,
        end_decision=before.end_decision,
    )


def _joined_member(was: Member, now: Member) -> Member:
    both = {p: max(c, now.consents[p], key=_order) for p, c in was.consents.items() if p in now.consents}
    return msgspec.structs.replace(
        now,
        to_date=None if was.to_date is None or now.to_date is None else max(was.to_date, now.to_date),
        from_date=min(was.from_date, now.from_date),
        cards=tuple(dict.fromkeys((*was.cards, *now.cards))),
        consents=both,
        photo=(now.photo or was.photo) if "a" in both else None,
        name=max(was.name, now.name),
        id_hash=was.id_hash or now.id_hash,
        id_last4=was.id_last4 or now.id_last4,
    )


def _order(given: ConsentGiven) -> tuple[str, ...]:
    return tuple(str(part) for part in msgspec.structs.astuple(given))


def _loses_photo(was: Member, now: Member, today: date) -> bool:
    """Whose face opened doors and, without having taken the consent back, opens none any more."""
    return was.photo is not None and now.photo is None and "a" in now.consents and not has_left(now, today)


def _in_order(before: TenancyRecord, members: Sequence[Member]) -> tuple[Member, ...]:
    """Known members keep their place (it is their ordinal), new ones follow."""
    place = {m.person_id: i for i, m in enumerate(before.members)}
    return tuple(sorted(members, key=lambda m: place.get(m.person_id, len(place))))


def _leaves(before: Member, after: Member, today: date) -> bool:
    """A last day was set or moved forward; one so far ahead that it only stands for "no end" is none."""
    if after.to_date is None or after.to_date > today + FAR:
        return False
    return before.to_date is None or after.to_date < before.to_date
