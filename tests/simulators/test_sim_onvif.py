"""The ONVIF camera, driven by hand-written SOAP and by zeep with the WSDL files as a second stack."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import secrets
import sysconfig
import threading
import xml.etree.ElementTree as ET
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import zeep
import zeep.transports
import zeep.wsse.username
from patience import PATIENCE_S
from PIL import Image

from simulators.faults import Fault
from simulators.onvif_device import OnvifCameraSim

CONFIG = {"host": "127.0.0.1", "port": 0, "username": "viewer", "password": "s3cret-ä", "auth": "wsse", "model": "C1"}
WSDL = Path(sysconfig.get_paths()["purelib"]) / "wsdl"
TDS = "http://www.onvif.org/ver10/device/wsdl"
TEV = "http://www.onvif.org/ver10/events/wsdl"
WSNT = "http://docs.oasis-open.org/wsn/b-2"
OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"


def token(
    password: str = CONFIG["password"],  # type: ignore[assignment]
    *,
    at: datetime | None = None,
    nonce: bytes | None = None,
    z_form: bool = True,
) -> str:
    created = (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S") + ("Z" if z_form else "+00:00")
    nonce = nonce or secrets.token_bytes(16)
    digest = base64.b64encode(hashlib.sha1(nonce + created.encode() + password.encode()).digest()).decode()
    return (
        f'<s:Header><Security xmlns="{OASIS}wssecurity-secext-1.0.xsd"><UsernameToken><Username>viewer</Username>'
        f'<Password Type="{OASIS}username-token-profile-1.0#PasswordDigest">{digest}</Password>'
        f"<Nonce>{base64.b64encode(nonce).decode()}</Nonce>"
        f'<Created xmlns="{OASIS}wssecurity-utility-1.0.xsd">{created}</Created></UsernameToken></Security></s:Header>'
    )


class Client:
    """Hand-written SOAP over aiohttp."""

    def __init__(self, sim: OnvifCameraSim, http: aiohttp.ClientSession) -> None:
        self.sim, self.http = sim, http

    async def post(self, path: str, body: str, header: str | None = None) -> tuple[int, str]:
        header = token(at=self.sim.now()) if header is None else header
        text = f'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">{header}<s:Body>{body}</s:Body></s:Envelope>'
        url = path if path.startswith("http") else f"http://127.0.0.1:{self.sim.port}/onvif/{path}"
        async with self.http.post(url, data=text.encode()) as response:
            return response.status, await response.text()

    async def subscribe(self, topic: str = "", until: str = "PT60S") -> str:
        filters = (
            f'<Filter><b:TopicExpression xmlns:b="{WSNT}" Dialect="x">{topic}</b:TopicExpression></Filter>'
            if topic
            else ""
        )
        end = f"<InitialTerminationTime>{until}</InitialTerminationTime>"
        body = f'<CreatePullPointSubscription xmlns="{TEV}">{filters}{end}</CreatePullPointSubscription>'
        status, text = await self.post("event_service", body)
        assert status == 200, text
        address = ET.fromstring(text).findtext(".//{http://www.w3.org/2005/08/addressing}Address")
        assert address
        return address

    async def pull(self, address: str, wait: str = "PT5S", limit: int = 20) -> tuple[int, list[tuple[str, str, str]]]:
        body = (
            f'<PullMessages xmlns="{TEV}"><Timeout>{wait}</Timeout><MessageLimit>{limit}</MessageLimit></PullMessages>'
        )
        status, text = await self.post(address, body)
        tt = "{http://www.onvif.org/ver10/schema}"
        found = []
        for one in ET.fromstring(text).iter(f"{{{WSNT}}}NotificationMessage"):
            message = one.find(f".//{tt}Message")
            item = one.find(f".//{tt}Data/{tt}SimpleItem")
            assert message is not None
            assert item is not None
            topic = one.findtext(f"{{{WSNT}}}Topic") or ""
            found.append((topic, message.get("PropertyOperation") or "", item.get("Value") or ""))
        return status, found


def with_camera(scenario: Callable[[OnvifCameraSim, Client], Awaitable[None]], **config: Any) -> None:
    async def run() -> None:
        sim = OnvifCameraSim("cam-g1", {**CONFIG, **config})
        await sim.start()
        try:
            async with aiohttp.ClientSession() as http:
                await scenario(sim, Client(sim, http))
        finally:
            await sim.stop()

    asyncio.run(run())


INFO = f'<GetDeviceInformation xmlns="{TDS}"/>'


def test_the_username_token_is_really_checked() -> None:
    async def scenario(sim: OnvifCameraSim, client: Client) -> None:
        status, text = await client.post("device_service", f'<GetSystemDateAndTime xmlns="{TDS}"/>', "")
        assert status == 200, "the clock is asked without a password"
        assert "UTCDateTime" in text
        used = secrets.token_bytes(16)
        assert (await client.post("device_service", INFO, token(nonce=used)))[0] == 200
        wrong = {
            "nobody": "",
            "wrong password": token("guess"),
            "replayed nonce": token(nonce=used),
            "not in Z form": token(z_form=False),
            "an hour old": token(at=datetime.now(UTC) - timedelta(hours=1)),
        }
        for what, header in wrong.items():
            status, text = await client.post("device_service", INFO, header)
            assert status == 400, f"{what} was let in"
            assert "ter:NotAuthorized" in text, what
            assert "env:Sender" in text, what
        status, text = await client.post("device_service", f'<Nonsense xmlns="{TDS}"/>')
        assert (status, "ter:ActionNotSupported" in text) == (500, True)
        async with client.http.post(f"http://127.0.0.1:{sim.port}/onvif/device_service", data=b"<x") as response:
            assert "ter:WellFormed" in await response.text()

    with_camera(scenario)


def test_a_lenient_camera_takes_the_offset_form() -> None:
    async def scenario(sim: OnvifCameraSim, client: Client) -> None:
        assert (await client.post("device_service", INFO, token(z_form=False)))[0] == 200

    with_camera(scenario, strict_created=False)


def test_events_by_pull_point() -> None:
    async def scenario(sim: OnvifCameraSim, client: Client) -> None:
        address = await client.subscribe()
        _, first = await client.pull(address)
        assert {operation for _, operation, _ in first} == {"Initialized"}, "a new subscription first tells the state"
        assert len(first) == 5
        poll = asyncio.create_task(client.pull(address, "PT10S"))
        while "PullMessages" not in sim.counters or sim.counters["PullMessages"] < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert (await sim.raise_event({"kind": "motion", "state": True, "seconds": 0.1}))["changed"]
        assert (await poll)[1] == [("tns1:VideoSource/MotionAlarm", "Changed", "true")], (
            "a waiting poll returns at once"
        )
        assert (await client.pull(address))[1] == [("tns1:VideoSource/MotionAlarm", "Changed", "false")]
        assert (await client.pull(address, "PT0.1S"))[1] == [], "nothing happened, nothing comes"

        second = await client.subscribe("tns1:Device/Trigger/DigitalInput")
        assert [topic for topic, _, _ in (await client.pull(second))[1]] == ["tns1:Device/Trigger/DigitalInput"]
        body = f'<CreatePullPointSubscription xmlns="{TEV}"/>'
        status, text = await client.post("event_service", body)
        assert status == 500, "the third subscription is one too many"
        assert "at most 2" in text
        status, _ = await client.post(second, f'<Unsubscribe xmlns="{WSNT}"/>')
        assert status == 200
        assert (await client.pull(second))[0] == 400, "an unsubscribed pull point is gone"
        status, text = await client.post(
            address, f'<Renew xmlns="{WSNT}"><TerminationTime>PT5M</TerminationTime></Renew>'
        )
        assert status == 200
        left = sim.events.subscriptions[1].expires_at - sim.now()
        assert timedelta(seconds=100) < left <= timedelta(seconds=300)
        await client.post(address, f'<SetSynchronizationPoint xmlns="{TEV}"/>')
        assert len((await client.pull(address))[1]) == 5
        await sim.apply_fault(Fault.DROP_SUBSCRIPTIONS)
        assert (await client.pull(address))[0] == 400

        short = await client.subscribe(until="PT1S")
        await sim.apply_fault(Fault.CLOCK_SKEW, value=5)
        assert (await client.pull(short))[0] == 400, "a subscription ends by the camera's clock"

    with_camera(scenario)


def test_http_faults_and_wrong_addresses() -> None:
    async def scenario(sim: OnvifCameraSim, client: Client) -> None:
        await sim.apply_fault(Fault.HTTP_500)
        status, text = await client.post("device_service", INFO)
        assert (status, text.startswith("<html>")) == (500, True)
        sim.clear_faults()
        await sim.apply_fault(Fault.EMPTY_BODY)
        assert await client.post("device_service", INFO) == (200, "")
        sim.clear_faults()
        await sim.apply_fault(Fault.HANG, 0.2)
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await client.post("device_service", INFO)
        assert not sim.faults.on(Fault.HANG), "it hung until the fault was over"
        await sim.apply_fault(Fault.WRONG_XADDR)
        services = f'<GetServices xmlns="{TDS}"><IncludeCapability>false</IncludeCapability></GetServices>'
        assert "http://192.0.2.10:" in (await client.post("device_service", services))[1]
        assert "192.0.2.10" in await client.subscribe()
        sim.clear_faults()
        assert "192.0.2.10" not in (await client.post("device_service", services))[1]
        await sim.apply_fault(Fault.CLOCK_SKEW)
        assert (await client.post("device_service", INFO, token()))[0] == 400, "an hour of skew refuses every token"

    with_camera(scenario)


@contextmanager
def camera_in_a_thread(**config: Any) -> Iterator[OnvifCameraSim]:
    """zeep and httpx block, so the camera lives in a loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    sim = OnvifCameraSim("cam-g1", {**CONFIG, **config})
    asyncio.run_coroutine_threadsafe(sim.start(), loop).result(PATIENCE_S)
    try:
        yield sim
    finally:
        asyncio.run_coroutine_threadsafe(sim.stop(), loop).result(PATIENCE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_S)
        loop.close()


