"""Lawful company: people who are no enrolled members and yet belong here (the innocent explanations of detection.md 3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.city_by_states.calendar import WARM_UP
from simulators.city_by_states.model import AWAY, BY_DAY, SLEPT, Flags, Home, Presence, Town, one_of, some_days
from simulators.city_by_states.people import add_others, add_person, own_days

OFTEN_UNENROLLED = ("family", "young_couple", "single_parent", "three_gen", "young_single", "night")
WITHOUT_PARTNER = ("young_single", "single_parent", "night", "traveller")
WITH_GRANDPARENTS = ("family", "three_gen", "young_couple", "single_parent")


@dataclass(frozen=True, slots=True)
class _Setting:
    """When a household has company."""

    home: Flags  # (total,) someone of the household slept here
    without: Flags  # (total,) nobody comes: not moved in yet, moved out, or gone in breach

    def stays(self, days: Presence) -> Presence:
        """`days` without those on which nobody comes."""
        return np.where(self.without, AWAY, days).astype(np.uint8)


def add_company(town: Town, home: Home) -> None:
    """Unenrolled members, carers, partners, grandparents, friends and relatives of a household, all lawful."""
    total = town.calendar.total
    asleep = np.max([town.presence[person] == SLEPT for person in home.members], axis=0)
    without = np.zeros(total, np.bool_)
    without[: home.move_in] = True
    without[home.move_out :] = True
    for spell in reversed(town.spells):
        if spell.dwelling != home.dwelling:
            break
        if not spell.honest:
            without[max(0, spell.first) : spell.end] = True
    setting = _Setting(asleep, without)
    _unenrolled(town, home, setting)
    _carer(town, home, setting)
    _partner(town, home, setting)
    _grandparents(town, home)
    _friends(town, home, setting)
    _relatives(town, home, setting)


def _unenrolled(town: Town, home: Home, setting: _Setting) -> None:
    rng, total = town.rng, town.calendar.total
    if rng.random() >= town.world.unenrolled * (1.45 if home.kind in OFTEN_UNENROLLED else 0.5):
        return
    role = one_of(rng, ("adult", "homemaker", "elder", "teen", "board"), (0.35, 0.2, 0.2, 0.15, 0.1))
    days = own_days(town, role)
    also_alone = rng.random() < 0.2
    days = np.where(setting.home | also_alone, days, AWAY).astype(np.uint8)
    first = int(rng.integers(-200, total - 60))
    days[: max(0, first)] = AWAY
    number = add_person(town, home.dwelling, role, setting.stays(days), profile="unenrolled", tag="unenrolled")
    town.subgroups.append((home.dwelling, "unenrolled_member"))
    if rng.random() < 0.5:
        let_from, let_to = town.let_from[home.dwelling], town.let_to[home.dwelling]
        person = town.people[number]
        person.listed = True
        person.since = max(let_from, first) if let_to is None and let_from is not None else let_from
        person.until = let_to


def _carer(town: Town, home: Home, setting: _Setting) -> None:
    rng, calendar = town.rng, town.calendar
    carers = town.world.carers
    likely = {"lone_elderly": carers, "old_couple": carers * 0.6}.get(home.kind, 0.012)
    if rng.random() >= likely:
        return
    first = int(rng.integers(-300, calendar.total - 60))
    end = calendar.total if rng.random() < 0.7 else first + int(rng.integers(60, 300))
    employed = np.zeros(calendar.total, np.bool_)
    employed[max(0, first) : max(0, end)] = True
    if rng.random() < 0.25:  # lives in
        sunday_off = (calendar.weekday == 6) & (rng.random(calendar.total) < 0.6)
        days = np.where(employed & setting.home & ~sunday_off, SLEPT, AWAY)
    else:
        comes_on = some_days(rng, 0.35, 1)
        comes = comes_on[calendar.weekday] & (rng.random(calendar.total) < 0.93)
        days = np.where(employed & setting.home & comes, BY_DAY, AWAY)
    stays = setting.stays(days.astype(np.uint8))
    number = add_person(town, home.dwelling, "carer", stays, profile="carer", tag="carer")
    town.people[number].visits = (rng.normal(9, 1.5), float(rng.choice([1.5, 3, 8])))
    town.subgroups.append((home.dwelling, "carer"))


def _partner(town: Town, home: Home, setting: _Setting) -> None:
    rng, calendar = town.rng, town.calendar
    if rng.random() >= town.world.partners * (2.2 if home.kind in WITHOUT_PARTNER else 0.25):
        return
    nights = some_days(rng, 0.2, 0.75)[calendar.weekday]
    first = max(0, int(rng.integers(-200, calendar.total - 40)))
    also_alone = rng.random(calendar.total) < 0.15
    comes = (setting.home | also_alone) & nights & (rng.random(calendar.total) < 0.85)
    comes[:first] = False
    if rng.random() < 0.4:
        comes[min(calendar.total, first + int(rng.integers(60, 300))) :] = False
    stays = setting.stays(comes.astype(np.uint8))
    add_person(town, home.dwelling, "adult", stays, profile="partner", tag="partner")


def _grandparents(town: Town, home: Home) -> None:
    """One or both stay for 40 to 90 days."""
    rng, calendar = town.rng, town.calendar
    if home.kind not in WITH_GRANDPARENTS or rng.random() >= town.world.grandparents * 1.8:
        return
    length = int(rng.integers(40, 91))
    first = WARM_UP + int(rng.integers(-60, calendar.days))
    count = int(rng.integers(1, 3))
    begin, end = max(first, home.move_in), min(first + length, home.move_out)
    add_others(town, home.dwelling, count, "grand", begin, end, role="elder", tag="grandparent", every_day=True)


def _friends(town: Town, home: Home, setting: _Setting) -> None:
    rng, total = town.rng, town.calendar.total
    at_school = any(town.people[person].role in ("teen", "board") for person in home.members)
    if not at_school or rng.random() >= town.world.friends:
        return
    for _ in range(int(rng.integers(1, 4))):
        chances = rng.random(total)
        comes = setting.home & (chances < rng.uniform(0.03, 0.25))
        stays = setting.stays(np.where(comes, BY_DAY, AWAY).astype(np.uint8))
        number = add_person(town, home.dwelling, "friend", stays, profile="relative", tag="friend")
        town.people[number].visits = (17.0, 2.5)


def _relatives(town: Town, home: Home, setting: _Setting) -> None:
    rng, calendar = town.rng, town.calendar
    if rng.random() >= 0.45:
        return
    a_day = town.world.relatives * rng.gamma(1, 1) / 30
    comes = setting.home & (rng.random(calendar.total) < a_day * np.where(calendar.free, 1.8, 0.6))
    overnight = rng.random(calendar.total) < 0.12
    days = np.where(comes, np.where(overnight, SLEPT, BY_DAY), AWAY)
    stays = setting.stays(days.astype(np.uint8))
    add_person(town, home.dwelling, "relative", stays, profile="relative", tag="relative")
