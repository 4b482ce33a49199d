"""What every kind of act needs: the register, and whom or what an act falls on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tools.chain.books import Member, Tenancy, local_day
from tools.chain.site import DEVICES
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


def pick(choices: list[T], n: int) -> T | None:
    return choices[n % len(choices)] if choices else None


def living(world: World) -> list[Tenancy]:
    return [t for _, t in sorted(world.office.tenancies.items()) if t.state == "active"]


def members(world: World) -> list[tuple[Tenancy, Member]]:
    today = local_day(world.now())
    return [(t, m) for t in living(world) for m in t.members if m.last_day is None or m.last_day >= today]


def terminal_of(world: World, n: int, *, readable: bool = False) -> Terminal:
    """`readable`: one that can be read back. What befalls another unseen no chain could know."""
    able = [
        d for d, (m, _) in DEVICES.items() if m.capabilities.reads_back or (m.capabilities.holds_list and not readable)
    ]
    name = able[n % len(able)]
    world.disturb(name)
    return world.terminals[name]
