"""Everything that a script can do: what people do, and what goes wrong. Each act takes one whole number and never fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from hub import moved
from hub.access import desk
from hub.access.pass_rules import PassRequest
from hub.errors import ApiError
from hub.tables import AccessPass, HouseholdMember, Person
from tools.chain.books import Member, Pass, Tenancy, local_day, yesterday
from tools.chain.hubside import POINTS
from tools.chain.judge import face_agreed
from tools.chain.site import DEVICES, DWELLINGS, ESTATE, GATE, NAMES, PLACES
from tools.chain.terminal import Terminal
from tools.chain.world import World

T = TypeVar("T")
Act = Callable[[World, int], Awaitable[None]]
ACTS: dict[str, Act] = {}
PEOPLE: list[str] = []
FAULTS: list[str] = []


def people(act: Act) -> Act:
    ACTS[act.__name__] = act
    PEOPLE.append(act.__name__)
    return act


def fault(act: Act) -> Act:
    ACTS[act.__name__] = act
    FAULTS.append(act.__name__)
    return act


def _pick(choices: list[T], n: int) -> T | None:
    return choices[n % len(choices)] if choices else None


def _living(world: World) -> list[Tenancy]:
    return [t for _, t in sorted(world.office.tenancies.items()) if t.state == "active"]


def _members(world: World) -> list[tuple[Tenancy, Member]]:
    today = local_day(world.now())
    return [(t, m) for t in _living(world) for m in t.members if m.last_day is None or m.last_day >= today]


# --- the office ------------------------------------------------------------------------------------------------------
@people
async def move_in(world: World, n: int) -> None:
    taken = {t.dwelling for t in world.office.tenancies.values() if not t.over(local_day(world.now()))}
    if dwelling := _pick([d for d in DWELLINGS if d not in taken], n):
        world.office.move_in(dwelling, [bool(n >> i & 1) for i in range(1 + n % 3)])
        world.pull()


@people
async def move_out(world: World, n: int) -> None:
    """With a signed decision and a move-out that is over."""
    if tenancy := _pick(_living(world), n):
        day = yesterday(world.now()).isoformat()
        tenancy.state = "ended"
        tenancy.decision = {
            "number": f"青房退{n}号", "date": day, "move_out_completed_on": day, "kind": "surrender", "signed_by": "王科长",
        }  # fmt: skip
        world.office.moved(tenancy)
        world.pull()


@people
async def end_without_decision(world: World, n: int) -> None:
    """ "Ended", but nobody signed: everybody stays."""
    if tenancy := _pick(_living(world), n):
        tenancy.state, tenancy.decision = "ended", {"number": "", "date": yesterday(world.now()).isoformat()}
        world.office.moved(tenancy)
        world.pull()


@people
async def member_joins(world: World, n: int) -> None:
    if tenancy := _pick(_living(world), n):
        tenancy.members.append(world.office.new_member(face=bool(n & 1)))
        world.office.moved(tenancy)
        world.pull()


@people
async def member_leaves(world: World, n: int) -> None:
    found = _pick([(t, m) for t, m in _members(world) if len(t.members) > 1 and m.relation != "applicant"], n)
    if found:
        found[1].last_day = yesterday(world.now())
        world.office.moved(found[0])
        world.pull()


@people
async def another_card(world: World, n: int) -> None:
    if found := _pick(_members(world), n):
        found[1].cards = [world.office.new_card()]
        world.office.moved(found[0])
        world.pull()


@people
async def card_there_and_back(world: World, n: int) -> None:
    """A card changes, and what it was stands again a moment later."""
    if found := _pick(_members(world), n):
        before = found[1].cards
        found[1].cards = [world.office.new_card()]
        world.office.moved(found[0])
        world.pull()
        world.hub.job("access.publish")
        await world_waits(world, (0.1, 0.4, 1.0, 3.0)[n % 4])
        found[1].cards = before
        world.office.moved(found[0])
        world.pull()


@people
async def consent_given(world: World, n: int) -> None:
    if found := _pick([x for x in _members(world) if not x[1].consent_at], n):
        found[1].consent_at = world.now().isoformat()
        world.office.moved(found[0])
        world.pull()


@people
async def consent_withdrawn(world: World, n: int) -> None:
    if found := _pick([x for x in _members(world) if x[1].consent_at], n):
        found[1].consent_at = ""
        world.office.moved(found[0])
        world.pull()


# --- the counter -----------------------------------------------------------------------------------------------------
def _at_counter(world: World, work: Callable[[object], T]) -> T | None:
    """One act at the hub's counter: done and committed, or nothing."""

    def act() -> T | None:
        hub = world.hub.hub
        result = None
        try:
            with hub.db.unit_of_work("clerk", "counter", estate_id=ESTATE, now=hub.now()) as uow:
                result = work(uow)
        except ApiError:
            return None
        moved.tell(hub)
        return result

    done: T | None = world.hub.guarded(act)
    return done


