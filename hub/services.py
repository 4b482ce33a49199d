"""What every room needs, held together: one `Hub` a process, at `app.state.hub`."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from device_drivers.contract.messages import Message, encode, topic_of
from device_drivers.mqtt import Link, MessageTooLarge
from hub.config import Config
from hub.db import Database, UnitOfWork
from hub.held_rows import Kinds
from hub.keys import Keys
from hub.live import Live
from hub.other_way import OtherWay
from hub.right_of_way import RightOfWay

log = logging.getLogger(__name__)


def _system_clock() -> datetime:
    return datetime.now(UTC)


def _system_counter() -> timedelta | None:
    """Time since the machine started, which nobody sets; time asleep counts where the system tells it."""
    return timedelta(seconds=time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)))


def _no_counter() -> timedelta | None:
    """Beside a clock that is set by hand there is none."""
    return None


def _no_jobs(_job: str) -> None:
    """Without a job runner (a command line run) jobs wait for the server's next period."""


class Hub:
    """`link` and `signaller` are set by the server when the broker link and the job runner start.

    `held_kinds` and `other_ways` are what one room does for another, set by the application (`hub.rooms`).
    """

    def __init__(
        self, config: Config, db: Database, keys: Keys, live: Live, clock: Callable[[], datetime] = _system_clock
    ) -> None:
        self.config, self.db, self.keys, self.live = config, db, keys, live
        self.clock = clock
        self.steady: Callable[[], timedelta | None] = _system_counter if clock is _system_clock else _no_counter
        self.sighting: tuple[datetime, timedelta | None] | None = (
            None  # clock and counter when last believed (hub.clock)
        )
        self.link: Link | None = None
        self.signaller: Callable[[str], None] = _no_jobs
        self.ending = (
            threading.Event()
        )  # set when the process is told to stop: long jobs leave the rest to the next run
        self.right_of_way = RightOfWay()  # of revocations, before lists
        self.held_kinds: Kinds = {}
        self.other_ways: Callable[[UnitOfWork], tuple[OtherWay, ...]] = lambda _uow: ()
        self.takes: Callable[[], bool] = lambda: True  # whether what the broker brings is worked off
        self.unsent: dict[str, str] = {}  # topic → why its newest message can never be sent; the health page shows it

    def now(self) -> datetime:
        """Aware UTC."""
        return self.clock()

    def signal(self, job: str) -> None:
        """Run this job soon; many signals make one run. It also runs by period, so a lost signal only delays."""
        self.signaller(job)

    def send(self, edge_id: str, message: Message) -> bool:
        """Publish on the broker. False when the link is down or the message does not fit: the periodic job repeats it."""
        if self.link is None:
            return False
        topic = topic_of(message, edge_id)
        try:
            sent = self.link.publish(topic, encode(message), qos=message.qos, retain=message.retain)
        except MessageTooLarge as error:
            if topic not in self.unsent:
                log.error("not sent: %s", error)
            self.unsent[topic] = str(error)
            return False
        self.unsent.pop(topic, None)
        return sent


def open_hub(config: Config) -> Hub:
    """A hub on its directory: keys are made at the first call, the database is opened (not migrated)."""
    config.dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Hub(config, Database(config.url), Keys(config.keys_dir), Live())
