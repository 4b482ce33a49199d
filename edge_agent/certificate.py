"""The box's certificate, renewed long before it ends: doors need none, but lists, pictures and orders of the hub come by it.

The key stays on the box and stays the same, so that one file changes at once: a power cut leaves the old certificate or the new.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from datetime import datetime

import aiohttp
import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from device_drivers.contract.edge_http import CERTIFICATE_PATH, RenewReply, RenewRequest
from edge_agent.config import EdgeConfig, EdgeDir, write_atomic

log = logging.getLogger(__name__)
FIRST_S, LOOK_S = 30.0, 3_600.0
REST_S = 86_400.0
"""After a renewal. A box whose clock is a year ahead finds every certificate due: it asks once a day, not every hour."""

RENEW_LEFT = 3
"""Renewed when a third of its life is left: a month of 90 days to be offline, or for the hub to be mended."""

MAX_REPLY = 64 * 1024


class NotRenewed(Exception):
    """The hub refused, or answered something that is no certificate for this box."""


async def _whole(content: aiohttp.StreamReader) -> bytes:
    """At most `MAX_REPLY` bytes. A single read gives what has arrived by then, and an answer may come in pieces."""
    answer = bytearray()
    while len(answer) < MAX_REPLY and (piece := await content.read(MAX_REPLY - len(answer))):
        answer += piece
    return bytes(answer)


def request_for(key: ec.EllipticCurvePrivateKey) -> str:
    """A certificate request (PEM); the hub sets the subject itself."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "estate-edge")])
    csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return csr.public_bytes(serialization.Encoding.PEM).decode()


def due(held: x509.Certificate, now: datetime) -> bool:
    """(P) Whether it is time for another."""
    life = held.not_valid_after_utc - held.not_valid_before_utc
    return held.not_valid_after_utc - now <= life / RENEW_LEFT


def certificate_of(directory: EdgeDir) -> x509.Certificate:
    """Raises OSError or ValueError."""
    return x509.load_pem_x509_certificate(directory.certificate.read_bytes())


def told(directory: EdgeDir, now: datetime, refused: str) -> str:
    """A line for a person at the box. `refused`: why the last try to renew it failed."""
    try:
        held = certificate_of(directory)
    except (OSError, ValueError) as error:
        return f"certificate cannot be read ({error}): get a token in the console and run `estate-edge enrol --again`"
    until = f"{held.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
    if held.not_valid_after_utc <= now:
        return (
            f"certificate ended {until} by this box's clock, {now:%Y-%m-%d %H:%M} UTC: doors go on by the lists held here, the"
            " hub lets this box in no more; if that time is wrong set the clock, else get a token in the console and run"
            " `estate-edge enrol --again`"
        )
    if due(held, now):
        return f"certificate ends {until} and is not renewed yet" + (f": {refused}" if refused else "")
    return f"certificate good until {until}"


class CertificateKeeper:
    """Renews the certificate and gives it to `tls`, by which all later connections are made (None: plain links). `changed` is
    called when a try failed that did not before, or succeeded."""

    def __init__(
        self,
        directory: EdgeDir,
        config: EdgeConfig,
        web: aiohttp.ClientSession,
        tls: ssl.SSLContext | None,
        now: Callable[[], datetime],
        changed: Callable[[], None],
    ) -> None:
        self._directory, self._config, self._web, self._tls = directory, config, web, tls
        self._now, self._changed = now, changed
        self.refused = ""
        self._rests_until = 0.0
        self._shown: int | None = None  # serial of the one that connections made from now on show

    async def run(self) -> None:
        await asyncio.sleep(FIRST_S)
        while self._tls is not None:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Renew it if it is time."""
        steady = asyncio.get_running_loop().time
        if steady() < self._rests_until:
            return
        refused, renewed = "", False
        try:
            held = await asyncio.to_thread(certificate_of, self._directory)
            self._show(held)  # also one that was written and could not be loaded then
            if due(held, self._now()):
                await self._renew(held)
                renewed, self._rests_until = True, steady() + REST_S
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, NotRenewed) as error:
            refused = str(error) or type(error).__name__
            log.warning("the certificate is not renewed: %s", refused)
        if refused != self.refused or renewed:
            self.refused = refused
            self._changed()

    async def _renew(self, held: x509.Certificate) -> None:
        key = serialization.load_pem_private_key(await asyncio.to_thread(self._directory.key.read_bytes), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise NotRenewed(f"{self._directory.key} is no EC key")
        pem = (await self._ask(request_for(key))).encode()
        fresh = x509.load_pem_x509_certificate(pem)
        if fresh.public_key() != key.public_key() or fresh.not_valid_after_utc < held.not_valid_after_utc:
            raise NotRenewed("the hub sent a certificate for another key, or one that ends earlier")
        ca = x509.load_pem_x509_certificate(await asyncio.to_thread(self._directory.ca.read_bytes))
        try:
            fresh.verify_directly_issued_by(ca)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise NotRenewed("the hub sent a certificate of another authority") from error
        await asyncio.to_thread(write_atomic, self._directory.certificate, pem)
        self._show(fresh)
        log.info("the certificate is renewed until %s", fresh.not_valid_after_utc)

    def _show(self, held: x509.Certificate) -> None:
        if self._tls is not None and held.serial_number != self._shown:
            self._tls.load_cert_chain(str(self._directory.certificate), str(self._directory.key))
            self._shown = held.serial_number

    async def _ask(self, csr: str) -> str:
        headers = {"Authorization": f"Bearer {self._config.secret}", "Content-Type": "application/json"}
        url = self._config.https_url + CERTIFICATE_PATH
        body = msgspec.json.encode(RenewRequest(csr))
        async with self._web.post(url, data=body, headers=headers, timeout=aiohttp.ClientTimeout(total=30)) as reply:
            answer = await _whole(reply.content)
            if reply.status == 404:
                raise NotRenewed("the hub is older than this box and renews no certificates: update the hub")
            if reply.status >= 400:
                raise NotRenewed(f"the hub refused ({reply.status}): {answer[:300].decode(errors='replace')}")
        try:
            return msgspec.json.decode(answer, type=RenewReply).certificate
        except ValueError as error:
            raise NotRenewed(f"{url} answered something else than a certificate: {error}") from error
