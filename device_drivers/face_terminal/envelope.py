"""The envelope of the family, read with tolerance: any case of keys, numbers as strings, nesting too much or too little. Pure.

Tolerated: known misspellings, trailing commas, NULs at the end, control characters in texts, GB18030, an `info` that is
text, a list of one, nested once more or missing, times in other shapes. What still cannot be read raises `CannotRead`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
MAX_PICTURE = 4 * 1024 * 1024
_TRAILING_COMMA = re.compile(r",\s*([}\]])")
_WHOLE = 1e15
_NESTED = ("data", "payload", "body", "params")  # in which gateways wrap what a terminal said
_TIME = re.compile(
    r"(\d{4})\D(\d{1,2})\D(\d{1,2})(?:\D{1,3}(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?(?:[.,]\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?",
    re.IGNORECASE,
)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)")


class CannotRead(ValueError):
    """A payload that is not what its topic promises."""


class NotItsOwn(CannotRead):
    """It names another terminal than its topic does."""


@dataclass(frozen=True, slots=True)
class Fields:
    """A JSON object read without regard to the case of its keys."""

    values: Mapping[str, Any]

    @classmethod
    def of(cls, value: object) -> Fields:
        """Of an object; of a list of one object or of its JSON text the same."""
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, str) and value.lstrip().startswith("{"):
            try:
                value = _loads(value)
            except (ValueError, RecursionError):
                value = None
        return cls({str(k).casefold(): v for k, v in value.items()} if isinstance(value, dict) else {})

    def text(self, *names: str) -> str:
        """The first of the names that is there and not blank, as trimmed text; true and 1.0 are 1."""
        for name in names:
            value = self.values.get(name.casefold())
            if value is not None and not isinstance(value, (dict, list)) and (text := _plain(value).strip()):
                return text
        return ""

    def inner(self, *names: str) -> Fields:
        for name in names:
            if (found := Fields.of(self.values.get(name.casefold()))).values:
                return found
        return Fields({})

    def rows(self, name: str) -> list[Fields]:
        """The objects of a list; of a bare text the row that only names a person."""
        value = self.values.get(name.casefold())
        if not isinstance(value, list):
            return []
        return [Fields({"customid": v}) if isinstance(v, str | int) else Fields.of(v) for v in value if v]


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and abs(value) < _WHOLE and value.is_integer():
        return str(int(value))
    if isinstance(value, int) and value.bit_length() > 256:
        return "#"  # longer than any number that means something, and than Python likes to write out
    return str(value)


@dataclass(frozen=True, slots=True)
class Message:
    """The envelope: operator, messageId, code (text, may be empty), info, and the whole for what stands beside it."""

    operator: str
    message_id: str
    code: str
    info: Fields
    top: Fields

    @property
    def device(self) -> str:
        names = ("facesluiceId", "facesluiceld", "DeviceID")
        return self.info.text(*names) or self.top.text(*names)

    @property
    def ok(self) -> bool:
        """200, or no code and the word ok (several vendor examples leave the code out)."""
        return self.code == "200" if self.code else self.info.text("result").casefold() in ("ok", "success")


def parse(payload: bytes) -> Message:
    """Raises CannotRead."""
    payload = payload.rstrip(b"\0")
    try:
        text = payload.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = payload.decode("gb18030", errors="replace")
    try:
        data = _loads(text)
    except (ValueError, RecursionError) as error:
        raise CannotRead(f"not JSON: {error}"[:300]) from error
    if not isinstance(data, dict) and not (isinstance(data, list) and len(data) == 1 and isinstance(data[0], dict)):
        raise CannotRead(f"not an object but {type(data).__name__}")
    top = Fields.of(data)
    operator = top.text("operator")
    if not operator and (wrapped := top.inner(*_NESTED)).text("operator"):
        top, operator = wrapped, wrapped.text("operator")
    if not operator:
        raise CannotRead("no operator")
    info = _info(top)
    return Message(operator, top.text("messageId"), top.text("code") or info.text("code"), info, top)


def _info(top: Fields) -> Fields:
    """Where the fields stand: in `info`, nested once more, or beside the operator."""
    info = Fields.of(top.values.get("info"))
    if info.values.keys() <= {"info", "facesluiceid"} and (deeper := info.inner("info")).values:
        return Fields({**info.values, **deeper.values})
    if "info" in top.values:
        return info
    return Fields({k: v for k, v in top.values.items() if k not in ("operator", "messageid", "code")})


def _loads(text: str) -> Any:
    try:
        return json.loads(text, strict=False)
    except ValueError:
        return json.loads(_TRAILING_COMMA.sub(r"\1", text), strict=False)


def parse_time(text: str, zone: tzinfo) -> datetime | None:
    """Device-local time as aware UTC; None for what is no time (0000-00-00 …). A zone that is told counts.

    Besides the manual's form: T, slashes, Chinese date words, no seconds, 20260601080000, seconds or milliseconds since 1970.
    """
    text = text.strip()
    try:
        if text.isascii() and text.isdigit() and len(text) in (10, 13):
            return datetime.fromtimestamp(int(text) / (1000 if len(text) == 13 else 1), UTC)
        if found := _COMPACT.fullmatch(text):
            return datetime(*map(int, found.groups()), tzinfo=zone).astimezone(UTC)  # type: ignore[misc,arg-type]
        if (found := _TIME.fullmatch(text)) is None:
            return None
        *parts, told = found.groups()
        local = datetime(*(int(p or 0) for p in parts), tzinfo=UTC)  # type: ignore[misc,arg-type]
        if told:
            return datetime.fromisoformat(local.strftime("%Y-%m-%dT%H:%M:%S") + told.upper()).astimezone(UTC)
        return local.replace(tzinfo=zone).astimezone(UTC)
    except (OverflowError, ValueError, OSError):
        return None


def local_text(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).strftime(TIME_FORMAT)


def picture_bytes(text: str) -> bytes | None:
    """The JPEG of a data URI or plain base64; None for anything else or more than 4 MiB."""
    encoded = "".join(text.rsplit(",", 1)[-1].split())
    if not encoded or len(encoded) > MAX_PICTURE * 4 // 3:
        return None
    try:
        raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if raw.startswith(b"\xff\xd8") else None


# What cannot be read is kept for a person to look at: not its pictures, and nothing that names a person.
_LONG = re.compile(r"[A-Za-z0-9+/=\\]{200,}")
_ID_NUMBER = re.compile(r"(?<!\d)\d{14}(?:\d|\d{3}[\dXx])(?!\d)")
_PERSONAL = re.compile(
    r'("(?:name|personname|persionname|idcard|idnumber|idcardno|idcardnum|idnum|telnum1?|phone|birthday|address|native)"'
    r'\s*:\s*")(?:[^"\\]|\\.)*',
    re.IGNORECASE,
)
_ANY_TEXT = re.compile(r'(:\s*"|\[\s*"|,\s*")(?:[^"\\]|\\.)*(?="\s*[,}\]])')
_ANY_NUMBER = re.compile(r"\d{6,}")


def raw_without_pictures(payload: bytes, limit: int = 4096, *, shown: bool = False) -> str:
    """Text for the page: pictures, names and identity numbers cut out, then cut to `limit` characters.

    `shown`: of a topic that carries what people hold before the reader (QR texts, identity cards): its shape alone.
    """
    text = payload.decode("utf-8", errors="replace")
    text = _PERSONAL.sub(r"\1…", _ID_NUMBER.sub("…", _LONG.sub("…", text)))
    if shown:
        text = _ANY_NUMBER.sub("…", _ANY_TEXT.sub(r"\1…", text))
    return text[:limit]


_NUMBER = re.compile(r'"(?:RecordID|SnapOrRecordID|SnapID)"\s*:\s*"?(\d{1,18})(?!\d)', re.IGNORECASE)


def number_in(payload: bytes) -> str:
    """By what a record that cannot be read is acknowledged; empty where there is no number, or more than one.

    A terminal gives no later record before that.
    """
    found = set(_NUMBER.findall(payload.decode("utf-8", errors="replace")))
    return found.pop() if len(found) == 1 else ""


def unreadable_key(name: str, payload: bytes) -> str:
    """The same bytes again are the same message: what is not acknowledged comes every ten seconds, for ever."""
    return f"raw:{name}:{hashlib.sha256(payload).hexdigest()[:32]}"
