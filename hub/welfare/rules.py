"""(P) Whether somebody who asked for it should be looked in on. A call to a person, never a lead, and nothing about access."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

LITTLE_WATER = 0.01
"""m³ in the window: below it nobody used the taps (practice in Shanghai, Longgang, Jing'an, Haishu; catalogue V0)."""


class Care(StrEnum):
    """`ask`: look in. `cannot_see`: doors or meter did not observe; nothing follows from that. `away`: they said so. `not_alone`:
    others live there by now, and water says nothing of one of them."""

    FINE = "fine"
    ASK = "ask"
    CANNOT_SEE = "cannot_see"
    AWAY = "away"
    NOT_ALONE = "not_alone"


@dataclass(frozen=True, slots=True)
class Signs:
    """Of the window before `now`. `last_pass_at`: the person's own. `water` m³ used in it, None: not read often enough.
    `doors_observed`: as good as all the time."""

    now: datetime
    last_pass_at: datetime | None
    water: float | None
    doors_observed: bool
    away: bool


def look(signs: Signs, hours: int) -> Care:
    """No pass and hardly any water for `hours`, both observed throughout."""
    if signs.last_pass_at is not None and signs.now - signs.last_pass_at < timedelta(hours=hours):
        return Care.FINE
    if signs.water is not None and signs.water >= LITTLE_WATER:
        return Care.FINE
    if signs.away:
        return Care.AWAY
    if signs.water is None or not signs.doors_observed:
        return Care.CANNOT_SEE
    return Care.ASK


def used(readings: list[tuple[datetime, float]], begin: datetime, end: datetime, slack: timedelta) -> float | None:
    """m³ between `begin` and `end` from cumulative readings of one meter: from the last before the window on, so that nothing in
    it is left out; where there is none, from the first in it. None where none stands near one of both, or the meter ran back."""
    ordered = sorted(readings)
    before = [value for at, value in ordered if at <= begin][-1:] or [
        value for at, value in ordered if at <= begin + slack
    ][:1]
    after = [value for at, value in ordered if at >= end - slack]
    if not before or not after or after[-1] < before[-1]:
        return None
    return after[-1] - before[-1]
