"""The independent judge: who may pass where, from the books alone; and whether what the hub shows is what devices hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from tools.chain.books import Books, Member, Tenancy, local_day
from tools.chain.terminal import Content, Way


@dataclass(frozen=True, slots=True)
class Place:
    """A device of the twin estate: whose way it is on (None: everybody's), and what it can read."""

    device: str
    block: str | None
    faces: bool


Ways = frozenset[Way]


def expected(books: Books, place: Place, now: datetime) -> dict[str, Ways]:
    """holder (`person@tenancy`, or `pass:token`) → what must open this device for him."""
    today = local_day(now)
    door = books.moved.get(place.device, place.device)
    block = books.doors.get(door, place.block)
    found: dict[str, Ways] = {}
    for tenancy in books.tenancies.values():
        if tenancy.over(today) or (block is not None and block not in tenancy.dwelling):
            continue
        for member in tenancy.members:
            if ways := _of_member(books, tenancy, member, place, today):
                found[f"{member.person}@{tenancy.key}"] = ways
    for one in books.counter.passes.values():
        host = books.tenancies.get(one.host)
        if door in one.doors and not one.ended and not (host and host.over(today)) and now < one.until:
            found[f"pass:{one.token}"] = frozenset({Way("card", one.number, one.until)})
    return found


def _of_member(books: Books, tenancy: Tenancy, member: Member, place: Place, today: date) -> Ways:
    counter, key = books.counter, (member.person, tenancy.key)
    if (member.last_day is not None and member.last_day < today) or key in counter.resigned:
        return frozenset()
    cards = [*member.cards, *counter.handed_out.get(key, ())]
    ways = {Way("card", number) for number in cards if number not in counter.lost_cards}
    if place.faces and face_agreed(books, member):
        ways.add(Way("face", member.photo))
    return frozenset(ways)


def face_agreed(books: Books, member: Member) -> bool:
    taken_back = books.counter.withdrawn.get(member.person)
    given = datetime.fromisoformat(member.consent_at) if member.consent_at else None
    return bool(member.photo) and given is not None and (taken_back is None or given > taken_back)


def ways_of(content: Content, now: datetime) -> Ways:
    """Everything of ours that opens, without what is over by its own end."""
    return living((way for entry in content.values() for way in entry.ways), now)


def living(ways: Iterable[Way], now: datetime) -> Ways:
    return frozenset(w for w in ways if w.until is None or w.until > now)


def union(holders: dict[str, Ways]) -> Ways:
    return frozenset(way for ways in holders.values() for way in ways)


def may_end(books: Books, person: str, tenancy_key: str, now: datetime) -> bool:
    """Whether one of the lawful causes stands in the books for this resident."""
    tenancy = books.tenancies.get(tenancy_key)
    if tenancy is None:
        return False
    member = next((m for m in tenancy.members if m.person == person), None)
    left = member is None or (member.last_day is not None and member.last_day < local_day(now))
    key = (person, tenancy_key)
    return tenancy.over(local_day(now)) or left or key in books.counter.resigned or key in books.counter.replaced


@dataclass
class Verdict:
    """What the judge found in one run. `claims`: how many times "confirmed" (of a device or a person) was checked."""

    faults: list[str] = field(default_factory=list)
    false_confirmed: int = 0
    claims: int = 0

    def blame(self, what: str, *, false: bool = False) -> None:
        self.false_confirmed += false
        if len(self.faults) < 20:
            self.faults.append(what)
