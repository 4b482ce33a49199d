"""(P) A city before its first day: everybody in it, what they will do, and what is true of every dwelling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from simulators.city.doors import Layout, draw_layout
from simulators.city.faults import Injected
from simulators.city.households import draw_household
from simulators.city.model import Household
from simulators.city.violations import assign
from simulators.city.world import World
from simulators.spring_festivals import spring_festivals

SPRING_FESTIVALS = spring_festivals(2023, 2030)
REASONS = {  # what is told to the office, by the true cause
    "hospital": "hospital",
    "care": "care",
    "work": "work",
    "travel": "travel",
    "home_visit": "home_visit",
    "renovation": "renovation",
}
SAID_INSTEAD = ("work", "travel", "home_visit", "care", "other")  # by those whose reason does not hold

NOTHING = Injected()


@dataclass(frozen=True, slots=True)
class Settings:
    """What one history is drawn from. `festival` None: the real dates; False: no Spring Festival at all."""

    world: World
    seed: int
    dwellings: int
    days: int
    start: date
    honest_only: bool = False
    festival: date | bool | None = None
    injected: Injected = NOTHING
    inspections: int = 0

    def festival_day(self) -> int | None:
        """The festival's day of the history (the first whose season touches it), or None."""
        if self.festival is False:
            return None
        if isinstance(self.festival, date):
            return (self.festival - self.start).days
        near = [day for f in SPRING_FESTIVALS if -40 <= (day := (f - self.start).days) <= self.days + 12]
        return near[0] if near else None


@dataclass(frozen=True, slots=True)
class City:
    """All households (index = dwelling number) and their doors."""

    settings: Settings
    layout: Layout
    households: list[Household]


Progress = Callable[[str, int, int], None]
"""Told (what is being done, so many done, of so many)."""


def quiet(what: str, done: int, total: int) -> None:
    """Tells nobody."""


def plan_city(settings: Settings, progress: Progress = quiet) -> City:
    """Draws the city. The same settings give the same city; honest households do not depend on the violators."""
    s = settings
    layout = draw_layout(s.seed, s.dwellings, s.world)
    festival, households = s.festival_day(), []
    for index in range(s.dwellings):
        households.append(draw_household(s.seed, index, s.world, s.days, festival))
        if index % 500 == 499:
            progress("households", index + 1, s.dwellings)
    if not s.honest_only:
        assign(s.seed, households, s.world, s.days, festival)
    return City(s, layout, households)
