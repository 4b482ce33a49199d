"""What each device holds of a credential, as honestly as its edge reported it.

`confirmed` read back; `assumed` written, never read back; `pending` on its way; `refused` with a reason for the clerk;
`unknown` when nobody can say now: the edge is offline or never reported.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from hub.access.refusals import refusal_zh
from hub.tables import CredentialRow, DesiredList, Device, Edge, ReportedList


@dataclass(frozen=True, slots=True)
class DeviceState:
    """One credential on one device. `since`: when it was last reported so (read back where possible)."""

    device_id: str
    device_name: str
    state: str
    since: datetime | None
    code: str = ""
    message_zh: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class DeviceLists:
    """Both sides of one device's list, with what decides whether the report may be believed."""

    device: Device
    edge_online: bool
    desired: DesiredList
    reported: ReportedList | None

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
        return r is not None and (r.decided_at_edge or (r.read_back_at is not None and not r.assumed))

    @property
    def state(self) -> str:
        """`in_step`, `pending` (being written), `refusals`, `behind` (an older list), `unknown` (also: never read back)."""
        r = self.reported
        if r is None or not self.edge_online:
            return "unknown"
        if r.generation < self.desired.generation or r.digest != self.desired.digest:
            return "behind"
        if r.pending:
            return "pending"
        if r.refused:
            return "refusals"
        return "in_step" if self.seen else "unknown"


def device_lists(session: Session, estate_ids: Collection[str] | None = None) -> list[DeviceLists]:
    """All devices of these (or all) estates for which a list was published, by code. Payloads stay in the database."""
    query = (
        select(Device, Edge.online, DesiredList, ReportedList)
        .join(Edge, Edge.id == Device.edge_id)
        .join(DesiredList, DesiredList.device_id == Device.id)
        .outerjoin(ReportedList, ReportedList.device_id == Device.id)
        .options(defer(DesiredList.payload), defer(DesiredList.signature))
        .order_by(Device.code)
    )
    if estate_ids is not None:
        query = query.where(Device.estate_id.in_(sorted(estate_ids)))
    rows = session.execute(query)
    return [DeviceLists(device, bool(online), desired, reported) for device, online, desired, reported in rows]


def credential_states(session: Session, tokens: Iterable[str]) -> dict[str, list[DeviceState]]:
    """token → its state on each device that should hold it. Ended tokens: devices that may still hold them (`pending`)."""
    wanted = sorted(set(tokens))
    found: dict[str, list[DeviceState]] = {token: [] for token in wanted}
    if not wanted:
        return found
    estates = set(session.scalars(select(CredentialRow.estate_id).where(CredentialRow.token.in_(wanted)).distinct()))
    for lists in device_lists(session, estates):
        judge = _Judge(lists)
        for token in wanted:
            if state := judge.state(token):
                found[token].append(state)
    return found


class _Judge:
    """Reads one device's report for many tokens."""

    def __init__(self, lists: DeviceLists) -> None:
        self.lists = lists
        reported = lists.reported
        self.tokens = set(lists.desired.tokens)
        self.since: Mapping[str, int] = lists.desired.changes.get("since", {})
        self.removed: Mapping[str, Mapping[str, Any]] = lists.desired.changes.get("removed", {})
        self.refused = {str(r["token"]): r for r in (reported.refused if reported else [])}
        self.pending = set(reported.pending_tokens if reported else [])

    def state(self, token: str) -> DeviceState | None:
        if token in self.tokens:
            return self._held(token)
        if token in self.removed and removal_open(self.lists.reported, token, self.removed[token]):
            return self._told("pending", "removal", "已发出删除，等待设备确认。")
        return None

    def _held(self, token: str) -> DeviceState:
        reported = self.lists.reported
        if not self.lists.edge_online or reported is None:
            return self._told("unknown", "", "网关离线或尚未上报，无法确认设备现有名单。")
        if reported.generation < int(self.since.get(token, 0)):
            return self._told("pending")
        if refusal := self.refused.get(token):
            code, text = str(refusal.get("code", "")), str(refusal.get("text", ""))
            partial = bool(refusal.get("partial", False))
            return self._told("refused", code, refusal_zh(code, text, partial=partial))
        if token in self.pending or reported.pending > len(self.pending):
            return self._told("pending")
        if reported.decided_at_edge or (reported.confirmed and not reported.assumed and reported.read_back_at):
            return self._told("confirmed")
        return self._told("assumed", "", "已写入，该设备无法回读核对。")

    def _told(self, state: str, code: str = "", message: str = "") -> DeviceState:
        device, reported = self.lists.device, self.lists.reported
        since = (reported.read_back_at or reported.reported_at) if reported else None
        return DeviceState(device.id, device.name, state, since, code, message)


def removal_open(reported: ReportedList | None, key: str, removal: Mapping[str, Any]) -> bool:
    """`key`: a token, or `token#face` where only the face went.

    A removal is done when the device was read back with a list at least as new, and nothing is pending for this token. What
    was only written (no read-back, as in a progress report) has not been seen to be gone.
    """
    if reported is None or reported.generation < int(removal["generation"]):
        return True
    if reported.read_back_at is None and not reported.decided_at_edge:
        return True
    token = key.partition("#")[0]
    return token in reported.pending_tokens or reported.pending > len(reported.pending_tokens)
