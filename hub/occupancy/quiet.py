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

from hub.occupancy.absence_signs import ENOUGH, NEAR
from hub.occupancy.likely import AWAY_DAYS, Model
from hub.occupancy.pack import PolicyPack
from hub.occupancy.run_signs import HOUR_BINS, HOURS_DAYS
from hub.occupancy.signs import KNOWN_FACE_DAYS, NEWCOMER_DAYS, RECOGNISED, REGISTERED_DAYS
from hub.occupancy.values import DayState, DwellingRecord, Household, PresenceDay
from hub.occupancy.windows import LAG, RECENT, USUAL_DAYS

UNSEEN, LATE, VISITORS, HOUSE, HOURS = 10, 0.2, 0.3, 0.15, 0.25
"""As in `signs.worth_a_look`."""


@dataclass(slots=True)
class Rest:
    """`key`: under which pack, model and household no lead stood when last judged; empty: one did, or it is not known.
    `bins`, `used`: how often the usual days (up to LAG days before) had a pass in each bin of hours, and how many had any."""

    key: str = ""
    bins: list[int] = field(default_factory=lambda: [0] * HOUR_BINS)
    used: int = 0

    def add(self, day: PresenceDay, tokens: frozenset[str]) -> None:
        """One more usual day."""
        for number in range(HOUR_BINS):
            self.bins[number] += (day.hours >> (3 * number)) & 7 != 0
        self.used += day.hours != 0 and _used(day, tokens)


def rest_key(household: Household, pack: PolicyPack, model: Model) -> str:
    """Another key: the past may look otherwise now."""
    members = sorted((m.id, m.consent_b, sorted(m.credentials), str(m.since)) for m in household.members)
    absences = sorted((a.id, str(a.first), str(a.last)) for a in household.absences)
    text = (
        f"{pack.name}|{pack.version}|{model.version}|{household.tenancy_id}|{household.handover}|{members}|{absences}"
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def rest_of(record: DwellingRecord, pack: PolicyPack, model: Model, standing: bool) -> Rest:
    """From a record that was judged whole. `standing`: something was found."""
    household = record.household
    if household is None or not pack.measured:
        return Rest()
    days = record.since(_start(household))
    rest, tokens = Rest("" if standing else rest_key(household, pack, model)), _tokens(household)
    for day in days[: max(0, len(days) - LAG)]:
        rest.add(day, tokens)
    return rest


def one_more(rest: Rest, held: Sequence[PresenceDay], household: Household) -> None:
    """After a day was judged: the day that becomes a usual one is counted. `held`: days that end with the new one."""
    if len(held) > LAG and held[-LAG - 1].day >= _start(household):
        rest.add(held[-LAG - 1], _tokens(household))


def quiet(
    rest: Rest,
    key: str,
    held: Sequence[PresenceDay],
    household: Household,
    identified: Mapping[str, int],
    recognised: float | None,
) -> bool:
    """Whether nothing can be found on the last of the held days. `identified`: days on which each credential was."""
    last = held[-1].day
    days = [day for day in held[-RECENT:] if day.day >= _start(household)]
    if not days or rest.key != key or _newcomer(household, last):
        return False
    tokens = _tokens(household)
    known = max(1, sum(_known(day, tokens) for day in days))
    return (
        sum(day.late_others > 0 for day in days) <= LATE * known
        and sum(day.others > 0 for day in days) <= VISITORS * known
        and sum(any(token not in tokens for token in day.cards_of) for day in days) <= HOUSE * known
        and _seen_lately(days, household, tokens, identified, recognised)
        and _lives_there(days)
        and _hours_moved(rest, days, tokens) <= HOURS
    )


def _start(household: Household) -> date:
    return household.handover or household.first


def _tokens(household: Household) -> frozenset[str]:
    return frozenset(token for member in household.members for token in member.credentials)


def _used(day: PresenceDay, tokens: frozenset[str]) -> bool:
    return bool(day.cards_of or day.others or any(token in tokens for token in day.identified_by))


def _known(day: PresenceDay, tokens: frozenset[str]) -> bool:
    return day.state is not DayState.UNKNOWN or _used(day, tokens)


def _newcomer(household: Household, last: date) -> bool:
    """Somebody joined this household so lately that it might count."""
    since = (m.since for m in household.members if m.since is not None)
    return any(
        (day - household.first).days > REGISTERED_DAYS and (last - day).days <= NEWCOMER_DAYS + 2 * RECENT
        for day in since
    )


def _seen_lately(
    days: Sequence[PresenceDay],
    household: Household,
    tokens: frozenset[str],
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
    face, own = not (faces_known or expected), False
    since = 0
    for day in reversed(days):
        seen = any(token in tokens for token in day.identified_by)
        face, own = face or seen, own or seen or any(token in sure for token in day.cards_of)
        if face and own:
            return True
        since += _known(day, tokens)
        if since >= UNSEEN:
            return False
    return False


def _lives_there(days: Sequence[PresenceDay]) -> bool:
    """Two days of real use within six, lately: no absence is as long as it must be to count."""
    solid = [d.state in (DayState.PRESENT, DayState.OTHER_USE) and not d.visit for d in days]
    ends = range(max(0, len(days) - AWAY_DAYS + 1), len(days))
    return any(solid[end] and sum(solid[max(0, end + 1 - NEAR) : end + 1]) >= ENOUGH for end in ends)


def _hours_moved(rest: Rest, days: Sequence[PresenceDay], tokens: frozenset[str]) -> float:
    used = sum(day.hours != 0 and _used(day, tokens) for day in days)
    if used < HOURS_DAYS or rest.used < USUAL_DAYS:
        return 0.0
    now = [sum((day.hours >> (3 * number)) & 7 != 0 for day in days) for number in range(HOUR_BINS)]
    total, usual = max(1, sum(now)), max(1, sum(rest.bins))
    return sum(abs(n / total - u / usual) for n, u in zip(now, rest.bins, strict=True)) / 2
