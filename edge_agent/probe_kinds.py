"""One probe a family of devices. Each only reads: no bolt is pulsed, no clock set, no setting changed."""

from __future__ import annotations

import asyncio
import math
import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from device_drivers.catalogue import definition
from device_drivers.config import read_config
from device_drivers.driver import BrokerAddress, ConfigError, DeviceRefused, DeviceUnreachable, WrongSecret
from device_drivers.face_terminal import codec, envelope
from device_drivers.face_terminal.channel import Channel, NoAnswer, mqtt_link
from device_drivers.modbus_bus import BusConfig, IllegalRequest, ModbusBus, Transport
from device_drivers.modbus_bus import NoAnswer as NoModbusAnswer
from device_drivers.modbus_scan import Bit, BitScan
from device_drivers.register_map import BitPoint, BitTable, Board, board, boards, meters
from device_drivers.register_value import value_of
from edge_agent.probe import Address, Probed

if TYPE_CHECKING:
    from device_drivers.onvif_session import OnvifSession

A_VALUE = 3
QUICK_S = 0.1  # for one of 240 units that nobody named
NOBODY = 247  # the highest unit id: hardly ever set
UNITS = (1, 2, 3, 4, 5, 6, 7, 8, 255, 0)  # asked in this order where the address names no unit
MAX_TOKENS = 1000


async def probe(address: Address, shown: str, password: str = "", timeout_s: float = 2.0) -> Probed:
    """Never raises for a device that is silent, refuses, or is something else: that stands in `notes`.

    `shown` is the address as it was given. Raises ConfigError for an address that cannot be meant.
    """
    found = Probed(shown)
    try:
        if address.scheme == "onvif":
            await probe_onvif(address, found, password, timeout_s)
        elif address.scheme == "face-mqtt":
            await probe_face(address, found, password, timeout_s)
        else:
            await probe_modbus(address, found, timeout_s)
    except WrongSecret as error:
        found.notes.append(f"用户名或密码不对：{error}")
    except DeviceRefused as error:
        found.notes.append(f"设备拒绝：{error}")
    except DeviceUnreachable as error:
        found.notes.append(f"没有应答：{error}")
    return found


# Modbus


async def probe_modbus(address: Address, found: Probed, timeout_s: float) -> None:
    """A board or a meter. Without `unit` the usual ones are asked; without `board` all register maps are tried."""
    named = board(address.options["board"]) if "board" in address.options else None
    unit = address.number("unit", 0, 255)
    config = _bus_config(address, timeout_s)
    if unit is not None:
        config.check_unit(unit)
    bus = ModbusBus(config.place(), timeout_s)
    try:
        await bus.connect()
        units = [u for u in UNITS if u or config.transport == "tcp"] if unit is None else [unit]
        try:
            answering = await _answering(bus, units)
        except DeviceUnreachable:
            await _other_dress(config, units[0] or 1, found)
            raise
        found.answered, found.kind, found.clock = True, "modbus", "none"
        found.identity["unit"] = str(answering)
        try:
            await _boards(bus, answering, (named,) if named else tuple(boards().values()), found)
        except NoModbusAnswer as error:
            found.notes.append(f"有的寄存器不应答，板型可能不对：{error}")
        if not named:
            await _meters(bus, answering, found)
        if unit is None and config.transport == "tcp" and await _answers_any(bus):
            found.notes.append("设备对任何站号都应答：站号接错也看不出来，请按铭牌填写")
    finally:
        if bus.oddities:
            found.notes.append(f"{bus.oddities}（若是迟到的应答，请加大 --timeout）")
        bus.close()


async def _other_dress(config: BusConfig, unit: int, found: Probed) -> None:
    """A serial converter in transparent mode speaks RTU on TCP; who takes it for Modbus TCP hears nothing, and the other way."""
    if config.transport == "rtu":
        return
    other: Transport = "rtu_over_tcp" if config.transport == "tcp" else "tcp"
    bus = ModbusBus(msgspec.structs.replace(config, transport=other).place(), config.timeout_s)
    try:
        if await _says(bus, unit):
            found.notes.append(f"此处应答的是另一种帧格式：请用 modbus+{other.replace('_', '-')}:// 再探测一次")
    except DeviceUnreachable:
        pass
    finally:
        bus.close()


def _bus_config(address: Address, timeout_s: float) -> BusConfig:
    """Raises ConfigError, with the option's name."""
    known: dict[str, object] = {"host": address.host, "timeout_s": timeout_s}
    if address.scheme == "modbus+rtu":
        known |= {"transport": "rtu", "parity": address.options.get("parity", "N").upper()}
        known["baud"] = address.number("baud", 1200, 115200) or 9600
        known["stop_bits"] = address.number("stop", 1, 2) or address.number("stop_bits", 1, 2) or 1
    else:
        known |= {"port": address.port, "transport": "tcp" if address.scheme == "modbus+tcp" else "rtu_over_tcp"}
    return read_config(known, BusConfig)


