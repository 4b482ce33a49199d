"""(P) Nights of which a measured pack says nothing for sure: known from what is held, without the whole record.

Most homes on most days: no lead stands, somebody of the household was seen lately, nobody else was much. Then neither chance
can be above 0 (`signs.worth_a_look`, `likely.AWAY_DAYS`), and no course can move. Each condition here is at least as
strict as the model's own; where one is not met the whole record is asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from hub.occupancy.absence_signs import ENOUGH, NEAR
from hub.occupancy.columns import Bools, Columns, Ints, columns_of
from hub.occupancy.likely import AWAY_DAYS, Model
from hub.occupancy.pack import PolicyPack
from hub.occupancy.run_signs import HOUR_BINS, HOURS_DAYS
from hub.occupancy.signs import JOINED_DAYS, KNOWN_FACE_DAYS, NEWCOMER_DAYS, RECOGNISED
from hub.occupancy.values import DwellingRecord, Household, PresenceDay
from hub.occupancy.windows import LAG, RECENT, USUAL_DAYS

UNSEEN, LATE, VISITORS, HOUSE, HOURS = 10, 0.2, 0.3, 0.15, 0.25
"""As in `signs.worth_a_look`."""

_SHIFTS = np.arange(0, 3 * HOUR_BINS, 3)


@dataclass(slots=True)
class Rest:
    """`key`: under which pack, model and household no lead stood when last judged; empty: one did, or it is not known.
    `bins`, `used`: how often the usual days (up to LAG days before) had a pass in each bin of hours, and how many had any."""

    key: str = ""
    bins: list[int] = field(default_factory=lambda: [0] * HOUR_BINS)
    used: int = 0

    def add(self, c: Columns, tokens: frozenset[str]) -> None:
        """Further usual days."""
        self.bins = (np.array(self.bins) + _by_bin(c.hours)).tolist()
        self.used += int(np.count_nonzero((c.hours != 0) & _Used.of(c, tokens).any))


def rest_key(household: Household, pack: PolicyPack, model: Model) -> str:
    """Another key: the past may look otherwise now."""
    members = sorted((m.id, m.consent_b, sorted(m.credentials), str(m.since)) for m in household.members)
    absences = sorted((a.id, str(a.first), str(a.last)) for a in household.absences)
    tenancy = f"{household.tenancy_id}|{household.handover}|{household.unnamed}"
    text = f"{pack.name}|{pack.version}|{model.version}|{tenancy}|{members}|{absences}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def rest_of(record: DwellingRecord, pack: PolicyPack, model: Model, standing: bool) -> Rest:
    """From a record that was judged whole. `standing`: something was found."""
    household = record.household
    if household is None or not pack.measured:
        return Rest()
    days = record.since(_start(household))
    rest = Rest("" if standing else rest_key(household, pack, model))
    if len(days) > LAG:
        rest.add(columns_of(days[: len(days) - LAG]), _tokens(household))
    return rest


def one_more(rest: Rest, held: Sequence[PresenceDay], household: Household) -> None:
    """After a day was judged: the day that becomes a usual one is counted. `held`: days that end with the new one."""
    if len(held) > LAG:
        c = columns_of(held[-LAG - 1 : -LAG])
        if c.first >= _start(household).toordinal():
            rest.add(c, _tokens(household))


def quiet(
    rest: Rest,
    key: str,
    held: Sequence[PresenceDay],
    household: Household,
    identified: Mapping[str, int],
    recognised: float | None,
) -> bool:
    """Whether nothing can be found on the last of the held days. `identified`: days on which each credential was."""
    if rest.key != key or not held:
        return False
    c = columns_of(held[-RECENT:])
    begin = max(0, _start(household).toordinal() - c.first)
    last = date.fromordinal(c.first + len(c) - 1)
    if begin >= len(c) or _newcomer(household, last):
        return False
    tokens = _tokens(household)
    used = _Used.of(c, tokens)
    observed = (c.known | used.any)[begin:]
    known = max(1, int(np.count_nonzero(observed)))
    return (
        int(np.count_nonzero(c.late[begin:])) <= LATE * known
        and int(np.count_nonzero(c.others[begin:])) <= VISITORS * known
        and int(np.count_nonzero(used.house[begin:])) <= HOUSE * known
        and _seen_lately(c, begin, observed, used, household, identified, recognised)
        and _lives_there((c.sign & ~c.visit)[begin:].tolist())
        and _hours_moved(rest, c.hours[begin:], used.any[begin:]) <= HOURS
    )


@dataclass(frozen=True, slots=True)
class _Used:
    """Days on which a registered person was identified, with cards of the household that are nobody's own, and with any use."""

    face: Bools
    house: Bools
    any: Bools

    @classmethod
    def of(cls, c: Columns, tokens: frozenset[str]) -> _Used:
        face, house, used = np.zeros(len(c), np.bool_), np.zeros(len(c), np.bool_), c.others > 0
        for token, days in c.faces.items():
            if token in tokens:
                face |= days
        for token, days in c.cards.items():
            used = used | days
            if token not in tokens:
                house |= days
        return cls(face, house, used | face)


