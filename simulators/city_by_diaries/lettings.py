"""(P) Who lives where, and when: homes let throughout, let anew, left, vacant; everything that a tenancy brings."""

from __future__ import annotations

from simulators.city_by_diaries.absences import declare, household_absences, live_through, spend_days_only
from simulators.city_by_diaries.arrays import NEVER
from simulators.city_by_diaries.households import add_company, draw_household, is_seasonal, send_one_for_season
from simulators.city_by_diaries.person import Person
from simulators.city_by_diaries.town import Absence, ClosedCase, Declared, Lease, Town
from simulators.city_by_diaries.violations import Plan, draw_plans, keep_vacant, violate

ALWAYS = (-float(NEVER), float(NEVER))


def populate(town: Town) -> None:
    """Fills a city's dwellings."""
    rng = town.rng
    lettings = _draw_lettings(town)
    let = [dwelling for dwelling, letting in enumerate(lettings) if letting == "let"]
    plans = draw_plans(town, let)
    for dwelling, letting in enumerate(lettings):
        if letting == "vacant":
            keep_vacant(town, dwelling)
        else:
            _let(town, dwelling, letting, plans.get(dwelling))
    for dwelling in range(town.dwellings):  # repairs and meter readers
        for _ in range(rng.poisson(0.4 * town.days / 365)):
            town.staff_visits.append((dwelling, rng.uniform(0, town.days)))


def _draw_lettings(town: Town) -> list[str]:
    """Of each dwelling: `let` throughout, `relet`, `let_in`, `left` or `vacant`."""
    rng, world = town.rng, town.world
    vacant = rng.random(town.dwellings) < world.vacant
    lettings = []
    for is_vacant in vacant:
        if is_vacant:
            lettings.append("vacant")
            continue
        u = rng.random()
        if u < world.relet:
            lettings.append("relet")
        elif u < world.relet + world.let_in_year:
            lettings.append("let_in")
        elif u < world.relet + world.let_in_year + world.left_in_year:
            lettings.append("left")
        else:
            lettings.append("let")
    return lettings


def _let(town: Town, dwelling: int, letting: str, plan: Plan | None) -> None:
    rng, days, leases = town.rng, town.days, town.leases[dwelling]
    let_from = -int(rng.exponential(1100)) - 20
    if letting == "let_in":
        _let_from(town, dwelling, int(rng.uniform(5, days - 10)), 18)
        return
    if plan is not None and plan.first < let_from + 10:  # nobody sublets before the lease
        let_from = plan.first - int(rng.uniform(15, 400))
    if letting == "let":
        leases.append(Lease(let_from, None))
        _tenancy(town, dwelling, let_from, ALWAYS, None, plan)
        return
    ends = int(rng.uniform(10, days - 10))
    leases.append(Lease(let_from, ends))
    moved_out = ends - int(rng.uniform(0, 12))
    _tenancy(town, dwelling, let_from, (-float(NEVER), moved_out), ends)
    handed_over = min(ends + rng.uniform(0, 4), days - 1)
    cleaned = min(ends + rng.uniform(4, 9), days - 1)
    town.staff_visits += [(dwelling, handed_over), (dwelling, cleaned)]
    again = ends + int(rng.uniform(10, 45))
    if letting == "relet" and again < days - 3:
        _let_from(town, dwelling, again, 14)


def _let_from(town: Town, dwelling: int, let_from: int, moves_within: int) -> None:
    """A letting that begins during the history; the household moves in some days after."""
    town.leases[dwelling].append(Lease(let_from, None))
    moved_in = let_from + int(town.rng.uniform(0, moves_within))
    _tenancy(town, dwelling, let_from, (moved_in, float(NEVER)), None)