async def _answering(bus: ModbusBus, units: Sequence[int]) -> int:
    """The unit that answers best: with a value, else with a "no" about the register, else with any other "no".

    Raises DeviceUnreachable. Servers say different things for units they do not have, and some nothing at all.
    """
    best = (0, units[0])
    for unit in units:
        if (says := await _says(bus, unit)) > best[0]:
            best = (says, unit)
        if says == A_VALUE:
            break
    if not best[0]:  # some devices are silent about tables that they do not have
        best = (await _says(bus, units[0], coils=False), units[0])
    if not best[0] and len(units) > 1 and not bus.line.odd.count and not bus.line.losses:  # silence, not something else
        best = await _any_other(bus, units)
    if not best[0]:
        asked = ", ".join(map(str, units)) + (" or any other" if len(units) > 1 else "")
        raise DeviceUnreachable(f"connected, but no answer from unit {asked}")
    return best[1]


async def _any_other(bus: ModbusBus, known: Sequence[int]) -> tuple[int, int]:
    """All other numbers, with little patience."""
    patience, bus.timeout_s = bus.timeout_s, min(bus.timeout_s, QUICK_S)
    try:
        for unit in set(range(1, NOBODY + 1)) - set(known):
            if says := await _says(bus, unit):
                return says, unit
    finally:
        bus.timeout_s = patience
    return 0, 0


async def _says(bus: ModbusBus, unit: int, *, coils: bool = True) -> int:
    """A_VALUE, 2: the register is not there, 1: any other exception, 0: nothing."""
    try:
        if coils:
            await bus.read_bits(unit, "coil", 0, 1)
        else:
            await bus.read_registers(unit, "holding", 0, 1)
    except IllegalRequest as error:
        return 2 if error.code in (1, 2, 3) else 1
    except NoModbusAnswer:
        return 0
    return A_VALUE


async def _answers_any(bus: ModbusBus) -> bool:
    """Whether even a unit that nobody has answers, as many TCP devices do."""
    bus.timeout_s = min(bus.timeout_s, 0.5)
    return await _says(bus, NOBODY) == A_VALUE


def _points(one: Board) -> dict[str, BitPoint]:
    points = {"门磁": one.magnet, "出门按钮": one.exit, "继电器": one.probe, "重启标志": one.restarted}
    points["读卡标志"] = one.reader.flag if one.reader else None
    return {name: point for name, point in points.items() if point}


async def _boards(bus: ModbusBus, unit: int, candidates: Sequence[Board], found: Probed) -> None:
    bits: dict[Bit, None] = {}
    for one in candidates:
        bits |= dict.fromkeys((p.table, p.at(0)) for p in _points(one).values())
    values = await BitScan(bus, unit, tuple(bits)).read()
    fitting = []
    for one in candidates:
        states = {name: values[p.table, p.at(0)] for name, p in _points(one).items()}
        if all(v is not None for v in states.values()) if states else await _has_relays(bus, unit, one):
            fitting.append(one)
    found.holds["名单"] = "不存名单，由边缘机判定"
    if len(candidates) == 1:
        _told_board(candidates[0], values, found, fits=bool(fitting) or not _points(candidates[0]))
    elif fitting:
        found.kind = "modbus_door"
        found.identity["可能的板型"] = "、".join(f"{b.board}（{b.title}）" for b in fitting)
        found.can.append("远程开门一次（写法随板型而异）")
        if any(b.magnet or b.exit for b in fitting):
            found.can.append("门磁与出门按钮")
        await _raw_bits(bus, unit, found)
        found.notes.append("寄存器相同的板型无法远程区分：请按铭牌选定，并用 board= 再探测一次")


async def _has_relays(bus: ModbusBus, unit: int, one: Board) -> bool:
    """A board without inputs, by the registers of its relays: each on or off."""
    place = one.pulse.read_back
    if place is None or place.table == "coil" or place.table == "discrete":
        return False
    with suppress(IllegalRequest, NoModbusAnswer):
        words = await bus.read_registers(unit, place.table, place.address, one.channels * place.step)
        return all(word in (0, place.on) for word in words)
    return False


async def _raw_bits(bus: ModbusBus, unit: int, found: Probed) -> None:
    """What a technician can compare with the lamps on the board."""
    tables: tuple[tuple[str, BitTable], ...] = (("线圈 0–7", "coil"), ("输入 0–7", "discrete"))
    for name, table in tables:
        with suppress(IllegalRequest, NoModbusAnswer):
            found.holds[name] = "".join("01"[bit] for bit in await bus.read_bits(unit, table, 0, 8))


