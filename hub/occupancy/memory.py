"""(P) A dwelling between two nights: what its days have taught, and the last of them, as a few hundred bytes.

With it a night needs one day's rows of a dwelling, however long the history is. Rules that look further back say so
(`NeedsHistory`), and the whole record is loaded for them: what is found is the same either way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NoReturn, SupportsIndex, overload

import msgspec

from hub.occupancy.presence import USE_DIGITS, Memory, Usual
from hub.occupancy.quiet import Rest
from hub.occupancy.values import NO_GAPS, DayState, PresenceDay

HELD_DAYS = 60
"""Days kept beside the memory: enough for a household that is at home, and for the health of the estate's terminals."""

VERSION = 3
MOST_NAMES = 60
"""Tokens and devices named by number; beyond it the names are gathered anew."""

_SCALE = 10**USE_DIGITS
_STATES = tuple(DayState)
_NUMBER = {state: number for number, state in enumerate(_STATES)}
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode
Row = list[Any]


class NeedsHistory(LookupError):
    """A rule looked at a day that is not held: load the whole record and ask again."""


@dataclass(slots=True)
class Kept:
    """Memory, and the last days as rows; tokens and devices stand in them by their place in `names`. `rest`: what a measured
    pack must know of the days before."""

    memory: Memory
    names: list[str]
    rows: list[Row]
    rest: Rest = field(default_factory=Rest)

    def add(self, day: PresenceDay) -> None:
        """One more day; the oldest is let go."""
        if len(self.names) > MOST_NAMES:
            again = Kept(self.memory, [], [])
            for row in self.rows:
                again.add(_day(self.names, row))
            self.names, self.rows = again.names, again.rows
        self.rows.append(_row(day, self._place))
        del self.rows[:-HELD_DAYS]

    def _place(self, name: str) -> int:
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)

    def day(self, index: int) -> PresenceDay:
        """The held day at this place."""
        return _day(self.names, self.rows[index])


class RecentDays(tuple[PresenceDay, ...]):
    """The days of a record of which only the last are held. Reads as the whole tuple; raises NeedsHistory for older ones."""

    kept: Kept
    total: int
    made: dict[int, PresenceDay]

    @classmethod
    def of(cls, kept: Kept, total: int) -> RecentDays:
        """`total`: how many days the record has; the last of them are in `kept`."""
        self = cls()
        self.kept, self.total, self.made = kept, max(total, len(kept.rows)), {}
        return self

    def __len__(self) -> int:
        return self.total

    def __bool__(self) -> bool:
        return self.total > 0

    def __iter__(self) -> Iterator[PresenceDay]:
        return iter([self._held(index) for index in range(self.total)])

    def __reversed__(self) -> Iterator[PresenceDay]:
        return (self._held(index) for index in range(self.total - 1, -1, -1))

    @overload
    def __getitem__(self, at: SupportsIndex) -> PresenceDay: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[PresenceDay, ...]: ...
    def __getitem__(self, at: SupportsIndex | slice) -> PresenceDay | tuple[PresenceDay, ...]:
        if isinstance(at, slice):
            return tuple([self._held(index) for index in range(*at.indices(self.total))])
        index = at.__index__()
        index = index + self.total if index < 0 else index
        if not 0 <= index < self.total:
            raise IndexError(at)
        return self._held(index)

    def __contains__(self, day: object) -> bool:
        return any(day == one for one in self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, tuple) and tuple(self) == tuple(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __add__(self, other: Any) -> tuple[Any, ...]:
        return (*self, *other)

    def index(self, *_args: Any) -> NoReturn:
        raise NeedsHistory

    def count(self, _value: Any) -> NoReturn:
        raise NeedsHistory

    def _held(self, index: int) -> PresenceDay:
        place = index - (self.total - len(self.kept.rows))
        if place < 0:
            raise NeedsHistory
        day = self.made.get(place)
        if day is None:
            day = self.made[place] = self.kept.day(place)
        return day


def kept_of(memory: Memory, days: Sequence[PresenceDay]) -> Kept:
    """What is kept of a record that was judged whole."""
    made = Kept(memory, [], [])
    for day in days[-HELD_DAYS:]:
        made.add(day)
    return made


def pack(kept: Kept) -> bytes:
    """As it stands in the database until the next night."""
    memory = kept.memory
    taught = [
        _ordinal(memory.last_identified), _ordinal(memory.last_seen), memory.seen_days,
        {token: [count, _ordinal(memory.identified_last.get(token))] for token, count in memory.identified_days.items()},
        [_units(v) for v in memory.water.values], [_units(v) for v in memory.electricity.values],
        [_units(v) for v in memory.any_water.values],
    ]  # fmt: skip
    return _encode([VERSION, kept.names, taught, kept.rows, [kept.rest.key, kept.rest.bins, kept.rest.used]])


def unpack(body: bytes) -> Kept | None:
    """None for what another release packed, or what cannot be read: the whole record is judged anew then."""
    try:
        version, names, taught, rows, rest = _decode(body)
        return Kept(_memory(taught), names, rows, Rest(*rest)) if version == VERSION else None
    except (msgspec.DecodeError, ValueError, TypeError, IndexError, KeyError):
        return None


def _memory(taught: list[Any]) -> Memory:
    identified, seen, seen_days, tokens, water, power, any_water = taught
    return Memory(
        last_identified=_date(identified),
        last_seen=_date(seen),
        seen_days=seen_days,
        identified_days={token: count for token, (count, _last) in tokens.items()},
        identified_last={token: date.fromordinal(last) for token, (_count, last) in tokens.items() if last},
        water=_usual(water),
        electricity=_usual(power),
        any_water=_usual(any_water),
    )


def _usual(values: list[int]) -> Usual:
    given = [value / _SCALE for value in values]
    made = Usual(deque(given), sorted(given))
    made.known = made.median()
    return made


def _row(day: PresenceDay, place: Callable[[str], int]) -> Row:
    return [
        day.day.toordinal(), _NUMBER[day.state], day.coverage,
        {place(device): share for device, share in day.gaps.items()},
        day.identified, day.passes, day.others, _units(day.water), _units(day.electricity),
        day.usual_water, day.usual_electricity,
        [place(token) for token in day.identified_by], [place(token) for token in day.cards_of], day.late_others, day.visit,
        day.hours,
    ]  # fmt: skip


def _day(names: list[str], row: Row) -> PresenceDay:
    return PresenceDay(
        day=date.fromordinal(row[0]),
        state=_STATES[row[1]],
        coverage=row[2],
        gaps={names[number]: share for number, share in row[3].items()} if row[3] else NO_GAPS,
        identified=row[4],
        passes=row[5],
        others=row[6],
        water=None if row[7] is None else row[7] / _SCALE,
        electricity=None if row[8] is None else row[8] / _SCALE,
        usual_water=row[9],
        usual_electricity=row[10],
        identified_by=tuple([names[number] for number in row[11]]),
        cards_of=tuple([names[number] for number in row[12]]),
        late_others=row[13],
        visit=row[14],
        hours=row[15],
    )


def _units(value: float | None) -> int | None:
    return None if value is None else round(value * _SCALE)


def _ordinal(day: date | None) -> int:
    return day.toordinal() if day else 0


def _date(number: int) -> date | None:
    return date.fromordinal(number) if number else None
