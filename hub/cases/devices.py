"""Whether the devices whose records a case rests on passed the review of Administrative Penalty Law art. 41.

Records that were not reviewed must not be evidence: a conclusion that rests on them waits for the papers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, defer

from hub.occupancy.served import served
from hub.tables import AccessPoint, DeviceReview, Door, Dwelling, Estate, Finding, Meter

KINDS_ZH = {
    "approval": "设备合格证明或检定证书",
    "sign": "设置标志照片",
    "location": "设置地点公布材料",
    "technical": "技术审核",
    "legal": "法制审核",
}
"""Every device needs one of each that counts over all days of the window on which it served."""


@dataclass(frozen=True, slots=True)
class DevicePapers:
    """`missing`: kinds without a paper that counts over those days; `same_reviewer`: one person did both reviews."""

    device_id: str
    papers: tuple[DeviceReview, ...]
    missing: tuple[str, ...]
    same_reviewer: bool

    @property
    def complete(self) -> bool:
        return not self.missing and not self.same_reviewer


def papers_of(device_id: str, papers: Iterable[DeviceReview], first: date, last: date) -> DevicePapers:
    """(P) The papers of one device against the days on which a finding rests on it."""
    mine = tuple(paper for paper in papers if paper.device_id == device_id)
    counts = [one for one in mine if one.valid_from <= first and (one.valid_until is None or one.valid_until >= last)]
    missing = tuple(kind for kind in KINDS_ZH if all(one.kind != kind for one in counts))
    technical = {one.reviewed_by for one in counts if one.kind == "technical"}
    legal = {one.reviewed_by for one in counts if one.kind == "legal"}
    same = bool(technical and legal) and len(technical | legal) < 2
    return DevicePapers(device_id, mine, missing, same)


def devices_of(session: Session, finding: Finding) -> dict[str, tuple[date, date]]:
    """Device → first and last day on which the finding may rest on it: at the dwelling's own doors and those on its way home,
    where doors speak, while it served them; at its named meters the whole window."""
    window = (finding.window_from, finding.window_to)
    found: dict[str, tuple[date, date]] = {}
    if {"F1", "F3"} & set(finding.families):
        for device, first, last in _at_doors(session, finding):
            if (days := _both((first, last), window)) is not None:
                before = found.get(device, days)
                found[device] = (min(before[0], days[0]), max(before[1], days[1]))
    meters = [one["ref"] for one in finding.evidence if one.get("kind") == "meter"]
    read_by = session.scalars(select(Meter.device_id).where(Meter.id.in_(meters)))
    return dict(sorted((found | {one: window for one in read_by if one is not None}).items()))


def _at_doors(session: Session, finding: Finding) -> Iterator[tuple[str, date, date]]:
    """(device, first, last day) of whatever ever served the doors, while those were in service."""
    estate = session.get_one(Estate, finding.estate_id)
    zone = ZoneInfo(estate.time_zone)
    block = session.scalar(select(Dwelling.block_id).where(Dwelling.id == finding.dwelling_id))
    points = session.execute(
        select(AccessPoint.id, AccessPoint.device_id, AccessPoint.in_service_since, AccessPoint.in_service_until)
        .join(Door, Door.id == AccessPoint.door_id)
        .where(
            AccessPoint.estate_id == estate.id,
            or_(
                Door.scope == "estate",
                (Door.scope == "block") & (Door.block_id == block),
                (Door.scope == "dwelling") & (Door.dwelling_id == finding.dwelling_id),
            ),
        )
    ).all()
    spans = served(session, [(id, device) for id, device, _since, _until in points])
    for id, _device, since, until in points:
        for one in spans[id]:
            mine = (
                one.from_at.astimezone(zone).date() if one.from_at else date.min,
                one.to_at.astimezone(zone).date() if one.to_at else date.max,
            )
            if (days := _both(mine, (since or date.min, until or date.max))) is not None:
                yield one.device_id, *days


def _both(one: tuple[date, date], other: tuple[date, date]) -> tuple[date, date] | None:
    """The days of both, if any."""
    first, last = max(one[0], other[0]), min(one[1], other[1])
    return (first, last) if first <= last else None


def papers_for(session: Session, finding: Finding) -> list[DevicePapers]:
    """The papers of every device of a finding, against its days of the window; the files themselves stay in the database."""
    devices = devices_of(session, finding)
    rows = session.scalars(
        select(DeviceReview)
        .where(DeviceReview.device_id.in_(devices))
        .options(defer(DeviceReview.file))
        .order_by(DeviceReview.at, DeviceReview.id)
    ).all()
    return [papers_of(device, rows, first, last) for device, (first, last) in devices.items()]


def reviewed(session: Session, finding: Finding | None) -> bool:
    """Every device of it has all its papers. A finding that rests on no device needs none."""
    return finding is not None and all(one.complete for one in papers_for(session, finding))
