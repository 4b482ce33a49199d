"""One physical line (a TCP connection or a serial port) that any number of units share: one request at a time, no write repeated.

The library's client is not used here. It takes any answer of the right unit for the answer, breaks its connection on a
frame it cannot decode, and a reply that comes late on RTU becomes the answer to the next question. What this line does:
* A write goes ahead of waiting reads. A caller that is cancelled never breaks the line: what was sent is heard out.
* After silence on RTU the connection is made anew (TCP) or the input thrown away (serial), and the unit is not asked the same
  kind of thing again for `quiet_s`: what it says in that time is late, and counted.
* What is read again and again is asked by the line itself (`Poll`), each at its own pace.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable

from device_drivers import modbus_frames as frames
from device_drivers.driver import DeviceUnreachable
from device_drivers.modbus_connection import Connection
from device_drivers.modbus_echo import Echo
from device_drivers.modbus_frames import Request
from device_drivers.modbus_odd import Oddities
from device_drivers.modbus_place import Place
from device_drivers.modbus_turn import Asking, Poll, Queue, Result, Turn
from device_drivers.modbus_units import NoAnswer, Units
from device_drivers.modbus_wire import Wire

DEAF_AFTER = 3  # silences in a row on one TCP connection, after which it is made anew: a NAT may have forgotten it
SILENT_CODES = frozenset({10, 11})  # a gateway's way to say that the unit behind it is silent
TICK_S = 0.001


class Line:
    """See the module. `trace` keeps the newest frames as (the loop's time, sent by us, bytes)."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.link = Connection(place, self.heard, self.lost, self._connected)
        self.units = Units(place.framing, place.quiet_s)
        self.odd = Oddities()
        self.trace: deque[tuple[float, bool, bytes]] = deque(maxlen=200)
        self.users = 0
        self.losses = 0  # connections that the other side ended
        self.closed = False
        self._loop = asyncio.get_running_loop()
        self._on_tcp = place.framing == "tcp"
        self._queue = Queue()
        self._transactions = itertools.cycle(range(1, 65536))
        self._turn: Turn | None = None  # what is out
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._wake: asyncio.TimerHandle | None = None
        self._buffer = b""
        self._spoke_at = float("-inf")
        self._deaf = 0
        self._echo = Echo()
        self._lenient, self._exact = False, False

    # What callers use

    @property
    def connected(self) -> bool:
        return self.link.wire is not None

    async def connect(self) -> None:
        """Raises DeviceUnreachable."""
        if self.link.wire is None:
            self._check_open()
            error = await self.link.made()
            self._check_open()
            if error:
                raise DeviceUnreachable(error)

    async def ask(self, request: Request, timeout_s: float) -> bytes:
        """The answer's PDU, an exception too. Raises NoAnswer (sent, silence), Resting, DeviceUnreachable (not sent)."""
        now = self._loop.time()
        if rest := self.units.rest(request, now):
            raise rest
        if (wait := self.units.quiet(request, now)) > 0:
            await asyncio.sleep(wait)
        self._check_open()
        turn = Asking(self.place.framing, request, timeout_s, self._loop.create_future())
        self._queue.ask(turn)
        self._pump()
        return await turn.future

    def poll(
        self, request: Request, timeout_s: float, period_s: float, hear: Callable[[Poll, Result, float], bool]
    ) -> Poll:
        """A read that is repeated from now on until it is stopped; what `hear` gets and says: see `Poll`."""
        self._check_open()
        turn = Poll(self.place.framing, request, timeout_s, period_s, hear, self._put)
        turn.due = self._loop.time()
        self._put(turn)
        return turn

    def close(self) -> None:
        self.closed = True
        self.link.close()
        for timer in (self._timer, self._wake):
            if timer is not None:
                timer.cancel()
        self._drop("closed by us")
        self._fail_waiting(f"{self.place}: closed by us")

    def _check_open(self) -> None:
        if self.closed:
            raise DeviceUnreachable(f"{self.place}: closed by us")

    # The connection

    @property
    def wire(self) -> Wire | None:
        return self.link.wire

    def _connected(self, error: str) -> None:
        """An attempt is over; `error` says why it failed."""
        self._buffer, self._deaf = b"", 0
        if error:
            self._fail_waiting(error)
        else:
            self._pump()

    def _drop(self, why: str) -> None:
        """Ends the connection; a request that is out stays unanswered."""
        self._buffer = b""
        self.link.drop()
        if (turn := self._turn) is not None:
            self._finish(turn, NoAnswer(f"{turn.what}: {why}"))

    def lost(self, error: Exception | None) -> None:
        """The other side ended it, or the network did. A read that was out is asked once more: devices close idle connections."""
        self.losses += 1
        turn = self._turn
        if isinstance(turn, Asking | Poll) and not turn.request.writes and not turn.asked_again and not self.closed:
            self._turn, turn.asked_again = None, True
            if isinstance(turn, Asking):
                self._queue.ask(turn, first=True)
            else:
                self._queue.poll(turn)
        self._drop(f"connection lost ({error or 'closed by the device'})")
        self._pump()

    def _fail_waiting(self, why: str) -> None:
        now = self._loop.time()
        while (turn := self._queue.asking()) is not None:
            turn.tell(DeviceUnreachable(why), now)
        while (poll := self._queue.due(now)) is not None:
            poll.put_off(now)
            poll.tell(DeviceUnreachable(why), now)

    # One request at a time

    def _put(self, turn: Poll) -> None:
        if self.closed:
            return
        self._queue.poll(turn)
        self._pump()

    def _pump(self) -> None:
        """Sends the next request if nothing is out."""
        if self._turn is not None or self.closed:
            return
        now = self._loop.time()
        if not self._queue.has(now):
            if (due := self._queue.next_due()) is not None:
                self._wake_at(due)
        elif self.link.wire is None:
            self.link.soon()
        elif self._spoke_at + self.place.gap_s > now:
            self._wake_at(self._spoke_at + self.place.gap_s)
        elif (turn := self._queue.asking() or self._due_poll(now)) is not None:
            self._send(turn, now)

    def _due_poll(self, now: float) -> Poll | None:
        """The repeated read that is due longest, of a unit that may be asked."""
        while (turn := self._queue.due(now)) is not None:
            if (wait := self.units.quiet(turn.request, now)) > 0:
                turn.due = now + wait
                self._queue.poll(turn)
            elif rest := self.units.rest(turn.request, now):
                turn.put_off(now)
                turn.tell(rest, now)
            else:
                return turn
        if (due := self._queue.next_due()) is not None:
            self._wake_at(due)
        return None

    def _wake_at(self, when: float) -> None:
        if self._wake is not None:
            if self._wake.when() <= when:
                return
            self._wake.cancel()
        self._wake = self._loop.call_at(when, self._woken)

    def _woken(self) -> None:
        self._wake = None
        self._pump()

    def _send(self, turn: Turn, now: float) -> None:
        assert self.link.wire is not None
        if self._buffer:
            self._note_late(self._buffer)
            self._buffer = b""
        frame = turn.frame
        if self._on_tcp:
            turn.transaction = next(self._transactions)
            frame = turn.transaction.to_bytes(2, "big") + frame
        self._turn, turn.sent_at, turn.echo_due = turn, now, self._echo.heard
        self.trace.append((now, True, frame))
        on_the_wire = (len(frame) + turn.request.body + 4) * self.place.byte_s
        self._deadline = now + self.units.patience(turn.request, turn.timeout_s) + on_the_wire
        if self._timer is None or self._timer.when() > self._deadline:
            self._watch_silence()
        try:
            self.link.wire.write(frame)
        except OSError as error:
            self.lost(error)

    def heard(self, data: bytes) -> None:
        """Bytes came in."""
        self._spoke_at = now = self._loop.time()
        self.trace.append((now, False, data))
        turn = self._turn
        if turn is None:
            self._buffer = (self._buffer + data)[-frames.BUFFER_MAX :]
            return
        if not self._buffer and not turn.echo_due and (pdu := self._known(turn, data)) is not None:
            self._answered(turn, pdu, now)
            return
        self._buffer = (self._buffer + data)[-frames.BUFFER_MAX :]
        self._look_for_answer(turn, now)

    def _known(self, turn: Turn, data: bytes) -> bytes | None:
        if not self._on_tcp:
            return turn.known(data)
        return turn.known(data[2:]) if data[:2] == turn.transaction.to_bytes(2, "big") else None

    def _look_for_answer(self, turn: Turn, now: float) -> None:
        if not self._on_tcp:
            rest = self._echo.strip(turn, self._buffer)
            if rest is None:
                return
            self._buffer = rest
        whole = self._buffer
        found = frames.find(self.place.framing, turn.request, turn.transaction, whole)
        self._buffer = found.rest
        if found.odd:
            self._note_late(found.odd)
        if found.pdu is None:
            return
        self._lenient |= found.lenient
        self._exact |= not found.lenient
        if not (found.odd or found.rest or found.lenient):
            turn.learn(whole[2:] if self._on_tcp else whole, found.pdu)
        self._answered(turn, found.pdu, now)

    def _answered(self, turn: Turn, pdu: bytes, now: float) -> None:
        if pdu[0] & 0x80 and frames.exception_code(pdu) in SILENT_CODES:
            self.units.silent(turn.request, turn.sent_at, now)
        else:
            self.units.spoken(turn.request, turn.sent_at, now)
            self._deaf = 0
        self._finish(turn, pdu)
        self._pump()

    # Silence

    def _watch_silence(self) -> None:
        """One timer for all requests: most are answered long before it looks."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._deadline, self._look_at_clock)

    def _look_at_clock(self) -> None:
        self._timer = None
        if self._turn is None:
            return
        now = self._loop.time()
        if now + TICK_S < self._deadline:
            self._watch_silence()
        else:
            self._silence(self._turn, now)

    def _silence(self, turn: Turn, now: float) -> None:
        half = bool(self._buffer)
        if half:
            self._note_late(self._buffer)
            self._buffer = b""
        self.units.silent(turn.request, turn.sent_at, now)
        self._deaf += 1
        if self._must_reconnect(half):
            self._turn = None
            self._drop("made anew after silence")
        else:
            self._turn = None
        turn.asked_again = False
        turn.tell(NoAnswer(f"{turn.what}: no answer within {now - turn.sent_at:.1f} s"), now)
        self._pump()

    def _must_reconnect(self, half: bool) -> bool:
        """Where a late reply cannot be told from the next answer, a new connection keeps it away.

        On Modbus TCP its transaction tells it, as far as this device is known to give it back, and did not leave it in the
        middle (`half`): the end of such a frame, coming late, would hide the next one's begin.
        """
        if self._on_tcp:
            return half or self._lenient or not self._exact or self._deaf >= DEAF_AFTER
        return self.place.transport == "rtu_over_tcp"

    def _finish(self, turn: Turn, result: Result) -> None:
        self._turn, turn.asked_again = None, False
        turn.tell(result, self._loop.time())

    def _note_late(self, raw: bytes) -> None:
        unit = self.units.get(raw[6] if self._on_tcp and len(raw) > 6 else raw[0])
        late = unit is not None and unit.silences > 0
        self.odd.note("迟到的应答" if late else "无法解析", raw)
