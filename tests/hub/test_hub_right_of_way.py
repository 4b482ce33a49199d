"""Lists let revocations by, and no longer than that."""

from __future__ import annotations

import threading
import time

import pytest
from patience import PATIENCE_S

from hub import right_of_way
from hub.right_of_way import RightOfWay


@pytest.fixture
def for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waited would wait longer than the test."""
    monkeypatch.setattr(right_of_way, "LONGEST_S", 100 * PATIENCE_S)


def test_nobody_waits_where_nothing_is_under_way(for_ever: None) -> None:
    way = RightOfWay()
    way.give()
    way.take()
    way.free()
    way.give()  # returns


def test_a_list_goes_on_when_the_answers_are_there(for_ever: None) -> None:
    way, through = RightOfWay(), threading.Event()
    way.take()
    thread = threading.Thread(target=lambda: (way.give(), through.set()))
    thread.start()
    assert not through.is_set(), "it waits"
    way.free()
    assert through.wait(PATIENCE_S), "freed"
    thread.join()


def test_a_device_that_never_answers_holds_nobody_up_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(right_of_way, "LONGEST_S", 0.05)
    way = RightOfWay()
    way.take()
    way.give()  # returns


def test_a_stream_of_revocations_does_not_keep_a_list_waiting_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(right_of_way, "LONGEST_S", 0.05)
    way, through = RightOfWay(), threading.Event()
    way.take()
    thread = threading.Thread(target=lambda: (way.give(), through.set()), daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE_S
    while not through.is_set() and time.monotonic() < deadline:
        way.take()  # again and again
        through.wait(0.005)
    assert through.is_set(), "taken anew all the time, the list never came through"
