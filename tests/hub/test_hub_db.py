"""The one door for writes: nobody waits for ever, and who is inside may enter again."""

from __future__ import annotations

import threading
from collections.abc import Callable

from patience import PATIENCE_S

from hub.db import FairLock


def test_who_waits_longest_goes_next(wait_until: Callable[..., None]) -> None:
    """A thread that leaves and comes back at once does not go before those who waited."""
    lock: FairLock = FairLock()
    went: list[str] = []

    def patient(name: str) -> None:
        with lock:
            went.append(name)

    threads = [threading.Thread(target=patient, args=(f"patient {n}",)) for n in range(3)]
    with lock:
        for number, one in enumerate(threads, start=1):
            one.start()
            wait_until(lambda n=number: lock.waiting == n, f"{number} in the queue")
    with lock:
        went.append("back again")
    for one in threads:
        one.join(PATIENCE_S)
    assert went == ["patient 0", "patient 1", "patient 2", "back again"]


def test_who_is_inside_enters_again_and_one_at_a_time_is_inside() -> None:
    lock, inside, most = FairLock(), 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(500):
            with lock, lock:
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(PATIENCE_S)
        assert not one.is_alive()
    assert most == 1
