"""Numbers of everything that opens doors, and the names that passes show: they tell nothing of the order of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.city_by_estates.dice import NOBODY, Dice, Ints
from simulators.city_by_estates.town import Town

VISITORS, SERIALS = 10**9, 2048  # and the actor's number times SERIALS and the serial of the pass
GUESTS, GUESTS_OF_ESTATE = 10**12, 10**7
STAFF, STAFF_OF_ESTATE = 2 * 10**12, 10
GUARDS = 3  # the first cards of an estate's staff, one a shift
FACES = 3 * 10**12  # and the person
BLOCK_PINS, BLOCKS_OF_ESTATE = 4 * 10**12, 1000
"""Cards, PINs and QR codes of households come before all of these, as `Town.credentials` has them."""


def visitor_passes(actor: Ints, day: Ints, valid_days: int) -> Ints:
    """Passes of somebody who comes again: a new one each time that the last has ended."""
    serial = (day + actor % valid_days) // valid_days
    numbers: Ints = VISITORS + actor * SERIALS + serial
    return numbers


def guest_passes(estate: int, number: Ints) -> Ints:
    """Passes of guests who come once."""
    return GUESTS + estate * GUESTS_OF_ESTATE + number


def staff_cards(estate: int, number: Ints) -> Ints:
    """Cards of an estate's staff; the first GUARDS are the guards'."""
    return STAFF + estate * STAFF_OF_ESTATE + number


def faces(person: NDArray[np.integer]) -> Ints:
    """Recognised faces, where systems give them an identifier."""
    numbers: Ints = FACES + person.astype(np.int64)
    return numbers


def block_pins(estate: int, block: Ints) -> Ints:
    """Codes that all of a block use."""
    return BLOCK_PINS + estate * BLOCKS_OF_ESTATE + block


class Names:
    """Shuffled names of persons and credentials."""

    def __init__(self, dice: Dice, town: Town) -> None:
        serials = dice.rng.permutation(len(town.members) + 500)
        self._person = serials
        self.persons = [f"P{serial:06d}" for serial in serials[: len(town.members)].tolist()]
        issued = dice.rng.permutation(len(town.credentials) + 3000)[: len(town.credentials)]
        letters = [one.letter for one in town.credentials]
        self._issued = [f"{letter}{serial:06d}" for letter, serial in zip(letters, issued.tolist(), strict=True)]
        self._visitor = dice.rng.permutation(len(town.actors) + 1)

    def of_credentials(self, credential: NDArray[np.int64]) -> tuple[NDArray[Any], list[str]]:
        """(numbers into the names, names); NOBODY stays so."""
        used, numbers = np.unique(credential, return_inverse=True)
        names = [self._credential(number) for number in used.tolist()]
        return np.where(credential == NOBODY, NOBODY, numbers).astype(np.int32), names

    def _credential(self, number: int) -> str:
        if number < VISITORS:
            return "" if number == NOBODY else self._issued[number]
        if number < GUESTS:
            actor, serial = divmod(number - VISITORS, SERIALS)
            return f"V{int(self._visitor[actor]) * SERIALS + serial:08d}"
        if number < STAFF:
            return f"O{number - GUESTS:08d}"
        if number < FACES:
            return f"S{number - STAFF:05d}"
        if number < BLOCK_PINS:
            return f"F{int(self._person[number - FACES]):06d}"
        return f"KB{number - BLOCK_PINS:05d}"
