"""WS-Discovery: a foreign stack's answer is read, its server answers on one interface, and noise is passed over."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipycam.config import CameraConfig
from ipycam.discovery import WSDiscoveryServer
from ipycam.onvif import ONVIFService
from patience import PATIENCE_S

from device_drivers.driver import DeviceUnreachable
from device_drivers.onvif_discovery import answers_in, discover


def foreign(**settings: Any) -> ONVIFService:
    return ONVIFService(CameraConfig(local_ip="127.0.0.1", name="East Gate", onvif_port=18080, **settings))


def match(
    xaddrs: str, scopes: str = "onvif://www.onvif.org/name/A%20B", types: str = "dn:NetworkVideoTransmitter"
) -> bytes:
    return (
        '<e:Envelope xmlns:e="urn:e"><e:Body><x:ProbeMatches xmlns:x="urn:x"><x:ProbeMatch><x:EndpointReference>'
        f"<x:Address>urn:uuid:1</x:Address></x:EndpointReference><x:Types>{types}</x:Types><x:Scopes>{scopes}</x:Scopes>"
        f"<x:XAddrs>{xaddrs}</x:XAddrs></x:ProbeMatch></x:ProbeMatches></e:Body></e:Envelope>"
    ).encode()


def test_a_foreign_answer_is_read() -> None:
    raw = foreign().create_probe_match("urn:uuid:7").encode()
    (one,) = answers_in(raw, "127.0.0.1")
    assert (one.host, one.port, one.path) == ("127.0.0.1", 18080, "/onvif/device_service")
    assert not one.door


def test_an_address_of_another_network_is_that_of_the_sender() -> None:
    (one,) = answers_in(match("http://192.168.0.9/x http://[fe80::1]/x"), "10.0.0.5")
    assert (one.host, one.port, one.path, one.name) == ("10.0.0.5", 80, "/x", "A B")
    (two,) = answers_in(match("http://192.168.0.9/x https://10.0.0.5:444/y"), "10.0.0.5")
    assert (two.host, two.port, two.path, two.tls) == ("10.0.0.5", 444, "/y", True), "of several the sender's own"


def test_door_controllers_and_printers_are_told_apart() -> None:
    (door,) = answers_in(match("http://h/x", "onvif://www.onvif.org/Profile/C", "tds:Device"), "h")
    assert door.door
    assert answers_in(match("http://h/x", "", "wprt:PrintDeviceType"), "h") == ()
    assert answers_in(match("ftp://h/x nonsense http://[:"), "h") == ()


@given(st.binary(max_size=300), st.integers(0, 400))
def test_noise_is_passed_over(noise: bytes, at: int) -> None:
    whole = match("http://192.168.0.9/x")
    for raw in (noise, whole[:at] + noise + whole[at:]):
        assert isinstance(answers_in(raw, "10.0.0.5"), tuple)


def test_a_foreign_server_is_found_on_the_one_interface() -> None:
    server = WSDiscoveryServer(foreign())
    server.start()
    try:
        found, end = set[tuple[str, int]](), time.monotonic() + PATIENCE_S
        while ("127.0.0.1", 18080) not in found and time.monotonic() < end:  # it listens when its thread comes to that
            found = {(one.host, one.port) for one in asyncio.run(discover("127.0.0.1", 1.0))}
        assert ("127.0.0.1", 18080) in found
    finally:
        server.stop()
        server.join(PATIENCE_S)


def test_without_the_interface_nothing_is_sent() -> None:
    for interface in ("192.0.2.1", "eth0", "::1"):
        with pytest.raises(DeviceUnreachable, match="WS-Discovery"):
            asyncio.run(discover(interface, 0.1))
