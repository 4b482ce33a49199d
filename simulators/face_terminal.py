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
from simulators.face_passes import FacePasses
from simulators.face_persons import PersonList
from simulators.face_records import RecordPusher, UploadSettings
from simulators.face_store import TerminalStore
from simulators.face_validity import TIME_FORMAT
from simulators.faults import Fault


class FaceTerminalSim(DeviceSim):
    """One terminal.

    Config: device_id, broker_host, broker_port, username, password, topic_root ("mqtt/face"), profile
    ("camera" | "access_terminal"), time_zone, capacity (persons), heartbeat_s, resend_s. Optional: keepalive_s (30),
    restart_s (1), download_timeout_s (5), batch_person_s (0, seconds a person takes in a batch), unlock_operator
    ("Unlock"), code_style ("string" | "int" | "absent": how ``code`` is written in answers), record_shape ("recpush" |
    "verifypush": the names of newer firmware), encoding ("utf-8" | "gb18030"), online_topic and heartbeat_topic (where it
    tells of its life), command_topic (where it listens), without (operators that this firmware does not know:
    it is silent about them), web_persons (how many were enrolled on its own page: counted,
    never named), persons ([{customId, name, card}]: what somebody else has written on a terminal whose list is empty).
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
            Fault.LOSES_RECORD,
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
        self.record_shape = str(config.get("record_shape", "recpush"))
        self.encoding = str(config.get("encoding", "utf-8"))
        self.without = tuple(config.get("without", ()))
        self.web_persons = int(config.get("web_persons", 0))
        self.store = TerminalStore(None if state_dir is None else state_dir / f"{code}.sqlite")
        self.persons = PersonList(self.store, self.faults, self.profile, int(config.get("capacity", 10_000)))
        if not self.store.count():
            for person in config.get("persons", ()):
                self._written_before(person)
        self.upload = UploadSettings(self.store, self.topic_root, config.get("heartbeat_s", 60))
        self.upload.factory |= {
            name: config[key]
            for name, key in (("OnlineTopic", "online_topic"), ("HeartbeatTopic", "heartbeat_topic"))
            if key in config
        }
        self.records = RecordPusher(self, float(config.get("resend_s", 10)))
        self.passes = FacePasses(self)
        self.commands = FaceCommands(self)
        will = json.dumps({"operator": "Offline", "info": {"facesluiceId": self.device_id}})
        self.link = FaceLink(
            self.config,
            str(config.get("command_topic", f"{self.topic_root}/{self.device_id}")),
            (str(self.upload.all()["OnlineTopic"]), will),
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

    async def wait_connected(self, timeout_s: float = 60) -> None:
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
        return self.link.publish(topic, json.dumps(body, ensure_ascii=False).encode(self.encoding))

    def _say_online(self) -> None:
        info = {
            "facesluiceId": self.device_id,
            "username": self.config["username"],
            "time": self.local_time(),
            "ip": "127.0.0.1",
            "facesname": self.code,
        }
        if self.publish(str(self.upload.all()["OnlineTopic"]), {"operator": "Online", "info": info}):
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
            self.link.publish(self.own_topic("Ack"), json.dumps(body)[:-7].encode())
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
                self.passes.drop_if_over(person)

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
            return self.passes.face(face)
        if qr is not None:
            return self.passes.text("QRCode", "QRCodePush", {"QRCodeInfo": {"QRCode": qr}})
        if id_card is not None:
            return self.passes.text("IDCard", "IDCardPush", {"IDCardInfo": {"IDNumber": id_card}})
        return self.passes.stranger() if card is None else self.passes.card(card)

    # Door

    def pulse(self, by: str) -> None:
        """Release the door once; ``by`` "local" (own decision) or "remote" (Unlock)."""
        self.pulses.append({"at": datetime.now(UTC).isoformat(), "by": by})
        self.count(f"pulse.{by}")

    # To look at

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
