"""Whatever comes from outside: a decoder reads it or says why not. Terminals, the wire, phone codes, identity cards.

Cameras, and more of terminals: test_fuzz_onvif.py. Files, lists and feeds: test_fuzz_files.py.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from fuzz_profile import fuzzed
from hypothesis import given
from hypothesis import strategies as st

from device_drivers.contract import id_card, messages, qr
from device_drivers.face_terminal import codec, envelope

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
        message = envelope.parse(payload)
    except envelope.CannotRead:
        return
    codec.held_ids(message)
    codec.id_number(message)
    codec.qr_text(message)
    for topic in ("Card", "QRCode", "IDCard", "Alarm"):
        with suppress(envelope.CannotRead):
            codec.presented(topic, message)
    with suppress(envelope.CannotRead):
        codec.record_of(message, ZONE, keep_picture=True)
    assert len(envelope.raw_without_pictures(payload)) <= 5000, "what is kept raw is bounded"


@fuzzed
@given(OPERATORS, st.dictionaries(NAMES | st.text(max_size=10), JSON, max_size=8), JSON, st.data())
def test_a_terminals_messages(operator: str, info: dict[str, Any], beside: Any, data: st.DataObject) -> None:
    body = {"operator": operator, "info": info if data.draw(st.booleans()) else beside, "code": beside}
    read_terminal(data.draw(damaged(json.dumps(body).encode())))


@fuzzed
@given(st.binary(max_size=400))
def test_bytes_on_a_terminals_topic(payload: bytes) -> None:
    read_terminal(payload)


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
