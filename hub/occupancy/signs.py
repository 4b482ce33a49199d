"""(P) The signs that somebody else lives in a dwelling, as numbers, for every day of a record at once.

Causal: row d is drawn from days up to d alone. "Recent" is the last 30 days (or 14), "usual" is everything of the tenancy up to
45 days before: the household's own rhythm. Shares are of days that could be observed. What is not known is 0 together
with a column that says so, never a guess.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hub.occupancy.columns import Columns, columns_of
from hub.occupancy.run_signs import FEW, MOST, hours_change, since_last_seen
from hub.occupancy.shift_signs import SHIFT_SIGNS, shift_signs
from hub.occupancy.values import Household, PresenceDay
from hub.occupancy.windows import LAG, RECENT, SHORT, USUAL_DAYS, Bools, Floats, Ints, Windows

KNOWN_FACE_DAYS, KNOWN_CARD_DAYS = 10, 8
GONE_DAYS = 21
REGISTERED_DAYS = 30
JOINED_DAYS = 120
"""Whole households are often registered one by one in the first months; who comes later has joined it."""

NEWCOMER_DAYS = 240
NIGHT_HOURS = sum(1 << hour for hour in (*range(7), *range(18, 24)))
LIVED_WATER, IDLE_WATER = 0.35, 0.15
RECOGNISED = 0.8
"""Where doors recognise fewer of a block's members, many come by card as they like: who is never recognised is one of them."""


SIGNS = (
    "unseen_face", "face_recent", "face_usual", "face_lost", "known_faces", "gone_faces", "stayed_faces", "together",
    "never_recognised", "unseen_own", "own_recent", "own_usual", "own_lost", "cards_recent", "cards_usual", "known_cards",
    "gone_cards", "unidentified_recent", "unidentified_usual", "house_recent", "house_usual", "visitors_recent",
    "visitors_usual", "visitors_short", "late_recent", "late_usual", "late_short", "lived_recent", "lived_unseen",
    "water_change", "water_low", "has_water", "power_change", "has_power", "hours_change", "passes_change",
    "persons_recent", "persons_usual", "new_token", "newcomer_only", "newcomers", "declared", "members", "consenting",
    "expected_faces", "recognised", "idle", "spare_recent", "spare_usual", "tokens_recent", "tokens_usual", "observed",
    "usual_days", "record_days", "night_recent", "night_usual", "night_unseen", "hours_usual", "water_usual", "run_days",
    "run_used", "run_night", "run_hours", "run_water", "run_power", "run_persons", "run_passes", *SHIFT_SIGNS,
)  # fmt: skip
"""Columns in order. `*_recent`, `*_short`, `*_usual`: shares of observed days. `unseen_*`: observed days since; `*_lost`: how
unlikely that silence is at the usual rate (-log). `known_*`, `gone_*`: persons. `house`: a credential of the household that is
nobody's own. `late`: visitors as of people who sleep there. `night`: passes at hours at which those pass; `night_unseen`: on
days on which nobody registered was recognised. `*_change`: log of recent over usual (hours: total variation); `hours_usual`,
`water_usual`: how much these change with them anyway. `run_*`: the days since somebody registered was last recognised (or,
where nobody ever is, gave any sign), against all days before them. `shift*`, `mix_*`: see `shift_signs`."""

COLUMN = {name: number for number, name in enumerate(SIGNS)}


@dataclass(frozen=True, slots=True)
class Rows:
    """The days of a tenancy as arrays. `faces`, `cards`: members × days; `water`, `power`: NaN where not known."""

    faces: Bools
    cards: Bools
    house: Bools
    visitors: Bools
    late: Bools
    known: Bools
    water: Floats
    power: Floats
    usual_water: Floats
    passes: Floats
    hours: Ints
    new_token: Bools
    spare: Bools
    tokens: Floats


