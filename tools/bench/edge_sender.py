"""A real journal and uplink as a process of its own: fills the journal, says `filled`, waits for a line, sends."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from device_drivers.contract.events import AccessEvent, Event
from device_drivers.contract.messages import EdgeCatalogue, EdgeStatus
from device_drivers.contract.words import AccessOutcome, Direction, IdentifierType
from device_drivers.mqtt import LinkOptions, MqttLink
from edge_agent.store import Journal
from edge_agent.uplink import Handlers, Uplink, offline_will

CHUNK = 5_000


class WallClock:
    """The machine's clock, always trusted."""

    trusted = True

    def now(self) -> datetime:
        return datetime.now(UTC)


def passes(count: int, credentials: int) -> list[Event]:
    """Granted card passes, one every 20 s into the past."""
    now = datetime.now(UTC)
    body = [
        AccessEvent(AccessOutcome.GRANTED, access_point="E.AP", credential=f"token{n:015d}", identifier=IdentifierType.CARD,
                    direction=Direction.IN, record=str(n))
        for n in range(credentials)
    ]  # fmt: skip
    return [
        Event(0, "E.dev", now, body[n % credentials], device_at=now - timedelta(seconds=20 * (count - n)), late=True)
        for n in range(count)
    ]


async def main(directory: Path, port: int, edge: str, secret: str, count: int, credentials: int) -> None:
    journal = Journal(directory / "journal.db", WallClock())
    journal.open()
    events = passes(count, credentials)
    for start in range(0, count, CHUNK):
        await journal.append(*events[start : start + CHUNK])
    print("filled", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    link = MqttLink(LinkOptions("127.0.0.1", port, edge, edge, secret, will=offline_will(edge)))

    def status() -> EdgeStatus:
        return EdgeStatus(online=True, epoch=journal.epoch, head_seq=journal.head, clock=datetime.now(UTC))

    handlers = Handlers(lambda _: None, lambda _: None, lambda _: None)
    uplink = Uplink(link, edge, journal, status, EdgeCatalogue(()), handlers)
    uplink.start()
    await uplink.run()


if __name__ == "__main__":
    folder, port, edge, secret, count, credentials = sys.argv[1:]
    asyncio.run(main(Path(folder), int(port), edge, secret, int(count), int(credentials)))
