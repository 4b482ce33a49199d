"""A policy pack tried on an estate's own history beside the pack in force, before anybody puts it in force."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.db import Database
from hub.occupancy.analyse import last_whole_day
from hub.occupancy.estate_view import EstateView, load_estate
from hub.occupancy.fitted import model
from hub.occupancy.load import load_records
from hub.occupancy.outcomes import NO_OUTCOMES, Outcomes
from hub.occupancy.pack import PolicyPack
from hub.occupancy.policy import calendar
from hub.occupancy.trial import TIERS, Opened, Past, opened
from hub.tables import Absence, Estate

BATCH = 40
NAMED = 50
"""Dwellings named one by one; the sums count all."""

Progress = Callable[[int, int], None]


class NoHistory(ValueError):
    """The estate has not been observed yet: there is nothing to try a pack on."""


@dataclass(slots=True)
class _Sums:
    pack: PolicyPack
    highest: Counter[str] = field(default_factory=Counter)
    standing: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    months: dict[str, Counter[str]] = field(default_factory=dict)
    blind_days: int = 0
    now: dict[str, str] = field(default_factory=dict)

    def add(self, leads: Sequence[Opened], blind: int) -> None:
        self.blind_days += blind
        for lead in leads:
            self.highest[lead.stage.value] += 1
            self.kinds[lead.kind] += 1
            for stage, day in lead.entered.items():
                self.months.setdefault(f"{day:%Y-%m}", Counter())[stage.value] += 1
            if lead.standing:
                self.standing[lead.standing.value] += 1
                self.now[lead.dwelling_id] = f"{lead.kind}:{lead.standing.value}"

    def as_json(self) -> dict[str, Any]:
        return {
            "pack": self.pack.name,
            "title": self.pack.title_zh,
            "version": self.pack.version,
            "opened": {tier.value: self.highest[tier.value] for tier in TIERS},
            "standing": {tier.value: self.standing[tier.value] for tier in TIERS},
            "kinds": dict(sorted(self.kinds.items())),
            "months": {month: dict(counts) for month, counts in sorted(self.months.items())},
            "insufficient_days": self.blind_days,
        }


def try_pack(
    db: Database, estate_id: str, tried: PolicyPack, now: datetime, progress: Progress, outcomes: Outcomes = NO_OUTCOMES
) -> dict[str, Any]:
    """What both packs would have opened on the kept history, with what closed cases had taught by each day. Nothing is written.

    Raises NoHistory.
    """
    with db.reading() as session:
        estate = session.get_one(Estate, estate_id)
        last = last_whole_day(now, estate.time_zone)
        view = load_estate(session, estate, last, now)
        if view is None:
            raise NoHistory(f"estate {estate_id} has no observed day yet")
    sums = (_Sums(tried), _Sums(view.pack))
    homes = sorted(view.dwelling_block)
    for begin in range(0, len(homes), BATCH):
        with db.reading() as session:  # a short reading each: live writers get their turn
            pasts = list(_pasts(session, view, homes[begin : begin + BATCH]))
        for past in pasts:
            for one in sums:
                one.add(*opened(past, one.pack, calendar(), model(), outcomes))
        progress(min(begin + BATCH, len(homes)), len(homes))
    return _result(view, sums, len(homes))


def _pasts(session: Session, view: EstateView, homes: Sequence[str]) -> Iterator[Past]:
    rows = session.execute(select(Absence.id, Absence.declared_on).where(Absence.dwelling_id.in_(homes)))
    declared: dict[str, date] = {id: on for id, on in rows}  # noqa: C416
    for record in load_records(session, view, homes):
        block = view.dwelling_block[record.dwelling_id]
        yield Past(record, declared, view.recognition.healthy, view.recognition.of(block))


def _result(view: EstateView, sums: tuple[_Sums, _Sums], homes: int) -> dict[str, Any]:
    tried, in_force = sums
    gained = sorted(home for home in tried.now if home not in in_force.now)
    lost = sorted(home for home in in_force.now if home not in tried.now)
    moved = [home for home, lead in tried.now.items() if in_force.now.get(home, lead) != lead]
    return {
        "first": view.first.isoformat(),
        "last": view.last.isoformat(),
        "dwellings": homes,
        "tried": tried.as_json(),
        "in_force": in_force.as_json(),
        "only_tried": [{"dwelling_id": home, "lead": tried.now[home]} for home in gained[:NAMED]],
        "only_in_force": [{"dwelling_id": home, "lead": in_force.now[home]} for home in lost[:NAMED]],
        "only_tried_count": len(gained),
        "only_in_force_count": len(lost),
        "otherwise_count": len(moved),
    }
