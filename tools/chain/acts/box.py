"""What goes wrong with the box."""

from __future__ import annotations

from datetime import timedelta

from tools.chain.acts.register import fault
from tools.chain.world import World


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


@fault
async def edge_disk_lost(world: World, n: int) -> None:
    """A new disk with the old enrolment: another epoch, and nothing remembered."""
    world.box_lost()
    await world.edge.kill()
    world.edge.new_disk()
    world.edge.start(world.hub.serve_list)


@fault
async def back_up_edge(world: World, n: int) -> None:
    world.edge.back_up()


@fault
async def restore_edge(world: World, n: int) -> None:
    """The box as it was when somebody made a copy of its disk; `n` odd: only its lists."""
    if not world.edge.has_backup:
        return
    world.box_lost()
    await world.edge.kill()
    world.edge.restore(lists_only=bool(n & 1))
    world.edge.start(world.hub.serve_list)
