"""Door boards driven by raw frames written out by hand, and by pymodbus as a second stack."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from patience import PATIENCE_S
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.framer import FramerType

from simulators.device import NotSupported
from simulators.faults import Fault
from simulators.modbus_board import BOARDS_DIR, ModbusBoardSim, load_board
from simulators.modbus_wire import crc16


class Line:
    """A Modbus TCP or RTU-over-TCP client that knows nothing but bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def tcp(self, pdu: str, unit: int = 1, tid: int = 7) -> str:
        body = bytes([unit]) + bytes.fromhex(pdu)
        self.writer.write(tid.to_bytes(2, "big") + b"\0\0" + len(body).to_bytes(2, "big") + body)
        head = await asyncio.wait_for(self.reader.readexactly(7), PATIENCE_S)
        assert head[:4] == tid.to_bytes(2, "big") + b"\0\0", f"transaction or protocol id wrong: {head.hex()}"
        assert head[6] == unit, f"unit echoed wrongly: {head.hex()}"
        return (await asyncio.wait_for(self.reader.readexactly(int.from_bytes(head[4:6], "big") - 1), PATIENCE_S)).hex()


def with_board(board: str, scenario: Callable[[ModbusBoardSim, Line], Awaitable[None]], **config: Any) -> None:
    async def run() -> None:
        sim = ModbusBoardSim("door-b1", {"host": "127.0.0.1", "port": 0, "unit": 1, "board": board, **config})
        await sim.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", sim.port)
        try:
            await scenario(sim, Line(reader, writer))
        finally:
            writer.close()
            await sim.stop()

    asyncio.run(run())


async def until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE_S) -> None:
    try:
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - the condition is a plain look at the simulator
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"did not happen within {seconds} s: {what}") from None


def test_crc_of_a_known_frame() -> None:
    assert crc16(bytes.fromhex("010300000002")).hex() == "c40b", (
        "CRC differs from the published example 01 03 00 00 00 02"
    )


@pytest.mark.parametrize("name", sorted(path.stem for path in BOARDS_DIR.glob("*.json")))
def test_every_board_file_is_sound(name: str) -> None:
    board = load_board(name)
    coils = {a for first, count in board["coils"] for a in range(first, first + count)}
    inputs = {a for first, count in board.get("discrete_inputs", []) for a in range(first, first + count)}
    holding = {a for first, count in board.get("holding", []) for a in range(first, first + count)}
    for relay in board["relays"]:
        place = relay["register"] in holding if "register" in relay else relay["coil"] in coils
        assert place, f"{name}: relay {relay['name']} stands on a coil or register that does not exist"
    for point in {"door", "exit_button"} & board.keys():
        table = coils if board[point]["table"] == "coil" else inputs
        assert board[point]["address"] in table, f"{name}: {point} stands on an address that does not exist"
    assert board["source"], f"{name}: a board without a source"


def test_unknown_board_names_the_known() -> None:
    with pytest.raises(ValueError, match="inveo_rfid_ind"):
        load_board("nonsense")


def test_inveo_reads_a_card_and_pulses_the_bolt() -> None:
    async def scenario(sim: ModbusBoardSim, line: Line) -> None:
        assert await line.tcp("0103ec0001") == "010100", "no card yet, the new-card flag must be 0"
        assert sim.present_card("0003456789")
        assert await line.tcp("0103ec0001") == "010101", "the new-card flag must be 1"
        number = await line.tcp("0303e80005")
        assert number == "030a" + (3456789).to_bytes(10, "big").hex(), "transponder code, high word first"
        assert not sim.present_card(1), "the reader takes no card while its flag stands"
        assert await line.tcp("0503ec0000") == "0503ec0000"
        assert await line.tcp("0103ec0001") == "010100", "writing 0 clears the flag"
        assert sim.present_card("0x34BF15"), "after clearing it reads again"

        assert await line.tcp("0503f2ff00") == "0503f2ff00"
        assert sim.counters["pulses"] == 1
        assert await line.tcp("0103e80001") == "010101", "coil 1000 shows the relay"
        assert await sim.walk_through(delay_s=0.01, open_s=0.05), "a released door gives way"
        await until(lambda: not sim.door_relay.is_on, "the bolt falls back by itself")
        assert await line.tcp("0103e80001") == "010100"
        assert not await sim.walk_through(delay_s=0, open_s=0), "a locked door does not give way"
        await line.tcp("0503f3ff00")
        assert sim.tones == {"accept": 1, "reject": 0}

    with_board("inveo_rfid_ind", scenario)


