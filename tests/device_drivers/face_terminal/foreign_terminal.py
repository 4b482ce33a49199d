"""A face terminal of another hand on another MQTT library (gmqtt): codes as numbers, keys in other cases, no breakpoint."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from gmqtt import Client
from gmqtt.mqtt.constants import MQTTv311
from patience import PATIENCE_S


class ForeignTerminal:
    """Config of what it is bad at: `keeps` False refuses ResumefromBreakpoint, `opens` is the operator it opens by."""

    silent_about: tuple[str, ...] = ()

    def __init__(self, device: str, port: int, *, keeps: bool = True, opens: str = "Unlock") -> None:
        self.device, self.port, self.keeps, self.opens = device, port, keeps, opens
        self.people: dict[str, dict[str, Any]] = {}
        self.settings: dict[str, str] = {
            "ResumefromBreakpoint": "0",
            "RecordUploadType": "1",
            "KeepAliveInterval": "30",
        }
        self.opened, self.records, self.acked = 0, [], []  # type: ignore[var-annotated]
        self.asked: list[str] = []
        self.client: Any = None

    async def start(self) -> None:
        self.client = Client(self.device)
        self.client.set_auth_credentials("terminal", "terminal")
        self.client.on_message = self._message
        await self.client.connect("127.0.0.1", self.port, version=MQTTv311)
        self.client.subscribe(f"mqtt/face/{self.device}", qos=0)
        self.online()

    async def stop(self) -> None:
        await self.client.disconnect()

    def online(self) -> None:
        self.say("basic", {"operator": "Online", "info": {"facesluiceId": self.device, "ip": "10.0.0.9"}}, shared=True)

    def say(self, name: str, body: Any, *, shared: bool = False) -> None:
        text = body if isinstance(body, str | bytes) else json.dumps(body, ensure_ascii=False)
        self.client.publish(f"mqtt/face/{name}" if shared else f"mqtt/face/{self.device}/{name}", text, qos=0)

    def record(self, number: int, who: str, *, push_type: int = 0, time: str = "2026-06-01 08:00:00") -> None:
        """As firmware writes them: numbers as text, a picture beside."""
        info = {
            "customId": who, "personId": "3", "RecordID": str(number), "VerifyStatus": "1", "PersonType": "0",
            "similarity1": "83.000000", "Sendintime": 1, "PushType": push_type, "persionName": " ",
            "facesluiceId": self.device, "time": time, "pic": "data:image/jpeg;base64,/9j/4AAQ",
        }  # fmt: skip
        if not push_type:
            self.records.append((number, who, time))
        self.say("Rec", {"operator": "RecPush", "info": info})

    async def _message(self, _client: Any, _topic: str, payload: bytes, _qos: int, _properties: Any) -> int:
        asked = json.loads(payload)
        operator, info = asked["operator"], asked.get("info") or {}
        self.asked.append(operator)
        if operator == "PushAck":
            self.acked.append((info["PushAckType"], str(info["SnapOrRecordID"])))
        elif operator != "Online-Ack" and operator not in self.silent_about:
            answer = getattr(self, f"_{operator.lower()}", self._unknown)(asked, info)
            body = {"messageId": asked["messageId"], "operator": f"{operator}-Ack", **answer}
            body["info"] = {"facesluiceId": self.device, **answer.get("info", {})}
            self.say("Ack", body)
            if operator == "ManualPushRecords":
                for number, who, time in self.records:
                    self.record(number, who, push_type=2, time=time)
        return 0

    def _unknown(self, asked: dict[str, Any], _info: Any) -> dict[str, Any]:
        if asked["operator"] == self.opens:
            self.opened += 1
            return {"info": {"result": "ok"}}
        return {"code": 400, "info": {"result": "fail", "detail": "unknown operator"}}

    def _getmqttconfig(self, _asked: Any, _info: Any) -> dict[str, Any]:
        return {"code": "200", "info": dict(self.settings)}

    def _upmqttconfig(self, _asked: Any, info: dict[str, Any]) -> dict[str, Any]:
        for name, value in info.items():
            if self.keeps or name != "ResumefromBreakpoint":
                self.settings[name] = str(value)
        return {"code": 200}

    def _getsystime(self, _asked: Any, _info: Any) -> dict[str, Any]:
        from datetime import datetime
        from zoneinfo import ZoneInfo

        return {"code": 200, "info": {"SysTime": datetime.now(ZoneInfo("Asia/Shanghai")).strftime("%Y-%m-%dT%H:%M:%S")}}

    def _manualpushrecords(self, _asked: Any, _info: Any) -> dict[str, Any]:
        return {"code": 200, "info": {"result": "ok"}}

    def _queryperson(self, _asked: Any, _info: Any) -> dict[str, Any]:
        names = [name.upper() for name in self.people]  # it changes the case of what it keeps
        return {"code": 200, "info": {"CustomId": ",".join(names), "queryPersonNum": str(len(names))}}

    def _editperson(self, _asked: Any, info: dict[str, Any]) -> dict[str, Any]:
        self.people[info["customId"]] = info
        return {"info": {"result": "OK", "customId": info["customId"]}}  # no code at all

    def _editpersonsnew(self, asked: Any, info: list[dict[str, Any]]) -> dict[str, Any]:
        assert int(asked["PersonNum"]) == len(info)
        good = [p for p in info if "no-face" not in p["customId"]]
        for one in good:
            self.people[one["customId"]] = one
        bad = [{"customId": p["customId"], "errcode": 468} for p in info if p not in good]
        return {"code": 200, "info": {"AddSucInfo": [{"customId": p["customId"]} for p in good], "AddErrInfo": bad}}

    def _delperson(self, _asked: Any, info: dict[str, Any]) -> dict[str, Any]:
        name = next((n for n in self.people if n.upper() == info["customId"].upper()), "")
        return {"code": 200} if self.people.pop(name, None) else {"code": "464"}


async def until(predicate: Any, what: str, deadline_s: float = PATIENCE_S) -> None:
    """Waits for a state; fails with `what` at the deadline."""
    end = asyncio.get_running_loop().time() + deadline_s
    while not predicate():
        assert asyncio.get_running_loop().time() < end, f"waited {deadline_s:g} s in vain for: {what}"
        await asyncio.sleep(0.02)
