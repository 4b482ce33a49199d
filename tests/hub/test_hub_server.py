"""The whole server in this process: enrolment, mutual TLS, lists, pictures, a clean end. Broker and TLS are real."""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from patience import PATIENCE_S
from sqlalchemy import func, select

from device_drivers.contract.access import SignedAccessList
from device_drivers.contract.edge_http import EnrolReply
from device_drivers.mqtt import LinkOptions, MqttLink
from hub import enrol
from hub.config import Config
from hub.keys import Keys
from hub.server import Server
from hub.services import Hub
from hub.tables import AuditRow, DesiredList, Device, Edge, Estate, JobRun, Snapshot

JPEG = b"\xff\xd8\xff\xe0" + b"picture" * 100
SHA = hashlib.sha256(JPEG).hexdigest()


def csr(name: str = "whatever") -> tuple[str, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return request.public_bytes(pem).decode(), private


class Box:
    """An edge box that enrolled."""

    def __init__(self, server: Server, hub: Hub, edge: str, directory: Path) -> None:
        token, _ = enrol.enrolment_token(hub, edge, "test")
        request, key = csr("edge-somebody-else")
        self.token, self.url = token, f"http://127.0.0.1:{server.config.port}"
        self.reply = msgspec.json.decode(self.enrol(request).content, type=EnrolReply)
        directory.mkdir()
        (directory / "key.pem").write_bytes(key)
        (directory / "cert.pem").write_text(self.reply.certificate)
        self.context = ssl.create_default_context(cadata=self.reply.ca)
        self.bare = ssl.create_default_context(cadata=self.reply.ca)
        self.context.load_cert_chain(directory / "cert.pem", directory / "key.pem")

    def enrol(self, request: str) -> httpx.Response:
        body = {"token": self.token, "csr": request}
        return httpx.post(f"{self.url}/edge/v1/enrol", json=body, trust_env=False, timeout=PATIENCE_S)

    def ask(self, method: str, path: str, context: ssl.SSLContext | None = None, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.reply.secret}", **more.pop("headers", {})}
        with httpx.Client(verify=context or self.context, trust_env=False, timeout=PATIENCE_S) as client:
            return client.request(method, self.reply.https_url + path, headers=headers, **more)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Hub, Box]]:
    directory = tmp_path_factory.mktemp("hub")
    server = Server(Config(dir=directory, port=0), embedded_broker=True)
    hub = server.start()
    with hub.db.unit_of_work("test", "site") as uow:
        uow.session.add_all([Estate(id=e, code=e, name=e, policy={}) for e in ("E001", "E002")])
        uow.session.flush()
        uow.session.add_all([Edge(id=f"edge-{n * 4}", estate_id=f"E00{e}", name=n) for e, n in ((1, "a"), (2, "b"))])
        uow.session.flush()
        common = {"code": "d", "name": "d", "kind": "face_terminal"}
        uow.session.add(Device(id="E001.d", estate_id="E001", edge_id="edge-aaaa", **common))
        uow.session.add(Device(id="E002.d", estate_id="E002", edge_id="edge-bbbb", **common))
        uow.session.flush()
        for device in ("E001.d", "E002.d"):
            payload = b'{"device_id":"' + device.encode() + b'"}' + b" " * 2000
            uow.session.add(
                DesiredList(
                    device_id=device, generation=7, digest="abc", payload=payload,
                    signature=hub.keys.sign(payload), key_id=hub.keys.key_id, issued_at=uow.now,
                )
            )  # fmt: skip
    box = Box(server, hub, "edge-aaaa", directory / "box")
    yield server, hub, box
    server.stop()


def test_the_certificate_is_the_hubs_word(running: tuple[Server, Hub, Box]) -> None:
    _server, hub, box = running
    certificate = x509.load_pem_x509_certificate(box.reply.certificate.encode())
    assert certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "edge-aaaa", "never the CSR's"
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days == 90
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(box.reply.ca.encode()))
    with hub.db.reading() as session:
        assert session.get_one(Edge, "edge-aaaa").enrolled_at


