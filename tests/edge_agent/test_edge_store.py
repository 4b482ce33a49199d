"""The journal: durable on return, each record once, damage noticed, a full disk survived."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from edge_twins import T0, FakeClock, run, until

from device_drivers.contract.events import CameraEvent, EdgeNote, Event, MeterReading, Unreadable
from device_drivers.contract.words import Quantity
from edge_agent.store import Journal, JournalFull, Row


def reading(value: float, device: str = "m1") -> Event:
    return Event(0, device, T0, MeterReading(Quantity.WATER, value))


@asynccontextmanager
async def opened(root: Path, clock: FakeClock | None = None) -> AsyncIterator[Journal]:
    journal = Journal(root / "journal.db", clock or FakeClock())
    journal.open()
    try:
        yield journal
    finally:
        journal.close()


async def all_events(journal: Journal) -> list[Event]:
    events: list[Event] = []
    while len(events) < journal.head:
        bodies = await journal.read(len(events) + 1, 500)
        assert bodies, f"nothing readable at {len(events) + 1}"
        events += [msgspec.json.decode(b, type=Event) for b in bodies]
    return events


def test_appended_rows_are_read_back_as_they_travel(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as journal:
            assert await journal.append(reading(1.5), reading(2.5)) == (1, 2)
            epoch = journal.epoch
        async with opened(tmp_path) as journal:
            assert (journal.epoch, journal.head, journal.cursor) == (epoch, 2, 0)
            assert [e.body.value for e in await all_events(journal)] == [1.5, 2.5]
            assert await journal.append(reading(3)) == (3,)

    run(work())


def test_concurrent_appends_share_commits_and_keep_their_order(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as journal:
            commits = []
            journal.on_append = lambda: commits.append(1)
            futures = [journal.submit([Row(reading(i))]) for i in range(2_000)]
            seqs = await asyncio.gather(*futures)
            assert [s for (s,) in seqs] == list(range(1, 2_001))
            assert len(commits) < 200, f"{len(commits)} commits for 2,000 appends: no group commit"

    run(work())


def test_a_device_record_is_taken_once_also_after_a_restart(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as journal:
            rows = [Row(reading(1), "r1"), Row(reading(1), "r1"), Row(reading(2), "r2"), Row(reading(3, "m2"), "r1")]
            assert await journal.submit(rows) == (1, None, 2, 3)
        async with opened(tmp_path) as journal:
            assert await journal.submit([Row(reading(2), "r2")]) == (None,)
            assert journal.head == 3

    run(work())


CHILD = """
import asyncio, sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from edge_twins import FakeClock
from test_edge_store import reading
from edge_agent.store import Journal
async def main():
    journal = Journal(Path(sys.argv[1]) / "journal.db", FakeClock())
    journal.open()
    async def appender(n):
        i = 0
        while True:
            (seq,) = await journal.append(reading(n * 1_000_000 + i))
            print(seq, n * 1_000_000 + i, flush=True)
            i += 1
    await asyncio.gather(*(appender(n) for n in range(8)))
