"""What goes wrong with the link between hub and box."""

from __future__ import annotations

from tools.chain.acts.register import fault
from tools.chain.world import World


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


@fault
async def list_altered(world: World, n: int) -> None:
    """The next downloads come with a byte changed, or cut."""
    world.edge.spoil, world.edge.spoiled = 1 + n % 3, ("altered", "cut")[n % 2]


@fault
async def list_of_before(world: World, n: int) -> None:
    """Something in between answers with what it once kept: validly signed, and old."""
    world.edge.spoil, world.edge.spoiled = 1 + n % 2, "old"
