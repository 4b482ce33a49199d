"""(P) From chances to stages, day by day: ask early, accuse late, and never on one kind of signal alone.

A stage is entered when its chance and its conditions have held for some days, and left when the chance has fallen well below it:
a lead does not flicker. Red needs two independent families of signals of which one is no face, and devices that saw enough;
where they did not, the lead says that the data do not suffice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hub.occupancy.absence_signs import ABSENCE_COLUMN
from hub.occupancy.columns import columns_of
from hub.occupancy.finding import CREDENTIALS, DOORS, METERS, RECORDS, Stage
from hub.occupancy.likely import ENROLLED, Likely, Tiers, rules_of
from hub.occupancy.pack import Vacancy
from hub.occupancy.runs import LEAK_SPREAD, SHORT_RUN
from hub.occupancy.signs import COLUMN

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

STEADY_DAYS, STEADY_OTHERS = (3, 3, 3), (7, 14, 14)
"""Days in a row that what yellow, orange and red ask must have held before the stage is entered. Of a home that stands empty
months have passed by then. Others who are there may be guests: they leave, a lent card comes back, the sick get well, and a
question can wait a week for that, a visit or a file two."""

HOLD = 0.6
"""A stage holds while the chance is at least this share of what it takes to enter it."""

CLOSE_DAYS = 5
OBSERVED, OBSERVED_RED = 0.6, 0.85
ASK_AWAY_DAYS, VISIT_AWAY_DAYS = 60, 120
"""Days that count: until a chance may lead to a question, and until it may lead to a visit. A month before the pack's legal
time (`pre_notice_days`) a home whose meters stand still is asked about at any chance: that question is due."""

NIGHTS, NIGHTLY_PASSES = 0.4, 0.5
"""Visitors who come home so often in the evening, or leave so often in the early morning, live there: that is what the
doors say. That they pass on so many days is what the credentials say."""

USED, BY_NIGHT = 0.3, 0.35
"""Used on so many days by somebody who is not recognised, but on fewer than this share of them at hours at which people who
live there come home or leave: builders, carers, cleaners. A question, no more."""

CERTAIN, REGISTERED_CERTAIN = 0.9, 0.95
"""From so high a chance on, hours by day alone are no reason to stop at a question (who lives there may be retired or work from
home, and no builder's hours come with a household that is gone). Whom the register newly names may live there: only so high a
chance makes a file of it that nobody else is seen (a birth, a marriage)."""

HABIT_CERTAIN = 0.8
"""From so high a chance on, coming by card as ever is no reason to stop at a visit (in eighteen cities of eight simulators,
4,000 homes each, such files from 0.8 to 0.9 were right in nine of nine; five of the simulators had none)."""

JOINED, GONE = 1 / 3, 0.1
"""On so many days somebody passes who joined the register lately, and on fewer than so many anybody who was there before: the
register says who lives there. Whether it is right is asked. (In twelve cities of eight simulators files on such homes were right
in 42 of 90: a child who takes over, a marriage, a swap that was registered late.)"""

OTHERWISE = 20.0
"""What the last weeks say of hours, credentials or meters is explained so much better by others than by the household's own past
(twice the log-likelihood beyond chance, `shift_signs`): far beyond what a changed shift at work or a new card brings."""

LEAK_DAYS = 14
NEVER_SEEN = 0.1
IDLE_POWER = 0.55

ORDER = (Stage.YELLOW, Stage.ORANGE, Stage.RED)


@dataclass(frozen=True, slots=True)
class Now:
    """What stands on a day: the stage, the rule it opened with, the index of the day it opened, and the families that speak.
    `due`: near the pack's legal time the law asks, at any chance."""

    stage: Stage
    rule: str
    since: int
    families: tuple[str, ...]
    due: bool = False


@dataclass(frozen=True, slots=True)
class _Conditions:
    """By day: how far the conditions other than the chance allow (0 nothing, 1 yellow, 2 orange, 3 red), whether the data
    suffice, and the families as bits into `names`."""

    allowed: Ints
    enough: Bools
    families: Ints
    names: tuple[str, ...]
    rule: Callable[[int], str]


def course_of_others(of: Likely, tiers: Tiers, healthy: Bools) -> list[Now | None]:
    """By day, the lead that others live there. `healthy`: the estate's terminals go on recognising people as before."""
    s = _columns(of.signs, COLUMN)
    by_card = (s["own_recent"] >= NEVER_SEEN) & (s["unseen_own"] < 14) & (s["known_faces"] == 0)
    # whom no door ever recognised and whose card is used as ever comes by card: a habit, whole blocks have it
    never_seen = s["never_recognised"] > 0
    silent = (s["gone_faces"] > 0) | (never_seen & ~by_card) | ((s["unseen_own"] >= 14) & (s["own_lost"] >= 4))
    never = (s["unseen_own"] >= 14) & (s["own_recent"] < NEVER_SEEN) & (s["own_usual"] < NEVER_SEEN)
    silent |= never & (s["consenting"] >= s["members"])  # who did not consent may come and go, and nobody may look
    nightly = (s["late_recent"] >= NIGHTS) & (s["visitors_recent"] >= NIGHTLY_PASSES)
    sleep_there = silent | (s["late_recent"] >= BY_NIGHT * s["visitors_recent"])
    used = (s["late_recent"] >= 0.25) | ((s["visitors_recent"] >= 0.4) & sleep_there)
    used |= s["unidentified_recent"] >= USED
    renewed = (s["new_token"] >= 0.3) | (s["house_recent"] - s["house_usual"] >= 0.2) | (s["shift_tokens"] >= OTHERWISE)
    used |= renewed
    people = ~_leaks(of)
    other_water = (s["has_water"] > 0) & (np.abs(s["water_change"]) >= 0.3) & people
    other_meter = (s["shift_meter"] >= OTHERWISE) & people
    metered = ((s["has_water"] > 0) & (s["water_low"] < 0.4) & silent & people) | (other_water & (s["water_low"] < 0.4))
    metered |= ~(s["has_water"] > 0) & (s["has_power"] > 0) & (s["power_change"] > np.log(0.6)) & silent
    metered |= _lives_by_water(of) & (silent | used) & people
    metered |= other_meter
    # other hours alone are a new job; with other credentials, visitors by night or another use of water they are others' hours
    other_hours = (s["shift_hours"] >= OTHERWISE) & (renewed | (s["late_recent"] >= 0.25) | other_meter | other_water)
    enrolled = s["newcomer_only"] >= ENROLLED
    bits = (silent | nightly | other_hours, used, metered, enrolled)
    number = sum(b.astype(np.int64) for b in bits)
    seen = s["observed"]
    allowed = np.where((number >= 2) & (used | metered | enrolled), 3, np.where(number >= 1, 1, 0))
    # a card as ever and a face that no door ever saw are one fact, not two: somebody may go and look, no more
    allowed = np.where((allowed == 1) & never_seen & by_card & (used | metered | enrolled), 2, allowed)
    allowed = np.where((allowed == 3) & (seen < OBSERVED_RED), 2, allowed)
    allowed = np.where(enrolled & (of.others < REGISTERED_CERTAIN), np.minimum(allowed, 2), allowed)
    allowed = np.where(_by_day_alone(s) & (of.others < CERTAIN), np.minimum(allowed, 1), allowed)
    # and is looked at, not accused, where no credential, visitor or hour is new: other use of a meter may be the season
    habit = by_card & never_seen & (s["gone_faces"] == 0) & (of.others < HABIT_CERTAIN)
    allowed = np.where(habit & ~(renewed | nightly | other_hours), np.minimum(allowed, 2), allowed)
    taken_over = (of.joined_recent >= JOINED) & (of.before_recent <= GONE)
    # and where the register never named as many as the home was let to it is the register that is asked about: of files on such
    # homes 2 of 6 were right, of visits 2 of 7 (twelve cities of eight simulators), of all other files on others 221 of 282
    allowed = np.where(taken_over | (of.unnamed > 0), np.minimum(allowed, 1), allowed)
    enough = (seen >= OBSERVED) & healthy
    families = sum(b.astype(np.int64) << k for k, b in enumerate(bits))

    rule = rules_of(of.signs)
    made = _Conditions(
        allowed, enough, np.asarray(families), (DOORS, CREDENTIALS, METERS, RECORDS), lambda i: str(rule[i])
    )
    return _course(of.others, tiers, made, STEADY_OTHERS)


def _by_day_alone(s: dict[str, Floats]) -> Bools:
    known = s["night_recent"] + s["night_usual"] > 0
    return np.asarray(
        known & (s["unidentified_recent"] >= USED) & (s["night_unseen"] < BY_NIGHT * s["unidentified_recent"]), np.bool_
    )


def _lives_by_water(of: Likely) -> Bools:
    """On most of the last 30 days more water than a leak or a visit takes; for homes without a usual of their own."""
    water = columns_of(of.days).water
    lived, known = _of_last(30, np.nan_to_num(water) >= 0.03), _of_last(30, ~np.isnan(water))
    return np.asarray((known >= 20) & (lived >= 0.7 * known))


def _leaks(of: Likely) -> Bools:
    """Water that runs, not people who use it (IE25): nearly the same amount on each of the last days (`runs.looks_like_leak`)."""
    water = columns_of(of.days).water
    amount = np.nan_to_num(water)
    known = _of_last(LEAK_DAYS, ~np.isnan(water))
    mean, square = (_of_last(LEAK_DAYS, x) / np.maximum(known, 1) for x in (amount, amount * amount))
    spread = np.sqrt(np.maximum(square - mean * mean, 0))
    return np.asarray((known >= SHORT_RUN) & (spread < LEAK_SPREAD * mean))


def _of_last(days: int, value: Floats | Bools) -> Floats:
    """By day, the sum over so many days up to it."""
    total = np.concatenate([[0.0], np.cumsum(value)])
    return np.asarray(total[1:] - total[np.maximum(np.arange(len(value)) + 1 - days, 0)], np.float64)


def course_of_vacancy(of: Likely, tiers: Tiers, rule: Vacancy) -> list[Now | None]:
    """By day, the lead that nobody lives there. Red only once the pack's legal time has passed."""
    s = _columns(of.absence, ABSENCE_COLUMN)
    days = absent_days(of)
    still = ((s["has_water"] > 0) & (s["water_low"] >= 0.7)) | (
        ~(s["has_water"] > 0) & (s["has_power"] > 0) & (s["power"] <= IDLE_POWER)
    )
    allowed = np.where(days >= ASK_AWAY_DAYS, 1, 0)
    allowed = np.where((days >= VISIT_AWAY_DAYS) & still, 2, allowed)
    allowed = np.where((days >= rule.red_days) & still, 3, allowed)
    seen = 1 - s["unknown"] / np.maximum(s["away"], 1)
    doors = seen >= OBSERVED  # below that a meter speaks alone: a question, no more
    allowed = np.where((allowed == 3) & (seen < OBSERVED_RED), 2, allowed)
    allowed = np.where(doors, allowed, np.minimum(allowed, 1))
    allowed = np.where(of.declared, np.minimum(allowed, 1), allowed)
    allowed = np.where(of.paused, np.maximum(_before_the_pause(allowed, of), np.minimum(allowed, 1)), allowed)
    families = doors.astype(np.int64) + (still.astype(np.int64) << 1)

    never_lived = of.away_from == 0 if of.offset else np.zeros(len(days), np.bool_)
    allowed = np.where(never_lived, np.minimum(allowed, 2), allowed)

    def named(i: int) -> str:
        d = days[i]
        if never_lived[i]:
            return "V6"
        return (
            "V2" if d < VISIT_AWAY_DAYS else "V3" if d < rule.pre_notice_days else "V4" if d < rule.red_days else "V5"
        )

    made = _Conditions(np.asarray(allowed), np.asarray(doors | still), np.asarray(families), (DOORS, METERS), named)
    due = (days >= rule.pre_notice_days) & still & ~of.declared
    asked = np.where(of.paused, _before_the_pause(due, of), due) > 0
    course = _course(np.where(asked, np.maximum(of.vacancy, tiers.yellow), of.vacancy), tiers, made, STEADY_DAYS)
    return [replace(now, due=True) if now and asked[i] else now for i, now in enumerate(course)]


def _before_the_pause(value: Ints | Bools, of: Likely) -> Ints:
    """By day of the pause around Spring Festival, what stood on the last day before it: the pause stops stages, it ends none.
    Nothing (0) for an absence that began in the pause, or is declared now."""
    at = np.arange(len(value))
    before = np.maximum.accumulate(np.where(of.paused, -1, at))
    same = (before >= of.away_from) & ~of.declared
    return np.where(same, value[np.maximum(before, 0)], 0).astype(np.int64)


def absent_days(of: Likely) -> Floats:
    """Days of the absence that count in law: not those declared, not those nobody could observe (unless the meter read near
    nothing), not the pause around Spring Festival in which it began."""
    s = _columns(of.absence, ABSENCE_COLUMN)
    declared = s["declared"] * s["away"]
    idle = np.where(s["has_water"] > 0, s["water_low"], np.where(s["has_power"] > 0, s["power_low"], 0.0))
    unknown = s["unknown"] * (1 - idle)
    return np.asarray(np.maximum(s["away"] - declared - unknown - s["paused"] * s["began_in_pause"], 0), np.float64)


def _columns(table: Floats, place: dict[str, int]) -> dict[str, Floats]:
    return {name: table[:, number] for name, number in place.items()}


def _course(chance: Floats, tiers: Tiers, c: _Conditions, steady_days: tuple[int, int, int]) -> list[Now | None]:
    found: list[Now | None] = [None] * len(chance)
    marks = (tiers.yellow, tiers.orange, tiers.red)
    level = np.minimum(sum((chance >= mark).astype(np.int64) for mark in marks), c.allowed)
    held = np.minimum(sum((chance >= HOLD * mark).astype(np.int64) for mark in marks), c.allowed)
    candidates = np.nonzero(level > 0)[0]
    if not len(candidates):
        return found
    steady, low, now = [0, 0, 0], 0, 0
    since, rule = 0, ""
    for i in range(int(candidates[0]), len(chance)):
        steady = [n + 1 if level[i] > k else 0 for k, n in enumerate(steady)]
        entered = max((k + 1 for k, n in enumerate(steady) if n >= steady_days[k]), default=0)
        if entered > now:
            if now == 0:
                since, rule = i, c.rule(i)
            now, low = entered, 0
        elif now and held[i] < now:
            low += 1
            if low >= CLOSE_DAYS or (held[i] == 0 and chance[i] < 0.1):
                now, low = int(held[i]), 0
        else:
            low = 0
        if now:
            families = tuple(name for k, name in enumerate(c.names) if c.families[i] >> k & 1)
            stage = ORDER[now - 1] if c.enough[i] else Stage.INSUFFICIENT_DATA
            found[i] = Now(stage, c.rule(i) if rule.startswith("V") else rule, since, families)
    return found
