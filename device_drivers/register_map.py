"""Register maps of boards and meters as data files with a checked schema (`registers/boards`, `registers/meters`).

A site corrects a fact of a board in its file, not in code: files in `boards/` and `meters/` of the directory that
ESTATE_EDGE_REGISTERS names are read too, and go before ours of the same name. Every file names its source.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from device_drivers.card_number import Packing
from device_drivers.contract.words import Quantity
from device_drivers.driver import ConfigError
from device_drivers.register_action import Address, Pulse
from device_drivers.register_value import RegisterTable, RegisterValue

T = TypeVar("T", "Board", "Meter")
ROOT = Path(__file__).parent / "registers"
BitTable = Literal["coil", "discrete"]
URGENT_MS = 1000
EveryMs = Annotated[int, Meta(ge=20, le=3_600_000)]
EveryS = Annotated[float, Meta(ge=1, le=86_400)]


class BitPoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One bit: channel n (from 0) stands at `address + n * step`. `invert`: the wire's 0 means active.

    `every_ms`: how often it is asked; without it as often as the site's settings say (`poll_ms`). Points of one table and one
    period are asked together.
    """

    table: BitTable
    address: Address
    step: int = 1
    invert: bool = False
    debounce_ms: Annotated[int, Meta(ge=0, le=5000)] = 0
    every_ms: EveryMs | None = None

    def at(self, channel: int) -> int:
        return self.address + channel * self.step


class Hold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a bolt is held open. What holds is written again every `every_s` seconds.

    `coil`: FC05 on, off. `command_word`: FC06 `on << 8`, `off << 8`. `pulse`: the board cannot hold, so its pulse is repeated;
    `every_s` must be shorter than the pulse that is set on the board.
    """

    shape: Literal["coil", "command_word", "pulse"]
    address: Address
    step: int = 1
    on: Annotated[int, Meta(ge=0, le=255)] = 0
    off: Annotated[int, Meta(ge=0, le=255)] = 0
    every_s: Annotated[float, Meta(gt=0, le=10)] = 1.0


class CardRegisters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a read card stands. `flag` rises with a new card; after reading we write 0 to it."""

    table: RegisterTable
    address: Address
    count: Annotated[int, Meta(ge=1, le=8)]
    flag: BitPoint
    words_reversed: bool = False
    bytes_swapped: bool = False
    packing: Packing = "two_bytes"


class Gauge(RegisterValue, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What else a board measures (its own temperature, its supply), for the device's page: seldom asked.

    Below `minimum` or above `maximum` the board counts as faulty.
    """

    title: str
    unit: str = ""
    minimum: float = float("-inf")
    maximum: float = float("inf")
    every_s: EveryS = 60.0


class Board(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A door board family. Channel n is the point `door{n+1}`. Magnet active = door open; exit active = button pressed.

    `fire`: where input 1 stands that a fire contact may be wired to (a site's config says which input); active = fire.
    Every point and gauge may say how often it is asked.
    """

    board: str
    title: str
    source: str
    channels: Annotated[int, Meta(ge=1, le=32)]
    pulse: Pulse
    probe: BitPoint | None = None
    magnet: BitPoint | None = None
    exit: BitPoint | None = None
    reader: CardRegisters | None = None
    restarted: BitPoint | None = None
    hold: Hold | None = None
    fire: BitPoint | None = None
    inputs: Annotated[int, Meta(ge=0, le=64)] = 0
    gauges: tuple[Gauge, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        for name, point in (("fire", self.fire), ("exit", self.exit)):
            if point and point.every_ms and point.every_ms > URGENT_MS:
                raise ValueError(
                    f"{name}: the way out is looked at at least every {URGENT_MS} ms, not {point.every_ms}"
                )
        titles = [gauge.title for gauge in self.gauges]
        if len(set(titles)) != len(titles):
            raise ValueError("gauges: two of them have the same title")


class MeterValue(RegisterValue, frozen=True, forbid_unknown_fields=True):
    """A cumulative counter; the reading is the raw number times `scale`, in kWh or m³.

    `every_s`: how often it is read; without it as often as the site's settings say (`poll_s`).
    """

    every_s: EveryS | None = None


class StatusBits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A status register: a set bit (number as text) in `faults` makes the reading not ok, in `notes` is only told.

    `every_s`: where it need not be read with each value.
    """

    table: RegisterTable
    address: Address
    faults: dict[str, str] = {}
    notes: dict[str, str] = {}
    every_s: EveryS | None = None


class Meter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A meter model. `maximum`: a reading above is impossible."""

    model: str
    title: str
    source: str
    quantity: Quantity
    value: MeterValue
    maximum: float
    status: StatusBits | None = None
    note: str = ""


def _files(folder: str) -> dict[str, Path]:
    """By name; a site's own file stands for ours."""
    own = os.environ.get("ESTATE_EDGE_REGISTERS")
    roots = [ROOT, *([Path(own)] if own else [])]
    return {path.stem: path for root in roots for path in sorted((root / folder).glob("*.json"))}


@lru_cache
def boards() -> dict[str, Board]:
    """All board families by name. Raises ConfigError for a broken file, naming it."""
    return {name: _load(path, Board) for name, path in _files("boards").items()}


@lru_cache
def meters() -> dict[str, Meter]:
    """All meter models by name. Raises ConfigError for a broken file, naming it."""
    return {name: _load(path, Meter) for name, path in _files("meters").items()}


def board(name: str) -> Board:
    """Raises ConfigError for an unknown name, with the known ones."""
    if name not in boards():
        raise ConfigError(f"board: {name!r} is unknown; known: {', '.join(boards())}")
    return boards()[name]


def meter(name: str) -> Meter:
    """Raises ConfigError for an unknown name, with the known ones."""
    if name not in meters():
        raise ConfigError(f"model: {name!r} is unknown; known: {', '.join(meters())}")
    return meters()[name]


def _load(path: Path, kind: type[T]) -> T:
    try:
        found = msgspec.json.decode(path.read_bytes(), type=kind)
    except msgspec.MsgspecError as error:
        raise ConfigError(f"register map {path.name}: {error}") from error
    name = found.board if isinstance(found, Board) else found.model
    if name != path.stem:
        raise ConfigError(f"register map {path.name}: names itself {name!r}")
    return found