def rows_of(days: Sequence[PresenceDay], household: Household) -> Rows:
    """Arrays of presence days."""
    c, place = columns_of(days), {t: k for k, m in enumerate(household.members) for t in m.credentials}
    count = len(c)
    at = np.arange(count)
    faces = np.zeros((len(household.members), count), np.bool_)
    cards, house, new = np.zeros_like(faces), np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    for token, used in c.faces.items():
        if token in place:
            faces[place[token]] |= used
    primary, spare, tokens = _primary(c, place), np.zeros(count, np.bool_), np.zeros(count)
    for token, used in c.cards.items():
        if token in place:
            cards[place[token]] |= used
            spare |= used if primary[place[token]] != token else False
        else:
            house |= used
        first = int(used.argmax())
        if first >= LAG:
            new |= used & (at - first < 60)
    for used in (*c.faces.values(), *c.cards.values()):
        tokens += used
    return Rows(
        faces=faces,
        cards=cards,
        house=house,
        visitors=c.others > 0,
        late=c.late > 0,
        known=c.known,
        water=c.water,
        power=c.power,
        usual_water=c.usual_water,
        passes=np.asarray(c.passes + c.others, np.float64),
        hours=c.hours,
        new_token=new,
        spare=spare,
        tokens=tokens,
    )


def _primary(c: Columns, place: Mapping[str, int]) -> dict[int, str]:
    """Member → the credential of theirs that was used first."""
    first: dict[int, tuple[int, int, str]] = {}
    for kind, of in enumerate((c.faces, c.cards)):
        for token, used in of.items():
            if token in place:
                one = (int(used.argmax()), kind, token)
                first[place[token]] = min(first.get(place[token], one), one)
    return {member: token for member, (_day, _kind, token) in first.items()}


def signs(
    days: Sequence[PresenceDay], household: Household, recognised: Sequence[float | None], declared: Bools
) -> Floats:
    """One row a day, one column for each of SIGNS. `recognised`, `declared`: by day."""
    return drawn(days, household, recognised, declared)[0]


def drawn(
    days: Sequence[PresenceDay], household: Household, recognised: Sequence[float | None], declared: Bools
) -> tuple[Floats, Bools]:
    """The signs, and which of their rows are worth a look."""
    rows, count = rows_of(days, household), len(days)
    w = Windows(count)
    any_use = _any(rows.cards) | _any(rows.faces) | rows.house | rows.visitors
    known = rows.known | any_use
    share = _Shares(w, known)
    people = _people(rows, household, days[0].day, w, known, np.array([-1.0 if r is None else r for r in recognised]))
    busy, busy_usual = np.maximum(w.recent(any_use), 1), np.maximum(w.usual(any_use), 1)
    found: dict[str, NDArray[Any]] = dict(people.columns)
    face, own = people.face, people.own

    def both(name: str, days_with: Bools) -> None:
        found[f"{name}_recent"], found[f"{name}_usual"] = share.recent(days_with), share.usual(days_with)

    def a_busy_day(name: str, amount: Floats) -> None:
        found[f"{name}_recent"] = w.recent(amount) / busy
        found[f"{name}_usual"] = np.where(share.has_usual, w.usual(amount) / busy_usual, found[f"{name}_recent"])

    for name, which in (
        ("face", face), ("own", own), ("cards", _any(rows.cards)), ("unidentified", any_use & ~face), ("house", rows.house),
        ("visitors", rows.visitors), ("late", rows.late), ("spare", rows.spare),
    ):  # fmt: skip
        both(name, which)
    for name, since in (("face", face), ("own", own)):
        unseen = found[f"unseen_{name}"] = np.minimum(w.since(since, known), MOST)
        found[f"{name}_lost"] = _lost(unseen, found[f"{name}_usual"])
    found["visitors_short"], found["late_short"] = share.recent(rows.visitors, SHORT), share.recent(rows.late, SHORT)
    water_ok, water = ~np.isnan(rows.water), np.nan_to_num(rows.water)
    lived = any_use | (known & water_ok & (water >= LIVED_WATER * np.nan_to_num(rows.usual_water, nan=1e9)))
    found["lived_recent"], found["lived_unseen"] = share.recent(lived), share.recent(lived & ~own)
    found["idle"] = np.minimum(w.since(lived, known), MOST)
    found["water_change"], found["has_water"], mean = _change(w, rows.water, water_ok, any_use)
    low = water_ok & (water <= IDLE_WATER * mean)
    found["water_low"] = np.where(found["has_water"] > 0, w.recent(low) / np.maximum(w.recent(water_ok), 1), 0.0)
    found["power_change"], found["has_power"], _ = _change(w, rows.power, ~np.isnan(rows.power), any_use)
    found["hours_change"] = hours_change(
        w, rows.hours, any_use & (rows.hours != 0)
    )  # days of unknown hours are no habit
    enough = share.has_usual & (w.usual(any_use) >= USUAL_DAYS) & (w.recent(any_use) >= FEW)
    ratio = np.log((w.recent(rows.passes) / busy + 0.5) / (w.usual(rows.passes) / busy_usual + 0.5))
    found["passes_change"] = np.where(enough, ratio, 0.0)
    a_busy_day("persons", np.asarray((rows.faces | rows.cards).sum(axis=0), np.float64))
    a_busy_day("tokens", rows.tokens)
    found["new_token"] = share.recent(rows.new_token)
    # of a household none of whom a door can recognise the only one it recognises says nothing
    recognisable = found["known_faces"] + found["expected_faces"] > 0
    found["newcomer_only"] = np.where(recognisable, share.recent(people.newcomer & ~face), 0.0)
    night = (rows.hours & NIGHT_HOURS) != 0
    both("night", night)
    found["night_unseen"] = share.recent(night & ~face)
    found["hours_usual"] = w.usual_mean(found["hours_change"])
    found["water_usual"] = w.usual_mean(np.abs(found["water_change"]))
    found |= since_last_seen(
        w, rows, known, any_use, night, np.where(people.columns["known_faces"] > 0, w.last(face), w.last(own))
    )
    found["declared"] = w.recent(declared) / RECENT
    found["observed"] = w.recent(known) / np.minimum(w.at + 1, RECENT)
    found["usual_days"], found["record_days"] = np.minimum(w.usual(known), MOST), np.minimum(w.at + 1.0, MOST)
    none = np.zeros(count)
    table = np.stack([np.asarray(np.broadcast_to(found.get(name, none), count), np.float64) for name in SIGNS], axis=1)
    look = worth_a_look(table)
    if look.any():  # dear; of other homes nobody asks them
        for name, value in shift_signs(columns_of(days), w, known, any_use).items():
            table[:, COLUMN[name]] = value
    return table, look


