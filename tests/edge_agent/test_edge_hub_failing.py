"""A hub that answers slowly, in pieces, with garbage or with a refusal: what it does not take holds up nothing else."""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from edge_twins import ESTATE, access_list, credential, open_box, run, until
from failing import Estate, held

from device_drivers.contract.edge_http import CERTIFICATE_PATH, LIST_PATH, SNAPSHOT_PATH, RenewReply
from device_drivers.contract.messages import Command
from device_drivers.contract.words import CommandKind
from device_drivers.driver import CommandRequest
from edge_agent.certificate import CertificateKeeper
from edge_agent.config import EdgeConfig, EdgeDir
from edge_agent.connections import client_tls
from edge_agent.enrol import make_key
from edge_agent.lists import fetcher
from edge_agent.snapshots import Snapshots, _Side
from hub.keys import Keys

JPEG = b"\xff\xd8 picture %d"


@pytest.mark.parametrize("status", [400, 413])
def test_a_picture_that_the_hub_never_takes_holds_up_no_other(tmp_path: Path, status: int) -> None:
    pictures = [JPEG % n for n in range(3)]
    digests = [hashlib.sha256(p).hexdigest() for p in pictures]
    taken: list[str] = []

    async def put(request: web.Request) -> web.Response:
        await request.read()
        if request.match_info["sha256"] == digests[0]:
            return web.Response(status=status)
        taken.append(request.match_info["sha256"])
        return web.Response(status=201)

    async def work() -> None:
        app = web.Application()
        app.router.add_put(SNAPSHOT_PATH, put)
        async with TestServer(app) as server, open_box(tmp_path) as box, aiohttp.ClientSession() as session:
            snapshots = Snapshots(tmp_path, box.box, {}.get, session, str(server.make_url("")), "s")
            for digest, picture in zip(digests, pictures, strict=True):
                snapshots._store(digest, picture, _Side("ap1", "cam", "2026-06-01T08:00:00+00:00"))
            task = asyncio.create_task(snapshots.run())
            await until(lambda: sorted(taken) == sorted(digests[1:]), "the others")
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    run(work())
    assert (tmp_path / f"{digests[0]}.jpg").exists(), "it is kept for the days it may be"


def test_a_certificate_that_comes_in_pieces_is_taken(tmp_path: Path) -> None:
    now, keys, place = datetime.now(UTC), Keys(tmp_path / "keys"), EdgeDir(tmp_path / "box")
    place.make()
    key, csr = make_key()
    place.key.write_bytes(key)
    place.ca.write_text(keys.ca_pem)
    place.certificate.write_text(keys.sign_edge_csr(csr, "edge-aaaa", now).pem)
    fresh = keys.sign_edge_csr(csr, "edge-aaaa", now + timedelta(days=1)).pem

    async def answer(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse()
        await reply.prepare(request)
        body = msgspec.json.encode(RenewReply(fresh))
        for start in range(0, len(body), 200):
            await reply.write(body[start : start + 200])
            await asyncio.sleep(0.01)  # a packet each
        return reply

    async def work() -> str:
        app = web.Application()
        app.router.add_post(CERTIFICATE_PATH, answer)
        async with TestServer(app) as server, aiohttp.ClientSession() as session:
            url = str(server.make_url("")).rstrip("/")
            config = EdgeConfig("edge-aaaa", ESTATE, "127.0.0.1", 1, url, "secret", mqtt_tls=True)
            late = now + timedelta(days=70)
            keeper = CertificateKeeper(place, config, session, client_tls(place, config), lambda: late, lambda: None)
            await keeper.look()
            return keeper.refused

    assert run(work()) == ""
    assert place.certificate.read_text() == fresh


BAD_LISTS = {
    "no text": b'{"payload":"aGk=","signature":"aGk=","key_id":"\xe4\xbd\xff"}',
    "endless nesting": b'{"payload":"aGk=","x":' + b"[" * 200_000,
    "half of it": b'{"payload":"aG',
    "bad gzip": b"\x1f\x8b\x08\x00garbage",
    "busy": b"",
}


@pytest.mark.parametrize("what", BAD_LISTS)
def test_a_hub_that_serves_garbage_as_a_list_stops_no_door(tmp_path: Path, what: str) -> None:
    estate, bad = Estate(tmp_path), [True]
    estate.live()

    async def get(_request: web.Request) -> web.Response:
        if not bad[0]:
            return web.Response(body=msgspec.json.encode(estate.signer.served["d1"]))
        if what == "busy":
            return web.Response(status=503, headers={"Retry-After": "1"})
        headers = {"Content-Encoding": "gzip"} if what == "bad gzip" else {}
        return web.Response(body=BAD_LISTS[what], headers=headers)

    async def work() -> None:
        app = web.Application()
        app.router.add_get(LIST_PATH, get)
        async with TestServer(app) as server, aiohttp.ClientSession() as session:
            served = fetcher(session, str(server.make_url("")), "s")
            asked: list[str] = []

            async def fetch(device: str, etag: str) -> object:
                asked.append(device)
                return await served(device, etag)

            estate.signer.fetch = fetch  # type: ignore[method-assign,assignment]
            async with estate.box() as agent:
                await estate.reached(lambda: len(asked) > 1, "it is asked again")
                driver = agent.workers["d1"][0].driver
                await estate.opens()
                estate.ring(access_list(2, credential("b", "8")))
                bad[0] = False
                await estate.reached(lambda: held(agent) == 2, "the list, as soon as the hub is well")
                assert agent.workers["d1"][0].driver is driver, "the door was never let go"

    run(work())


def test_an_order_that_fails_in_an_unforeseen_way_ends_nothing_else(tmp_path: Path) -> None:
    estate = Estate(tmp_path)
    estate.live()

    async def fails(request: CommandRequest) -> None:
        if request.text == "bad":
            raise zlib.error("not foreseen")

    async def work() -> None:
        async with estate.box() as agent:
            await estate.opens()
            estate.device.before_answer = fails
            now = agent.clock.now()
            order = Command(
                id="c1",
                kind=CommandKind.MOMENTARY_ACCESS,
                device="d1",
                access_point="ap1",
                issued_at=now,
                expires_at=now + timedelta(minutes=1),
                reason="bad",
            )
            agent.orders.arrived(estate.signer.command(order))
            await estate.reached(lambda: agent.state.last_commands(), "it is in hand")
            await estate.reached(lambda: [n for n in estate.notes() if n.what == "trouble"], "what went wrong is said")
            await estate.opens()

    run(work())
