"""A turn on the line: one request that somebody waits for, or a read that is repeated by the line itself.

A repeated read costs no task, no future and no frame a time: its frame is made once, an answer equal to the one before is
known by its bytes, and its owner is called only for what it may have to look at.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable

from device_drivers import modbus_frames as frames
from device_drivers.driver import DeviceUnreachable
from device_drivers.modbus_frames import Framing, Request

Result = bytes | DeviceUnreachable


class Turn:
    """`frame`: all of it that does not change (on TCP without the transaction)."""

    __slots__ = ("asked_again", "echo_due", "frame", "request", "sent_at", "timeout_s", "transaction")

    def __init__(self, framing: Framing, request: Request, timeout_s: float) -> None:
        self.request, self.timeout_s = request, timeout_s
        whole = frames.wrap(framing, request, 0)
        self.frame = whole[2:] if framing == "tcp" else whole
        self.transaction, self.sent_at, self.echo_due, self.asked_again = 0, 0.0, False, False

    @property
    def wanted(self) -> bool:
        """Whether anybody still waits for it."""
        raise NotImplementedError

    def tell(self, result: Result, now: float) -> None:
        raise NotImplementedError

    def known(self, data: bytes) -> bytes | None:
        """The answer's PDU if `data` is the frame that answered last time too."""
        return None

    def learn(self, frame: bytes, pdu: bytes) -> None:
        """`frame`, and nothing else, was the answer `pdu`."""

    @property
    def what(self) -> str:
        address = int.from_bytes(self.request.pdu[1:3], "big")
        return f"unit {self.request.unit} function {self.request.function} address {address}"


class Asking(Turn):
    """Once."""

    __slots__ = ("future",)

    def __init__(self, framing: Framing, request: Request, timeout_s: float, future: asyncio.Future[bytes]) -> None:
        super().__init__(framing, request, timeout_s)
        self.future = future

    @property
    def wanted(self) -> bool:
        return not self.future.done()

    def tell(self, result: Result, now: float) -> None:
        if self.future.done():
            return
        if isinstance(result, bytes):
            self.future.set_result(result)
        else:
            self.future.set_exception(result)


class Poll(Turn):
    """Again every `period_s`. `hear` is told each result and says whether to go on; else the owner says so by `go_on`."""

    __slots__ = ("_answer", "_frame", "_put", "due", "hear", "period_s", "running", "stopped")

    def __init__(
        self,
        framing: Framing,
        request: Request,
        timeout_s: float,
        period_s: float,
        hear: Callable[[Poll, Result, float], bool],
        put: Callable[[Poll], None],
    ) -> None:
        super().__init__(framing, request, timeout_s)
        self.period_s, self.hear, self._put = period_s, hear, put
        self.due, self.stopped, self.running = 0.0, False, True
        self._frame, self._answer = b"", b""

    @property
    def wanted(self) -> bool:
        return not self.stopped

    def tell(self, result: Result, now: float) -> None:
        self.running = False
        if not self.stopped and self.hear(self, result, now):
            self.go_on(now)

    def go_on(self, now: float) -> None:
        """A slow answer does not stretch the period, and nothing is caught up."""
        if not self.stopped and not self.running:
            self.running = True
            self.due = max(self.due + self.period_s, now)
            self._put(self)

    def put_off(self, now: float) -> None:
        """It is not asked this time: again in a whole period."""
        self.due = max(self.due, now)

    def stop(self) -> None:
        self.stopped = True

    def known(self, data: bytes) -> bytes | None:
        return self._answer if data == self._frame else None

    def learn(self, frame: bytes, pdu: bytes) -> None:
        self._frame, self._answer = frame, pdu


class Queue:
    """Who is next: a write, then whoever waits for a read, then the repeated read that is due longest."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, Asking]] = []
        self._polls: list[tuple[float, int, Poll]] = []
        self._order = itertools.count()

    def ask(self, turn: Asking, *, first: bool = False) -> None:
        rank = 0 if turn.request.writes else 1
        number = next(self._order)
        heapq.heappush(self._waiting, (rank, -number if first else number, turn))

    def poll(self, turn: Poll) -> None:
        heapq.heappush(self._polls, (turn.due, next(self._order), turn))

    def asking(self) -> Asking | None:
        while self._waiting:
            turn = heapq.heappop(self._waiting)[2]
            if turn.wanted:
                return turn
        return None

    def due(self, now: float) -> Poll | None:
        while self._polls and (self._polls[0][2].stopped or self._polls[0][0] <= now):
            turn = heapq.heappop(self._polls)[2]
            if turn.wanted:
                return turn
        return None

    def next_due(self) -> float | None:
        return self._polls[0][0] if self._polls else None

    def has(self, now: float) -> bool:
        """Whether anything waits to be sent now."""
        while self._waiting and not self._waiting[0][2].wanted:
            heapq.heappop(self._waiting)  # whoever asked has gone
        while self._polls and self._polls[0][2].stopped:
            heapq.heappop(self._polls)
        return bool(self._waiting) or bool(self._polls and self._polls[0][0] <= now)
