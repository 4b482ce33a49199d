"""What ONVIF door control and access control services say: doors, their states, and who was let in or refused. Pure.

Names follow IEC 60839-11-32/-33. Words this release does not know read as `OTHER` and keep their text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from device_drivers import card_number
from device_drivers.contract.access import Identifier
from device_drivers.contract.events import AccessEvent, CameraEvent, DoorEvent
from device_drivers.contract.words import (
    AccessOutcome,
    DenyReason,
    DoorAlarm,
    DoorMode,
    DoorState,
    IdentifierType,
)
from device_drivers.driver import CredentialPresented
from device_drivers.onvif_events import OnvifMessage
from device_drivers.onvif_xml import Element, attribute, every, first, is_true, text

W = TypeVar("W")
MAX_ITEMS = 1000
_MODES = {
    "locked": DoorMode.LOCKED,
    "doublelocked": DoorMode.LOCKED,
    "unlocked": DoorMode.UNLOCKED,
    "accessed": DoorMode.ACCESSED,
    "blocked": DoorMode.BLOCKED,
    "lockeddown": DoorMode.LOCKED_DOWN,
    "lockedopen": DoorMode.LOCKED_OPEN,
}
_STATES = {"open": DoorState.OPEN, "closed": DoorState.CLOSED, "fault": DoorState.FAULT}
_ALARMS = {
    "normal": DoorAlarm.NORMAL,
    "doorforcedopen": DoorAlarm.FORCED_OPEN,
    "dooropentoolong": DoorAlarm.HELD_OPEN,
    "tamperdetected": DoorAlarm.TAMPER,
}
_REASONS = {
    "credentialnotenabled": DenyReason.BLOCKED,
    "credentialnotactive": DenyReason.NOT_YET_VALID,
    "credentialexpired": DenyReason.EXPIRED,
    "notpermittedatthistime": DenyReason.OUT_OF_SCHEDULE,
    "unauthorized": DenyReason.WRONG_ACCESS_POINT,
    "invalidpin": DenyReason.UNKNOWN_CREDENTIAL,
}
_OUTCOMES = {
    "AccessGranted": AccessOutcome.GRANTED,
    "AccessTaken": AccessOutcome.TAKEN,
    "AccessNotTaken": AccessOutcome.NOT_TAKEN,
    "Denied": AccessOutcome.DENIED,
}


@dataclass(frozen=True, slots=True)
class DoorInfo:
    """A door and what its controller says it can do (`Access`, `LockDown`, …); empty where it does not say."""

    token: str
    name: str = ""
    can: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DoorReport:
    """GetDoorState. What is not told is unknown, never closed or locked."""

    state: DoorState = DoorState.UNKNOWN
    mode: DoorMode = DoorMode.UNKNOWN
    alarm: DoorAlarm = DoorAlarm.NORMAL
    told_mode: str = ""


def doors(reply: Element) -> tuple[DoorInfo, ...]:
    """Of GetDoorInfoList."""
    found = []
    for element in every(reply, "DoorInfo")[:MAX_ITEMS]:
        if token := attribute(element, "token"):
            told = first(element, "Capabilities")
            can = (
                (str(name).rsplit("}", 1)[-1] for name, v in told.attrib.items() if is_true(str(v)))
                if told is not None
                else ()
            )
            found.append(DoorInfo(token, text(element, "Name"), frozenset(can)))
    return tuple(found)


def next_page(reply: Element) -> str:
    """Where the rest of a list begins; empty at its end."""
    return text(reply, "NextStartReference")


def access_points(reply: Element) -> dict[str, str]:
    """Access point → the door it controls, of GetAccessPointInfoList; itself where it names none."""
    return {
        token: text(element, "Entity") or token
        for element in every(reply, "AccessPointInfo")[:MAX_ITEMS]
        if (token := attribute(element, "token"))
    }


def door_report(reply: Element) -> DoorReport:
    """Of GetDoorState."""
    alarm = _word(_ALARMS, text(reply, "Alarm"), DoorAlarm.NORMAL)
    if _plain(text(reply, "Tamper")) == "tamperdetected":
        alarm = DoorAlarm.TAMPER
    mode = text(reply, "DoorMode")
    return DoorReport(
        _word(_STATES, text(reply, "DoorPhysicalState"), DoorState.UNKNOWN),
        _word(_MODES, mode, DoorMode.UNKNOWN),
        alarm,
        mode,
    )


def _plain(value: str) -> str:
    return value.strip().casefold().replace("_", "")


def _word(table: Mapping[str, W], value: str, otherwise: W) -> W:
    return table.get(_plain(value), otherwise)


@dataclass(slots=True)
class Door:
    """A door as its events tell it, one property at a time."""

    token: str
    state: DoorState = DoorState.UNKNOWN
    mode: DoorMode = DoorMode.UNKNOWN
    alarm: DoorAlarm = DoorAlarm.NORMAL
    tamper: bool = False

    def learn(self, path: str, told: str) -> bool:
        """`path` of a `Door/State` topic. True when the door stands otherwise than before."""
        before = self.event()
        match path.rsplit("/", 1)[-1]:
            case "DoorPhysicalState":
                self.state = _word(_STATES, told, DoorState.UNKNOWN)
            case "DoorMode":
                self.mode = _word(_MODES, told, DoorMode.UNKNOWN)
            case "DoorAlarm":
                self.alarm = _word(_ALARMS, told, DoorAlarm.NORMAL)
            case "DoorTamper":
                self.tamper = _plain(told) == "tamperdetected"
        return self.event() != before

    def event(self) -> DoorEvent:
        alarm = DoorAlarm.TAMPER if self.tamper and self.alarm is DoorAlarm.NORMAL else self.alarm
        return DoorEvent(self.state, alarm, self.mode, self.token)


def door_of(message: OnvifMessage) -> tuple[str, str] | None:
    """(door token, state as told) of a `Door/State` topic; None for any other."""
    if not message.path.startswith("Door/State/"):
        return None
    token = _either(message.source, "DoorToken", "Token")
    return (token, _either(message.data, "State", "DoorMode", "Value")) if token else None


def _either(items: Mapping[str, str], *names: str) -> str:
    """The first of these names that is there; else the only item there is."""
    for name in names:
        if items.get(name):
            return items[name]
    return next(iter(items.values()), "") if len(items) == 1 else ""


def access_of(
    message: OnvifMessage, door_by_point: Mapping[str, str], ours: Mapping[str, str]
) -> AccessEvent | CredentialPresented | None:
    """What an `AccessControl` topic says; None for any other. `ours`: the device's credential token → the hub's.

    A card that the device does not know is passed on: the edge decides about it.
    """
    parts = message.path.split("/")
    if parts[0] != "AccessControl" or len(parts) < 2 or parts[1] not in _OUTCOMES or parts[-1] == "External":
        return None  # External: what somebody outside decided; where that was this box, its own event tells it
    access_point = _either(message.source, "AccessPointToken", "Token")
    point = door_by_point.get(access_point, access_point)
    if parts[1:3] == ["Denied", "CredentialNotFound"]:
        card = _card(message.data.get("Card", ""))
        if card:
            return CredentialPresented(point, Identifier(IdentifierType.CARD, card))
        return AccessEvent(AccessOutcome.DENIED, point, reason=DenyReason.UNKNOWN_CREDENTIAL)
    outcome = _OUTCOMES[parts[1]]
    told = message.data.get("CredentialToken", "")
    reason = message.data.get("Reason", "")
    return AccessEvent(
        outcome,
        point,
        credential=ours.get(told),
        reason=_reason(reason) if outcome is AccessOutcome.DENIED else None,
        text="" if _plain(reason) in _REASONS else reason[:100],
    )


def _reason(told: str) -> DenyReason | None:
    """A word that this release does not know keeps its text."""
    return _REASONS.get(_plain(told)) or (DenyReason(told[:60]) if told else None)


def _card(value: str) -> str:
    """Devices show a card as a decimal number or as hex bytes."""
    renderings: tuple[card_number.Rendering, ...] = ("decimal", "hex")
    for rendering in renderings:
        try:
            return card_number.normalise(value, rendering)
        except card_number.CardNumberError:
            continue
    return ""


def card_in(format_type: str, value: str) -> str:
    """The card of a credential identifier (hexBinary of the number, or of its digits as text)."""
    try:
        raw = bytes.fromhex(value)
        return card_number.normalise(raw.decode("ascii")) if "ALPHA" in format_type else card_number.from_bytes(raw)
    except (ValueError, card_number.CardNumberError):
        return ""


@dataclass(frozen=True, slots=True)
class Request:
    """A device asks the outside whether to let somebody in. `credential`: its own token; `card`: where it knows no token."""

    access_point: str
    credential: str = ""
    card: str = ""


def request_of(message: OnvifMessage) -> Request | None:
    """Of `AccessControl/Request/{Credential,Identifier}`; None for any other. Nobody in particular is not asked about."""
    parts = message.path.split("/")
    if message.is_state or parts[:2] != ["AccessControl", "Request"] or len(parts) != 3:
        return None
    point = _either(message.source, "AccessPointToken", "Token")
    if parts[2] == "Credential" and (token := message.data.get("CredentialToken", "")):
        return Request(point, token)
    if parts[2] == "Identifier":
        card = card_in(message.data.get("FormatType", ""), message.data.get("IdentifierValue", ""))
        return Request(point, card=card) if card else None
    return None


def told_otherwise(message: OnvifMessage, point: str) -> CameraEvent | None:
    """What no door or access topic is: inputs, relays, tamper; kept as sent. States are not told."""
    return None if message.is_state else message.event(point)
