"""Time goes on."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from tools.chain.acts.register import fault, people
from tools.chain.world import World

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
