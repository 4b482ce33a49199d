"""The hub's keys: files in `keys_dir`, mode 0600, made at the first start. There is no default key.

`signing.pem` Ed25519 (access lists, messages to the lease system), `blind.key` HMAC (index of ID numbers), `ca.pem` and
`ca-key.pem` EC P-256 (certificates of edges and of the edge port), `revoked.pem` the certificates taken back.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import ipaddress
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hub.whole_file import write_whole

EDGE_CERTIFICATE_DAYS = 90
CA_DAYS = 3650
_PEM = serialization.Encoding.PEM
_BACKDATE = timedelta(minutes=5)  # an edge whose clock is a little behind must not refuse a fresh certificate


class BadCertificateRequest(ValueError):
    """The CSR cannot be read, its signature is wrong, or its key is not EC P-256."""


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """`pem` for the edge; `serial` (hex) and `until` are what the hub remembers."""

    pem: str
    serial: str
    until: datetime


class Keys:
    """Loads (or makes) the hub's keys at construction: without them nothing can be signed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        signing = serialization.load_pem_private_key(_file(directory / "signing.pem", _new_signing_key), None)
        if not isinstance(signing, Ed25519PrivateKey):
            raise ValueError(f"{directory / 'signing.pem'} is not an Ed25519 key")
        self._signing = signing
        self._blind = _file(directory / "blind.key", lambda: secrets.token_bytes(32))
        ca_key = serialization.load_pem_private_key(_file(directory / "ca-key.pem", _new_ec_key), None)
        if not isinstance(ca_key, ec.EllipticCurvePrivateKey):
            raise ValueError(f"{directory / 'ca-key.pem'} is not an EC key")
        self._ca_key = ca_key
        self.ca_pem: str = _file(directory / "ca.pem", lambda: _new_ca(ca_key)).decode()
        self._ca = x509.load_pem_x509_certificate(self.ca_pem.encode())

    @property
    def public_key(self) -> bytes:
        """Ed25519, raw 32 bytes: what edges and the lease system pin."""
        return self._signing.public_key().public_bytes_raw()

    @property
    def key_id(self) -> str:
        return hashlib.sha256(self.public_key).hexdigest()[:16]

    def sign(self, payload: bytes) -> bytes:
        """Ed25519, 64 bytes."""
        return self._signing.sign(payload)

    def blind(self, text: str) -> str:
        """HMAC-SHA256 (hex): the index under which an ID number is found without being kept."""
        return hmac.new(self._blind, text.encode(), hashlib.sha256).hexdigest()

    def sign_edge_csr(self, csr_pem: str, edge_id: str, now: datetime | None = None) -> IssuedCertificate:
        """A client certificate for 90 days; the edge renews it before they end. The subject is the hub's word: nothing of the CSR
        but its key is taken over."""
        try:
            request = x509.load_pem_x509_csr(csr_pem.encode())
        except ValueError as error:
            raise BadCertificateRequest(f"not a CSR: {error}") from error
        key = request.public_key()
        if not request.is_signature_valid or not isinstance(key, ec.EllipticCurvePublicKey):
            raise BadCertificateRequest("the CSR's signature is wrong or its key is not EC P-256")
        certificate = self._issue(key, edge_id, ExtendedKeyUsageOID.CLIENT_AUTH, now, EDGE_CERTIFICATE_DAYS, None)
        pem = certificate.public_bytes(_PEM).decode()
        return IssuedCertificate(pem, f"{certificate.serial_number:x}", certificate.not_valid_after_utc)

    @property
    def revoked_file(self) -> Path:
        """The list of revoked certificates (CRL, PEM): there from the first call, newer with every `revoke`."""
        path = self.directory / "revoked.pem"
        if not path.exists():
            with self._revoking():
                _file(path, lambda: self._revocations([]))
        return path

    def revoke(self, *serials: str) -> None:
        """No edge comes in with these certificates any more. They are hex, as `sign_edge_csr` gave them."""
        path, numbers = self.revoked_file, [int(one, 16) for one in serials]
        with self._revoking():
            held = x509.load_pem_x509_crl(path.read_bytes())
            new = [n for n in numbers if held.get_revoked_certificate_by_serial_number(n) is None]
            if new:
                after = held.last_update_utc + timedelta(seconds=1)
                write_whole(path, self._revocations([*held, *map(_revoked, new)], after))

    @contextmanager
    def _revoking(self) -> Iterator[None]:
        """One writer of the list at a time, also where `estate-hub remove-edge` runs beside `serve`."""
        with os.fdopen(os.open(self.directory / "revoked.lock", os.O_WRONLY | os.O_CREAT, 0o600), "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _revocations(self, revoked: Sequence[x509.RevokedCertificate], after: datetime | None = None) -> bytes:
        """Valid as long as the CA itself: it is renewed by a revocation, and an old one must not lock every edge out.

        `after`: of two lists of one second OpenSSL goes by the one it read first, so each is a second younger than the last.
        """
        updated = max(datetime.now(UTC) - _BACKDATE, after or datetime.min.replace(tzinfo=UTC))
        builder = x509.CertificateRevocationListBuilder().issuer_name(self._ca.subject).last_update(updated)
        builder = builder.next_update(self._ca.not_valid_after_utc + timedelta(days=1))
        for one in revoked:
            builder = builder.add_revoked_certificate(one)
        return builder.sign(self._ca_key, hashes.SHA256()).public_bytes(_PEM)

    def server_certificate(self, host: str) -> tuple[Path, Path]:
        """(certificate, key) files for the edge port, valid for `host` and loopback; renewed when 30 days are left."""
        certificate_file, key_file = self.directory / "edge-port.pem", self.directory / "edge-port-key.pem"
        key = serialization.load_pem_private_key(_file(key_file, _new_ec_key), None)
        names = _alternative_names(host)
        if not _still_good(certificate_file, names):
            public = key.public_key()
            if not isinstance(public, ec.EllipticCurvePublicKey):
                raise ValueError(f"{key_file} is not an EC key")
            issued = self._issue(public, "estate-hub", ExtendedKeyUsageOID.SERVER_AUTH, None, 397, names)
            write_whole(certificate_file, issued.public_bytes(_PEM))
        return certificate_file, key_file

    def _issue(
        self,
        key: ec.EllipticCurvePublicKey,
        common_name: str,
        usage: x509.ObjectIdentifier,
        now: datetime | None,
        days: int,
        names: x509.SubjectAlternativeName | None,
    ) -> x509.Certificate:
        at = now or datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(common_name))
            .issuer_name(self._ca.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(at - _BACKDATE)
            .not_valid_after(at + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._ca_key.public_key()), critical=False
            )
            .add_extension(_key_usage(ca=False), critical=True)
        )
        if names:
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._ca_key, hashes.SHA256())


