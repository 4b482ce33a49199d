"""What each device holds of a credential, as honestly as its edge reported it.

`confirmed` read back; `assumed` written, never read back; `pending` on its way; `refused` with a reason for the clerk;
`unknown` when nobody can say now: the edge is offline or never reported.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from hub.access.refusals import refusal_zh
from hub.english.phrases import english
from hub.tables import DesiredEntry, DesiredList, Device, Edge, ReportedList, Revocation


@dataclass(frozen=True, slots=True)
class DeviceState:
    """One credential on one device. `since`: when it was last reported so (read back where possible).

    `held_since`: since when it is known to be held as it is; `proof`: edge (which decides by list `generation`), read_back, or
    empty where there is none.
    """

    device_id: str
    device_name: str
    state: str
    since: datetime | None
    code: str = ""
    message_zh: str = ""
    held_since: datetime | None = None
    proof: str = ""
    generation: int = 0

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "message_en": english(self.message_zh)}


@dataclass(frozen=True, slots=True)
class DeviceLists:
    """Both sides of one device's list, with what decides whether the report may be believed."""

    device: Device
    edge_online: bool
    desired: DesiredList
    reported: ReportedList | None
    edge_started_at: datetime | None = None

    @property
    def ours(self) -> bool:
        """The report is of a list that we published: a generation and digest that we know."""
        r = self.reported
        return r is not None and (not r.generation or self.desired.recent.get(str(r.generation)) == r.digest)

    @property
    def in_step(self) -> bool:
        """The device holds exactly what it should, and its edge is there to say so."""
        r = self.reported
        return (
            self.edge_online
            and r is not None
            and r.generation == self.desired.generation
            and r.digest == self.desired.digest
            and not r.pending
            and not r.refused
            and self.seen
        )

    @property
    def seen(self) -> bool:
        """The report rests on a reading of the device (or the edge decides itself), not on what was written."""
        r = self.reported
        if r is None or r.decided_at_edge:
            return r is not None
        return r.read_back_at is not None and not r.assumed and not self.lost_since

    @property
    def lost_since(self) -> bool:
        """The device was lost, or came back, or its edge started anew, after it was last read: nobody has seen what it holds."""
        r = self.reported
        if r is None or r.decided_at_edge or r.read_back_at is None:
            return False
        return any(at is not None and r.read_back_at < at for at in (self.device.condition_since, self.edge_started_at))

    @property
    def state(self) -> str:
        """`in_step`, `pending` (being written), `refusals`, `behind` (an older list), `unknown` (also: never read back)."""
        r = self.reported
        if r is None or not self.edge_online:
            return "unknown"
        if r.generation != self.desired.generation or r.digest != self.desired.digest:
            return "behind"
        if r.pending:
            return "pending"
        if self.lost_since:  # also of the entries that were not refused nobody knows whether they still stand there
            return "unknown"
        if r.refused:
            return "refusals"
        return "in_step" if self.seen else "unknown"


def device_lists(
    session: Session, estate_ids: Collection[str] | None = None, devices: Collection[str] | None = None
) -> list[DeviceLists]:
    """These devices, or all of these (or all) estates, for which a list was published, by code. Payloads stay in the database."""
    query = (
        select(Device, Edge.online, Edge.started_at, DesiredList, ReportedList)
        .join(Edge, Edge.id == Device.edge_id)
        .join(DesiredList, DesiredList.device_id == Device.id)
        .outerjoin(ReportedList, ReportedList.device_id == Device.id)
        .options(defer(DesiredList.payload), defer(DesiredList.signature))
        .order_by(Device.code)
    )
    if estate_ids is not None:
        query = query.where(Device.estate_id.in_(sorted(estate_ids)))
    if devices is not None:
        query = query.where(Device.id.in_(sorted(devices)))
    rows = session.execute(query)
    return [
        DeviceLists(device, bool(online), desired, reported, started)
        for device, online, started, desired, reported in rows
    ]


