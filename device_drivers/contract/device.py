"""A device as the hub configures it, as its driver describes it, and as it was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from device_drivers.contract.words import DeviceCondition, Direction, FailMode, Quantity


class AccessPointBinding(msgspec.Struct, frozen=True, omit_defaults=True):
    """The device's `point` (a door or reader number in the driver's words) is this access point of the estate.

    `camera`: device id of the camera that looks at it. `relay`: the device and point that open it, when a reader only reads.
    `door`: the door whose side this is. `fail_mode`: what its lock does without power.
    """

    access_point: str
    point: str
    direction: Direction = Direction.UNKNOWN
    camera: str | None = None
    held_open_after_s: int = 120
    door: str = ""
    fail_mode: FailMode = FailMode.FAIL_SAFE


class MeterBinding(msgspec.Struct, frozen=True):
    meter: str
    point: str
    quantity: Quantity


class DeviceConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """One device of an edge. `config` fits the driver's JSON schema. Foreign credentials are kept until a person chose."""

    device: str
    kind: str
    name: str
    config: dict[str, Any]
    access_points: tuple[AccessPointBinding, ...] = ()
    meters: tuple[MeterBinding, ...] = ()
    in_service: bool = True
    remove_foreign: bool = False


class EdgePolicy(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the estate's policy lets an edge do. Pictures are off unless the estate switched them on.

    `mode_default_s`: how long a lock-down, lock-open or block lasts when the command names no end; `mode_max_s`: the longest
    that a command may name. After it the door goes back to normal by itself. `read_back_s`: how often a device's list is
    read back though nothing changed. `stranger_hours`: how long a picture of somebody unknown may lie on the box, 0: it is
    dropped at once (the hub asks the law before it says more). `face_checks`: who shows a card before a camera is compared
    with its holder; `face_requests`: who presses the button at a camera is looked for among those who agreed. Both are
    facts for a person, and need a model pack on the box.
    """

    snapshots: bool = False
    snapshot_days: int = 7
    stranger_hours: int = 0
    face_checks: bool = False
    face_requests: bool = False
    mode_default_s: int = 4 * 3600
    mode_max_s: int = 24 * 3600
    read_back_s: int = 300


class DeviceSet(msgspec.Struct, frozen=True):
    """All devices of one edge. Whole, with a generation, like an access list."""

    edge: str
    estate: str
    time_zone: str
    generation: int
    devices: tuple[DeviceConfig, ...]
    policy: EdgePolicy = EdgePolicy()


class Capabilities(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a driver can promise for a device. The edge decides where the device holds no list.

    `identifiers`: the types the device itself recognises from its list. `edge_identifiers`: types it only passes on, for the
    edge to decide (a terminal's QR code, a reader's card). Both empty (an older edge): what `cards` and `photos` say.
    `schedules`, `counts`: the device itself keeps hours of the day, or counts a pass's uses. What it cannot keep it is not
    given: the edge decides, where the device passes the identifier on. `locks_down`: it has a lock-down of its own, which
    must be ordered and released. `replays_events`: it sends by itself what was not acknowledged. `history`: it keeps what
    happened and gives it when asked for, so that what was lost on the way is had again.
    """

    holds_list: bool = False
    reads_back: bool = False
    validity_dates: bool = False
    batch: int = 1
    photos: bool = False
    cards: bool = False
    device_side_pulse: bool = False
    replays_events: bool = False
    capacity: int | None = None
    commands: tuple[str, ...] = ()
    meters: bool = False
    snapshots: bool = False
    identifiers: tuple[str, ...] = ()
    edge_identifiers: tuple[str, ...] = ()
    schedules: bool = False
    counts: bool = False
    locks_down: bool = False
    history: bool = False

    @property
    def accepted(self) -> frozenset[str]:
        """Every identifier type with which somebody may pass at this device."""
        told = {*self.identifiers, *self.edge_identifiers}
        return frozenset(told or {name for name, can in (("card", self.cards), ("face", self.photos)) if can})

    @property
    def passed_on(self) -> frozenset[str]:
        """Types about which the edge decides."""
        return frozenset(self.edge_identifiers) if self.holds_list else self.accepted

    def held_here(self, types: Iterable[str], *, scheduled: bool, counted: bool) -> frozenset[str]:
        """Which of these types the device may recognise by its own list: none of a credential it cannot limit.

        `scheduled`: it opens at certain hours only; `counted`: a number of times. The device would open around the clock.
        """
        if not self.holds_list or (scheduled and not self.schedules) or (counted and not self.counts):
            return frozenset()
        own = frozenset(self.identifiers) if self.identifiers or self.edge_identifiers else self.accepted
        return own & frozenset(types)

    def usable(self, types: Iterable[str], *, scheduled: bool, counted: bool) -> frozenset[str]:
        """With which of these types somebody so limited can pass here, by the device's list or by the edge's word."""
        types = frozenset(types)
        return self.held_here(types, scheduled=scheduled, counted=counted) | (self.passed_on & types)


class HeldCredential(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a device says it holds. `fingerprint` only where the device can prove it."""

    token: str
    fingerprint: str | None = None


class DeviceInventory(msgspec.Struct, frozen=True):
    """What was read back from a device. `complete` is False when the device could not tell everything it holds."""

    held: tuple[HeldCredential, ...]
    read_at: datetime
    complete: bool = True


class DeviceStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """`clock_offset_s` is device minus edge; `since` is when the condition began; `detail` is for a person.

    `observing` is False when the connection stands and nothing behind it can be observed (a wrong register map).
    """

    condition: DeviceCondition
    since: datetime
    last_seen_at: datetime | None = None
    clock_offset_s: float | None = None
    detail: str = ""
    manufacturer: str = ""
    model: str = ""
    firmware: str = ""
    serial: str = ""
    observing: bool = True


class Variant(msgspec.Struct, frozen=True):
    """What devices can do whose config has all these `settings` (a keypad that is wired, a model without cards)."""

    settings: dict[str, Any]
    capabilities: Capabilities


def of_config(
    kind: Capabilities, variants: Iterable[Variant], config: Mapping[str, Any], schema: Mapping[str, Any]
) -> Capabilities:
    """What one device of a kind can do: as the first variant that fits its config, else as the kind.

    A setting that the config does not name has the default of its JSON `schema`.
    """
    usual = {name: spec["default"] for name, spec in schema.get("properties", {}).items() if "default" in spec}
    said = {**usual, **config}
    return next(
        (v.capabilities for v in variants if all(said.get(k) == value for k, value in v.settings.items())), kind
    )


class DriverInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an edge can drive. The hub draws the "add device" form from `schema` (JSON Schema of the config).

    `capabilities`: of the kind; `variants`: of devices with certain settings.
    """

    kind: str
    title: str
    schema: dict[str, Any]
    capabilities: Capabilities
    variants: tuple[Variant, ...] = ()
