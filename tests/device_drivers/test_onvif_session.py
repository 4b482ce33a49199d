"""Devices that answer oddly: HTML, faults, other prefixes, missing services, other ports. Each gets an honest error or works."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from device_drivers.driver import DeviceRefused, DeviceUnreachable, WrongSecret
from device_drivers.onvif_media import Media
from device_drivers.onvif_pull import PullPoint
from device_drivers.onvif_session import NoSuchCall, OnvifSession
from device_drivers.onvif_words import DEVICE, EVENTS, MEDIA, MEDIA2

Answer = tuple[int, str] | Callable[[str], tuple[int, str]]
HTML = (200, "<html><body><h1>Web login</h1></body></html>")


def soap(
    body: str, prefix: str = "SOAP-ENV", version: str = "http://www.w3.org/2003/05/soap-envelope"
) -> tuple[int, str]:
    return (
        200,
        f'<{prefix}:Envelope xmlns:{prefix}="{version}"><{prefix}:Body>{body}</{prefix}:Body></{prefix}:Envelope>',
    )


def fault(code: str, reason: str = "no", status: int = 400) -> tuple[int, str]:
    inner = f"<c:Code><c:Value>c:Sender</c:Value><c:Subcode><c:Value>ter:{code}</c:Value></c:Subcode></c:Code>"
    text = f"<c:Fault>{inner}<c:Reason><c:Text>{reason}</c:Text></c:Reason></c:Fault>"
    return status, soap(text, "c")[1]


def clock(at: datetime | None = None) -> tuple[int, str]:
    """With prefixes nobody expects."""
    at = at or datetime.now(UTC)
    time = (
        f"<q:Time><q:Hour>{at.hour}</q:Hour><q:Minute>{at.minute}</q:Minute><q:Second>{at.second}</q:Second></q:Time>"
    )
    date = f"<q:Date><q:Year>{at.year}</q:Year><q:Month>{at.month}</q:Month><q:Day>{at.day}</q:Day></q:Date>"
    return soap(f'<z:R xmlns:z="urn:z" xmlns:q="urn:q"><q:UTCDateTime>{time}{date}</q:UTCDateTime></z:R>')


def services(**addresses: str) -> tuple[int, str]:
    known = {"media": MEDIA.namespace, "media2": MEDIA2.namespace, "events": EVENTS.namespace}
    each = (
        f"<p:Service><p:Namespace>{known[name]}</p:Namespace><p:XAddr>{address}</p:XAddr></p:Service>"
        for name, address in addresses.items()
    )
    return soap(f'<p:GetServicesResponse xmlns:p="urn:p">{"".join(each)}</p:GetServicesResponse>')


@contextmanager
def device(table: dict[str, Answer], **session: Any) -> Iterator[tuple[OnvifSession, list[str]]]:
    """`table` by operation; what is not in it is a fault. `asked` are the operations, in order."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            found = re.search(r"Body>\s*<(?:\w+:)?(\w+)", text)
            operation = found[1] if found else ""
            asked.append(operation)
            answer = table.get(operation, fault("ActionNotSupported"))
            status, body = answer(text) if callable(answer) else answer
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if "<html" in body else "application/soap+xml")
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    one = OnvifSession("127.0.0.1", server.server_address[1], "u", "p", 2.0, **session)
    try:
        yield one, asked
    finally:
        one.close()
        server.shutdown()
        server.server_close()


def test_other_prefixes_and_namespaces_are_read() -> None:
    with device({"GetSystemDateAndTime": clock(), "GetServices": services(media="http://10.9.9.9/m")}) as (one, _):
        one.measure_clock()
        assert one.clock_offset_s is not None
        assert abs(one.clock_offset_s) <= 2
        one.find_services()
        assert one.address(MEDIA) == "http://10.9.9.9/m"


def test_soap_1_1_is_read() -> None:
    answer = soap("<x:GetDeviceInformationResponse xmlns:x='u'><x:Model>M</x:Model></x:GetDeviceInformationResponse>")
    old = answer[1].replace("http://www.w3.org/2003/05/soap-envelope", "http://schemas.xmlsoap.org/soap/envelope/")
    with device({"GetDeviceInformation": (200, old)}) as (one, _):
        assert one.device_information() == {"Model": "M"}


@pytest.mark.parametrize("answer", [HTML, (200, ""), (500, "<html>boom</html>"), (503, "busy"), (200, "{}")])
def test_what_is_no_soap_is_unreachable_and_says_what_came(answer: tuple[int, str]) -> None:
    with device({"GetSystemDateAndTime": answer}) as (one, _), pytest.raises(DeviceUnreachable) as error:
        one.measure_clock()
    assert f"HTTP {answer[0]}" in str(error.value), "the status is told"


def test_a_fault_is_a_refusal_with_its_codes() -> None:
    with device({"GetDNS": fault("InvalidArgVal", "no such thing")}) as (one, _):
        with pytest.raises(DeviceRefused, match=r"no such thing.*InvalidArgVal"):
            one.ask(DEVICE, "GetDNS")
        with pytest.raises(NoSuchCall):
            one.ask(DEVICE, "GetNTP")
        with pytest.raises(NoSuchCall, match="media"):
            one.ask(MEDIA, "GetProfiles")