def test_inveo_inputs_flags_and_holes() -> None:
    async def scenario(sim: ModbusBoardSim, line: Line) -> None:
        assert await line.tcp("0103ed0001") == "010101", "restarted flag after power on"
        await line.tcp("0503ed0000")
        assert await line.tcp("0103ed0001") == "010100"
        sim.open_door()
        assert sim.counters["forced"] == 1, "opened without release is forced"
        sim.press_exit()
        assert await line.tcp("0103e90002") == "010103", "magnet and exit button"
        sim.close_door()
        await until(lambda: not sim.bank.coils[1002], "the button comes back")
        assert await line.tcp("0103e90002") == "010100"
        assert await line.tcp("0503e9ff00") == "8502", "an input cannot be written"
        assert await line.tcp("0103f00001") == "8102", "hole in the map"
        assert await line.tcp("2b0e0100") == "ab01", "unknown function"
        assert await line.tcp("0303e80000") == "8303", "count 0"
        assert await line.tcp("0503f21234") == "8503", "FC05 takes only FF00 and 0000"
        await sim.apply_fault(Fault.RESTART)
        assert await line.reader.read() == b"", "a restart tears the connection"
        assert sim.bank.coils[1005], "restarted flag is back"

    with_board("inveo_rfid_ind", scenario)


def test_jy_dam_timed_pulse_and_multiple_coils() -> None:
    async def scenario(sim: ModbusBoardSim, line: Line) -> None:
        assert await line.tcp("10000800020400040002") == "1000080002", "channel 1, on for 0.2 s"
        assert await line.tcp("0100000008") == "010102"
        assert sim.pulses[-1].seconds == pytest.approx(0.2)
        await until(lambda: not sim.relays[1].is_on, "the board ends the pulse itself")
        assert await line.tcp("0f000000080105") == "0f00000008"
        assert await line.tcp("0100000008") == "010105"
        assert await line.tcp("0500000000") == "0500000000"
        assert await line.tcp("0100000008", unit=254) == "010104", "0xFE reaches any board"
        sim.open_door()
        assert await line.tcp("0200000002") == "020101"
        assert await line.tcp("10000900020400040002") == "9002", "no timer register there"
        with pytest.raises(NotSupported):
            sim.present_card(1)

    with_board("jy_dam", scenario)


def test_waveshare_pulse_has_a_value_that_is_neither_on_nor_off() -> None:
    async def scenario(sim: ModbusBoardSim, line: Line) -> None:
        assert await line.tcp("0502000003") == "0502000003", "flash on: 3 * 100 ms on relay 0"
        assert sim.pulses[-1].seconds == pytest.approx(0.3)
        assert sim.relays[0].is_on
        await line.tcp("0502000003")
        assert sim.pulses[-1].again, "a second pulse while on is seen as such"
        await until(lambda: not sim.relays[0].is_on, "the board ends the pulse itself")

    with_board("waveshare_relay", scenario)


def test_r421a08_takes_command_words() -> None:
    async def scenario(sim: ModbusBoardSim, line: Line) -> None:
        assert await line.tcp("0600020100") == "0600020100", "on, channel 2"
        assert sim.relays[1].is_held
        assert await line.tcp("0300010002") == "030400000001", "FC03 tells off, on"
        assert await line.tcp("0600020200") == "0600020200"
        assert not sim.relays[1].is_on
        assert await line.tcp("0600010601") == "0600010601", "on for one second"
        assert (sim.relays[0].is_on, sim.relays[0].is_held) == (True, False)
        await until(lambda: not sim.relays[0].is_on, "the board ends it itself")
        assert await line.tcp("0600090100") == "8602", "there is no ninth relay"

    with_board("r421a08", scenario)