def _perform(world: World, action: desk.Action) -> desk.Done | None:
    return _at_counter(world, lambda uow: desk.perform(uow, world.hub.hub.keys, ESTATE, action))  # type: ignore[arg-type]


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
    found = _pick(_known(world), n) if world.hub.up else None
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
    found = _pick(_known(world), n) if world.hub.up else None
    if found and (token := world.token(found[1].person, found[0].key)) and _perform(world, desk.OwnRequest(token)):
        world.books.counter.resigned.add((found[1].person, found[0].key))


@people
async def withdraws_at_counter(world: World, n: int) -> None:
    """Purpose (a), at the hub's own counter."""
    found = _pick([x for x in _known(world) if face_agreed(world.books, x[1])], n) if world.hub.up else None
    if not found:
        return
    member_id = _member_id(world, found[1].person)
    at = world.now()
    if member_id and _at_counter(world, lambda uow: desk.withdraw_consent(uow, ESTATE, member_id, "a")):  # type: ignore[arg-type]
        world.books.counter.withdrawn[found[1].person] = at


def _member_id(world: World, person: str) -> str | None:
    with world.hub.hub.db.reading() as session:
        query = session.query(HouseholdMember.id).join(Person, Person.id == HouseholdMember.person_id)
        row = query.filter(Person.source_id == person).first()
        return str(row[0]) if row else None


@people
async def visitor(world: World, n: int) -> None:
    """A card for an afternoon, or for some minutes."""
    found = _pick(_known(world), n) if world.hub.up and not world.hub_skew else None
    if not found:
        return
    tenancy, now, card = found[0], world.hub.clock(), world.office.new_card()
    until = now + timedelta(minutes=(3, 20, 240)[n % 3])
    request = PassRequest("visitor", now, until, host=f"E001.{tenancy.dwelling}")
    if done := _perform(world, desk.IssuePass(request, "card", card)):
        with world.hub.hub.db.reading() as session:
            token = session.get_one(AccessPass, done.subject).token
        doors = tuple(d for d, p in PLACES.items() if p.block is None or p.block in tenancy.dwelling)
        world.books.counter.passes[done.subject] = Pass(token, card, until, doors, tenancy.key)


@people
async def visitor_leaves(world: World, n: int) -> None:
    open_ = [k for k, p in sorted(world.books.counter.passes.items()) if not p.ended and p.until > world.now()]
    if world.hub.up and (key := _pick(open_, n)) and _perform(world, desk.EndPass(key, "host_withdrew")):
        world.books.counter.passes[key].ended = True


# --- time ------------------------------------------------------------------------------------------------------------
WAITS = (0.0, 0.05, 0.2, 0.5, 1.0, 3.0, 8.0, 20.0, 40.0, 70.0, 130.0, 320.0)


async def world_waits(world: World, seconds: float) -> None:
    await asyncio.sleep(seconds)


@people
async def wait(world: World, n: int) -> None:
    await world_waits(world, WAITS[n % len(WAITS)])


@fault
async def hours_pass(world: World, n: int) -> None:
    """Everything stands still for hours, as in a power cut of the whole site, and goes on."""
    world.stand_still(timedelta(hours=(1, 7, 26)[n % 3]))
    world.disturb()


