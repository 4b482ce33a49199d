"""The connection of a line: made when somebody needs it, one attempt for all who wait, and anew after each loss."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from device_drivers.modbus_place import Place
from device_drivers.modbus_wire import Wire, open_wire

AGAIN_S = 0.3  # 32 devices behind one dead gateway do not wait for it one after another


class Connection:
    """`over` is told the end of each attempt: why it failed, or nothing."""

    def __init__(
        self,
        place: Place,
        heard: Callable[[bytes], None],
        lost: Callable[[Exception | None], None],
        over: Callable[[str], None],
    ) -> None:
        self.place = place
        self.wire: Wire | None = None
        self._heard, self._lost, self._over = heard, lost, over
        self._making: asyncio.Task[None] | None = None
        self._refused: tuple[float, str] = (float("-inf"), "")

    async def made(self) -> str:
        """Why there is none, or nothing. Nobody's cancellation ends the attempt for the others."""
        await asyncio.wait({self.soon()})
        return "" if self.wire is not None else self._refused[1]

    def soon(self) -> asyncio.Task[None]:
        if self._making is None:
            self._making = asyncio.create_task(self._make(), name=f"modbus line {self.place}")
        return self._making

    async def _make(self) -> None:
        time = asyncio.get_running_loop().time
        since, error = self._refused
        if time() - since >= AGAIN_S:
            wire = Wire(self._heard, self._lost)
            error = await open_wire(self.place, wire)
            self._refused = (time(), error) if error else (float("-inf"), "")
            if not error:
                self.wire = wire
        self._making = None
        self._over(error)

    def drop(self) -> None:
        """Ends it; what it still says is not heard."""
        wire, self.wire = self.wire, None
        if wire is not None:
            wire.let_go()

    def close(self) -> None:
        if self._making is not None:
            self._making.cancel()
        self.drop()
