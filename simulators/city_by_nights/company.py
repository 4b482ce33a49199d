"""Who else comes to honest homes, and what makes them look like others: carers, grandparents, partners, guests, new
members, tenants who are posted away while their family stays (`detection.md` section 3, overlays)."""

from __future__ import annotations

from simulators.city_by_nights.dice import NOBODY, pick, skewed_days
from simulators.city_by_nights.home import Home
from simulators.city_by_nights.people import Carried, Means, Role


def keep_company(home: Home) -> None:
    """All of it for one household, in an order that is part of what a seed means."""
    rng, world, kind = home.rng, home.world, home.kind
    if Role.ELDER in home.roles and rng.random() < world.carer:
        _carer(home)
    if kind in ("family", "three_gen") and Role.CHILD in home.roles and rng.random() < world.grandparents * 1.6:
        _grandparents(home)
    if kind in ("young", "night", "traveller", "single_old") and rng.random() < world.partner * 2.5:
        _partner(home)
    if Role.TEEN in home.roles and rng.random() < 0.35:
        _friend_of_teen(home)
    if rng.random() < world.many_visitors:
        _many_visitors(home)
    if rng.random() < world.new_member:
        _new_member(home)
    hidden_stays = home.hides_one and rng.random() < 0.12
    if hidden_stays or rng.random() < world.posted_tenant or rng.random() < world.succession:
        _family_stays(home)


def _is_lived_in(home: Home, day: int) -> bool:
    return any(actor.nights[day] for actor in home.members)


def _carer(home: Home) -> None:
    rng, days = home.rng, home.days
    home.belongs_to("carer")
    weights = {
        Means.VISITOR: rng.exponential(3),
        Means.SPARE: rng.exponential(3),
        Means.BORROWED: rng.exponential(1.2),
        Means.FOLLOWS: 1.5,
        Means.PIN: 4,
    }
    carried = home.guests_means(weights)
    first, end = (0, days) if rng.random() < 0.6 else sorted(rng.integers(0, days, 2).tolist())
    pass_days = pick(rng, [1, 7, 30, 90])
    if rng.random() < 0.2:  # lives in
        nights = home.nights_of(max(first, home.first), min(end, home.end))
        home.residents.append(home.add(Role.AT_HOME, nights, carried, pass_days=pass_days))
    else:
        often = rng.uniform(0.3, 0.95)
        carer = home.add(Role.AT_HOME, home.no_night(), carried, pass_days=pass_days)
        comes = [
            day
            for day in range(first, min(end, home.end, days))
            if rng.random() < often and (_is_lived_in(home, day) or rng.random() < 0.08)
        ]
        hour = pick(rng, [8.5, 10.5, 15.5])
        home.visit(carer, comes, hour=(hour, 0.6), hours=(1, 6), litres=(10, 70))
    home.looks_like("visitor_abuse", first, end)


def _grandparents(home: Home) -> None:
    """They live there for some weeks, and go along when the household is away."""
    rng = home.rng
    first = int(rng.integers(-30, home.days))
    end = first + int(rng.integers(40, 95))
    both = rng.random() < 0.4
    for _ in range(2 if both else 1):
        weights = {
            Means.VISITOR: rng.exponential(1.2),
            Means.SPARE: rng.exponential(2),
            Means.BORROWED: rng.exponential(1.5),
            Means.FOLLOWS: 2.5,
        }
        carried = home.guests_means(weights)
        nights = home.nights_of(max(first, home.first), min(end, home.end))
        grandparent = home.add(Role.ELDER, nights, carried, pass_days=pick(rng, [1, 15, 60]))
        grandparent.nights &= home.anybody()
    home.looks_like("sublet_part", first, end)


def _partner(home: Home) -> None:
    """Sleeps there on some nights."""
    rng, days = home.rng, home.days
    weights = {
        Means.SPARE: rng.exponential(2.5),
        Means.VISITOR: rng.exponential(1.5),
        Means.FOLLOWS: 2.5,
        Means.BORROWED: rng.exponential(0.8),
    }
    carried = home.guests_means(weights)
    first = int(rng.integers(-150, days))
    nights = home.nights_of(max(first, home.first), min(home.end, first + int(rng.integers(40, 500))))
    drawn = rng.random(days + 1)
    nights &= drawn < rng.uniform(0.2, 0.75)
    home.add(Role.WORKER, nights & home.members[0].nights, carried, by_evening=True)
    home.looks_like("sublet_part", max(0, first), days)


def _friend_of_teen(home: Home) -> None:
    rng = home.rng
    weights = {Means.VISITOR: rng.exponential(1), Means.FOLLOWS: 4, Means.PIN: 0.2}
    friend = home.add(Role.TEEN, home.no_night(), home.guests_means(weights, []))
    comes = [
        day
        for day in range(max(0, home.first), min(home.end, home.days))
        if rng.random() < (0.25 if home.calendar.is_off[day] else 0.06) and _is_lived_in(home, day)
    ]
    home.visit(friend, comes, hour=(15.5, 2), hours=(1, 5), litres=(2, 20))


def _many_visitors(home: Home) -> None:
    """A home where people meet: mah-jong, lessons, a small trade."""
    rng = home.rng
    often = rng.uniform(0.3, 0.9)
    means = {Means.VISITOR: 6.0, Means.FOLLOWS: 3 * home.estate.follows, Means.PIN: 0.1}
    visitor = home.add(Role.AT_HOME, home.no_night(), Carried(means, NOBODY), pass_days=pick(rng, [1, 1, 7]))
    comes = [
        day
        for day in range(max(0, home.first), min(home.end, home.days))
        if rng.random() < often and _is_lived_in(home, day)
    ]
    hour = rng.uniform(13, 18)
    home.visit(visitor, comes, hour=(hour, 1.5), hours=(1.5, 5), litres=(5, 40))
    home.looks_like("visitor_abuse", 0, home.days)


def _new_member(home: Home) -> None:
    """A spouse, a parent, a newborn is registered in the year; in small homes the tenant may be posted away just then."""
    rng = home.rng
    first = int(rng.integers(5, home.days))
    role = pick(rng, [Role.WORKER, Role.ELDER, Role.CHILD, Role.AT_HOME])
    member = home.enrol(role, since=first + int(rng.integers(-5, 40)))
    member.nights &= home.nights_of(max(first, home.first), home.end) & home.anybody()
    home.residents.append(member)
    if rng.random() < 0.2 and len(home.members) <= 2:
        length = int(rng.integers(30, 150))
        for actor in home.members:
            home.send_away(actor, max(home.first, first + 15), min(home.end, first + 15 + length))
        home.looks_like("enrolment_fraud", first, first + length)


def _family_stays(home: Home) -> None:
    """The enrolled are gone, posted away or dead; lawful family who was never enrolled stays."""
    rng = home.rng
    first = int(rng.integers(-200, home.days - 20))
    end = first + skewed_days(rng, 4.3, 0.8, 20, 900)
    for actor in home.members:
        home.send_away(actor, max(home.first, first), min(home.end, end))
    if not home.hides_one:
        weights = {
            Means.SPARE: rng.exponential(3),
            Means.BORROWED: rng.exponential(4),
            Means.FOLLOWS: 1.5,
            Means.VISITOR: 0.3,
        }
        carried = home.guests_means(weights)
        role = Role.WORKER if rng.random() < 0.6 else Role.ELDER
        came = first - (900 if rng.random() < 0.5 else 0)
        home.add(role, home.nights_of(max(home.first, came), home.end), carried)
        home.belongs_to("unenrolled_member")
    home.looks_like("sublet_whole", first, end)
