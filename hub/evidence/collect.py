"""What a pack of a case holds, read from the database: only reads, and no face, picture or single pass of anybody."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from hub import caselog
from hub.cases.devices import KINDS_ZH as PAPERS_ZH
from hub.cases.devices import DevicePapers, papers_for
from hub.cases.known import entries_of, latest_finding, zone_of
from hub.cases.reasons import CONFIDENTIAL, LABELS
from hub.cases.states import STATES_ZH, State
from hub.cases.steps import ACTIONS_ZH
from hub.cases.view import finding_view, kind_zh
from hub.evidence.values import Mask, plain, when
from hub.occupancy.policy import packs
from hub.relations import RELATIONS_ZH
from hub.tables import (
    AccessPoint,
    AuditRow,
    Block,
    CaseFile,
    Coverage,
    Device,
    DeviceReview,
    Door,
    Dwelling,
    Estate,
    EventRow,
    Finding,
    HouseholdMember,
    HubUser,
    Meter,
    MeterDay,
    OutboxMessage,
    Person,
    PresenceDay,
    Tenancy,
)

Window = tuple[datetime, datetime]
SECRET_ZH = "（内容保密，见含完整个人信息的证据包）"


def mask_of(session: Session, case: CaseFile, active: bool) -> Mask:
    return Mask.over((person.name for _, person in _members(session, case)), active)


def case_json(session: Session, case: CaseFile, mask: Mask) -> dict[str, Any]:
    """The case, its place, its lease by number, and its household."""
    estate = session.get_one(Estate, case.estate_id)
    dwelling = session.get_one(Dwelling, case.dwelling_id)
    block = session.get_one(Block, dwelling.block_id)
    tenancy = session.get(Tenancy, case.tenancy_id) if case.tenancy_id else None
    told: dict[str, Any] = plain(
        {
            "id": case.id,
            "number": case.number,
            "kind": case.kind,
            "kind_zh": kind_zh(case.kind),
            "stage": case.stage,
            "state": case.state,
            "state_zh": STATES_ZH[State(case.state)],
            "outcome": case.outcome,
            "opened_at": case.opened_at,
            "closed_at": case.closed_at,
            "estate": {"id": estate.id, "code": estate.code, "name": estate.name, "time_zone": estate.time_zone},
            "dwelling": {"code": dwelling.code, "block": block.name, "number": dwelling.number},
            "lease": _lease(tenancy),
            "household": [
                {"name": mask.name(person.name), "relation_zh": RELATIONS_ZH.get(member.relation, "其他")}
                for member, person in _members(session, case)
            ],
        }
    )
    return told


def _lease(tenancy: Tenancy | None) -> dict[str, Any] | None:
    if tenancy is None:
        return None
    names = ("source", "source_id", "state", "from_date", "to_date", "handover_at")
    return {name: getattr(tenancy, name) for name in names}


def _members(session: Session, case: CaseFile) -> list[tuple[HouseholdMember, Person]]:
    rows = session.execute(
        select(HouseholdMember, Person)
        .join(Person, Person.id == HouseholdMember.person_id)
        .where(HouseholdMember.tenancy_id == case.tenancy_id)
        .order_by(HouseholdMember.ordinal, HouseholdMember.id)
    )
    return [(row[0], row[1]) for row in rows]


def finding_json(session: Session, case: CaseFile, mask: Mask) -> dict[str, Any] | None:
    """What the case rests on, also what speaks against it, with the whole policy pack it was judged by."""
    finding = latest_finding(session, case.id)
    if finding is None:
        return None
    pack = packs().get(finding.policy_version.split(" ")[0])
    said = finding_view(finding).model_dump(mode="json")
    said["evidence"] = [
        {**one, "ref": mask.token(one["ref"]) if one["kind"] == "credential" else one["ref"]}
        for one in said["evidence"]
    ]
    extra = {"id": finding.id, "inputs_hash": finding.inputs_hash, "opened_at": when(finding.opened_at)}
    return {**said, **extra, "policy": pack.model_dump(mode="json") if pack else None}


def window_of(finding: Finding, zone: ZoneInfo) -> Window:
    """From the start of its first day to the end of its last, in UTC."""
    start = datetime.combine(finding.window_from, time(), zone).astimezone(UTC)
    return start, datetime.combine(finding.window_to + timedelta(days=1), time(), zone).astimezone(UTC)


def days_json(session: Session, finding: Finding) -> list[dict[str, Any]]:
    """Each day's judgement and how much could be observed: no person, no hour."""
    rows = session.execute(
        select(PresenceDay.day, PresenceDay.state, PresenceDay.coverage)
        .where(
            PresenceDay.dwelling_id == finding.dwelling_id,
            PresenceDay.day.between(finding.window_from, finding.window_to),
        )
        .order_by(PresenceDay.day)
    )
    return [{"day": day.isoformat(), "state": state, "coverage": coverage} for day, state, coverage in rows]


