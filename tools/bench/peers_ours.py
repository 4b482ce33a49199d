"""`python -m tools.bench.peers_ours BUS BROKER UNITS HERTZ`: our door drivers on one bus, what they tell published at QoS 1."""

from __future__ import annotations

import asyncio
import sys

import msgspec

from device_drivers import modbus_door
from device_drivers.driver import DriverServices
from device_drivers.mqtt import LinkOptions, MqttLink


class NoServices:
    """A door board asks for none."""


async def main(bus: int, broker: int, units: int, hertz: int) -> None:
    link = MqttLink(LinkOptions("127.0.0.1", broker, "ours", "ours", "ours"))
    link.start(lambda _message: None, lambda _up, _why: None)
    config = {"host": "127.0.0.1", "port": bus, "board": "jy_dam", "doors": 8, "poll_ms": 1000 // hertz}
    services: DriverServices = NoServices()  # type: ignore[assignment]

    async def watch(n: int) -> None:
        driver = await modbus_door.connect(f"b{n}", config | {"unit": n + 1}, services)
        async for event in driver.events():
            link.publish(f"bench/ours/{n}", msgspec.json.encode(event.body))

    await asyncio.gather(*(watch(n) for n in range(units)))


if __name__ == "__main__":
    asyncio.run(main(*(int(a) for a in sys.argv[1:])))
