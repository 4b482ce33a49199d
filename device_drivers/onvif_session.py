"""Calls to one ONVIF device: signed by WS-UsernameToken (measured clock offset) and HTTP Digest, at addresses that work.

Blocking; a driver calls it in threads of its own (`onvif_device`). Replies are read by local name: HTML, faults, odd
namespaces and missing services each get an error that says which.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from lxml import etree
from zeep.exceptions import Error as ZeepError

from device_drivers import onvif_replies, onvif_xml
from device_drivers.driver import DeviceRefused, DeviceUnreachable, WrongSecret
from device_drivers.onvif_http import Http, NotHere, Reply
from device_drivers.onvif_soap import Token, build
from device_drivers.onvif_words import DEVICE, EVENTS, MEDIA, Service
from device_drivers.onvif_xml import Element

log = logging.getLogger(__name__)
DEVICE_PATH = "/onvif/device_service"
# zeep raises these at arguments that do not fit the schema.
BUILD_ERRORS = (ZeepError, etree.LxmlError, AttributeError, KeyError, TypeError, ValueError)
SECRET_CODES = ("NotAuthorized", "FailedAuthentication", "FailedCheck", "InvalidSecurity", "Unauthorized")


class NoSuchCall(DeviceRefused):
    """The device lacks the service or the operation. Something else may serve, or nothing."""


class OnvifSession:
    """Calls to one device. Raises DeviceUnreachable, DeviceRefused (a fault, with its codes), WrongSecret."""

    def __init__(
        self,
        host: str,
        port: int,
        username: str,
        password: str,
        timeout_s: float = 5.0,
        *,
        path: str = DEVICE_PATH,
        tls: bool = False,
    ) -> None:
        self.host, self.port, self.username, self.password = host, port, username, password
        self.timeout_s = timeout_s
        self.clock_offset_s: float | None = None
        self.zone_offset_s: float | None = None  # its local time minus UTC, where it tells
        self.addresses: dict[str, str] = {}  # by namespace, as the device told them
        self.http = Http(host, port, username, password, timeout_s, tls=tls)
        self.device_address = f"{self.http.scheme}://{self.http.authority}/{path.lstrip('/')}"
        self._plain = False  # the device wants no WS-UsernameToken beside HTTP Digest

    def ask(
        self,
        service: Service,
        operation: str,
        arguments: dict[str, Any] | None = None,
        *,
        address: str = "",
        signed: bool = True,
        wait_s: float = 0.0,
        reference: tuple[str, ...] = (),
    ) -> Element:
        """One call; the reply's envelope. A refused sign-in is tried once more with a fresh clock offset.

        `address`: as told by the device, where it is not the service's own. `reference`: of a subscription, sent back.
        """
        told = address or self.address(service)
        call = (service, operation, arguments or {}, told, wait_s, reference)
        try:
            return self._call(*call, signed=signed and not self._plain)
        except WrongSecret as refusal:
            if not signed:
                raise
            if self._clock_moved():
                return self._call(*call, signed=not self._plain)
            if self._plain or not self.username:
                raise
            return self._without_token(refusal, call)

    def _without_token(self, refusal: WrongSecret, call: tuple[Any, ...]) -> Element:
        """Some devices that know HTTP Digest take the token beside it for an attack."""
        try:
            reply = self._call(*call, signed=False)
        except WrongSecret:
            raise refusal from None
        self._plain = True
        return reply

    def _clock_moved(self) -> bool:
        before = self.clock_offset_s
        try:
            self.measure_clock()
        except (DeviceRefused, WrongSecret):
            return False
        return self.clock_offset_s is not None and (before is None or abs(self.clock_offset_s - before) > 1)

    def _call(
        self,
        service: Service,
        operation: str,
        arguments: dict[str, Any],
        told: str,
        wait_s: float,
        reference: tuple[str, ...],
        *,
        signed: bool,
    ) -> Element:
        offset = timedelta(seconds=self.clock_offset_s or 0.0)
        failure: DeviceUnreachable | DeviceRefused | None = None
        for authority in self.http.places(told):
            url = self.http.rewrite(told, authority)
            token = Token(self.username, self.password, offset) if signed and self.username else None
            try:
                body, action = build(service, operation, arguments, address=url, token=token, reference=reference)
            except BUILD_ERRORS as error:
                raise DeviceRefused(f"{operation}: {type(error).__name__}: {error}"[:300]) from error
            headers = {"Content-Type": f'application/soap+xml; charset=utf-8; action="{action}"'}
            try:
                envelope = self._read(operation, url, self.http.post(url, body, headers, wait_s))
            except NotHere as error:
                failure = failure or error
                continue
            if fault := onvif_xml.fault_in(envelope):
                refused = refusal(operation, *fault)
                if isinstance(refused, NoSuchCall):  # another port of the device may know it
                    failure = failure or refused
                    continue
                raise refused
            self.http.found(told, authority)
            return envelope
        raise failure or DeviceUnreachable(f"{operation}: no address")

    def _read(self, operation: str, url: str, reply: Reply) -> Element:
        try:
            envelope = onvif_xml.envelope(reply.body)
            if reply.status in (401, 403):
                raise WrongSecret(f"{operation}: HTTP {reply.status} {onvif_xml.fault_in(envelope) or ''}")
            return envelope
        except onvif_xml.NotXml as error:
            if reply.status in (401, 403):
                raise WrongSecret(f"{operation}: HTTP {reply.status}") from error
            said = f"{operation} at {url}: {reply.said}; {error}"[:300]
            if reply.status in (400, 404, 405, 501) or 300 <= reply.status < 400:
                raise NotHere(said) from error
            raise DeviceUnreachable(said) from error

    # Device service

    def measure_clock(self) -> None:
        """Device minus edge, seconds; asked without credentials, because they depend on it.

        A device that tells no UTC keeps its offset unknown. The protocol gives whole seconds.
        """
        before = datetime.now(UTC)
        try:
            reply = self.ask(DEVICE, "GetSystemDateAndTime", signed=False)
        except WrongSecret:  # against the standard, and seen
            reply = self._call(DEVICE, "GetSystemDateAndTime", {}, self.device_address, 0.0, (), signed=True)
        middle = before + (datetime.now(UTC) - before) / 2
        at = onvif_replies.clock(reply)
        self.zone_offset_s = onvif_replies.zone_offset(reply)
        self.clock_offset_s = None if at is None else round((at - middle).total_seconds() + 0.5, 1)

    def find_services(self) -> None:
        """Fills `addresses`. GetCapabilities where GetServices is not known, or leaves out media or events."""
        trouble: DeviceRefused | DeviceUnreachable | None = None
        try:
            self.addresses = onvif_replies.services(self.ask(DEVICE, "GetServices", {"IncludeCapability": False}))
        except (DeviceRefused, DeviceUnreachable) as error:
            trouble = error
        if not (self.has(MEDIA) and self.has(EVENTS)):
            try:
                told = onvif_replies.capabilities(self.ask(DEVICE, "GetCapabilities", {"Category": "All"}))
            except (DeviceRefused, DeviceUnreachable) as error:
                if trouble:
                    raise trouble from error
                told = {}
            self.addresses = {**told, **self.addresses}

    def has(self, service: Service) -> bool:
        return service.namespace.casefold() in self.addresses

    def address(self, service: Service) -> str:
        """As the device told it. Raises NoSuchCall where the device lacks the service."""
        if service.namespace == DEVICE.namespace:
            return self.device_address
        try:
            return self.addresses[service.namespace.casefold()]
        except KeyError:
            raise NoSuchCall(f"the device has no {service.name} service") from None

    def device_information(self) -> dict[str, str]:
        """Empty where the device does not tell."""
        try:
            return onvif_replies.information(self.ask(DEVICE, "GetDeviceInformation"))
        except DeviceRefused as error:
            log.info("%s:%d does not say what it is: %s", self.host, self.port, error)
            return {}

    def close(self) -> None:
        self.http.close()


def refusal(operation: str, codes: str, reason: str) -> DeviceRefused | WrongSecret:
    """What a SOAP fault means to us."""
    said = f"{operation}: {reason} ({codes})"
    if any(code in codes for code in SECRET_CODES):
        return WrongSecret(said)
    if "ActionNotSupported" in codes or "NotImplemented" in codes or "OptionalActionNotImplemented" in codes:
        return NoSuchCall(said)
    return DeviceRefused(said)
