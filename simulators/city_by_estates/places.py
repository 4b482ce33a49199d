"""Builds estates: their gates, blocks with doors, and dwellings with locks and meters."""

from __future__ import annotations

from simulators.city_by_estates.dice import NOBODY
from simulators.city_by_estates.estates import WITHOUT_WATER, Estate, draw_estate, draw_set_ups, draw_sizes
from simulators.city_by_estates.town import AccessPoint, Home, Town

DWELLINGS_OF_BLOCK = (40, 121)  # law_and_practice.md section 5.2


def build(town: Town, dwellings: int) -> None:
    """Adds all estates with their doors and homes; nobody lives there yet."""
    sizes = draw_sizes(town.dice, dwellings)
    without_water = 0
    for number, kind in enumerate(draw_set_ups(town.dice, len(sizes))):
        size = sizes[number]
        may_lack_water = without_water + size < WITHOUT_WATER * dwellings
        estate = draw_estate(town.dice, number, kind, size, may_lack_water=may_lack_water)
        without_water += size if estate.water_step is None else 0
        town.estates.append(estate)
        _build_gates(town, estate)
        _build_homes(town, estate, _build_blocks(town, estate))


def _add_point(town: Town, estate: Estate, name: str, scope: str, block: str = "", dwelling: int = NOBODY) -> int:
    town.points.append(AccessPoint(name, estate.number, scope, block, dwelling))
    estate.points.append(len(town.points) - 1)
    return estate.points[-1]


def _build_gates(town: Town, estate: Estate) -> None:
    if estate.has_gates:
        for gate in range(int(town.dice.rng.integers(2, 5))):
            estate.gates.append(_add_point(town, estate, f"{estate.name}-G{gate + 1}", "estate"))


def _build_blocks(town: Town, estate: Estate) -> list[str]:
    """Names of the blocks."""
    size = town.dice.whole(*DWELLINGS_OF_BLOCK)
    names = [f"{estate.name}-B{block + 1:02d}" for block in range(max(1, round(estate.dwellings / size)))]
    for name in names:
        door = _add_point(town, estate, f"{name}-D1", "block", name) if estate.has_block_doors else NOBODY
        estate.block_doors.append(door)
    return names


def _build_homes(town: Town, estate: Estate, blocks: list[str]) -> None:
    chance = town.dice.chance
    for place in range(estate.dwellings):
        block = place * len(blocks) // estate.dwellings
        number, name = len(town.homes), f"{blocks[block]}-{place + 1:04d}"
        lock = NOBODY
        if chance(estate.lock_share):
            lock = _add_point(town, estate, f"{name}-L", "dwelling", blocks[block], number)
        # keyword arguments are evaluated, and so drawn, as they stand here
        home = Home(
            number=number,
            name=name,
            estate=estate,
            block=blocks[block],
            block_number=block,
            block_door=estate.block_doors[block],
            lock=lock,
            has_water_meter=estate.water_step is not None and chance(estate.water_share),
            has_electricity_meter=estate.has_electricity and chance(0.97),
            has_faces=chance(estate.face_share),
        )
        town.homes.append(home)
