"""Credentials by number: members' cards come first, then other things of members and homes, then what staff and visitors have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.city_by_nights.dice import Bools, Generator, Ints
from simulators.city_by_nights.town import Town

OWN_CODES = 3 * 10**8  # and the member
STAFF_CARDS, STAFF_OF_ESTATE = 9 * 10**8, 50
VISITORS_PASSES, PASSES_OF_VISITOR = 10**9, 2048
GUESTS_PASSES, GUESTS_OF_ESTATE = 2 * 10**9, 10**7


@dataclass(frozen=True, slots=True)
class Issued:
    """What was issued to whom. `member_` arrays have one entry a member, `home_` arrays one a dwelling."""

    member_home: Ints
    member_since: Ints  # day
    member_has_card: Bools
    member_has_face: Bools
    member_booked: Ints  # the household the card is booked to
    home_has_spare: Bools
    home_has_two: Bools

    def qr(self, member: Ints) -> Ints:
        """Members' QR codes."""
        codes: Ints = len(self.member_home) + member
        return codes

    def spare_card(self, home: Ints, actor: Ints) -> Ints:
        """Spare cards of households; where there are two, an actor always has the same one."""
        second = self.home_has_two[home] & (actor % 2 == 1)
        cards: Ints = 2 * len(self.member_home) + 2 * home + second
        return cards

    def pin(self, home: Ints) -> Ints:
        """Households' PINs."""
        return 2 * len(self.member_home) + 2 * len(self.home_has_spare) + home


def issue(town: Town, booked: Ints) -> Issued:
    """Spare cards are drawn, all else is as the register has it."""
    rng, places = town.rng, town.places
    has_two = rng.random(town.dwellings) < 0.3
    share = np.array([places.estates[estate].spare_cards for estate in places.estate_of])
    return Issued(
        member_home=np.array([member.dwelling for member in town.members], int),
        member_since=np.array([member.since for member in town.members], int),
        member_has_card=np.array([member.has_card for member in town.members], bool),
        member_has_face=np.array([member.has_face for member in town.members], bool),
        member_booked=booked,
        home_has_spare=rng.random(town.dwellings) < share,
        home_has_two=has_two,
    )


def staff_cards(estate: int, number: Ints) -> Ints:
    """Cards of an estate's staff."""
    return STAFF_CARDS + estate * STAFF_OF_ESTATE + number


def visitors_passes(actor: Ints, serial: Ints) -> Ints:
    """Visitors' passes of somebody who comes again: a new one each time that the last has ended."""
    return VISITORS_PASSES + actor * PASSES_OF_VISITOR + serial


def guests_passes(estate: int, number: Ints) -> Ints:
    """Passes of guests who come once."""
    return GUESTS_PASSES + estate * GUESTS_OF_ESTATE + number


def name_credentials(rng: Generator, credential: Ints) -> tuple[Ints, list[str]]:
    """(numbers into the names, names): one neutral vocabulary that tells nothing of the order of numbers."""
    used, numbers = np.unique(credential, return_inverse=True)
    serials = rng.permutation(np.arange(len(used)) * 7 + 100003)
    return numbers, [f"c{serial:08d}" for serial in serials.tolist()]
