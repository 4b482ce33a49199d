"""Every decoder of what cameras and terminals send, with damaged and hostile input: no crash, no hang, bounded memory.

Bytes on the topics of terminals, the wire and codes: test_fuzz_decoders.py.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from datetime import UTC
from typing import Any

import pytest
from fuzz_profile import fuzzed
from hypothesis import given
from hypothesis import strategies as st

from device_drivers import onvif_events, onvif_pacs, onvif_replies, onvif_xml
from device_drivers.face_terminal import codec, envelope
from device_drivers.onvif_discovery import answers_in
from device_drivers.onvif_states import States

NAMES = (
    "Envelope", "Body", "Fault", "Code", "Value", "UTCDateTime", "Date", "Time", "Year", "Month", "Day", "Hour", "Minute",
    "Second", "Service", "Namespace", "XAddr", "Profiles", "VideoEncoderConfiguration", "Resolution", "Width", "Height",
    "NotificationMessage", "Topic", "Message", "Source", "Data", "SimpleItem", "SubscriptionReference", "Address",
    "ReferenceParameters", "CurrentTime", "TerminationTime", "TopicSet", "DoorInfo", "Capabilities", "DoorMode", "Alarm",
    "DoorPhysicalState", "AccessPointInfo", "Entity", "ProbeMatch", "Scopes", "Types", "XAddrs", "RelayOutputs", "Mode",
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(
        ["2026-05-01T08:00:00Z", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59+14:00", "-1", "1e999", "true",
         "tns1:Door/State/DoorMode", "tns1:AccessControl/Denied/CredentialNotFound/Card", "http://[::", "LockedDown"]
    ),
    st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=30),
)  # fmt: skip


def element(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def make(name: str, attribute: str, value: str, inner: list[str]) -> str:
        plain = value.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
        return f'<n:{name} xmlns:n="urn:n" {attribute}="{plain}">{plain}{"".join(inner)}</n:{name}>'

    attributes = st.sampled_from(["token", "UtcTime", "PropertyOperation", "Name", "Value", "topic"])
    return st.builds(make, st.sampled_from(NAMES), attributes, VALUES, st.lists(children, max_size=4))


TREES = st.recursive(element(st.just("")), element, max_leaves=25)
SOAP = TREES.map(lambda inner: f"<Envelope><Body>{inner}</Body></Envelope>".encode())
READERS: tuple[Callable[[Any], object], ...] = (
    onvif_replies.clock,
    onvif_replies.services,
    onvif_replies.capabilities,
    onvif_replies.information,
    onvif_replies.profiles,
    onvif_replies.uri,
    onvif_replies.relays,
    onvif_replies.inputs,
    onvif_events.messages_in,
    onvif_events.topics_in,
    onvif_events.lasts_in,
    onvif_pacs.doors,
    onvif_pacs.access_points,
    onvif_pacs.door_report,
    onvif_pacs.next_page,
    onvif_xml.fault_in,
)


@fuzzed
@given(SOAP)
def test_replies_of_any_shape_are_read_or_passed_over(raw: bytes) -> None:
    try:
        root = onvif_xml.envelope(raw)
    except onvif_xml.NotXml:
        return  # a character that XML does not allow
    for reader in READERS:
        reader(root)
    states, door = States(), onvif_pacs.Door("d")
    for message in onvif_events.messages_in(root):
        states.learn(message)
        if told := onvif_pacs.door_of(message):
            door.learn(message.path, told[1])
        onvif_pacs.access_of(message, {}, {})
    answers_in(raw, "10.0.0.1")


@fuzzed
@given(SOAP, st.binary(max_size=40), st.integers(0, 500), st.integers(0, 40))
def test_damaged_replies_are_refused_as_no_xml(raw: bytes, noise: bytes, at: int, gone: int) -> None:
    damaged = raw[:at] + noise + raw[at + gone :]
    said = ""
    try:
        onvif_xml.envelope(damaged)
    except onvif_xml.NotXml as error:
        said = str(error)
    assert len(said) < 1000, "what came is told in short"
    answers_in(damaged, "10.0.0.1")


@pytest.mark.parametrize("bomb", ["entities", "deep", "wide"])
def test_xml_bombs_stay_small(bomb: str) -> None:
    entities = "".join(f'<!ENTITY e{n} "&e{n - 1};&e{n - 1};">' for n in range(1, 40))
    raw = {
        "entities": f'<!DOCTYPE x [<!ENTITY e0 "x">{entities}]><Envelope><Body>&e39;</Body></Envelope>',
        "deep": "<Envelope>" + "<a>" * 100_000 + "</a>" * 100_000 + "</Envelope>",
        "wide": "<Envelope><Body>" + "<NotificationMessage/>" * 100_000 + "</Body></Envelope>",
    }[bomb].encode()
    try:
        root = onvif_xml.envelope(raw)
    except onvif_xml.NotXml:
        return
    assert len(onvif_events.messages_in(root)) <= onvif_events.MAX_MESSAGES


KEYS = st.sampled_from(
    ["operator", "info", "facesluiceId", "RecordID", "SnapID", "time", "VerifyStatus", "customId", "CardInfo", "CardNum",
     "QRCodeInfo", "IDCardInfo", "pic", "similarity1", "code", "messageId", "PushType", "Sendintime", "AlarmID", "List"]
)  # fmt: skip
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**30), 10**30), st.floats(), st.text(max_size=20),
    st.sampled_from(["RecPush", "StrSnapPush", "VerifyPush", "CardPush", "QRCodePush", "IDCardPush", "2026-06-01 08:00:00"]),
)  # fmt: skip
JSON = st.recursive(
    LEAVES, lambda c: st.one_of(st.lists(c, max_size=4), st.dictionaries(KEYS, c, max_size=6)), max_leaves=20
)


@fuzzed
@given(st.dictionaries(KEYS, JSON, max_size=8), st.binary(max_size=20), st.integers(0, 300))
def test_terminals_may_send_anything(body: dict[str, Any], noise: bytes, at: int) -> None:
    whole = json.dumps(body).encode()
    for raw in (whole, whole[:at] + noise + whole[at:]):
        try:
            message = envelope.parse(raw)
        except envelope.CannotRead:
            continue
        codec.alarm_number(message)
        codec.held_ids(message)
        for topic in ("Rec", "Snap", "Card", "QRCode", "IDCard", "Alarm"):
            with contextlib.suppress(envelope.CannotRead):  # the driver keeps it raw
                codec.presented(topic, message)
        with contextlib.suppress(envelope.CannotRead):
            record = codec.record_of(message, UTC)
            assert record.record_id or not record.push_type, "what has no number cannot be acknowledged"
    assert len(envelope.raw_without_pictures(whole)) <= 4096
    assert len(envelope.unreadable_key("Rec", whole)) < 60
