"""Who is asking: WS-UsernameToken with a digest, and HTTP Digest, both really checked."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import xml.etree.ElementTree as ET
from datetime import UTC, datetime

from simulators.onvif_soap import NS, SoapFault

_DIGEST_TYPE = "#PasswordDigest"
_REALM = "onvif-sim"
_PAIR = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')


def _not_authorized(reason: str) -> SoapFault:
    return SoapFault("Sender", "ter:NotAuthorized", reason)


def _iso(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


class UsernameTokenCheck:
    """Checks wsse:UsernameToken (digest only). ``strict_z`` demands Created in the Z form, as strict devices do."""

    def __init__(self, username: str, password: str, *, skew_limit_s: float, strict_z: bool) -> None:
        self.username = username
        self.password = password
        self.skew_limit_s = skew_limit_s
        self.strict_z = strict_z
        self._nonces: dict[bytes, datetime] = {}

    def check(self, header: ET.Element | None, now: datetime) -> None:
        """``now`` is the device's clock. Raises SoapFault (ter:NotAuthorized) with the reason."""
        token = None if header is None else header.find(".//wsse:UsernameToken", NS)
        if token is None:
            raise _not_authorized("no UsernameToken")
        password = token.find("wsse:Password", NS)
        parts = [token.findtext(name, "", NS).strip() for name in ("wsse:Username", "wsse:Nonce", "wsu:Created")]
        username, nonce_text, created_text = parts
        if password is None or not (password.get("Type") or "").endswith(_DIGEST_TYPE):
            raise _not_authorized("only PasswordDigest is taken")
        try:
            nonce = base64.b64decode(nonce_text, validate=True)
        except binascii.Error as error:
            raise _not_authorized("Nonce is not base64") from error
        self._check_fresh(nonce, created_text, now)
        digest = hashlib.sha1(nonce + created_text.encode() + self.password.encode()).digest()
        given = (password.text or "").strip()
        right = hmac.compare_digest(base64.b64encode(digest), given.encode())
        if not right or not hmac.compare_digest(username.encode(), self.username.encode()):
            raise _not_authorized("wrong username or password")
        self._nonces[nonce] = now

    def _check_fresh(self, nonce: bytes, created_text: str, now: datetime) -> None:
        created = _iso(created_text)
        if created is None or (self.strict_z and not created_text.endswith("Z")):
            raise _not_authorized("Created must be UTC in the Z form")
        if abs((now - created).total_seconds()) > self.skew_limit_s:
            raise _not_authorized("Created is too far from the device's clock")
        old = [key for key, seen in self._nonces.items() if abs((now - seen).total_seconds()) > 2 * self.skew_limit_s]
        for key in old:
            del self._nonces[key]
        if not nonce or nonce in self._nonces:
            raise _not_authorized("Nonce is empty or was used before")


class HttpDigestCheck:
    """RFC 7616 with MD5 and qop auth, as cameras have it."""

    def __init__(self, username: str, password: str) -> None:
        self.username = username
        self._ha1 = _md5(f"{username}:{_REALM}:{password}")
        self._nonces: dict[str, int] = {}

    def challenge(self) -> str:
        """A WWW-Authenticate value with a fresh nonce."""
        nonce = secrets.token_hex(16)
        self._nonces[nonce] = 0
        if len(self._nonces) > 1000:
            del self._nonces[next(iter(self._nonces))]
        return f'Digest realm="{_REALM}", qop="auth", algorithm=MD5, nonce="{nonce}", opaque="0"'

    def ok(self, authorization: str | None, method: str, path: str) -> bool:
        """Whether the Authorization header is right for this request; a nonce count may not be used twice."""
        if authorization is None or not authorization.lower().startswith("digest "):
            return False
        given = {name: quoted or bare for name, quoted, bare in _PAIR.findall(authorization)}
        nonce, count = given.get("nonce", ""), given.get("nc", "")
        if nonce not in self._nonces or given.get("username") != self.username or given.get("uri") != path:
            return False
        try:
            number = int(count, 16)
        except ValueError:
            return False
        if number <= self._nonces[nonce]:
            return False
        parts = (self._ha1, nonce, count, given.get("cnonce", ""), given.get("qop", ""), _md5(f"{method}:{path}"))
        if not hmac.compare_digest(_md5(":".join(parts)), given.get("response", "")):
            return False
        self._nonces[nonce] = number
        return True


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
