"""`revoke.online`, `revoke.under_load`: a decision is pushed, signed → every device of the person was read back without it.

Timed from the request that carries the decision until the hub's database has the last device's confirmation: 10 gates' terminals,
one entrance's terminal and 30 door boards for each person. Under load 10,000 other people move in and are being written to the
same terminals meanwhile. Reference in the same run: a bare question to the same hub (`GET /health`), its p95.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from tools.bench.big_estate import BOARDS, GATES, RESIDENTS, BigEstate, NotReached, move_in, running, wait
from tools.bench.figure import Figure, percentile

IDLE, LOADED, NEWCOMERS = 60, 40, 10_000
DEVICES = GATES + 1 + BOARDS
GOAL_IDLE_S, GOAL_LOADED_S = 1.0, 2.0


def one(estate: BigEstate, number: int) -> float:
    """Seconds for one household."""
    began = time.perf_counter()
    estate.end(number)
    while True:
        states = estate.gone(number)
        if states == {"gone": DEVICES}:
            return time.perf_counter() - began
        if time.perf_counter() - began > 60:
            raise NotReached(f"household {number}: after a minute its revocations are {states}")
        time.sleep(0.005)


def asked(estate: BigEstate, count: int = 40) -> list[float]:
    """Seconds of a bare question."""
    took = []
    for _ in range(count):
        began = time.perf_counter()
        estate.client.get(f"{estate.url}/api/v1/health")
        took.append(time.perf_counter() - began)
    return took


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="estate-revoke-") as folder, running(Path(folder)) as estate:
        loading = wait("every device holds its list", lambda: estate.loaded() > 0.9999 and not estate.pending(), 600)
        idle_question = percentile(asked(estate), 0.95)
        idle = [one(estate, n) for n in range(IDLE)]
        move_in(estate.hub, RESIDENTS, NEWCOMERS // 3 + 1, 3, estate.photo_url)
        one(estate, IDLE)  # its push also starts the publication of those who moved in
        wait("the bulk load is under way", lambda: estate.pending() > NEWCOMERS, 120)
        loaded_question = percentile(asked(estate), 0.95)
        before = estate.loaded()
        loaded = [one(estate, n) for n in range(IDLE + 1, IDLE + 1 + LOADED)]
        after, left = estate.loaded(), estate.pending()
        if not left:
            raise NotReached("the bulk load was over before the last revocation: nothing was measured under load")
    cores = os.cpu_count() or 1
    beside = f"{DEVICES} devices a person, {GATES}+40 terminals and {BOARDS} boards on {cores} cores"
    return [
        _figure("revoke.online", idle, idle_question, GOAL_IDLE_S, f"{beside}; first list on all in {loading:.0f} s"),
        _figure("revoke.under_load", loaded, loaded_question, GOAL_LOADED_S,
                f"while {NEWCOMERS:,} people are written: {before:.0%} → {after:.0%} held, {left:,} writes left"),
    ]  # fmt: skip


def _figure(name: str, took: list[float], question: float, goal: float, beside: str) -> Figure:
    p50, p95, p99 = (percentile(took, share) for share in (0.5, 0.95, 0.99))
    return Figure(
        name,
        round(p95, 3),
        f"s p95 of {len(took)} (p50 {p50:.3f}, p99 {p99:.3f}); {beside}",
        f"a bare question to the hub p95 {question * 1000:.0f} ms",
        round(p95 / question, 1),
        f"p95 ≤ {goal:g} s",
        p95 <= goal,
    )
