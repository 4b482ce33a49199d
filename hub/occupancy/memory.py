"""(P) A dwelling between two nights: what its days have taught, and the last of them, as a few thousand bytes.

With it a night needs one day's rows of a dwelling, however long the history is. Of a home of which nothing can be found the last
two months are held; of one whose whole record was asked, all that a day's judgement looks back on, as columns. Rules
that look further back than what is held say so (`NeedsHistory`), and the whole record is loaded for them.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NoReturn, SupportsIndex, overload

import msgspec
import numpy as np
from numpy.typing import NDArray

from hub.occupancy.columns import STATE_NUMBER, STATES, Bools, Columns, Days, Floats, by_state
from hub.occupancy.presence import USE_DIGITS, Memory, Usual
from hub.occupancy.quiet import Rest
from hub.occupancy.values import LOOK_BACK_DAYS, NO_GAPS, PresenceDay

HELD_DAYS = 60
"""Days kept of a home of which nothing can be found: enough to know that for one more night."""

VERSION = 6
MOST_NAMES = 64
"""Credentials of a household in the days held, each a bit; with more of them fewer days are held."""

DAY = np.dtype(
    [
        ("day", "<i4"), ("state", "u1"), ("visit", "u1"), ("coverage", "<u2"), ("identified", "<u2"), ("passes", "<u2"),
        ("others", "<u2"), ("late", "<u2"), ("hours", "<u4"), ("water", "<i4"), ("power", "<i4"), ("usual_water", "<f8"),
        ("usual_power", "<f8"), ("faces", "<u8"), ("cards", "<u8"),
    ]
)  # fmt: skip
"""A day: amounts and coverage in ten-thousandths (amounts -1: not known), credentials as bits into the names."""

_SCALE = 10**USE_DIGITS
_MOST = 2**16 - 1
_NAN = float("nan")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode
Table = NDArray[np.void]


class NeedsHistory(LookupError):
    """A rule looked at a day that is not held: load the whole record and ask again."""


@dataclass(slots=True)
class Kept:
    """Memory, and the last days. `names`: credentials by their bit in `table`; `gaps`: ordinal of a day → what its devices
    missed. `rest`: what a measured pack must know of the days before."""

    memory: Memory
    names: list[str] = field(default_factory=list)
    table: Table = field(default_factory=lambda: np.empty(0, DAY))
    gaps: dict[int, Mapping[str, float]] = field(default_factory=dict)
    rest: Rest = field(default_factory=Rest)

    def __len__(self) -> int:
        return len(self.table)

    def add(self, *days: PresenceDay) -> None:
        """Further days, each the one after the last; beyond the look-back the oldest are let go."""
        wanted = {token for day in days for used in (day.identified_by, day.cards_of) for token in used}
        if len(wanted) > MOST_NAMES and len(days) > 1:
            self.add(*days[: len(days) // 2])
            self.add(*days[len(days) // 2 :])
            return
        wanted = set(sorted(wanted)[:MOST_NAMES])
        if len(wanted.union(self.names)) > MOST_NAMES:
            self._let_names_go(MOST_NAMES - len(wanted))
        self.names = [*self.names, *sorted(wanted.difference(self.names))]
        place = {name: 1 << number for number, name in enumerate(self.names)}
        rows = np.array([_row(day, place) for day in days], DAY)
        self.table = np.frombuffer(
            self.table.tobytes() + rows.tobytes(), DAY
        )  # much faster than to concatenate records
        self.gaps |= {day.day.toordinal(): day.gaps for day in days if day.gaps}
        self.trim(LOOK_BACK_DAYS)

    def trim(self, most: int = HELD_DAYS) -> None:
        """Lets all but the last days go."""
        if len(self.table) > most:
            self.table = self.table[len(self.table) - most :]
            first = int(self.table["day"][0])
            self.gaps = {day: gaps for day, gaps in self.gaps.items() if day >= first}

    def _let_names_go(self, most: int) -> None:
        """Holds so few days that they name no more than `most` credentials."""
        used = self.table["faces"] | self.table["cards"]
        while True:
            bits = _either(used)
            if bits.bit_count() <= most:
                break
            used = used[len(used) // 2 + 1 :]
        self.trim(len(used))
        kept = [number for number in range(len(self.names)) if bits >> number & 1]
        table = self.table.copy()
        for column in ("faces", "cards"):
            parts = [((self.table[column] >> np.uint64(n)) & np.uint64(1)) << np.uint64(k) for k, n in enumerate(kept)]
            table[column] = np.bitwise_or.reduce(parts, axis=0) if parts else 0
        self.table, self.names = table, [self.names[number] for number in kept]

    def days(self, begin: int, end: int) -> list[PresenceDay]:
        """The held days at these places."""
        return [self._day(row) for row in self.table[begin:end].tolist()]

    def _day(self, row: tuple[Any, ...]) -> PresenceDay:
        day, state, visit, coverage, identified, passes, others, late, hours, water, power, usual_w, usual_p, f, c = row
        return PresenceDay(
            day=date.fromordinal(day),
            state=STATES[state],
            coverage=coverage / _SCALE,
            gaps=self.gaps.get(day, NO_GAPS),
            identified=identified,
            passes=passes,
            others=others,
            water=None if water < 0 else water / _SCALE,
            electricity=None if power < 0 else power / _SCALE,
            usual_water=None if usual_w != usual_w else usual_w,
            usual_electricity=None if usual_p != usual_p else usual_p,
            identified_by=self._named(f),
            cards_of=self._named(c),
            late_others=late,
            visit=bool(visit),
            hours=hours,
        )

    def _named(self, bits: int) -> tuple[str, ...]:
        return tuple(sorted([name for n, name in enumerate(self.names) if bits >> n & 1])) if bits else ()

    def columns(self, begin: int, end: int) -> Columns:
        """The held days at these places, as columns."""
        table = self.table[begin:end]
        passed = (table["passes"] > 0) | (table["others"] > 0)
        known, sign = by_state(table["state"], table["coverage"] / _SCALE, passed)
        return Columns(
            first=int(table["day"][0]) if len(table) else 0,
            known=known,
            sign=sign,
            visit=table["visit"] != 0,
            passes=table["passes"].astype(np.int64),
            others=table["others"].astype(np.int64),
            late=table["late"].astype(np.int64),
            hours=table["hours"].astype(np.int64),
            water=_amounts(table["water"]),
            power=_amounts(table["power"]),
            usual_water=table["usual_water"].astype(np.float64),
            usual_power=table["usual_power"].astype(np.float64),
            faces=self._used(table["faces"]),
            cards=self._used(table["cards"]),
        )

    def _used(self, bits: NDArray[np.uint64]) -> dict[str, Bools]:
        found: dict[str, Bools] = {}
        whole = _either(bits)
        for name, number in sorted((name, n) for n, name in enumerate(self.names) if whole >> n & 1):
            found[name] = (bits & np.uint64(1 << number)) != 0
        return found

    def identified_since(self, day: int) -> set[str]:
        """Credentials that were identified after this day (ordinal), as far as days are held."""
        rows = self.table[self.table["day"] > day]
        whole = _either(rows["faces"])
        return {name for n, name in enumerate(self.names) if whole >> n & 1}


class RecentDays(Days):
    """The days of a record of which only the last are held. Reads as the whole tuple; raises NeedsHistory for older ones.

    Slices are such days too: of the `whole` days of the record, `total` from the one numbered `first` on; what was `made` of
    them is shared.
    """

    kept: Kept
    first: int
    total: int
    whole: int
    made: dict[int, PresenceDay]

    @classmethod
    def of(cls, kept: Kept, total: int) -> RecentDays:
        """`total`: how many days the record has; the last of them are in `kept`."""
        total = max(total, len(kept))
        return cls._part(kept, 0, total, total, {})

    @classmethod
    def _part(cls, kept: Kept, first: int, total: int, whole: int, made: dict[int, PresenceDay]) -> RecentDays:
        self = cls()
        self.kept, self.first, self.total, self.whole, self.made = kept, first, total, whole, made
        return self

    @property
    def asked(self) -> int:
        """How many of the last days rules have looked at one by one."""
        return self.whole - min(self.made, default=self.whole)

    def columns(self) -> Columns:
        """All of them; NeedsHistory where one is not held."""
        if self._columns is None:
            begin = self._place(0) if self.total else 0
            self._columns = self.kept.columns(begin, begin + self.total)
        return self._columns

    def __len__(self) -> int:
        return self.total

    def __bool__(self) -> bool:
        return self.total > 0

    def __iter__(self) -> Iterator[PresenceDay]:
        return iter(self._all())

    def __reversed__(self) -> Iterator[PresenceDay]:
        return (self._held(index) for index in range(self.total - 1, -1, -1))

    @overload
    def __getitem__(self, at: SupportsIndex) -> PresenceDay: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[PresenceDay, ...]: ...
    def __getitem__(self, at: SupportsIndex | slice) -> PresenceDay | tuple[PresenceDay, ...]:
        if isinstance(at, slice):
            begin, end, step = at.indices(self.total)
            if step != 1:
                return tuple([self._held(index) for index in range(begin, end, step)])
            return self._part(self.kept, self.first + begin, max(0, end - begin), self.whole, self.made)
        index = at.__index__()
        index = index + self.total if index < 0 else index
        if not 0 <= index < self.total:
            raise IndexError(at)
        return self._held(index)

    def __contains__(self, day: object) -> bool:
        return any(day == one for one in self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, tuple) and self._all() == list(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(tuple(self._all()))

    def __add__(self, other: Any) -> tuple[Any, ...]:
        return (*self._all(), *other)

    def __radd__(self, other: Any) -> tuple[Any, ...]:
        return (*other, *self._all())

    def index(self, *_args: Any) -> NoReturn:
        raise NeedsHistory

    def count(self, _value: Any) -> NoReturn:
        raise NeedsHistory

    def _place(self, index: int) -> int:
        """Where in `kept` the day at `index` is."""
        place = self.first + index - (self.whole - len(self.kept))
        if place < 0:
            raise NeedsHistory
        return place

    def _held(self, index: int) -> PresenceDay:
        day = self.made.get(self.first + index)
        if day is None:
            place = self._place(index)
            day = self.made[self.first + index] = self.kept.days(place, place + 1)[0]
        return day

    def _all(self) -> list[PresenceDay]:
        wanted = range(self.first, self.first + self.total)
        if any(index not in self.made for index in wanted):
            begin = self._place(0)
            self.made |= zip(wanted, self.kept.days(begin, begin + self.total), strict=True)
        return [self.made[index] for index in wanted]


def kept_of(memory: Memory, days: Iterable[PresenceDay]) -> Kept:
    """What is kept of a record that was judged whole: all of it, to be trimmed where nothing more will be asked."""
    made = Kept(memory)
    made.add(*days)
    return made


def pack(kept: Kept) -> bytes:
    """As it stands in the database until the next night."""
    memory = kept.memory
    taught = [
        _ordinal(memory.last_identified), _ordinal(memory.last_seen), memory.seen_days,
        {token: [count, _ordinal(memory.identified_last.get(token))] for token, count in memory.identified_days.items()},
        *(np.array(usual.values, np.float64).tobytes() for usual in (memory.water, memory.electricity, memory.any_water)),
    ]  # fmt: skip
    body = _encode(
        [
            kept.names,
            taught,
            kept.table.tobytes(),
            list(kept.gaps.items()),
            kept.rest.key,
            kept.rest.bins,
            kept.rest.used,
        ]
    )
    return bytes([VERSION]) + zlib.compress(body, 1)


def unpack(body: bytes) -> Kept | None:
    """None for what another release packed, or what cannot be read: the whole record is judged anew then."""
    try:
        if body[0] != VERSION:
            return None
        names, taught, table, gaps, *rest = _decode(zlib.decompress(body[1:]))
        return Kept(_memory(taught), names, np.frombuffer(table, DAY), dict(gaps), Rest(*rest))
    except (msgspec.DecodeError, zlib.error, ValueError, TypeError, IndexError, KeyError):
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


def _usual(values: bytes) -> Usual:
    given: list[float] = np.frombuffer(values, np.float64).tolist()
    made = Usual(deque(given), sorted(given))
    made.known = made.median()
    return made


def _row(day: PresenceDay, place: Mapping[str, int]) -> tuple[Any, ...]:
    water, power = day.water, day.electricity
    return (
        day.day.toordinal(), STATE_NUMBER[day.state], day.visit, round(day.coverage * _SCALE), min(day.identified, _MOST),
        min(day.passes, _MOST), min(day.others, _MOST), min(day.late_others, _MOST), day.hours,
        -1 if water is None else _units(water), -1 if power is None else _units(power),
        _NAN if day.usual_water is None else day.usual_water, _NAN if day.usual_electricity is None else day.usual_electricity,
        sum([place.get(token, 0) for token in day.identified_by]), sum([place.get(token, 0) for token in day.cards_of]),
    )  # fmt: skip


def _either(bits: NDArray[np.uint64]) -> int:
    return int(np.bitwise_or.reduce(bits)) if len(bits) else 0


def _amounts(units: NDArray[np.int32]) -> Floats:
    return np.where(units < 0, np.nan, units / _SCALE)


def _units(value: float) -> int:
    units: int = round(value * _SCALE)
    return units


def _ordinal(day: date | None) -> int:
    return day.toordinal() if day else 0


def _date(number: int) -> date | None:
    return date.fromordinal(number) if number else None
