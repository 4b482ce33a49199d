"""An ONVIF camera: SOAP services, events by pull point, one relay, and a snapshot that shows when it was taken."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, ClassVar

from aiohttp import web
from PIL import Image, ImageDraw, ImageFont

from simulators import onvif_answers as answers
from simulators.device import BadRequest, DeviceSim
from simulators.faults import Fault
from simulators.onvif_auth import HttpDigestCheck, UsernameTokenCheck
from simulators.onvif_events import TOPICS, EventHub
from simulators.onvif_soap import SoapFault, SoapRequest, duration_s, envelope, parse, zulu

_SOAP_TYPE = "application/soap+xml; charset=utf-8"
_LONGEST_POLL_S = 60.0
_RELAY = "RelayOutput_1"


def draw_snapshot(name: str, now: datetime, motion: bool) -> bytes:
    """A 640x360 JPEG with the camera's name and its time to the millisecond, so that freshness can be seen."""
    image = Image.new("RGB", (640, 360), (38, 50, 64))
    draw = ImageDraw.Draw(image)
    draw.polygon([(0, 360), (240, 170), (400, 170), (640, 360)], fill=(92, 96, 100))
    draw.rectangle((240, 60, 400, 170), fill=(120, 128, 136))
    x = int(now.timestamp() * 40) % 640
    if motion:
        draw.ellipse((x - 14, 190, x + 14, 250), fill=(214, 160, 90))
    draw.text((12, 10), name, fill=(255, 255, 255), font=ImageFont.load_default(22))
    draw.text((12, 326), now.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + "Z", (255, 255, 255), ImageFont.load_default(20))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=75)
    return out.getvalue()


