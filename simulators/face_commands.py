"""What the face terminal answers to each operator of the ``mqtt/face`` protocol (device_protocols.md 1.6 and 1.8)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import aiohttp

from simulators.face_persons import BATCH_ADD, BATCH_EDIT, EDIT, PersonList, PersonRefused
from simulators.face_pictures import to_data_uri
from simulators.face_records import RecordPusher, UploadSettings
from simulators.face_store import Person, TerminalStore
from simulators.face_validity import TIME_FORMAT, as_int, parse_local
from simulators.faults import Fault, FaultBook

_BATCH_MAX = 1000
_DELETE_MAX = 200
_LIST_MAX = 2000
_PACKET_MAX = 1_000_000
_WHILE_BATCH_REFUSED = frozenset(
    {"EditPerson", "EditPersonsNew", "AddPersons", "DelPerson", "DeletePersons", "DeleteAllPerson"}
)
_NO_TIME = "0000-00-00 00:00:00"
_FILTERS = {"gender", "name", "BeginTime", "EndTime"}
_MQTT_LIMITS = {"KeepAliveInterval": (20, 300), "ResumefromBreakpoint": (0, 1), "RecordUploadType": (0, 2)}


@dataclass(frozen=True, slots=True)
class Reply:
    """One ``<Operator>-Ack``. ``code`` None leaves the field out, as batch answers do; ``top`` stands beside ``info``."""

    code: int | None = 200
    info: dict[str, Any] = field(default_factory=dict)
    top: dict[str, Any] = field(default_factory=dict)
    numeric_code: bool = False


def _fail(code: int, detail: str, **info: Any) -> Reply:
    return Reply(code, {**info, "result": "fail", "detail": detail})


def _ok(**info: Any) -> Reply:
    return Reply(200, {**info, "result": "ok"})


class Terminal(Protocol):
    """What the commands need of their terminal."""

    code: str
    profile: str
    unlock_operator: str
    batch_person_s: float
    web_persons: int
    without: tuple[str, ...]
    download_timeout_s: float
    store: TerminalStore
    persons: PersonList
    upload: UploadSettings
    records: RecordPusher
    faults: FaultBook

    @property
    def http(self) -> aiohttp.ClientSession:
        """The client for picture URIs."""
        ...

    def local_time(self) -> str:
        """The device's time as it writes it."""
        ...

    def set_local_time(self, wanted: datetime) -> None:
        """Set the clock (naive local time)."""
        ...

    def pulse(self, by: str) -> None:
        """Release the door once."""
        ...

    def restart_soon(self) -> None:
        """Restart after the answer is out."""
        ...

    async def reply(self, message: Mapping[str, Any], reply: Reply) -> None:
        """Publish an answer that comes later than its command's turn."""
        ...