def meters_json(session: Session, finding: Finding) -> list[dict[str, Any]]:
    rows = session.scalars(
        select(MeterDay)
        .where(
            MeterDay.dwelling_id == finding.dwelling_id, MeterDay.day.between(finding.window_from, finding.window_to)
        )
        .order_by(MeterDay.meter_id, MeterDay.day)
    )
    names = ("meter_id", "quantity", "day", "first_value", "last_value", "ok_count", "bad_count")
    return [plain({name: getattr(row, name) for name in names}) for row in rows]


def devices_json(
    session: Session, case: CaseFile, finding: Finding, papers: list[DevicePapers]
) -> list[dict[str, Any]]:
    """Administrative Penalty Law art. 41: each device with its place, its papers, its clock, and when it could observe."""
    window = window_of(finding, zone_of(session, case.estate_id))
    clocks = _clocks(session, case.estate_id, [one.device_id for one in papers], window)
    return [_device(session, case, one, clocks.get(one.device_id), window) for one in papers]


def _device(
    session: Session, case: CaseFile, papers: DevicePapers, clock: dict[str, Any] | None, window: Window
) -> dict[str, Any]:
    device = session.get_one(Device, papers.device_id)
    points = session.execute(
        select(AccessPoint.name, Door.name)
        .join(Door, Door.id == AccessPoint.door_id)
        .where(AccessPoint.device_id == device.id)
        .order_by(AccessPoint.id)
    ).all()
    mine = Meter.device_id == device.id, Meter.dwelling_id == case.dwelling_id
    meters = session.scalars(select(Meter.point).where(*mine).order_by(Meter.point)).all()
    told: dict[str, Any] = plain(
        {
            **{name: getattr(device, name) for name in ("id", "code", "name", "kind", "model", "firmware")},
            "places": [point if point.startswith(door) else f"{door} {point}" for point, door in points]
            or [f"表位 {point}" for point in meters],
            "papers": [_paper(one) for one in papers.papers],
            "missing": [{"kind": kind, "zh": PAPERS_ZH[kind]} for kind in papers.missing],
            "same_reviewer": papers.same_reviewer,
            "complete": papers.complete,
            "clock": clock or {"events": 0, "worst_offset_s": None, "beyond_10_s": 0, "late": 0},
            "coverage": _coverage(session, device.id, window),
        }
    )
    return told


def _paper(one: DeviceReview) -> dict[str, Any]:
    names = (
        "id",
        "kind",
        "number",
        "note",
        "valid_from",
        "valid_until",
        "file_name",
        "media_type",
        "sha256",
        "reviewer",
    )
    return {**{name: getattr(one, name) for name in names}, "kind_zh": PAPERS_ZH[one.kind], "at": one.at}


def _coverage(session: Session, device_id: str, window: Window) -> list[dict[str, Any]]:
    rows = session.scalars(
        select(Coverage)
        .where(
            Coverage.device_id == device_id,
            Coverage.from_at < window[1],
            or_(Coverage.to_at.is_(None), Coverage.to_at > window[0]),
        )
        .order_by(Coverage.from_at)
    )
    return [{"state": row.state, "reason": row.reason, "from_at": row.from_at, "to_at": row.to_at} for row in rows]


