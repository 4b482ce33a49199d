"""What goes wrong with the devices."""

from __future__ import annotations

from tools.chain.acts.register import fault, members, people, pick, terminal_of
from tools.chain.site import GATE, NAMES
from tools.chain.world import World


@fault
async def terminal_gone(world: World, n: int) -> None:
    terminal = terminal_of(world, n)
    terminal.faults.unreachable = True
    terminal.cut()


@fault
async def terminal_silent(world: World, n: int) -> None:
    terminal_of(world, n).faults.silent = True


@fault
async def terminal_slow(world: World, n: int) -> None:
    terminal_of(world, n).faults.slow_s = (0.3, 2.0)[n % 2]


@fault
async def terminals_well(world: World, n: int) -> None:
    for name, terminal in world.terminals.items():
        world.disturb(name)
        faults = terminal.faults
        faults.unreachable = faults.silent = False
        faults.slow_s = 0.0


@fault
async def terminal_empty(world: World, n: int) -> None:
    terminal_of(world, n, readable=True).restart(empty=True)


@fault
async def terminal_empty_in_the_middle(world: World, n: int) -> None:
    terminal_of(world, n, readable=True).faults.empty_after = n // 3 % 4


@fault
async def terminal_cut_in_the_middle(world: World, n: int) -> None:
    terminal_of(world, n).faults.cut_after = n // 3 % 4


@fault
async def entry_lost(world: World, n: int) -> None:
    terminal_of(world, n, readable=True).lose_one(n // 3)


@fault
async def answer_lost(world: World, n: int) -> None:
    terminal_of(world, n).faults.lose_answers = 1 + n % 2


@fault
async def terminal_lies(world: World, n: int) -> None:
    """Yes, and nothing is stored."""
    terminal_of(world, n, readable=True).faults.lies = 1 + n % 3


@fault
async def terminal_busy(world: World, n: int) -> None:
    terminal_of(world, n).faults.busy = 1 + n % 3


@fault
async def photo_refused(world: World, n: int) -> None:
    if found := pick([m for _, m in members(world) if m.consent_at], n):
        for device in (GATE, NAMES):
            world.terminals[device].faults.refuse_photos.add(found.photo)


@fault
async def somebody_enrols(world: World, n: int) -> None:
    """At the device itself, past everybody: not ours to erase."""
    terminal_of(world, n).enrol_foreign(n)


@people
async def card_that_does_not_fit(world: World, n: int) -> None:
    """A new card whose number the terminals cannot keep."""
    if found := pick(members(world), n):
        card = world.office.new_card()
        for device in (GATE, NAMES):
            world.terminals[device].faults.refuse_cards.add(card)
        found[1].cards = [card]
        world.office.moved(found[0])
        world.pull()


@fault
async def terminal_full(world: World, n: int) -> None:
    """No more than it holds now, or one more: until somebody leaves there is no room."""
    terminal = terminal_of(world, n, readable=True)
    terminal.faults.capacity = max(1, len(terminal.held) + n // 3 % 2)


@fault
async def terminal_swapped(world: World, n: int) -> None:
    """Another unit under the same id: empty, or with somebody else's people in it."""
    terminal = terminal_of(world, n, readable=True)
    terminal.restart(empty=True)
    if n & 2:
        terminal.enrol_foreign(n)


@fault
async def terminal_as_before(world: World, n: int) -> None:
    """Set back to a copy of its own list: whoever left since stands in it again."""
    terminal_of(world, n, readable=True).go_back(n // 3)
