"""Which bits to ask for together, and the scan that reads them. A point that is not there is None, never False."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from device_drivers.modbus_bus import BUSY_CODES, IllegalRequest, ModbusBus
from device_drivers.register_map import BitTable

Bit = tuple[BitTable, int]
Block = tuple[BitTable, int, int]
MAX_HOLE, MAX_BLOCK = 8, 64


def blocks(bits: Iterable[Bit]) -> tuple[Block, ...]:
    """(table, first address, count) requests that cover all bits: near ones together, holes of at most 8. Pure."""
    found: list[Block] = []
    for table, address in sorted(set(bits)):
        if found:
            last_table, first, count = found[-1]
            if last_table == table and address - (first + count) <= MAX_HOLE and address - first < MAX_BLOCK:
                found[-1] = (table, first, address - first + 1)
                continue
        found.append((table, address, 1))
    return tuple(found)


@dataclass(slots=True)
class BitScan:
    """Reads bits of one unit in blocks. A block the device refuses is read bit by bit; refused bits read None.

    `problems` names the refused bits and why, for the page.
    """

    bus: ModbusBus
    unit: int
    bits: tuple[Bit, ...]
    problems: dict[Bit, str] = field(default_factory=dict)
    _split: set[Block] = field(default_factory=set)

    async def read(self) -> dict[Bit, bool | None]:
        """Raises NoAnswer and DeviceUnreachable."""
        values: dict[Bit, bool | None] = {}
        self.problems.clear()
        for block in blocks(self.bits):
            if block not in self._split and await self._whole(block, values):
                continue
            readable = await self._single(block, values)
            if not readable:
                self._split.discard(block)  # the whole device is out of order: ask whole again next time
        return values

    async def _whole(self, block: Block, values: dict[Bit, bool | None]) -> bool:
        table, first, count = block
        try:
            read = await self.bus.read_bits(self.unit, table, first, count)
        except IllegalRequest as error:
            if error.code not in BUSY_CODES:
                self._split.add(block)
            return False
        values.update({(table, first + n): bit for n, bit in enumerate(read)})
        return True

    async def _single(self, block: Block, values: dict[Bit, bool | None]) -> int:
        table, first, count = block
        readable = 0
        for bit in self.bits:
            if bit[0] != table or not first <= bit[1] < first + count:
                continue
            try:
                values[bit] = (await self.bus.read_bits(self.unit, table, bit[1], 1))[0]
                readable += 1
            except IllegalRequest as error:
                values[bit] = None
                self.problems[bit] = str(error)
        return readable