def test_a_token_works_once(running: tuple[Server, Hub, Box]) -> None:
    _server, _hub, box = running
    again = box.enrol(csr()[0])
    assert (again.status_code, again.json()["error"]["code"]) == (403, "token")


def test_a_bad_csr_does_not_burn_the_token(running: tuple[Server, Hub, Box]) -> None:
    _server, hub, box = running
    token, _ = enrol.enrolment_token(hub, "edge-bbbb", "test")
    url = f"{box.url}/edge/v1/enrol"
    assert (
        httpx.post(url, json={"token": token, "csr": "rubbish"}, trust_env=False, timeout=PATIENCE_S).status_code == 400
    )
    assert httpx.post(url, content=b"{not json", trust_env=False, timeout=PATIENCE_S).status_code == 400
    assert (
        httpx.post(url, json={"token": token, "csr": csr()[0]}, trust_env=False, timeout=PATIENCE_S).status_code == 200
    )


def test_the_enrolled_box_may_use_the_broker(running: tuple[Server, Hub, Box], wait_until: Any) -> None:
    _server, _hub, box = running
    r = box.reply
    link = MqttLink(LinkOptions(r.mqtt_host, r.mqtt_port, r.edge, r.edge, r.secret))
    link.start(lambda _m: None, lambda _u, _w: None)
    try:
        wait_until(lambda: link.connected, "the box on the broker")
    finally:
        link.stop()


def test_a_list_is_fetched_verified_and_not_sent_twice(running: tuple[Server, Hub, Box]) -> None:
    _server, _hub, box = running
    reply = box.ask("GET", "/edge/v1/devices/E001.d/list", headers={"Accept-Encoding": "gzip"})
    assert reply.status_code == 200
    assert reply.headers["Content-Encoding"] == "gzip"
    signed = msgspec.json.decode(reply.content, type=SignedAccessList)
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(box.reply.signing_key))
    key.verify(signed.signature, signed.payload)
    assert len(gzip.compress(reply.content)) < len(reply.content)
    # As an edge asks: the ETag is the digest it holds (device_drivers/contract/edge_http.py), whatever the generation.
    again = box.ask("GET", "/edge/v1/devices/E001.d/list", headers={"If-None-Match": '"abc"'})
    assert (again.status_code, again.content) == (304, b"")
    other = box.ask("GET", "/edge/v1/devices/E001.d/list", headers={"If-None-Match": '"abd"'})
    assert other.status_code == 200


def test_no_list_of_another_edge(running: tuple[Server, Hub, Box]) -> None:
    _server, _hub, box = running
    assert box.ask("GET", "/edge/v1/devices/E002.d/list").status_code == 404
    assert box.ask("GET", "/edge/v1/devices/E001.d/list", headers={"Authorization": "Bearer no"}).status_code == 401
    assert box.ask("GET", "/api/v1/health").status_code == 404, "the console is not on this port"


def test_without_our_certificate_there_is_no_connection(running: tuple[Server, Hub, Box]) -> None:
    _server, _hub, box = running
    with pytest.raises((httpx.ReadError, httpx.ConnectError, httpx.RemoteProtocolError)):
        box.ask("GET", "/edge/v1/devices/E001.d/list", box.bare)


def test_pictures_only_where_the_policy_allows(running: tuple[Server, Hub, Box]) -> None:
    _server, hub, box = running
    path = f"/edge/v1/snapshots/{SHA}"
    assert box.ask("PUT", path, content=JPEG).status_code == 403
    assert not (hub.config.dir / "snapshots").exists(), "nothing is stored that is not allowed"
    with hub.db.unit_of_work("test", "policy") as uow:
        uow.session.get_one(Estate, "E001").policy = {"snapshots": True}
    assert box.ask("PUT", path, content=b"GIF89a").status_code == 400
    assert box.ask("PUT", f"/edge/v1/snapshots/{'0' * 64}", content=JPEG).status_code == 400
    assert box.ask("PUT", path, content=b"\xff\xd8\xff" + b"x" * 1_100_000).status_code == 413
    assert box.ask("PUT", path, content=JPEG).status_code == 201
    assert box.ask("PUT", path, content=JPEG).status_code == 200, "twice is once"
    with hub.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Snapshot)) == 1
    assert (hub.config.dir / "snapshots" / SHA[:2] / f"{SHA}.jpg").read_bytes() == JPEG


