"""The journal while its disk fails in other ways than by being full: nothing whole is lost, nothing comes twice."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest
from edge_twins import EDGE, T0, run, until
from failing import Estate
from test_edge_store import all_events, opened, reading

from device_drivers.contract.events import EdgeNote, Event, MeterReading, Unreadable
from device_drivers.contract.messages import EventAck, EventBatch, encode, topic
from edge_agent.store import Row


def overwrite(path: Path, first: int, last: int) -> None:
    """The pages from the row of one number to that of another, as a worn memory card does it."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (size,) = db.execute("PRAGMA page_size").fetchone()
    db.close()
    content = bytearray(path.read_bytes())
    start, end = (content.index(b'"seq":%d,' % seq) // size for seq in (first, last))
    content[start * size : (end + 1) * size] = b"\x55" * (end + 1 - start) * size
    path.write_bytes(content)


def test_the_oldest_rows_damaged_keep_no_other_from_the_hub(tmp_path: Path) -> None:
    estate = Estate(tmp_path)

    async def fill() -> None:
        async with opened(tmp_path) as journal:
            await journal.append(*(reading(i) for i in range(3_000)))

    run(fill())
    overwrite(tmp_path / "journal.db", 1, 1)

    async def work() -> None:
        async with estate.box():
            await estate.reached(lambda: len(readings(estate)) > 2_900, "what is whole is at the hub")
            await estate.reached(lambda: "journal was damaged" in str(estate.notes()), "and what happened")
        values = readings(estate)
        assert len(values) == len(set(values))
        assert max(values) == 2_999

    run(work())


def readings(estate: Estate) -> list[float | None]:
    return [e.body.value for e in estate.hub.rows.values() if isinstance(e.body, MeterReading)]


def test_an_event_that_cannot_be_written_stops_no_other(tmp_path: Path) -> None:
    """A terminal's name with half a character: JSON may say it, UTF-8 may not."""

    async def work() -> None:
        async with opened(tmp_path) as journal:
            bad = Event(0, "d1", T0, EdgeNote("said", "half \ud83d of one"))
            futures = [
                journal.submit([Row(e, key)]) for e, key in ((bad, ""), (reading(1), "k\ud83d"), (reading(2), ""))
            ]
            async with asyncio.timeout(10):
                assert await asyncio.gather(*futures) == [(1,), (2,), (3,)]
            first, *rest = await all_events(journal)
            assert isinstance(first.body, Unreadable)
            assert "half" in first.body.raw
            assert [e.body.value for e in rest] == [1, 2]  # type: ignore[union-attr]

    run(work())


@pytest.mark.parametrize("why", ["locked", "read-only"])
def test_a_disk_that_takes_nothing_for_a_while_loses_nothing(tmp_path: Path, why: str) -> None:
    async def work() -> None:
        async with opened(tmp_path) as journal:
            other = sqlite3.connect(journal.path, isolation_level=None)
            journal._db.execute("PRAGMA busy_timeout=20")
            if why == "locked":
                other.execute("BEGIN IMMEDIATE")
            else:
                journal._db.execute("PRAGMA query_only=1")
            future = journal.submit([Row(reading(1))])
            await until(lambda: journal.full or future.done(), "the writer notices")
            assert not future.done(), f"given up: {future.exception()}"
            if why == "locked":
                other.execute("ROLLBACK")
            else:
                journal._db.execute("PRAGMA query_only=0")
            assert await future == (1,)
            assert not journal.full
            other.close()

    run(work())


def test_all_that_is_whole_is_saved_from_a_journal_with_a_large_hole(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as journal:
            await journal.append(*(reading(i) for i in range(12_000)))
            epoch = journal.epoch
        overwrite(tmp_path / "journal.db", 2_000, 7_000)
        async with opened(tmp_path) as journal:
            sent, next_seq = [], 1
            while journal.epoch == epoch or next_seq <= journal.head:
                before = journal.epoch
                bodies = await journal.read(next_seq, 500)
                if before != journal.epoch:
                    sent, next_seq = [], 1
                    continue
                sent += [msgspec.json.decode(b, type=Event).body for b in bodies]
                next_seq += len(bodies)
        values = [b.value for b in sent if isinstance(b, MeterReading)]
        assert len(values) == len(set(values))
        assert {*range(1_900), *range(7_100, 12_000)} <= set(values)

    run(work())


@pytest.mark.parametrize("change", ["UPDATE meta SET value = '9' || value", "DELETE FROM meta"])
def test_a_damaged_cursor_doubles_nothing(tmp_path: Path, change: str) -> None:
    """What was acknowledged lies here for days: it goes to the hub again under its own numbers, which the hub knows."""
    estate = Estate(tmp_path)
    estate.live()
    batches, logged = topic(EventBatch, EDGE), len(estate.broker.log)
    epochs, before = {epoch for epoch, _ in estate.hub.rows}, len(estate.passes())
    db = sqlite3.connect(tmp_path / "journal.db")
    db.execute("DELETE FROM events WHERE seq < 3")  # acknowledged, and old
    db.execute(f"{change} WHERE key = 'cursor'")
    db.commit()
    db.close()

    async def work() -> None:
        estate.hub.deaf = True  # it is slow: the box begins to send before the hub says what it has
        estate.broker.retained.pop(topic(EventAck, EDGE))
        async with estate.box() as agent:
            await estate.opens()
            await estate.reached(lambda: [m for m in estate.broker.log[logged:] if m.topic == batches], "it sends")
            estate.hub.deaf = False
            estate.hub.ack(next(iter(epochs)), rewind=True)
            await estate.reached(lambda: len(estate.passes()) > before, "the pass at the hub")
            await estate.reached(lambda: agent.journal.cursor == agent.journal.head, "all acknowledged")
        assert len(estate.passes()) == before + 1
        assert {epoch for epoch, _ in estate.hub.rows} == epochs

    run(work())


def test_an_old_word_that_the_broker_kept_doubles_nothing(tmp_path: Path) -> None:
    """A broker set back to a backup says again what the hub had said weeks ago; the hub itself has not spoken yet."""
    estate = Estate(tmp_path)
    estate.live()
    (epoch,) = {epoch for epoch, _ in estate.hub.rows}
    batches, logged, before = topic(EventBatch, EDGE), len(estate.broker.log), len(estate.passes())
    db = sqlite3.connect(tmp_path / "journal.db")
    db.execute("DELETE FROM events WHERE seq < 3")  # acknowledged, and old
    db.commit()
    db.close()

    async def work() -> None:
        estate.hub.deaf = True
        estate.broker.retained[topic(EventAck, EDGE)] = encode(EventAck(epoch, 1, rewind=True))
        async with estate.box() as agent:
            await estate.opens()
            await estate.reached(lambda: [m for m in estate.broker.log[logged:] if m.topic == batches], "it sends")
            estate.hub.deaf = False
            estate.hub.ack(epoch, rewind=True)
            await estate.reached(lambda: len(estate.passes()) > before, "the pass at the hub")
            await estate.reached(lambda: agent.journal.cursor == agent.journal.head, "all acknowledged")
        assert len(estate.passes()) == before + 1
        assert {name for name, _ in estate.hub.rows} == {epoch}

    run(work())


def test_an_old_copy_with_a_damaged_row_goes_on_in_a_new_epoch(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as journal:
            await journal.append(*(reading(i) for i in range(5)))
            db: Any = sqlite3.connect(journal.path)
            db.execute("UPDATE events SET body = x'ff' WHERE seq = 4")
            db.commit()
            db.close()
            async with asyncio.timeout(10):
                await journal.new_epoch(2, "the hub has more")
                assert await journal.append(reading(9)) == (journal.head,)
            events = await all_events(journal)
        assert [e.body.value for e in events if isinstance(e.body, MeterReading)] == [2, 4, 9]
        assert [e.body.what for e in events if isinstance(e.body, EdgeNote)] == ["gap", "corrupt_row"]

    run(work())
