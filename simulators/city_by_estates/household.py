"""The household of a home while its year is drawn: who belongs to it, and who merely comes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from simulators.city_by_estates.dice import YEAR_DAYS
from simulators.city_by_estates.living import add_guest
from simulators.city_by_estates.people import Actor, Role
from simulators.city_by_estates.residents import add_resident
from simulators.city_by_estates.town import Home, Town

TENANT_ALONE_LEAVES = ("work", "hospital", "care")  # while a partner who is not registered may stay


class Away(NamedTuple):
    """The whole household is away on days [first, end)."""

    first: int
    end: int
    reason: str


class Household:
    """The people of one home. A range of days is [first, end); it may begin or end outside the history."""

    def __init__(self, town: Town, home: Home, moves_in: int, moves_out: int, *, consents: bool) -> None:
        self.town = town
        self.home = home
        self.dice = town.dice
        self.days = town.days
        self.moves_in, self.moves_out = moves_in, moves_out
        self.consents = consents
        self.residents: list[Actor] = []
        self.adults: list[Actor] = []
        self.elders: list[Actor] = []
        self.children: list[Actor] = []
        self.has_unenrolled = False  # lawful people live here whom no reader knows

    def consent(self) -> bool:
        """Most members of a household decide alike."""
        return self.consents if self.dice.chance(0.85) else not self.consents

    def _add(self, role: Role, *, is_enrolled: bool = True) -> Actor:
        consents = self.consent()
        resident = add_resident(
            self.town, self.home, role, self.moves_in, self.moves_out, consents=consents, is_enrolled=is_enrolled
        )
        self.residents.append(resident)
        return resident

    def add_adult(self, role: Role | None = None) -> None:
        """Somebody of working age, of a drawn role if none is given."""
        if role is None:
            role = self.dice.pick({Role.WORKER: 0.74, Role.SHIFT: 0.13, Role.NIGHT: 0.05, Role.FREE: 0.08})
        self.adults.append(self._add(role))

    def add_elder(self, *, is_enrolled: bool = True) -> None:
        """Somebody old; some hardly leave the home."""
        mobility = 0.06 if self.dice.chance(0.06) else self.dice.between(0.5, 1.5)
        elder = self._add(Role.ELDER, is_enrolled=is_enrolled)
        elder.errands *= mobility
        self.elders.append(elder)

    def add_child(self) -> None:
        """Anybody up to a student."""
        role = self.dice.pick({Role.INFANT: 0.2, Role.CHILD: 0.45, Role.STUDENT: 0.35})
        self.children.append(self._add(role))

    def add_guest(self, role: Role, first: float = 0, end: float = 0, *, way_in: str | None = None) -> Actor:
        """Somebody who is not registered, there on days [first, end)."""
        return add_guest(self.town, self.home, role, first, end, way_in=way_in)

    def times(self, rate: float, before: float = 260) -> list[float]:
        """Days on which something begins that happens `rate` times a year; some up to `before` days before the history."""
        return draw_times(self.town, rate, before)

    def send_guests_away(self, away: Iterable[Away]) -> None:
        """While the whole household is away most guests do not come; a partner who is not registered may stay on."""
        dice, home = self.dice, self.home
        for one in away:
            first, end = max(0, one.first), min(self.days, one.end)
            if end <= first:
                continue
            may_stay = home.partner if len(self.residents) == 1 and one.reason in TENANT_ALONE_LEAVES else None
            for actor in home.actors:
                if actor in self.residents or actor.minds_home or dice.chance(0.1):
                    continue
                if actor is may_stay and dice.chance(0.75):
                    continue
                actor.be_away(first, end)


def draw_times(town: Town, rate: float, before: float) -> list[float]:
    """As `Household.times`."""
    count = town.dice.rng.poisson(rate * (town.days + before) / YEAR_DAYS)
    return [town.dice.between(-before, town.days) for _ in range(count)]
