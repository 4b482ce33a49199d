"""What terminals of the family tell: recognitions, strangers, swipes, alarms; and what they are sent. Pure.

Both the `RecPush` and the `VerifyPush` shape are read. What cannot be read raises `CannotRead` with the reason.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

from device_drivers import card_number
from device_drivers.contract.events import AccessEvent
from device_drivers.contract.words import AccessOutcome, DenyReason, Direction, IdentifierType
from device_drivers.face_terminal.envelope import CannotRead, Fields, Message, parse_time, picture_bytes

PUSH_SNAP, PUSH_RECORD, PUSH_OTHER = 1, 2, 3
PUSHED_AT = {"Snap": PUSH_SNAP, "Rec": PUSH_RECORD}
POINT = "door1"
_GRANTED, _REFUSED, _UNREGISTERED = "1", "2", "3"


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


def alarm_number(message: Message) -> str:
    """By what an alarm is acknowledged; empty where it has no number. Its content is not published: it is kept raw."""
    return message.info.text("SnapOrRecordID", "AlarmID", "RecordID", "SnapID")


def record_of(message: Message, zone: tzinfo, *, keep_picture: bool = False, keep_stranger: bool = False) -> Record:
    """The access event of a push. Pictures are dropped here unless asked for; a stranger's has a word of its own.

    Raises CannotRead for an operator that is no push or a record without a number."""
    operator = message.operator.casefold()
    if operator in ("recpush", "verifypush"):
        return _recognition(message, zone, keep_picture, keep_stranger)
    if operator == "strsnappush":
        return _stranger(message, zone, keep_stranger)
    if operator in ("cardpush", "idcardpush", "qrcodepush") or message.info.values.keys() & _SWIPES:
        return _swipe(message, zone)
    raise CannotRead(f"operator {message.operator[:40]!r} is no record")


_SWIPES = {"cardinfo", "qrcodeinfo", "idcardinfo"}


def _recognition(message: Message, zone: tzinfo, keep_picture: bool, keep_stranger: bool) -> Record:
    """A record without a number is one all the same: it happened. It cannot be acknowledged, and counts once by its content."""
    info = message.info
    number = info.text("RecordID", "SnapOrRecordID")
    time_text = info.text("time", "CreateTime").replace("T", " ")
    status = info.text("VerifyStatus")
    if not number and not (time_text and status):
        raise CannotRead("a record without RecordID")
    card = _card(info.text("RFIDCard", "CardNum"))
    event = AccessEvent(
        outcome=AccessOutcome.GRANTED if status == _GRANTED else AccessOutcome.DENIED,
        point=POINT,
        credential=None if status == _UNREGISTERED else _holder(info),
        identifier=IdentifierType.CARD if card else IdentifierType.FACE,
        reason=_reason(status, info),
        direction=_direction(info.text("direction")),
        record=number,
        similarity=_similarity(info.text("similarity1")),
        text="" if status in (_GRANTED, _REFUSED, _UNREGISTERED) else f"VerifyStatus {status or 'missing'}"[:100],
    )
    known = event.credential is not None
    # An unknown card comes twice, as /Card and as a record: one key, so that it counts once.
    key = f"card:{card}:{time_text}" if card and not known else f"rec:{number or _content(info)}:{time_text}"
    return Record(
        event,
        "rec",
        number,
        time_text,
        parse_time(time_text, zone),
        late=info.text("Sendintime") == "0" or info.text("PushType") == "2",
        push_type=PUSH_RECORD if number else 0,
        key=key,
        picture=_picture(message) if keep_picture and (known or keep_stranger) else None,
    )


def _holder(info: Fields) -> str | None:
    """Newer firmware names the platform's id otherwise, and writes 0 for none."""
    told = (info.text(name) for name in ("customId", "CustomizeID", "PersonUUID"))
    return next((t for t in told if t not in ("", "0")), None)


def _content(info: Fields) -> str:
    return "/".join(info.text(name) for name in ("personId", "PersonUUID", "VerifyStatus"))


def _stranger(message: Message, zone: tzinfo, keep_stranger: bool) -> Record:
    """An unknown face."""
    info = message.info
    number, time_text = (
        info.text("SnapID", "SnapOrRecordID", "RecordID"),
        info.text("time", "CreateTime").replace("T", " "),
    )
    if not number and not time_text:
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
    push_type = PUSH_SNAP if number else 0
    picture = _picture(message) if keep_stranger else None
    return Record(event, "snap", number, time_text, at, late, push_type, f"snap:{number}:{time_text}", picture)


def _swipe(message: Message, zone: tzinfo) -> Record:
    """A card, QR text or identity card that the terminal does not know: told once, nothing to acknowledge."""
    info, kind = message.info, _kind(message)
    shown = ""  # a QR text may carry personal data, an identity number is never kept
    if kind is IdentifierType.CARD and not (shown := _swiped_card(info)):
        raise CannotRead("a swipe without a number")
    time_text = _shown_at(info)
    event = AccessEvent(
        AccessOutcome.DENIED, POINT, identifier=kind, reason=DenyReason.UNKNOWN_CREDENTIAL, record=shown
    )
    key = f"{kind.value}:{shown}:{time_text}" if time_text else ""
    return Record(event, kind.value, shown, time_text, parse_time(time_text, zone), False, 0, key)


def _shown_at(info: Fields) -> str:
    return info.text("time") or info.inner("CardInfo", "QRCodeInfo", "IDCardInfo").text("time")


def _kind(message: Message) -> IdentifierType:
    told, operator = message.info.values, message.operator.casefold()
    if "qrcodeinfo" in told or operator == "qrcodepush":
        return IdentifierType.QR
    if "idcardinfo" in told or operator == "idcardpush":
        return IdentifierType.ID_CARD
    return IdentifierType.CARD


def _swiped_card(info: Fields) -> str:
    names = ("CardNum", "CardNo", "RFIDCard", "CardInfo")
    return _card(info.inner("CardInfo").text(*names) or info.text(*names))


@dataclass(frozen=True, slots=True)
class Presented:
    """What a terminal only passes on, for the edge to decide. `key`: of a card, which comes a second time as a record.

    `time_text`: when it was shown, as the terminal writes it; empty where it does not say.
    """

    type: IdentifierType
    value: str
    key: str = ""
    time_text: str = field(default="", compare=False)


def presented(topic: str, message: Message) -> Presented | None:
    """A card it does not hold, a QR text, an identity card; None for all else and for what has no number."""
    time_text = _shown_at(message.info)
    if topic == "QRCode" and (text := qr_text(message)):
        return Presented(IdentifierType.QR, text, time_text=time_text)
    if topic == "IDCard" and (number := id_number(message)):
        return Presented(IdentifierType.ID_CARD, number, time_text=time_text)
    if topic == "Card":
        swipe = _swipe(message, UTC)
        if swipe.event.identifier == IdentifierType.CARD:
            return Presented(IdentifierType.CARD, swipe.event.record, swipe.key, time_text)
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
    """Decimal, else hex; empty for none, which is also written as 0."""
    renderings: tuple[card_number.Rendering, ...] = ("decimal", "hex")
    for rendering in renderings:
        try:
            number = card_number.normalise(text, rendering) if text else ""
        except card_number.CardNumberError:
            continue
        return "" if number == "0" else number
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
    return picture_bytes(message.info.text("pic") or message.top.text("SanpPic", "SnapPic", "pic"))


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
