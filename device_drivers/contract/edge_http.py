"""The HTTPS side of the wire (mutual TLS, bearer secret of the edge), and enrolment.

| call | what |
| --- | --- |
| `POST /edge/v1/enrol` (console port, one-time token) | `EnrolRequest` → `EnrolReply` |
| `POST /edge/v1/certificate` | `RenewRequest` → `RenewReply`: a third of its life before the present certificate ends |
| `GET /edge/v1/devices/{device}/list` | `SignedAccessList` as JSON; ETag is the digest; gzip |
| `PUT /edge/v1/snapshots/{sha256}` | JPEG bytes, `X-Access-Point`, `X-Taken-At`, `X-Camera`; 403 where the policy forbids |
"""

from __future__ import annotations

import msgspec

LIST_PATH = "/edge/v1/devices/{device}/list"
SNAPSHOT_PATH = "/edge/v1/snapshots/{sha256}"
ENROL_PATH = "/edge/v1/enrol"
CERTIFICATE_PATH = "/edge/v1/certificate"


class EnrolRequest(msgspec.Struct, frozen=True):
    """`csr` is PEM; the hub sets the subject itself and never copies it. `edge`: who the box was; empty: it is new."""

    token: str
    csr: str
    edge: str = ""


class EnrolReply(msgspec.Struct, frozen=True):
    """All PEM texts; `signing_key` is the hub's Ed25519 public key (base64, raw 32 bytes) to pin."""

    edge: str
    estate: str
    certificate: str
    ca: str
    signing_key: str
    secret: str
    mqtt_host: str
    mqtt_port: int
    https_url: str


class RenewRequest(msgspec.Struct, frozen=True):
    """`csr` is PEM, of the box's present key or a new one."""

    csr: str


class RenewReply(msgspec.Struct, frozen=True):
    """`certificate` is PEM, for the key of the request. The one before stays good until it ends."""

    certificate: str
