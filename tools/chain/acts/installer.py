"""What an installer does with devices that stand."""

from __future__ import annotations

from hub.db import UnitOfWork
from hub.estate.adding import NewDoor, PointWish, follow, map_in
from hub.tables import Door
from tools.chain.acts.counter import at_counter
from tools.chain.acts.register import people
from tools.chain.site import ESTATE, NAMES
from tools.chain.world import World

HOME, OTHER = "B1", "B2"


@people
async def device_moved(world: World, n: int) -> None:
    """To the other block's second entrance, or back: other people's way in by the next list, and nobody else's."""
    if not world.hub.up:
        return
    block = HOME if world.books.moved.get(NAMES) == _name(OTHER) else OTHER

    def work(uow: UnitOfWork) -> str:
        door = uow.session.query(Door).filter(Door.name == _name(block)).first()
        wish = PointWish("1", door_id=door.id) if door else PointWish("1", door=_door(block))
        map_in(uow, NAMES, [wish])
        return block

    if at_counter(world, work):
        world.books.moved[NAMES] = _name(block)
        world.books.doors[_name(block)] = f"-{block}-"
        world.disturb(NAMES)
        world.hub.guarded(lambda: follow(world.hub.hub))


def _name(block: str) -> str:
    return f"{block} by the bicycles"


def _door(block: str) -> NewDoor:
    return NewDoor(_name(block), "block", f"{ESTATE}.{block}", egress="lever", fire_release="wired")
