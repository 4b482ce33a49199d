"""A box renews its certificate while the present one is good, and comes back when it let it end. Hub, TLS and broker are real."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import threading
import types
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from cryptography import x509
from patience import PATIENCE_S

from device_drivers.contract.edge_http import CERTIFICATE_PATH, RenewReply
from device_drivers.mqtt import LinkOptions, MqttLink
from edge_agent.certificate import CertificateKeeper, certificate_of, due, told
from edge_agent.config import EdgeConfig, EdgeDir
from edge_agent.connections import client_tls
from edge_agent.enrol import EnrolFailed, enrol, enrol_again, make_key
from hub.config import Config
from hub.enrol import KEPT_BEFORE, enrolment_token, remove_edge
from hub.keys import EDGE_CERTIFICATE_DAYS, Keys
from hub.server import Server
from hub.services import Hub
from hub.tables import Edge, Estate

ENDED = timedelta(days=EDGE_CERTIFICATE_DAYS + 1)
LATE = timedelta(days=EDGE_CERTIFICATE_DAYS * 2 // 3 + 1)
"""After which a third of its life is left."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Hub]]:
    server = Server(Config(dir=tmp_path_factory.mktemp("hub"), port=0), embedded_broker=True)
    hub = server.start()
    with hub.db.unit_of_work("test", "site") as uow:
        uow.session.add(Estate(id="E001", code="E001", name="E001", policy={}))
        uow.session.flush()
        uow.session.add_all([Edge(id=f"edge-{n * 4}", estate_id="E001", name=n) for n in "abcde"])
    yield server, hub
    server.stop()


def enrolled(running: tuple[Server, Hub], edge: str, directory: Path) -> tuple[EdgeDir, EdgeConfig]:
    server, hub = running
    token, _ = enrolment_token(hub, edge, "test")
    place = EdgeDir(directory / edge)
    return place, asyncio.run(enrol(f"http://127.0.0.1:{server.config.port}", token, place, serve_host="127.0.0.9"))


def look(place: EdgeDir, config: EdgeConfig, tls: ssl.SSLContext, after: timedelta, times: int = 1) -> tuple[str, int]:
    """(why it was refused, how often a change was told) when the keeper looks so long after today."""
    changes = []

    async def once() -> str:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session:
            keeper = CertificateKeeper(
                place, config, session, tls, lambda: datetime.now(UTC) + after, lambda: changes.append(1)
            )
            for _ in range(times):
                await keeper.look()
            return keeper.refused

    return asyncio.run(once()), len(changes)


def serial(place: EdgeDir) -> int:
    return certificate_of(place).serial_number


def shown(tls: ssl.SSLContext, keys: Keys) -> int:
    """Serial of the certificate that a new connection with this context shows."""
    certificate, key = keys.server_certificate("127.0.0.1")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=keys.ca_pem)
    server.load_cert_chain(certificate, key)
    server.verify_mode = ssl.CERT_REQUIRED
    seen: list[bytes | None] = []

    def answer(listening: socket.socket) -> None:
        taken, _ = listening.accept()
        with server.wrap_socket(taken, server_side=True) as one:
            seen.append(one.getpeercert(binary_form=True))

    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        thread = threading.Thread(target=answer, args=(listening,))
        thread.start()
        with (
            socket.create_connection(listening.getsockname(), PATIENCE_S) as plain,
            tls.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
        ):
            secured.recv(1)
        thread.join(PATIENCE_S)
    assert seen[0] is not None
    return x509.load_der_x509_certificate(seen[0]).serial_number


def test_a_certificate_is_renewed_when_a_third_of_its_life_is_left(tmp_path: Path) -> None:
    _key, csr = make_key()
    made = Keys(tmp_path).sign_edge_csr(csr, "edge-aaaa", datetime(2026, 1, 1, tzinfo=UTC))
    held = x509.load_pem_x509_certificate(made.pem.encode())
    assert made.until == datetime(2026, 4, 1, tzinfo=UTC)
    assert not due(held, datetime(2026, 3, 1, tzinfo=UTC))
    assert due(held, datetime(2026, 3, 2, 2, tzinfo=UTC)), "a month is left to be offline"
    assert due(held, datetime(2026, 5, 1, tzinfo=UTC))


def test_a_box_renews_it_and_shows_the_new_one_without_a_restart(running: tuple[Server, Hub], tmp_path: Path) -> None:
    _server, hub = running
    place, config = enrolled(running, "edge-aaaa", tmp_path)
    tls = client_tls(place, config)
    assert tls is not None
    first, key = serial(place), place.key.read_bytes()
    assert shown(tls, hub.keys) == first
    assert look(place, config, tls, timedelta(days=1)) == ("", 0)
    assert serial(place) == first, "it is not time"
    assert look(place, config, tls, LATE, times=3) == ("", 1), "a clock that is ahead asks no more today"
    second = serial(place)
    assert second != first
    assert place.key.read_bytes() == key, "one file changes: a power cut leaves a pair that fits"
    assert shown(tls, hub.keys) == second, "the next connection, of the same process"
    with hub.db.reading() as session:
        row = session.get_one(Edge, "edge-aaaa")
        assert (row.certificate_serial, row.certificates_before) == (f"{second:x}", [f"{first:x}"])
        assert row.certificate_until == certificate_of(place).not_valid_after_utc


