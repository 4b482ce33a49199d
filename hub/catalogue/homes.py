"""(P) All hints of one home on one day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from hub.catalogue.crowd import over_occupancy, stranger_household
from hub.catalogue.former import former_as_guest, former_returns
from hub.catalogue.leases import lease_over
from hub.catalogue.lending import lending
from hub.catalogue.reports import brief_lend, reported
from hub.catalogue.residents import unseen_members
from hub.catalogue.values import NOTE, CardPass, GuestUse, Hint, MemberUse
from hub.catalogue.visitors import frequent_guest, turnover
from hub.occupancy.catalogue import SAME_QUESTION
from hub.occupancy.outside import Sign


@dataclass(frozen=True, slots=True)
class Home:
    """What the smaller rules look at. `rules`: (rule, last day) of the main leads. `shown`: ended credentials at doors.

    `asked`: kinds of cases on who lives there that are open, or were closed so lately that it is not asked again. `lease_end`: of
    a tenancy that still lives. `water_share`: of the last 30 days against the usual. `known`: share 0..1 of the last 60 days that
    could be judged.
    """

    dwelling_id: str
    tenancy_id: str | None
    today: date
    lease_end: date | None = None
    members: tuple[MemberUse, ...] = ()
    registered: int = 0
    guests: tuple[GuestUse, ...] = ()
    issued: tuple[date, ...] = ()
    cards: tuple[CardPass, ...] = ()
    clocks_sound: bool = True
    days_at_home: int = 0
    days_unknown: int = 0
    water_share: float | None = None
    leak: bool = False
    declared: bool = False
    asked: frozenset[str] = frozenset()
    signs: tuple[Sign, ...] = ()
    rules: tuple[tuple[str, date], ...] = ()
    shown: tuple[tuple[str, date], ...] = ()
    former_passes: frozenset[str] = frozenset()

    @property
    def known(self) -> float:
        return round(max(0.0, 1 - self.days_unknown / 60), 4)


def hints(home: Home) -> tuple[Hint, ...]:
    """At most one of a kind. S2 also takes into account what the others here say."""
    found = _asked_once([one for one in _first(home) if one is not None], home.asked)
    rules = (*home.rules, *((one.rule, home.today) for one in found))
    if told := reported(home.signs, rules, home.today):
        found.append(told)
    return tuple({one.kind: one for one in reversed(found)}.values())


def _asked_once(found: Sequence[Hint], asked: frozenset[str]) -> list[Hint]:
    """Nobody is asked by two cases who lives there: of those that would, the one with a case of its own, else the first."""
    would = [one.kind for one in found if one.kind in SAME_QUESTION]
    asks = next((kind for kind in would if kind in asked), None if asked else next(iter(would), None))
    return [
        replace(one, stage=NOTE, because=(*one.because, "本户另有同类案件在办或近期办结，此条暂只作记录。"))
        if one.kind in would and one.kind != asks
        else one
        for one in found
    ]


def _first(home: Home) -> Iterator[Hint | None]:
    today = home.today
    seen = [one.seen for one in home.members if one.seen]
    yield former_returns(home.shown, today)
    yield former_as_guest(home.guests, home.former_passes, today)
    yield brief_lend(home.signs, today)
    if home.tenancy_id is None:
        return
    yield frequent_guest(home.guests, home.issued, today)
    yield turnover(home.guests, today)
    yield lending(home.cards, today, home.clocks_sound)
    yield unseen_members(home.members, home.days_at_home, home.days_unknown, today)
    yield stranger_household(home.members, home.guests, home.water_share, home.declared, today, home.signs)
    yield over_occupancy(home.registered, home.guests, home.water_share, home.leak, today)
    yield lease_over(home.lease_end, max(seen, default=None), home.signs, today)
