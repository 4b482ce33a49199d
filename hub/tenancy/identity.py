"""(P) Households that come under other numbers: a source that changed its identifiers must not let everybody in twice, or out.

What is recognisable (same dwelling, same ID number) is proposed as re-identification, household by household, for two persons to
confirm. Until then the household goes on under the numbers known here: what the source adds is taken, what it takes away is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import msgspec

from hub.tenancy.changes import ENDED, HeldHousehold, Known, Limits
from hub.tenancy.records import Member, TenancyRecord
from hub.tenancy.settle import settle

CHANGED, UNCLEAR, OTHER = "identifiers_changed", "identity_unclear", "other_source"
Pairs = tuple[tuple[str, str], ...]
"""Persons: (number in the incoming record, number known here)."""
_Candidate = tuple[TenancyRecord, Known, Pairs]


@dataclass(slots=True)
class Recognised:
    """`records`: what to compare with what is known, under known numbers. `held`: by known tenancy, what two persons decide."""

    records: list[TenancyRecord] = field(default_factory=list)
    held: dict[str, HeldHousehold] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scene:
    """What is known around the incoming records.

    `known`: tenancies of this source; `residents`: house code → live tenancies there, of all sources; `present`: numbers that
    came. `full`: what is not among them has vanished. `pushed`: a push tells a part: only many at once are suspicious.
    """

    source: str
    today: date
    known: Mapping[str, Known]
    residents: Mapping[str, Sequence[Known]]
    present: frozenset[str]
    full: bool = False
    pushed: bool = False
    limits: Limits | Mapping[str, Limits] = field(default_factory=Limits)
    live_counts: Mapping[str, int] = field(default_factory=dict)


def recognise(incoming: Iterable[TenancyRecord], scene: Scene) -> Recognised:
    """Sort the records into those to be taken as they are and those that are somebody known."""
    found = Recognised()
    unclear: list[_Candidate] = []
    many: list[_Candidate] = []
    renamed: list[_Candidate] = []
    taken: set[str] = set()
    for record in incoming:
        if record.id in scene.known:
            found.records.append(_same_tenancy(record, scene.known[record.id], found))
            continue
        before = _resident_before(record, scene, taken)
        if before is None:
            found.records.append(record)
            continue
        pairs = match(before.record.members, record.members)
        if scene.pushed:
            (many if sure(pairs, before.record, record) else unclear).append((record, before, pairs))
        elif before.source != scene.source:
            _other_source(record, before, pairs, found)
        elif sure(pairs, before.record, record):
            taken.add(before.record.id)
            renamed.append((record, before, pairs))
        else:
            unclear.append((record, before, pairs))
    if _one_lease_renewed(renamed, scene):
        found.records.append(renamed.pop()[0])
    for candidate in renamed:
        _propose(*candidate, found)
    _many_at_once(many, CHANGED, scene, found)
    _many_at_once(unclear, UNCLEAR, scene, found)
    return found


def match(before: Sequence[Member], now: Sequence[Member]) -> Pairs:
    """Who of `now` is who of `before`: by person number, by ID number, by name and birth date. Each once."""
    pairs: dict[str, str] = {}
    for same in (_number, _identity, _name):
        free = [m for m in before if m.person_id not in pairs.values()]
        for member in now:
            if member.person_id in pairs:
                continue
            who = [m for m in free if same(m, member) and m.person_id not in pairs.values()]
            if len(who) == 1 or (who and same is not _name):
                pairs[member.person_id] = who[0].person_id
    return tuple(sorted(pairs.items()))


def sure(pairs: Pairs, before: TenancyRecord, record: TenancyRecord) -> bool:
    """Whether it is the same household: one by ID or person number is enough; by names the tenant or half of them."""
    old, new = {m.person_id: m for m in before.members}, {m.person_id: m for m in record.members}
    if any(_number(old[o], new[n]) or _identity(old[o], new[n]) for n, o in pairs):
        return True
    head = any(old[o].relation == new[n].relation == "applicant" for n, o in pairs)
    return bool(pairs) and (head or 2 * len(pairs) >= len(before.members))


def translated(record: TenancyRecord, before: TenancyRecord, pairs: Pairs) -> TenancyRecord:
    """The record under the numbers known here, newer than what is known, and telling no more consents than are known."""
    old, of = {m.person_id: m for m in before.members}, dict(pairs)

    def known(member: Member) -> Member:
        was = old.get(of.get(member.person_id, ""))
        if was is None or was.person_id == member.person_id:
            return member
        return msgspec.structs.replace(member, person_id=was.person_id, consents=was.consents, photo=was.photo)

    members = tuple(known(m) for m in record.members)
    return msgspec.structs.replace(record, id=before.id, version=before.version + 1, members=members)


def _number(was: Member, now: Member) -> bool:
    return was.person_id == now.person_id and not (was.id_hash and now.id_hash and was.id_hash != now.id_hash)


def _identity(was: Member, now: Member) -> bool:
    return bool(was.id_hash) and was.id_hash == now.id_hash


def _name(was: Member, now: Member) -> bool:
    if was.id_hash and now.id_hash and was.id_hash != now.id_hash:
        return False
    born = was.birth_date is None or now.birth_date is None or was.birth_date == now.birth_date
    return was.name == now.name and born


def _same_tenancy(record: TenancyRecord, before: Known, found: Recognised) -> TenancyRecord:
    """A known tenancy whose persons have other numbers now."""
    here = {m.person_id for m in record.members}
    gone = [m for m in before.record.members if m.person_id not in here]
    known = {m.person_id for m in before.record.members}
    came = [m for m in record.members if m.person_id not in known]
    pairs = match(gone, came) if gone and came and before.record.state != ENDED else ()
    if not pairs or 0 < record.version < before.record.version:
        return record
    found.held[record.id] = _held(before, CHANGED, record.id, pairs)
    return translated(record, before.record, pairs)


def _resident_before(record: TenancyRecord, scene: Scene, taken: set[str]) -> Known | None:
    """The live tenancy of that dwelling of which this may be the new number."""
    if settle(record, scene.today).state == ENDED:
        return None  # over: it gives nobody anything. What only calls itself ended goes on, and is somebody's
    ours, theirs = [], []
    for one in scene.residents.get(record.dwelling_code, ()):
        if one.source != scene.source:
            theirs.append(one)
        elif one.record.id not in scene.present and one.record.id not in taken and (scene.full or scene.pushed):
            ours.append(one)
    likely = [o for o in ours if sure(match(o.record.members, record.members), o.record, record)]
    if likely or ours:
        return (likely or ours)[0]
    return theirs[0] if theirs and scene.full else None


def _one_lease_renewed(renamed: Sequence[_Candidate], scene: Scene) -> bool:
    """One household alone under a new number, its people under theirs of before: the next lease; the last is in the archive."""
    live = sum(one.record.state != ENDED for one in scene.known.values())
    return len(renamed) == 1 and live > 1 and all(new == old for new, old in renamed[0][2])


def _propose(record: TenancyRecord, before: Known, pairs: Pairs, found: Recognised) -> None:
    found.held[before.record.id] = _held(before, CHANGED, record.id, pairs)
    found.records.append(translated(record, before.record, pairs))


def _other_source(record: TenancyRecord, before: Known, pairs: Pairs, found: Recognised) -> None:
    """Known from another source: all of them: two persons may hand it over; else it is another household there as well."""
    if len(pairs) < len(record.members) or not sure(pairs, before.record, record):
        found.records.append(record)
        return
    found.held[record.id] = _held(before, OTHER, record.id, pairs)


def _many_at_once(some: Sequence[_Candidate], reason: str, scene: Scene, found: Recognised) -> None:
    """A new lease of a dwelling now and then is life; more than the brake's limit at once is a source with other numbers."""
    count: dict[str, int] = {}
    for _, before, _ in some:
        count[before.estate_id] = count.get(before.estate_id, 0) + 1
    for record, before, pairs in some:
        estate = before.estate_id
        limit = scene.limits if isinstance(scene.limits, Limits) else scene.limits.get(estate, Limits())
        if count[estate] <= limit.allowed(scene.live_counts.get(estate, 0)) or before.record.id in found.held:
            found.records.append(record)
        elif reason == CHANGED:
            _propose(record, before, pairs, found)
        else:
            found.held[before.record.id] = _held(before, reason, record.id, pairs)


def _held(before: Known, reason: str, becomes: str, pairs: Pairs) -> HeldHousehold:
    record = before.record
    return HeldHousehold(
        record.id if reason != OTHER else becomes,
        record.dwelling_code,
        before.estate_id,
        reason,
        len(record.members),
        becomes=becomes,
        people=tuple((new, old) for new, old in pairs if new != old or reason == OTHER),
        of_source=before.source if reason == OTHER else "",
    )
