"""Record exports of terminals taken over: newline-delimited JSON lines become journal events. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from device_drivers.contract.access import AccessList
from device_drivers.contract.device import DeviceConfig
from device_drivers.contract.events import AccessEvent, DoorEvent, Event, EventBody, MeterReading, ObservationChanged
from device_drivers.contract.words import (
    AccessOutcome,
    DenyReason,
    Direction,
    DoorAlarm,
    DoorState,
    IdentifierType,
    ObservationState,
    Quantity,
)
from edge_agent.decide import normalise


class AccessLine(msgspec.Struct, frozen=True, tag_field="t", tag="access"):
    device: str
    at: datetime
    by: IdentifierType
    granted: bool
    point: str = ""
    holder: str | None = None
    card: str | None = None
    reason: DenyReason | None = None
    direction: Direction = Direction.UNKNOWN


class DoorLine(msgspec.Struct, frozen=True, tag_field="t", tag="door"):
    device: str
    at: datetime
    state: DoorState
    point: str = ""
    alarm: DoorAlarm = DoorAlarm.NORMAL


class MeterLine(msgspec.Struct, frozen=True, tag_field="t", tag="meter"):
    device: str
    at: datetime
    quantity: Quantity
    value: float | None
    point: str = ""
    ok: bool = True


class ObservationLine(msgspec.Struct, frozen=True, tag_field="t", tag="observation"):
    device: str
    at: datetime
    state: ObservationState
    reason: str = ""
    point: str = ""


Line = AccessLine | DoorLine | MeterLine | ObservationLine
_decoder: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


def site_code(config: DeviceConfig) -> str:
    """How a record export names a device."""
    return str(config.config.get("code") or config.device)


def card_holders(lists: Iterable[AccessList]) -> dict[str, str]:
    """Card number → credential token, over all lists this box holds. A number of two credentials belongs to neither."""
    holders: dict[str, str] = {}
    double: set[str] = set()
    for access_list in lists:
        for credential in access_list.credentials:
            for identifier in credential.identifiers:
                if identifier.type is IdentifierType.CARD and identifier.value:
                    card = normalise(identifier.type, identifier.value)
                    if holders.setdefault(card, credential.token) != credential.token:
                        double.add(card)
    return {card: token for card, token in holders.items() if card not in double}


@dataclass(slots=True)
class HistoryMap:
    """`holders`: person id of the other system → token, from an optional `holders.json`."""

    devices: Mapping[str, DeviceConfig]
    cards: Mapping[str, str]
    holders: Mapping[str, str] = field(default_factory=dict)

    def events(self, lines: Iterable[bytes], received: datetime) -> tuple[list[Event], list[str]]:
        """Events in the file's order, and why each other line was refused. Blank lines are nothing."""
        events: list[Event] = []
        refused: list[str] = []
        for raw in lines:
            if not raw.strip():
                continue
            try:
                line = _decoder.decode(raw)
                config = self.devices[line.device]
            except ValueError as error:
                refused.append(f"unreadable: {error}")
            except KeyError as error:
                refused.append(f"unknown device {error}")
            else:
                if line.at.tzinfo is None:
                    refused.append("time without zone")
                    continue
                body = self._body(line, config)
                events.append(Event(0, config.device, received, body, device_at=line.at, late=True))
        return events, refused

    def _body(self, line: Line, config: DeviceConfig) -> EventBody:
        match line:
            case MeterLine():
                meter = next((m.meter for m in config.meters if m.point == line.point), "")
                return MeterReading(line.quantity, line.value, line.point, meter, line.ok)
            case ObservationLine():
                return ObservationChanged(line.state, line.reason, line.point)
        bindings = config.access_points
        binding = next((b for b in bindings if b.point == line.point), None)
        if binding is None and len(bindings) == 1:
            binding = bindings[0]
        access_point = binding.access_point if binding else ""
        if isinstance(line, DoorLine):
            return DoorEvent(line.state, line.alarm, point=line.point, access_point=access_point)
        direction = line.direction
        if direction is Direction.UNKNOWN and binding:
            direction = binding.direction
        return AccessEvent(
            AccessOutcome.GRANTED if line.granted else AccessOutcome.DENIED,
            line.point,
            access_point,
            self._token(line),
            line.by,
            line.reason,
            direction,
        )

    def _token(self, line: AccessLine) -> str | None:
        if line.card and (token := self.cards.get(normalise(IdentifierType.CARD, line.card))):
            return token
        return self.holders.get(line.holder) if line.holder else None
