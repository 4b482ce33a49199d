"""SOAP with one ONVIF device: zeep and the WSDL files of onvif-zeep, with our own transport, token and addresses.

Blocking; callers use `asyncio.to_thread`. `ONVIFCamera` is never constructed: it subscribes at every construction, drops
topics, sends `Created` without Z and waits 300 s. Addresses from the device are rewritten to the configured host and
port (NAT, wrong interface). Both WS-UsernameToken (with the measured clock offset) and HTTP Digest are answered.
"""

# mypy: disable-error-code="no-untyped-call"
# zeep says it is typed and leaves half of its calls without types.

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

import requests
from lxml import etree
from requests.auth import HTTPBasicAuth, HTTPDigestAuth
from zeep import Client, Settings, Transport
from zeep.exceptions import Error as ZeepError
from zeep.exceptions import Fault
from zeep.wsa import WsAddressingPlugin
from zeep.wsdl import Document
from zeep.wsse.username import UsernameToken

from device_drivers import onvif_events
from device_drivers.driver import ConfigError, DeviceRefused, DeviceUnreachable, WrongSecret

# zeep raises AttributeError, IndexError, TypeError and KeyError at replies that do not fit the schema.
LIBRARY_ERRORS = (
    ZeepError,
    requests.RequestException,
    etree.LxmlError,
    AttributeError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
)
DEVICE = "http://www.onvif.org/ver10/device/wsdl"
MEDIA = "http://www.onvif.org/ver10/media/wsdl"
EVENTS = "http://www.onvif.org/ver10/events/wsdl"
BINDINGS = {
    "device": ("devicemgmt.wsdl", f"{{{DEVICE}}}DeviceBinding"),
    "media": ("media.wsdl", f"{{{MEDIA}}}MediaBinding"),
    "events": ("events.wsdl", f"{{{EVENTS}}}EventBinding"),
    "pullpoint": ("events.wsdl", f"{{{EVENTS}}}PullPointSubscriptionBinding"),
    "subscription": ("events.wsdl", f"{{{EVENTS}}}SubscriptionManagerBinding"),
}
ADDRESSED = frozenset({"events", "pullpoint", "subscription"})  # WS-Addressing headers are part of WS-Notification
MAX_REPLY = 8 * 1024 * 1024
logging.getLogger("zeep").setLevel(logging.ERROR)
_wsdl_lock = threading.Lock()


@lru_cache
def wsdl_dir() -> Path:
    """Where onvif-zeep put its WSDL files; found without importing it (that would configure logging)."""
    try:
        for file in files("onvif-zeep") or ():
            if file.name == "devicemgmt.wsdl":
                return Path(str(file.locate())).resolve().parent
    except PackageNotFoundError as error:
        raise ConfigError("onvif-zeep is not installed on this edge") from error
    raise ConfigError("onvif-zeep has no WSDL files here")


@lru_cache
def _document(name: str) -> Document:
    # Parsing takes a good part of a second: once a process, shared by all cameras.
    return Document(
        str(wsdl_dir() / name), cast(Any, Transport()), settings=Settings(strict=False, xml_huge_tree=False)
    )


def document(name: str) -> Document:
    with _wsdl_lock:
        return _document(name)


class _Token(UsernameToken):
    """`Created` by the device's clock, in Z form."""

    def __init__(self, username: str, password: str) -> None:
        super().__init__(username, password, use_digest=True, zulu_timestamp=True)
        self.offset = timedelta(0)

    def apply(self, envelope: Any, headers: Any) -> Any:
        self.created = datetime.now(UTC) + self.offset
        return super().apply(envelope, headers)


class _Headers:
    """Adds a subscription's reference parameters to the SOAP header (a zeep plugin)."""

    def __init__(self, parameters: tuple[str, ...]) -> None:
        self.parameters = parameters

    def egress(self, envelope: Any, http_headers: Any, _operation: Any, _options: Any) -> Any:
        header = envelope.find(f"{{{etree.QName(envelope).namespace}}}Header")
        if header is not None:
            header.extend(etree.fromstring(text) for text in self.parameters)
        return envelope, http_headers

    def ingress(self, envelope: Any, http_headers: Any, _operation: Any) -> Any:
        return envelope, http_headers


