"""Passes of a history, read a chunk at a time into one record a dwelling, day and credential.

Only what may lawfully be used enters: a face pass counts while its person's consent (b) is live on that day; every other
face pass is dropped here, before anything is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hub.occupancy.backtest.chunk import BAD, Chunk, HistoryInvalid, day_of
from hub.occupancy.backtest.gathered import (
    HOUSEHOLD,
    IDENTIFIED,
    NAMELESS,
    PERSONAL,
    USE,
    VISITOR,
    Gathered,
    Ints,
    bucket_rows,
    by_bucket,
)
from hub.occupancy.backtest.history import History, clock_keys
from hub.occupancy.backtest.registered import Register, Ways
from hub.occupancy.backtest.repeats import Repeats, keys_of
from hub.occupancy.backtest.tables import Tables
from hub.occupancy.unheard import HOMES_BEHIND, unheard
from hub.occupancy.values import EVENING_HOUR, MORNING_HOUR, NIGHT_END_HOUR

KINDS = {"face": 0, "card": 1, "qr": 1, "pin": 2, "visitor": 3, "staff": 4}
HALF = 0.5
CONTRADICTED_LEAST, CONTRADICTED_SHARE = 10, 0.2
"""Of a dwelling's passes so many, and so large a share, name another one than their holder's: who lives where is not known."""

NIGHT_IN, NIGHT_OUT, NIGHT_END = EVENING_HOUR * 3600, MORNING_HOUR * 3600, NIGHT_END_HOUR * 3600


class Passes:
    """Reads chunks in their order; what was counted beside the records goes into `found`."""

    def __init__(self, tables: Tables, history: History, found: Gathered, repeats: Repeats) -> None:
        self._problems, self._history, self._found, self._repeats = tables.problems, history, found, repeats
        self._days = history.last - history.first + 1
        found.recognised = {estate: [0] * self._days for estate in sorted(set(history.estate))}
        found.carded = {estate: [[0] * self._days, [0] * self._days] for estate in found.recognised}
        self._register, self._ways = Register.of(history), Ways(history)
        self._clock = clock_keys(history)
        self._credentials: dict[str, int] = {}
        self._pairs: dict[int, int] = {}
        self._since: dict[int, int] = {}
        estates = {name: i for i, name in enumerate(found.recognised)}
        self._estate = np.array([estates[name] for name in history.estate], np.int64)
        self._newest = self._useless = 0
        common = [point for point, homes in sorted(history.homes_behind().items()) if homes >= HOMES_BEHIND]
        self._place = np.full(len(history.points) + 1, -1)  # the last: of an unknown point
        self._place[common] = np.arange(len(common))
        self._common = common
        self._recorded = np.zeros((len(common), self._days), np.int64)
        self._lost, self._of_nobody = np.zeros_like(self._recorded), np.zeros_like(self._recorded)
        self._contra: dict[int, dict[int, int]] = {}

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
        problems.note_rows("pass outside the days of the history, kept out", chunk, (ts != BAD) & ~inside)
        for what, wrong, said in (
            ("pass at an unknown access point, kept out", inside & (point < 0), points),
            ("pass with an unknown kind of credential, kept out", kind < 0, kinds),
        ):
            problems.note_words(what, chunk, wrong, said)
        self._found.passes += chunk.length
        told = inside & (point >= 0) & (kind >= 0) & np.isin(granted, (0, 1))
        twice = self._twice(told, ts, point, person, credential, kind, granted)
        problems.note_rows("duplicate pass, counted once", chunk, twice)
        inside &= ~twice
        unread = ~np.isin(granted, (0, 1)) | (kind < 0) | (dwelling == -2)
        which = inside & ~unread & (granted == 1)
        home, second, consent, contradicts = self._homes(which, person, dwelling, day, point, kind == 0)
        # nor do they say that a door observed: whatever is found must be found without them
        unlawful = (kind == 0) & (granted == 1) & (person >= 0) & ~consent
        problems.note_rows("pass naming another dwelling than its holder's, kept out", chunk, contradicts)
        gone = self._moved_out(which & (kind < 3) & (home < 0), person, dwelling, day)
        problems.note_rows("pass of who has moved out of the dwelling it names, counted for nobody", chunk, gone)
        nobodys = inside & ~unread & (granted == 1) & (kind < 3) & (home < 0) & (dwelling < 0)
        problems.note_rows("pass of no known person and no dwelling, counted for no home", chunk, nobodys)
        unread |= contradicts
        self._useless += int(np.count_nonzero(unread | nobodys | (ts == BAD)))
        for counts, which in ((self._recorded, ~unread), (self._lost, unread), (self._of_nobody, nobodys)):
            self._hear(counts, point, day, inside & which & ~unlawful)
        other = inside & ~np.isin(granted, (0, 1))
        problems.note_rows("pass of which nothing says whether it was granted, kept out", chunk, other)
        keep = inside & (point >= 0) & (kind >= 0) & (granted == 1) & ~contradicts
        doubtful = keep & self._clock_wrong(point, ts)
        problems.note_rows("pass while the device's clock was wrong, kept out", chunk, doubtful)
        keep &= ~doubtful & (kind < 4) & ~gone
        problems.note_words("pass naming an unknown dwelling, kept out", chunk, keep & (dwelling == -2), named)
        keep &= dwelling != -2
        back = (ts != BAD) & (ts < self._newest - 86_400)
        problems.note_rows("pass out of order by more than a day", chunk, back)
        self._newest = max(self._newest, int(ts[inside].max()) if inside.any() else 0)
        local = ts % 86_400
        direction = chunk.coded("direction").mapped({"in": 0, "out": 1, "unknown": 2}, 2)
        inward = (local >= NIGHT_IN) | (local < NIGHT_END)
        outward = (local >= NIGHT_END) & (local < NIGHT_OUT)
        late = (inward & (direction != 1)) | (outward & (direction != 0))
        columns = [a[keep] for a in (dwelling, day, kind, person, home, consent, credential, late, local // 3600, ts)]
        both = second[keep] >= 0  # who is registered in two homes behind this door may have gone to either
        if both.any():
            again = [a[both] for a in columns]
            again[4] = second[keep][both]
            again[5] = self._register.consents(again[3], again[4], again[1] + history.first)
            columns = [np.concatenate(pair) for pair in zip(columns, again, strict=True)]
        return self._counted(*columns)

    def _homes(
        self,
        which: NDArray[np.bool_],
        person: Ints,
        dwelling: Ints,
        day: Ints,
        point: Ints,
        face: NDArray[np.bool_],
    ) -> tuple[Ints, Ints, NDArray[np.bool_], NDArray[np.bool_]]:
        """Of each pass of these (the holder's dwelling, and another that may as well be meant, else -1; whether consent (b) is
        live; whether it names another dwelling than the one where its holder is registered)."""
        home, second = np.full(len(day), -1), np.full(len(day), -1)
        consent, contradicts = np.zeros(len(day), np.bool_), np.zeros(len(day), np.bool_)
        at, register = day + self._history.first, self._register
        rows = np.nonzero(which & (person >= 0))[0]
        home[rows], second[rows] = register.look_up(person[rows], dwelling[rows], at[rows], self._ways, point[rows])
        consent[rows] = register.consents(person[rows], home[rows], at[rows])
        rows = rows[(home[rows] < 0) & (dwelling[rows] >= 0)]
        nowhere = np.full(len(rows), -1)
        elsewhere, _ = register.look_up(person[rows], nowhere, at[rows], self._ways, point[rows])
        rows, elsewhere = rows[elsewhere >= 0], elsewhere[elsewhere >= 0]
        contradicts[rows] = True
        lawful = ~face[rows] | register.consents(person[rows], elsewhere, at[rows])
        rows, elsewhere = rows[lawful], elsewhere[lawful]
        for one, when in zip([*dwelling[rows].tolist(), *elsewhere.tolist()], day[rows].tolist() * 2, strict=True):
            of = self._contra.setdefault(one, {})
            of[when] = of.get(when, 0) + 1
        return home, second, consent, contradicts

    def _moved_out(self, which: NDArray[np.bool_], person: Ints, dwelling: Ints, day: Ints) -> NDArray[np.bool_]:
        """Of each pass of these: its holder lived in the home it names, which is let that day to others or to who stayed.
        Who comes back to a home that should be empty uses it."""
        gone = np.zeros(len(day), np.bool_)
        rows = np.nonzero(which & (person >= 0) & (dwelling >= 0))[0]
        rows = rows[self._register.moved_out(person[rows], dwelling[rows], day[rows] + self._history.first)]
        for row in rows.tolist():
            gone[row] = self._history.lease_on(int(dwelling[row]), int(day[row]) + self._history.first) is not None
        return gone

    def _hear(self, counts: Ints, point: Ints, day: Ints, which: NDArray[np.bool_]) -> None:
        """Counts passes at common points by day."""
        place = self._place[point[which]]
        here = place >= 0
        flat = np.bincount(place[here] * self._days + day[which][here], minlength=counts.size)
        counts += flat.reshape(counts.shape)

    def close(self, directory: Path) -> None:
        """After the last chunk; `directory`: where its buckets are. HistoryInvalid where most of the table cannot be used: it
        says nothing of who is absent."""
        found, problems = self._found, self._problems
        if self._useless > HALF * found.passes:
            seen = [what for what in problems.counts if "pass" in what]
            raise HistoryInvalid(
                f"passes: {self._useless:,} of {found.passes:,} rows cannot be used, so that nothing can be said of who is"
                f" absent. Correct them: {'; '.join(f'{what} ({problems.examples[what][0]})' for what in seen)}"
            )
        found.unheard = self._unheard()
        found.credentials, found.holdings = list(self._credentials), self._holdings()
        found.contradicted = self._contradicted(directory)

    def _contradicted(self, directory: Path) -> list[tuple[int, int]]:
        """(dwelling, day of the history) from which on many of its passes had named another one than their holder's; noted."""
        found, history = list[tuple[int, int]](), self._history
        many = [dwelling for dwelling, days in self._contra.items() if sum(days.values()) >= CONTRADICTED_LEAST]
        for number, dwellings in by_bucket(history, many).items():
            rows = bucket_rows(directory, "uses", number)
            for dwelling in sorted(dwellings):
                own = rows[rows["dwelling"] == dwelling]
                counted = np.bincount(own["day"], own["count"], minlength=self._days).astype(np.int64)
                day = _contradicted_from(self._contra[dwelling], counted)
                if day is not None:
                    found.append((dwelling, day))
                    what = "dwelling of whose passes many name another one than their holder's, kept out from then on"
                    since = day_of(history.first + day)
                    self._problems.note(what, f"{history.dwellings[dwelling]}: from {since}")
        return found

    def _unheard(self) -> list[tuple[int, int]]:
        """(point, day) of common points that were not observing, whatever their coverage says; noted."""
        history, found = self._history, list[tuple[int, int]]()
        for place, point in enumerate(self._common):
            observing = [share < HALF for share in history.missed[point]]
            counts = (
                self._recorded[place].tolist(),
                self._lost[place].tolist(),
                observing,
                self._of_nobody[place].tolist(),
            )
            news = [day for day in unheard(*counts) if observing[day]]
            if news:
                what = "door that recorded nobody, or nothing readable, on days on which many pass: taken for not observing"
                first = day_of(history.first + news[0])
                self._problems.note(what, f"{history.point_names[point]} on {len(news)} days from {first}", len(news))
            found += [(point, day) for day in news]
        return found

    def _credential(self, chunk: Chunk) -> Ints:
        coded = chunk.coded("credential_id")
        for word in coded.words:
            self._credentials.setdefault(word, len(self._credentials))
        return coded.mapped(self._credentials)

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

    def _holdings(self) -> list[tuple[int, int]]:
        """By number: the person, and which of their credentials it is, in the order in which they were first used, in whatever
        order passes were read."""
        words, count = list(self._credentials), dict[int, int]()
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
        self,
        told: NDArray[np.bool_],
        ts: Ints,
        point: Ints,
        person: Ints,
        credential: Ints,
        kind: Ints,
        granted: NDArray[np.float64],
    ) -> NDArray[np.bool_]:
        """The same holder at the same door in the same second, with the same answer: a pass that was granted is no copy of one
        that was refused."""
        holder = np.where(person >= 0, person * 2, credential * 2 + 1)
        rows = np.nonzero(told & (holder >= 0))[0]
        answer = kind[rows] * 2 + granted[rows].astype(np.int64)
        twice = np.zeros(len(ts), np.bool_)
        twice[rows] = self._repeats.again(keys_of(ts[rows], point[rows], holder[rows], answer))
        return twice

    def _counted(
        self,
        dwelling: Ints,
        day: Ints,
        kind: Ints,
        person: Ints,
        home: Ints,
        consent: NDArray[np.bool_],
        credential: Ints,
        late: NDArray[np.bool_],
        hour: Ints,
        ts: Ints,
    ) -> NDArray[np.void]:
        face = kind == 0
        known = home >= 0
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


def _contradicted_from(contra: Mapping[int, int], counted: Ints) -> int | None:
    """(P) First day on which so many passes, and so large a share of all up to it, named another dwelling. Both by day."""
    against = np.zeros(len(counted), np.int64)
    against[list(contra)] = list(contra.values())
    all_of = np.cumsum(against + counted)
    against = np.cumsum(against)
    days = np.nonzero((against >= CONTRADICTED_LEAST) & (against >= CONTRADICTED_SHARE * all_of))[0]
    return int(days[0]) if len(days) else None


def _word(words: list[str], key: int) -> str:
    """Of a pair's key, the credential as it is written; "" if it has none."""
    number = key % 2**26 - 1
    return words[number] if number >= 0 else ""
