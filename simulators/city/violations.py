"""(P) Violations laid over honest households: who leaves, who lives there instead, and the true label."""

from __future__ import annotations

from random import Random

from simulators.city.absences import without_overlap
from simulators.city.households import guest, join
from simulators.city.model import FAR, Body, Habits, Household, Routine, Spell, Violation
from simulators.city.world import World

R = Routine
KINDS = ("vacancy", "sublet_whole", "sublet_part", "lent", "visitor_abuse", "over_occupancy")


def assign(seed: int, households: list[Household], world: World, days: int, festival: int | None) -> None:
    """Turns the worlds' shares of households into violators. Every other household stays exactly as it was."""
    rng = Random(f"{seed}:violations")
    let = [h for h in households if h.kind != "not_let" and h.let_from < 0 and h.let_to > days]
    rng.shuffle(let)
    total = sum(h.kind != "not_let" for h in households)
    for kind in KINDS:
        for _ in range(_count(rng, getattr(world.violations, kind) * total)):
            if let:
                violate(Random(f"{seed}:violation:{let[-1].index}"), let.pop(), kind, world, days, festival)
    empty = [h for h in households if h.kind == "not_let"]
    rng.shuffle(empty)
    for household in empty[: _count(rng, world.violations.vacant_used * len(empty))]:
        _vacant_used(Random(f"{seed}:violation:{household.index}"), household, world, days)


def _count(rng: Random, expected: float) -> int:
    return int(expected) + (rng.random() < expected - int(expected))


def _period(rng: Random, world: World, days: int) -> tuple[int, int]:
    running = rng.random() < world.violations.running_at_start
    first = -rng.randint(1, 280) if running else rng.randint(0, days - 1)
    ends, last = rng.random() < world.violations.ends, first + rng.randint(60, 300)
    return first, max(last, 5) if ends else FAR


def violate(rng: Random, household: Household, kind: str, world: World, days: int, festival: int | None) -> None:
    """Makes this household one that breaks the rules in the way `kind` from a drawn day on."""
    first, last = _period(rng, world, days)
    stays_away, leaves = rng.random() < world.violations.after_festival, rng.randint(-14, 3)
    if kind == "vacancy" and festival is not None and first >= 0 and stays_away and 0 <= festival + leaves < days:
        first, last = festival + leaves, last if last == FAR else festival + leaves + last - first
    label = kind
    if kind == "vacancy":
        _leave(rng, household, first, last, world, "vacancy")
    elif kind == "sublet_whole":
        label = _sublet_whole(rng, household, first, last, world)
    elif kind == "sublet_part":
        _live_in(rng, household, first, last, rng.choice((1, 1, 2)), "lodger")
    elif kind == "lent":
        if rng.random() < 0.8:
            _leave(rng, household, first, last, world, "lent")
        _live_in(rng, household, first, last, rng.choice((1, 2, 2, 3)), "kin", Habits(card=0.9))
    elif kind == "visitor_abuse":
        if rng.random() < 0.6:
            _leave(rng, household, first, last, world, "sublet")
        _live_in(rng, household, first, last, rng.choice((1, 2, 2, 3)), "subtenant", Habits(visitor=0.92))
    else:
        _live_in(rng, household, first, last, rng.randint(3, 6), "lodger")
    household.violation = Violation(label, first, last)


def _leave(rng: Random, household: Household, first: int, last: int, world: World, cause: str) -> None:
    """The household moves out; what it would have done meanwhile falls away. The home keeps its style of being empty."""
    spell = Spell(first, last, cause)
    if rng.random() < world.register.declares_falsely:
        spell.declared = first + rng.randint(-2, 25)
        spell.declared_to = first + rng.randint(30, 120)
    rest = [s for s in household.away if s.last < first - 1 or s.first > last + 1]
    cut = [s for s in household.away if s.first < first - 1 <= s.last]
    for earlier in cut:  # an absence that turns into the other: the whole is the truth, its honest part is short
        earlier.last = first - 2
    household.away = without_overlap([*rest, *cut, spell])


def _sublet_whole(rng: Random, household: Household, first: int, last: int, world: World) -> str:
    _leave(rng, household, first, last, world, "sublet")
    shares, u = world.violations, rng.random()
    count = rng.choice((1, 2, 2, 3, 4))
    moved_in = first + rng.randint(0, 15)
    if u < shares.sublet_enrolled:
        for _ in range(count):
            body = join(rng, household, moved_in, rng.choice((R.WORKER, R.HOME, R.NIGHT)), world, last)
            body.follows = False
        return "enrolment_fraud"
    u -= shares.sublet_enrolled
    habits: Habits | None = Habits(card=rng.uniform(0.6, 0.95))
    if u >= shares.sublet_cards:
        u -= shares.sublet_cards
        habits = Habits(pin=0.8)
        if u >= shares.sublet_pin:
            habits = Habits(visitor=0.85) if u - shares.sublet_pin < shares.sublet_visitor else None
    _live_in(rng, household, moved_in, last, count, "subtenant", habits)
    return "sublet_whole"


def _live_in(
    rng: Random, household: Household, first: int, last: int, count: int, role: str, habits: Habits | None = None
) -> None:
    """`count` others live there from `first` to `last`; None: each comes in as guests of honest homes do."""
    for number in range(count):
        routine = rng.choice((R.WORKER, R.WORKER, R.WORKER, R.NIGHT, R.HOME))
        body = guest(rng, role, routine, chance=rng.uniform(0.85, 0.99), weight=1.0, follows=False)
        body.first, body.last, body.visitor = first, last, 20 + number
        if habits is not None:
            body.habits = habits
            body.shows, body.card = (number % max(1, len(household.members)), number % 2) if habits.card else (-1, 0)
        household.bodies.append(body)


def _vacant_used(rng: Random, household: Household, world: World, days: int) -> None:
    first, last = _period(rng, world, days)
    ways = (Habits(), Habits(pin=0.6), Habits(card=0.7), Habits(pin=0.2))
    for _ in range(rng.randint(1, 3)):
        body = Body("squatter", rng.choice((R.WORKER, R.NIGHT)), rng.choice(ways), follows=False)
        body.first, body.last, body.chance = first, last, rng.uniform(0.3, 0.95)
        household.bodies.append(body)
    household.violation = Violation("vacant_used", first, last)