def credential_states(session: Session, tokens: Iterable[str]) -> dict[str, list[DeviceState]]:
    """token → its state on each device that should hold it. Ended tokens: devices that may still hold them (`pending`)."""
    wanted = sorted(set(tokens))
    found: dict[str, list[DeviceState]] = {token: [] for token in wanted}
    if not wanted:
        return found
    entries: dict[str, dict[str, int]] = {}
    confirmed: dict[tuple[str, str], datetime | None] = {}
    leaving: dict[str, dict[str, str]] = {}
    for part in _parts(wanted):
        for device, token, generation, confirmed_at in session.execute(
            select(
                DesiredEntry.device_id, DesiredEntry.token, DesiredEntry.generation, DesiredEntry.confirmed_at
            ).where(DesiredEntry.token.in_(part))
        ):
            entries.setdefault(device, {})[token] = generation
            confirmed[device, token] = confirmed_at
        told_of = select(
            Revocation.device_id, Revocation.token, Revocation.told, Revocation.state, Revocation.generation
        )
        for device, token, told, became, number in session.execute(
            told_of.where(Revocation.token.in_(part), Revocation.part == "")
        ):
            if became == "open":
                leaving.setdefault(device, {})[token] = told
            elif became in ("gone", "assumed") and not number:  # gone already, ahead of the list that says so
                entries.get(device, {}).pop(token, None)
    for lists in device_lists(session, devices=entries.keys() | leaving.keys()):
        judge = _Judge(lists, entries.get(lists.device.id, {}), leaving.get(lists.device.id, {}))
        for token in wanted:
            if state := judge.state(token):
                held_since = confirmed.get((state.device_id, token)) if state.state == "confirmed" else None
                found[token].append(replace(state, held_since=held_since))
    return found


PART = 500


def _parts(tokens: list[str]) -> Iterable[list[str]]:
    return (tokens[start : start + PART] for start in range(0, len(tokens), PART))


class _Judge:
    """Reads one device's report for some tokens. `since`: token → the generation since which its entry is as it is."""

    def __init__(self, lists: DeviceLists, since: Mapping[str, int], leaving: Mapping[str, str]) -> None:
        self.lists, self.since, self.leaving = lists, since, leaving
        reported = lists.reported
        self.refused = {str(r["token"]): r for r in (reported.refused if reported else [])}
        self.pending = set(reported.pending_tokens if reported else [])

    def state(self, token: str) -> DeviceState | None:
        if token in self.leaving:  # also while it still stands on the list that is about to be replaced
            told = self.leaving[token]
            return self._told("pending", "removal", "已发出删除，等待设备确认。" + told)
        if token in self.since:
            return self._held(token)
        return None

    def _held(self, token: str) -> DeviceState:
        lists, reported = self.lists, self.lists.reported
        if not lists.edge_online or reported is None:
            return self._told("unknown", "", "网关离线或尚未上报，无法确认设备现有名单。")
        if not lists.ours:
            return self._told("unknown", "", "设备上报的名单版本不是本中心发出的，正在重新下发。")
        if reported.generation < self.since[token]:
            return self._told("pending")
        if refusal := self.refused.get(token):
            code, text = str(refusal.get("code", "")), str(refusal.get("text", ""))
            held = {name: bool(refusal.get(name, False)) for name in ("partial", "outdated")}
            return self._told("refused", code, refusal_zh(code, text, **held))
        if token in self.pending or reported.pending > len(self.pending):
            return self._told("pending")
        if lists.lost_since:
            return self._told("unknown", "", "设备离线，或恢复连接后尚未回读，无法确认设备现有名单。")
        if reported.decided_at_edge or (reported.confirmed and not reported.assumed and reported.read_back_at):
            return self._told("confirmed", proof="edge" if reported.decided_at_edge else "read_back")
        return self._told("assumed", "", "已写入，该设备无法回读核对。")

    def _told(self, state: str, code: str = "", message: str = "", proof: str = "") -> DeviceState:
        device, reported = self.lists.device, self.lists.reported
        since = (reported.read_back_at or reported.reported_at) if reported else None
        generation = reported.generation if reported else 0
        return DeviceState(device.id, device.name, state, since, code, message, None, proof, generation)


def in_force(modes: Iterable[Mapping[str, Any]] | None, at: datetime) -> list[Mapping[str, Any]]:
    """Of the modes that a device reports of its doors. One that has reached its end is over, also where no word of it came: its
    box ends it by itself."""
    return [one for one in modes or () if not one.get("until") or at < datetime.fromisoformat(str(one["until"]))]
