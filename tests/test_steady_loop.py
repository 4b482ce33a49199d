"""A process that gets no turn loses no time; what is waited for passes as ever."""

from __future__ import annotations

import asyncio

from steady_loop import TURN_S, SteadyLoop


class Stalling:
    """A clock that leaps when told."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def test_the_tests_run_on_it() -> None:
    async def look() -> type:
        return type(asyncio.get_running_loop())

    assert asyncio.run(look()) is SteadyLoop


def test_a_stall_takes_nothing_from_a_limit_and_waiting_does() -> None:
    clock = Stalling()
    loop = SteadyLoop(clock)
    over: list[str] = []

    async def work() -> None:
        loop.call_later(1.0, over.append, "a second")
        clock.at += 30.0
        for _ in range(10):
            await asyncio.sleep(0)
        assert over == [], "thirty seconds without a turn are no second of waiting"
        assert loop.time() <= 100.0 + 11 * TURN_S

    try:
        loop.run_until_complete(work())
    finally:
        loop.close()


def test_a_loop_that_never_waits_comes_to_its_limits_too() -> None:
    async def busy() -> int:
        turns = 0
        async with asyncio.timeout(0.05):
            while True:
                turns += 1
                await asyncio.sleep(0)

    async def work() -> bool:
        try:
            await busy()
        except TimeoutError:
            return True
        return False

    assert asyncio.run(work())