def service(sim: OnvifCameraSim, wsdl: str, binding: str, path: str, *, digest: bool = False) -> Any:
    wsse = None
    transport = zeep.transports.Transport(timeout=PATIENCE_S, operation_timeout=PATIENCE_S)
    if digest:
        from requests.auth import HTTPDigestAuth

        transport.session.auth = HTTPDigestAuth("viewer", CONFIG["password"])
    else:
        wsse = zeep.wsse.username.UsernameToken("viewer", CONFIG["password"], use_digest=True, zulu_timestamp=True)
    client = zeep.Client(str(WSDL / wsdl), wsse=wsse, transport=transport)
    return client.create_service(binding, f"http://127.0.0.1:{sim.port}/onvif/{path}")


def test_zeep_reads_device_media_and_relays() -> None:
    with camera_in_a_thread() as sim:
        device = service(sim, "devicemgmt.wsdl", f"{{{TDS}}}DeviceBinding", "device_service")
        clock = device.GetSystemDateAndTime()
        assert clock.UTCDateTime.Date.Year == sim.now().year
        assert device.GetDeviceInformation().SerialNumber == "cam-g1"
        assert {one.Namespace for one in device.GetServices(False)} >= {TDS, TEV}
        capabilities = device.GetCapabilities("All")
        assert capabilities.Events.WSPullPointSupport is True
        # The schema has an xs:any before DeviceIO, and zeep puts the element there, as with real cameras.
        device_io = capabilities.Extension._value_1[0]
        assert device_io.findtext("{*}XAddr").endswith(f":{sim.port}/onvif/deviceio_service")
        assert "onvif://www.onvif.org/name/cam-g1" in [scope.ScopeItem for scope in device.GetScopes()]
        media = service(sim, "media.wsdl", "{http://www.onvif.org/ver10/media/wsdl}MediaBinding", "media_service")
        profile = media.GetProfiles()[0].token
        assert (
            media.GetStreamUri({"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}, profile).Uri[:7]
            == "rtsp://"
        )
        assert media.GetSnapshotUri(profile).Uri == f"http://127.0.0.1:{sim.port}/snapshot/main"
        io_binding = "{http://www.onvif.org/ver10/deviceIO/wsdl}DeviceIOBinding"
        relays = service(sim, "deviceio.wsdl", io_binding, "deviceio_service")
        assert relays.GetRelayOutputs()[0].token == "RelayOutput_1"
        properties = {"Mode": "Monostable", "DelayTime": timedelta(seconds=0.2), "IdleState": "open"}
        relays.SetRelayOutputSettings({"token": "RelayOutput_1", "Properties": properties})
        relays.SetRelayOutputState("RelayOutput_1", "active")
        assert sim.counters["relay_active"] == 1
        with pytest.raises(zeep.exceptions.Fault, match="no relay"):
            relays.SetRelayOutputState("RelayOutput_9", "active")
        events = service(sim, "events.wsdl", f"{{{TEV}}}EventBinding", "event_service")
        assert events.GetEventProperties().FixedTopicSet is True
        reference = events.CreatePullPointSubscription(InitialTerminationTime="PT60S").SubscriptionReference
        assert reference.Address._value_1.endswith("/onvif/pullpoint/1")


def test_zeep_with_http_digest() -> None:
    with camera_in_a_thread(auth="digest") as sim:
        device = service(sim, "devicemgmt.wsdl", f"{{{TDS}}}DeviceBinding", "device_service", digest=True)
        assert device.GetDeviceInformation().Model == "C1"
        plain = service(sim, "devicemgmt.wsdl", f"{{{TDS}}}DeviceBinding", "device_service")
        with pytest.raises(zeep.exceptions.Error):
            plain.GetDeviceInformation()
    with camera_in_a_thread(auth="both") as sim:
        for digest in (True, False):
            device = service(sim, "devicemgmt.wsdl", f"{{{TDS}}}DeviceBinding", "device_service", digest=digest)
            assert device.GetDeviceInformation().Model == "C1", f"digest={digest} must be taken"


def test_the_snapshot_is_fresh_and_guarded() -> None:
    with camera_in_a_thread() as sim, httpx.Client(timeout=PATIENCE_S, trust_env=False) as http:
        url = f"http://127.0.0.1:{sim.port}/snapshot/main"
        assert http.get(url).status_code == 401, "no snapshot without a password"
        assert http.get(url, auth=httpx.DigestAuth("viewer", "guess")).status_code == 401
        first = http.get(url, auth=httpx.DigestAuth("viewer", str(CONFIG["password"])))
        second = http.get(url, auth=httpx.DigestAuth("viewer", str(CONFIG["password"])))
        assert (first.status_code, second.status_code) == (200, 200)
        assert first.content != second.content, "every snapshot is a new picture"
        assert first.headers["Last-Modified"].endswith("GMT")
        with Image.open(io.BytesIO(first.content)) as image:
            assert (image.format, image.size) == ("JPEG", (640, 360))
