"""HTTP to one ONVIF device: bounded in time and size, Digest or Basic as it asks, never through a proxy. Blocking."""

from __future__ import annotations

import errno
import socket
import time
import warnings
from dataclasses import dataclass
from http.client import HTTPException
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth, HTTPDigestAuth
from requests.structures import CaseInsensitiveDict

from device_drivers.driver import DeviceRefused, DeviceUnreachable, WrongSecret

MAX_REPLY = 8 * 1024 * 1024
CONNECT_S = 3.0
CHUNK = 64 * 1024
NOBODY = (ConnectionRefusedError, socket.gaierror, requests.exceptions.InvalidURL)
NO_ROUTE = (errno.EHOSTUNREACH, errno.ENETUNREACH)


class NotHere(DeviceUnreachable):
    """Nobody listens at this address, or nothing that could be meant: another port of the device may be right."""


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: CaseInsensitiveDict[str]
    body: bytes

    @property
    def said(self) -> str:
        """What came, for a message: status, type, size."""
        kind = self.headers.get("Content-Type", "no type").split(";")[0]
        return f"HTTP {self.status}, {kind}, {len(self.body)} bytes"


class Http:
    """Requests to one device. Threads may share it."""

    def __init__(self, host: str, port: int, username: str, password: str, timeout_s: float, *, tls: bool) -> None:
        self.host, self.port, self.timeout_s, self.tls = host, port, timeout_s, tls
        self._digest: AuthBase = HTTPDigestAuth(username, password)
        self._basic: AuthBase = HTTPBasicAuth(username, password)
        self._works: dict[str, str] = {}  # authority as the device told it → the one that answered
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy from the environment has no business between edge and camera
        # A device in the estate's own network has a certificate of its own making.
        self._session.verify = not tls
        if tls:
            warnings.filterwarnings("ignore", "Unverified HTTPS request")

    @property
    def scheme(self) -> str:
        return "https" if self.tls else "http"

    @property
    def authority(self) -> str:
        """`host:port` as configured."""
        return f"{bracketed(self.host)}:{self.port}"

    def rewrite(self, address: str, authority: str = "") -> str:
        """The device's address at the configured host and port (NAT, wrong interface), or at another authority."""
        parts = urlsplit(address)
        return urlunsplit((self.scheme, authority or self.authority, parts.path, parts.query, ""))

    def places(self, address: str, *, told_port_first: bool = False) -> list[str]:
        """Where to ask for an address that the device told: the configured place, and the told port of the configured host.

        Never another host: our password's digest would go there.
        """
        told = _authority(address)
        if told in self._works:
            return [self._works[told]]
        own = [self.authority]
        if (port := _port(address)) not in (None, self.port):
            own.append(f"{bracketed(self.host)}:{port}")
        return own[::-1] if told_port_first else own

    def found(self, address: str, authority: str) -> None:
        """`authority` answered for what the device told as `address`."""
        self._works[_authority(address)] = authority

    def post(self, url: str, body: bytes, headers: dict[str, str], wait_s: float = 0.0) -> Reply:
        """Whatever was answered. Raises NotHere, DeviceUnreachable."""
        return self._request("POST", url, body, headers, wait_s)

    def get(self, address: str, what: str) -> Reply:
        """A file the device told the address of. Raises DeviceUnreachable, WrongSecret, DeviceRefused."""
        refusal: Exception | None = None
        for authority in self.places(address, told_port_first=True):
            try:
                # One connection a picture: small cameras close idle ones in the middle of the next request.
                headers = {"Cache-Control": "no-cache", "Pragma": "no-cache", "Connection": "close"}
                reply = self._request("GET", self.rewrite(address, authority), None, headers, 0.0)
            except NotHere as error:
                refusal = refusal or error
                continue
            if reply.status in (401, 403):
                raise WrongSecret(f"{what}: HTTP {reply.status}")
            if reply.status == 404:
                refusal = DeviceRefused(f"{what}: {reply.said}")
                continue
            if reply.status != 200:
                raise DeviceRefused(f"{what}: {reply.said}")
            self.found(address, authority)
            return reply
        raise refusal or DeviceUnreachable(f"{what}: no address")

    def _request(self, method: str, url: str, body: bytes | None, headers: dict[str, str], wait_s: float) -> Reply:
        reply = self._once(method, url, body, headers, wait_s, self._digest)
        if reply.status == 401 and _offers(reply, "basic") and not _offers(reply, "digest"):
            return self._once(method, url, body, headers, wait_s, self._basic)
        return reply

    def _once(
        self, method: str, url: str, body: bytes | None, headers: dict[str, str], wait_s: float, auth: AuthBase
    ) -> Reply:
        where = f"{urlsplit(url).netloc}{urlsplit(url).path}"
        limit = self.timeout_s + wait_s
        deadline = time.monotonic() + limit
        try:
            with self._session.request(
                method,
                url,
                data=body,
                headers=headers,
                auth=auth,
                timeout=(min(CONNECT_S, self.timeout_s), limit),
                allow_redirects=False,
                stream=True,
            ) as response:
                return Reply(response.status_code, response.headers, self._read(response, where, deadline, limit))
        except requests.ReadTimeout as error:
            raise DeviceUnreachable(f"{where}: no answer in {limit:g} s") from error
        except requests.ConnectTimeout as error:
            raise NotHere(f"{where}: no connection in {min(CONNECT_S, self.timeout_s):g} s") from error
        except (requests.ConnectionError, requests.exceptions.InvalidURL) as error:
            inner = _leaf(error)
            # A connection torn after the request went out may have done what was asked: that is silence, not absence.
            kind = NotHere if _nobody(inner) else DeviceUnreachable
            raise kind(f"{where}: no connection ({str(inner)[:120] or type(inner).__name__})") from error
        except (requests.RequestException, HTTPException, OSError, ValueError) as error:
            raise DeviceUnreachable(f"{where}: {type(error).__name__}: {error}"[:300]) from error

    def _read(self, response: requests.Response, where: str, deadline: float, limit: float) -> bytes:
        """The body, in time and within size; a device may trickle for ever."""
        parts: list[bytes] = []
        size = 0
        for part in response.iter_content(CHUNK):
            parts.append(part)
            size += len(part)
            if size > MAX_REPLY:
                raise DeviceUnreachable(f"{where}: more than {MAX_REPLY >> 20} MiB")
            if time.monotonic() > deadline:
                raise DeviceUnreachable(f"{where}: the answer did not end in {limit:g} s")
        return b"".join(parts)

    def close(self) -> None:
        self._session.close()


def bracketed(host: str) -> str:
    """An IPv6 address in brackets, anything else as it is."""
    return f"[{host}]" if ":" in host else host


def _authority(address: str) -> str:
    return urlsplit(address).netloc.rsplit("@", 1)[-1].casefold()


def _port(address: str) -> int | None:
    """The port an address names or means; None for one that is none."""
    try:
        parts = urlsplit(address)
        return parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None


def _offers(reply: Reply, scheme: str) -> bool:
    return scheme in reply.headers.get("WWW-Authenticate", "").casefold()


def _nobody(error: BaseException) -> bool:
    """The request never reached anybody."""
    return isinstance(error, NOBODY) or (isinstance(error, OSError) and error.errno in NO_ROUTE)


def _leaf(error: BaseException) -> BaseException:
    """requests wraps urllib3 wraps the socket: the innermost says what happened."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error
