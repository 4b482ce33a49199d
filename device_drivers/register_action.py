"""What a board is told to do, as steps in its data file; and the requests that come of them. Pure.

A step that opens is sent once (`retry: never`); one that closes may be sent until the board has said yes, for it only repeats
what stands. What stands after a `wait` for the pulse's end is done by us; a board whose action has none ends it by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from device_drivers import modbus_frames as frames

Address = Annotated[int, Meta(ge=0, le=65535)]
Word = Annotated[int, Meta(ge=0, le=65535)] | Literal["ticks"]
Retry = Literal["never", "until_said"]
ON = 0xFF00


class Write(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag="write"):
    """FC05, FC06 or FC16 at `address + channel * step`.

    "ticks" is the pulse's length; `high` goes into each value's high byte.
    """

    function: Literal[5, 6, 16]
    address: Address
    values: Annotated[tuple[Word, ...], Meta(min_length=1, max_length=16)]
    step: int = 1
    high: Annotated[int, Meta(ge=0, le=255)] = 0
    retry: Retry = "never"


class Raw(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag="raw"):
    """A request that no function above makes: hexadecimal with `{channel:02x}` and `{ticks:04x}` in it.

    `answer`: how many bytes follow the function code in the board's answer.
    """

    pdu: Annotated[str, Meta(min_length=2)]
    answer: Annotated[int, Meta(ge=0, le=250)] = 4
    retry: Retry = "never"


class Wait(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag="wait"):
    """Until the pulse is over, or so many seconds."""

    seconds: Annotated[float, Meta(gt=0, le=10)] | Literal["pulse"]


class ReadBack(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag="read_back"):
    """Where the relay's state stands; `on` is what is read while it is on (a register: 1 or any other value).

    It is looked at every `every_ms`: it only matters when an answer is missing.
    """

    table: Literal["coil", "discrete", "holding", "input"]
    address: Address
    step: int = 1
    on: Annotated[int, Meta(ge=0, le=65535)] = 1
    every_ms: Annotated[int, Meta(ge=100, le=3000)] = 1000

    def at(self, channel: int) -> int:
        return self.address + channel * self.step


Step = Write | Raw | Wait | ReadBack


class Pulse(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a bolt is pulsed. A tick lasts `tick_s` seconds."""

    steps: tuple[Step, ...]
    tick_s: Annotated[float, Meta(gt=0)] = 0.1
    max_ticks: Annotated[int, Meta(ge=1, le=65535)] = 0x7FFF

    def __post_init__(self) -> None:
        wrong = [s for s in self.opening if isinstance(s, Write | Raw) and s.retry != "never"]
        if wrong or not any(isinstance(s, Write | Raw) for s in self.opening):
            raise ValueError("a pulse opens by at least one write, and none of them is ever repeated (retry: never)")
        if any(s.retry != "until_said" for s in self.closing):
            raise ValueError("what ends a pulse is repeated until the board says yes (retry: until_said)")

    @property
    def _end(self) -> int:
        ends = [n for n, s in enumerate(self.steps) if isinstance(s, Wait) and s.seconds == "pulse"]
        return ends[0] if ends else len(self.steps)

    @property
    def opening(self) -> tuple[Step, ...]:
        return tuple(s for s in self.steps[: self._end] if not isinstance(s, ReadBack))

    @property
    def closing(self) -> tuple[Write | Raw, ...]:
        return tuple(s for s in self.steps[self._end :] if isinstance(s, Write | Raw))

    @property
    def read_back(self) -> ReadBack | None:
        return next((s for s in self.steps if isinstance(s, ReadBack)), None)

    @property
    def device_side(self) -> bool:
        """The board ends it, also when we are gone."""
        return not self.closing

    def ticks(self, seconds: float) -> int:
        return min(self.max_ticks, max(1, round(seconds / self.tick_s)))


def request_of(step: Write | Raw, unit: int, channel: int, ticks: int) -> frames.Request:
    """Raises ValueError for a raw step that is no hexadecimal."""
    if isinstance(step, Raw):
        return frames.Request(unit, bytes.fromhex(step.pdu.format(channel=channel, ticks=ticks)), step.answer)
    address = step.address + channel * step.step
    values = [step.high << 8 | (ticks if v == "ticks" else int(v)) for v in step.values]
    if step.function == 16:
        return frames.write_registers(unit, address, values)
    make = frames.write_coil if step.function == 5 else frames.write_register
    return make(unit, address, values[0])


def requests_of(steps: Sequence[Write | Raw], unit: int, channel: int) -> list[frames.Request]:
    """Of what ends a pulse."""
    return [request_of(step, unit, channel, 1) for step in steps]
