"""What people call the things of an estate: for pages that speak of them by id."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.tables import Block, Device, Door, Dwelling, HubUser


def names_in(session: Session, estate_id: str) -> dict[tuple[str, str], str]:
    """(device, door, dwelling or user; its id) → its name."""
    found: dict[tuple[str, str], str] = {}
    for table, what in ((Device, "device"), (Door, "door")):
        for id, name in session.execute(select(table.id, table.name).where(table.estate_id == estate_id)):
            found[what, id] = name
    for id, block, number in session.execute(
        select(Dwelling.id, Block.name, Dwelling.number)
        .join(Block, Block.id == Dwelling.block_id)
        .where(Dwelling.estate_id == estate_id)
    ):
        found["dwelling", id] = f"{block} {number}"
    for id, name in session.execute(select(HubUser.id, HubUser.display_name)):
        found["user", id] = name
    return found
