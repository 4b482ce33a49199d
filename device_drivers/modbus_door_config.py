"""The settings of a door board, what of them cannot be, and what a board so set can do. Pure but for the data files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from device_drivers import card_number, register_map
from device_drivers.contract.device import Capabilities
from device_drivers.contract.words import CommandKind, IdentifierType
from device_drivers.driver import ConfigError
from device_drivers.keypad import Delivery
from device_drivers.modbus_bus import BusConfig
from device_drivers.register_map import Board

KEYPADS: tuple[Delivery, ...] = ("keys4", "keys8", "frame")
KEYS_POLL_MS = 100  # keys come several a second, and a board keeps only the last


class ModbusDoorConfig(BusConfig, frozen=True, kw_only=True):
    """Settings of a door board."""

    unit: Annotated[int, Meta(title="站号", description="Modbus unit id", ge=0, le=255)] = 1
    board: Annotated[str, Meta(title="板型", description="Board family (a file in registers/boards)")]
    doors: Annotated[int, Meta(title="门数", description="Doors on this board, from channel 0", ge=1, le=32)] = 1
    pulse_s: Annotated[float, Meta(title="开锁时长（秒）", description="Bolt release, seconds", gt=0, le=60)] = 3.0
    poll_ms: Annotated[int, Meta(title="轮询间隔（毫秒）", description="Poll period, ms", ge=20, le=10000)] = 100
    grace_s: Annotated[
        float, Meta(title="开门宽限（秒）", description="An opening this long after a release is not forced", ge=0)
    ] = 5.0
    held_open_after_s: Annotated[float, Meta(title="超时未关（秒）", description="Held-open alarm after", gt=0)] = 120.0
    magnet_invert: Annotated[
        bool | None, Meta(title="门磁取反", description="Overrides the board's magnet polarity")
    ] = None
    exit_invert: Annotated[
        bool | None, Meta(title="出门按钮取反", description="Overrides the board's exit button polarity")
    ] = None
    exit_opens: Annotated[
        bool,
        Meta(title="出门按钮由本机开锁", description="The button is wired to the board only: a press opens the bolt"),
    ] = False
    fire_input: Annotated[
        int, Meta(title="消防联动输入（编号）", description="Input of the fire panel's contact; 0: none", ge=0, le=64)
    ] = 0
    fire_invert: Annotated[
        bool | None, Meta(title="消防输入取反", description="True: an open contact is a fire (a cut wire too)")
    ] = None
    fire_scope: Annotated[
        Literal["board", "edge"],
        Meta(title="消防联动范围", description="board: its doors; edge: all doors of this edge"),
    ] = "board"
    reader: Annotated[
        card_number.Rendering, Meta(title="卡号格式", description="hex_reversed/decimal_reversed: bytes are swapped")
    ] = "decimal"
    keypad: Annotated[
        Delivery,
        Meta(
            title="密码键盘",
            description="A keypad on the reader's line, PIN ended with #. keys4/keys8: a key a burst; frame: the PIN as one "
            "card frame",
        ),
    ] = "none"


def check(settings: ModbusDoorConfig, board: Board) -> None:
    """Raises ConfigError with the field's name."""
    if settings.doors > board.channels:
        raise ConfigError(f"doors: {settings.doors}, but the board {board.board} has {board.channels}")
    check_fire(settings, board)
    check_keypad(settings, board)


def check_keypad(settings: ModbusDoorConfig, board: Board) -> None:
    if settings.keypad == "none":
        return
    if board.reader is None:
        raise ConfigError(f"keypad: {settings.keypad}, but the board {board.board} has no reader input for one")
    if settings.keypad != "frame" and settings.poll_ms > KEYS_POLL_MS:
        raise ConfigError(f"poll_ms: {settings.poll_ms}, too slow for a keypad's keys; set {KEYS_POLL_MS} or less")


def check_fire(settings: ModbusDoorConfig, board: Board) -> None:
    """A fire contact on an input that does not exist, or that something else is wired to, would never be a fire."""
    if not settings.fire_input:
        return
    if board.fire is None or settings.fire_input > board.inputs:
        raise ConfigError(f"fire_input: {settings.fire_input}, but the board {board.board} has {board.inputs} inputs")
    place = (board.fire.table, board.fire.at(settings.fire_input - 1))
    for name, point in (("door magnet", board.magnet), ("exit button", board.exit)):
        if point and place in {(point.table, point.at(n)) for n in range(settings.doors)}:
            raise ConfigError(f"fire_input: {settings.fire_input} is the {name} of a door; wire it to a free input")


def narrow(kind: Capabilities, config: Mapping[str, Any]) -> Capabilities:
    """Whether the board ends a pulse by itself, and can be held open, stands in its register map. A PIN is known where a keypad
    is wired to its reader input.
    """
    family = register_map.boards().get(str(config.get("board")))
    if family is None:
        return kind
    commands = kind.commands if family.hold else tuple(c for c in kind.commands if c != CommandKind.LOCK_OPEN)
    typed = (IdentifierType.PIN.value,) if family.reader and config.get("keypad") in KEYPADS else ()
    return msgspec.structs.replace(
        kind,
        device_side_pulse=family.pulse.device_side,
        commands=commands,
        edge_identifiers=(*kind.edge_identifiers, *typed),
    )


def families() -> list[dict[str, Any]]:
    """The settings by which boards differ in what they can do, the more special first."""
    boards = register_map.boards()
    return [
        *({"board": name, "keypad": keypad} for name, board in boards.items() if board.reader for keypad in KEYPADS),
        *({"board": name} for name in boards),
    ]
