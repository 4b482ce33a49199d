"""The control page of a whole estate: its devices, and its people."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from simulators.control import ControlServer
from simulators.device import BadRequest, DeviceSim
from simulators.walkers import Walkers


class EstateControl(ControlServer):
    """The devices' control routes, and:

    GET  /estate                          the estate's time, speed, and what its walkers did so far
    POST /estate/speed {"speed": 20}      people walk that many times as fast from now on
    POST /estate/walk {"person_id", "what": "in"|"out"}   this person walks now; {"what": "stranger"}: a stranger
    """

    def __init__(self, devices: Iterable[DeviceSim], walkers: Walkers, *, port: int = 0) -> None:
        super().__init__(devices, port=port)
        self.walkers = walkers

    def routes(self) -> list[web.RouteDef]:
        """The routes of the devices and of the estate."""
        return [
            *super().routes(),
            web.get("/estate", self._estate),
            web.post("/estate/speed", self._speed),
            web.post("/estate/walk", self._walk),
        ]

    async def _estate(self, _request: web.Request) -> web.Response:
        walkers = self.walkers
        return self._answer(
            {
                "estate_time": walkers.clock.now().isoformat(),
                "speed": walkers.clock.speed,
                "bodies": len(walkers.crowd.bodies),
                "newcomers": sorted(walkers.newcomers),
                "counters": dict(sorted(walkers.counters.items())),
            }
        )

    async def _speed(self, request: web.Request) -> web.Response:
        speed = (await self._body(request)).get("speed")
        if isinstance(speed, bool) or not isinstance(speed, int | float) or not 0 < speed <= 1000:
            raise BadRequest("speed must be a number above 0 and up to 1000")
        self.walkers.clock.change_speed(float(speed))
        return self._answer({"speed": self.walkers.clock.speed})

    async def _walk(self, request: web.Request) -> web.Response:
        body = await self._body(request)
        what, holder = body.get("what", "in"), body.get("person_id")
        if what not in ("in", "out", "stranger"):
            raise BadRequest("what must be in, out or stranger")
        residents = {b.holder: b for b in self.walkers.crowd.bodies if b.resident} | self.walkers.newcomers
        if what != "stranger" and holder not in residents:
            raise web.HTTPNotFound(reason=f"nobody is called {holder} here")
        self.walkers.send(what, None if what == "stranger" else residents[holder])
        return self._answer({"sent": what, "person_id": holder})
