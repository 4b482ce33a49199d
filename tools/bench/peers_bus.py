"""`python -m tools.bench.peers_bus PORT UNITS`: a bus of boards, one door a board moving every other second.

For each line on its input it prints how often inputs were read and how many doors have moved.
"""

from __future__ import annotations

import asyncio
import sys

from simulators.modbus_bus import ModbusBusSim

READ_INPUTS, MOVE_S = 2, 2.0


async def main(port: int, units: int) -> None:
    boards = [{"unit": n + 1, "board": "jy_dam16"} for n in range(units)]
    sim = ModbusBusSim("bus", {"host": "127.0.0.1", "port": port, "units": boards})
    polls = moves = 0

    def counted(unit: int, pdu: bytes) -> bytes | None:
        nonlocal polls
        polls += pdu[0] == READ_INPUTS
        return sim.answer(unit, pdu)

    sim.listener.answer = counted
    await sim.start()

    async def live() -> None:
        nonlocal moves
        while True:
            for board in sim.boards.values():
                (board.close_door if board.door_is_open else board.open_door)()
                moves += 1
                await asyncio.sleep(MOVE_S / units)

    moving = asyncio.create_task(live())
    while await asyncio.to_thread(sys.stdin.readline):
        print(polls, moves, flush=True)
    moving.cancel()
    await sim.stop()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
