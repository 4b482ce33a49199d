"""A Modbus line whose other end is a register bank in memory, for runs under virtual time; every frame is logged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from device_drivers.modbus_place import Place
from device_drivers.modbus_wire import Wire
from simulators.modbus_bank import RegisterBank
from tools.chain.virtual import VirtualLoop


class Twin(asyncio.Transport):
    """Modbus TCP. `sent`: (time, unit, PDU) of every request; `answer_s`: how long an answer takes."""

    def __init__(self, banks: dict[int, RegisterBank], answer_s: float = 0.005) -> None:
        super().__init__()
        self.banks, self.answer_s = banks, answer_s
        self.sent: list[tuple[float, int, bytes]] = []
        self.wire: Wire | None = None

    def write(self, data: Any) -> None:
        loop, unit, pdu = asyncio.get_running_loop(), data[6], bytes(data[7:])
        self.sent.append((loop.time(), unit, pdu))
        if (bank := self.banks.get(unit)) is None or self.wire is None:
            return
        body = bytes((unit,)) + bank.answer(pdu)
        loop.call_later(self.answer_s, self.wire.data_received, data[:4] + len(body).to_bytes(2, "big") + body)

    def abort(self) -> None:
        self.wire = None

    def times(self, unit: int, function: int, address: int) -> list[float]:
        """When this unit was asked for what begins at this address."""
        head = bytes((function,)) + address.to_bytes(2, "big")
        return [at for at, its, pdu in self.sent if its == unit and pdu[:3] == head]


@contextmanager
def connected_to(twin: Twin) -> Iterator[None]:
    async def open_wire(_place: Place, wire: Wire) -> str:
        wire.transport, twin.wire = twin, wire
        return ""

    with mock.patch("device_drivers.modbus_connection.open_wire", open_wire):
        yield


def in_virtual_time(scenario: Callable[[], Awaitable[None]]) -> None:
    loop = VirtualLoop()
    try:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(scenario())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
