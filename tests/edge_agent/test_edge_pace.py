"""A batch is about half a second of the device's time, so that a revocation waits no longer."""

from __future__ import annotations

from edge_agent.pace import START, TARGET_S, Pace


def paced(pace: Pace, seconds_each: float, batches: int) -> list[int]:
    sizes = []
    for _ in range(batches):
        sizes.append(pace.size)
        pace.took(pace.size, pace.size * seconds_each)
    return sizes


def test_it_begins_small_grows_by_degrees_and_stays_below_half_a_second() -> None:
    pace = Pace(1000)
    sizes = paced(pace, 0.01, 10)
    assert sizes[:4] == [START, 8, 16, 32]
    assert max(sizes) * 0.01 <= TARGET_S
    assert sizes[-1] == 50


def test_a_device_that_slows_down_gets_less_at_once() -> None:
    pace = Pace(1000)
    paced(pace, 0.001, 10)
    assert pace.size == 500
    pace.took(500, 10.0)
    assert pace.size == 25
    pace.took(25, 60.0)
    assert pace.size == 1, "one at a time in the end"
    pace.took(1, 0.001)
    assert pace.size == 2


def test_it_never_exceeds_what_the_device_takes_and_a_short_batch_says_little() -> None:
    pace = Pace(50)
    assert paced(pace, 0.0, 8)[-1] == 50
    assert Pace(1).size == 1
    pace = Pace(50)
    pace.took(0, 1.0)
    pace.took(1, 0.001)
    assert pace.size == START