class FaceCommands:
    """The dispatch of operators. ``handle`` gives the reply, or None where a real device stays silent."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.batch: asyncio.Task[None] | None = None
        self.batch_operator = ""
        self._table: dict[str, Callable[[dict[str, Any]], Awaitable[Reply | None]]] = {
            "EditPerson": self._edit_person,
            "EditPersonsNew": self._batch,
            "AddPersons": self._batch,
            "QueryProgress": self._query_progress,
            "DelPerson": self._del_person,
            "DeletePersons": self._delete_persons,
            "DeleteAllPerson": self._delete_all,
            "QueryPerson": self._query_person,
            "SearchPerson": self._search_person,
            "SearchPersonList": self._search_list,
            "GetMQTTconfig": self._get_mqtt,
            "UpMQTTconfig": self._up_mqtt,
            "GetSysTime": self._get_time,
            "SetSysTime": self._set_time,
            "GetDeviceInformation": self._device_information,
            "Versions": self._versions,
            "ManualPushRecords": self._manual_push,
            "ManualPushSnaps": self._manual_push,
            "RebootDevice": self._reboot,
        }
        if terminal.profile == "access_terminal":
            self._table[terminal.unlock_operator] = self._unlock
        for operator in terminal.without:
            self._table.pop(operator, None)

    async def handle(self, message: dict[str, Any], size: int) -> Reply | None:
        """Carry out one command of ``size`` bytes on the wire."""
        operator = str(message.get("operator"))
        action = self._table.get(operator)
        if action is None:
            return None
        if size > _PACKET_MAX and operator in _WHILE_BATCH_REFUSED:
            return _fail(460, "packet larger than 1 MB")
        busy = self.terminal.faults.on(Fault.BUSY) or (self.batch is not None and not self.batch.done())
        if busy and operator in _WHILE_BATCH_REFUSED:
            return _fail(410, "busy")
        return await action(message)

    async def cancel(self) -> None:
        """Drop a running batch (power loss)."""
        if self.batch is not None:
            self.batch.cancel()
            await asyncio.gather(self.batch, return_exceptions=True)
            self.batch = None

    # Persons

    async def _edit_person(self, message: dict[str, Any]) -> Reply:
        info = message.get("info")
        if not isinstance(info, dict):
            return _fail(462, "no info")
        terminal = self.terminal
        custom_id = str(info.get("customId") or "")
        try:
            person = await terminal.persons.upsert(
                info, EDIT, terminal.http, terminal.download_timeout_s, terminal.local_time()
            )
        except PersonRefused as error:
            return _fail(error.code, error.detail, customId=custom_id)
        return _ok(personId=str(person.person_id), customId=person.custom_id)

    async def _batch(self, message: dict[str, Any]) -> Reply | None:
        refusal = _batch_refusal(message, message.get("info"), _BATCH_MAX)
        if refusal is not None:
            return refusal
        operator = str(message["operator"])
        persons = [item for item in message["info"] if isinstance(item, dict)]
        self.batch_operator = operator
        self.batch = asyncio.create_task(self._run_batch(operator, message, persons))
        return None

    async def _run_batch(self, operator: str, message: dict[str, Any], persons: list[dict[str, Any]]) -> None:
        terminal = self.terminal
        done: list[dict[str, str]] = []
        failed: list[dict[str, str]] = []
        codes = BATCH_ADD if operator == "AddPersons" else BATCH_EDIT
        for info in persons:
            custom_id = str(info.get("customId") or "")
            begun = asyncio.get_running_loop().time()
            while (left := begun + terminal.batch_person_s - asyncio.get_running_loop().time()) > 0:  # noqa: ASYNC110
                await asyncio.sleep(min(left, 0.05))  # it may be told meanwhile to be quicker
            try:
                await terminal.persons.upsert(
                    info, codes, terminal.http, terminal.download_timeout_s, terminal.local_time()
                )
                done.append({"customId": custom_id})
            except PersonRefused as error:
                failed.append({"customId": custom_id, "errcode": str(error.code)})
        info = {
            "AddErrNum": str(len(failed)),
            "AddSucNum": str(len(done)),
            "AddErrInfo": failed,
            "AddSucInfo": done,
            "result": "ok",
        }
        # Vendor examples of batch answers carry no code at all.
        self.batch = None
        await terminal.reply(message, Reply(None, info))

    async def _query_progress(self, message: dict[str, Any]) -> Reply:
        status = 0
        if self.batch is not None and not self.batch.done():
            status = 1 if self.batch_operator == "AddPersons" else 3
        return _ok(QueryType=self.batch_operator if status else "", Status=str(status))

    async def _del_person(self, message: dict[str, Any]) -> Reply:
        info = message.get("info")
        if not isinstance(info, dict):
            return _fail(462, "no info")
        custom_id = info.get("customId")
        if not custom_id:
            return _fail(461, "no customId")
        person = self.terminal.store.person(str(custom_id))
        if person is None:
            return _fail(464, "person not found", customId=str(custom_id))
        self.terminal.store.delete_person(person.custom_id)
        return _ok(personId=str(person.person_id), customId=person.custom_id)

    async def _delete_persons(self, message: dict[str, Any]) -> Reply:
        info = message.get("info")
        ids = info.get("customId") if isinstance(info, dict) else None
        refusal = _batch_refusal(message, ids, _DELETE_MAX)
        if refusal is not None or not isinstance(ids, list):
            return refusal or _fail(418, "no data")
        done: list[dict[str, str]] = []
        failed: list[dict[str, str]] = []
        for custom_id in map(str, ids):
            found = self.terminal.store.delete_person(custom_id)
            (done if found else failed).append({"customId": custom_id})
        return _ok(DelErrNum=str(len(failed)), DelSucNum=str(len(done)), DelErrInfo=failed, DelSucInfo=done)

    async def _delete_all(self, message: dict[str, Any]) -> Reply:
        if as_int(_info(message).get("deleteall"), 0) != 1:
            return _fail(461, "deleteall must be 1")
        self.terminal.store.wipe(settings=False)
        self.terminal.restart_soon()
        return _ok()

    async def _query_person(self, message: dict[str, Any]) -> Reply:
        ids = self.terminal.store.custom_ids()
        count, total = str(len(ids)), str(len(ids) + self.terminal.web_persons)
        joined = ",".join(ids)
        if self.terminal.profile == "camera":
            return _ok(total=total, queryPersonNum=count, customId=joined)
        return _ok(TotalPersonNum=total, QueryPersonNum=count, customId=joined)

    async def _search_person(self, message: dict[str, Any]) -> Reply:
        info = _info(message)
        custom_id = str(info.get("customId") or "")
        person = self.terminal.store.person(custom_id)
        if person is None:
            return _fail(464, "person not found", customId=custom_id)
        with_picture = as_int(info.get("Picture"), 0) == 1 and person.picture is not None
        top = {"pic": to_data_uri(person.picture)} if with_picture and person.picture is not None else {}
        fields = {key: value if isinstance(value, dict | list) else str(value) for key, value in self._fields(person)}
        return Reply(200, {**fields, "result": "ok"}, top)

    def _fields(self, person: Person) -> list[tuple[str, Any]]:
        camera = self.terminal.profile == "camera"
        created = person.created if camera else person.created.replace(" ", "T")
        empty = (
            {"tempValid": 0, "validBegin": _NO_TIME, "validEnd": _NO_TIME}
            if camera
            else {"tempCardType": 0, "cardValidBegin": _NO_TIME, "cardValidEnd": _NO_TIME, "EffectNumber": 0}
        )
        fields = {**empty, **person.fields, "personId": person.person_id, "creatTime": created}
        return list(fields.items())

    async def _search_list(self, message: dict[str, Any]) -> Reply:
        info = _info(message)
        begin = max(0, as_int(info.get("BeginNO"), 0))
        count = min(_LIST_MAX, max(1, as_int(info.get("RequestCount"), 1000)))
        if not info.keys() & _FILTERS and as_int(info.get("personType"), 2) == 2:
            total, found = self.terminal.store.count(), self.terminal.store.persons(begin, count)
        else:
            matching = [person for person in self.terminal.store.persons() if _matches(person, info)]
            total, found = len(matching), matching[begin : begin + count]
        if not total:
            return _fail(466, "nothing found")
        page = [dict(self._fields(person)) for person in found]
        # This answer has numbers where the others have strings, and no "result" unless it failed.
        return Reply(200, {"TotalPersonNum": total, "PersonNum": len(page), "List": page}, numeric_code=True)

    # Door and device

    async def _unlock(self, message: dict[str, Any]) -> Reply:
        if as_int(_info(message).get("openDoor"), 1) != 1:
            return _fail(461, "openDoor must be 1")
        self.terminal.pulse("remote")
        return _ok()

    async def _get_mqtt(self, message: dict[str, Any]) -> Reply:
        return _ok(**{key: str(value) for key, value in self.terminal.upload.all().items()})

    async def _up_mqtt(self, message: dict[str, Any]) -> Reply:
        info = _info(message)
        for key, (low, high) in _MQTT_LIMITS.items():
            if key in info and not low <= as_int(info[key], low - 1) <= high:
                return _fail(465, f"{key} must be {low}..{high}")
        if info.get("BeginTime") and parse_local(info["BeginTime"]) is None:
            return _fail(465, "BeginTime is not a time")
        self.terminal.upload.change(info)
        self.terminal.records.wake()
        return _ok()

    async def _get_time(self, message: dict[str, Any]) -> Reply:
        return _ok(SysTime=self.terminal.local_time())

    async def _set_time(self, message: dict[str, Any]) -> Reply:
        info = _info(message)
        wanted = parse_local(info.get("SysTime", info.get("sysTime")))
        if wanted is None:
            return _fail(463, "no SysTime")
        self.terminal.set_local_time(wanted)
        return _ok()

    async def _device_information(self, message: dict[str, Any]) -> Reply:
        terminal = self.terminal
        return _ok(
            DeviceName=terminal.code,
            DeviceModel=f"SIM-{terminal.profile}",
            PersonNum=str(terminal.store.count()),
            PersonCapacity=str(terminal.persons.capacity),
            SysTime=terminal.local_time(),
        )

    async def _versions(self, message: dict[str, Any]) -> Reply:
        return _ok(SoftwareVersion="SIM-1.25.0", HardwareVersion="SIM-A1")

    async def _manual_push(self, message: dict[str, Any]) -> Reply:
        info = _info(message)
        begin, end = parse_local(info.get("TimeS")), parse_local(info.get("TimeE"))
        if begin is None or end is None:
            return _fail(462, "TimeS and TimeE are needed")
        kind = "rec" if message["operator"] == "ManualPushRecords" else "snap"
        records = self.terminal.store.records_between(kind, begin.strftime(TIME_FORMAT), end.strftime(TIME_FORMAT))
        if not records:
            return _fail(466, "nothing found")
        for record in records:
            self.terminal.records.send(record, push_type=2)
        return _ok()

    async def _reboot(self, message: dict[str, Any]) -> Reply:
        self.terminal.restart_soon()
        return _ok()


def _info(message: dict[str, Any]) -> dict[str, Any]:
    info = message.get("info")
    return info if isinstance(info, dict) else {}


def _matches(person: Person, info: Mapping[str, Any]) -> bool:
    wanted_type = as_int(info.get("personType"), 2)
    if wanted_type != 2 and as_int(person.fields.get("personType"), 0) != wanted_type:
        return False
    wanted_gender = as_int(info.get("gender"), 2)
    if wanted_gender != 2 and as_int(person.fields.get("gender"), 0) != wanted_gender:
        return False
    if info.get("name") and str(info["name"]) not in str(person.fields.get("name", "")):
        return False
    begin, end = parse_local(info.get("BeginTime")), parse_local(info.get("EndTime"))
    created = parse_local(person.created)
    return created is None or ((begin is None or created >= begin) and (end is None or created <= end))


def _batch_refusal(message: dict[str, Any], items: Any, most: int) -> Reply | None:
    """The refusals of a whole batch, in the order of their numbers."""
    if message.get("DataBegin") != "BeginFlag":
        return _fail(412, "no DataBegin")
    if message.get("DataEnd") != "EndFlag":
        return _fail(413, "no DataEnd")
    if message.get("info") is None:
        return _fail(414, "no info")
    if "PersonNum" not in message:
        return _fail(415, "no PersonNum")
    if not isinstance(items, list) or not items:
        return _fail(418, "no data")
    if len(items) > most:
        return _fail(416, f"more than {most}")
    if as_int(message["PersonNum"], -1) != len(items):
        return _fail(417, "length is not PersonNum")
    return None
