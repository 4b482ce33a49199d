"""What terminals send, with their misspellings, and that no payload can crash the reader."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_drivers.contract.access import Credential, Identifier, ValidityPeriod
from device_drivers.contract.words import AccessOutcome, DenyReason, HolderClass, IdentifierType
from device_drivers.driver import CredentialRefused, same_content
from device_drivers.face_terminal import codec, envelope, errors
from device_drivers.face_terminal.persons import content, person

ZONE = ZoneInfo("Asia/Shanghai")
REC: dict[str, Any] = {
    "operator": "RecPush",
    "info": {
        "customId": "cred-1",
        "personId": "5",
        "RecordID": "27",
        "VerifyStatus": "1",
        "PersonType": "0",
        "similarity1": "83.000000",
        "Sendintime": 1,
        "PushType": 0,
        "personName": "1-101",
        "facesluiceId": "1306612",
        "idCard": " ",
        "time": "2026-04-20 08:15:30",
    },
}


def read(message: dict[str, Any], **changes: Any) -> codec.Record:
    changed = {**message, "info": {**message["info"], **changes}}
    return codec.record_of(envelope.parse(json.dumps(changed).encode()), ZONE)


def test_a_record_as_the_firmware_sends_it() -> None:
    record = read(REC)
    assert record.event.outcome is AccessOutcome.GRANTED
    assert (record.event.credential, record.event.similarity, record.record_id) == ("cred-1", 83.0, "27")
    assert record.at == datetime(2026, 4, 20, 0, 15, 30, tzinfo=UTC), "device time is local, without a zone"
    assert (record.late, record.push_type, record.key) == (False, 2, "rec:27:2026-04-20 08:15:30")


@pytest.mark.parametrize("changes", [{"Sendintime": 0}, {"Sendintime": "0"}, {"PushType": 2}, {"PushType": "2"}])
def test_a_replayed_record_is_late(changes: dict[str, Any]) -> None:
    assert read(REC, **changes).late


@pytest.mark.parametrize(
    ("changes", "outcome", "reason", "text"),
    [
        ({"VerifyStatus": 1}, AccessOutcome.GRANTED, None, ""),
        ({"VerifyStatus": "2"}, AccessOutcome.DENIED, None, ""),
        ({"VerifyStatus": "2", "PersonType": "1"}, AccessOutcome.DENIED, DenyReason.BLOCKED, ""),
        ({"VerifyStatus": "3"}, AccessOutcome.DENIED, DenyReason.UNKNOWN_CREDENTIAL, ""),
        ({"VerifyStatus": "22"}, AccessOutcome.DENIED, None, "VerifyStatus 22"),
        ({"VerifyStatus": "0"}, AccessOutcome.DENIED, None, "VerifyStatus 0"),
    ],
)
def test_only_status_1_is_a_pass(
    changes: dict[str, Any], outcome: AccessOutcome, reason: DenyReason | None, text: str
) -> None:
    event = read(REC, **changes).event
    assert (event.outcome, event.reason, event.text) == (outcome, reason, text)


def test_a_person_enrolled_at_the_device_has_no_credential() -> None:
    assert read(REC, customId="").event.credential is None


def test_time_that_is_no_time_is_none_never_now() -> None:
    assert read(REC, time="0000-00-00 00:00:00").at is None


def test_the_http_branch_shape_is_read_alike() -> None:
    message = {
        "operator": "VerifyPush",
        "SanpPic": "data:image/jpeg;base64,/9j/",
        "info": {
            "DeviceID": 1306612,
            "RecordID": 27,
            "CustomizeID": "cred-1",
            "CreateTime": "2026-04-20T08:15:30",
            "VerifyStatus": 1,
            "Similarity1": 83.0,
            "Direction": "in",
        },
    }
    record = codec.record_of(envelope.parse(json.dumps(message).encode()), ZONE, keep_picture=True)
    assert record.identity == read(REC).identity
    assert (record.event.credential, record.event.direction, record.picture) == ("cred-1", "in", b"\xff\xd8\xff")


def test_pictures_of_strangers_are_dropped_and_others_kept_only_when_asked() -> None:
    picture = "data:image/jpeg;base64,/9j/"
    snap = {"operator": "StrSnapPush", "info": {"SnapID": "3", "time": "2026-04-20 08:15:30", "pic": picture}}
    stranger = codec.record_of(envelope.parse(json.dumps(snap).encode()), ZONE, keep_picture=True)
    assert (stranger.picture, stranger.push_type) == (None, 1)
    assert read(REC, pic=picture).picture is None


def test_an_unknown_card_is_one_event_though_told_twice() -> None:
    swipe = {"operator": "CardPush", "info": {"time": "2026-04-20 08:15:30", "CardInfo": {"CardNum": "0000000005"}}}
    told = codec.record_of(envelope.parse(json.dumps(swipe).encode()), ZONE)
    assert (told.event.identifier, told.event.record, told.push_type) == (IdentifierType.CARD, "5", 0)
    assert read(REC, customId="", VerifyStatus="3", RFIDCard="0000000005").key == told.key


def test_vendor_habits_are_tolerated() -> None:
    loose = envelope.parse('\ufeff{"operator":"X-Ack","info":{"facesluiceld":"7","result":"ok",},}'.encode())
    assert (loose.device, loose.ok) == ("7", True)
    assert (
        envelope.parse('{"operator":"X","info":{"detail":"设备忙"}}'.encode("gb18030")).info.text("detail") == "设备忙"
    )
    assert envelope.parse(b'{"operator":"X","code":200,"info":{}}').ok
    assert not envelope.parse(b'{"operator":"X","code":"467","info":{"result":"ok"}}').ok
    assert codec.held_ids(envelope.parse(b'{"operator":"X","info":{"customId":"a,,b"}}')) == ["a", "", "b"]
    assert codec.held_ids(envelope.parse(b'{"operator":"X","info":{"customId":""}}')) == []


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"null", b'{"info":{}}', b'{"operator":""}', b"[" * 100_000])
def test_what_cannot_be_read_says_so(payload: bytes) -> None:
    with pytest.raises(envelope.CannotRead):
        envelope.parse(payload)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    [
        "RecordID",
        "SnapID",
        "time",
        "VerifyStatus",
        "customId",
        "CardInfo",
        "QRCodeInfo",
        "pic",
        "similarity1",
        "RFIDCard",
    ]
)
OPERATORS = st.sampled_from(
    ["RecPush", "VerifyPush", "StrSnapPush", "CardPush", "QRCodePush", "IDCardPush", "HeartBeat"]
)


def try_all(payload: bytes) -> None:
    try:
        message = envelope.parse(payload)
        codec.held_ids(message)
        codec.qr_text(message)
        codec.record_of(message, ZONE, keep_picture=True)
    except envelope.CannotRead:
        pass
    assert len(envelope.raw_without_pictures(payload)) <= 4096


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_reader(payload: bytes) -> None:
    try_all(payload)


@given(OPERATORS, st.dictionaries(NAMES, JSON, max_size=8))
def test_no_json_crashes_the_reader(operator: str, info: dict[str, Any]) -> None:
    try_all(json.dumps({"operator": operator, "info": info}).encode())


def credential(**changes: Any) -> Credential:
    card = Identifier(IdentifierType.CARD, "3456789")
    fields = {"token": "cred-1", "label": "1栋101室-1", "identifiers": (card,), "profiles": ("p",), **changes}
    return Credential(holder_class=HolderClass.RESIDENT, **fields)


def test_a_person_is_written_in_the_terminals_words() -> None:
    end = datetime(2026, 5, 1, tzinfo=UTC)
    limited = credential(validity=ValidityPeriod(None, end))
    assert person(limited, ZONE, cards=True) == {
        "customId": "cred-1",
        "name": "1栋101室-1",
        "personType": 0,
        "tempCardType": 1,
        "cardValidBegin": "2000-01-01 00:00:00",
        "cardValidEnd": "2026-05-01 07:59:59",
        "RFCardMode": 0,
        "RFIDCard": "0003456789",
    }
    camera = person(limited, ZONE, cards=False)
    assert (camera["tempValid"], camera["validEnd"], "RFIDCard" in camera) == (1, "2026-05-01 07:59:59", False)
    assert person(credential(identifiers=()), ZONE, cards=True)["RFIDCard"] == "", "a card taken away must be emptied"


def test_an_entry_read_back_says_what_was_written_however_the_terminal_spells_it() -> None:
    written = person(credential(validity=ValidityPeriod(None, datetime(2026, 5, 1, tzinfo=UTC))), ZONE, cards=True)
    sent = content(envelope.Fields.of(written), cards=True)
    told = {k.upper(): str(v) for k, v in written.items()} | {"CARDVALIDEND": "2026-05-01T07:59:59", "NATION": "1"}
    assert content(envelope.Fields.of(told), cards=True) == sent
    in_hex = told | {"RFCARDMODE": "1", "RFIDCARD": f"{3456789:x}"}
    assert content(envelope.Fields.of(in_hex), cards=True) == sent
    silent = {k: v for k, v in told.items() if k != "RFIDCARD"}
    assert same_content(sent, content(envelope.Fields.of(silent), cards=True)), "what it does not tell is not compared"
    for changed in ({"RFIDCARD": "1"}, {"RFIDCARD": ""}, {"CARDVALIDEND": "2030-01-01 00:00:00"}, {"PERSONTYPE": "1"}):
        assert not same_content(sent, content(envelope.Fields.of(told | changed), cards=True)), changed
    opened = person(credential(), ZONE, cards=True)
    zeros = {k: str(v) for k, v in opened.items()} | {"cardValidBegin": "0000-00-00 00:00:00", "EffectNumber": "3"}
    assert content(envelope.Fields.of(zeros), cards=True) == content(envelope.Fields.of(opened), cards=True)
    assert not same_content(sent, content(envelope.Fields.of(opened), cards=True)), "limited and unlimited"


def test_limits_of_the_firmware_are_kept() -> None:
    name = person(credential(label="很" * 40), ZONE, cards=True)["name"]
    assert len(name.encode()) <= 31
    assert name == "很" * 10
    with pytest.raises(CredentialRefused, match="token_too_long"):
        person(credential(token="x" * 48), ZONE, cards=True)
    with pytest.raises(CredentialRefused, match="card_too_long"):
        person(credential(identifiers=(Identifier(IdentifierType.CARD, "9" * 20),)), ZONE, cards=True)


def test_error_tables_are_sound_and_keyed_by_operator_and_level() -> None:
    table = errors.table()
    for level in (table.whole, table.person):
        for operator, meanings in level.items():
            for number, meaning in meanings.items():
                assert number == "" or number.isdigit(), f"{operator} {number}"
                assert meaning.code.replace("_", "").isalpha(), f"{operator} {number}: {meaning.code}"
    assert errors.meaning("EditPerson", "468").code == "photo_unreadable"
    assert errors.meaning("EditPersonsNew", "468", "person").code == "photo_no_face"
    assert errors.meaning("EditPerson", "467").code == errors.meaning("EditPersonsNew", "474", "person").code
    assert errors.meaning("DelPerson", "464").retry == "fine"
    assert errors.meaning("EditPerson", "4711") == errors.Meaning("code_4711", "unknown")
    assert set(errors.profiles()) == {"access_terminal", "camera"}


@pytest.mark.parametrize(
    ("topic", "info", "shown"),
    [
        ("QRCode", {"QRCodeInfo": {"QRCode": "EH1.abc"}}, (IdentifierType.QR, "EH1.abc")),
        ("QRCode", {"QRcodeInfo": "12345678"}, (IdentifierType.QR, "12345678")),
        ("IDCard", {"IDCardInfo": {"IDNumber": "11010519491231002X"}}, (IdentifierType.ID_CARD, "11010519491231002X")),
        ("IDCard", {"idCard": " 11010519491231002x "}, (IdentifierType.ID_CARD, "11010519491231002x")),
        ("Card", {"CardInfo": {"CardNum": "0000000005"}}, (IdentifierType.CARD, "5")),
        ("QRCode", {"QRCodeInfo": {}}, None),
        ("IDCard", {"IDCardInfo": {"name": "某某"}}, None),
        ("Rec", {"RFIDCard": "0000000005"}, None),
    ],
)
def test_what_is_passed_on_for_the_edge_to_decide(topic: str, info: dict[str, Any], shown: Any) -> None:
    found = codec.presented(topic, envelope.parse(json.dumps({"operator": f"{topic}Push", "info": info}).encode()))
    assert (None if found is None else (found.type, found.value)) == shown
