"""(P) The code a phone shows: one credential of one estate, for a minute, signed by the hub, checked with no link.

Text: `EH1.` and base64url (no padding) of the payload and the hub's Ed25519 signature over `CONTEXT` and the payload.
Payload, big-endian: version u8 (1), issued u32 (Unix seconds), life u16 (seconds), nonce 8 bytes, estate 8 bytes (the first of
SHA-256 of its id), then the credential's token in ASCII. A token of 20 makes 146 characters: a QR code of version 8 or so.
Signing and checking are handed in: `sign(message) → 64 bytes`, `check(signature, message) → whether it is the hub's`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

PREFIX = "EH1."
CONTEXT = b"estate-hub phone code 1\0"
VERSION = 1
LIFE_S = 60  # seconds a code opens; a page shows a new one every `RENEW_S`
RENEW_S = 30
SKEW = timedelta(seconds=30)  # clocks of hub and edge may differ by this much
MAX_TOKEN = 48
MAX_TEXT = 220
_HEAD = struct.Struct(">BIH8s8s")
_SIGNATURE = 64


class Code(msgspec.Struct, frozen=True):
    """`nonce`: 8 random bytes; one code opens once a door. `issued_at`: whole seconds, aware UTC."""

    token: str
    nonce: bytes
    issued_at: datetime
    life_s: int = LIFE_S

    @property
    def expires_at(self) -> datetime:
        return self.issued_at + timedelta(seconds=self.life_s)

    def is_over(self, at: datetime) -> bool:
        return at >= self.expires_at + SKEW

    def is_early(self, at: datetime) -> bool:
        return at < self.issued_at - SKEW


class NotACode(ValueError):
    """A text that is no code of ours, of another estate, or not signed by the hub. Not said which: nobody is to try."""


def mint(code: Code, estate: str, sign: Callable[[bytes], bytes]) -> str:
    """The text to show. Raises ValueError for a token, nonce or life that does not fit."""
    token = code.token.encode("ascii")
    if not 0 < len(token) <= MAX_TOKEN or len(code.nonce) != 8 or not 0 < code.life_s < 1 << 16:
        raise ValueError("token of 1 to 48 characters, nonce of 8 bytes, life below 65,536 s")
    issued = int(code.issued_at.timestamp())
    payload = _HEAD.pack(VERSION, issued, code.life_s, code.nonce, _estate(estate)) + token
    return PREFIX + base64.urlsafe_b64encode(payload + sign(CONTEXT + payload)).rstrip(b"=").decode()


def is_code(text: str) -> bool:
    """Whether it wants to be one; all other texts are somebody's number."""
    return text.startswith(PREFIX)


def read(text: str, estate: str, check: Callable[[bytes, bytes], bool]) -> Code:
    """What the code says, if the hub signed it for this estate. Raises NotACode. Its times are for the caller to judge."""
    if not is_code(text) or len(text) > MAX_TEXT or not text.isascii():
        raise NotACode
    body = text[len(PREFIX) :]
    try:
        raw = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotACode from error
    payload, signature = raw[:-_SIGNATURE], raw[-_SIGNATURE:]
    if not _HEAD.size < len(payload) <= _HEAD.size + MAX_TOKEN:
        raise NotACode
    version, issued, life, nonce, of = _HEAD.unpack_from(payload)
    token = payload[_HEAD.size :]
    if version != VERSION or of != _estate(estate) or not token.isascii() or not check(signature, CONTEXT + payload):
        raise NotACode
    return Code(token.decode("ascii"), nonce, datetime.fromtimestamp(issued, UTC), life)


def _estate(estate: str) -> bytes:
    return hashlib.sha256(estate.encode()).digest()[:8]
