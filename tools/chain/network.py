"""The broker's twin with what real networks and brokers do: messages lost, doubled, late; retained messages lost or old."""

from __future__ import annotations

import asyncio
import random

from device_drivers.mqtt import Incoming, MemoryBroker

SPARED = ("/up/status", "/up/catalogue", "/down/devices", "/down/ack")
"""MQTT loses nothing within a connection; what is said once at its beginning is lost only with it (`cut`)."""


class Broker(MemoryBroker):
    """`lose`, `double`, `delay`: how many of the next messages meet this; `delay_s` is how late they come."""

    def __init__(self, loop: asyncio.AbstractEventLoop, rng: random.Random) -> None:
        super().__init__()
        self.loop, self.rng = loop, rng
        self.lose = self.double = self.delay = 0
        self.delay_s = 5.0
        self.down = False
        self.old: dict[str, bytes] = {}

    def route(self, topic: str, payload: bytes, retain: bool) -> None:
        self.log.clear()
        if topic.endswith(SPARED) or self.down:
            super().route(topic, payload, retain)
        elif self.lose > 0:
            self.lose -= 1
            if retain:
                self.retained[topic] = payload
        elif self.delay > 0:
            self.delay -= 1
            if retain:
                self.retained[topic] = payload
            self.loop.call_later(self.delay_s * (0.5 + self.rng.random()), self._late, topic, payload)
        else:
            super().route(topic, payload, retain)
            if self.double > 0:
                self.double -= 1
                self.loop.call_later(self.rng.random() * self.delay_s, self._late, topic, payload)

    def _late(self, topic: str, payload: bytes) -> None:
        for link in [one for one in self.links if one.connected and one.wants(topic)]:
            link.deliver(Incoming(topic, payload))

    def snapshot(self) -> None:
        """What lies on its disk now, for a later `restart(old=True)`."""
        self.old = dict(self.retained)

    def restart(self, retained: str) -> None:
        """All links are lost and come back one after the other. `retained`: `kept`, `lost`, or `old` (as last saved)."""
        links = list(self.links)
        for link in links:
            link.cut()
        if retained != "kept":
            self.retained = dict(self.old) if retained == "old" else {}
        self.rng.shuffle(links)
        for place, link in enumerate(links):
            self.loop.call_later(0.2 + place * 2 * self.rng.random(), self._back, link)

    def _back(self, link: object) -> None:
        for one in self.links:
            if one is link and not one.connected:
                one.restore()
