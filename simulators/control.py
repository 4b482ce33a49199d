"""HTTP control of simulated devices: look at them, hold cards and faces before them, break them. Loopback only."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiohttp import web

from simulators.device import BadRequest, DeviceSim, NotSupported
from simulators.faults import Fault
from simulators.modbus_board import ModbusBoardSim
from simulators.modbus_meter import ModbusMeterSim

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _error(status: int, text: str) -> web.Response:
    return web.json_response({"error": text}, status=status, dumps=_dumps)


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except BadRequest as error:
        return _error(400, str(error))
    except NotSupported as error:
        return _error(409, str(error))
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _error(error.status, error.reason)


class ControlServer:
    """``GET /devices``, ``GET /devices/{code}`` and ``POST /devices/{code}/present|fault|door|event|exit|fire|reading``.

    Bodies are JSON objects; errors are ``{"error": text}``: 400 senseless, 404 no such device, 409 this device cannot.
    ``host`` must be a loopback address: whoever reaches this port can open every simulated door.
    """

    def __init__(self, devices: Iterable[DeviceSim], *, host: str = "127.0.0.1", port: int = 0) -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"the control port listens on loopback only, not on {host}")
        self.devices: dict[str, DeviceSim] = {}
        for device in devices:
            self.add(device)
        self.host = host
        self.port = port
        self._runner: web.AppRunner | None = None

    def add(self, device: DeviceSim) -> None:
        """Put a device under control. Raises ValueError for a code that is there already."""
        if device.code in self.devices:
            raise ValueError(f"two devices with the code {device.code!r}")
        self.devices[device.code] = device

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.host}:{self.port}"

    def routes(self) -> list[web.RouteDef]:
        """The routes, for an application that wants to serve more beside them."""
        return [
            web.get("/devices", self._list),
            web.get("/devices/{code}", self._state),
            web.post("/devices/{code}/present", self._present),
            web.post("/devices/{code}/fault", self._fault),
            web.post("/devices/{code}/door", self._door),
            web.post("/devices/{code}/event", self._event),
            web.post("/devices/{code}/exit", self._exit),
            web.post("/devices/{code}/fire", self._fire),
            web.post("/devices/{code}/reading", self._reading),
        ]

    async def start(self) -> None:
        """Listen; ``port`` then tells the real port."""
        app = web.Application(middlewares=[_errors])
        app.add_routes(self.routes())
        self._runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port).start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Close the port; the devices live on."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _device(self, request: web.Request) -> DeviceSim:
        code = request.match_info["code"]
        device = self.devices.get(code)
        if device is None:
            raise web.HTTPNotFound(reason=f"no device {code!r}")
        return device

    async def _body(self, request: web.Request) -> dict[str, Any]:
        try:
            body = json.loads(await request.text())
        except ValueError as error:
            raise BadRequest("the body is not JSON") from error
        if not isinstance(body, dict):
            raise BadRequest("the body must be a JSON object")
        return body

    def _answer(self, value: Any) -> web.Response:
        return web.json_response(value, dumps=_dumps)

    async def _list(self, request: web.Request) -> web.Response:
        return self._answer({"devices": [device.summary() for device in self.devices.values()]})

    async def _state(self, request: web.Request) -> web.Response:
        return self._answer(self._device(request).state())

    async def _present(self, request: web.Request) -> web.Response:
        device, body = self._device(request), await self._body(request)
        stranger = _typed(body, "stranger", bool, False)
        shown: dict[str, str | None] = {
            name: _typed(body, name, str, None) for name in ("face", "card", "qr", "id_card", "pin")
        }
        if sum(value is not None for value in shown.values()) + stranger != 1:
            raise BadRequest(
                "give exactly one of face (customId), card (number), qr, id_card, pin (texts), stranger (true)"
            )
        return self._answer(await device.present(**shown, stranger=stranger))

    async def _fault(self, request: web.Request) -> web.Response:
        device, body = self._device(request), await self._body(request)
        name = _typed(body, "fault", str, "")
        if name == "none":
            device.clear_faults()
            return self._answer({"faults": device.faults.listing()})
        try:
            fault = Fault(name)
        except ValueError as error:
            raise BadRequest(f"no fault {name!r}; known: none, {', '.join(sorted(Fault))}") from error
        if body.get("clear") is True:
            device.clear_faults(fault)
        else:
            seconds, value = _typed(body, "seconds", float, None), _typed(body, "value", float, None)
            await device.apply_fault(fault, seconds, value=value, unit=_typed(body, "unit", int, None))
        return self._answer({"faults": device.faults.listing()})

    async def _door(self, request: web.Request) -> web.Response:
        device, body = self._device(request), await self._body(request)
        is_open = _typed(body, "open", bool, None)
        if is_open is None:
            raise BadRequest("open must be true or false")
        return self._answer(await device.set_door(is_open=is_open))

    async def _event(self, request: web.Request) -> web.Response:
        device = self._device(request)
        return self._answer(await device.raise_event(await self._body(request)))

    async def _exit(self, request: web.Request) -> web.Response:
        device = self._device(request)
        if not isinstance(device, ModbusBoardSim):
            raise NotSupported(f"{device.kind} {device.code} has no exit button")
        device.press_exit()
        return self._answer({"exit_presses": device.counters["exit_presses"]})

    async def _fire(self, request: web.Request) -> web.Response:
        device, body = self._device(request), await self._body(request)
        active = _typed(body, "active", bool, None)
        if active is None:
            raise BadRequest("active must be true or false")
        if not isinstance(device, ModbusBoardSim):
            raise NotSupported(f"{device.kind} {device.code} has no fire contact")
        device.set_fire(active=active)
        return self._answer({"fire": device.fire_stands})

    async def _reading(self, request: web.Request) -> web.Response:
        device, body = self._device(request), await self._body(request)
        if not isinstance(device, ModbusMeterSim):
            raise NotSupported(f"{device.kind} {device.code} is no meter")
        unit, value = _typed(body, "unit", int, None), _typed(body, "value", float, None)
        if unit is None or value is None:
            raise BadRequest("unit and value are needed")
        device.set_reading(unit, value, _typed(body, "quantity", str, None))
        return self._answer({"unit": unit, "shown": device.shown(device.meters[unit])})


def _typed(body: dict[str, Any], key: str, kind: type, default: Any) -> Any:
    """``body[key]`` if it is of that JSON type (null counts as missing). Raises BadRequest."""
    value = body.get(key)
    if value is None:
        return default
    allowed = (int, float) if kind is float else (kind,)
    if not isinstance(value, allowed) or (isinstance(value, bool) and kind is not bool):
        raise BadRequest(f"{key} must be of type {kind.__name__}, not {value!r}")
    return value