# --- the hub ---------------------------------------------------------------------------------------------------------
@fault
async def kill_hub_at(world: World, n: int) -> None:
    """At a named point of its next work."""
    world.hub.points.arm(POINTS[n % len(POINTS)], n // 4 % 6)


@fault
async def kill_hub(world: World, n: int) -> None:
    world.hub.stop()


@fault
async def start_hub(world: World, n: int) -> None:
    if not world.hub.up:
        world.hub.start()


@fault
async def back_up_hub(world: World, n: int) -> None:
    world.take_backup()


@fault
async def restore_hub(world: World, n: int) -> None:
    world.restore_backup()


@fault
async def hub_clock_jumps(world: World, n: int) -> None:
    """Years of ends at one stroke, would the hub believe it."""
    world.hub_skew = timedelta(days=(40, -40, 4000)[n % 3])


@fault
async def hub_clock_right(world: World, n: int) -> None:
    world.hub_skew = timedelta()


@fault
async def two_hubs(world: World, n: int) -> None:
    """Their jobs run into each other."""
    world.visit_next_unit()
    world.hub.job("access.publish")


@fault
async def cut_hub(world: World, n: int) -> None:
    if world.hub.up:
        world.hub.link.cut()


@fault
async def mend_hub(world: World, n: int) -> None:
    if world.hub.up and not world.hub.link.connected:
        world.hub.link.restore()


@fault
async def feed_fails(world: World, n: int) -> None:
    world.office.fault = ("down", "empty", "page")[n % 3]


@fault
async def feed_returns(world: World, n: int) -> None:
    world.office.fault = ""


# --- the network -----------------------------------------------------------------------------------------------------
@fault
async def lose_messages(world: World, n: int) -> None:
    world.broker.lose = 1 + n % 3


@fault
async def double_messages(world: World, n: int) -> None:
    world.broker.double = 1 + n % 4


@fault
async def late_messages(world: World, n: int) -> None:
    world.broker.delay, world.broker.delay_s = 1 + n % 4, (1.0, 5.0, 30.0)[n % 3]


@fault
async def save_retained(world: World, n: int) -> None:
    world.broker.snapshot()


@fault
async def restart_broker(world: World, n: int) -> None:
    world.broker.restart(("kept", "lost", "old")[n % 3])


@fault
async def cut_edge(world: World, n: int) -> None:
    world.edge.cut()


@fault
async def mend_edge(world: World, n: int) -> None:
    world.edge.mend()


@fault
async def cut_https(world: World, n: int) -> None:
    world.edge.https_up = not world.edge.https_up


# --- the box ---------------------------------------------------------------------------------------------------------
@fault
async def kill_edge(world: World, n: int) -> None:
    world.box_lost()
    await world.edge.kill()


@fault
async def start_edge(world: World, n: int) -> None:
    if not world.edge.running:
        world.disturb()
        world.edge.start(world.hub.serve_list)


@fault
async def reboot_edge(world: World, n: int) -> None:
    """`n` odd: what it remembered of its devices is lost."""
    world.box_lost()
    await world.edge.kill()
    if n & 1:
        world.edge.forget_state()
    world.edge.start(world.hub.serve_list)


@fault
async def edge_clock_jumps(world: World, n: int) -> None:
    world.edge_skew += timedelta(seconds=(-3600, 40, 3600, -40)[n % 4])


# --- the devices -----------------------------------------------------------------------------------------------------
def _terminal(world: World, n: int, *, readable: bool = False) -> Terminal:
    """`readable`: one that can be read back. What befalls another unseen no chain could know."""
    able = [
        d for d, (m, _) in DEVICES.items() if m.capabilities.reads_back or (m.capabilities.holds_list and not readable)
    ]
    name = able[n % len(able)]
    world.disturb(name)
    return world.terminals[name]


@fault
async def terminal_gone(world: World, n: int) -> None:
    terminal = _terminal(world, n)
    terminal.faults.unreachable = True
    terminal.cut()


@fault
async def terminal_silent(world: World, n: int) -> None:
    _terminal(world, n).faults.silent = True


@fault
async def terminal_slow(world: World, n: int) -> None:
    _terminal(world, n).faults.slow_s = (0.3, 2.0)[n % 2]


@fault
async def terminals_well(world: World, n: int) -> None:
    for name, terminal in world.terminals.items():
        world.disturb(name)
        faults = terminal.faults
        faults.unreachable = faults.silent = False
        faults.slow_s = 0.0


@fault
async def terminal_empty(world: World, n: int) -> None:
    _terminal(world, n, readable=True).restart(empty=True)


@fault
async def terminal_empty_in_the_middle(world: World, n: int) -> None:
    _terminal(world, n, readable=True).faults.empty_after = n // 3 % 4


@fault
async def terminal_cut_in_the_middle(world: World, n: int) -> None:
    _terminal(world, n).faults.cut_after = n // 3 % 4


@fault
async def entry_lost(world: World, n: int) -> None:
    _terminal(world, n, readable=True).lose_one(n // 3)


@fault
async def answer_lost(world: World, n: int) -> None:
    _terminal(world, n).faults.lose_answers = 1 + n % 2


@fault
async def terminal_lies(world: World, n: int) -> None:
    """Yes, and nothing is stored."""
    _terminal(world, n, readable=True).faults.lies = 1 + n % 3


@fault
async def terminal_busy(world: World, n: int) -> None:
    _terminal(world, n).faults.busy = 1 + n % 3


@fault
async def photo_refused(world: World, n: int) -> None:
    if found := _pick([m for _, m in _members(world) if m.consent_at], n):
        for device in (GATE, NAMES):
            world.terminals[device].faults.refuse_photos.add(found.photo)


@fault
async def somebody_enrols(world: World, n: int) -> None:
    """At the device itself, past everybody: not ours to erase."""
    _terminal(world, n).enrol_foreign(n)