@pytest.mark.parametrize("normally_closed", [False, True])
def test_a_fire_contact_is_an_input(normally_closed: bool) -> None:
    async def scenario(sim: ModbusBoardSim, line: Line) -> None:
        quiet, fire = ("020101", "020100") if normally_closed else ("020100", "020101")
        assert await line.tcp("0200020001") == quiet
        sim.set_fire(active=True)
        assert await line.tcp("0200020001") == fire
        assert sim.state()["fire"] is True
        sim.lose_fire_input()
        assert await line.tcp("0200020001") == "8202", "an input that cannot be read is refused, not 0"
        sim.set_fire(active=False)
        assert await line.tcp("0200020001") == quiet

    with_board("jy_dam", scenario, fire_input=3, fire_normally_closed=normally_closed)


def test_a_board_without_a_fire_contact_says_so() -> None:
    async def scenario(sim: ModbusBoardSim, line: Line) -> None:
        with pytest.raises(NotSupported, match="fire_input"):
            sim.set_fire(active=True)
        assert sim.state()["fire"] is None

    with_board("jy_dam", scenario)


def test_polarity_can_be_inverted() -> None:
    async def scenario(sim: ModbusBoardSim, line: Line) -> None:
        assert await line.tcp("0200000002") == "020101", "closed door shows 1 when inverted"
        sim.open_door()
        assert await line.tcp("0200000002") == "020100"

    with_board("coils", scenario, invert=["door"])


def test_rtu_over_tcp_frames_crc_and_foreign_units() -> None:
    async def scenario(sim: ModbusBoardSim, line: Line) -> None:
        def send(body: str, spoil: bool = False) -> None:
            raw = bytes.fromhex(body)
            line.writer.write(raw + (b"\0\0" if spoil else crc16(raw)))

        send("010500000000", spoil=True)
        send("020500000000")
        send("01050000ff00")
        # The bad frame makes the device wait for silence, so what follows at once is lost with it.
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(line.reader.read(1), 0.2)
        send("020500000000")
        send("01050000ff00")
        answer = await asyncio.wait_for(line.reader.readexactly(8), PATIENCE_S)
        assert answer == bytes.fromhex("01050000ff00") + crc16(bytes.fromhex("01050000ff00"))
        send("010f00000004010f")
        answer = await asyncio.wait_for(line.reader.readexactly(8), PATIENCE_S)
        assert answer[:6].hex() == "010f00000004"
        assert len(sim.pulses) == 5, "one by FC05, four by FC0F, none by the broken or foreign frames"

    with_board("coils", scenario, transport="rtu_over_tcp")


def test_faults_on_the_line() -> None:
    async def scenario(sim: ModbusBoardSim, line: Line) -> None:
        await sim.apply_fault(Fault.EXCEPTION, value=6)
        assert await line.tcp("0100000001") == "8106"
        sim.clear_faults()
        await sim.apply_fault(Fault.OUT_OF_RANGE)
        assert await line.tcp("0100000001") == "8102"
        sim.clear_faults()
        await sim.apply_fault(Fault.LATE_REPLY, value=0.3)
        line.writer.write(bytes.fromhex("00010000000601010000 0001".replace(" ", "")))
        await until(lambda: len(sim.listener.frames) >= 5, "the request has arrived")
        sim.clear_faults()
        assert await line.tcp("0100000002", tid=2) == "010100", "other requests are answered meanwhile"
        late = await asyncio.wait_for(line.reader.readexactly(10), PATIENCE_S)
        assert late[:2] == b"\0\1", "the late answer still comes"
        await sim.apply_fault(Fault.SILENT, 0.3)
        before = len(sim.listener.frames)
        line.writer.write(bytes.fromhex("000300000006010500000000"))
        await until(lambda: len(sim.listener.frames) == before + 1, "the request is logged though unanswered")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(line.reader.read(1), 0.1)
        await until(lambda: not sim.faults.on(Fault.SILENT), "the fault ends after its seconds")
        assert await line.tcp("0100000001") == "010100"
        await sim.apply_fault(Fault.CUT, 0.2)
        assert await line.reader.read() == b""
        with pytest.raises(NotSupported, match="cannot have the fault 'jump'"):
            await sim.apply_fault(Fault.JUMP)

    with_board("coils", scenario)