class OnvifCameraSim(DeviceSim):
    """One camera on an HTTP port.

    Config: host, port (0: any free one), username, password, auth ("wsse" | "digest" | "both": either is taken), model.
    Optional: strict_created (true: Created must end in Z), skew_limit_s (60), max_subscriptions (2), rtsp_url,
    numeric_booleans (false: events say 1 and 0). The snapshot always wants HTTP Digest.
    """

    kind: ClassVar[str] = "onvif_camera"
    services: ClassVar[Mapping[str, str]] = answers.SERVICES
    supported_faults: ClassVar[frozenset[Fault]] = frozenset(
        {
            Fault.HTTP_500,
            Fault.EMPTY_BODY,
            Fault.HTML,
            Fault.HANG,
            Fault.SILENT,
            Fault.SLOW,
            Fault.CUT,
            Fault.WRONG_XADDR,
            Fault.CLOCK_SKEW,
            Fault.DROP_SUBSCRIPTIONS,
            Fault.RESTART,
        }
    )

    def __init__(self, code: str, config: Mapping[str, Any], *, seed: int = 0, state_dir: Path | None = None) -> None:
        super().__init__(code, config, seed=seed, state_dir=state_dir)
        self.auth = str(config.get("auth", "wsse"))
        if self.auth not in ("wsse", "digest", "both"):
            raise ValueError(f"auth must be wsse, digest or both, not {self.auth!r}")
        self.host = str(config.get("host", "127.0.0.1"))
        self.port = int(config.get("port", 0))
        self.model = str(config.get("model", "SIM-CAM"))
        username, password = str(config["username"]), str(config["password"])
        self.token_check = UsernameTokenCheck(
            username,
            password,
            skew_limit_s=float(config.get("skew_limit_s", 60)),
            strict_z=bool(config.get("strict_created", True)),
        )
        self.digest_check = HttpDigestCheck(username, password)
        self.events = EventHub(
            int(config.get("max_subscriptions", 2)), numeric=bool(config.get("numeric_booleans", False))
        )
        self.relay = {"mode": "Bistable", "delay_s": 1.0, "idle": "open"}
        self.counters: dict[str, int] = {}
        self._clock_offset = timedelta()
        self._runner: web.AppRunner | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._table: dict[str, Callable[[SoapRequest], str]] = {
            "GetSystemDateAndTime": lambda request: answers.system_date_and_time(self.now(), self.zone_offset),
            "SetSystemDateAndTime": self._set_time,
            "GetDeviceInformation": lambda request: answers.device_information(self.model, self.code),
            "GetServices": lambda request: answers.services(self._base(), self.services),
            "GetCapabilities": lambda request: answers.capabilities(self._base()),
            "GetScopes": lambda request: answers.scopes(self.code, self.model),
            "GetProfiles": lambda request: answers.profiles(),
            "GetStreamUri": lambda request: answers.media_uri("GetStreamUri", self._stream_uri(request)),
            "GetSnapshotUri": lambda request: answers.media_uri("GetSnapshotUri", self._snapshot_uri(request)),
            "GetEventProperties": lambda request: answers.event_properties(),
            "CreatePullPointSubscription": self._create_pull_point,
            "GetRelayOutputs": lambda request: answers.relay_outputs(**self._relay_settings()),
            "SetRelayOutputSettings": self._set_relay_settings,
            "SetRelayOutputState": self._set_relay_state,
            "GetDigitalInputs": lambda request: answers.digital_inputs(),
        }

    # Life

    async def start(self) -> None:
        """Listen; ``port`` then tells the real port."""
        app = web.Application(middlewares=[self._misbehave])
        app.router.add_post("/onvif/{service}", self._soap)
        app.router.add_post("/onvif/pullpoint/{number:\\d+}", self._pull_point)
        app.router.add_get("/snapshot/{profile}", self._snapshot)
        self._runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, self.port)
        await site.start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Close the port; polls end."""
        for timer in self._timers.values():
            timer.cancel()
        self.events.drop_all()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def on_fault(self, fault: Fault) -> None:
        """Forgetting subscriptions happens at once."""
        if fault in (Fault.DROP_SUBSCRIPTIONS, Fault.RESTART):
            self.events.drop_all()
        if fault is Fault.RESTART:
            self.relay = {"mode": "Bistable", "delay_s": 1.0, "idle": "open"}

    @property
    def zone_offset(self) -> timedelta:
        """Its local time minus UTC."""
        return timedelta(hours=8)

    def now(self) -> datetime:
        """The camera's clock, aware UTC."""
        skew = timedelta(seconds=self.faults.value(Fault.CLOCK_SKEW, 3600.0))
        return datetime.now(UTC) + self._clock_offset + skew

    # HTTP

    @web.middleware
    async def _misbehave(self, request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
        if self.faults.on(Fault.CUT):
            return self._torn(request)
        if self.faults.on(Fault.HANG) or self.faults.on(Fault.SILENT):
            while self.faults.on(Fault.HANG) or self.faults.on(Fault.SILENT):  # noqa: ASYNC110 - faults end by the clock
                await asyncio.sleep(0.1)
            return self._torn(request)
        if self.faults.on(Fault.HTTP_500):
            return web.Response(
                status=500, content_type="text/html", text="<html><body><h1>Internal Server Error</h1></body></html>"
            )
        if self.faults.on(Fault.HTML):
            return web.Response(content_type="text/html", text="<html><body><form>Login</form></body></html>")
        if self.faults.on(Fault.EMPTY_BODY):
            return web.Response(status=200, body=b"")
        await asyncio.sleep(self.faults.value(Fault.SLOW, 0.5))
        response: web.StreamResponse = await handler(request)
        return self._torn(request) if self.faults.on(Fault.LOST_REPLY) else response

    def _torn(self, request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    async def _soap(self, request: web.Request) -> web.Response:
        service = request.match_info["service"]
        if service not in self.services:
            raise web.HTTPNotFound
        return await self._answer(request, self._operation)

    async def _pull_point(self, request: web.Request) -> web.Response:
        number = int(request.match_info["number"])
        return await self._answer(request, lambda soap: self._subscription_operation(number, soap))

    async def _answer(self, request: web.Request, operation: Callable[[SoapRequest], Any]) -> web.Response:
        try:
            soap = parse(await request.read())
            if soap.operation != "GetSystemDateAndTime" and not self._may(request, soap):
                return web.Response(status=401, headers={"WWW-Authenticate": self.digest_check.challenge()})
            self.counters[soap.operation] = self.counters.get(soap.operation, 0) + 1
            body = await operation(soap)
        except SoapFault as fault:
            return web.Response(status=fault.http_status, body=fault.envelope(), headers={"Content-Type": _SOAP_TYPE})
        return web.Response(body=envelope(body), headers={"Content-Type": _SOAP_TYPE})

    def _may(self, request: web.Request, soap: SoapRequest) -> bool:
        """True when signed in; False asks for HTTP Digest. Raises SoapFault for a wrong UsernameToken."""
        if self.auth in ("digest", "both"):
            if self.digest_check.ok(request.headers.get("Authorization"), request.method, request.path_qs):
                return True
            if self.auth == "digest" or (soap.header is None and "Authorization" not in request.headers):
                return False
        self.token_check.check(soap.header, self.now())
        return True

    async def _snapshot(self, request: web.Request) -> web.Response:
        if not self.digest_check.ok(request.headers.get("Authorization"), request.method, request.path_qs):
            return web.Response(status=401, headers={"WWW-Authenticate": self.digest_check.challenge()})
        if request.match_info["profile"] != "main":
            raise web.HTTPNotFound
        self.counters["snapshot"] = self.counters.get("snapshot", 0) + 1
        now = self.now()
        data = draw_snapshot(self.code, now, self.events.states["motion"])
        headers = {"Last-Modified": format_datetime(now, usegmt=True), "Cache-Control": "no-store"}
        return web.Response(body=data, content_type="image/jpeg", headers=headers)

    # SOAP operations

    def _base(self) -> str:
        host = "192.0.2.10" if self.faults.on(Fault.WRONG_XADDR) else self.host
        return f"http://{host}:{self.port}/onvif"

    async def _operation(self, soap: SoapRequest) -> str:
        action = self._table.get(soap.operation)
        if action is None:
            raise SoapFault("Receiver", "ter:ActionNotSupported", f"{soap.operation} is not implemented")
        return action(soap)

    def _profile(self, soap: SoapRequest) -> str:
        token = soap.text("ProfileToken")
        if token != "main":
            raise SoapFault("Sender", "ter:InvalidArgVal", f"no profile {token!r}")
        return token

    def _stream_uri(self, soap: SoapRequest) -> str:
        return str(self.config.get("rtsp_url", f"rtsp://{self.host}:554/{self._profile(soap)}"))

    def _snapshot_uri(self, soap: SoapRequest) -> str:
        return f"{self._base().removesuffix('/onvif')}/snapshot/{self._profile(soap)}"

    def _set_time(self, soap: SoapRequest) -> str:
        names = ("Year", "Month", "Day", "Hour", "Minute", "Second")
        if soap.text("DateTimeType") == "Manual":
            try:
                year, month, day, hour, minute, second = (int(soap.text(name) or "") for name in names)
                wanted = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
            except ValueError as error:
                raise SoapFault("Sender", "ter:InvalidDateTime", "UTCDateTime is incomplete") from error
            self._clock_offset = wanted - datetime.now(UTC)
        else:
            self._clock_offset = timedelta()
        return "<tds:SetSystemDateAndTimeResponse/>"

    def _until(self, text: str | None, now: datetime) -> float:
        """Seconds of a duration or of an absolute time from now; 60 when none is given."""
        if not text:
            return 60.0
        if text.startswith("P"):
            return duration_s(text)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise SoapFault("Sender", "ter:InvalidArgVal", f"not a time: {text}") from error
        return (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()

    def _create_pull_point(self, soap: SoapRequest) -> str:
        now = self.now()
        seconds = self._until(soap.text("InitialTerminationTime"), now)
        expression = soap.text("TopicExpression") or ""
        filters = tuple(part.strip() for part in expression.split("|") if part.strip())
        one = self.events.create(now, seconds, filters)
        return (
            "<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference><wsa:Address>"
            f"{self._base()}/pullpoint/{one.number}</wsa:Address></tev:SubscriptionReference>"
            f"<wsnt:CurrentTime>{zulu(now)}</wsnt:CurrentTime>"
            f"<wsnt:TerminationTime>{zulu(one.expires_at)}</wsnt:TerminationTime>"
            "</tev:CreatePullPointSubscriptionResponse>"
        )

    async def _subscription_operation(self, number: int, soap: SoapRequest) -> str:
        now = self.now()
        one = self.events.get(number, now)
        if soap.operation == "PullMessages":
            return await self._pull(number, soap)
        if soap.operation == "Renew":
            one.expires_at = now + timedelta(seconds=self._until(soap.text("TerminationTime"), now))
            return (
                f"<wsnt:RenewResponse><wsnt:TerminationTime>{zulu(one.expires_at)}</wsnt:TerminationTime>"
                f"<wsnt:CurrentTime>{zulu(now)}</wsnt:CurrentTime></wsnt:RenewResponse>"
            )
        if soap.operation == "Unsubscribe":
            self.events.drop(number)
            return "<wsnt:UnsubscribeResponse/>"
        if soap.operation == "SetSynchronizationPoint":
            self.events.synchronize(one, now)
            return "<tev:SetSynchronizationPointResponse/>"
        raise SoapFault("Receiver", "ter:ActionNotSupported", f"{soap.operation} is not implemented")

    async def _pull(self, number: int, soap: SoapRequest) -> str:
        one = self.events.get(number, self.now())
        limit = int(soap.text("MessageLimit") or 1)
        wait_s = min(_LONGEST_POLL_S, duration_s(soap.text("Timeout") or "PT1S"))
        if not one.queue:
            one.arrived.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):  # wait_for can swallow a cancellation in Python 3.11
                    await one.arrived.wait()
        now = self.now()
        one = self.events.get(number, now)  # it may have ended while we waited
        messages = "".join(one.queue.popleft() for _ in range(min(limit, len(one.queue))))
        return (
            f"<tev:PullMessagesResponse><tev:CurrentTime>{zulu(now)}</tev:CurrentTime>"
            f"<tev:TerminationTime>{zulu(one.expires_at)}</tev:TerminationTime>{messages}</tev:PullMessagesResponse>"
        )

    # Relay and what the camera sees

    def _relay_settings(self) -> dict[str, Any]:
        return dict(self.relay)

    def _check_relay(self, soap: SoapRequest) -> None:
        attributes = [one.get("token") for one in soap.body.iter() if one.get("token")]
        token = soap.text("RelayOutputToken") or (attributes[0] if attributes else "")
        if token != _RELAY:
            raise SoapFault("Sender", "ter:InvalidArgVal", f"no relay {token!r}")

    def _set_relay_settings(self, soap: SoapRequest) -> str:
        self._check_relay(soap)
        mode = soap.text("Mode")
        if mode not in ("Monostable", "Bistable"):
            raise SoapFault("Sender", "ter:InvalidArgVal", f"no mode {mode!r}")
        delay = duration_s(soap.text("DelayTime") or "PT1S")
        self.relay = {"mode": mode, "delay_s": delay, "idle": soap.text("IdleState") or "open"}
        prefix = "tmd" if soap.namespace.endswith("deviceIO/wsdl") else "tds"
        return f"<{prefix}:SetRelayOutputSettingsResponse/>"

    def _set_relay_state(self, soap: SoapRequest) -> str:
        self._check_relay(soap)
        state = soap.text("LogicalState")
        if state not in ("active", "inactive"):
            raise SoapFault("Sender", "ter:InvalidArgVal", f"no state {state!r}")
        active = state == "active"
        self.counters["relay_active"] = self.counters.get("relay_active", 0) + active
        back = float(str(self.relay["delay_s"])) if active and self.relay["mode"] == "Monostable" else None
        self.observe("relay", active, back)
        return "<tds:SetRelayOutputStateResponse/>"

    def observe(self, kind: str, on: bool, seconds: float | None = None) -> bool:
        """Set what the camera observes: motion, cell_motion, tamper, digital_input, relay.

        ``seconds``: it goes back by itself after so long. Returns False when it was so already. Raises BadRequest.
        """
        if kind not in TOPICS:
            raise BadRequest(f"no event {kind!r}; known: {', '.join(sorted(TOPICS))}")
        timer = self._timers.pop(kind, None)
        if timer is not None:
            timer.cancel()
        changed = self.events.change(kind, on, self.now())
        if seconds is not None:
            self._timers[kind] = asyncio.get_running_loop().call_later(seconds, self.observe, kind, not on)
        return changed

    async def raise_event(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """``{"kind": "motion", "state": true, "seconds": 3}``; state defaults to true, seconds to "until told"."""
        state, seconds = body.get("state", True), body.get("seconds")
        if not isinstance(state, bool) or not (seconds is None or isinstance(seconds, int | float)):
            raise BadRequest("state must be true or false, seconds a number or null")
        changed = self.observe(str(body.get("kind", "")), state, seconds)
        return {"changed": changed, "states": dict(self.events.states)}

    # To look at

    def state(self) -> dict[str, Any]:
        """Clock, subscriptions, observed states, relay, counted operations."""
        now = self.now()
        self.events.expire(now)
        return {
            **self.summary(),
            "port": self.port,
            "model": self.model,
            "auth": self.auth,
            "clock": zulu(now),
            "states": dict(self.events.states),
            "relay": dict(self.relay),
            "subscriptions": [
                {"number": one.number, "expires_at": zulu(one.expires_at), "queued": len(one.queue)}
                for one in self.events.subscriptions.values()
            ],
            "counters": dict(sorted(self.counters.items())),
        }
