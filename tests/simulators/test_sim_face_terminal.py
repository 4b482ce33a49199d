"""The face terminal over a real Mosquitto, driven by bare paho and JSON written out by hand."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import paho.mqtt.client as mqtt
import pytest
from aiohttp import web
from patience import PATIENCE_S
from PIL import Image

from simulators.device import BadRequest, NotSupported
from simulators.face_terminal import FaceTerminalSim
from simulators.face_validity import Verdict, judge
from simulators.faults import Fault

ID = "1306612"
Message = dict[str, Any]


def jpeg(seed: int = 1, *, uniform: bool = False, size: int = 120) -> bytes:
    image = Image.new("RGB", (size, size), (90, 100, 110))
    if not uniform:
        image.putdata([(v, 255 - v, v // 2) for v in random.Random(seed).choices(range(256), k=size * size)])
    out = io.BytesIO()
    image.save(out, "JPEG", quality=70)
    return out.getvalue()


def data_uri(data: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()


class Hub:
    """The other end: everything the terminal says, in order, and a way to say something to it."""

    def __init__(self, port: int) -> None:
        self.heard: asyncio.Queue[tuple[str, Message]] = asyncio.Queue()
        self.ready = asyncio.Event()
        loop = asyncio.get_running_loop()
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self.client.on_connect = lambda client, *rest: client.subscribe("mqtt/face/#")
        self.client.on_subscribe = lambda *rest: loop.call_soon_threadsafe(self.ready.set)
        self.client.on_message = lambda c, u, m: loop.call_soon_threadsafe(self._heard, m.topic, m.payload)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        self.number = 0

    def _heard(self, topic: str, payload: bytes) -> None:
        if topic == f"mqtt/face/{ID}":
            return  # our own words
        try:
            self.heard.put_nowait((topic, json.loads(payload)))
        except ValueError:
            self.heard.put_nowait((topic, {"operator": "unreadable"}))

    async def close(self) -> None:
        self.client.disconnect()
        await asyncio.to_thread(self.client.loop_stop)

    async def next(self, operator: str, seconds: float = PATIENCE_S) -> tuple[str, Message]:
        async with asyncio.timeout(seconds):
            while True:
                topic, message = await self.heard.get()
                if message.get("operator") == operator:
                    return topic, message

    async def record_after(self, number: str) -> str:
        """The next record that is another: this one may have been sent again before its ack arrived."""
        while (found := str((await self.next("RecPush"))[1]["info"]["RecordID"])) == number:
            pass
        return found

    async def nothing(self, operator: str, seconds: float) -> None:
        with pytest.raises(TimeoutError):
            await self.next(operator, seconds)

    def say(self, operator: str, info: Any, **beside: Any) -> str:
        self.number += 1
        body = {"operator": operator, "messageId": f"m-{self.number}", "info": info, **beside}
        self.client.publish(f"mqtt/face/{ID}", json.dumps(body))
        return f"m-{self.number}"

    async def ask(self, operator: str, info: Any, **beside: Any) -> Message:
        message_id = self.say(operator, info, **beside)
        topic, answer = await self.next(f"{operator}-Ack")
        assert topic == f"mqtt/face/{ID}/Ack"
        assert answer["messageId"] == message_id, "an answer carries the messageId of its question"
        return answer

    async def batch(self, operator: str, items: list[Message], **beside: Any) -> Message:
        frame = {"DataBegin": "BeginFlag", "PersonNum": len(items), "DataEnd": "EndFlag", **beside}
        return await self.ask(operator, items, **{k: v for k, v in frame.items() if v is not None})


Scenario = Callable[[FaceTerminalSim, Hub], Awaitable[None]]
Run = Callable[..., None]


@pytest.fixture(scope="module")
def broker_port(mosquitto_factory: Any) -> int:
    return int(mosquitto_factory("allow_anonymous true\n").port)


@pytest.fixture
def with_terminal(broker_port: int) -> Run:
    def run(scenario: Scenario, *, state_dir: Path | None = None, **config: Any) -> None:
        async def main() -> None:
            settings = {
                "device_id": ID,
                "broker_host": "127.0.0.1",
                "broker_port": broker_port,
                "username": "face",
                "password": "face",
                "topic_root": "mqtt/face",
                "profile": "access_terminal",
                "time_zone": "Asia/Shanghai",
                "capacity": 50,
                "heartbeat_s": 0.3,
                "resend_s": 0.3,
                "restart_s": 0.1,
            }
            hub = Hub(broker_port)
            await asyncio.wait_for(hub.ready.wait(), PATIENCE_S)
            sim = FaceTerminalSim("face-g1", {**settings, **config}, state_dir=state_dir)
            await sim.start()
            try:
                await sim.wait_connected()
                await scenario(sim, hub)
            finally:
                await sim.stop()
                await hub.close()

        asyncio.run(main())

    return run


def code(answer: Message) -> int:
    return int(answer["code"])


def person(custom_id: str, seed: int = 1, **more: Any) -> Message:
    return {"customId": custom_id, "name": "张三", "personType": 0, "pic": data_uri(jpeg(seed)), **more}


def local(delta: timedelta) -> str:
    return (datetime.now(UTC) + delta).astimezone(ZoneInfo("Asia/Shanghai")).strftime("%Y-%m-%d %H:%M:%S")


def test_it_says_online_until_answered_and_then_only_beats(with_terminal: Run) -> None:
    async def scenario(sim: FaceTerminalSim, hub: Hub) -> None:
        topic, first = await hub.next("Online")
        assert topic == "mqtt/face/basic"
        assert first["info"]["facesluiceId"] == ID
        await hub.next("Online")
        hub.say("Online-Ack", {"facesluiceId": "another", "result": "ok"})
        await hub.next("Online")
        hub.say("Online-Ack", {"facesluiceId": ID, "result": "ok", "detail": ""})
        topic, beat = await hub.next("HeartBeat")
        assert topic == "mqtt/face/heartbeat"
        heard = beat["info"]["time"]
        assert abs(datetime.strptime(heard, "%Y-%m-%d %H:%M:%S") - sim.local_now()) < timedelta(minutes=5)  # noqa: DTZ007
        while not sim.online_acked:
            await hub.next("HeartBeat")
        sent = sim.counters["online_sent"]
        await hub.next("HeartBeat")
        assert sim.counters["online_sent"] == sent, "after Online-Ack no Online is repeated"

    with_terminal(scenario)


def test_one_person_in_and_out_with_the_codes_of_the_manual(with_terminal: Run) -> None:
    async def scenario(sim: FaceTerminalSim, hub: Hub) -> None:
        done = await hub.ask("EditPerson", person("C1", name="长" * 20))
        assert done["code"] == "200"
        assert done["info"] == {"facesluiceId": ID, "personId": "1", "customId": "C1", "result": "ok"}
        assert code(await hub.ask("EditPerson", {"name": "nobody"})) == 461
        assert code(await hub.ask("EditPerson", "text")) == 462
        assert code(await hub.ask("EditPerson", person("C2", pic="data:image/jpeg;base64,#"))) == 463
        assert code(await hub.ask("EditPerson", person("C2", pic=data_uri(jpeg(uniform=True))))) == 464
        assert code(await hub.ask("EditPerson", person("C2", pic=data_uri(b"GIF89a" * 300)))) == 464
        assert code(await hub.ask("EditPerson", {"customId": "C2"})) == 472
        assert code(await hub.ask("EditPerson", {"customId": "C1", "name": "李四"})) == 200, "the photo stays the same"
        huge = person("C3", notes="x" * 1_000_001)
        assert code(await hub.ask("EditPerson", huge)) == 460
        found = await hub.ask("SearchPerson", {"customId": "C1", "Picture": 1})
        assert found["info"]["name"] == "李四"
        assert base64.b64decode(found["pic"].partition(",")[2]) == jpeg(1), "pic stands at the top level"
        assert code(await hub.ask("SearchPerson", {"customId": "C9"})) == 464
        assert code(await hub.ask("EditPerson", {"customId": "C1", "name": "长" * 20})) == 200
        assert (await hub.ask("SearchPerson", {"customId": "C1"}))["info"]["name"] == "长" * 10, "31 bytes of name"
        listing = (await hub.ask("QueryPerson", {}))["info"]
        assert (listing["customId"], listing["TotalPersonNum"]) == ("C1", "1")
        assert code(await hub.ask("DelPerson", {})) == 461
        assert code(await hub.ask("DelPerson", {"customId": "C1"})) == 200
        assert code(await hub.ask("DelPerson", {"customId": "C1"})) == 464, "a second time it is not there"
        hub.say("EditPerson", person("C5", facesluiceId="another"))
        assert (await hub.ask("QueryPerson", {}))["info"]["customId"] == "", "a command for another device is not ours"

    with_terminal(scenario)


def test_a_batch_downloads_the_pictures_itself(with_terminal: Run) -> None:
    pictures = {
        "ok": jpeg(7),
        "flat": jpeg(uniform=True, size=900),
        "tiny": b"x" * 999,
        "big": b"x" * 1_000_001,
        "empty": b"",
    }

    async def picture(request: web.Request) -> web.Response:
        return web.Response(body=pictures[request.match_info["name"]], content_type="image/jpeg")

    async def scenario(sim: FaceTerminalSim, hub: Hub) -> None:
        app = web.Application()
        app.router.add_get("/{name}", picture)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        people = [{"customId": f"C-{name}", "personType": 0, "picURI": f"{base}/{name}"} for name in pictures]
        people += [{"customId": "C-gone", "picURI": f"{base}/nothing/here"}, {"customId": "C-none", "name": "x"}]
        people += [{"name": "no id"}, {"customId": "C-dns", "picURI": "http://no-such-host.invalid/x.jpg"}]
        people += [{"customId": "C-twin", "picURI": f"{base}/ok", "isCheckSimilarity": 1}]
        info = (await hub.batch("EditPersonsNew", people))["info"]
        assert info["AddSucInfo"] == [{"customId": "C-ok"}]
        failed = {one["customId"]: one["errcode"] for one in info["AddErrInfo"]}
        assert failed == {
            "C-flat": "468",
            "C-tiny": "468",
            "C-big": "467",
            "C-empty": "466",
            "C-gone": "465",
            "C-none": "481",
            "": "461",
            "C-dns": "464",
            "C-twin": "478",
        }
        assert (info["AddSucNum"], info["AddErrNum"]) == ("1", "9")
        single = {name: {"customId": f"E-{name}", "picURI": f"{base}/{name}"} for name in pictures}
        codes = {name: code(await hub.ask("EditPerson", body)) for name, body in single.items()}
        assert codes == {"ok": 200, "flat": 464, "tiny": 468, "big": 469, "empty": 468}, "the same fault, other numbers"
        await runner.cleanup()

    with_terminal(scenario)


def test_whole_batches_are_refused_and_only_one_runs(with_terminal: Run) -> None:
    async def scenario(sim: FaceTerminalSim, hub: Hub) -> None:
        one = [{"customId": "C1", "RFIDCard": "77", "RFCardMode": 0}]
        for missing, expected in (("DataBegin", 412), ("DataEnd", 413), ("PersonNum", 415)):
            assert code(await hub.batch("EditPersonsNew", one, **{missing: None})) == expected, missing
        assert code(await hub.batch("EditPersonsNew", one, PersonNum=2)) == 417
        assert code(await hub.batch("EditPersonsNew", [])) == 418
        assert code(await hub.batch("EditPersonsNew", one * 1001)) == 416
        sim.batch_person_s = 600.0
        message_id = hub.say("EditPersonsNew", one, DataBegin="BeginFlag", PersonNum="1", DataEnd="EndFlag")
        progress = await hub.ask("QueryProgress", {})
        assert (progress["info"]["QueryType"], progress["info"]["Status"]) == ("EditPersonsNew", "3")
        assert code(await hub.ask("DelPerson", {"customId": "C1"})) == 410, "busy while a batch runs"
        sim.batch_person_s = 0.0
        _, answer = await hub.next("EditPersonsNew-Ack")
        assert answer["messageId"] == message_id
        assert "code" not in answer, "answers to batches carry no code"
        assert (await hub.ask("QueryProgress", {}))["info"]["Status"] == "0"
        gone = {"customId": ["C1", "C9"]}
        frame = {"DataBegin": "BeginFlag", "PersonNum": "2", "DataEnd": "EndFlag"}
        info = (await hub.ask("DeletePersons", gone, **frame))["info"]
        assert (info["DelSucInfo"], info["DelErrInfo"]) == ([{"customId": "C1"}], [{"customId": "C9"}])
        too_many = {"customId": [str(n) for n in range(201)]}
        assert code(await hub.ask("DeletePersons", too_many, **{**frame, "PersonNum": 201})) == 416

    with_terminal(scenario)


def test_the_list_has_an_end_and_the_memory_can_fail(with_terminal: Run) -> None:
    async def scenario(sim: FaceTerminalSim, hub: Hub) -> None:
        for number in range(2):
            assert code(await hub.ask("EditPerson", person(f"C{number}", number))) == 200
        assert code(await hub.ask("EditPerson", person("C2", 2))) == 467
        info = (await hub.batch("EditPersonsNew", [{"customId": "C2", "picURI": "http://127.0.0.1:9/x"}]))["info"]
        assert info["AddErrInfo"] == [{"customId": "C2", "errcode": "474"}]
        assert code(await hub.ask("EditPerson", {"customId": "C1", "name": "x"})) == 200, "a change needs no room"
        await sim.apply_fault(Fault.STORAGE_FAILS)
        assert code(await hub.ask("EditPerson", {"customId": "C1", "name": "y"})) == 465
        sim.clear_faults()
        listed = await hub.ask("SearchPersonList", {"personType": 2, "BeginNO": 1, "RequestCount": 1})
        assert listed["code"] == 200, "this answer has numbers"
        assert (listed["info"]["TotalPersonNum"], listed["info"]["PersonNum"]) == (2, 1)
        assert listed["info"]["List"][0]["customId"] == "C1"
        assert code(await hub.ask("SearchPersonList", {"name": "nobody"})) == 466

    with_terminal(scenario, capacity=2)


def test_records_wait_for_their_ack_and_survive_cut_and_restart(with_terminal: Run, tmp_path: Path) -> None:
    async def first_life(sim: FaceTerminalSim, hub: Hub) -> None:
        assert code(await hub.ask("EditPerson", person("C1", 3))) == 200
        assert (await hub.ask("GetMQTTconfig", {}))["info"]["ResumefromBreakpoint"] == "0", "factory"
        assert code(await hub.ask("UpMQTTconfig", {"KeepAliveInterval": 5})) != 200, "20 to 300"
        settings = {"ResumefromBreakpoint": 1, "RecordUploadType": 2}
        assert code(await hub.ask("UpMQTTconfig", settings)) == 200
        assert sim.passes.face("C1") == {"decision": "allow", "opened": True, "custom_id": "C1", "record_id": 1}
        sim.passes.face("C1")
        topic, record = await hub.next("RecPush")
        assert topic == f"mqtt/face/{ID}/Rec"
        info = record["info"]
        kinds = {key: type(info[key]) for key in ("RecordID", "VerifyStatus", "similarity1", "Sendintime", "PushType")}
        assert kinds == {"RecordID": str, "VerifyStatus": str, "similarity1": str, "Sendintime": int, "PushType": int}
        assert (info["customId"], info["VerifyStatus"], info["Sendintime"], info["idCard"]) == ("C1", "1", 1, " ")
        assert "pic" not in info, "RecordUploadType 2 is without picture"
        assert (await hub.next("RecPush"))[1]["info"]["RecordID"] == "1", "not acknowledged: the same one again"
        hub.say("PushAck", {"PushAckType": 2, "SnapOrRecordID": 1})
        assert await hub.record_after("1") == "2", "acknowledged: the cursor moves on"
        await sim.apply_fault(Fault.CUT, 0.3)
        topic, offline = await hub.next("Offline")
        assert (topic, offline["info"]["facesluiceId"]) == ("mqtt/face/basic", ID), "the will is published"
        sim.passes.face("C1")
        await hub.next("Online")
        assert (await hub.next("RecPush"))[1]["info"]["RecordID"] == "2"
        assert sim.state()["records"] == {"total": 3, "pending": 2}

    async def second_life(sim: FaceTerminalSim, hub: Hub) -> None:
        await hub.next("Online")
        assert (await hub.next("RecPush"))[1]["info"]["RecordID"] == "2", "the cursor survived the restart"
        hub.say("PushAck", {"PushAckType": 2, "SnapOrRecordID": "2"})
        assert await hub.record_after("2") == "3"
        hub.say("PushAck", {"PushAckType": "2", "SnapOrRecordID": 3})
        await hub.next("PushAck-Ack")
        await hub.nothing("RecPush", 0.7)
        day = {"TimeS": local(timedelta(hours=-1)), "TimeE": local(timedelta(hours=1))}
        hub.say("ManualPushRecords", day)
        again = [(await hub.next("RecPush"))[1]["info"] for _ in range(3)]
        assert [(one["RecordID"], one["PushType"]) for one in again] == [("1", 2), ("2", 2), ("3", 2)]
        await hub.next("ManualPushRecords-Ack")
        await sim.apply_fault(Fault.RESTART_EMPTY)
        await hub.next("Online")
        assert (await hub.ask("QueryPerson", {}))["info"]["customId"] == ""
        assert (await hub.ask("GetMQTTconfig", {}))["info"]["ResumefromBreakpoint"] == "0"
        assert sim.passes.face("C1")["decision"] == "stranger", "who is not on the list is a stranger"

    with_terminal(first_life, state_dir=tmp_path)
    with_terminal(second_life, state_dir=tmp_path)


def test_without_resume_a_record_is_sent_once_and_may_be_lost(with_terminal: Run) -> None:
    async def scenario(sim: FaceTerminalSim, hub: Hub) -> None:
        await hub.ask("EditPerson", person("C1"))
        sim.passes.face("C1")
        record = (await hub.next("RecPush"))[1]["info"]
        with Image.open(io.BytesIO(base64.b64decode(record["pic"].partition(",")[2]))) as image:
            assert image.format == "JPEG", "RecordUploadType 1 carries a picture"
        await hub.nothing("RecPush", 0.6)
        await sim.apply_fault(Fault.CUT, 0.2)
        sim.passes.face("C1")
        await hub.next("Online")
        await hub.nothing("RecPush", 0.6)
        await sim.apply_fault(Fault.DUPLICATE_RECORD)
        sim.passes.face("C1")
        twice = [(await hub.next("RecPush"))[1]["info"]["RecordID"] for _ in range(2)]
        assert twice == ["3", "3"]
        sim.clear_faults()
        await sim.apply_fault(Fault.REORDERED_RECORD)
        for _ in range(2):
            sim.passes.face("C1")
        assert [(await hub.next("RecPush"))[1]["info"]["RecordID"] for _ in range(2)] == ["5", "4"]
        sim.clear_faults()
        await sim.apply_fault(Fault.WRONG_TYPES)
        await sim.apply_fault(Fault.BIG_PICTURE, value=300_000)
        sim.passes.face("C1")
        odd = (await hub.next("RecPush"))[1]["info"]
        assert (odd["VerifyStatus"], len(odd["pic"])) == ([1], 300_023)

    with_terminal(scenario)


def test_cards_strangers_and_the_terminals_own_decision(with_terminal: Run) -> None:
    async def scenario(sim: FaceTerminalSim, hub: Hub) -> None:
        await hub.ask("UpMQTTconfig", {"RecordUploadType": 2})
        past, soon = local(timedelta(days=-2)), local(timedelta(days=2))
        gone = {"tempCardType": 1, "cardValidBegin": past, "cardValidEnd": local(timedelta(days=-1))}
        later = {"tempCardType": 1, "cardValidBegin": soon, "cardValidEnd": local(timedelta(days=3))}
        people: list[Message] = [
            {"customId": "card", "RFIDCard": "0003456789", "RFCardMode": 0},
            {"customId": "hex", "RFIDCard": "34BF16"},
            {"customId": "gone", "RFIDCard": "11", "RFCardMode": 0, **gone},
            {"customId": "later", "RFIDCard": "12", "RFCardMode": 0, **later},
            {"customId": "once", "RFIDCard": "13", "RFCardMode": 0, "tempCardType": 3, "EffectNumber": 1},
            {"customId": "blocked", "RFIDCard": "14", "RFCardMode": 0, "personType": 1},
        ]
        for one in people:
            assert code(await hub.ask("EditPerson", one)) == 200, "a card without a face is taken"
        cards = {"3456789": "1", str(0x34BF16): "1", "11": "2", "12": "2", "13": "1", "14": "2", "999": "3"}
        for card, status in cards.items():
            result = sim.passes.card(card)
            info = (await hub.next("RecPush"))[1]["info"]
            assert info["VerifyStatus"] == status, f"card {card}: {result}"
            assert info["RFIDCard"] == f"{int(card):010d}"
        assert sim.counters["pulse.local"] == 3
        left = (await hub.ask("QueryPerson", {}))["info"]["customId"].split(",")
        assert left == ["card", "hex", "later", "blocked"], "what is over deletes itself at its recognition"
        sim.passes.card(999)
        topic, swiped = await hub.next("CardPush")
        assert (topic, swiped["info"]["CardInfo"]["CardNum"]) == (f"mqtt/face/{ID}/Card", "0000000999")
        sim.passes.stranger()
        topic, snap = await hub.next("StrSnapPush")
        assert (topic, snap["info"]["SnapID"]) == (f"mqtt/face/{ID}/Snap", "1")
        assert code(await hub.ask("Unlock", {"uid": "1", "openDoor": "1", "Showinfo": "请进"})) == 200
        assert (sim.counters["pulse.remote"], sim.pulses[-1]["by"]) == (1, "remote")
        with pytest.raises(BadRequest, match="exactly one"):
            await sim.present(face="a", card="1")

    with_terminal(scenario)


def test_the_camera_branch_has_its_own_fields_and_no_door(with_terminal: Run) -> None:
    async def scenario(sim: FaceTerminalSim, hub: Hub) -> None:
        over = {"tempValid": 1, "validBegin": local(timedelta(days=-2)), "validEnd": local(timedelta(days=-1))}
        assert code(await hub.ask("EditPerson", person("C1", **over))) == 200
        assert sim.passes.face("C1")["decision"] == "over"
        info = (await hub.ask("QueryPerson", {}))["info"]
        assert (info["total"], info["queryPersonNum"], info["customId"]) == ("1", "1", "C1"), "a camera keeps it"
        hub.say("Unlock", {"openDoor": "1"})
        await hub.nothing("Unlock-Ack", 0.3)
        assert code(await hub.ask("EditPerson", {"customId": "C2", "RFIDCard": "5"})) == 472
        with pytest.raises(NotSupported):
            sim.passes.card(5)

    with_terminal(scenario, profile="camera")


def test_the_clock_is_set_and_can_be_wrong(with_terminal: Run) -> None:
    async def scenario(sim: FaceTerminalSim, hub: Hub) -> None:
        assert code(await hub.ask("SetSysTime", {"SysTime": "2020-02-29 12:00:00"})) == 200
        assert (await hub.ask("GetSysTime", {}))["info"]["SysTime"].startswith("2020-02-29 12:0")
        assert code(await hub.ask("SetSysTime", {})) == 463
        await sim.apply_fault(Fault.CLOCK_SKEW, value=86400)
        assert (await hub.ask("GetSysTime", {}))["info"]["SysTime"].startswith("2020-03-01 12:0")

    with_terminal(scenario)


def test_answers_can_fail(with_terminal: Run) -> None:
    async def scenario(sim: FaceTerminalSim, hub: Hub) -> None:
        await sim.apply_fault(Fault.LOST_REPLY)
        hub.say("EditPerson", person("C1"))
        await hub.nothing("EditPerson-Ack", 0.4)
        sim.clear_faults()
        assert (await hub.ask("QueryPerson", {}))["info"]["customId"] == "C1", "done, though nobody was told"
        await sim.apply_fault(Fault.GARBAGE)
        hub.say("QueryPerson", {})
        await hub.next("unreadable")
        sim.clear_faults()
        await sim.apply_fault(Fault.SILENT)
        hub.say("QueryPerson", {})
        await hub.nothing("QueryPerson-Ack", 0.4)
        sim.clear_faults()
        hub.client.publish(f"mqtt/face/{ID}", "{no json")
        hub.say("Nonsense", {})
        await hub.ask("QueryPerson", {})
        assert sim.counters["unreadable"] == 1
        await sim.apply_fault(Fault.BUSY)
        assert code(await hub.ask("EditPerson", person("C2"))) == 410
        sim.clear_faults()
        assert code(await hub.ask("DeleteAllPerson", {"deleteall": 1})) == 200
        await hub.next("Online")
        assert sim.store.count() == 0

    with_terminal(scenario)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-03-01 07:59:59", Verdict.NOT_NOW),
        ("2026-03-01 08:00:00", Verdict.ALLOW),
        ("2026-03-02 18:00:00", Verdict.ALLOW),
        ("2026-03-02 18:00:01", Verdict.NOT_NOW),
        ("2026-03-03 12:00:00", Verdict.ALLOW),
        ("2026-03-03 18:00:01", Verdict.OVER),
    ],
)
def test_a_daily_period(now: str, expected: Verdict) -> None:
    fields = {"tempCardType": "2", "cardValidBegin": "2026-03-01 08:00:00", "cardValidEnd": "2026-03-03 18:00:00"}
    assert judge(fields, "access_terminal", datetime.fromisoformat(now)) is expected
