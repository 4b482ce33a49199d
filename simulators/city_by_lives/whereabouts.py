"""Where somebody is on a day, as seen from the home."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from simulators.city_by_lives.basics import Bytes


class Where(IntEnum):
    """On one day."""

    AWAY = 0
    LIVES = 1  # here, and goes about the day's business
    DAY_VISIT = 2
    LEAVES = 3  # for days: is here until then
    ARRIVES = 4
    STAYS_IN = 5  # is ill
    EVENING_VISIT = 6


SLEEPS_HERE = (Where.LIVES, Where.STAYS_IN, Where.ARRIVES)


def stay(days: int, first: int, end: int) -> Bytes:
    """(days,): lives here from day `first` (below 0: already) to `end` (from `days` on: still)."""
    where = np.zeros(days, np.int8)
    begin, stop = max(first, 0), min(end, days)
    if begin < stop:
        where[begin:stop] = Where.LIVES
        if first >= 0:
            where[begin] = Where.ARRIVES
        if stop < days:
            where[stop - 1] = Where.LEAVES
    return where


def go_away(where: Bytes, first: int, end: int) -> None:
    """Is away from day `first`, leaving in its course, to day `end`, coming back in its course."""
    begin = max(first, 0)
    if begin >= len(where) or end <= begin:
        return
    if first >= 0 and where[begin] in SLEEPS_HERE:
        where[begin] = Where.LEAVES
        begin += 1
    where[begin : min(end, len(where))] = Where.AWAY
    if end < len(where) and where[end] != Where.AWAY:
        where[end] = Where.ARRIVES


def keep_within(where: Bytes, first: int, end: int) -> None:
    """Is never here before day `first` and from day `end` on."""
    begin, stop = max(first, 0), max(min(end, len(where)), 0)
    if 0 < begin < len(where) and where[begin] == Where.LIVES:
        where[begin] = Where.ARRIVES
    where[:begin] = Where.AWAY
    if 0 < stop < len(where) and where[stop - 1] == Where.LIVES:
        where[stop - 1] = Where.LEAVES
    where[stop:] = Where.AWAY
