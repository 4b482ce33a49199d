"""Whatever comes from outside: a decoder reads it or says why not. Terminals, cameras, the wire, phone codes, identity cards."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from fuzz_profile import fuzzed
from hypothesis import given
from hypothesis import strategies as st

from device_drivers import onvif_events
from device_drivers.contract import id_card, messages, qr
from device_drivers.face_terminal import codec
from device_drivers.onvif_xml import NotXml

ZONE = ZoneInfo("Asia/Shanghai")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
OPERATORS = st.sampled_from(
    [
        "RecPush",
        "StrSnapPush",
        "VerifyPush",
        "CardPush",
        "QRCodePush",
        "IDCardPush",
        "HeartBeat",
        "Online",
        "recpush",
        "?",
    ]
)
NAMES = st.sampled_from(
    ["RecordID", "SnapID", "time", "CreateTime", "VerifyStatus", "customId", "persionName", "pic", "PushType", "CardInfo",
     "QRCodeInfo", "IDCardInfo", "similarity1", "facesluiceId", "direction", "Sendintime", "RFIDCard", "CardNum"]
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """A valid text with a few bytes changed, lost or doubled."""
    text = bytearray(whole)
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, max(0, len(text) - 1)))
        match draw(st.sampled_from(["set", "cut", "double"])):
            case "set" if text:
                text[at] = draw(st.integers(0, 255))
            case "cut":
                del text[at : at + draw(st.integers(1, 40))]
            case _:
                text[at:at] = text[at : at + draw(st.integers(1, 40))]
    return bytes(text)


def read_terminal(payload: bytes) -> None:
    try:
        message = codec.parse(payload)
    except codec.CannotRead:
        return
    codec.held_ids(message)
    codec.id_number(message)
    codec.qr_text(message)
    for topic in ("Card", "QRCode", "IDCard", "Alarm"):
        with suppress(codec.CannotRead):
            codec.presented(topic, message)
    with suppress(codec.CannotRead):
        codec.record_of(message, ZONE, keep_picture=True)
    assert len(codec.raw_without_pictures(payload)) <= 5000, "what is kept raw is bounded"


@fuzzed
@given(OPERATORS, st.dictionaries(NAMES | st.text(max_size=10), JSON, max_size=8), JSON, st.data())
def test_a_terminals_messages(operator: str, info: dict[str, Any], beside: Any, data: st.DataObject) -> None:
    body = {"operator": operator, "info": info if data.draw(st.booleans()) else beside, "code": beside}
    read_terminal(data.draw(damaged(json.dumps(body).encode())))


@fuzzed
@given(st.binary(max_size=400))
def test_bytes_on_a_terminals_topic(payload: bytes) -> None:
    read_terminal(payload)


NOTIFICATION = b"""<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"
 xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" xmlns:tt="http://www.onvif.org/ver10/schema"
 xmlns:wsa="http://www.w3.org/2005/08/addressing" xmlns:tns1="http://www.onvif.org/ver10/topics"><s:Body>
<p:PullMessagesResponse xmlns:p="http://www.onvif.org/ver10/events/wsdl"><wsnt:CurrentTime>2026-01-01T00:00:00Z</wsnt:CurrentTime>
<wsnt:TerminationTime>2026-01-01T00:01:00Z</wsnt:TerminationTime>
<wsnt:SubscriptionReference><wsa:Address>http://10.0.0.1/sub</wsa:Address><wsa:ReferenceParameters><id>1</id>
</wsa:ReferenceParameters></wsnt:SubscriptionReference><wsnt:NotificationMessage>
<wsnt:Topic>tns1:VideoSource/MotionAlarm</wsnt:Topic><wsnt:Message><tt:Message UtcTime="2026-01-01T00:00:00Z"
 PropertyOperation="Changed"><tt:Source><tt:SimpleItem Name="Source" Value="1"/></tt:Source><tt:Data>
<tt:SimpleItem Name="State" Value="true"/></tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>
</p:PullMessagesResponse></s:Body></s:Envelope>"""


@fuzzed
@given(st.binary(max_size=300) | damaged(NOTIFICATION))
def test_a_cameras_replies(raw: bytes) -> None:
    for read in (onvif_events.parse_messages, onvif_events.parse_subscription):
        with suppress(NotXml):
            read(raw)


@fuzzed
@given(
    st.sampled_from(messages.UP + messages.DOWN), st.binary(max_size=300) | JSON.map(lambda v: json.dumps(v).encode())
)
def test_the_wire(kind: type[messages.Message], payload: bytes) -> None:
    with suppress(messages.WireError):
        messages.decode(kind, payload)


@fuzzed
@given(st.text(max_size=120) | st.from_regex(r"EH1\.[A-Za-z0-9_=-]{0,200}"), st.booleans())
def test_phone_codes(text: str, signed: bool) -> None:
    try:
        code = qr.read(text, "estate", lambda *_: signed)
    except qr.NotACode:
        return
    assert signed
    assert code.issued_at <= datetime.max.replace(tzinfo=UTC)


@fuzzed
@given(st.text(max_size=40))
def test_identity_card_numbers(text: str) -> None:
    assert text not in id_card.hashed(text, "key") or len(text) < 4, "a hash does not show the number"
    id_card.normalise(text)


@fuzzed
@given(st.text(max_size=60) | st.from_regex(r"v1/[a-z/]{0,30}"))
def test_topics(text: str) -> None:
    messages.parse_topic(text)
