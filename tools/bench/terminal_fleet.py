"""`python -m tools.bench.terminal_fleet PORT TERMINALS RECORDS BYTES`: face terminals on another MQTT library than ours.

Says `ready`, waits for a line on its input, then each terminal sends a record, waits for its PushAck, sends the next. At the
end one JSON line: seconds, and every time from sending a record to its PushAck.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from gmqtt import Client
from gmqtt.mqtt.constants import MQTTv311

ZONE = ZoneInfo("Asia/Shanghai")
AGAIN_S = 10.0  # a terminal's own patience


class Terminal:
    def __init__(self, number: int, records: int, size: int) -> None:
        self.device, self.records = f"T{number:05d}", records
        self.picture = "A" * size
        self.settings = {"ResumefromBreakpoint": "1", "RecordUploadType": "2", "KeepAliveInterval": "60"}
        self.acked: asyncio.Queue[int] = asyncio.Queue()
        self.waited: list[float] = []
        self.client: Any = Client(self.device)
        self.client.on_message = self._message

    async def connect(self, port: int) -> None:
        await self.client.connect("127.0.0.1", port, version=MQTTv311)
        self.client.subscribe(f"mqtt/face/{self.device}", qos=0)

    async def run(self) -> None:
        for number in range(1, self.records + 1):
            began = time.perf_counter()
            while True:
                self._say("Rec", "RecPush", self._record(number))
                try:
                    async with asyncio.timeout(AGAIN_S):
                        while await self.acked.get() != number:
                            continue
                    break
                except TimeoutError:
                    continue
            self.waited.append(time.perf_counter() - began)

    def _record(self, number: int) -> dict[str, Any]:
        now = datetime.now(ZONE).strftime("%Y-%m-%d %H:%M:%S")
        return {
            "customId": f"token{number}", "RecordID": str(number), "VerifyStatus": "1", "PersonType": "0", "time": now,
            "similarity1": "93.0", "Sendintime": 1, "PushType": 0, "pic": "data:image/jpeg;base64," + self.picture,
        }  # fmt: skip

    def _say(self, name: str, operator: str, info: dict[str, Any], **beside: Any) -> None:
        body = {"operator": operator, **beside, "info": {"facesluiceId": self.device, **info}}
        self.client.publish(f"mqtt/face/{self.device}/{name}", json.dumps(body), qos=0)

    async def _message(self, _client: Any, _topic: str, payload: bytes, _qos: int, _properties: Any) -> int:
        asked = json.loads(payload)
        operator = asked["operator"]
        if operator == "PushAck":
            self.acked.put_nowait(int(asked["info"]["SnapOrRecordID"]))
            return 0
        info: dict[str, Any] = {"result": "ok"}
        if operator == "GetMQTTconfig":
            info |= self.settings
        elif operator == "GetSysTime":
            info["SysTime"] = datetime.now(ZONE).strftime("%Y-%m-%d %H:%M:%S")
        elif operator == "QueryPerson":
            info |= {"customId": "", "total": "0"}
        self._say("Ack", f"{operator}-Ack", info, messageId=asked["messageId"], code=200)
        return 0


async def main(port: int, terminals: int, records: int, size: int) -> None:
    fleet = [Terminal(n, records, size) for n in range(terminals)]
    for one in fleet:
        await one.connect(port)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    began = time.perf_counter()
    await asyncio.gather(*(one.run() for one in fleet))
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "waited": [w for one in fleet for w in one.waited]}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*(int(a) for a in sys.argv[1:5])))
