"""`python -m tools.bench.sim_devices PLAN`: the devices of a bench estate in one process, each on its own socket.

PLAN: {"devices": [{"code", "kind", "config"}], "photo_port": port of the one enrolment photo, "ready": file to write}.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

from aiohttp import web

from simulators.kinds import make_device
from simulators.photos import photo


async def run(plan: dict[str, object]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    picture = photo("bench", 1, "good")

    async def serve(_request: web.Request) -> web.Response:
        return web.Response(body=picture, content_type="image/jpeg")

    app = web.Application()
    app.router.add_get("/photo.jpg", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(str(plan["photo_port"]))).start()
    given = plan["devices"]
    assert isinstance(given, list)
    devices = [make_device(d["kind"], d["code"], d["config"]) for d in given]
    for device in devices:
        await device.start()
    await asyncio.to_thread(Path(str(plan["ready"])).write_text, "ready")
    await stop.wait()
    await asyncio.gather(*(device.stop() for device in devices))
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(run(json.loads(Path(sys.argv[1]).read_text())))
