"""A clock that jumps ahead and comes back: who may pass passes, what the box says is true, and it finds back by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from edge_twins import EDGE, T0, access_list, credential, run
from failing import Estate, held

from device_drivers.contract.access import ValidityPeriod
from device_drivers.contract.messages import EdgeStatus, EventAck, encode, topic
from edge_agent.clock import BootDoubt, HighWaterClock

FAR = timedelta(days=200)


@dataclass
class Times:
    wall: datetime = T0
    mono: float = 0.0

    def forward(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.mono += seconds

    def clock(self, mark: datetime | None = T0) -> HighWaterClock:
        return HighWaterClock(mark, lambda: self.wall, lambda: self.mono)


def test_a_leap_of_months_in_a_running_box_is_not_believed_by_itself() -> None:
    """A box that ran knows how long it ran: somebody set its clock, or a source of time is wrong."""
    times = Times()
    clock = times.clock()
    clock.settle()
    times.forward(10)
    times.wall += FAR
    assert (clock.now(), clock.trusted) == (T0 + timedelta(seconds=10), False)
    assert clock.settle() == T0 + timedelta(seconds=10), "and not remembered"
    times.forward(10)
    times.wall -= FAR
    assert (clock.now(), clock.trusted) == (T0 + timedelta(seconds=20), True)


@pytest.mark.parametrize("witness", ["hub", "source"])
def test_a_leap_is_believed_where_somebody_else_says_the_same(witness: str) -> None:
    """A box without a battery clock that was off for a month."""
    times = Times()
    clock = times.clock()
    clock.settle()
    times.wall += timedelta(days=30)
    assert not clock.trusted
    if witness == "hub":
        clock.confirm(times.wall - timedelta(minutes=5))
        assert not clock.trusted, "it says something else"
        clock.confirm(times.wall + timedelta(seconds=2))
    else:
        clock.confirmed = lambda: True
    assert (clock.now(), clock.trusted) == (times.wall, True)


def test_a_mark_that_was_set_ahead_by_a_wrong_clock_is_left_when_hub_and_clock_agree() -> None:
    times = Times(wall=T0 + FAR)  # at the start: a battery clock that is wrong
    clock = times.clock()
    assert clock.settle() == T0 + FAR
    times.wall = T0
    times.forward(60)
    assert (clock.now(), clock.trusted) == (T0 + FAR + timedelta(seconds=60), False)
    assert not clock.confirm(T0), "a word of a minute ago"
    assert clock.confirm(times.wall)
    assert (clock.now(), clock.trusted, clock.jump_s) == (times.wall, True, 0)
    times.wall -= timedelta(days=1)
    assert not clock.confirm(times.wall), "never behind what hub and clock have agreed on before"
    assert (clock.now(), clock.trusted) == (T0 + timedelta(seconds=60), False)


def test_a_box_whose_clock_was_wrong_at_its_start_finds_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who lives here until the summer's end is let in again, orders are followed, and absences are counted, without a restart."""
    estate, times = Estate(tmp_path), Times()
    monkeypatch.setattr("edge_agent.agent.HighWaterClock", times.clock)
    monkeypatch.setattr("edge_agent.agent.BootDoubt", lambda _kept: BootDoubt(None))
    monkeypatch.setattr("edge_agent.upkeep.MARK_S", 0.02)
    monkeypatch.setattr("edge_agent.hub_watch.LOOK_S", 0.02)
    until_autumn = credential("a", "7", validity=ValidityPeriod(None, T0 + timedelta(days=100)))

    async def work() -> None:
        estate.send(1, access_list(1, until_autumn, credential("b", "8")))
        async with estate.box() as agent:
            await estate.reached(lambda: held(agent) == 1, "the list")
            await estate.opens("7")
        times.wall += FAR
        async with estate.box() as agent:
            await estate.opens("8")
            await estate.reached(lambda: agent.state.high_water and agent.state.high_water >= T0 + FAR, "remembered")
            times.wall -= FAR
            times.forward(60)
            (epoch, mark), *_ = estate.hub.marks.items()
            estate.hub.link.publish(topic(EventAck, EDGE), encode(EventAck(epoch, mark, at=times.wall)))
            await estate.reached(lambda: agent.clock.trusted, "the clock is right")
            await estate.opens("7")
            await estate.reached(lambda: agent.state.high_water and agent.state.high_water < T0 + FAR, "and kept")
            observed = agent.workers["d1"][0].observation.mark()
            assert observed
            assert observed.until <= times.wall, "nothing was observed in days that have not come"
            assert agent.box.codes.started_at <= times.wall, "codes of phones count again"
            estate.hub.deaf, logged = True, len(estate.broker.log)
            times.forward(260)
            asked = topic(EdgeStatus, EDGE)
            await estate.reached(
                lambda: asked in [m.topic for m in estate.broker.log[logged:]], "it is asked for a word"
            )
            times.forward(60)
            await estate.reached(lambda: agent.hub.authority.since, "its silence is noticed")

    run(work())