def test_a_removed_box_is_shut_out_and_the_others_are_not(
    running: tuple[Server, Hub, Box], tmp_path: Path, wait_until: Any
) -> None:
    server, hub, box = running
    lost = Box(server, hub, "edge-bbbb", tmp_path / "lost")
    where = "/edge/v1/devices/E002.d/list"
    assert lost.ask("GET", where).status_code == 200
    r = lost.reply
    link = MqttLink(LinkOptions(r.mqtt_host, r.mqtt_port, r.edge, r.edge, r.secret))
    link.start(lambda _m: None, lambda _u, _w: None)
    try:
        wait_until(lambda: link.connected, "the box on the broker")
        with httpx.Client(verify=lost.context, trust_env=False, timeout=PATIENCE_S) as kept_open:
            headers = {"Authorization": f"Bearer {r.secret}"}
            assert kept_open.get(r.https_url + where, headers=headers).status_code == 200
            enrol.remove_edge(hub, "edge-bbbb", "test", "stolen")
            assert kept_open.get(r.https_url + where, headers=headers).status_code == 401, "at once, TLS or not"
        wait_until(lambda: not link.connected, "the broker to cut the box off")
    finally:
        link.stop()

    def refused() -> bool:
        try:
            lost.ask("GET", where)
        except (httpx.ReadError, httpx.ConnectError, httpx.RemoteProtocolError):
            return True
        return False

    wait_until(refused, "the certificate to be refused")
    assert box.ask("GET", "/edge/v1/devices/E001.d/list").status_code == 200, "the other box goes on"
    with hub.db.reading() as session:
        (row,) = session.scalars(select(AuditRow).where(AuditRow.reason == "stolen"))
    assert row.changes[0]["what"] == "edge.removed"
    back = Box(server, hub, "edge-bbbb", tmp_path / "back")
    assert back.ask("GET", where).status_code == 200, "a box takes its place"
    wait_until(refused, "the old certificate stays out")


def test_boxes_are_removed_on_the_command_line(running: tuple[Server, Hub, Box], wait_until: Any) -> None:
    _server, hub, _box = running
    with hub.db.unit_of_work("test", "edge", audit=False) as uow:
        uow.session.add(Edge(id="edge-cccc", estate_id="E001", name="c", secret_hash="x", certificate_serial="beef"))

    def remove(edge: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "hub.cli", "remove-edge", edge, "--reason", "box was stolen"]
        return subprocess.run(
            [*command, "--dir", str(hub.config.dir)], capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )

    assert remove("edge-cccc").returncode == 0
    with hub.db.reading() as session:
        assert session.get_one(Edge, "edge-cccc").secret_hash is None
    revoked = x509.load_pem_x509_crl(hub.keys.revoked_file.read_bytes())
    assert revoked.get_revoked_certificate_by_serial_number(0xBEEF) is not None
    unknown = remove("edge-zzzz")
    assert (unknown.returncode, "there is no edge" in unknown.stderr) == (1, True)

    def told() -> str:
        with hub.db.reading() as session:
            return session.get_one(JobRun, "edges.removed").detail

    wait_until(lambda: told() != "no link to the broker" and not told().startswith("0"), "the server to act")