def _told_board(one: Board, values: dict[Bit, bool | None], found: Probed, *, fits: bool) -> None:
    found.kind = "modbus_door"
    found.identity |= {"板型": one.board, "名称": one.title, "门数": str(one.channels)}
    found.can.append("远程开门一次" + ("（板上定时）" if one.pulse.device_side else "（由边缘机定时）"))
    found.can += [
        name for name, has in (("读卡", one.reader), ("保持常开", one.hold), ("消防联动输入", one.fire)) if has
    ]
    for name, point in _points(one).items():
        raw = values[point.table, point.at(0)]
        found.holds[f"door1 {name}"] = "读不到" if raw is None else "有效" if raw != point.invert else "无效"
    if not fits:
        found.notes.append(f"设备不认 {one.board} 的部分寄存器：板型可能不对")


async def _meters(bus: ModbusBus, unit: int, found: Probed) -> None:
    for model in meters().values():
        spec = model.value
        with suppress(IllegalRequest, NoModbusAnswer):
            value = value_of(spec, await bus.read_registers(unit, spec.table, spec.address, spec.count))
            if math.isfinite(value) and 0 < value <= model.maximum:
                found.kind = found.kind if found.kind == "modbus_door" else "modbus_meter"
                found.can += ["抄表"] if "抄表" not in found.can else []
                found.holds[f"若为 {model.model}（{model.title}）"] = f"{value:g}"


# ONVIF


async def probe_onvif(address: Address, found: Probed, password: str, timeout_s: float) -> None:
    from device_drivers.onvif_session import OnvifSession  # zeep takes half a second to import

    session = OnvifSession(address.host, address.port, address.username, password, timeout_s)
    try:
        await asyncio.to_thread(_onvif, session, found)
    finally:
        await asyncio.to_thread(session.close)


def _onvif(session: OnvifSession, found: Probed) -> None:
    from device_drivers.onvif_media import Media
    from device_drivers.onvif_words import ACCESS, DOORS, EVENTS, known_name

    session.measure_clock()  # needs no user
    found.answered, found.kind = True, "onvif_camera"
    found.set_clock(session.clock_offset_s)
    found.identity |= {name: value for name, value in session.device_information().items() if value}
    session.find_services()
    found.holds["服务"] = sorted(known_name(n) for n in session.addresses)
    if session.has(EVENTS):
        found.can.append("事件")
    if session.has(DOORS) or session.has(ACCESS):
        found.kind = "onvif_door"
        found.can.append("门控")
    media = Media(session)
    if not media.services():
        return
    found.holds["画面"] = [str(p) for p in media.profiles(media.services()[0])]
    for name, ask in (("抓拍", media.snapshot_uri), ("视频流", media.stream_uri)):
        try:
            ask()
            found.can.append(name)
        except DeviceRefused as error:
            found.notes.append(f"{name}：{error}")


# Face terminals


async def probe_face(address: Address, found: Probed, password: str, timeout_s: float) -> None:
    """Asks beside a running agent: answers are told apart by their message id."""
    try:
        zone = ZoneInfo(address.options.get("zone", "Asia/Shanghai"))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(f"zone: {address.options['zone']!r} is not known") from error
    broker = BrokerAddress(address.host, address.port, address.username, password)
    link = mqtt_link(broker, f"probe-{uuid.uuid4().hex[:12]}")
    channel = Channel(address.path, address.options.get("root", "mqtt/face"), link)
    try:
        await channel.open(max(timeout_s, 3.0))
        await _face(channel, found, zone, timeout_s)
    finally:
        await channel.close()


async def _face(channel: Channel, found: Probed, zone: ZoneInfo, timeout_s: float) -> None:
    before = datetime.now(UTC)
    answer = await channel.ask("GetSysTime", {}, timeout_s=timeout_s)
    after = datetime.now(UTC)
    found.answered, found.kind = True, "face_terminal"
    found.identity["device_id"] = channel.terminal
    at = envelope.parse_time(answer.info.text("SysTime"), zone)
    # The protocol gives whole seconds.
    found.set_clock(None if at is None else round((at - (before + (after - before) / 2)).total_seconds() + 0.5, 1))
    found.can += ["存名单并可回读", "人脸", "通行记录上报", *definition("face_terminal").capabilities.commands]
    with suppress(NoAnswer):
        settings = (await channel.ask("GetMQTTconfig", {}, timeout_s=timeout_s)).info
        kept = settings.text("ResumefromBreakpoint") == "1"
        found.can.append("断点续传：已开" if kept else "断点续传：未开，边缘机接入时会打开")
    with suppress(NoAnswer):
        info = (await channel.ask("GetDeviceInformation", {}, timeout_s=timeout_s)).info
        texts = {name: info.text(name) for name in list(info.values)[:20]}
        found.identity |= {n: t[:100] for n, t in texts.items() if t and n not in ("facesluiceid", "result")}
    held = await channel.ask("QueryPerson", {}, timeout_s=timeout_s + 5)
    if not held.ok:
        raise DeviceRefused(f"QueryPerson: {held.code} {held.info.text('detail')}".strip())
    tokens = codec.held_ids(held)
    found.holds |= {"人数": len(tokens), "编号": tokens[:MAX_TOKENS]}
