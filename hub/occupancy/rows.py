"""A judged day as it is kept, and how a row that may stand already is written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hub.occupancy.outside import Sign, kinds_on
from hub.occupancy.values import PresenceDay


def presence_row(dwelling_id: str, day: PresenceDay, outside: Iterable[Sign] = ()) -> dict[str, Any]:
    """The columns of a `presence_day`: what each family of signals said, and what could not be observed."""
    signals: dict[str, Any] = {"doors": day.passes}
    if day.identified:
        signals["identified"] = day.identified
    if day.others:
        signals["others"] = day.others
    if day.late_others:
        signals["late_others"] = day.late_others
    if day.visit:
        signals["visit"] = True
    if day.water is not None:
        signals["water"] = round(day.water, 4)
    if day.electricity is not None:
        signals["electricity"] = round(day.electricity, 3)
    if told := kinds_on(outside, day.day):
        signals["told"] = told
    if day.gaps:
        signals["gaps"] = dict(day.gaps)
    return {
        "dwelling_id": dwelling_id,
        "day": day.day,
        "state": day.state.value,
        "coverage": day.coverage,
        "signals": signals,
    }