asyncio.run(main())
"""


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    told: dict[int, float] = {}
    for _ in range(3):
        command = [sys.executable, "-c", CHILD, str(tmp_path), *map(str, Path(__file__).parents[:2])]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
        assert child.stdout
        for _ in range(random.randint(50, 400)):
            seq, value = child.stdout.readline().split()
            told[int(seq)] = float(value)
        os.kill(child.pid, signal.SIGKILL)
        for line in child.stdout.read().splitlines():  # what it said before it died counts too
            if len(parts := line.split()) == 2:
                told[int(parts[0])] = float(parts[1])
        child.wait()
        child.stdout.close()

    async def work() -> None:
        async with opened(tmp_path) as journal:
            events = await all_events(journal)
            assert [e.seq for e in events] == list(range(1, journal.head + 1))
            lost = {s: v for s, v in told.items() if s > journal.head or events[s - 1].body.value != v}
            assert not lost, f"acknowledged rows lost or changed: {lost}"

    run(work())


def test_a_damaged_row_is_quarantined_and_noted_in_its_place(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as journal:
            await journal.append(*(reading(i) for i in range(5)))
        db = sqlite3.connect(tmp_path / "journal.db")
        db.execute("UPDATE events SET body = replace(body, '2.0', '7.0') WHERE seq = 3")
        db.execute("DELETE FROM events WHERE seq = 4")
        db.commit()
        db.close()
        async with opened(tmp_path) as journal:
            bodies = [e.body for e in await all_events(journal)]
            assert [getattr(b, "what", "") for b in bodies] == ["", "", "corrupt_row", "corrupt_row", ""]
            kept = journal._db.execute("SELECT seq FROM quarantine").fetchall()
            assert kept == [(3,)], "the damaged row must be kept for a look"

    run(work())


def test_bit_flips_are_detected_or_harmless(tmp_path: Path) -> None:
    chance = random.Random(20261121)

    async def fill() -> None:
        async with opened(tmp_path) as journal:
            await journal.append(*(reading(i) for i in range(400)))

    run(fill())
    clean = (tmp_path / "journal.db").read_bytes()

    async def look(root: Path) -> str:
        try:
            async with opened(root) as journal:
                if journal.epoch != epoch:
                    return "new epoch"
                try:
                    events = await all_events(journal)
                except AssertionError:
                    assert journal.epoch != epoch, "rows not readable, yet no new epoch"
                    return "new epoch"
                for event in events:
                    if isinstance(event.body, MeterReading):
                        assert event.body.value == event.seq - 1, f"silently wrong: {event}"
                    else:
                        return "noted"
                return "harmless" if journal.head == 400 else "short"
        except sqlite3.Error as error:
            return f"error {error!r}"

    async def first() -> str:
        async with opened(tmp_path) as journal:
            return journal.epoch

    epoch = run(first())
    seen: dict[str, int] = {}
    for n in range(40):
        root = tmp_path / str(n)
        root.mkdir()
        damaged = bytearray(clean)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        (root / "journal.db").write_bytes(damaged)
        verdict = run(look(root))
        seen[verdict] = seen.get(verdict, 0) + 1
    assert seen.get("noted", 0) + seen.get("new epoch", 0) > 5, f"flips must hit rows in this test: {seen}"
    assert not [v for v in seen if v.startswith("error")], f"damage must never stop the journal: {seen}"


def test_a_file_that_is_no_database_is_set_aside_with_a_new_epoch(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"\0" * 40_000 + b"x")

    async def work() -> None:
        async with opened(tmp_path) as journal:
            (event,) = await all_events(journal)
            assert isinstance(event.body, EdgeNote)
            assert event.body.what == "gap"

    run(work())
    assert list(tmp_path.glob("journal.db.corrupt-*")), "nothing is deleted"


def test_acknowledged_rows_stay_72_hours_and_unacknowledged_for_ever(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as journal:
            await journal.append(*(reading(i) for i in range(5_000)))
            journal.move_cursor(4_500)
            assert await journal.prune(T0 + timedelta(hours=71)) == 0
            assert await journal.prune(T0 + timedelta(hours=73)) == 4_500
            assert await journal.oldest() == 4_501
            assert await journal.append(reading(1)) == (5_001,)

    run(work())


def test_the_head_survives_when_everything_is_pruned(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as journal:
            await journal.append(reading(1), reading(2))
            journal.move_cursor(2)
            await journal.prune(T0 + timedelta(days=9))
        async with opened(tmp_path) as journal:
            assert await journal.append(reading(3)) == (3,), "a seq must never be given twice in an epoch"

    run(work())


def test_an_event_too_large_for_a_message_is_kept_cut(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as journal:
            await journal.append(Event(0, "cam", T0, CameraEvent("t", data={"x": "y" * 100_000})))
            (event,) = await all_events(journal)
            assert isinstance(event.body, Unreadable)
            assert len(event.body.raw) == 4096

    run(work())


def test_a_full_disk_loses_nothing_and_gives_up_pictures_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    relieved: list[int] = []

    async def work() -> None:
        journal = Journal(tmp_path / "journal.db", FakeClock(), relief=lambda: relieved.append(1))
        journal.open()
        (pages,) = journal._db.execute("PRAGMA page_count").fetchone()
        journal._db.execute(f"PRAGMA max_page_count={pages + 4}")
        futures = [journal.submit([Row(reading(i)) for _ in range(50)]) for i in range(40)]
        await until(lambda: journal.full, "the journal notices the full disk")
        assert relieved, "pictures are given up"
        assert not (tmp_path / "ballast").exists(), "the ballast is released"
        monkeypatch.setattr("edge_agent.store.MAX_WAITING", 100)
        with pytest.raises(JournalFull):
            journal.submit([Row(reading(0)) for _ in range(101)])
        journal._db.execute("PRAGMA max_page_count=1000000")
        await asyncio.gather(*futures)
        await journal.flush()
        bodies = [e.body for e in await all_events(journal)]
        assert sum(isinstance(b, MeterReading) for b in bodies) == 2_000
        journal.submit([])
        await journal.flush()
        notes = [e.body for e in await all_events(journal) if isinstance(e.body, EdgeNote)]
        assert [n.what for n in notes] == ["disk"], "what was not taken is said"
        journal.close()

    run(work())
