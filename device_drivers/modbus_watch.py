"""The points of one unit that are looked at again and again, each group at its own pace, by the line's own repeated reads.

Whoever watches is woken when an answer differs from the one before, or when time alone may change what it means. A block
that the device refuses is read bit by bit until it is whole again; a refused bit is None, never False.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from device_drivers import modbus_frames as frames
from device_drivers.driver import DeviceUnreachable
from device_drivers.modbus_bus import BUSY_CODES, IllegalRequest, ModbusBus, NoAnswer, answered
from device_drivers.modbus_frames import Request
from device_drivers.modbus_scan import Bit, Block, blocks
from device_drivers.modbus_turn import Poll, Result

SILENT_POLLS = 2  # answers in a row that did not come before the link counts as lost
Take = Callable[[bytes, float], None]


@dataclass(slots=True, eq=False)
class _Part:
    """A block and its repeated read. `of`: the refused block that this is one bit of."""

    block: Block
    poll: Poll
    of: Block | None = None
    answer: bytes = b""
    busy: bool = False
    refused: bool = False
    anew: bool = False  # the same answer again is no old one: what it told was written since


class UnitWatch:
    """`values` and `problems` (refused bits, and why) are the newest there are. `calm_until`: set by whoever watches."""

    def __init__(self, bus: ModbusBus, unit: int, bits: Mapping[Bit, float], problems: dict[Bit, str]) -> None:
        self.bus, self.unit, self.bits, self.problems = bus, unit, bits, problems
        self.values: dict[Bit, bool | None] = {}
        self.calm_until = float("-inf")
        self.heard_at: float | None = None
        self._parts: dict[Poll, _Part] = {}
        self._others: list[tuple[Request, float, Take]] = []
        self._takers: dict[Poll, Take] = {}
        self._news = asyncio.Event()
        self._held: list[Poll] = []  # answered, and not repeated before the answer was looked at
        self._error: DeviceUnreachable | None = None
        self._silent = 0

    def also(self, request: Request, period_s: float, take: Take) -> None:
        """Another read of this unit; `take` gets each answer's PDU, an exception too, and nobody is woken."""
        self._others.append((request, period_s, take))

    def start(self) -> None:
        """Raises DeviceUnreachable, ConfigError."""
        self._silent, self._error, self.calm_until = 0, None, float("-inf")
        for period in sorted(set(self.bits.values())):
            for block in blocks(bit for bit, its in self.bits.items() if its == period):
                self._add(block, period)
        for request, period, take in self._others:
            self._takers[self.bus.poll(request, period, self._hear)] = take

    def stop(self) -> None:
        for poll in (*self._parts, *self._takers):
            poll.stop()
        self._parts.clear()
        self._takers.clear()
        self._held.clear()

    async def news(self) -> None:
        """Until there is something to look at. Raises DeviceUnreachable."""
        await self._news.wait()
        self._news.clear()
        if self._error:
            raise self._error

    def go_on(self) -> None:
        """What was told has been looked at."""
        held, self._held = self._held, []
        now = asyncio.get_running_loop().time()
        for poll in held:
            poll.go_on(now)

    def written(self, bit: Bit, value: bool) -> None:
        """This bit was written: what was read of it before is over, and told again it is new."""
        self.values[bit] = value
        for part in self._parts.values():
            part.anew |= bit in self._within(part.block)

    def missed(self, error: NoAnswer) -> None:
        """Another read of this unit was not answered. Raises DeviceUnreachable when that makes too many."""
        if not self._go_on_after(error):
            raise DeviceUnreachable(str(error)) from error

    def _add(self, block: Block, period_s: float, of: Block | None = None) -> None:
        table, first, count = block
        request = frames.read_bits(self.unit, 1 if table == "coil" else 2, first, count)
        poll = self.bus.poll(request, period_s, self._hear)
        self._parts[poll] = _Part(block, poll, of)

    # What the line says

    def _hear(self, poll: Poll, result: Result, now: float) -> bool:
        """See `Poll`. Called for each answer: what is as it was, and would tell nothing new, costs nothing more."""
        part = self._parts.get(poll)
        if part is not None and result is part.answer and now < self.calm_until and not part.anew:
            self.heard_at, self._silent = now, 0
            return True
        return self._look(poll, part, result, now)

    def _look(self, poll: Poll, part: _Part | None, result: Result, now: float) -> bool:
        try:
            if isinstance(result, DeviceUnreachable):
                raise result
            with_no = False
            try:
                answered(poll.what, result)
            except IllegalRequest as error:
                with_no = True
                if part is not None and not self._refused(part, error):
                    return True
            self.heard_at, self._silent = now, 0
            if part is None:
                if take := self._takers.get(poll):
                    take(result, now)
                return True
            if not with_no:
                self._read(part, result)
        except DeviceUnreachable as error:
            return self._go_on_after(error)
        part.answer, part.anew = result, False
        if not all(other.answer for other in self._parts.values()):
            return poll in self._parts
        self._held.append(poll)
        self._news.set()
        return False

    def _go_on_after(self, error: DeviceUnreachable) -> bool:
        if isinstance(error, NoAnswer):
            self._silent += 1
            if self._silent < SILENT_POLLS:
                return True
        self._error = DeviceUnreachable(str(error))
        self._news.set()
        return False

    def _read(self, part: _Part, pdu: bytes) -> None:
        table, first, count = part.block
        try:
            bits = frames.bits_of(pdu, count)
        except frames.BadAnswer as error:
            raise NoAnswer(f"{part.poll.what}: {error}") from error
        for n, value in enumerate(bits):
            self.values[table, first + n] = value
            self.problems.pop((table, first + n), None)
        part.busy = part.refused = False
        if part.of is not None:
            self._join(part.of, part.poll.period_s)

    def _refused(self, part: _Part, error: IllegalRequest) -> bool:
        """False where the answer is not looked at: one busy moment, or a block that is read bit by bit from now on."""
        if error.code in BUSY_CODES:
            part.busy, was_busy = True, part.busy
            if not was_busy:
                return False
        elif part.block[2] > 1:
            self._split(part)
            return False
        for bit in self._within(part.block):
            self.values[bit] = None
            self.problems[bit] = str(error)
        part.refused = True
        return True

    def _split(self, part: _Part) -> None:
        self._remove(part)
        for table, address in self._within(part.block):
            self._add((table, address, 1), part.poll.period_s, part.block)

    def _join(self, block: Block, period_s: float) -> None:
        """Read whole again when every bit of it is there, and one was not: a board that reads only single bits stays split."""
        mine = [part for part in self._parts.values() if part.of == block]
        if any(part.refused or not part.answer for part in mine) or not any(_is_no(part.answer) for part in mine):
            return
        for part in mine:
            self._remove(part)
        self._add(block, period_s)

    def _remove(self, part: _Part) -> None:
        part.poll.stop()
        self._parts.pop(part.poll, None)

    def _within(self, block: Block) -> Iterator[Bit]:
        table, first, count = block
        return (bit for bit in self.bits if bit[0] == table and first <= bit[1] < first + count)


def _is_no(answer: bytes) -> bool:
    return bool(answer) and bool(answer[0] & 0x80)
