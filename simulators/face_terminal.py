"""A face-recognition terminal of the ``mqtt/face`` family: speaks MQTT to the broker of the edge box and decides alone.

Sources: device_protocols.md section 1 (vendor manuals, one firmware log). What the manuals leave open and the simulator
had to choose is marked [INFER] where it is chosen.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import aiohttp

from simulators.device import BadRequest, DeviceSim, NotSupported
from simulators.face_commands import FaceCommands, Reply
from simulators.face_link import FaceLink
from simulators.face_persons import PersonList
from simulators.face_records import RecordPusher, UploadSettings
from simulators.face_store import Person, TerminalStore
from simulators.face_validity import TIME_FORMAT, Verdict, as_int, judge, use_once
from simulators.faults import Fault

_STATUS = {Verdict.ALLOW: 1, Verdict.NOT_NOW: 2, Verdict.OVER: 2, Verdict.BLOCKED: 2}


class FaceTerminalSim(DeviceSim):
    """One terminal.

    Config: device_id, broker_host, broker_port, username, password, topic_root ("mqtt/face"), profile
    ("camera" | "access_terminal"), time_zone, capacity (persons), heartbeat_s, resend_s. Optional: keepalive_s (30),
    restart_s (1), download_timeout_s (5), batch_person_s (0, seconds a person takes in a batch), unlock_operator
    ("Unlock"), code_style ("string" | "int" | "absent": how ``code`` is written in answers), persons ([{customId, name,
    card}]: what somebody else has written on a terminal whose list is empty).
    """

    kind: ClassVar[str] = "face_terminal"
    supported_faults: ClassVar[frozenset[Fault]] = frozenset(
        {
            Fault.SILENT,
            Fault.SLOW,
            Fault.CUT,
            Fault.RESTART,
            Fault.RESTART_EMPTY,
            Fault.CLOCK_SKEW,
            Fault.LOST_REPLY,
            Fault.DUPLICATE_RECORD,
            Fault.REORDERED_RECORD,
            Fault.WRONG_TYPES,
            Fault.BIG_PICTURE,
            Fault.PHOTO_REFUSED,
            Fault.GARBAGE,
            Fault.BUSY,
            Fault.LIST_FULL,
            Fault.STORAGE_FAILS,
        }
    )

    def __init__(self, code: str, config: Mapping[str, Any], *, seed: int = 0, state_dir: Path | None = None) -> None:
        super().__init__(code, config, seed=seed, state_dir=state_dir)
        self.device_id = str(config["device_id"])
        self.profile = str(config.get("profile", "access_terminal"))
        if self.profile not in ("camera", "access_terminal"):
            raise ValueError(f"profile must be camera or access_terminal, not {self.profile!r}")
        self.topic_root = str(config.get("topic_root", "mqtt/face"))
        self.zone = ZoneInfo(str(config.get("time_zone", "Asia/Shanghai")))
        self.restart_s = float(config.get("restart_s", 1))
        self.download_timeout_s = float(config.get("download_timeout_s", 5))
        self.batch_person_s = float(config.get("batch_person_s", 0))
        self.unlock_operator = str(config.get("unlock_operator", "Unlock"))
        self.code_style = str(config.get("code_style", "string"))
        self.store = TerminalStore(None if state_dir is None else state_dir / f"{code}.sqlite")
        self.persons = PersonList(self.store, self.faults, self.profile, int(config.get("capacity", 10_000)))
        if not self.store.count():
            for person in config.get("persons", ()):
                self._written_before(person)
        self.upload = UploadSettings(self.store, self.topic_root, config.get("heartbeat_s", 60))
        self.records = RecordPusher(self, float(config.get("resend_s", 10)))
        self.commands = FaceCommands(self)
        will = json.dumps({"operator": "Offline", "info": {"facesluiceId": self.device_id}})
        self.link = FaceLink(
            self.config,
            f"{self.topic_root}/{self.device_id}",
            (self._topic("basic"), will),
            self._link_up,
            self._link_down,
            self._received,
        )
        self.pulses: deque[dict[str, Any]] = deque(maxlen=1000)
        self.counters: dict[str, int] = {}
        self.last_link_error = ""
        self.online_acked = False
        self._inbox: asyncio.Queue[tuple[dict[str, Any], int]] = asyncio.Queue()
        self._connected = asyncio.Event()
        self._cleared = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._aside: set[asyncio.Task[None]] = set()
        self._http: aiohttp.ClientSession | None = None

    def _written_before(self, person: Mapping[str, Any]) -> None:
        fields = {"customId": str(person["customId"]), "name": str(person.get("name", "")), "personType": 0}
        card = int(person["card"]) if person.get("card") else None
        if card is not None:
            fields |= {"RFIDCard": str(card), "RFCardMode": 0}
        self.store.put_person(str(person["customId"]), fields, None, card, self.local_time())

    # Life

    async def start(self) -> None:
        """Begin to connect; the broker may come later. ``wait_connected`` waits for it."""
        self._http = aiohttp.ClientSession()
        self.link.open()
        loops = (self._work(), self._beat(), self.records.run(), self._tidy())
        self._tasks = [asyncio.create_task(coroutine) for coroutine in loops]

    async def stop(self) -> None:
        """Say goodbye to the broker and end everything; list and unacknowledged records stay in the state file."""
        tasks = [*self._tasks, *self._aside]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks = []
        await self.commands.cancel()
        await self.link.close()
        if self._http is not None:
            await self._http.close()
        self.store.close()

    async def wait_connected(self, timeout_s: float = 10) -> None:
        """Wait until the broker took the connection. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            await self._connected.wait()

    @property
    def http(self) -> aiohttp.ClientSession:
        """The terminal's own HTTP client, for picture URIs."""
        if self._http is None:
            raise RuntimeError("the terminal is not started")
        return self._http

    def restart_soon(self) -> None:
        """Restart after the answer to the command that asked for it is out."""
        self._run_aside(self._restart(after_s=0.05))

    def _run_aside(self, coroutine: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(coroutine)
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

    async def _restart(self, after_s: float = 0.0) -> None:
        await asyncio.sleep(after_s)
        await self.commands.cancel()
        await self.link.tear()
        self._forget_link("restarted")
        while not self._inbox.empty():
            self._inbox.get_nowait()
        await asyncio.sleep(self.restart_s)
        if not self.faults.on(Fault.CUT):
            self.link.open()

    async def on_fault(self, fault: Fault) -> None:
        """Faults that do something at once."""
        self._cleared.clear()
        if fault is Fault.RESTART_EMPTY:
            self.store.wipe(settings=True)
        if fault in (Fault.RESTART, Fault.RESTART_EMPTY):
            await self._restart()
        elif fault is Fault.CUT:
            await self.link.tear()
            self._forget_link("cut")
            self._run_aside(self._return_after_cut())

    async def _return_after_cut(self) -> None:
        entry = self.faults.get(Fault.CUT)
        if entry is not None:
            left = None if entry.until is None else max(0.0, entry.until - time.monotonic())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._cleared.wait()
        self.link.open()

    def clear_faults(self, fault: Fault | None = None) -> None:
        """Behave again."""
        super().clear_faults(fault)
        if fault is None or fault is Fault.CUT:
            self._cleared.set()

    # Clock: an offset to the real one, set by SetSysTime

    def local_now(self) -> datetime:
        """The device's naive local time, which is all it knows."""
        offset = float(self.store.setting("clock_offset") or 0.0)
        offset += self.faults.value(Fault.CLOCK_SKEW, 3600.0)
        return (datetime.now(UTC) + timedelta(seconds=offset)).astimezone(self.zone).replace(tzinfo=None)

    def local_time(self) -> str:
        """The device's time as it writes it: "YYYY-MM-DD HH:MM:SS", no zone."""
        return self.local_now().strftime(TIME_FORMAT)

    def set_local_time(self, wanted: datetime) -> None:
        """Set the clock (naive local time)."""
        true_local = datetime.now(UTC).astimezone(self.zone).replace(tzinfo=None)
        self.store.put_setting("clock_offset", str((wanted - true_local).total_seconds()))

    # Link

    def _topic(self, last: str) -> str:
        return f"{self.topic_root}/{last}"

    def own_topic(self, last: str) -> str:
        """A topic under the device's own id."""
        return f"{self.topic_root}/{self.device_id}/{last}"

    def count(self, what: str) -> None:
        """Count an occurrence for ``state()["counters"]``."""
        self.counters[what] = self.counters.get(what, 0) + 1

    def _link_up(self) -> None:
        self.online_acked = False
        self.last_link_error = ""
        self._connected.set()
        self._say_online()
        self.records.link_is_up()

    def _link_down(self, reason: str) -> None:
        self._forget_link(reason)

    def _forget_link(self, reason: str) -> None:
        self.last_link_error = reason
        self.online_acked = False
        self._connected.clear()

    @property
    def can_send(self) -> bool:
        """Whether there is a connection and the device is not silent."""
        return self.link.connected and not self.faults.on(Fault.SILENT)

    def publish(self, topic: str, body: Mapping[str, Any]) -> bool:
        """Send one message; False when there is no connection or the device is silent."""
        if self.faults.on(Fault.SILENT):
            return False
        return self.link.publish(topic, json.dumps(body, ensure_ascii=False))

    def _say_online(self) -> None:
        info = {
            "facesluiceId": self.device_id,
            "username": self.config["username"],
            "time": self.local_time(),
            "ip": "127.0.0.1",
            "facesname": self.code,
        }
        if self.publish(self._topic("basic"), {"operator": "Online", "info": info}):
            self.count("online_sent")

    def _received(self, payload: bytes) -> None:
        """One message on the command topic, in the loop's thread."""
        if self.faults.on(Fault.SILENT):
            return
        try:
            message = json.loads(payload)
        except ValueError:
            self.count("unreadable")
            return
        if not isinstance(message, dict):
            self.count("unreadable")
            return
        info = message.get("info")
        wanted = info.get("facesluiceId") if isinstance(info, dict) else None
        if wanted is not None and str(wanted) != self.device_id:
            self.count("for_another_device")
        elif message.get("operator") == "Online-Ack":
            self.online_acked = True
        elif message.get("operator") == "PushAck":
            self.records.acknowledge(message)
        else:
            self._inbox.put_nowait((message, len(payload)))

    async def _work(self) -> None:
        while True:  # one command at a time, as the device does
            message, size = await self._inbox.get()
            self.count(f"command.{message.get('operator')}")
            reply = await self.commands.handle(message, size)
            if reply is not None:
                await self.reply(message, reply)

    async def reply(self, message: Mapping[str, Any], reply: Reply) -> None:
        """Publish one ``<Operator>-Ack``, with the faults that befall answers."""
        slow = self.faults.value(Fault.SLOW, 0.5)
        if slow:
            await asyncio.sleep(slow)
        if self.faults.on(Fault.LOST_REPLY):
            return
        body: dict[str, Any] = {"messageId": message.get("messageId"), "operator": f"{message['operator']}-Ack"}
        if reply.code is not None and self.code_style != "absent":
            as_number = reply.numeric_code or self.code_style == "int"
            body["code"] = reply.code if as_number else str(reply.code)
        body["info"] = {"facesluiceId": self.device_id, **reply.info}
        body.update(reply.top)
        if self.faults.on(Fault.GARBAGE):
            self.link.publish(self.own_topic("Ack"), json.dumps(body)[:-7])
            return
        self.publish(self.own_topic("Ack"), body)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(float(self.upload.all()["KeepAliveInterval"]))
            info = {"facesluiceId": self.device_id, "time": self.local_time()}
            self.publish(str(self.upload.all()["HeartbeatTopic"]), {"operator": "HeartBeat", "info": info})
            if self.link.connected and not self.online_acked:
                self._say_online()

    async def _tidy(self) -> None:
        while True:  # the manual: expired entries go at the next recognition or within 24 hours
            await asyncio.sleep(3600)
            for person in self.store.persons():
                self._drop_if_over(person)

    # People before the device

    async def present(
        self,
        *,
        face: str | None = None,
        card: str | None = None,
        stranger: bool = False,
        qr: str | None = None,
        id_card: str | None = None,
        pin: str | None = None,
    ) -> dict[str, Any]:
        """Exactly one of face (customId), card (number), stranger, qr (text), id_card (number)."""
        if pin is not None:
            raise NotSupported(f"{self.code} passes no keys on")
        if (face is not None) + (card is not None) + stranger + (qr is not None) + (id_card is not None) != 1:
            raise BadRequest("give exactly one of face, card, stranger, qr, id_card")
        if face is not None:
            return self.present_face(face)
        if qr is not None:
            return self.present_text("QRCode", "QRCodePush", {"QRCodeInfo": {"QRCode": qr}})
        if id_card is not None:
            return self.present_text("IDCard", "IDCardPush", {"IDCardInfo": {"IDNumber": id_card}})
        return self.present_stranger() if card is None else self.present_card(card)

    def present_face(self, custom_id: str) -> dict[str, Any]:
        """A person stands before the camera. Someone not on the list (any more) is a stranger to it."""
        person = self.store.person(custom_id)
        if person is None or person.picture is None:
            return self.present_stranger()
        return self._recognised(person, similarity=83.0 + person.person_id % 15, card=None)

    def present_stranger(self) -> dict[str, Any]:
        """An unknown face: no door, a StrSnapPush."""
        info = {"facesluiceId": self.device_id, "isNoMask": "1", "targetPosInScene": [120, 80, 360, 400]}
        record = self.records.add("snap", info)
        return {"decision": "stranger", "opened": False, "custom_id": None, "snap_id": record.number}

    def present_text(self, topic: str, operator: str, info: dict[str, Any]) -> dict[str, Any]:
        """A QR code or an identity card is held before the device, which only passes it on. It keeps no record of it.

        [INFER] no example of an /IDCard payload is public; the shape is that of /Card and /QRCode.
        """
        if self.profile == "camera":
            raise NotSupported(f"{self.code} is a camera: it reads neither")
        self.publish(self.own_topic(topic), {"operator": operator, "info": {"facesluiceId": self.device_id, **info}})
        return {"decision": "passed_on", "opened": False, "custom_id": None}

    def present_card(self, number: int | str) -> dict[str, Any]:
        """A card is held to the reader. ``number`` decimal. A card not on the list also goes to /Card.

        [INFER] the manuals do not say when /Card is sent; field systems use it to let the platform decide about cards
        the terminal does not know, so it is sent for those alone, besides a RecPush with VerifyStatus 3.
        """
        if self.profile == "camera":
            raise NotSupported(f"{self.code} is a camera: it has no card reader")
        try:
            card = int(str(number))
        except ValueError as error:
            raise BadRequest(f"a card number is decimal digits, not {number!r}") from error
        person = self.store.person_by_card(card)
        if person is not None:
            return self._recognised(person, similarity=0.0, card=card)
        body = {"facesluiceId": self.device_id, "time": self.local_time(), "CardInfo": {"CardNum": f"{card:010d}"}}
        self.publish(self.own_topic("Card"), {"operator": "CardPush", "info": body})
        record = self.records.add("rec", self._rec_info(None, 3, 0.0, card))
        return {"decision": "unknown", "opened": False, "custom_id": None, "record_id": record.number}

    def _recognised(self, person: Person, similarity: float, card: int | None) -> dict[str, Any]:
        verdict = judge(person.fields, self.profile, self.local_now())
        record = self.records.add("rec", self._rec_info(person, _STATUS[verdict], similarity, card))
        if verdict is Verdict.ALLOW:
            self.pulse("local")
            used = use_once(person.fields, self.profile)
            if used is not None:
                self.store.put_person(person.custom_id, used, None, person.card, person.created)
        self._drop_if_over(person)
        return {
            "decision": verdict.value,
            "opened": verdict is Verdict.ALLOW,
            "custom_id": person.custom_id,
            "record_id": record.number,
        }

    def _drop_if_over(self, person: Person) -> None:
        """The terminal branch deletes temporary entries that are over; cameras keep them [INFER]."""
        current = self.store.person(person.custom_id)
        if self.profile == "camera" or current is None:
            return
        if judge(current.fields, self.profile, self.local_now()) is Verdict.OVER:
            self.store.delete_person(current.custom_id)
            self.count("expired_deleted")

    def _rec_info(self, person: Person | None, status: int, similarity: float, card: int | None) -> dict[str, Any]:
        fields = {} if person is None else person.fields
        info: dict[str, Any] = {
            "facesluiceId": self.device_id,
            "facesluiceName": self.code,
            "customId": "" if person is None else person.custom_id,
            "personId": "" if person is None else str(person.person_id),
            "personName": str(fields.get("name", "")),
            "VerifyStatus": str(status),
            "PersonType": str(as_int(fields.get("personType"), 0)),
            "similarity1": f"{similarity:.6f}",
            "idCard": str(fields.get("idCard") or " "),
            "telnum": str(fields.get("telnum1") or " "),
            "isNoMask": "0",
            "targetPosInScene": [120, 80, 360, 400],
        }
        if self.profile == "access_terminal":
            info["direction"] = "unknow"  # sic, as the firmware writes it
            if card is not None:
                info["RFIDCard"] = f"{card:010d}"
        return info

    # Door

    def pulse(self, by: str) -> None:
        """Release the door once; ``by`` "local" (own decision) or "remote" (Unlock)."""
        self.pulses.append({"at": datetime.now(UTC).isoformat(), "by": by})
        self.count(f"pulse.{by}")

    # To look at

    def find_person(self, *, picture_sha256: str | None = None, card: int | str | None = None) -> str | None:
        """The customId enrolled from this picture (SHA-256, hex) or with this card (decimal), None if there is none."""
        person = None
        if picture_sha256 is not None:
            person = self.store.person_by_picture(picture_sha256.lower())
        if person is None and card is not None:
            person = self.store.person_by_card(int(card))
        return None if person is None else person.custom_id

    def state(self) -> dict[str, Any]:
        """List, records, pulses, clock, link."""
        return {
            **self.summary(),
            "device_id": self.device_id,
            "profile": self.profile,
            "connected": self.link.connected,
            "link_error": self.last_link_error,
            "online_acked": self.online_acked,
            "clock": self.local_time(),
            "persons": [
                {
                    "customId": person.custom_id,
                    "name": person.fields.get("name", ""),
                    "card": None if person.card is None else f"{person.card:010d}",
                    "picture_sha256": person.picture_sha256,
                }
                for person in self.store.persons()
            ],
            "capacity": self.persons.capacity,
            "records": self.store.record_counts(),
            "pulses": list(self.pulses),
            "counters": dict(sorted(self.counters.items())),
            "settings": self.upload.all(),
        }
