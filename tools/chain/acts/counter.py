"""What the hub's own counter does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from hub import moved
from hub.access import desk
from hub.access.pass_rules import PassRequest
from hub.db import UnitOfWork
from hub.errors import ApiError
from hub.tables import AccessPass, HouseholdMember, Person
from tools.chain.acts.register import T, people, pick
from tools.chain.books import Member, Pass, Tenancy, local_day
from tools.chain.judge import face_agreed
from tools.chain.site import ESTATE, PLACES
from tools.chain.world import World


def at_counter(world: World, work: Callable[[UnitOfWork], T]) -> T | None:
    """One act at the hub's counter: done and committed, or nothing. A hub that dies after its commit has done it."""
    said: list[T] = []
    stands: list[T] = []
    points, before = world.hub.points, world.hub.points.on_commit

    def committed(reason: str) -> None:
        if reason == "counter":
            stands.extend(said)
        before(reason)

    def act() -> None:
        hub = world.hub.hub
        try:
            with hub.db.unit_of_work("clerk", "counter", estate_id=ESTATE, now=hub.now()) as uow:
                said.append(work(uow))
        except ApiError:
            said.clear()
            return
        moved.tell(hub)

    points.on_commit = committed
    try:
        world.hub.guarded(act)
    finally:
        points.on_commit = before
    return stands[0] if stands else None


def _perform(world: World, action: desk.Action) -> desk.Done | None:
    return at_counter(world, lambda uow: desk.perform(uow, world.hub.hub.keys, ESTATE, action))


def _known(world: World) -> list[tuple[Tenancy, Member]]:
    """Members as the hub knows them."""
    today = local_day(world.now())
    return [
        (t, m)
        for _, t in sorted(world.books.tenancies.items())
        if not t.over(today)
        for m in t.members
        if m.last_day is None or m.last_day >= today
    ]


@people
async def card_lost(world: World, n: int) -> None:
    found = pick(_known(world), n) if world.hub.up else None
    if not found:
        return
    tenancy, member = found
    key, counter = (member.person, tenancy.key), world.books.counter
    cards = [c for c in [*member.cards, *counter.handed_out.get(key, ())] if c not in counter.lost_cards]
    token = world.token(*key)
    if not token or not cards:
        return
    fresh = world.office.new_card() if n & 1 else ""
    if _perform(world, desk.LostCard(token, cards[0], fresh)):
        counter.lost_cards.add(cards[0])
        counter.replaced.add(key)
        if fresh:
            counter.handed_out.setdefault(key, []).append(fresh)


@people
async def gives_access_back(world: World, n: int) -> None:
    found = pick(_known(world), n) if world.hub.up else None
    if found and (token := world.token(found[1].person, found[0].key)) and _perform(world, desk.OwnRequest(token)):
        world.books.counter.resigned.add((found[1].person, found[0].key))


@people
async def withdraws_at_counter(world: World, n: int) -> None:
    """Purpose (a), at the hub's own counter."""
    found = pick([x for x in _known(world) if face_agreed(world.books, x[1])], n) if world.hub.up else None
    if not found:
        return
    member_id = _member_id(world, found[1].person)
    at = world.now()
    if member_id and at_counter(world, lambda uow: desk.withdraw_consent(uow, ESTATE, member_id, "a")):
        world.books.counter.withdrawn[found[1].person] = at


def _member_id(world: World, person: str) -> str | None:
    with world.hub.hub.db.reading() as session:
        query = session.query(HouseholdMember.id).join(Person, Person.id == HouseholdMember.person_id)
        row = query.filter(Person.source_id == person).first()
        return str(row[0]) if row else None


@people
async def visitor(world: World, n: int) -> None:
    """A card for an afternoon, or for some minutes."""
    found = pick(_known(world), n) if world.hub.up and not world.hub_skew else None
    if not found:
        return
    tenancy, now, card = found[0], world.hub.clock(), world.office.new_card()
    until = now + timedelta(minutes=(3, 20, 240)[n % 3])
    request = PassRequest("visitor", now, until, host=f"E001.{tenancy.dwelling}")
    if done := _perform(world, desk.IssuePass(request, "card", card)):
        with world.hub.hub.db.reading() as session:
            token = session.get_one(AccessPass, done.subject).token
        doors = {d: p.block for d, p in PLACES.items()} | world.books.doors
        usual = tuple(d for d, block in doors.items() if block is None or block in tenancy.dwelling)
        world.books.counter.passes[done.subject] = Pass(token, card, until, usual, tenancy.key)


@people
async def visitor_leaves(world: World, n: int) -> None:
    open_ = [k for k, p in sorted(world.books.counter.passes.items()) if not p.ended and p.until > world.now()]
    if world.hub.up and (key := pick(open_, n)) and _perform(world, desk.EndPass(key, "host_withdrew")):
        world.books.counter.passes[key].ended = True