def test_a_hub_that_runs_for_a_year_renews_the_edge_ports_certificate(running: tuple[Server, Hub, Box]) -> None:
    server, hub, box = running

    def left() -> int:
        address = (server.config.edge_host, server.config.edge_port)
        with (
            socket.create_connection(address, PATIENCE_S) as plain,
            box.context.wrap_socket(plain, server_hostname=server.config.edge_host) as secured,
        ):
            shown = x509.load_der_x509_certificate(secured.getpeercert(binary_form=True) or b"")
        return (shown.not_valid_after_utc - datetime.now(UTC)).days

    assert left() > 365
    certificate, key = hub.keys.server_certificate(server.config.edge_host)
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    names = x509.load_pem_x509_certificate(certificate.read_bytes()).extensions
    name = names.get_extension_for_class(x509.SubjectAlternativeName).value
    old = hub.keys._issue(private.public_key(), "estate-hub", ExtendedKeyUsageOID.SERVER_AUTH, None, 20, name)
    certificate.write_bytes(old.public_bytes(serialization.Encoding.PEM))
    assert server._edge_tls is not None
    server._edge_tls.load_cert_chain(certificate, key)
    server._shown_at = certificate.stat().st_mtime_ns
    assert left() < 21, "as eleven months later"
    assert server._certificate(hub) == "the certificate of the edge port was renewed"
    assert left() > 365, "without a restart"
    assert server._certificate(hub) == "the certificate of the edge port is good"
    assert box.ask("GET", "/edge/v1/devices/E001.d/list").status_code == 200


def test_health_names_its_parts(running: tuple[Server, Hub, Box]) -> None:
    _server, _hub, box = running
    health = httpx.get(f"{box.url}/api/v1/health", trust_env=False, timeout=PATIENCE_S).json()
    assert {part["name"] for part in health["parts"]} == {
        "database",
        "broker",
        "jobs",
        "edges",
        "tenancy_source",
        "lease_outbox",
        "disk",
        "law",
        "backup",
    }
    assert {part["name"]: part["ok"] for part in health["parts"]}["broker"]


def test_each_list_of_revoked_certificates_is_younger_than_the_last(tmp_path: Path) -> None:
    keys = Keys(tmp_path)

    def held() -> x509.CertificateRevocationList:
        return x509.load_pem_x509_crl(keys.revoked_file.read_bytes())

    keys.revoke("aa")
    first = held()
    keys.revoke("bb", "cc")
    second = held()
    assert second.last_update_utc > first.last_update_utc, "of two of one second OpenSSL goes by the one it read first"
    assert second.last_update_utc < datetime.now(UTC), "one of the future counts for nobody"
    assert {one.serial_number for one in second} == {0xAA, 0xBB, 0xCC}
    keys.revoke("bb")
    assert held() == second, "nothing new"


def test_keys_are_private_files(running: tuple[Server, Hub, Box]) -> None:
    _server, hub, _box = running
    modes = {file.name: oct(file.stat().st_mode & 0o777) for file in hub.keys.directory.iterdir()}
    assert set(modes.values()) == {"0o600"}, modes


def test_the_process_ends_cleanly_and_takes_its_broker_along(tmp_path: Path, wait_until: Any) -> None:
    log = tmp_path / "log"
    with log.open("wb") as out:
        command = [sys.executable, "-m", "hub.cli", "serve", "--dir", str(tmp_path / "d"), "--port", "0"]
        process = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    try:
        wait_until(lambda: "edges https://" in log.read_text() or process.poll() is not None, "the hub to serve")
        assert process.poll() is None, log.read_text()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0, log.read_text()
    finally:
        process.kill()
    config = str(tmp_path / "d" / "broker" / "mosquitto.conf")
    left = [p for p in Path("/proc").glob("[0-9]*/cmdline") if _names(p, config)]
    assert not left, "the broker is still there"


def _names(cmdline: Path, text: str) -> bool:
    try:
        return text in cmdline.read_bytes().decode(errors="replace")
    except OSError:
        return False


def test_the_hubs_files_are_nobody_elses(tmp_path: Path) -> None:
    directory = tmp_path / "fresh" / "hub"
    done = subprocess.run(
        [sys.executable, "-m", "hub.cli", "migrate", "--dir", str(directory)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert directory.stat().st_mode & 0o077 == 0, "the directory holds names and keys"
    for file in directory.rglob("*"):
        assert file.stat().st_mode & 0o077 == 0, f"{file} can be read by others"


def test_a_mistyped_directory_makes_no_new_hub(tmp_path: Path) -> None:
    wrong = tmp_path / "nothing-here"
    done = subprocess.run(
        [sys.executable, "-m", "hub.cli", "explain", "1-0101", "--dir", str(wrong)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "there is no hub in" in done.stderr
    assert not wrong.exists(), "looking must not make a hub"