def _start(household: Household) -> date:
    return household.handover or household.first


def _tokens(household: Household) -> frozenset[str]:
    return frozenset(token for member in household.members for token in member.credentials)


def _newcomer(household: Household, last: date) -> bool:
    """Somebody joined this household so lately that it might count."""
    since = (m.since for m in household.members if m.since is not None)
    return any(
        (day - household.settled).days > JOINED_DAYS and (last - day).days <= NEWCOMER_DAYS + 2 * RECENT
        for day in since
    )


def _seen_lately(
    c: Columns,
    begin: int,
    observed: Bools,
    used: _Used,
    household: Household,
    identified: Mapping[str, int],
    recognised: float | None,
) -> bool:
    """A registered person was identified, and gave a sign that is surely theirs, within fewer than UNSEEN observed days."""
    faces_known = {
        m.id
        for m in household.members
        if m.consent_b and sum(identified.get(t, 0) for t in m.credentials) >= KNOWN_FACE_DAYS
    }
    sure = frozenset(t for m in household.members if m.id not in faces_known for t in m.credentials)
    expected = recognised is not None and recognised >= RECOGNISED and any(m.consent_b for m in household.members)
    own = used.face.copy()
    for token, days in c.cards.items():
        if token in sure:
            own |= days
    face_needed = bool(faces_known or expected)
    return (not face_needed or _within(used.face[begin:], observed)) and _within(own[begin:], observed)


def _within(seen: Bools, observed: Bools) -> bool:
    """Seen on the last UNSEEN observed days."""
    days = np.flatnonzero(seen)
    return bool(len(days)) and int(np.count_nonzero(observed[days[-1] + 1 :])) < UNSEEN


def _lives_there(solid: Sequence[bool]) -> bool:
    """Two days of real use within six, lately: no absence is as long as it must be to count."""
    ends = range(len(solid) - 1, max(0, len(solid) - AWAY_DAYS + 1) - 1, -1)
    return any(solid[end] and sum(solid[max(0, end + 1 - NEAR) : end + 1]) >= ENOUGH for end in ends)


def _hours_moved(rest: Rest, hours: Ints, used: Bools) -> float:
    if int(np.count_nonzero((hours != 0) & used)) < HOURS_DAYS or rest.used < USUAL_DAYS:
        return 0.0
    now, usual = _by_bin(hours), np.array(rest.bins)
    return float(np.abs(now / max(1, now.sum()) - usual / max(1, usual.sum())).sum() / 2)


def _by_bin(hours: Ints) -> Ints:
    """Days with a pass in each bin of hours."""
    return np.asarray((((hours[:, None] >> _SHIFTS) & 7) != 0).sum(axis=0), np.int64)