def worth_a_look(found: Floats) -> Bools:
    """Rows in which anything speaks for others at all. The model is fitted on such rows, and says 0 of all others."""

    def of(name: str) -> Floats:
        return np.asarray(found[:, COLUMN[name]])

    used = of("lived_recent") > 0.3
    recognisable = of("known_faces") + of("expected_faces") > 0
    return np.asarray(
        ((of("unseen_face") >= 10) & used & recognisable)
        | ((of("unseen_own") >= 10) & used)
        | (of("late_recent") > 0.2)
        | (of("visitors_recent") > 0.3)
        | (of("house_recent") - of("house_usual") > 0.15)
        | (of("newcomer_only") > 0.2)
        | (of("hours_change") > 0.25),
        np.bool_,
    )


class _Shares:
    """Shares of the observed days; a usual that is not known is taken to be as now."""

    def __init__(self, w: Windows, known: Bools) -> None:
        self._w, self._known = w, known
        self._of = {window: np.maximum(w.recent(known, window), 1) for window in (RECENT, SHORT)}
        self._of_usual = np.maximum(w.usual(known), 1)
        self.has_usual: Bools = np.asarray(w.usual(known) >= USUAL_DAYS, np.bool_)

    def recent(self, x: Bools, window: int = RECENT) -> Floats:
        return self._w.recent(x, window) / self._of[window]

    def usual(self, x: Bools) -> Floats:
        return np.where(self.has_usual, self._w.usual(x) / self._of_usual, self.recent(x))


def registered_recent(days: Sequence[PresenceDay], household: Household) -> tuple[Floats, Floats]:
    """By day, on which share of the last 30 observed days somebody used their own credential who joined an existing tenancy
    lately, and who was registered before. Zeros where nobody joined."""
    since, count = [m.since for m in household.members], len(days)
    old = _old(since, household.settled, days[0].day, count)
    if old.all():
        return np.zeros(count), np.zeros(count)
    rows = rows_of(days, household)
    own = rows.faces | rows.cards
    share = _Shares(Windows(count), rows.known | _any(own) | rows.house | rows.visitors)
    return share.recent(_any(own & ~old)), share.recent(_any(own & old))


@dataclass(frozen=True, slots=True)
class _People:
    """`face`, `own`, `newcomer`: days on which a registered person was identified, gave a sign at all, or only one who
    joined lately was identified."""

    columns: dict[str, Floats]
    face: Bools
    own: Bools
    newcomer: Bools