def test_without_get_services_the_capabilities_serve() -> None:
    told = soap(
        "<t:Capabilities xmlns:t='u'><t:Events><t:XAddr>http://h/e</t:XAddr></t:Events>"
        "<t:Media><t:XAddr>http://h/m</t:XAddr></t:Media></t:Capabilities>"
    )
    for missing in (fault("ActionNotSupported"), HTML):
        with device({"GetServices": missing, "GetCapabilities": told}) as (one, _):
            one.find_services()
            assert (one.address(EVENTS), one.address(MEDIA)) == ("http://h/e", "http://h/m")


def test_a_clock_that_moved_is_measured_again_and_the_call_repeated() -> None:
    wrong = [True]

    def information(_: str) -> tuple[int, str]:
        return fault("NotAuthorized") if wrong and wrong.pop() else soap("<Model>M</Model>")

    with device({"GetSystemDateAndTime": clock(), "GetDeviceInformation": information}) as (one, asked):
        one.clock_offset_s = 3600.0
        assert one.device_information() == {"Model": "M"}
        assert asked == ["GetDeviceInformation", "GetSystemDateAndTime", "GetDeviceInformation"]


def test_a_device_that_takes_no_token_is_asked_without() -> None:
    def information(text: str) -> tuple[int, str]:
        return fault("NotAuthorized") if "UsernameToken" in text else soap("<Model>M</Model>")

    with device({"GetSystemDateAndTime": clock(), "GetDeviceInformation": information}) as (one, asked):
        one.measure_clock()
        assert one.device_information() == {"Model": "M"}
        one.device_information()
        assert asked.count("GetDeviceInformation") == 3, "it is remembered"


def test_a_wrong_password_stays_one() -> None:
    table: dict[str, Answer] = {"GetSystemDateAndTime": clock(), "GetDeviceInformation": fault("NotAuthorized")}
    with device(table) as (one, _), pytest.raises(WrongSecret):
        one.device_information()


def test_a_clock_behind_a_password_is_asked_with_one() -> None:
    def answer(text: str) -> tuple[int, str]:
        return clock() if "UsernameToken" in text else (401, "")

    with device({"GetSystemDateAndTime": answer}) as (one, _):
        one.measure_clock()
        assert one.clock_offset_s is not None


def test_a_service_on_another_port_is_found_there() -> None:
    profiles = soap('<Profiles token="P9"><Name>n</Name></Profiles>')
    with device({"GetProfiles": profiles}) as (other, _), device({}) as (one, _):
        one.addresses = {MEDIA.namespace: f"http://10.1.1.1:{other.port}/media"}
        assert [p.token for p in Media(one).profiles(MEDIA)] == ["P9"], "the host is rewritten, the told port works"


def test_the_second_media_service_is_asked_first_and_the_first_serves_too() -> None:
    two = soap(
        '<Profiles token="T2"><Name>x</Name><Configurations><VideoEncoder><Encoding>H265</Encoding>'
        "</VideoEncoder></Configurations></Profiles>"
    )
    one_uri = soap("<MediaUri><Uri>rtsp://10.2.2.2:8554/a?b=1</Uri></MediaUri>")
    table: dict[str, Answer] = {"GetProfiles": two, "GetStreamUri": one_uri}
    with device(table) as (one, _):
        one.addresses = {s.namespace: f"http://h:{one.port}/{s.name}" for s in (MEDIA2, MEDIA)}
        media = Media(one)
        assert str(media.profiles(MEDIA2)[0]) == "x H265"
        assert media.streams() == ["rtsp://127.0.0.1:8554/a?b=1", "rtsp://127.0.0.1:554/a?b=1"]
        with pytest.raises(NoSuchCall):
            media.snapshot_uri()


def test_a_device_without_renewal_gets_a_new_subscription_each_time() -> None:
    made: list[int] = []

    def create(_: str) -> tuple[int, str]:
        made.append(len(made))
        return soap(
            f"<SubscriptionReference><Address>http://10.0.0.1/sub/{len(made)}</Address></SubscriptionReference>"
            "<CurrentTime>2026-01-01T00:00:00Z</CurrentTime><TerminationTime>2026-01-01T00:01:00Z</TerminationTime>"
        )

    table: dict[str, Answer] = {
        "CreatePullPointSubscription": create,
        "PullMessages": soap("<PullMessagesResponse/>"),
        "Unsubscribe": soap("<UnsubscribeResponse/>"),
    }
    with device(table) as (one, asked):
        one.addresses = {EVENTS.namespace: f"http://h:{one.port}/events"}
        point = PullPoint(one, 1)
        point.pull()
        point._renew_at = 0.0
        point.pull()
        point._renew_at = 0.0
        point.pull()
        assert len(made) == 3
        assert asked.count("Renew") == 1, "it is asked once whether it renews"
        assert asked.count("Unsubscribe") == 2, "what is replaced is given back: cameras allow few"


def test_a_subscription_without_an_address_is_a_refusal() -> None:
    with device({"CreatePullPointSubscription": soap("<Nothing/>")}) as (one, _):
        one.addresses = {EVENTS.namespace: f"http://h:{one.port}/events"}
        with pytest.raises(DeviceRefused):
            PullPoint(one, 1).pull()
