"""What a magnet and an exit button mean together."""

from __future__ import annotations

from device_drivers.contract.words import DoorAlarm, DoorState
from device_drivers.door_watch import Debounced, DoorWatch


def watch() -> DoorWatch:
    door = DoorWatch("door1", grace_s=5, held_open_after_s=60)
    assert [e.state for e in door.feed(False, False, 0)] == [DoorState.CLOSED]
    return door


def test_an_opening_without_a_release_is_forced() -> None:
    (event,) = watch().feed(True, False, 100)
    assert (event.state, event.alarm) == (DoorState.OPEN, DoorAlarm.FORCED_OPEN)


def test_an_opening_after_a_pulse_is_by_right_until_the_grace_ends() -> None:
    door = watch()
    door.release(100, hold_s=3)
    assert door.feed(True, False, 107.9)[0].alarm is DoorAlarm.NORMAL
    door.feed(False, False, 110)
    assert door.feed(True, False, 120)[0].alarm is DoorAlarm.FORCED_OPEN


def test_the_exit_button_is_told_once_and_makes_the_opening_rightful() -> None:
    door = watch()
    (event,) = door.feed(False, True, 50)
    assert event.request_to_exit
    assert door.feed(False, True, 50.1) == []
    (opened,) = door.feed(True, False, 52)
    assert (opened.alarm, opened.request_to_exit) == (DoorAlarm.NORMAL, False)


def test_held_open_is_told_once_and_ends_with_closing() -> None:
    door = watch()
    door.release(0)
    door.feed(True, False, 1)
    assert door.feed(True, False, 60.9) == []
    (event,) = door.feed(True, False, 61)
    assert event.alarm is DoorAlarm.HELD_OPEN
    assert door.feed(True, False, 70) == []
    (closed,) = door.feed(False, False, 71)
    assert (closed.state, closed.alarm) == (DoorState.CLOSED, DoorAlarm.NORMAL)


def test_what_cannot_be_read_is_unknown_never_closed() -> None:
    door = watch()
    (event,) = door.feed(None, None, 10, "illegal data address")
    assert (event.state, event.text) == (DoorState.UNKNOWN, "illegal data address")
    (back,) = door.feed(True, False, 20)
    assert (back.state, back.alarm) == (DoorState.OPEN, DoorAlarm.NORMAL), "nobody saw how it opened"


def test_a_door_found_open_is_not_forced() -> None:
    (event,) = DoorWatch("door1").feed(True, False, 0)
    assert (event.state, event.alarm) == (DoorState.OPEN, DoorAlarm.NORMAL)


def test_a_bouncing_contact_counts_once_it_stands_still() -> None:
    bit = Debounced(0.05)
    assert bit.feed(False, 0) is False
    assert bit.feed(True, 1.00) is False
    assert bit.feed(False, 1.02) is False
    assert bit.feed(True, 1.04) is False
    assert bit.feed(True, 1.10) is True
