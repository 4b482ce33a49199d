"""What the terminal tells about passes: the upload settings, and the cursor that pushes a record until it is acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from typing import Any, Protocol

from simulators.face_pictures import snapshot, to_data_uri
from simulators.face_store import Record, TerminalStore
from simulators.face_validity import as_int
from simulators.faults import Fault, FaultBook

_RECORD_KEEP = 30_000
_LIVE_S = 10.0


class UploadSettings:
    """What UpMQTTconfig sets and GetMQTTconfig shows, kept in the store, with the factory's values below."""

    def __init__(self, store: TerminalStore, topic_root: str, heartbeat_s: float) -> None:
        self._store = store
        self.factory: dict[str, Any] = {
            "StrangerUploadType": 0,
            "RecordUploadType": 1,
            "BehaviorUploadType": 0,
            "KeepAliveInterval": heartbeat_s,
            "OnlineTopic": f"{topic_root}/basic",
            "HeartbeatTopic": f"{topic_root}/heartbeat",
            "ResumefromBreakpoint": 0,
            "BeginTime": "",
        }

    def all(self) -> dict[str, Any]:
        """Every setting; what was set is text."""
        return {key: self._store.setting(f"mqtt.{key}") or value for key, value in self.factory.items()}

    def change(self, info: Mapping[str, Any]) -> None:
        """Take what UpMQTTconfig sent (already checked); BeginTime sets the cursor back."""
        for key in self.factory:
            if key in info:
                self._store.put_setting(f"mqtt.{key}", str(info[key]))
        if not self.resume:
            self._store.acknowledge_all()
        elif info.get("BeginTime"):
            self._store.reopen_since(str(info["BeginTime"]).replace("T", " "))

    @property
    def resume(self) -> bool:
        """ResumefromBreakpoint: keep a cursor and push until acknowledged."""
        return as_int(self.all()["ResumefromBreakpoint"], 0) == 1

    @property
    def with_picture(self) -> bool:
        """RecordUploadType 1."""
        return as_int(self.all()["RecordUploadType"], 1) == 1

    def wants(self, kind: str) -> bool:
        """Whether records of this kind are uploaded. For strangers V1.25 prints: 0 upload, 1 no upload."""
        if kind == "snap":
            return as_int(self.all()["StrangerUploadType"], 0) == 0
        return as_int(self.all()["RecordUploadType"], 1) != 0


class RecordOwner(Protocol):
    """What the pusher needs of its terminal."""

    code: str
    device_id: str
    store: TerminalStore
    upload: UploadSettings
    faults: FaultBook
    record_shape: str

    @property
    def can_send(self) -> bool:
        """Whether there is a connection and the device is not silent."""
        ...

    def local_time(self) -> str:
        """The device's time as it writes it."""
        ...

    def own_topic(self, last: str) -> str:
        """A topic under the device's own id."""
        ...

    def publish(self, topic: str, body: Mapping[str, Any]) -> bool:
        """Send one message."""
        ...

    def count(self, what: str) -> None:
        """Count an occurrence."""
        ...