def _clocks(session: Session, estate_id: str, devices: list[str], window: Window) -> dict[str, dict[str, Any]]:
    """The proof of time: of all records in the window, how far the device's clock was from the edge's at worst."""
    offset = func.abs(EventRow.clock_offset_s)
    rows = session.execute(
        select(
            EventRow.device_id,
            func.count(),
            func.max(offset),
            func.count().filter(offset > 10),
            func.count().filter(EventRow.late),
        )
        .where(EventRow.estate_id == estate_id, EventRow.at >= window[0], EventRow.at < window[1])
        .where(EventRow.device_id.in_(devices))
        .group_by(EventRow.device_id)
    )
    return {
        device: {"events": count, "worst_offset_s": worst, "beyond_10_s": beyond, "late": late}
        for device, count, worst, beyond, late in rows
    }


def papers_of_case(session: Session, finding: Finding) -> list[DevicePapers]:
    return papers_for(session, finding)


def files_of(session: Session, papers: list[DevicePapers]) -> list[DeviceReview]:
    """The papers that have a file, with it."""
    ids = [one.id for device in papers for one in device.papers if one.file_name]
    query = select(DeviceReview).where(DeviceReview.id.in_(ids)).order_by(DeviceReview.id)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def log_json(session: Session, case: CaseFile, mask: Mask) -> dict[str, Any]:
    """The case's log; where a name was masked the entry says so, and keeps the hash of its full words."""
    entries = entries_of(session, case.id)
    names = dict(session.execute(select(HubUser.id, HubUser.display_name)).all())
    shown = []
    for entry in entries:
        data = {key: value for key, value in entry.data.items() if key != caselog.CHAIN}
        masked = mask.data({"opinion": entry.opinion, "data": data})
        secret = mask.active and (entry.reason_code in CONFIDENTIAL or data.get("fields", {}).get("victim") == "yes")
        reason = entry.reason_code
        if secret:  # who fled, or is controlled by others, must not be found by a copy that goes from hand to hand
            masked, reason = {"opinion": SECRET_ZH, "data": {}}, ""
        shown.append(
            {
                "case_id": entry.case_id,
                "at": when(entry.at),
                "actor": entry.actor,
                "actor_name": names.get(entry.actor, entry.actor),
                "action": entry.action,
                "action_zh": ACTIONS_ZH.get(entry.action, entry.action),
                "reason_code": reason,
                "reason_zh": LABELS.get(reason, ""),
                **masked,
                "masked": secret or masked != {"opinion": entry.opinion, "data": data},
                "chained": caselog.CHAIN in entry.data,
                "hash": caselog.chain_of(entry),
            }
        )
    return {"entries": shown, "holds": caselog.first_broken(session, case.id) is None}


def audit_json(session: Session, case: CaseFile, mask: Mask) -> dict[str, Any]:
    """The rows of the hub's audit trail that name this case, each with its hash and the one before it.

    Of a row only what it says of this case: a night's row tells of many households. One that is not shown whole says `masked`.
    """
    query = (
        select(AuditRow)
        .where(or_(AuditRow.estate_id == case.estate_id, AuditRow.estate_id.is_(None)), AuditRow.at >= case.opened_at)
        .order_by(AuditRow.id)
        .execution_options(yield_per=500)
    )
    rows = []
    for row in session.scalars(query):
        own = [change for change in row.changes if change.get("subject") == case.id]
        if not own:
            continue
        changes = [mask.data(_unsaid(change) if mask.active else change) for change in own]
        reason = mask.text(row.reason)
        rows.append(
            {
                "id": row.id,
                "at": when(row.at),
                "actor": row.actor,
                "reason": reason,
                "estate_id": row.estate_id,
                "changes": changes,
                "masked": (changes, reason) != (row.changes, row.reason),
                "previous_hash": row.previous_hash,
                "hash": row.hash,
            }
        )
    return {"rows": rows}


def _unsaid(change: Mapping[str, Any]) -> dict[str, Any]:
    """Without the reason of who fled, or is controlled by others."""
    return {key: "" if key == "reason_code" and value in CONFIDENTIAL else value for key, value in change.items()}


def messages_json(session: Session, case: CaseFile, mask: Mask) -> list[dict[str, Any]]:
    rows = session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.subject == case.dwelling_id, OutboxMessage.id.contains(case.id, autoescape=True))
        .order_by(OutboxMessage.created_at, OutboxMessage.id)
    )
    return [
        {
            "id": row.id,
            "kind": row.kind,
            "created_at": when(row.created_at),
            "delivered_at": when(row.delivered_at),
            "body": mask.text(row.body),
        }
        for row in rows
    ]
