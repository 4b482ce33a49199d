"""Passes and meters of a history, sorted into buckets of dwellings on disk: memory stays bounded however long it is.

Only what may lawfully be used enters: a face pass counts while its person's consent (b) is live on that day; every other
face pass is dropped here, before anything is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hub.occupancy.backtest.history import History, clock_keys
from hub.occupancy.backtest.tables import BAD, Chunk, HistoryInvalid, Tables, day_of
from hub.occupancy.unheard import HOMES_BEHIND, unheard
from hub.occupancy.values import EVENING_HOUR, MORNING_HOUR, NIGHT_END_HOUR

IDENTIFIED, PERSONAL, HOUSEHOLD, VISITOR, NAMELESS = range(5)
"""What a counted pass was: the person's own face; a card or QR of a person; a PIN of the household; a visitor's; a card or QR of
the household whose holder the record does not name."""

KINDS = {"face": 0, "card": 1, "qr": 1, "pin": 2, "visitor": 3, "staff": 4}
USE = np.dtype(
    [
        ("dwelling", "i4"),
        ("day", "i2"),
        ("cls", "i1"),
        ("credential", "i4"),
        ("count", "i2"),
        ("late", "i2"),
        ("hours", "i4"),
    ]
)
METER = np.dtype([("dwelling", "i4"), ("day", "i2"), ("water", "i1"), ("value", "f4")])
BUCKET = 250
"""Dwellings a bucket at least, in the order of estates and blocks; no block is cut."""

FLUSH_ROWS = 2_000_000
HALF = 0.5
MOST = (400.0, 20.0)  # kWh, m³ a day: beyond it a meter lies
NIGHT_IN, NIGHT_OUT, NIGHT_END = EVENING_HOUR * 3600, MORNING_HOUR * 3600, NIGHT_END_HOUR * 3600
Ints = NDArray[np.int64]
Progress = Callable[[], None]


@dataclass
class Gathered:
    """What was counted on the way. `recognised`: estate → identified passes a day (for the terminals' health).
    `holdings`: of each (person, credential) pair the person and how many of theirs came into use up to it (1: their first).
    `carded`: estate → by day, passes with a card or QR that name their holder, and that do not.
    `water_days`: estate → days on which a home used water, and those of them that read a whole number of cubic metres."""

    passes: int = 0
    recognised: dict[str, list[int]] = field(default_factory=dict)
    credentials: list[str] = field(default_factory=list)
    metered: set[tuple[int, bool]] = field(default_factory=set)
    holdings: list[tuple[int, int]] = field(default_factory=list)
    carded: dict[str, list[list[int]]] = field(default_factory=dict)
    water_days: dict[str, list[int]] = field(default_factory=dict)
    unheard: list[tuple[int, int]] = field(default_factory=list)


class Spill:
    """Appends records to bucket files by dwelling."""

    def __init__(self, directory: Path, name: str, dtype: np.dtype[np.void], starts: Ints) -> None:
        self._files = [directory / f"{name}-{bucket:05d}.bin" for bucket in range(len(starts))]
        self._starts = starts
        for file in self._files:
            file.write_bytes(b"")
        self._dtype, self._parts, self._rows = dtype, list[NDArray[np.void]](), 0

    def add(self, rows: NDArray[np.void]) -> None:
        self._parts.append(rows)
        self._rows += len(rows)
        if self._rows >= FLUSH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Writes what is held."""
        if not self._parts:
            return
        rows = np.concatenate(self._parts)
        self._parts, self._rows = [], 0
        order = np.argsort(rows["dwelling"], kind="stable")
        rows = rows[order]
        bucket = np.searchsorted(self._starts, rows["dwelling"], side="right") - 1
        for number in np.unique(bucket).tolist():
            first, end = np.searchsorted(bucket, [number, number + 1])
            with self._files[number].open("ab") as file:
                file.write(rows[first:end].tobytes())


def bucket_rows(directory: Path, name: str, bucket: int) -> NDArray[np.void]:
    """The records of one bucket."""
    return np.fromfile(directory / f"{name}-{bucket:05d}.bin", dtype=USE if name == "uses" else METER)


def bucket_starts(history: History) -> Ints:
    """The first dwelling of each bucket."""
    starts = [0]
    for dwelling in range(1, len(history.dwellings)):
        if dwelling - starts[-1] >= BUCKET and history.block[dwelling] != history.block[dwelling - 1]:
            starts.append(dwelling)
    return np.array(starts, np.int64)


@dataclass(frozen=True)
class _Register:
    """The member rows as arrays: persons × rows a person."""

    dwelling: Ints
    first: Ints
    last: Ints
    consent: NDArray[np.bool_]

    @classmethod
    def of(cls, history: History) -> _Register:
        rows: list[list[tuple[int, int, int, bool]]] = [[] for _ in history.persons]
        for dwelling, members in history.members.items():
            for m in members:
                rows[m.person].append((dwelling, m.first, 10**7 if m.last is None else m.last, m.consent))
        width = max((len(r) for r in rows), default=1)
        shape = (len(rows) + 1, width)
        made = cls(np.full(shape, -1), np.full(shape, 10**7), np.full(shape, -(10**7)), np.zeros(shape, np.bool_))
        for person, found in enumerate(rows):
            for k, (dwelling, first, last, consent) in enumerate(sorted(found)):
                made.dwelling[person, k], made.first[person, k] = dwelling, first
                made.last[person, k], made.consent[person, k] = last, consent
        return made

    def look_up(self, person: Ints, dwelling: Ints, day: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        """(the person's dwelling that day: the one named if it is one of theirs, else -1; whether consent (b) is live)."""
        home = np.full(len(person), -1, np.int64)
        consent = np.zeros(len(person), np.bool_)
        for k in range(self.dwelling.shape[1]):
            theirs = self.dwelling[person, k]
            live = (self.first[person, k] <= day) & (day <= self.last[person, k]) & (theirs >= 0)
            live &= (dwelling < 0) | (theirs == dwelling)
            home = np.where(live & (home < 0), theirs, home)
            consent |= live & self.consent[person, k] & (home == theirs)
        return home, consent


def gather(tables: Tables, history: History, directory: Path, progress: Progress) -> Gathered:
    """Reads passes and meters once and writes the bucket files."""
    found = Gathered()
    count = history.last - history.first + 1
    found.recognised = {estate: [0] * count for estate in sorted(set(history.estate))}
    found.carded = {estate: [[0] * count, [0] * count] for estate in found.recognised}
    spill = Spill(directory, "uses", USE, bucket_starts(history))
    reader = _Passes(tables, history, found)
    for chunk in tables.chunks("passes"):
        found.passes += chunk.length
        spill.add(reader.read(chunk))
        progress()
    spill.flush()
    reader.readable()
    found.unheard = reader.unheard()
    history.unheard(found.unheard)
    found.credentials, found.holdings = list(reader.credentials), reader.holdings()
    spill = Spill(directory, "meters", METER, bucket_starts(history))
    twice = _Twice(2 * len(history.dwellings), count)
    estates, estate_of = np.unique(history.estate, return_inverse=True)
    water_days = np.zeros((2, len(estates)), np.int64)
    for chunk in tables.chunks("meters"):
        rows = _meters(chunk, history, tables, found, twice)
        spill.add(rows)
        used = rows[(rows["water"] == 1) & (rows["value"] > 0)]
        for count_of, those in zip(water_days, (used, used[used["value"] == np.round(used["value"])]), strict=True):
            count_of += np.bincount(estate_of[those["dwelling"]], minlength=len(estates))
        progress()
    spill.flush()
    found.water_days = {str(estate): count for estate, count in zip(estates, water_days.T.tolist(), strict=True)}
    return found


class _Passes:
    def __init__(self, tables: Tables, history: History, found: Gathered) -> None:
        self._problems, self._history, self._found = tables.problems, history, found
        self._register = _Register.of(history)
        self._clock = clock_keys(history)
        self.credentials: dict[str, int] = {}
        self._pairs: dict[int, int] = {}
        self._since: dict[int, int] = {}
        estates = {name: i for i, name in enumerate(found.recognised)}
        self._estate = np.array([estates[name] for name in history.estate], np.int64)
        self._newest = self._useless = 0
        self._days = history.last - history.first + 1
        common = [point for point, homes in sorted(history.homes_behind().items()) if homes >= HOMES_BEHIND]
        self._place = np.full(len(history.points) + 1, -1)  # the last: of an unknown point
        self._place[common] = np.arange(len(common))
        self._common = common
        self._recorded = np.zeros((len(common), self._days), np.int64)
        self._lost = np.zeros_like(self._recorded)
        self._before: Ints = np.zeros(0, np.int64)

    def read(self, chunk: Chunk) -> NDArray[np.void]:
        """The counted passes of a chunk: one record a dwelling, day and credential."""
        history, problems = self._history, self._problems
        ts, granted = chunk.times("ts"), chunk.numbers("granted")
        points, kinds = chunk.coded("access_point_id"), chunk.coded("credential_kind")
        point, kind = points.mapped(history.points), kinds.mapped(KINDS)
        person = chunk.coded("person_id").mapped(history.persons)
        named = chunk.coded("dwelling_id")
        dwelling = named.mapped(history.number, -2)
        dwelling[named.codes < 0] = -1
        credential = self._credential(chunk)
        day = ts // 86_400 - history.first
        inside = (ts != BAD) & (day >= 0) & (day <= history.last - history.first)
        problems.note_rows(
            "pass outside the days of the history, kept out", "passes", chunk.rows((ts != BAD) & ~inside)
        )
        for what, wrong, said in (
            ("pass at an unknown access point, kept out", inside & (point < 0), points),
            ("pass with an unknown kind of credential, kept out", kind < 0, kinds),
        ):
            problems.note_words(what, "passes", chunk.rows(wrong), said, chunk.first)
        unread = ~np.isin(granted, (0, 1)) | (kind < 0) | (dwelling == -2)
        self._useless += int(np.count_nonzero(unread | (ts == BAD)))
        self._hear(self._recorded, point, day, inside & ~unread)
        self._hear(self._lost, point, day, inside & unread)
        other = inside & ~np.isin(granted, (0, 1))
        problems.note_rows("pass of which nothing says whether it was granted, kept out", "passes", chunk.rows(other))
        keep = inside & (point >= 0) & (kind >= 0) & (granted == 1)
        doubtful = keep & self._clock_wrong(point, ts)
        problems.note_rows("pass while the device's clock was wrong, kept out", "passes", chunk.rows(doubtful))
        keep &= ~doubtful & (kind < 4)
        strange = chunk.rows(keep & (dwelling == -2))
        problems.note_words("pass naming an unknown dwelling, kept out", "passes", strange, named, chunk.first)
        keep &= dwelling != -2
        twice = self._twice(keep, ts, point, person, credential, kind)
        problems.note_rows("duplicate pass, counted once", "passes", chunk.rows(twice))
        keep &= ~twice
        back = np.nonzero((ts != BAD) & (ts < self._newest - 86_400))[0]
        problems.note_rows("pass out of order by more than a day", "passes", back + chunk.first)
        self._newest = max(self._newest, int(ts[inside].max()) if inside.any() else 0)
        local = ts % 86_400
        direction = chunk.coded("direction").mapped({"in": 0, "out": 1, "unknown": 2}, 2)
        inward = (local >= NIGHT_IN) | (local < NIGHT_END)
        outward = (local >= NIGHT_END) & (local < NIGHT_OUT)
        late = (inward & (direction != 1)) | (outward & (direction != 0))
        return self._counted(*(a[keep] for a in (dwelling, day, kind, person, credential, late, local // 3600, ts)))

    def _hear(self, counts: Ints, point: Ints, day: Ints, which: NDArray[np.bool_]) -> None:
        """Counts passes at common points by day."""
        place = self._place[point[which]]
        here = place >= 0
        flat = np.bincount(place[here] * self._days + day[which][here], minlength=counts.size)
        counts += flat.reshape(counts.shape)

    def readable(self) -> None:
        """HistoryInvalid where most of the table cannot be used: then it says nothing of who is absent."""
        if self._useless > HALF * self._found.passes:
            seen = [what for what in self._problems.counts if "pass" in what]
            raise HistoryInvalid(
                f"passes: {self._useless:,} of {self._found.passes:,} rows cannot be used, so that nothing can be said of who is"
                f" absent. Correct them: {'; '.join(f'{what} ({self._problems.examples[what][0]})' for what in seen)}"
            )

    def unheard(self) -> list[tuple[int, int]]:
        """(point, day) of common points that were not observing, whatever their coverage says; noted."""
        history, found = self._history, list[tuple[int, int]]()
        for place, point in enumerate(self._common):
            observing = [share < HALF for share in history.missed[point]]
            days = unheard(self._recorded[place].tolist(), self._lost[place].tolist(), observing)
            news = [day for day in days if observing[day]]
            if news:
                what = "door that recorded nobody, or nothing readable, on days on which many pass: taken for not observing"
                first = day_of(history.first + news[0])
                self._problems.note(what, f"{history.point_names[point]} on {len(news)} days from {first}", len(news))
            found += [(point, day) for day in news]
        return found

    def _credential(self, chunk: Chunk) -> Ints:
        coded = chunk.coded("credential_id")
        for word in coded.words:
            self.credentials.setdefault(word, len(self.credentials))
        return coded.mapped(self.credentials)

    def _holding(self, person: Ints, credential: Ints, ts: Ints) -> Ints:
        """Numbers of (person, credential) pairs. Person -1: none."""
        keys, back = np.unique((person + 1) * 2**26 + credential + 1, return_inverse=True)
        first = np.full(len(keys), np.iinfo(np.int64).max)
        np.minimum.at(first, back, ts)
        numbers = np.full(len(keys), -1, np.int64)
        for place in np.nonzero(keys >= 2**26)[0].tolist():
            held = self._pairs.setdefault(int(keys[place]), len(self._pairs))
            self._since[held] = min(self._since.get(held, int(first[place])), int(first[place]))
            numbers[place] = held
        return numbers[back]

    def holdings(self) -> list[tuple[int, int]]:
        """By number: the person, and which of their credentials it is, in the order in which they were first used, in whatever
        order passes were read."""
        words, count = list(self.credentials), dict[int, int]()
        found = [(0, 0)] * len(self._pairs)
        for key, held in sorted(self._pairs.items(), key=lambda one: (self._since[one[1]], _word(words, one[0]))):
            who = key // 2**26 - 1
            count[who] = count.get(who, 0) + 1
            found[held] = (who, count[who])
        return found

    def _clock_wrong(self, point: Ints, ts: Ints) -> NDArray[np.bool_]:
        starts, ends = self._clock
        if not len(starts):
            return np.zeros(len(ts), np.bool_)
        key = point * 10**11 + ts
        at = np.searchsorted(starts, key, side="right") - 1
        return (at >= 0) & (key < ends[np.maximum(at, 0)])

    def _twice(
        self, keep: NDArray[np.bool_], ts: Ints, point: Ints, person: Ints, credential: Ints, kind: Ints
    ) -> NDArray[np.bool_]:
        """The same holder at the same door in the same second, within the chunk or as the last second of the one before. Of those
        kept so far: a pass that was granted is no copy of one that was refused."""
        holder = np.where(person >= 0, person * 2, credential * 2 + 1)
        rows = np.nonzero(keep)[0]
        when = ts[rows]
        key = ((when % 2**31) * 100_003 + point[rows]) * 1_000_003 + holder[rows] * 7 + kind[rows]
        order = np.argsort(key, kind="stable")
        same = np.zeros(len(key), np.bool_)
        same[order[1:]] = key[order[1:]] == key[order[:-1]]
        same |= np.isin(key, self._before)
        if len(when):
            self._before = key[when == when.max()]
        twice = np.zeros(len(ts), np.bool_)
        twice[rows] = same & (holder[rows] >= 0)
        return twice

    def _counted(
        self,
        dwelling: Ints,
        day: Ints,
        kind: Ints,
        person: Ints,
        credential: Ints,
        late: NDArray[np.bool_],
        hour: Ints,
        ts: Ints,
    ) -> NDArray[np.void]:
        home, consent = self._register.look_up(person, dwelling, day + self._history.first)
        face = kind == 0
        known = (person >= 0) & (home >= 0)
        where = np.where(known, home, dwelling)
        use = (where >= 0) & (~face | (known & consent))
        cls = np.where(
            face,
            IDENTIFIED,
            np.where(kind == 3, VISITOR, np.where(kind == 1, np.where(known, PERSONAL, NAMELESS), HOUSEHOLD)),
        )
        holding = self._holding(np.where(cls == PERSONAL, person, -1), credential, ts)  # a face holds no card
        code = np.where(cls == IDENTIFIED, person, np.where(cls == PERSONAL, holding, credential))
        where, day, cls, code, late, hour = where[use], day[use], cls[use], code[use], late[use], hour[use]
        for estate, name in enumerate(self._found.recognised):
            here, carded = self._estate[where] == estate, self._found.carded[name]
            for row, of in ((self._found.recognised[name], IDENTIFIED), (carded[0], PERSONAL), (carded[1], NAMELESS)):
                counts = np.bincount(day[here & (cls == of)])
                for number in np.nonzero(counts)[0].tolist():
                    row[number] += int(counts[number])
        key = ((where * 4096 + day) * 8 + cls) * 2**26 + (code + 1)
        keys, back = np.unique(key, return_inverse=True)
        rows = np.zeros(len(keys), USE)
        rows["credential"] = keys % 2**26 - 1
        rest = keys // 2**26
        rows["cls"], rest = rest % 8, rest // 8
        rows["day"], rows["dwelling"] = rest % 4096, rest // 4096
        rows["count"] = np.minimum(np.bincount(back, minlength=len(keys)), 30_000)
        rows["late"] = np.minimum(np.bincount(back[late], minlength=len(keys)), 30_000)
        hours = np.zeros(len(keys), np.int32)
        np.bitwise_or.at(hours, back, np.left_shift(1, hour).astype(np.int32))
        rows["hours"] = hours
        return rows


def _word(words: list[str], key: int) -> str:
    """Of a pair's key, the credential as it is written; "" if it has none."""
    number = key % 2**26 - 1
    return words[number] if number >= 0 else ""


class _Twice:
    """Which days of a meter were read already: a bit each."""

    def __init__(self, meters: int, days: int) -> None:
        self._width = -(-days // 8)
        self._seen = np.zeros(meters * self._width, np.uint8)

    def again(self, meter: Ints, day: Ints) -> NDArray[np.bool_]:
        """Readings of a day that was read before, in this chunk or an earlier one."""
        place, bit = meter * self._width + day // 8, np.left_shift(1, day % 8).astype(np.uint8)
        _days, first = np.unique(place * 8 + day % 8, return_index=True)
        again = np.ones(len(place), np.bool_)
        again[first] = (self._seen[place[first]] & bit[first]) != 0
        np.bitwise_or.at(self._seen, place, bit)
        return again


def _meters(chunk: Chunk, history: History, tables: Tables, found: Gathered, twice: _Twice) -> NDArray[np.void]:
    day, value, ok = chunk.days("date"), chunk.numbers("value"), chunk.numbers("ok")
    named = chunk.coded("dwelling_id")
    dwelling = named.mapped(history.number)
    kind = chunk.coded("kind").mapped({"electricity": 0, "water": 1})
    problems = tables.problems
    problems.note_rows("reading of an unknown dwelling or kind", "meters", chunk.rows((dwelling < 0) | (kind < 0)))
    known = (dwelling >= 0) & (kind >= 0) & (day != BAD)
    inside = known & (day >= history.first) & (day <= history.last)
    problems.note_rows("reading outside the days of the history, kept out", "meters", chunk.rows(known & ~inside))
    for one in np.unique(dwelling[inside] * 2 + kind[inside]).tolist():
        found.metered.add((one // 2, bool(one % 2)))
    good = inside & (ok == 1) & ~np.isnan(value)
    backwards = good & (value < 0)
    problems.note_rows("meter that runs backwards, reading kept out", "meters", chunk.rows(backwards))
    too_much = good & (value > np.array(MOST)[np.maximum(kind, 0)])
    problems.note_rows("impossible reading, kept out", "meters", chunk.rows(too_much))
    use = good & ~backwards & ~too_much
    again = np.zeros_like(use)
    again[use] = twice.again(dwelling[use] * 2 + kind[use], day[use] - history.first)
    problems.note_rows("second reading of a day; where they differ none counts", "meters", chunk.rows(again))
    rows = np.zeros(int(use.sum()), METER)
    rows["dwelling"], rows["day"] = dwelling[use], day[use] - history.first
    rows["water"], rows["value"] = kind[use], value[use]
    return rows
