"""What goes wrong with the hub and its sources."""

from __future__ import annotations

from datetime import timedelta

from tools.chain.acts.register import fault
from tools.chain.hubside import POINTS
from tools.chain.world import World


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
