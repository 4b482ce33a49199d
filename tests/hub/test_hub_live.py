"""The live stream: batches, fan-out by role, slow consoles, the end. And the jobs' runner."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Any

import pytest
from patience import PATIENCE_S

from hub import jobs
from hub.jobs import Job, JobRunner
from hub.live import CASE_TOPICS, CLIENT_QUEUE, Live, frame
from hub.services import Hub
from hub.tables import JobRun

SEE_ALL: frozenset[str] = frozenset()


def parse(raw: bytes) -> tuple[str, dict[str, Any]]:
    event, data = raw.decode().strip().split("\n")
    return event.removeprefix("event: "), json.loads(data.removeprefix("data: "))


async def following(stream: AsyncIterator[bytes]) -> tuple[str, dict[str, Any]]:
    return parse(await asyncio.wait_for(anext(stream), PATIENCE_S))


def run(test: Any) -> None:
    async def around() -> None:
        live = Live()
        runner = asyncio.create_task(live.run())
        await asyncio.sleep(0)
        try:
            await asyncio.wait_for(test(live), 2 * PATIENCE_S)
        finally:
            runner.cancel()

    asyncio.run(around())


def test_a_change_on_any_thread_reaches_every_console_of_the_estate() -> None:
    async def scene(live: Live) -> None:
        streams = [live.stream("E001", SEE_ALL), live.stream("E001", CASE_TOPICS), live.stream("E002", SEE_ALL)]
        for stream in streams:
            assert (await following(stream))[0] == "hello"
        threading.Thread(target=live.emit, args=("E001", "passes", {"id": "a/b/1"})).start()
        for stream in streams[:2]:
            event, data = await following(stream)
            assert (event, data["passes"]) == ("batch", [{"id": "a/b/1"}])
        live.emit("E002", "passes", {"id": "x"})
        assert (await following(streams[2]))[1]["passes"] == [{"id": "x"}], "nothing of E001 came here"

    run(scene)


def test_cases_go_only_to_those_who_may_see_them() -> None:
    async def scene(live: Live) -> None:
        official, manager = live.stream("E001", SEE_ALL), live.stream("E001", CASE_TOPICS)
        for stream in (official, manager):
            await following(stream)
        live.emit("E001", "cases", {"id": "c1"})
        live.emit("E001", "devices", {"id": "d1", "condition": "online"})
        live.emit("E001", "devices", {"id": "d1", "condition": "fault", "detail": "x"})
        batch = (await following(official))[1]
        assert batch["cases"] == [{"id": "c1"}]
        assert batch["devices"] == [{"id": "d1", "condition": "fault", "detail": "x"}], "only the newest state counts"
        assert "cases" not in (await following(manager))[1]

    run(scene)


def test_those_without_cases_see_the_plain_item_or_nothing() -> None:
    async def scene(live: Live) -> None:
        official, manager = live.stream("E001", SEE_ALL), live.stream("E001", CASE_TOPICS)
        for stream in (official, manager):
            await following(stream)
        live.emit("E001", "dwellings", {"id": "w1", "status": "suspected_idle", "plain": None})
        assert (await following(official))[1]["dwellings"] == [{"id": "w1", "status": "suspected_idle"}]
        live.emit("E001", "dwellings", {"id": "w2", "status": "suspected_idle", "plain": {"status": "occupied"}})
        batch = (await following(manager))[1]
        assert batch["dwellings"] == [{"id": "w2", "status": "occupied"}], "and no word of the first"

    run(scene)


def test_a_stream_ends_when_its_session_does_busy_or_not() -> None:
    async def scene(live: Live) -> None:
        live.ask_s = 0.1
        signed_in = True
        quiet = live.stream("E001", SEE_ALL, lambda: signed_in)
        busy = live.stream("E002", SEE_ALL, lambda: signed_in)
        for stream in (quiet, busy):
            await following(stream)
        live.emit("E002", "passes", {"id": "1"})
        assert (await following(busy))[0] == "batch", "it lives while its session does"
        signed_in = False
        live.emit("E002", "passes", {"id": "2"})
        for stream in (quiet, busy):
            said = [parse(raw) async for raw in stream if not raw.startswith(b":")]
            assert said[-1] == ("gap", {"reason": "session_ended"})
        assert live.clients == 0

    run(scene)


def test_a_stalled_console_is_told_of_the_gap_and_costs_others_nothing() -> None:
    async def scene(live: Live) -> None:
        stalled, lively = live.stream("E001", SEE_ALL), live.stream("E001", SEE_ALL)
        await following(stalled)
        await following(lively)
        for n in range(CLIENT_QUEUE + 5):
            live.emit("E001", "passes", {"id": str(n)})
            live.flush()
            assert (await following(lively))[1]["passes"] == [{"id": str(n)}]
        event, data = await following(stalled)
        assert (event, data) == ("gap", {"reason": "slow"})
        assert len((await following(stalled))[1]["passes"]) == 1, "after the gap it goes on with what is new"

    run(scene)


def test_a_console_that_goes_leaves_nothing_behind() -> None:
    async def scene(live: Live) -> None:
        stream = live.stream("E001", SEE_ALL)
        await following(stream)
        assert live.clients == 1
        await stream.aclose()  # type: ignore[attr-defined]  # an async generator
        assert live.clients == 0

    run(scene)


def test_the_end_is_told() -> None:
    async def scene(live: Live) -> None:
        stream = live.stream("E001", SEE_ALL)
        await following(stream)
        live.stop()
        assert await following(stream) == ("gap", {"reason": "server_stop"})
        with pytest.raises(StopAsyncIteration):
            await anext(stream)

    run(scene)


def test_a_frame_is_one_event() -> None:
    assert frame("batch", {"text": "a\nb"}) == b'event: batch\ndata: {"text":"a\\nb"}\n\n'


# --- jobs -------------------------------------------------------------------------------------------------------------


def test_signals_during_a_run_make_one_more_run(sqlite_hub: Hub, wait_until: Any) -> None:
    entered, go_on, runs = threading.Event(), threading.Event(), []

    def work(_hub: Hub) -> str:
        runs.append(threading.current_thread())
        entered.set()
        go_on.wait(PATIENCE_S)
        return "done"

    runner = JobRunner(sqlite_hub, (Job("slow", 3600, work),))
    runner.start()
    try:
        sqlite_hub.signal("slow")
        assert entered.wait(PATIENCE_S)
        for _ in range(20):
            sqlite_hub.signal("slow")
        assert len(runs) == 1, "it never overlaps itself"
        go_on.set()
        wait_until(lambda: len(runs) >= 2, "the run that the signals asked for")
    finally:
        runner.stop()
    assert len(runs) in (2, 3), "twenty signals are one wish (the first period may add one)"


def test_a_running_job_hears_that_the_process_stops(sqlite_hub: Hub) -> None:
    entered, heard = threading.Event(), []

    def long_work(hub: Hub) -> str:
        entered.set()
        heard.append(hub.ending.wait(PATIENCE_S))
        return "the rest next time"

    runner = JobRunner(sqlite_hub, (Job("long", 3600, long_work),))
    runner.start()
    sqlite_hub.signal("long")
    assert entered.wait(PATIENCE_S)
    runner.stop()
    assert heard == [True], "it is waited for, and need not be waited for to its end"
    again = JobRunner(sqlite_hub, ())
    again.start()
    assert not sqlite_hub.ending.is_set(), "of the stop before nothing is left"
    again.stop()


def test_a_failing_job_is_written_down_with_its_name(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_hub: Hub) -> str:
        raise ZeroDivisionError("a bug")

    runner = JobRunner(hub, (Job("broken", 60, broken), Job("well", 60, lambda _hub: "3 things")))
    assert not runner.run_once("broken")
    assert runner.run_once("well")
    assert "job broken failed" in caplog.text
    with hub.db.reading() as session:
        assert session.get_one(JobRun, "broken").detail == "ZeroDivisionError: a bug"
        assert (session.get_one(JobRun, "well").ok, session.get_one(JobRun, "well").detail) == (True, "3 things")


def test_on_postgresql_one_process_at_a_time(hub: Hub) -> None:
    inner: list[bool] = []
    runner = JobRunner(hub, (Job("once", 60, lambda _hub: "x"),))
    other = JobRunner(hub, (Job("once", 60, lambda h: str(inner.append(runner.run_once("once")))),))
    assert other.run_once("once")
    assert inner == [hub.db.sqlite], "the second process finds the lock taken (SQLite has one process)"


def test_a_signal_that_finds_the_job_at_work_elsewhere_is_not_dropped(postgres_hub: Hub, wait_until: Any) -> None:
    """The other process may have read before the signal's change was there. SQLite has one process."""
    hub = postgres_hub
    runs: list[str] = []
    runner = JobRunner(hub, (Job("once", 3600, lambda _hub: runs.append("ran") or "x"),))
    runner.start()
    try:
        wait_until(lambda: runs, "the first period's run")
        with ExitStack() as other:
            wait_until(lambda: other.enter_context(jobs._only_process(hub.db, "once")), "the other process to have it")
            hub.signal("once")
            wait_until(lambda: runner._scheduler.get_job("once again"), "the signal to be kept")
            assert len(runs) == 1
        wait_until(lambda: len(runs) == 2, "the run the signal asked for, long before the next period")
    finally:
        runner.stop()