class RecordPusher:
    """Pushes recognitions ("rec") and stranger snapshots ("snap"), each kind in its order, one unacknowledged at a time."""

    def __init__(self, owner: RecordOwner, resend_s: float) -> None:
        self._owner = owner
        self.resend_s = resend_s
        self._wake = asyncio.Event()
        self._sent: dict[str, tuple[int, float]] = {}
        self._held: tuple[str, dict[str, Any]] | None = None

    def link_is_up(self) -> None:
        """A new connection: what stood unacknowledged is due at once."""
        self._sent.clear()
        self._wake.set()

    def wake(self) -> None:
        """Look at the cursors now."""
        self._wake.set()

    def add(self, kind: str, info: dict[str, Any]) -> Record:
        """Write a record down and send it, or let the cursor come to it."""
        owner = self._owner
        resume, wanted = owner.upload.resume, owner.upload.wants(kind)
        lost = owner.faults.on(Fault.LOSES_RECORD)
        acked = lost or not (resume and wanted)
        record = owner.store.add_record(kind, time.time(), owner.local_time(), info, acked=acked)
        owner.store.forget_oldest(_RECORD_KEEP)
        if lost:
            return record
        if resume:
            self._wake.set()
        elif wanted:
            self.send(record)  # once; what nobody hears is lost
        return record

    def acknowledge(self, message: Mapping[str, Any]) -> None:
        """Take a PushAck: type 1 stranger, 2 recognition; the id as number or text."""
        owner = self._owner
        info = message.get("info")
        if not isinstance(info, dict):
            return
        kind = {"1": "snap", "2": "rec"}.get(str(info.get("PushAckType")))
        number = as_int(info.get("SnapOrRecordID"), -1)
        if kind is None or not owner.store.acknowledge(kind, number):
            owner.count("push_ack_ignored")
            return
        self._sent.pop(kind, None)
        self._wake.set()
        answer = {"messageId": message.get("messageId"), "operator": "PushAck-Ack", "code": "200"}
        answer_info = {"facesluiceId": owner.device_id, "SnapOrRecordID": str(number), "result": "ok"}
        owner.publish(owner.own_topic("Ack"), {**answer, "info": answer_info})

    async def run(self) -> None:
        """Push for ever."""
        while True:
            due = self._push_due() if self._owner.can_send else self.resend_s
            with contextlib.suppress(TimeoutError):
                # Not wait_for: in Python 3.11 it swallows a cancellation that meets a set event, and `stop` hangs.
                async with asyncio.timeout(due):
                    await self._wake.wait()
            self._wake.clear()

    def _push_due(self) -> float:
        """Send what the cursors stand on if its time has come; the seconds until the next time."""
        wait = self.resend_s
        for kind in ("rec", "snap"):
            record = self._owner.store.oldest_open(kind)
            if record is None:
                continue
            number, sent_at = self._sent.get(kind, (0, 0.0))
            left = sent_at + self.resend_s - time.monotonic() if number == record.number else 0.0
            if left > 0:
                wait = min(wait, left)
            elif self.send(record):
                self._sent[kind] = (record.number, time.monotonic())
        return wait

    def send(self, record: Record, push_type: int = 0) -> bool:
        """Publish one record; ``push_type`` 2 answers ManualPushRecords."""
        owner = self._owner
        recognition = record.kind == "rec"
        info: dict[str, Any] = {**record.info, "time": record.local_time, "PushType": push_type}
        if recognition:
            live = time.time() - record.made <= _LIVE_S
            info |= {"RecordID": str(record.number), "Sendintime": int(live)}
        else:
            info["SnapID"] = str(record.number)
        if owner.upload.with_picture:
            info["pic"] = to_data_uri(snapshot(f"{owner.code} {record.local_time}"))
        if owner.faults.on(Fault.BIG_PICTURE):
            size = int(owner.faults.value(Fault.BIG_PICTURE, 5_000_000))
            info["pic"] = "data:image/jpeg;base64,/9j/" + "A" * (size - 4)
        if owner.faults.on(Fault.WRONG_TYPES):
            info |= {
                "VerifyStatus": [1],
                "customId": {"id": info.get("customId")},
                "similarity1": None,
                "time": 20260601,
            }
        body: dict[str, Any] = {"operator": "RecPush" if recognition else "StrSnapPush", "info": info}
        if recognition and owner.record_shape == "verifypush":
            body = _verify_push(owner.device_id, info)
        topic = owner.own_topic("Rec" if recognition else "Snap")
        if owner.faults.on(Fault.REORDERED_RECORD) and self._held is None:
            self._held = (topic, body)
            return True
        sent = owner.publish(topic, body)
        if self._held is not None:
            owner.publish(*self._held)
            self._held = None
        if sent:
            owner.count(f"sent.{record.kind}")
            if owner.faults.on(Fault.DUPLICATE_RECORD):
                owner.publish(topic, body)
        return sent


def _verify_push(device: str, info: Mapping[str, Any]) -> dict[str, Any]:
    """The same record as newer firmware writes it: names of the HTTP branch, numbers as numbers, the picture beside."""
    told = {
        "DeviceID": as_int(device, 0) or device,
        "PersonID": as_int(info.get("personId"), 0),
        "PersonUUID": info.get("customId") or " ",
        "CustomizeID": 0,
        "Name": info.get("personName", ""),
        "CreateTime": str(info["time"]).replace(" ", "T"),
        "VerifyStatus": as_int(info.get("VerifyStatus"), 0),
        "VerfyType": 1,
        "PersonType": as_int(info.get("PersonType"), 0),
        "Similarity1": float(info.get("similarity1") or 0.0),
        "Direction": 0,
        "OpendoorWay": 2,
        "RFIDCard": info.get("RFIDCard", "0"),
        "RecordID": as_int(info["RecordID"], 0),
        "Sendintime": info["Sendintime"],
        "PushType": info["PushType"],
    }
    return {"operator": "VerifyPush", "info": told, **({"SanpPic": info["pic"]} if "pic" in info else {})}