def _people(rows: Rows, household: Household, first: date, w: Windows, known: Bools, rate: Floats) -> _People:
    members, since = household.members, [m.since for m in household.members]
    count = len(w.at)
    old = _old(since, household.settled, first, count)
    consenting = np.array([m.consent_b for m in members], np.bool_)
    known_face = (w.total(rows.faces) >= KNOWN_FACE_DAYS) & old & consenting[:, None]
    known_card = (w.total(rows.cards) >= KNOWN_CARD_DAYS) & old & ~known_face
    faces = rows.faces & old
    # the card of somebody whom doors recognise proves no person; anybody else's may well be used by its holder
    owns = faces | (rows.cards & old & ~known_face)
    since_face, since_own = w.since(faces, known), w.since(owns, known)
    gone = known_face & (since_face >= GONE_DAYS)
    spread = np.where(gone, since_face, -MOST).max(axis=0, initial=-MOST) - np.where(gone, since_face, MOST).min(
        axis=0, initial=MOST
    )
    registered = np.stack([_registered(s, household.first, first, count) for s in since]) if members else known_face
    expected = consenting[:, None] & old & registered & (w.total(known) >= REGISTERED_DAYS) & (rate >= RECOGNISED)
    every = np.ones(count)
    columns = {
        "known_faces": known_face.sum(axis=0),
        "gone_faces": gone.sum(axis=0),
        "stayed_faces": (known_face & ~gone).sum(axis=0),
        "together": np.where(gone.sum(axis=0) > 1, np.minimum(spread, MOST), MOST),
        "never_recognised": (expected & ~known_face & (since_face >= GONE_DAYS)).sum(axis=0),
        "known_cards": known_card.sum(axis=0),
        "gone_cards": (known_card & (since_own >= GONE_DAYS)).sum(axis=0),
        "newcomers": (~old).sum(axis=0),
        "members": every * len(members),
        "consenting": every * consenting.sum(),
        "expected_faces": expected.sum(axis=0),
        "recognised": rate,
    }
    columns = {name: np.asarray(value, np.float64) for name, value in columns.items()}
    # where doors can recognise nobody of them, the card or PIN of the household is how they all come home
    recognisable = known_face | (consenting[:, None] & old & (rate >= RECOGNISED))
    theirs = rows.house & ~_any(recognisable)
    return _People(columns, _any(faces), _any(owns) | theirs, _any(rows.faces & ~old))


def _any(x: Bools) -> Bools:
    return np.asarray(x.any(axis=0), np.bool_)


def _old(since: list[date | None], tenancy: date, first: date, count: int) -> Bools:
    """Members × days: not (any more) a newcomer who joined an existing tenancy."""
    found = np.ones((len(since), count), np.bool_)
    for k, day in enumerate(since):
        if day is not None and (day - tenancy).days > JOINED_DAYS:
            found[k, : max(0, (day - first).days + NEWCOMER_DAYS)] = False
    return found


def _registered(since: date | None, tenancy: date, first: date, count: int) -> Bools:
    begin = max(tenancy, since or tenancy)
    return (np.arange(count) + (first - begin).days) >= REGISTERED_DAYS


def _lost(unseen: Floats, rate: Floats) -> Floats:
    """How unlikely that silence is for them at their usual rate: -log of its chance, at most 20."""
    return np.minimum(-unseen * np.log(np.clip(1 - rate, 0.02, 1)), 20)


def _change(w: Windows, value: Floats, ok: Bools, lived: Bools) -> tuple[Floats, Bools, Floats]:
    """(log of recent over usual on days with use; whether both are known; the usual mean)."""
    good = ok & lived
    plain = np.where(good, np.nan_to_num(value), 0.0)
    now, then = w.recent(good), w.usual(good)
    usual = w.usual(plain) / np.maximum(then, 1)
    # the recent mean is over all days with a reading: living, whoever passes
    every = np.where(ok, np.nan_to_num(value), 0.0)
    new = w.recent(every) / np.maximum(w.recent(ok), 1)
    has = (then >= 14) & (w.recent(ok) >= 10) & (now >= 0)
    return np.where(has, np.log((new + 0.01) / (usual + 0.01)), 0.0), has, np.where(then >= 14, usual, 0.0)
