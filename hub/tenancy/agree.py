"""(P) Both sides of a source, record by record: what agrees, what differs and in which field, what only one side has.

The numbers add up: each record of each side is in exactly one class, and the classes' sum is the side's total.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from hub.masking import mask_card, mask_id_number, mask_name
from hub.tenancy.changes import ENDED
from hub.tenancy.records import EndDecision, Member, TenancyRecord
from hub.tenancy.settle import has_left, settle

AGREE, DIFFERENT, HELD, REFUSED, ONLY = "agree", "different", "held", "refused", "only"
CLASSES = (AGREE, DIFFERENT, HELD, REFUSED, ONLY)


@dataclass(slots=True)
class Side:
    """How many records of one side are in each class. `only`: the other side has none of it."""

    total: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CLASSES, 0))

    def add(self, name: str, count: int = 1) -> None:
        """`count` records of the class."""
        self.counts[name] += count
        self.total += count


@dataclass(frozen=True, slots=True)
class Difference:
    """One field, masked. `person` empty: of the tenancy itself. `here`, `there`: hub, source."""

    tenancy: str
    dwelling_code: str
    person: str
    name: str
    here: str
    there: str


@dataclass(slots=True)
class Agreement:
    """Tenancies and members of both sides. `only_here`, `only_there`: (tenancy, dwelling code, person or empty)."""

    hub: Side = field(default_factory=Side)
    source: Side = field(default_factory=Side)
    hub_members: Side = field(default_factory=Side)
    source_members: Side = field(default_factory=Side)
    differences: list[Difference] = field(default_factory=list)
    only_here: list[tuple[str, str, str]] = field(default_factory=list)
    only_there: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class There:
    """The source's side. `refused`: tenancy → members that could not be taken with it, for whole records refused."""

    records: Mapping[str, TenancyRecord]
    refused: Mapping[str, int]
    refused_members: Mapping[str, int]


def agree(known: Mapping[str, TenancyRecord], there: There, held: Mapping[str, str], today: date) -> Agreement:
    """`held`: tenancy number, here or there → the brake's reason."""
    found = Agreement()
    for key, record in sorted(there.records.items()):
        now = settle(record, today, known[key].members if key in known else ())
        if key in held:
            _whole(found.source, found.source_members, HELD, now, today, there.refused_members.get(key, 0))
        elif key not in known:
            _whole(found.source, found.source_members, ONLY, now, today, there.refused_members.get(key, 0))
            found.only_there.append((key, now.dwelling_code, ""))
        else:
            _both(found, known[key], now, today, there.refused_members.get(key, 0))
    for key, members in there.refused.items():
        found.source.add(REFUSED)
        found.source_members.add(REFUSED, members)
        if key in known and key not in there.records:
            name = HELD if key in held else REFUSED
            _whole(found.hub, found.hub_members, name, known[key], today)
    for key, record in sorted(known.items()):
        if key in there.refused and key not in there.records:
            continue
        if key in held:
            _whole(found.hub, found.hub_members, HELD, record, today)
        elif key not in there.records:
            _whole(found.hub, found.hub_members, ONLY, record, today)
            found.only_here.append((key, record.dwelling_code, ""))
    return found


def live_members(record: TenancyRecord, today: date) -> dict[str, Member]:
    """Who lives there: of a tenancy that is over, nobody."""
    if record.state == ENDED:
        return {}
    return {m.person_id: m for m in record.members if not has_left(m, today)}


def _whole(side: Side, members: Side, name: str, record: TenancyRecord, today: date, refused: int = 0) -> None:
    side.add(name)
    members.add(name, len(live_members(record, today)))
    members.add(REFUSED, refused)


def _both(found: Agreement, here: TenancyRecord, there: TenancyRecord, today: date, refused: int) -> None:
    told = [Difference(here.id, here.dwelling_code, "", n, a, b) for n, a, b in _tenancy_fields(here, there)]
    mine, theirs = live_members(here, today), live_members(there, today)
    for person in sorted(mine.keys() | theirs.keys()):
        if person not in theirs:
            if refused:
                found.hub_members.add(REFUSED)  # the source tells of him, and cannot be read
                continue
            found.hub_members.add(ONLY)
            found.only_here.append((here.id, here.dwelling_code, person))
            told.append(Difference(here.id, here.dwelling_code, person, "member", mask_name(mine[person].name), ""))
        elif person not in mine:
            found.source_members.add(ONLY)
            found.only_there.append((here.id, here.dwelling_code, person))
            told.append(Difference(here.id, here.dwelling_code, person, "member", "", mask_name(theirs[person].name)))
        else:
            other = _member_fields(mine[person], theirs[person])
            told += [Difference(here.id, here.dwelling_code, person, n, a, b) for n, a, b in other]
            for side in (found.hub_members, found.source_members):
                side.add(DIFFERENT if other else AGREE)
    found.source_members.add(REFUSED, refused)
    for side in (found.hub, found.source):
        side.add(DIFFERENT if told else AGREE)
    found.differences += told


def _tenancy_fields(here: TenancyRecord, there: TenancyRecord) -> Iterable[tuple[str, str, str]]:
    def shown(record: TenancyRecord) -> dict[str, str]:
        decision = record.end_decision or EndDecision()
        return {
            "version": str(record.version),
            "state": record.state,
            "dwelling_code": record.dwelling_code,
            "from": record.from_date.isoformat(),
            "to": record.to_date.isoformat() if record.to_date else "",
            "handover_at": record.handover_at.isoformat() if record.handover_at else "",
            "expected_members": str(record.expected_members or ""),
            "end_decision": decision.number,
        }

    return _other(shown(here), shown(there))


def _member_fields(here: Member, there: Member) -> Iterable[tuple[str, str, str]]:
    def shown(member: Member) -> dict[str, tuple[object, str]]:
        photo = member.photo.sha256 if member.photo else ""
        consents = ",".join(sorted(member.consents))
        return {
            "name": (member.name, mask_name(member.name)),
            "id_number": (member.id_hash, mask_id_number(member.id_last4)),
            "relation": (member.relation, member.relation),
            "birth_year": (member.birth_date, str(member.birth_date.year) if member.birth_date else ""),
            "from": (member.from_date, member.from_date.isoformat()),
            "to": (member.to_date, member.to_date.isoformat() if member.to_date else ""),
            "cards": (sorted(member.cards), ",".join(mask_card(c) for c in sorted(member.cards))),
            "photo": (photo, photo[:8]),
            "consents": (consents, consents),
        }

    mine, theirs = shown(here), shown(there)
    return [(name, mine[name][1], theirs[name][1]) for name in mine if mine[name][0] != theirs[name][0]]


def _other(here: Mapping[str, str], there: Mapping[str, str]) -> list[tuple[str, str, str]]:
    return [(name, here[name], there[name]) for name in here if here[name] != there[name]]