def test_a_renewed_certificate_that_could_not_be_loaded_is_shown_at_the_next_look(
    running: tuple[Server, Hub], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _server, hub = running
    place, config = enrolled(running, "edge-eeee", tmp_path)
    tls = client_tls(place, config)
    assert tls is not None
    first = serial(place)
    assert look(place, config, tls, timedelta(days=1)) == ("", 0)

    async def twice() -> list[str]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session:
            ahead = [LATE, timedelta()]
            keeper = CertificateKeeper(place, config, session, tls, lambda: datetime.now(UTC) + ahead[0], lambda: None)
            load, said = tls.load_cert_chain, []

            def full(*files: str) -> None:
                if serial(place) != first:
                    raise OSError("too many open files")
                load(*files)

            with monkeypatch.context() as patched:
                patched.setattr(keeper, "_tls", types.SimpleNamespace(load_cert_chain=full))
                await keeper.look()
                said.append(keeper.refused)
            del ahead[0]
            await keeper.look()
            return [*said, keeper.refused]

    assert asyncio.run(twice()) == ["too many open files", ""]
    assert serial(place) != first
    assert shown(tls, hub.keys) == serial(place)


def test_a_removed_box_has_no_certificate_left_that_is_good(
    running: tuple[Server, Hub], tmp_path: Path, wait_until: Any
) -> None:
    _server, hub = running
    place, config = enrolled(running, "edge-bbbb", tmp_path)
    given = {serial(place)}
    tls = client_tls(place, config)
    assert tls is not None
    old = client_tls(place, config)
    for _ in range(KEPT_BEFORE + 1):
        assert look(place, config, tls, LATE)[0] == ""
        given.add(serial(place))
    crl = x509.load_pem_x509_crl(hub.keys.revoked_file.read_bytes())
    out = [one for one in given if crl.get_revoked_certificate_by_serial_number(one) is not None]
    assert len(out) == 1, "who asks again and again does not collect good certificates"
    assert old is not None
    remove_edge(hub, "edge-bbbb", "test", "stolen")
    crl = x509.load_pem_x509_crl(hub.keys.revoked_file.read_bytes())
    assert all(crl.get_revoked_certificate_by_serial_number(one) is not None for one in given)
    said = look(place, config, tls, LATE)[0].lower()
    assert any(word in said for word in ("401", "tls", "disconnected")), said  # refused, or not even spoken to
    wait_until(lambda: "401" not in look(place, config, old, LATE)[0], "the edge port to read what was revoked")
    assert serial(place) in given, "nothing new was given"


def test_who_let_it_end_enrols_again_and_keeps_everything_else(running: tuple[Server, Hub], tmp_path: Path) -> None:
    server, hub = running
    place, config = enrolled(running, "edge-cccc", tmp_path)
    address = f"http://127.0.0.1:{server.config.port}"
    (place.root / "journal.db").write_bytes(b"what it saw")
    with pytest.raises(EnrolFailed, match="--again"):
        asyncio.run(enrol(address, "any", place))
    other, _ = enrolment_token(hub, "edge-dddd", "test")
    with pytest.raises(EnrolFailed, match="409"):
        asyncio.run(enrol_again(address, other, place))
    assert place.load() == config, "nothing of this box was touched"
    token, _ = enrolment_token(hub, "edge-cccc", "test")
    trusted = place.hub_key.read_text()
    place.hub_key.unlink()
    with pytest.raises(EnrolFailed, match=r"cannot be read .*: enrol it anew in an empty directory"):
        asyncio.run(enrol_again(address, token, place))
    place.hub_key.write_text(trusted)
    first = serial(place)
    renewed = asyncio.run(enrol_again(address, token, place))
    assert renewed == msgspec.structs.replace(config, secret=renewed.secret)
    assert renewed.secret != config.secret
    assert (renewed.edge, renewed.serve_host) == ("edge-cccc", "127.0.0.9")
    assert (place.root / "journal.db").read_bytes() == b"what it saw"
    tls = client_tls(place, renewed)
    assert tls is not None
    assert look(place, renewed, tls, LATE) == ("", 1), "it comes in again"
    crl = x509.load_pem_x509_crl(hub.keys.revoked_file.read_bytes())
    assert crl.get_revoked_certificate_by_serial_number(first) is not None, "what stood before is good no more"
    fresh = EdgeDir(tmp_path / "dddd")
    assert asyncio.run(enrol(address, other, fresh)).edge == "edge-dddd", "the token of the other box was not used up"


async def _answering(answer: Any) -> tuple[web.AppRunner, str]:
    app = web.Application()
    app.router.add_post(CERTIFICATE_PATH, answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    return runner, f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("older", "update the hub"),
        ("busy", "refused \\(503\\)"),
        ("garbage", "something else than a certificate"),
        ("no certificate", "."),
        ("another key", "for another key"),
        ("another authority", "of another authority"),
        ("earlier", "ends earlier"),
    ],
)
def test_what_is_no_better_certificate_leaves_the_present_one(tmp_path: Path, what: str, why: str) -> None:
    now, keys, place = datetime.now(UTC), Keys(tmp_path / "keys"), EdgeDir(tmp_path / "box")
    place.make()
    key, csr = make_key()
    place.key.write_bytes(key)
    place.ca.write_text(keys.ca_pem)
    place.certificate.write_text(keys.sign_edge_csr(csr, "edge-aaaa", now).pem)
    before = place.certificate.read_bytes()
    pem = {
        "no certificate": "-----BEGIN CERTIFICATE-----\n",
        "another key": keys.sign_edge_csr(make_key()[1], "edge-aaaa", now + timedelta(days=1)).pem,
        "another authority": Keys(tmp_path / "k2").sign_edge_csr(csr, "edge-aaaa", now + timedelta(days=1)).pem,
        "earlier": keys.sign_edge_csr(csr, "edge-aaaa", now - timedelta(days=1)).pem,
    }

    async def answer(_request: web.Request) -> web.Response:
        if what in ("older", "busy"):
            return web.Response(status=404 if what == "older" else 503)
        return web.Response(body=b"<html>" if what == "garbage" else msgspec.json.encode(RenewReply(pem[what])))

    changes: list[int] = []

    async def tried() -> str:
        runner, url = await _answering(answer)
        config = EdgeConfig("edge-aaaa", "E001", "127.0.0.1", 1, url, "secret", mqtt_tls=True)
        async with aiohttp.ClientSession() as session:
            tls = client_tls(place, config)
            keeper = CertificateKeeper(place, config, session, tls, lambda: now + LATE, lambda: changes.append(1))
            await keeper.look()
            await keeper.look()
        await runner.cleanup()
        return keeper.refused

    refused = asyncio.run(tried())
    assert re.search(why, refused), refused
    assert place.certificate.read_bytes() == before
    assert len(changes) == 1, "the same refusal is told once"
    assert refused in told(place, now + LATE, refused)


