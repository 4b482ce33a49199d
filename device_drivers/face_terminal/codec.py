"""What terminals of the family send, read with tolerance, and what they are sent. Pure.

Tolerated: numbers as strings, key case, known misspellings, trailing commas, GB18030 text, a missing `code`, both the
`RecPush` and the `VerifyPush` shape. What still cannot be read raises `CannotRead` with the reason.
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

from device_drivers import card_number
from device_drivers.contract.events import AccessEvent
from device_drivers.contract.words import AccessOutcome, DenyReason, Direction, IdentifierType

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
PUSH_SNAP, PUSH_RECORD, PUSH_OTHER = 1, 2, 3
MAX_PICTURE = 4 * 1024 * 1024
POINT = "door1"
_TRAILING_COMMA = re.compile(r",\s*([}\]])")
_GRANTED, _REFUSED, _UNREGISTERED = "1", "2", "3"


class CannotRead(ValueError):
    """A payload that is not what its topic promises."""


@dataclass(frozen=True, slots=True)
class Fields:
    """A JSON object read without regard to the case of its keys."""

    values: Mapping[str, Any]

    @classmethod
    def of(cls, value: object) -> Fields:
        return cls({str(k).casefold(): v for k, v in value.items()} if isinstance(value, dict) else {})

    def text(self, *names: str) -> str:
        """The first of the names that is there and not blank, as trimmed text."""
        for name in names:
            value = self.values.get(name.casefold())
            if value is not None and not isinstance(value, (dict, list)) and (text := str(value).strip()):
                return text
        return ""

    def inner(self, *names: str) -> Fields:
        for name in names:
            if isinstance(value := self.values.get(name.casefold()), dict):
                return Fields.of(value)
        return Fields({})

    def rows(self, name: str) -> list[Fields]:
        value = self.values.get(name.casefold())
        return [Fields.of(v) for v in value if isinstance(v, dict)] if isinstance(value, list) else []


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
        return self.info.text("facesluiceId", "facesluiceld", "DeviceID") or self.top.text("facesluiceId")

    @property
    def ok(self) -> bool:
        """200, or no code and the word ok (several vendor examples leave the code out)."""
        return self.code == "200" if self.code else self.info.text("result").casefold() == "ok"


@dataclass(frozen=True, slots=True)
class Record:
    """One thing a terminal recorded. `push_type` 0: needs no PushAck. `identity` names the record at the device."""

    event: AccessEvent
    kind: str
    record_id: str
    time_text: str
    at: datetime | None
    late: bool
    push_type: int
    key: str
    picture: bytes | None = None

    @property
    def identity(self) -> str:
        return f"{self.kind}:{self.record_id}:{self.time_text}"


def parse(payload: bytes) -> Message:
    """Raises CannotRead."""
    try:
        text = payload.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = payload.decode("gb18030", errors="replace")
    try:
        data = _loads(text)
    except (ValueError, RecursionError) as error:
        raise CannotRead(f"not JSON: {error}") from error
    if not isinstance(data, dict):
        raise CannotRead(f"not an object but {type(data).__name__}")
    top = Fields.of(data)
    operator = top.text("operator")
    if not operator:
        raise CannotRead("no operator")
    return Message(operator, top.text("messageId"), top.text("code"), Fields.of(top.values.get("info")), top)


def _loads(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return json.loads(_TRAILING_COMMA.sub(r"\1", text))


def parse_time(text: str, zone: tzinfo) -> datetime | None:
    """Device-local time (blank or T between) as aware UTC; None for what is no time (0000-00-00 …)."""
    try:
        local = datetime.strptime(text.strip().replace("T", " ")[:19], TIME_FORMAT)  # noqa: DTZ007 - zone follows
    except ValueError:
        return None
    try:
        return local.replace(tzinfo=zone).astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def local_text(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).strftime(TIME_FORMAT)


def alarm_number(message: Message) -> str:
    """By what an alarm is acknowledged; empty where it has no number. Its content is not published: it is kept raw."""
    return message.info.text("SnapOrRecordID", "AlarmID", "RecordID", "SnapID")


def unreadable_key(name: str, payload: bytes) -> str:
    """The same bytes again are the same message: what is not acknowledged comes every ten seconds, for ever."""
    return f"raw:{name}:{hashlib.sha256(payload).hexdigest()[:32]}"


def record_of(message: Message, zone: tzinfo, *, keep_picture: bool = False) -> Record:
    """The access event of a push. Raises CannotRead for an operator that is no push or a record without a number."""
    operator = message.operator.casefold()
    if operator in ("recpush", "verifypush"):
        return _recognition(message, zone, keep_picture)
    if operator == "strsnappush":
        return _stranger(message, zone)
    if operator in ("cardpush", "idcardpush", "qrcodepush") or message.info.values.keys() & _SWIPES:
        return _swipe(message, zone)
    raise CannotRead(f"operator {message.operator[:40]!r} is no record")


_SWIPES = {"cardinfo", "qrcodeinfo", "idcardinfo"}


def _recognition(message: Message, zone: tzinfo, keep_picture: bool) -> Record:
    info = message.info
    number = info.text("RecordID")
    if not number:
        raise CannotRead("a record without RecordID")
    time_text = info.text("time", "CreateTime").replace("T", " ")
    status = info.text("VerifyStatus")
    card = _card(info.text("RFIDCard", "CardNum"))
    event = AccessEvent(
        outcome=AccessOutcome.GRANTED if status == _GRANTED else AccessOutcome.DENIED,
        point=POINT,
        credential=None if status == _UNREGISTERED else info.text("customId", "CustomizeID") or None,
        identifier=IdentifierType.CARD if card else IdentifierType.FACE,
        reason=_reason(status, info),
        direction=_direction(info.text("direction")),
        record=number,
        similarity=_similarity(info.text("similarity1")),
        text="" if status in (_GRANTED, _REFUSED, _UNREGISTERED) else f"VerifyStatus {status or 'missing'}",
    )
    known = event.credential is not None
    # An unknown card comes twice, as /Card and as a record: one key, so that it counts once.
    key = f"card:{card}:{time_text}" if card and not known else f"rec:{number}:{time_text}"
    return Record(
        event,
        "rec",
        number,
        time_text,
        parse_time(time_text, zone),
        late=info.text("Sendintime") == "0" or info.text("PushType") == "2",
        push_type=PUSH_RECORD,
        key=key,
        picture=_picture(message) if keep_picture and known else None,
    )


def _stranger(message: Message, zone: tzinfo) -> Record:
    """An unknown face. Its picture is dropped here, always."""
    info = message.info
    number, time_text = info.text("SnapID"), info.text("time")
    if not number:
        raise CannotRead("a snapshot without SnapID")
    event = AccessEvent(
        AccessOutcome.DENIED,
        POINT,
        identifier=IdentifierType.FACE,
        reason=DenyReason.UNKNOWN_CREDENTIAL,
        record=number,
    )
    late = info.text("Sendintime") == "0" or info.text("PushType") == "2"
    at = parse_time(time_text, zone)
    return Record(event, "snap", number, time_text, at, late, PUSH_SNAP, f"snap:{number}:{time_text}")


def _swipe(message: Message, zone: tzinfo) -> Record:
    """A card, QR text or identity card that the terminal does not know: told once, nothing to acknowledge."""
    info = message.info
    card = _card(info.inner("CardInfo").text("CardNum", "CardNo") or info.text("CardNum"))
    if "qrcodeinfo" in info.values or message.operator.casefold() == "qrcodepush":
        kind, shown = IdentifierType.QR, ""  # a QR text may carry personal data: it is not kept
    elif "idcardinfo" in info.values or message.operator.casefold() == "idcardpush":
        kind, shown = IdentifierType.ID_CARD, ""  # an identity number is never kept
    elif card:
        kind, shown = IdentifierType.CARD, card
    else:
        raise CannotRead("a swipe without a number")
    time_text = info.text("time") or info.inner("CardInfo", "QRCodeInfo", "IDCardInfo").text("time")
    event = AccessEvent(
        AccessOutcome.DENIED, POINT, identifier=kind, reason=DenyReason.UNKNOWN_CREDENTIAL, record=shown
    )
    key = f"{kind.value}:{shown}:{time_text}" if time_text else ""
    return Record(event, kind.value, shown, time_text, parse_time(time_text, zone), False, 0, key)


@dataclass(frozen=True, slots=True)
class Presented:
    """What a terminal only passes on, for the edge to decide. `key`: of a card, which comes a second time as a record."""

    type: IdentifierType
    value: str
    key: str = ""


def presented(topic: str, message: Message) -> Presented | None:
    """A card it does not hold, a QR text, an identity card; None for all else and for what has no number."""
    if topic == "QRCode" and (text := qr_text(message)):
        return Presented(IdentifierType.QR, text)
    if topic == "IDCard" and (number := id_number(message)):
        return Presented(IdentifierType.ID_CARD, number)
    if topic == "Card":
        swipe = _swipe(message, UTC)
        if swipe.event.identifier == IdentifierType.CARD:
            return Presented(IdentifierType.CARD, swipe.event.record, swipe.key)
    return None


def id_number(message: Message) -> str:
    """The number of an identity card, which goes to the decision and is kept nowhere. Empty where there is none.

    No public example of this push is known: the names are those of the other pushes and of a person's entry.
    """
    info = message.info
    inner = info.inner("IDCardInfo")
    names = ("IDNumber", "idCard", "IDCardNo", "IDCardNum", "CardNum", "IDNum")
    return inner.text(*names) or info.text(*names, "IDCardInfo")


def qr_text(message: Message) -> str:
    """The text of a QR push, empty where there is none."""
    info = message.info
    inner = info.inner("QRCodeInfo")
    return inner.text("QRCode", "QRCodeInfo", "CodeInfo", "Data", "Info") or info.text("QRCodeInfo", "QRCode")


def _reason(status: str, info: Fields) -> DenyReason | None:
    if status == _UNREGISTERED:
        return DenyReason.UNKNOWN_CREDENTIAL
    if status == _REFUSED and info.text("PersonType") == "1":
        return DenyReason.BLOCKED
    return None


def _card(text: str) -> str:
    try:
        return card_number.normalise(text) if text else ""
    except card_number.CardNumberError:
        return ""


def _direction(text: str) -> Direction:
    return {"in": Direction.IN, "out": Direction.OUT, "1": Direction.IN, "2": Direction.OUT}.get(
        text.casefold(), Direction.UNKNOWN
    )


def _similarity(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value <= 100 else None


def _picture(message: Message) -> bytes | None:
    text = message.info.text("pic") or message.top.text("SanpPic", "SnapPic", "pic")
    return picture_bytes(text)


def picture_bytes(text: str) -> bytes | None:
    """The JPEG of a data URI or plain base64; None for anything else or more than 4 MiB."""
    encoded = text.rsplit(",", 1)[-1]
    if not encoded or len(encoded) > MAX_PICTURE * 4 // 3:
        return None
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if raw.startswith(b"\xff\xd8") else None


def raw_without_pictures(payload: bytes, limit: int = 4096) -> str:
    """Text for the page: long base64 runs cut out, then cut to `limit` characters."""
    text = payload.decode("utf-8", errors="replace")
    return re.sub(r"[A-Za-z0-9+/=\\]{200,}", "…", text)[:limit]


def request(operator: str, message_id: str, info: object, **beside: object) -> bytes:
    """A command packet. `beside` stands next to `operator` (batch flags)."""
    body = {"operator": operator, "messageId": message_id, **beside, "info": info}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def batch_flags(count: int) -> dict[str, Any]:
    return {"DataBegin": "BeginFlag", "PersonNum": str(count), "DataEnd": "EndFlag"}


def held_ids(message: Message) -> list[str]:
    """The customIds of a QueryPerson answer, in order; "" for persons enrolled at the device itself."""
    value = message.info.values.get("customid")
    if isinstance(value, list):
        return [str(v).strip() for v in value]
    text = str(value or "").strip()
    return [part.strip() for part in text.split(",")] if text else []
