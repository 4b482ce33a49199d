"""The same person under two records: found here, told by people, never by a machine; and taken apart again.

A link moves nothing: both records stay as their sources tell them. Of consents the stricter one holds until the person is asked
anew (`ledger`); a split gives back exactly what each record told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session, aliased

from hub.db import UnitOfWork
from hub.errors import Conflict, NotFound
from hub.ids import new_id
from hub.masking import mask_card, mask_id_number, mask_name
from hub.second_person import require_other_named
from hub.tables import Consent, Dwelling, HouseholdMember, Person, PersonLink, Tenancy
from hub.tenancy import ledger, write
from hub.tenancy.changes import ENDED
from hub.tenancy.onfile import parts

LIMIT = 500
SHOWN = ("a", "b")
"""Consents that are laid beside each other. Who asked to be looked after (c) has no place here: it tells no two people apart."""


@dataclass(frozen=True, slots=True)
class Membership:
    """Where a record of a person belongs, masked."""

    tenancy: str
    dwelling_code: str
    estate_id: str
    relation: str
    state: str
    from_date: str
    to_date: str
    cards: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One record of a person as two clerks see it to say whether it is the same human being."""

    person: str
    source: str
    number: str
    name: str
    id_number: str
    birth_year: int | None
    consents: tuple[str, ...]
    memberships: tuple[Membership, ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records. `by`: id_number or name_and_birth. `link`, `state`, `asked_by`: what people said of it, or empty."""

    records: tuple[Evidence, Evidence]
    by: str
    link: str = ""
    state: str = ""
    asked_by: str = ""


def candidates(session: Session, estates: Collection[str] | None, source: str | None = None) -> list[Pair]:
    """Records that may be of one person: asked and undecided first, then by ID number, then by name and birth date.

    `estates`: only where one of the two lives there (None: all). What people refused or split is not asked again.
    """
    pairs = _by_number(session) | _by_name(session)
    links = {frozenset((x.kept, x.other)): x for x in session.scalars(select(PersonLink).order_by(PersonLink.asked_at))}
    people = {one for key in pairs for one in key} | {p for key, x in links.items() if x.state == "asked" for p in key}
    evidence = evidence_of(session, people)
    found = []
    for key, by in pairs.items():
        link = links.get(frozenset(key))
        if link is not None and link.state != "asked":
            continue
        two = (evidence[key[0]], evidence[key[1]])
        here = {m.estate_id for one in two for m in one.memberships}
        sources = {one.source for one in two}
        if (estates is None or here & set(estates)) and (source is None or source in sources):
            two = (_as_seen(two[0], estates), _as_seen(two[1], estates))
            found.append(Pair(two, by, *((link.id, link.state, link.asked_by) if link else ())))
    return sorted(found, key=lambda p: (not p.link, p.by, p.records[0].person))[:LIMIT]


def linked(session: Session, estates: Collection[str] | None) -> list[Pair]:
    """What people confirmed to be one, newest first: it can be taken apart."""
    rows = list(
        session.scalars(select(PersonLink).where(PersonLink.state == "linked").order_by(PersonLink.decided_at.desc()))
    )
    evidence = evidence_of(session, {p for x in rows for p in (x.kept, x.other)})
    found = []
    for link in rows:
        two = (evidence[link.kept], evidence[link.other])
        if estates is None or {m.estate_id for one in two for m in one.memberships} & set(estates):
            seen = (_as_seen(two[0], estates), _as_seen(two[1], estates))
            found.append(Pair(seen, "people", link.id, link.state, link.asked_by))
    return found[:LIMIT]


def _as_seen(one: Evidence, estates: Collection[str] | None) -> Evidence:
    """By who sees these estates: of homes elsewhere nothing is told, and of a record that is wholly elsewhere no number."""
    if estates is None:
        return one
    here = tuple(home for home in one.memberships if home.estate_id in estates)
    return replace(one, memberships=here, number=one.number if here else "")


def _by_number(session: Session) -> dict[tuple[str, str], str]:
    a, b = aliased(Person), aliased(Person)
    query = (
        select(a.id, b.id)
        .join(b, and_(a.id_number_hash == b.id_number_hash, a.id < b.id))
        .where(a.id_number_hash.is_not(None), a.id_number_hash != "", *_apart(a, b))
        .limit(LIMIT)
    )
    return dict.fromkeys(session.execute(query), "id_number")


def _by_name(session: Session) -> dict[tuple[str, str], str]:
    """Where at least one of them has no number."""
    a, b = aliased(Person), aliased(Person)
    query = (
        select(a.id, b.id)
        .join(b, and_(a.name == b.name, a.birth_date == b.birth_date, a.id < b.id))
        .where(or_(a.id_number_hash.is_(None), b.id_number_hash.is_(None)), *_apart(a, b))
        .limit(LIMIT)
    )
    return dict.fromkeys(session.execute(query), "name_and_birth")


def _apart(a: type[Person], b: type[Person]) -> tuple[ColumnElement[bool], ...]:
    """Both live somewhere, and they are not one already."""

    def lives(person: type[Person]) -> ColumnElement[bool]:
        member = select(HouseholdMember.id).join(Tenancy, Tenancy.id == HouseholdMember.tenancy_id)
        return member.where(HouseholdMember.person_id == person.id, Tenancy.state != ENDED).exists()

    not_one = and_(
        or_(a.same_as.is_(None), a.same_as != b.id),
        or_(b.same_as.is_(None), b.same_as != a.id),
        or_(a.same_as.is_(None), b.same_as.is_(None), a.same_as != b.same_as),
    )
    return (lives(a), lives(b), not_one)


def evidence_of(session: Session, people: Iterable[str]) -> dict[str, Evidence]:
    """Each record, masked."""
    found: dict[str, Evidence] = {}
    for part in parts(sorted(set(people))):
        homes: dict[str, list[Membership]] = {}
        rows = session.execute(
            select(HouseholdMember, Tenancy, Dwelling.code)
            .join(Tenancy, Tenancy.id == HouseholdMember.tenancy_id)
            .join(Dwelling, Dwelling.id == Tenancy.dwelling_id)
            .where(HouseholdMember.person_id.in_(part))
            .order_by(Tenancy.from_date, HouseholdMember.id)
        )
        for member, tenancy, code in rows:
            homes.setdefault(member.person_id, []).append(
                Membership(
                    tenancy.source_id,
                    code,
                    tenancy.estate_id,
                    member.relation,
                    tenancy.state,
                    member.from_date.isoformat(),
                    member.to_date.isoformat() if member.to_date else "",
                    tuple(mask_card(card) for card in member.offered.get("cards", ())),
                )
            )
        live: dict[str, list[str]] = {}
        query = select(Consent.person_id, Consent.purpose).where(
            Consent.person_id.in_(part), Consent.purpose.in_(SHOWN), Consent.withdrawn_at.is_(None)
        )
        for person, purpose in session.execute(query):
            live.setdefault(person, []).append(purpose)
        for one in session.scalars(select(Person).where(Person.id.in_(part))):
            found[one.id] = Evidence(
                one.id,
                one.source,
                one.source_id,
                mask_name(one.name),
                mask_id_number(one.id_number_last4),
                one.birth_date.year if one.birth_date else None,
                tuple(sorted(live.get(one.id, ()))),
                tuple(homes.get(one.id, ())),
            )
    return found


def ask(uow: UnitOfWork, kept: str, other: str) -> PersonLink:
    """The first of two persons says that it is one. Raises Conflict, NotFound."""
    session = uow.session
    a, b = session.get(Person, kept), session.get(Person, other)
    if a is None or b is None or kept == other:
        raise NotFound("没有这两份人员记录。请刷新列表。")
    if (a.same_as or a.id) == (b.same_as or b.id):
        raise Conflict("这两份记录已确认为同一人。", "already_one")
    query = select(PersonLink).where(
        or_(
            and_(PersonLink.kept == kept, PersonLink.other == other),
            and_(PersonLink.kept == other, PersonLink.other == kept),
        ),
        PersonLink.state == "asked",
    )
    if session.scalars(query).first() is not None:
        raise Conflict("已有人提出，等待另一位人员确认。请刷新列表。", "already_asked")
    link = PersonLink(
        id=new_id("link"), kept=kept, other=other, state="asked", asked_by=uow.actor, asked_at=uow.now,
        reason=uow.reason, undo={},
    )  # fmt: skip
    session.add(link)
    uow.record("person.same_asked", link.id, kept=kept, other=other)
    return link


def decide(uow: UnitOfWork, link_id: str, same: bool) -> PersonLink:
    """The second, who is another, confirms or refuses. Raises Conflict, NotFound."""
    write.alone(uow.session)  # A and B, B and C at once would make a chain of what is one person
    link = _link(uow, link_id, "asked")
    require_other_named(uow.session, link.asked_by, uow.actor, uow.now)
    link.decided_by, link.decided_at, link.state = uow.actor, uow.now, "linked" if same else "refused"
    uow.record("person.linked" if same else "person.link_refused", link.id, kept=link.kept, other=link.other)
    if same:
        _join(uow, link)
    return link


def split(uow: UnitOfWork, link_id: str) -> PersonLink:
    """They are two after all: each record stands for itself again, with what it told. Raises Conflict, NotFound."""
    write.alone(uow.session)
    link = _link(uow, link_id, "linked")
    link.state, link.split_by, link.split_at = "split", uow.actor, uow.now
    everybody = _group(uow, link)
    apart = list(link.undo.get("moved", ())) or [link.other]
    head = link.undo.get("head", link.other)
    uow.session.execute(update(Person).where(Person.id.in_(apart)).values(same_as=head))
    uow.session.execute(update(Person).where(Person.id == head).values(same_as=None))
    uow.session.flush()
    uow.record("person.split", link.id, kept=link.kept, other=link.other)
    _follow(uow, everybody)
    return link


def _link(uow: UnitOfWork, link_id: str, state: str) -> PersonLink:
    link = uow.session.get(PersonLink, link_id, with_for_update=True)
    if link is None:
        raise NotFound("没有这条记录。请刷新列表。")
    if link.state != state:
        raise Conflict("这条记录已被办理。请刷新列表。", "already_decided")
    return link


def _join(uow: UnitOfWork, link: PersonLink) -> None:
    """All records of the other point to the kept one's; who pointed where is remembered for a split."""
    session = uow.session
    kept, other = session.get_one(Person, link.kept), session.get_one(Person, link.other)
    head, gone = kept.same_as or kept.id, other.same_as or other.id
    if head == gone:
        raise Conflict("这两份记录已确认为同一人。", "already_one")
    coming = session.scalars(select(Person.id).where(or_(Person.id == gone, Person.same_as == gone))).all()
    link.undo = {"moved": sorted(coming), "head": gone}
    session.execute(update(Person).where(Person.id.in_(coming)).values(same_as=head))
    session.flush()
    _follow(uow, _group(uow, link))


def _group(uow: UnitOfWork, link: PersonLink) -> set[str]:
    groups = ledger.group_of(uow.session, (link.kept, link.other))
    return {one for group in groups.values() for one in group}


def _follow(uow: UnitOfWork, people: set[str]) -> None:
    """Consents, and the credentials of every household they belong to."""
    uow.session.expire_all()
    ledger.follow(uow, people)