def test_the_box_says_how_long_its_certificate_is_good(tmp_path: Path) -> None:
    now, keys, place = datetime.now(UTC), Keys(tmp_path / "keys"), EdgeDir(tmp_path / "box")
    place.make()
    assert "cannot be read" in told(place, now, "")
    place.certificate.write_text(keys.sign_edge_csr(make_key()[1], "edge-aaaa", now).pem)
    assert told(place, now, "").startswith("certificate good until ")
    assert told(place, now + LATE, "the hub is away").endswith("is not renewed yet: the hub is away")
    assert "estate-edge enrol --again" in told(place, now + ENDED, ""), "what to do"
    assert "doors go on" in told(place, now + ENDED, "")


def test_files_that_cannot_be_read_keep_the_hub_away_and_not_the_doors(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = EdgeConfig("edge-aaaa", "E001", "hub.example", 8883, "https://hub.example", "secret")
    tls = client_tls(EdgeDir(tmp_path), config)
    assert tls is not None
    assert tls.verify_mode is ssl.CERT_REQUIRED
    assert tls.cert_store_stats()["x509_ca"] == 0, "no other authority is believed instead"
    assert "enrol --again" in caplog.text


def test_the_broker_link_shows_the_certificate(mosquitto_factory: Any, tmp_path: Path, wait_until: Any) -> None:
    keys, place = Keys(tmp_path / "keys"), EdgeDir(tmp_path / "box")
    place.make()
    key, csr = make_key()
    place.key.write_bytes(key)
    place.ca.write_text(keys.ca_pem)
    place.certificate.write_text(keys.sign_edge_csr(csr, "edge-aaaa").pem)
    certificate, private = keys.server_certificate("127.0.0.1")
    broker = mosquitto_factory(
        f"listener {{port}} 127.0.0.1\nallow_anonymous true\ncafile {keys.directory / 'ca.pem'}\ncertfile {certificate}\n"
        f"keyfile {private}\nrequire_certificate true\n"
    )
    tls = client_tls(place, EdgeConfig("edge-aaaa", "E001", "127.0.0.1", broker.port, "https://hub.example", "s"))
    link = MqttLink(LinkOptions("127.0.0.1", broker.port, "edge-aaaa", "edge-aaaa", "s", tls=tls))
    link.start(lambda _message: None, lambda _up, _why: None)
    try:
        wait_until(lambda: link.connected, "the broker to let the box in")
    finally:
        link.stop()
