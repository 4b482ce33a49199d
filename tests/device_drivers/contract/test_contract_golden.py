"""The wire grows, never changes: golden messages still read the same, and strangers' fields and words survive."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from device_drivers.contract import access, device, events, messages, words
from device_drivers.contract.access import (
    Acceptance,
    AccessList,
    Credential,
    Held,
    accept,
    list_digest,
    next_generation,
)

GOLDEN = Path(__file__).parent / "golden"
AT = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)
STATUS = device.DeviceStatus(words.DeviceCondition.ONLINE, AT, clock_offset_s=-0.4, detail="ok")
EXAMPLES: dict[str, messages.Message] = {
    "edge_status": messages.EdgeStatus(True, "e1", 42, AT, True, "0.1.0", AT, "s1"),
    "edge_catalogue": messages.EdgeCatalogue(
        (device.DriverInfo("modbus_door", "Modbus", {"type": "object"}, device.Capabilities(cards=True)),)
    ),
    "edge_found": messages.EdgeFound(
        (messages.FoundDevice("face:77", "face_terminal", "西门", {"device_id": "77"}, "序列号 77", AT, AT),)
    ),
    "event_batch": messages.EventBatch(
        "e1",
        7,
        (
            events.Event(
                7,
                "face-g1",
                AT,
                events.AccessEvent(words.AccessOutcome.DENIED, "door1", reason=words.DenyReason.EXPIRED, record="9"),
                AT,
                -0.4,
                True,
            ),
            events.Event(8, "door-1", AT, events.DoorEvent(words.DoorState.OPEN, words.DoorAlarm.FORCED_OPEN)),
            events.Event(9, "m-1", AT, events.MeterReading(words.Quantity.WATER, None, "u6", ok=False, text="fault")),
            events.Event(
                10, "c-1", AT, events.CameraEvent("tns1:VideoSource/MotionAlarm", "Changed", {}, {"State": "1"})
            ),
            events.Event(11, "c-1", AT, events.SnapshotTaken("ab" * 32, 8000, "G1-IN", 7, "c-1")),
            events.Event(12, "c-1", AT, events.ObservationChanged(words.ObservationState.DOWN, "link lost")),
            events.Event(13, "", AT, events.EdgeNote("started", "0.1.0")),
            events.Event(14, "face-g1", AT, events.Unreadable("Alarm", "{", "not JSON")),
        ),
    ),
    "device_reported": messages.DeviceReported(
        "face-g1", 3, "d1", STATUS, 4, 3, refused=(messages.CredentialRefusal("c-1", "photo_no_face", "468"),)
    ),
    "command_result": messages.CommandResult("cmd-1", words.CommandOutcome.UNCERTAIN, AT, "no answer"),
    "devices_desired": messages.DevicesDesired(
        device.DeviceSet(
            "edge-1", "E001", "Asia/Shanghai", 5, (device.DeviceConfig("d", "modbus_door", "门", {"unit": 1}),)
        )
    ),
    "list_doorbell": messages.ListDoorbell("face-g1", 3, "d1", 1200),
    "revocation_order": messages.RevocationOrder(
        msgspec.json.encode(messages.Revocations("edge-1", "E001", AT, (messages.RevokedOn("face-g1", ("c-1",)),))),
        b"sig",
        "k",
    ),
    "revocation_result": messages.RevocationResult((messages.Revoked("face-g1", "c-1", "gone", AT),)),
    "event_ack": messages.EventAck("e1", 42, rewind=True),
    "command": messages.Command("cmd-1", words.CommandKind.MOMENTARY_ACCESS, "door-1", AT, AT, "B1-IN", "u", "why"),
}


def test_every_message_has_a_golden_file() -> None:
    assert {type(m) for m in EXAMPLES.values()} == {*messages.UP, *messages.DOWN}
    assert {p.stem for p in GOLDEN.glob("*.json")} == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_golden_message_still_reads_the_same(name: str) -> None:
    kind, raw = type(EXAMPLES[name]), (GOLDEN / f"{name}.json").read_bytes()
    assert msgspec.json.decode(raw, type=kind) == EXAMPLES[name], f"the wire of {kind.__name__} changed"
    assert messages.decode(kind, messages.encode(EXAMPLES[name])) == EXAMPLES[name]


def with_strangers(value: object) -> object:
    if isinstance(value, dict):
        return {**{k: with_strangers(v) for k, v in value.items()}, "field_of_2030": {"a": [1]}}
    return [with_strangers(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "name", [n for n in EXAMPLES if n not in ("edge_catalogue", "edge_found", "devices_desired", "event_batch")]
)
def test_unknown_fields_are_ignored(name: str) -> None:
    grown = with_strangers(json.loads((GOLDEN / f"{name}.json").read_bytes()))
    assert msgspec.convert(grown, type(EXAMPLES[name]), strict=False) == EXAMPLES[name]


def test_a_word_of_tomorrow_keeps_its_text_and_reads_as_other() -> None:
    raw = (GOLDEN / "command_result.json").read_bytes().replace(b"uncertain", b"teleported")
    outcome = messages.decode(messages.CommandResult, raw).outcome
    assert (outcome.value, outcome.name, outcome.is_other) == ("teleported", "OTHER", True)
    assert b"teleported" in msgspec.json.encode(outcome)


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b'{"id":1}', b"x" * (messages.MAX_PAYLOAD + 1)])
@pytest.mark.parametrize("kind", [*messages.UP, *messages.DOWN], ids=lambda k: k.__name__)
def test_what_is_no_message_is_a_wire_error(kind: type[messages.Message], payload: bytes) -> None:
    if kind is messages.EdgeCatalogue and payload == b'{"id":1}':
        return  # every field of a catalogue has a default: an empty one is a message
    with pytest.raises(messages.WireError, match=kind.__name__):
        messages.decode(kind, payload)


@pytest.mark.parametrize(
    ("current", "incoming", "expected"),
    [
        (None, Held(1, "a"), Acceptance.APPLY),
        (Held(1, "a"), Held(2, "b"), Acceptance.APPLY),
        (Held(2, "a"), Held(1, "b"), Acceptance.STALE),
        (Held(2, "a"), Held(2, "b"), Acceptance.CONFLICT),
        (Held(2, "a"), Held(2, "a"), Acceptance.SAME),
    ],
)
def test_accept(current: Held | None, incoming: Held, expected: Acceptance) -> None:
    assert accept(current, incoming) is expected


def test_a_hub_from_a_backup_is_not_refused() -> None:
    assert accept(Held(9, "x"), Held(next_generation(4, 9), "y")) is Acceptance.APPLY


def test_the_digest_moves_only_when_access_moves() -> None:
    one, two = (Credential(t, t, words.HolderClass.RESIDENT, (), ()) for t in ("a", "b"))
    base = AccessList("e", "d", 1, AT, (one, two))
    later = AccessList("e", "d", 9, datetime(2027, 1, 1, tzinfo=UTC), (two, one))
    assert list_digest(base) == list_digest(later), "order, generation and time of issue are not access"
    assert list_digest(base) != list_digest(AccessList("e", "d", 1, AT, (one,)))
    blocked = msgspec.structs.replace(one, blocked=True)
    assert list_digest(base) != list_digest(AccessList("e", "d", 1, AT, (blocked, two)))
    assert access.credential_fingerprint(one, base) != access.credential_fingerprint(blocked, base)