class _Transport(Transport):
    """Looks at the reply before zeep does: a wrong password, an HTML page and silence each get their own error."""

    def post(self, address: str, message: bytes, headers: dict[str, str]) -> requests.Response:
        response = cast(requests.Response, super().post(address, message, headers))
        if response.status_code in (401, 403):
            raise WrongSecret(f"{urlsplit(address).path}: HTTP {response.status_code}")
        if len(response.content) > MAX_REPLY:
            raise DeviceUnreachable(f"{urlsplit(address).path}: {len(response.content)} bytes")
        try:
            onvif_events.fault_of(response.content)
        except onvif_events.NotXml as error:
            raise DeviceUnreachable(f"{urlsplit(address).path}: HTTP {response.status_code}, {error}") from error
        return response


class OnvifSession:
    """Calls to one device. Raises DeviceUnreachable, DeviceRefused (a fault, with its codes), WrongSecret."""

    def __init__(self, host: str, port: int, username: str, password: str, timeout_s: float = 5.0) -> None:
        self.host, self.port, self.username, self.password = host, port, username, password
        self.timeout_s = timeout_s
        self.clock_offset_s: float | None = None
        self.addresses: dict[str, str] = {}
        self._token = _Token(username, password)
        self._http = requests.Session()
        self._http.trust_env = False  # a proxy from the environment has no business between edge and camera
        self._http.auth = HTTPDigestAuth(username, password)

    @property
    def device_address(self) -> str:
        return f"http://{self.host}:{self.port}/onvif/device_service"

    def rewrite(self, address: str) -> str:
        """The device's address with the configured host and port."""
        parts = urlsplit(address)
        host = f"[{self.host}]" if ":" in self.host else self.host
        return urlunsplit((parts.scheme or "http", f"{host}:{self.port}", parts.path, parts.query, ""))

    def call(
        self,
        binding: str,
        operation: str,
        address: str,
        arguments: dict[str, Any] | None = None,
        *,
        raw: bool = False,
        signed: bool = True,
        wait_s: float = 0.0,
        headers: tuple[str, ...] = (),
    ) -> Any:
        """One SOAP call; `raw` returns the reply's bytes. A NotAuthorized is tried once more with a fresh clock offset."""
        try:
            return self._call(binding, operation, address, arguments, raw, signed, wait_s, headers)
        except WrongSecret:
            if not signed or not self._clock_moved():
                raise
        return self._call(binding, operation, address, arguments, raw, signed, wait_s, headers)

    def _clock_moved(self) -> bool:
        before = self.clock_offset_s
        self.measure_clock()
        return self.clock_offset_s is not None and (before is None or abs(self.clock_offset_s - before) > 1)

    def _call(
        self,
        binding: str,
        operation: str,
        address: str,
        arguments: dict[str, Any] | None,
        raw: bool,
        signed: bool,
        wait_s: float,
        headers: tuple[str, ...],
    ) -> Any:
        file, name = BINDINGS[binding]
        transport = _Transport(session=self._http, timeout=self.timeout_s, operation_timeout=self.timeout_s + wait_s)
        plugins: list[Any] = [WsAddressingPlugin()] if binding in ADDRESSED else []
        if headers:
            plugins.append(_Headers(headers))
        try:
            client = Client(document(file), wsse=self._token if signed else None, transport=transport, plugins=plugins)
            service = client.create_service(name, address)
            with client.settings(raw_response=raw, strict=False):
                reply = getattr(service, operation)(**(arguments or {}))
            if raw:
                self._raise_fault(operation, reply.content)
                return reply.content
        except Fault as error:
            codes = " ".join(str(c) for c in (error.code, *(error.subcodes or ())))
            raise self._refusal(operation, codes, str(error.message)) from error
        except requests.ConnectionError as error:
            raise DeviceUnreachable(f"{self.host}:{self.port}: no connection") from error
        except requests.Timeout as error:
            raise DeviceUnreachable(f"{operation}: no answer in {self.timeout_s + wait_s:g} s") from error
        except LIBRARY_ERRORS as error:
            raise DeviceUnreachable(f"{operation}: unreadable reply ({type(error).__name__}: {error})") from error
        return reply

    def _raise_fault(self, operation: str, content: bytes) -> None:
        if fault := onvif_events.fault_of(content):
            raise self._refusal(operation, *fault)

    @staticmethod
    def _refusal(operation: str, codes: str, reason: str) -> DeviceRefused | WrongSecret:
        text = f"{operation}: {reason} ({codes})"
        if "NotAuthorized" in codes or "FailedAuthentication" in codes or "InvalidSecurity" in codes:
            return WrongSecret(text)
        return DeviceRefused(text)

    # Device service

    def measure_clock(self) -> None:
        """Device minus edge, seconds; asked without credentials, because they depend on it."""
        before = datetime.now(UTC)
        reply = self.call("device", "GetSystemDateAndTime", self.device_address, signed=False)
        middle = before + (datetime.now(UTC) - before) / 2
        utc: Any = getattr(reply, "UTCDateTime", None)
        try:
            at = datetime(
                utc.Date.Year, utc.Date.Month, utc.Date.Day, utc.Time.Hour, utc.Time.Minute, utc.Time.Second, tzinfo=UTC
            )
        except (AttributeError, TypeError, ValueError):
            return  # some cameras give local time only: the offset stays unknown
        self.clock_offset_s = round((at - middle).total_seconds() + 0.5, 1)
        self._token.offset = timedelta(seconds=self.clock_offset_s)

    def find_services(self) -> None:
        """Fills `addresses` (namespace → rewritten address); GetCapabilities where GetServices is not known."""
        try:
            services = self.call("device", "GetServices", self.device_address, {"IncludeCapability": False})
            self.addresses = {s.Namespace: self.rewrite(s.XAddr) for s in services or () if s.XAddr}
        except DeviceRefused:
            found = self.call("device", "GetCapabilities", self.device_address, {"Category": "All"})
            for namespace, name in ((MEDIA, "Media"), (EVENTS, "Events")):
                if address := getattr(getattr(found, name, None), "XAddr", None):
                    self.addresses[namespace] = self.rewrite(address)

    def address(self, namespace: str) -> str:
        """Raises DeviceRefused where the device lacks the service."""
        if namespace not in self.addresses:
            raise DeviceRefused(f"the device has no service {namespace}")
        return self.addresses[namespace]

    def device_information(self) -> dict[str, str]:
        reply = self.call("device", "GetDeviceInformation", self.device_address)
        names = ("Manufacturer", "Model", "FirmwareVersion", "SerialNumber")
        return {name: str(getattr(reply, name, "") or "") for name in names}

    # Pictures

    def first_profile(self) -> str:
        """Raises DeviceRefused when there is no media profile."""
        profiles = self.call("media", "GetProfiles", self.address(MEDIA))
        if not profiles:
            raise DeviceRefused("the camera has no media profile")
        return str(profiles[0].token)

    def snapshot_uri(self, profile: str) -> str:
        reply = self.call("media", "GetSnapshotUri", self.address(MEDIA), {"ProfileToken": profile})
        return self.rewrite(str(reply.Uri))

    def stream_uri(self, profile: str) -> str:
        """The RTSP address; its port is kept, its host is the configured one."""
        setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
        reply = self.call("media", "GetStreamUri", self.address(MEDIA), {"StreamSetup": setup, "ProfileToken": profile})
        parts = urlsplit(str(reply.Uri))
        return urlunsplit((parts.scheme, f"{self.host}:{parts.port or 554}", parts.path, parts.query, ""))

    def get(self, url: str) -> requests.Response:
        """HTTP GET, fresh, Digest or Basic as the camera asks. Raises DeviceUnreachable, WrongSecret, DeviceRefused."""
        try:
            response = self._get(url, HTTPDigestAuth(self.username, self.password))
            if response.status_code == 401 and "basic" in response.headers.get("WWW-Authenticate", "").casefold():
                response = self._get(url, HTTPBasicAuth(self.username, self.password))
        except requests.RequestException as error:
            raise DeviceUnreachable(f"snapshot: {type(error).__name__}") from error
        if response.status_code in (401, 403):
            raise WrongSecret(f"snapshot: HTTP {response.status_code}")
        if response.status_code != 200:
            raise DeviceRefused(f"snapshot: HTTP {response.status_code}")
        return response

    def _get(self, url: str, auth: requests.auth.AuthBase) -> requests.Response:
        headers = {"Cache-Control": "no-cache", "Connection": "close"}
        return self._http.get(url, auth=auth, headers=headers, timeout=self.timeout_s)

    def close(self) -> None:
        self._http.close()
