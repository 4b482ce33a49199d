"""Enrolment: the key is made on the box and never leaves it; a one-time token buys a certificate and the hub's key."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from device_drivers.contract.edge_http import ENROL_PATH, EnrolReply, EnrolRequest
from edge_agent.certificate import request_for
from edge_agent.config import ConfigMissing, EdgeConfig, EdgeDir, LocalBroker, is_loopback, write_atomic
from edge_agent.held_list import public_key


class EnrolFailed(Exception):
    """The text says what a person should do."""


def make_key() -> tuple[bytes, str]:
    """A P-256 key (PEM, PKCS 8) and a certificate request for it; the hub sets the subject itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem, request_for(key)


def read_broker(address: str, credentials: Path) -> LocalBroker:
    """`host:port`, and a file with `{"username": …, "password": …}` or `username:password`. Raises EnrolFailed."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise EnrolFailed(f"local broker: {address!r} is not host:port")
    try:
        text = credentials.read_text().strip()
    except OSError as error:
        raise EnrolFailed(f"local broker credentials: {error}") from error
    if text.startswith("{"):
        try:
            fields = msgspec.json.decode(text, type=dict[str, str])
        except msgspec.MsgspecError as error:
            raise EnrolFailed(f"local broker credentials: {error}") from error
        user, password = fields.get("username", ""), fields.get("password", "")
    else:
        user, _, password = text.partition(":")
    if not user or not password:
        raise EnrolFailed(f"local broker credentials: {credentials} has no username and password")
    return LocalBroker(host, int(port), user, password)


async def ask(hub: str, request: EnrolRequest) -> EnrolReply:
    """Raises EnrolFailed. Plain http is for the same machine only: the token and the secret would travel open."""
    parts = urlsplit(hub)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise EnrolFailed(f"{hub}: enrolment needs https")
    url = hub.rstrip("/") + ENROL_PATH
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session,
            session.post(url, data=msgspec.json.encode(request), headers={"Content-Type": "application/json"}) as reply,
        ):
            body = await reply.read()
            if reply.status >= 400:
                raise EnrolFailed(f"the hub refused ({reply.status}): {body[:300].decode(errors='replace')}")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise EnrolFailed(f"{url}: {error}") from error
    try:
        return msgspec.json.decode(body, type=EnrolReply)
    except msgspec.MsgspecError as error:
        raise EnrolFailed(f"{url} answered something else than an enrolment: {error}") from error


async def enrol(
    hub: str,
    token: str,
    directory: EdgeDir,
    *,
    local_broker: LocalBroker | None = None,
    mqtt_tls: bool | None = None,
    serve_host: str = "127.0.0.1",
) -> EdgeConfig:
    """Everything is written 0600; `edge.json` last, so that a box is enrolled wholly or not at all. Raises EnrolFailed."""
    if directory.config.exists():
        raise EnrolFailed(
            f"{directory.config} exists: this box is enrolled already (--again renews its certificate and its secret)"
        )
    directory.make()
    key, csr = make_key()
    reply = await ask(hub, EnrolRequest(token, csr))
    try:
        public_key(reply.signing_key)
    except ValueError as error:
        raise EnrolFailed(f"the hub's signing key cannot be read: {error}") from error
    config = EdgeConfig(
        edge=reply.edge,
        estate=reply.estate,
        mqtt_host=reply.mqtt_host,
        mqtt_port=reply.mqtt_port,
        https_url=reply.https_url,
        secret=reply.secret,
        mqtt_tls=not is_loopback(reply.mqtt_host) if mqtt_tls is None else mqtt_tls,
        serve_host=serve_host,
        local_broker=local_broker,
    )
    _write(directory, key, reply, config)
    return config


async def enrol_again(hub: str, token: str, directory: EdgeDir) -> EdgeConfig:
    """The same box with a new key, certificate and secret; journal, lists, devices and its other settings stay. The agent reads
    them at its next start. Broken off between two files it is run again, with another token. Raises EnrolFailed."""
    try:
        before = directory.load()
    except ConfigMissing as error:
        raise EnrolFailed(str(error)) from error
    try:
        known = directory.hub_key.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise EnrolFailed(
            f"the hub's key that this box trusts cannot be read ({error}): enrol it anew in an empty directory"
        ) from error
    key, csr = make_key()
    reply = await ask(hub, EnrolRequest(token, csr, before.edge))
    if reply.edge != before.edge:  # an older hub does not look at who asks
        raise EnrolFailed(f"the token was for {reply.edge}, this box is {before.edge}: enrol that box with a new token")
    if reply.signing_key != known:
        raise EnrolFailed(
            "this hub signs with another key than the one this box knows: enrol it anew in an empty directory"
        )
    config = msgspec.structs.replace(
        before, secret=reply.secret, https_url=reply.https_url, mqtt_host=reply.mqtt_host, mqtt_port=reply.mqtt_port
    )
    _write(directory, key, reply, config)
    return config


def _write(directory: EdgeDir, key: bytes, reply: EnrolReply, config: EdgeConfig) -> None:
    write_atomic(directory.key, key)
    write_atomic(directory.certificate, reply.certificate.encode())
    write_atomic(directory.ca, reply.ca.encode())
    write_atomic(directory.hub_key, reply.signing_key.encode())
    write_atomic(directory.config, msgspec.json.format(msgspec.json.encode(config), indent=2))
