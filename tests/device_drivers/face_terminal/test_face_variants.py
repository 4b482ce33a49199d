"""What terminals of the family do differently: names, shapes, encodings, topics, lost records, a pulse beside a batch."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from foreign_terminal import until
from patience import PATIENCE_S

from device_drivers.contract.access import Credential, Identifier, PhotoRef
from device_drivers.contract.events import AccessEvent, Unreadable
from device_drivers.contract.words import AccessOutcome, CommandKind, CommandOutcome, HolderClass, IdentifierType
from device_drivers.driver import BrokerAddress, CommandRequest, DriverEvent, Upsert
from device_drivers.face_terminal import codec, envelope, gaps, roster
from device_drivers.face_terminal import driver as face_driver
from device_drivers.face_terminal.channel import NoAnswer
from device_drivers.face_terminal.persons import jpeg_size
from simulators.face_pictures import snapshot
from simulators.face_terminal import FaceTerminalSim
from simulators.faults import Fault

ZONE = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 4, 20, 0, 15, 30, tzinfo=UTC)
Scenario = Callable[[FaceTerminalSim, Any, list[DriverEvent]], Awaitable[None]]


@pytest.fixture(scope="module")
def broker(mosquitto_factory: Any) -> Any:
    return mosquitto_factory("listener {port} 127.0.0.1\nallow_anonymous true\nmax_packet_size 6000000\n")


def with_sim(broker: Any, scenario: Scenario, *, settings: dict[str, Any] | None = None, **config: Any) -> None:
    async def run() -> None:
        where = {"broker_host": "127.0.0.1", "broker_port": broker.port, "username": "t", "password": "t"}
        sim = FaceTerminalSim("face-1", {"device_id": "1306612", "resend_s": 0.3, "restart_s": 0.1, **where, **config})
        await sim.start()
        await sim.wait_connected()
        photos: dict[str, bytes] = {}

        async def photo(url: str, sha256: str) -> bytes:
            return photos[sha256]

        services: Any = SimpleNamespace(
            local_broker=BrokerAddress("127.0.0.1", broker.port, "edge", "edge"), photo=photo, photos=photos,
            publish_file=lambda content, kind: "http://127.0.0.1:9/none.jpg",
        )  # fmt: skip
        driver = await face_driver.connect(
            "d", {"device_id": "1306612", "timeout_s": 20.0, **(settings or {})}, services
        )
        told: list[DriverEvent] = []

        async def listen() -> None:
            async for event in driver.events():
                told.append(event)
                if event.ack:
                    await event.ack()

        listening = asyncio.create_task(listen())
        try:
            async with asyncio.timeout(2 * PATIENCE_S):
                await scenario(sim, driver, told)
        finally:
            listening.cancel()
            await driver.close()
            await sim.stop()

    asyncio.run(run())


def credential(token: str, *, photo: str = "") -> Credential:
    card = Identifier(IdentifierType.CARD, "4711")
    face = (Identifier(IdentifierType.FACE, photo=PhotoRef("http://x/1.jpg", photo)),) if photo else ()
    return Credential(token, token, HolderClass.RESIDENT, (*face, card), ("p",))


def bodies(told: list[DriverEvent]) -> list[AccessEvent]:
    return [e.body for e in told if isinstance(e.body, AccessEvent)]


def read(body: dict[str, Any], encoding: str = "utf-8") -> codec.Record:
    return codec.record_of(envelope.parse(json.dumps(body, ensure_ascii=False).encode(encoding)), ZONE)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_newer_firmware_with_other_names_and_chinese_bytes(broker: Any, encoding: str) -> None:
    async def scenario(sim: FaceTerminalSim, driver: Any, told: list[DriverEvent]) -> None:
        person = Upsert(credential("cred-a"), "f")
        assert (await driver.apply((person,)))[0].error is None
        sim.passes.card(4711)
        await until(lambda: sim.store.record_counts()["pending"] == 0, "the PushAck of a VerifyPush")
        (event,) = bodies(told)
        assert (event.outcome, event.credential, event.record) == (AccessOutcome.GRANTED, "cred-a", "1")

    with_sim(broker, scenario, record_shape="verifypush", encoding=encoding, code_style="int")


def test_a_verify_push_without_a_number_still_is_a_pass() -> None:
    body = {
        "operator": "VerifyPush",
        "info": {"DeviceID": 2470802, "PersonID": 812, "PersonUUID": "cred-1", "CreateTime": "2026-04-20T08:15:30",
                 "VerifyStatus": 1, "Similarity1": 94.17, "RFIDCard": "0", "CustomizeID": 0},
    }  # fmt: skip
    record = read(body)
    assert (record.event.outcome, record.event.credential) == (AccessOutcome.GRANTED, "cred-1")
    assert record.event.identifier is IdentifierType.FACE, "card 0 is no card"
    assert (record.push_type, record.key) == (0, read(body).key), "nothing to acknowledge, counted once by its content"


@pytest.mark.parametrize(
    "info",
    [
        {"RECORDID": 27.0, "verifystatus": True, "CUSTOMID": "cred-1", "TIME": "2026-04-20T08:15:30"},
        {"info": {"RecordID": 27, "VerifyStatus": 1, "customId": " cred-1 ", "time": "2026/04/20 08:15:30"}},
        '{"RecordID": "27", "VerifyStatus": "1", "customId": "cred-1", "time": "2026-04-20 08:15:30"}',
        [{"RecordID": "27", "VerifyStatus": "1", "customId": "cred-1", "time": 1776644130}],
    ],
)
def test_one_record_however_it_is_nested_and_typed(info: Any) -> None:
    for body in ({"operator": "RecPush", "info": info}, {"data": {"operator": "RecPush", "info": info}}):
        record = read(body)
        assert (record.record_id, record.event.credential, record.at) == ("27", "cred-1", AT)
        assert record.event.outcome is AccessOutcome.GRANTED
    flat = {"operator": "RecPush", "RecordID": 27, "VerifyStatus": 1, "customId": "cred-1", "time": "20260420081530"}
    assert (read(flat).record_id, read(flat).at) == ("27", AT), "and with nothing around it"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-04-20 08:15:30", AT),
        ("2026-04-20T08:15:30.250", AT),
        ("2026/4/20 8:15:30", AT),
        ("2026-08-11/07:00:00", datetime(2026, 8, 10, 23, tzinfo=UTC)),
        ("2026年04月20日 08:15:30", AT),
        ("2026-04-20 08:15", AT.replace(second=0)),
        ("2026-04-20T00:15:30Z", AT),
        ("2026-04-20T08:15:30+08:00", AT),
        ("20260420081530", AT),
        ("1776644130", AT),
        ("1776644130000", AT),
        ("0000-00-00 00:00:00", None),
        ("2026-02-30 08:15:30", None),
        ("9999-12-31 23:59:59", datetime(9999, 12, 31, 15, 59, 59, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times_in_other_shapes(text: str, at: datetime | None) -> None:
    assert envelope.parse_time(text, ZONE) == at


def test_answers_in_other_shapes_are_yes_and_no() -> None:
    for yes in (
        '{"operator":"X-Ack","code":200.0,"info":{}}',
        '{"operator":"X-Ack","info":{"code":"200"}}',
        '{"operator":"X-Ack","info":{"result":"OK"}}',
        '{"operator":"X-Ack","code":"200","info":{"a":"\t"}}\0',
    ):
        assert envelope.parse(yes.encode()).ok, yes
    for no in (
        '{"operator":"X-Ack","code":467,"info":{"result":"ok"}}',
        '{"operator":"X-Ack","info":{"result":"fail"}}',
    ):
        assert not envelope.parse(no.encode()).ok, no
    bare = envelope.parse(b'{"operator":"X","info":{"DelErrInfo":["a",{"CustomID":"b","ErrCode":464}]}}')
    assert [(r.text("customId"), r.text("errcode")) for r in bare.info.rows("DelErrInfo")] == [("a", ""), ("b", "464")]


def test_pictures_with_and_without_a_prefix_breaks_and_padding() -> None:
    for text in ("data:image/jpeg;base64,/9j/4AAQ", "/9j/4AAQ", "/9j/\r\n4AAQ", "data:image/jpg;base64,/9j/4A"):
        assert (envelope.picture_bytes(text) or b"").startswith(b"\xff\xd8"), text
    for text in ("Qk025wAAAA==", "", "data:image/jpeg;base64,", "€€€"):
        assert envelope.picture_bytes(text) is None, text


def test_what_is_kept_raw_shows_nobody() -> None:
    """An identity number, a name, a telephone number, a QR text: of what cannot be read only the shape is kept."""
    card = b'{"operator":"IDCardPush","info":{"IDNumber":"110101199003074258","Name":"\xe5\xbc\xa0","Birthday":"1990"},'
    raw = envelope.raw_without_pictures(card, shown=True)
    assert "IDNumber" in raw
    assert not any(secret in raw for secret in ("110101199003074258", "张", "1990"))
    alarm = b'{"operator":"Alarm","info":{"personName":"\xe5\xbc\xa0","idCard":"110101199003074258","telnum":"138","at":"door"}}'
    raw = envelope.raw_without_pictures(alarm)
    assert "door" in raw
    assert not any(secret in raw for secret in ("110101199003074258", "张", "138"))
    assert "secret" not in envelope.raw_without_pictures(
        b'{"operator":1,"info":["secret-code-of-a-guest","x"]}', shown=True
    )


def test_a_damaged_identity_card_reaches_nobody(broker: Any) -> None:
    async def scenario(sim: FaceTerminalSim, _driver: Any, told: list[DriverEvent]) -> None:
        sim.link.publish(sim.own_topic("IDCard"), b'{"info":{"IDNumber":"110101199003074258"}}')
        await until(lambda: told, "the message that cannot be read")
        assert isinstance(told[0].body, Unreadable)
        assert "110101199003074258" not in told[0].body.raw

    with_sim(broker, scenario)


def test_topics_set_on_the_terminal_are_followed(broker: Any) -> None:
    """Its own command topic (which others may share), and its own topics for life signs."""

    async def scenario(sim: FaceTerminalSim, driver: Any, told: list[DriverEvent]) -> None:
        assert (await driver.apply((Upsert(credential("cred-a"), "f"),)))[0].error is None
        before = driver._heard
        await until(lambda: driver._heard > before, "a heart beat at the topic that was set")
        await until(lambda: sim.online_acked, "its Online is answered")
        assert sim.counters.get("for_another_device") is None

    topics = {"command_topic": "site/all", "online_topic": "site/up", "heartbeat_topic": "site/beat"}
    with_sim(broker, scenario, settings={"command_topic": "site/all"}, heartbeat_s=0.5, **topics)


def test_who_was_enrolled_at_the_terminal_is_seen_and_the_list_is_whole(broker: Any) -> None:
    async def scenario(sim: FaceTerminalSim, driver: Any, told: list[DriverEvent]) -> None:
        await driver.apply((Upsert(credential("cred-a"), "f"),))
        inventory = await driver.inventory()
        assert inventory.complete, "what the terminal never names is not missing from its answer"
        assert [h.token for h in inventory.held] == ["cred-a", ""], "and is told as somebody without a name"

    with_sim(broker, scenario, web_persons=2)


def test_a_record_lost_while_connected_is_asked_for(broker: Any) -> None:
    async def scenario(sim: FaceTerminalSim, driver: Any, told: list[DriverEvent]) -> None:
        sim.passes.stranger()
        await until(lambda: len(bodies(told)) == 1, "the first")
        await sim.apply_fault(Fault.LOSES_RECORD)
        sim.passes.stranger()
        sim.clear_faults()
        sim.passes.stranger()
        await until(lambda: len({e.key for e in told}) == 3, "the second, asked for by the gap in the numbers")
        asked = sim.counters["command.ManualPushSnaps"]
        assert asked == 1
        assert [e.late for e in told if isinstance(e.body, AccessEvent) and e.body.record == "2"] == [True]
        assert not driver.intake.gaps["snap"].missing

    with_sim(broker, scenario)


def test_gaps_are_asked_for_rarely_and_never_without_end() -> None:
    one = gaps.Gaps()
    at = datetime(2026, 6, 1, tzinfo=UTC)
    one.saw(10, at)
    one.saw(13, at + timedelta(minutes=5))
    assert one.due(0.0) == (at - gaps.MARGIN, at + timedelta(minutes=5) + gaps.MARGIN)
    assert one.due(30.0) is None, "not twice a minute"
    one.saw(11, at)
    assert (one.due(61.0) is not None, set(one.missing)) == (True, {12}), "it brought one: worth another try"
    assert one.due(122.0) is not None
    assert (one.missing, one.due(10_000.0)) == ({}, None), "what it does not have is not asked for a third time"
    one.saw(15, at + timedelta(minutes=6))
    assert one.due(130.0) is None, "after vain questions the pause is longer"
    one.saw(16_000_000, at)
    one.saw(1, at)
    assert len(one.missing) <= gaps.MAX_MISSING, "a leap or a new count is no loss"
    for number in range(2, 5000, 2):
        one.saw(number, at)
    assert len(one.missing) <= gaps.MAX_MISSING


def test_a_door_opens_in_the_middle_of_a_batch(broker: Any) -> None:
    """A batch of many photographs takes minutes; the manual forbids other commands about persons meanwhile, no other."""

    async def scenario(sim: FaceTerminalSim, driver: Any, told: list[DriverEvent]) -> None:
        jpeg = snapshot("x") + b"\0" * 1000
        driver.roster.services.photos["d"] = jpeg
        writing = asyncio.create_task(
            driver.apply(tuple(Upsert(credential(f"cred-{n}", photo="d"), "f") for n in range(4)))
        )
        await until(lambda: sim.counters.get("command.EditPersonsNew"), "the batch to be under way")
        outcome, _ = await driver.command(CommandRequest(CommandKind.MOMENTARY_ACCESS))
        assert (outcome, writing.done()) == (CommandOutcome.DONE, False)
        assert sim.counters["pulse.remote"] == 1
        sim.batch_person_s = 0.0
        await writing

    with_sim(broker, scenario, batch_person_s=600.0)


def test_online_said_again_and_again_is_no_restart(broker: Any) -> None:
    async def scenario(sim: FaceTerminalSim, driver: Any, told: list[DriverEvent]) -> None:
        driver._beat_s = 60.0
        for _ in range(6):
            driver._online -= driver._beat_s  # a beat ago
            last = driver._online
            sim._say_online()
            await until(lambda last=last: driver._online > last, "it is heard")
        assert driver.intake.queue.empty(), "a firmware that repeats it does not cost a new session each time"

    with_sim(broker, scenario)


def test_a_picture_says_how_large_it_is() -> None:
    def header(width: int, height: int) -> bytes:
        size = height.to_bytes(2, "big") + width.to_bytes(2, "big")
        return b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08" + size + b"\x03"

    assert jpeg_size(header(1080, 1920)) == (1080, 1920)
    assert jpeg_size(b"\xff\xd8\xff\xe0\x00\x00") is None
    assert jpeg_size(b"") is None
    real = snapshot("x")
    assert jpeg_size(real) is not None


def test_a_picture_larger_than_the_terminal_takes_is_refused_before_it_travels(broker: Any) -> None:
    async def scenario(sim: FaceTerminalSim, driver: Any, told: list[DriverEvent]) -> None:
        large = b"\xff\xd8\xff\xc0\x00\x11\x08" + (3000).to_bytes(2, "big") + (4000).to_bytes(2, "big") + b"\0" * 2000
        driver.roster.services.photos["d"] = large
        (result,) = await driver.apply((Upsert(credential("cred-a", photo="d"), "f"),))
        assert result.error
        assert (result.error.code, "4000x3000" in result.error.text) == ("photo_too_large", True)
        driver.roster.services.photos["d"] = b"\xff\xd8" + b"\0" * 800_000
        driver.roster.mode = "inline"
        (result,) = await driver.apply((Upsert(credential("cred-a", photo="d"), "f"),))
        assert result.error, "as base64 it would not fit into a packet of 1 MB"
        assert result.error.code == "photo_too_large"

    with_sim(broker, scenario)


def people(driver: Any, count: int) -> tuple[Upsert, ...]:
    driver.roster.services.photos["d"] = snapshot("x") + b"\0" * 1000
    return tuple(Upsert(credential(f"cred-{n}", photo="d"), "f") for n in range(count))


def test_a_terminal_that_knows_no_batches_is_written_one_by_one(broker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is silent about what it does not know: nobody waits for a batch that never was one, and the next is not tried."""
    monkeypatch.setattr(roster, "PROGRESS_S", 0.1)
    monkeypatch.setattr(roster, "SILENT_S", 0.0)

    async def scenario(sim: FaceTerminalSim, driver: Any, told: list[DriverEvent]) -> None:
        driver.profile = driver.roster.profile = msgspec.structs.replace(driver.profile, edit_gap_s=0.0)
        for _ in range(2):
            results = await driver.apply(people(driver, 2))
            assert {r.error.code for r in results if r.error} == {"photo_unreachable"}, "it answered each of them"
        assert sim.counters["command.EditPersonsNew"] == 1

    with_sim(broker, scenario, settings={"timeout_s": 0.5}, without=["EditPersonsNew", "QueryProgress"])


def test_a_lost_answer_to_a_batch_is_noticed_long_before_its_time(broker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster, "PROGRESS_S", 0.1)

    async def scenario(sim: FaceTerminalSim, driver: Any, told: list[DriverEvent]) -> None:
        with pytest.raises(NoAnswer, match="idle"):  # else it waits for 10 s and 2 s a person
            await driver.apply(people(driver, 50))

    with_sim(broker, scenario, settings={"timeout_s": 2.0}, without=["EditPersonsNew"])
