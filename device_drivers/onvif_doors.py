"""Doors of one ONVIF device: by its door control service, or, where it has none, by its relays. Blocking.

A momentary access is sent once. The device itself holds the bolt and lets it go: AccessDoor with a time, or a monostable
relay. A relay that cannot be made monostable opens nothing: with a lost link the door would stay open.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from device_drivers import onvif_pacs, onvif_replies
from device_drivers.contract.words import CommandKind, DoorMode
from device_drivers.driver import DeviceRefused
from device_drivers.onvif_pacs import DoorInfo, DoorReport
from device_drivers.onvif_replies import Relay
from device_drivers.onvif_session import NoSuchCall, OnvifSession
from device_drivers.onvif_words import ACCESS, DEVICE, DEVICE_IO, DOORS, Service
from device_drivers.onvif_xml import Element

log = logging.getLogger(__name__)
PAGE, MAX_PAGES = 50, 40
ORDERS = {
    CommandKind.LOCK_DOWN: ("LockDownDoor", DoorMode.LOCKED_DOWN),
    CommandKind.LOCK_OPEN: ("LockOpenDoor", DoorMode.LOCKED_OPEN),
    CommandKind.BLOCK: ("BlockDoor", DoorMode.BLOCKED),
}
RELEASES = {
    DoorMode.LOCKED_DOWN: "LockDownReleaseDoor",
    DoorMode.LOCKED_OPEN: "LockOpenReleaseDoor",
    DoorMode.BLOCKED: "LockDoor",
    DoorMode.UNLOCKED: "LockDoor",
}
ANY_RELEASE = ("LockDownReleaseDoor", "LockOpenReleaseDoor", "LockDoor")


class DoorService:
    """`doors` and `relays` are filled by `find`. Raises DeviceUnreachable, DeviceRefused, WrongSecret."""

    def __init__(self, session: OnvifSession) -> None:
        self.session = session
        self.doors: tuple[DoorInfo, ...] = ()
        self.relays: tuple[Relay, ...] = ()
        self.door_by_point: dict[str, str] = {}
        self._relay_service: Service = DEVICE_IO

    @property
    def points(self) -> tuple[str, ...]:
        return tuple(d.token for d in self.doors) or tuple(r.token for r in self.relays)

    def find(self) -> None:
        """Raises DeviceRefused where the device has neither doors nor relays."""
        if self.session.has(DOORS):
            self.doors = tuple(d for page in self._pages(DOORS, "GetDoorInfoList") for d in onvif_pacs.doors(page))
        if self.session.has(ACCESS):
            try:
                for page in self._pages(ACCESS, "GetAccessPointInfoList"):
                    self.door_by_point |= onvif_pacs.access_points(page)
            except DeviceRefused as error:
                log.info("%s tells no access points: %s", self.session.host, error)
        if not self.doors:
            self._find_relays()

    def _pages(self, service: Service, operation: str) -> list[Element]:
        pages: list[Element] = []
        start = ""
        for _ in range(MAX_PAGES):
            arguments = {"Limit": PAGE, **({"StartReference": start} if start else {})}
            pages.append(self.session.ask(service, operation, arguments))
            start, before = onvif_pacs.next_page(pages[-1]), start
            if not start or start == before:
                break
        return pages

    def _find_relays(self) -> None:
        refusal: DeviceRefused | None = None
        for service in (DEVICE_IO, DEVICE):  # the device service has the older calls
            try:
                self.relays = onvif_replies.relays(self.session.ask(service, "GetRelayOutputs"))
                self._relay_service = service
            except DeviceRefused as error:
                refusal = error
            if self.relays:
                return
        raise NoSuchCall("the device has neither doors nor relay outputs") from refusal

    def token(self, point: str) -> str:
        """The device's own token; `door1`, `door2` … count, and nothing means the first. Raises DeviceRefused."""
        points = self.points
        if not point and points:
            return points[0]
        if point in points:
            return point
        place = point.removeprefix("door")
        if point.startswith("door") and place.isascii() and place.isdigit() and 1 <= int(place) <= len(points):
            return points[int(place) - 1]
        raise DeviceRefused(f"no door {point!r}; this device has {', '.join(points)}")

    def authorise(self, access_point: str, credential: str, granted: bool, reason: str) -> None:
        """The answer to a device that asks the outside; it opens by it, or not."""
        answer = {
            "AccessPointToken": access_point,
            **({"CredentialToken": credential} if credential else {}),
            **({"Reason": reason} if reason else {}),
            "Decision": "Granted" if granted else "Denied",
        }
        self.session.ask(ACCESS, "ExternalAuthorization", answer)

    def report(self, token: str) -> DoorReport:
        """Unknown for a relay: it says nothing of a door."""
        if not self.doors:
            return DoorReport()
        return onvif_pacs.door_report(self.session.ask(DOORS, "GetDoorState", {"Token": token}))

    def open_once(self, token: str, hold_s: float) -> None:
        """One pulse, held by the device."""
        if not self.doors:
            self._pulse_relay(token, hold_s)
            return
        can = next((d.can for d in self.doors if d.token == token), frozenset())
        timed = not can or "AccessTimingOverride" in can
        arguments = {"Token": token, **({"AccessTime": timedelta(seconds=hold_s)} if timed else {})}
        self.session.ask(DOORS, "AccessDoor", arguments)

    def _pulse_relay(self, token: str, hold_s: float) -> None:
        relay = next(r for r in self.relays if r.token == token)
        wanted = {"Mode": "Monostable", "DelayTime": timedelta(seconds=hold_s), "IdleState": relay.idle or "open"}
        try:  # of the device service: the schema of the other names a relay otherwise
            self.session.ask(DEVICE, "SetRelayOutputSettings", {"RelayOutputToken": token, "Properties": wanted})
        except DeviceRefused as error:
            if not relay.pulses:
                raise DeviceRefused(f"relay {token} is not monostable and cannot be made so: {error}") from error
        self.session.ask(
            self._relay_service, "SetRelayOutputState", {"RelayOutputToken": token, "LogicalState": "active"}
        )

    def order(self, kind: CommandKind, token: str) -> None:
        """Lock down, lock open, block, release; the door's mode is read back. Raises NoSuchCall, DeviceRefused."""
        if not self.doors:
            raise NoSuchCall("a relay can only be pulsed")
        if kind is CommandKind.RELEASE:
            mode = self._now(token).mode
            if mode is DoorMode.UNKNOWN:
                self._release_from_any(token)
            elif mode in RELEASES:
                self.session.ask(DOORS, RELEASES[mode], {"Token": token})
                self._check(token, not_mode=mode)
            return
        operation, wanted = ORDERS[kind]
        self.session.ask(DOORS, operation, {"Token": token})
        self._check(token, mode=wanted)

    def _release_from_any(self, token: str) -> None:
        """A door that does not tell its mode must not stay as it is: what does not fit the device refuses."""
        refusals: list[DeviceRefused] = []
        for operation in ANY_RELEASE:
            try:
                self.session.ask(DOORS, operation, {"Token": token})
            except DeviceRefused as error:
                refusals.append(error)
        if len(refusals) == len(ANY_RELEASE):
            raise refusals[0]

    def _now(self, token: str) -> DoorReport:
        """Unknown also where the device refuses to tell: what was ordered before stands all the same."""
        try:
            return self.report(token)
        except DeviceRefused as error:
            log.info("%s: state of door %s: %s", self.session.host, token, error)
            return DoorReport()

    def _check(self, token: str, *, mode: DoorMode | None = None, not_mode: DoorMode | None = None) -> None:
        now = self._now(token)
        if now.mode is DoorMode.UNKNOWN:  # it does not tell: its yes has to do
            return
        if (mode and now.mode is not mode) or now.mode is not_mode:
            raise DeviceRefused(f"the device said yes, but the door is {now.told_mode or now.mode}")