@pytest.mark.parametrize(("transport", "framer"), [("tcp", FramerType.SOCKET), ("rtu_over_tcp", FramerType.RTU)])
def test_pymodbus_agrees(transport: str, framer: FramerType) -> None:
    async def scenario(sim: ModbusBoardSim, line: Line) -> None:
        client = AsyncModbusTcpClient("127.0.0.1", port=sim.port, framer=framer, timeout=PATIENCE_S, retries=0)
        assert await client.connect()
        sim.present_card(3456789)
        registers = (await client.read_holding_registers(1000, count=5, device_id=1)).registers
        assert registers == [0, 0, 0, 3456789 >> 16, 3456789 & 0xFFFF]
        assert not (await client.write_coil(1010, True, device_id=1)).isError()
        assert (await client.read_coils(1000, count=3, device_id=1)).bits[:3] == [True, False, False]
        refused = await client.read_holding_registers(5, count=1, device_id=1)
        assert refused.isError(), "a hole must be refused"
        assert refused.exception_code == 2
        client.close()

    with_board("inveo_rfid_ind", scenario, transport=transport)


def test_a_person_with_a_card_walks_through() -> None:
    async def scenario(sim: ModbusBoardSim, line: Line) -> None:
        person = asyncio.create_task(sim.present_and_walk("42", timeout_s=PATIENCE_S, open_s=0.05))
        await until(lambda: sim.bank.coils[1004], "the card is read")
        await line.tcp("0503ec0000")
        await line.tcp("0503f2ff00")
        assert await person, "the door opened and closed"
        assert sim.counters["forced"] == 0
        assert not await sim.present_and_walk("43", timeout_s=0.05), "no pulse, no way in"

    with_board("inveo_rfid_ind", scenario)


async def mbpoll(program: Path, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        str(program), *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output = (await asyncio.wait_for(process.communicate(), PATIENCE_S))[0].decode(errors="replace")
    assert process.returncode == 0, output
    return output


def test_libmodbus_agrees(mbpoll_path: Path) -> None:
    """A third stack: mbpoll on libmodbus reads the card and pulses the bolt."""

    async def scenario(sim: ModbusBoardSim, line: Line) -> None:
        sim.present_card(3456789)
        place = ("-m", "tcp", "-p", str(sim.port), "-a", "1", "-0", "-1", "-q")
        registers = await mbpoll(mbpoll_path, *place, "-t", "4", "-r", "1000", "-c", "5", "127.0.0.1")
        values = [int(part.split()[1]) for part in registers.splitlines() if part.startswith("[")]
        assert values == [0, 0, 0, 3456789 >> 16, 3456789 & 0xFFFF], registers
        await mbpoll(mbpoll_path, *place, "-t", "0", "-r", "1010", "127.0.0.1", "1")
        assert sim.counters["pulses"] == 1
        coils = await mbpoll(mbpoll_path, *place, "-t", "0", "-r", "1000", "-c", "3", "127.0.0.1")
        assert [part.split()[1] for part in coils.splitlines() if part.startswith("[")] == ["1", "0", "0"], coils

    with_board("inveo_rfid_ind", scenario)


def test_it_stops_in_silence_while_clients_are_connected(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        errors: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: errors.append(context))
        for transport in ("tcp", "rtu_over_tcp"):
            sim = ModbusBoardSim(
                "b", {"host": "127.0.0.1", "port": 0, "unit": 1, "board": "coils", "transport": transport}
            )
            await sim.start()
            lines = [await asyncio.open_connection("127.0.0.1", sim.port) for _ in range(3)]
            await until(lambda: sim.listener.connections == 3, "three clients connected")  # noqa: B023
            async with asyncio.timeout(PATIENCE_S):
                await sim.stop()
            assert sim.listener.connections == 0, "nobody is left"
            for _, writer in lines:
                writer.close()
        await asyncio.sleep(0)
        assert errors == [], "a stop is no error"

    asyncio.run(run())
    assert not [r for r in caplog.records if r.name == "asyncio"], "and nothing is logged"