def _revoked(serial: int) -> x509.RevokedCertificate:
    return x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(datetime.now(UTC)).build()


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative_names(host: str) -> x509.SubjectAlternativeName:
    names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    try:
        named: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        named = x509.DNSName(host)
    return x509.SubjectAlternativeName([*names, *([named] if named not in names else [])])


def _still_good(file: Path, names: x509.SubjectAlternativeName) -> bool:
    if not file.exists():
        return False
    held = x509.load_pem_x509_certificate(file.read_bytes())
    left = held.not_valid_after_utc - datetime.now(UTC)
    return left > timedelta(days=30) and held.extensions.get_extension_for_class(type(names)).value == names


def _pem_of(key: CertificateIssuerPrivateKeyTypes) -> bytes:
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _new_signing_key() -> bytes:
    return _pem_of(Ed25519PrivateKey.generate())


def _new_ec_key() -> bytes:
    return _pem_of(ec.generate_private_key(ec.SECP256R1()))


def _new_ca(key: ec.EllipticCurvePrivateKey) -> bytes:
    now = datetime.now(UTC)
    name = _name(f"estate-hub CA {secrets.token_hex(4)}")
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATE)
        .not_valid_after(now + timedelta(days=CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(ca=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(_PEM)


def _file(path: Path, make: Callable[[], bytes]) -> bytes:
    if not path.exists():
        write_whole(path, make())
    return path.read_bytes()