def _tenancy(
    town: Town, dwelling: int, let_from: int, lived: tuple[float, float], ends: int | None, plan: Plan | None = None
) -> None:
    """One household's letting: all that it brings with it (carers, guests, visits) begins and ends with it."""
    members_before, people_before = len(town.members), len(town.people)
    kind, household = draw_household(town, dwelling, let_from)
    _live(town, dwelling, kind, household, plan)
    for person in town.people[people_before:]:
        person.since = max(person.since, lived[0])
        person.until = min(person.until, lived[1])
    for member in town.members[members_before:]:
        member.since = max(member.since, let_from)
        if ends is not None:
            member.since = min(member.since, ends - 1)
            member.until = ends if member.until is None else min(member.until, ends)
        if member.until is not None:
            member.until = max(member.until, member.since)
    if ends is not None or lived[0] > 0:  # absences declared outside the letting make no sense
        first, last = town.calendar.text(let_from), None if ends is None else town.calendar.text(ends)
        town.declared = [row for row in town.declared if row.dwelling != dwelling or _inside(row, first, last)]


def _inside(row: Declared, first: str, last: str | None) -> bool:
    return first <= row.since and (last is None or row.declared_on <= last)


def _live(town: Town, dwelling: int, kind: str, household: list[Person], plan: Plan | None) -> None:
    rng, days = town.rng, town.days
    add_company(town, dwelling, kind, household)
    seasonal, all_seasonal = is_seasonal(town, kind)
    if seasonal:
        town.subgroups.append((dwelling, "seasonal_worker"))
        if not all_seasonal:
            send_one_for_season(town, household)
    absences = household_absences(town, kind, all_seasonal)
    if plan is not None:
        absences = [absence for absence in absences if _fits(absence, plan, days)]
    live_through(town, dwelling, household, absences)
    old = kind in ("lone_old", "old_couple")
    if plan is None and old and rng.random() < town.world.day_only * 4:
        spend_days_only(town, household)
    if plan is not None:
        _break_rules(town, dwelling, household, plan)
    elif rng.random() < town.world.cases:
        _close_unproven_case(town, dwelling, absences)
    if plan is None and rng.random() < 0.004:  # declared, then not gone
        first = rng.uniform(0, days)
        declare(town, dwelling, first, first + rng.uniform(10, 60), "travel", 1.0)
    town.people += household


def _fits(absence: Absence, plan: Plan, days: int) -> bool:
    """Whether a violator's household is honestly away as well: before, after, or shortly while others live there."""
    before = absence.last < plan.first - 6
    after = plan.last < days and absence.first > plan.last + 6
    at_home_anyway = plan.kind not in ("vacancy", "sublet_whole")
    return before or after or (at_home_anyway and absence.last - absence.first < 30)


def _break_rules(town: Town, dwelling: int, household: list[Person], plan: Plan) -> None:
    """The violation itself, a false declaration for some, and a sweep that finds some (it often goes on for a time)."""
    rng, days = town.rng, town.days
    violate(town, dwelling, household, plan)
    declares = town.world.violator_declares
    if plan.kind == "vacancy":
        reason = str(rng.choice(["work", "home_visit", "care", "other"], p=[0.55, 0.2, 0.15, 0.1]))
        declare(town, dwelling, plan.first, plan.last, reason, declares)
    elif plan.kind in ("sublet_whole", "lent") and rng.random() < 0.5:
        declare(town, dwelling, plan.first, plan.last, "work", declares)
    if rng.random() < 0.16 and plan.last > days:
        closed_on = rng.uniform(max(10, plan.first + 60), days + 150)
        if closed_on < days:
            outcome = "confirmed" if rng.random() < 0.75 else "unfounded"
            town.cases.append(ClosedCase(dwelling, plan.kind, town.calendar.text(closed_on), outcome))


def _close_unproven_case(town: Town, dwelling: int, absences: list[Absence]) -> None:
    """A case against an honest household: a long absence with good cause, or nothing."""
    rng, days = town.rng, town.days
    long = [one for one in absences if one.last - one.first > 40 and 0 < one.first + 40 < days]
    if long or rng.random() < 0.5:
        kind = "vacancy"
    else:
        kind = str(rng.choice(["sublet_whole", "sublet_part", "visitor_abuse", "over_occupancy"]))
    closed_on = min(long[0].first + 40 if long else rng.uniform(10, days), days - 1)
    outcome = "good_cause" if long or rng.random() < 0.25 else "unfounded"
    town.cases.append(ClosedCase(dwelling, kind, town.calendar.text(closed_on), outcome))
