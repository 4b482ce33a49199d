"""What the lease system says of people."""

from __future__ import annotations

from tools.chain.acts.register import living, members, people, pick
from tools.chain.acts.time import world_waits
from tools.chain.books import local_day, yesterday
from tools.chain.site import DWELLINGS
from tools.chain.world import World


@people
async def move_in(world: World, n: int) -> None:
    taken = {t.dwelling for t in world.office.tenancies.values() if not t.over(local_day(world.now()))}
    if dwelling := pick([d for d in DWELLINGS if d not in taken], n):
        world.office.move_in(dwelling, [bool(n >> i & 1) for i in range(1 + n % 3)])
        world.pull()


@people
async def move_out(world: World, n: int) -> None:
    """With a signed decision and a move-out that is over."""
    if tenancy := pick(living(world), n):
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
    if tenancy := pick(living(world), n):
        tenancy.state, tenancy.decision = "ended", {"number": "", "date": yesterday(world.now()).isoformat()}
        world.office.moved(tenancy)
        world.pull()


@people
async def member_joins(world: World, n: int) -> None:
    if tenancy := pick(living(world), n):
        tenancy.members.append(world.office.new_member(face=bool(n & 1)))
        world.office.moved(tenancy)
        world.pull()


@people
async def member_leaves(world: World, n: int) -> None:
    found = pick([(t, m) for t, m in members(world) if len(t.members) > 1 and m.relation != "applicant"], n)
    if found:
        found[1].last_day = yesterday(world.now())
        world.office.moved(found[0])
        world.pull()


@people
async def another_card(world: World, n: int) -> None:
    if found := pick(members(world), n):
        found[1].cards = [world.office.new_card()]
        world.office.moved(found[0])
        world.pull()


@people
async def card_there_and_back(world: World, n: int) -> None:
    """A card changes, and what it was stands again a moment later."""
    if found := pick(members(world), n):
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
    if found := pick([x for x in members(world) if not x[1].consent_at], n):
        found[1].consent_at = world.now().isoformat()
        world.office.moved(found[0])
        world.pull()


@people
async def consent_withdrawn(world: World, n: int) -> None:
    if found := pick([x for x in members(world) if x[1].consent_at], n):
        found[1].consent_at = ""
        world.office.moved(found[0])
        world.pull()


@people
async def leaves_and_comes_back(world: World, n: int) -> None:
    """A slip of the pen at the office, put right a moment later."""
    found = pick([(t, m) for t, m in members(world) if len(t.members) > 1 and m.relation != "applicant"], n)
    if found and found[1].last_day is None:
        found[1].last_day = yesterday(world.now())
        world.office.moved(found[0])
        world.pull()
        await world_waits(world, (0.0, 0.3, 2.0, 20.0)[n % 4])
        found[1].last_day = None
        world.office.moved(found[0])
        world.pull()
