"""Violations laid over a household: who leaves, who lives there instead, by what means they get in.

The kinds after the rules of `law_and_practice.md` section 4.1, their ways after `detection.md` section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from simulators.city_by_nights.absences import Upkeep, fade, keep_up
from simulators.city_by_nights.dice import YEAR_DAYS, pick
from simulators.city_by_nights.home import Home
from simulators.city_by_nights.people import Means, Role, Weights
from simulators.city_by_nights.town import Violation

ALWAYS_LEAVE = ("vacancy", "sublet_whole", "lent", "enrolment_fraud")
SOME_LEAVE = ("visitor_abuse", "over_occupancy")

CARDS_IN_WHOLE: Weights = {
    Means.BORROWED: 4.5,
    Means.SPARE: 2.5,
    Means.PIN: 5,
    Means.VISITOR: 1.6,
    Means.FOLLOWS: 2.2,
}
CARDS_IN_PART: Weights = {Means.SPARE: 3.2, Means.BORROWED: 2, Means.PIN: 5, Means.VISITOR: 1.4, Means.FOLLOWS: 2.8}
CARDS_IN_CROWD: Weights = {Means.SPARE: 3.2, Means.BORROWED: 2, Means.PIN: 5, Means.VISITOR: 1.6, Means.FOLLOWS: 3.2}
LENT_CARDS: Weights = {Means.BORROWED: 9, Means.SPARE: 1, Means.PIN: 5, Means.FOLLOWS: 1.5, Means.VISITOR: 0.2}
SHORT_LET: Weights = {Means.VISITOR: 8, Means.FOLLOWS: 2, Means.PIN: 5}
LONG_VISIT: Weights = {Means.VISITOR: 8, Means.FOLLOWS: 2, Means.SPARE: 0.4, Means.PIN: 5}
"""Mean weights of the means of passing; each group has its own."""

WORKERS = (Role.WORKER, Role.WORKER, Role.NIGHT)
GROUP = (*WORKERS, Role.AT_HOME)
ANYBODY = (*GROUP, Role.ELDER)
KIN = (Role.WORKER, Role.WORKER, Role.AT_HOME, Role.ELDER, Role.NIGHT)


def goes_away(dwelling: int, violation: Violation) -> bool:
    """Whether the tenants do not live there any more while it goes on; of two kinds in half of the homes."""
    return violation.kind in ALWAYS_LEAVE or (violation.kind in SOME_LEAVE and dwelling * 7919 % 10 < 5)


def violate(home: Home, violation: Violation) -> None:
    """Carries out a violation on this household, which may gain people."""
    _Deed(home, violation).carry_out()


class _Deed:
    """One household's violation while it is drawn."""

    def __init__(self, home: Home, violation: Violation) -> None:
        self.home = home
        self.rng = home.rng
        self.kind = violation.kind
        self.first = violation.first
        self.end = min(violation.end, home.let_to)
        self.leaves = goes_away(home.dwelling, violation)

    def carry_out(self) -> None:
        deeds: dict[str, Callable[[], None]] = {
            "vacancy": self.vacancy,
            "sublet_whole": self.sublet_whole,
            "sublet_part": self.sublet_part,
            "lent": self.lent,
            "visitor_abuse": self.visitor_abuse,
            "over_occupancy": self.over_occupancy,
            "enrolment_fraud": self.enrolment_fraud,
        }
        if self.leaves:
            self.leave()
        if self.leaves and self.kind != "vacancy":
            self.look_in()
        deeds[self.kind]()

    def leave(self) -> None:
        """Everybody who came here comes no more; some had been there less and less."""
        home, rng = self.home, self.rng
        for actor in home.actors:
            home.send_away(actor, self.first, self.end)
            actor.visits = [visit for visit in actor.visits if not self.first <= visit.day < self.end]
        if self.first > 0 and rng.random() < home.world.fades_vacancy:
            fade(home, home.residents, self.first, int(rng.integers(8, 42)))

    def look_in(self) -> None:
        """The tenant comes by now and then, more often where the home is lent."""
        is_lent = self.kind == "lent"
        if self.rng.random() < (0.7 if is_lent else 0.4):
            keep_up(self.home, self.first, self.end, Upkeep.TOKEN_VISITS, 0.25 if is_lent else 0.05)

    def vacancy(self) -> None:
        home, rng, world = self.home, self.rng, self.home.world
        upkeep = Upkeep(rng.choice(len(Upkeep), p=world.upkeep_vacancy))
        keep_up(home, self.first, self.end, upkeep, world.returns_vacancy)
        if rng.random() < world.fridge_off_vacancy:
            home.switch_off(self.first, self.end)
        if rng.random() < world.false_declared * home.estate.declares:
            told = None if rng.random() < 0.4 else self.first + int(rng.integers(40, 200))
            reason = pick(rng, ["work", "care", "travel", "home_visit"])
            is_before = rng.random() < 0.5
            delay = int(rng.integers(-6, 1) if is_before else rng.integers(1, 50))
            home.declare(self.first, told, reason, self.first + delay)

    def sublet_whole(self) -> None:
        """One group after another; a subtenant may be enrolled as family."""
        home, rng = self.home, self.rng
        first = self.first + int(min(50, rng.exponential(11)))
        while first < self.end:
            end = self.end if rng.random() < 0.55 else min(self.end, first + int(rng.integers(60, 260)))
            count = self.group_size()
            self.occupy(count, first, end, CARDS_IN_WHOLE, ANYBODY, pass_days=pick(rng, [1, 3, 15]))
            first = end + int(rng.integers(2, 40))
        if rng.random() < home.world.fraud_in_sublet:
            enrolled = home.enrol(Role.WORKER, since=max(self.first, -100) + int(rng.integers(0, 60)))
            enrolled.nights &= home.nights_of(self.first + 5, self.end)

    def sublet_part(self) -> None:
        count = 2 if self.rng.random() < 0.3 else 1
        pass_days = pick(self.rng, [1, 7, 30])
        self.occupy(count, self.first, self.end, CARDS_IN_PART, WORKERS, pass_days=pass_days)

    def lent(self) -> None:
        count = self.group_size()
        first = self.first + int(self.rng.exponential(6))
        self.occupy(count, first, self.end, LENT_CARDS, KIN)

    def visitor_abuse(self) -> None:
        """Short lets, or people who live there by visitors' passes."""
        rng = self.rng
        if rng.random() >= 0.6:
            self.occupy(self.group_size(), self.first, self.end, LONG_VISIT, GROUP)
            return
        first = self.first + int(rng.integers(0, 6))
        while first < min(self.end, self.home.days):
            length = pick(rng, [1, 2, 3, 4, 6, 9, 14])
            if first + length > 0:
                count, pass_days = int(rng.integers(1, 4)), pick(rng, [1, 3, 7])
                end = min(self.end, first + length)
                self.occupy(count, first, end, SHORT_LET, (Role.AT_HOME, Role.WORKER), pass_days=pass_days)
            is_busy = rng.random() < 0.8
            first += length + int(rng.exponential(3 if is_busy else 9))

    def over_occupancy(self) -> None:
        count, pass_days = int(self.rng.integers(3, 8)), pick(self.rng, [1, 7])
        self.occupy(count, self.first, self.end, CARDS_IN_CROWD, WORKERS, pass_days=pass_days)

    def enrolment_fraud(self) -> None:
        """Strangers enrolled as family, about when they move in."""
        home, rng = self.home, self.rng
        for _ in range(self.group_size()):
            role = pick(rng, GROUP)
            since = self.first if self.first > -30 else self.first + int(rng.integers(0, 15))
            stranger = home.enrol(role, since=since + int(rng.integers(-4, 30)))
            stranger.nights &= home.nights_of(self.first + int(rng.integers(0, 12)), self.end)

    def group_size(self) -> int:
        return pick(self.rng, [1, 2, 3, 4], [0.33, 0.37, 0.2, 0.1])

    def occupy(
        self, count: int, first: int, end: int, weights: Weights, roles: Sequence[Role], *, pass_days: int = 1
    ) -> None:
        """So many strangers sleep here on [first, end), but for short absences and Spring Festival."""
        home, rng, days = self.home, self.rng, self.home.days
        own = {means: weight * rng.gamma(1.2, 1 / 1.2) for means, weight in weights.items()}
        seen = max(0, min(end, days) - max(first, 0))
        for _ in range(count):
            carried = home.guests_means(own)
            nights = home.nights_of(first, end)
            times = rng.poisson(seen * 4 / YEAR_DAYS)
            for day in rng.integers(max(0, first), max(1, min(days, end)) + 1, times).tolist():
                nights[day : day + int(rng.integers(1, 5))] = False
            for festival in home.calendar.festivals:
                if rng.random() < home.world.festival_trips:
                    leaves = festival - int(rng.integers(1, 10))
                    nights[max(0, leaves) : max(0, festival + int(rng.integers(4, 16)))] = False
            home.add(pick(rng, roles), nights, carried, pass_days=pass_days)
