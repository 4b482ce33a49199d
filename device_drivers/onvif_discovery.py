"""WS-Discovery on one network interface: who answers is an ONVIF device. Never on the others a box may have.

Two probes are sent, for video transmitters and for any device: access controllers answer the second only. Addresses that
cannot be right (another network, loopback) are replaced by that of the sender.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import uuid
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from device_drivers.driver import DeviceUnreachable
from device_drivers.onvif_xml import NotXml, envelope, every, text

log = logging.getLogger(__name__)
GROUP, PORT = "239.255.255.250", 3702
MAX_FOUND, MAX_DATAGRAM = 500, 65_507
_PROBE = (
    '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
    'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" '
    'xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><s:Header><a:Action s:mustUnderstand="1">'
    "http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action><a:MessageID>urn:uuid:{id}</a:MessageID>"
    '<a:To s:mustUnderstand="1">urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header>'
    "<s:Body><d:Probe>{types}</d:Probe></s:Body></s:Envelope>"
)
TYPES = ("<d:Types>dn:NetworkVideoTransmitter</d:Types>", "")


@dataclass(frozen=True, slots=True)
class Answered:
    """One device. `endpoint` is its own lasting name; `door`: it says that it controls doors."""

    endpoint: str
    host: str
    port: int
    path: str
    name: str = ""
    hardware: str = ""
    door: bool = False
    tls: bool = False


def answers_in(raw: bytes, sender: str) -> tuple[Answered, ...]:
    """The ONVIF devices of one datagram, or nothing. Pure."""
    try:
        root = envelope(raw)
    except NotXml:
        return ()
    found = []
    for match in (*every(root, "ProbeMatch"), *every(root, "Hello"))[:MAX_FOUND]:
        scopes = text(match, "Scopes").split()
        told = f"{text(match, 'Types')} {' '.join(scopes)}".casefold()
        if "onvif" not in told and "networkvideotransmitter" not in told:
            continue  # a printer
        address = _address(text(match, "XAddrs").split(), sender)
        if address is not None:
            endpoint = text(match, "EndpointReference", "Address") or f"{address[0]}:{address[1]}"
            door = any(word in told for word in ("accesscontrol", "doorcontrol", "profile/c", "profile/a", "profile/d"))
            named = (_scope(scopes, "name"), _scope(scopes, "hardware"))
            found.append(Answered(endpoint[:200], *address[:3], *named, door, address[3]))
    return tuple(found)


def _address(told: list[str], sender: str) -> tuple[str, int, str, bool] | None:
    """Of several the one whose host is the sender; else the first, at the sender's address."""
    parsed = []
    for one in told:
        try:
            parts = urlsplit(one)
            if parts.scheme in ("http", "https") and parts.hostname:
                tls = parts.scheme == "https"
                parsed.append((parts.hostname, parts.port or (443 if tls else 80), parts.path or "/", tls))
        except ValueError:
            continue
    for host, port, path, tls in parsed:
        if host == sender:
            return host, port, path[:200], tls
    return (sender, *parsed[0][1:]) if parsed else None


def _scope(scopes: list[str], name: str) -> str:
    begin = f"onvif://www.onvif.org/{name}/"
    return next((unquote(s[len(begin) :])[:60] for s in scopes if s.casefold().startswith(begin)), "")


class _Listener(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.found: dict[str, Answered] = {}

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(self.found) < MAX_FOUND and len(data) <= MAX_DATAGRAM:
            for one in answers_in(data, addr[0]):
                self.found[one.endpoint] = one


async def discover(interface: str, wait_s: float = 3.0) -> tuple[Answered, ...]:
    """Who answers on the network of this IPv4 address of ours. Raises DeviceUnreachable where there is no such interface."""
    loop = asyncio.get_running_loop()
    try:
        here = socket.inet_aton(str(ipaddress.IPv4Address(interface)))
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_UDP)
    except (ValueError, OSError) as error:
        raise DeviceUnreachable(f"WS-Discovery on {interface!r}: {error}") from error
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, here)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)  # not beyond this network
        sock.bind((interface, 0))
        transport, listener = await loop.create_datagram_endpoint(_Listener, sock=sock)
    except OSError as error:
        sock.close()
        raise DeviceUnreachable(f"WS-Discovery on {interface}: {error}") from error
    try:
        for _ in range(2):  # datagrams get lost
            for types in TYPES:
                transport.sendto(_PROBE.format(id=uuid.uuid4(), types=types).encode(), (GROUP, PORT))
            await asyncio.sleep(wait_s / 2)
    finally:
        transport.close()
    return tuple(listener.found.values())
