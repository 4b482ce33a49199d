"""Whether the devices whose records a case rests on passed the review of Administrative Penalty Law art. 41.

Records that were not reviewed must not be evidence: a conclusion that rests on them waits for the papers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, defer

from hub.tables import AccessPoint, DeviceReview, Door, Dwelling, Finding, Meter

KINDS_ZH = {
    "approval": "设备合格证明或检定证书",
    "sign": "设置标志照片",
    "location": "设置地点公布材料",
    "technical": "技术审核",
    "legal": "法制审核",
}
"""Every device needs one of each that counts over the whole window."""


@dataclass(frozen=True, slots=True)
class DevicePapers:
    """`missing`: kinds without a paper that counts over the window; `same_reviewer`: one person did both reviews."""

    device_id: str
    papers: tuple[DeviceReview, ...]
    missing: tuple[str, ...]
    same_reviewer: bool

    @property
    def complete(self) -> bool:
        return not self.missing and not self.same_reviewer


def papers_of(device_id: str, papers: Iterable[DeviceReview], first: date, last: date) -> DevicePapers:
    """(P) The papers of one device against a window of days."""
    mine = tuple(paper for paper in papers if paper.device_id == device_id)
    counts = [one for one in mine if one.valid_from <= first and (one.valid_until is None or one.valid_until >= last)]
    missing = tuple(kind for kind in KINDS_ZH if all(one.kind != kind for one in counts))
    technical = {one.reviewed_by for one in counts if one.kind == "technical"}
    legal = {one.reviewed_by for one in counts if one.kind == "legal"}
    same = bool(technical and legal) and len(technical | legal) < 2
    return DevicePapers(device_id, mine, missing, same)


def devices_of(session: Session, finding: Finding) -> list[str]:
    """The devices whose records a finding rests on: on the dwelling's way home where doors speak, and its named meters'."""
    found: set[str] = set()
    if {"F1", "F3"} & set(finding.families):
        block = session.scalar(select(Dwelling.block_id).where(Dwelling.id == finding.dwelling_id))
        on_the_way = or_(Door.scope == "estate", (Door.scope == "block") & (Door.block_id == block))
        found |= set(
            session.scalars(
                select(AccessPoint.device_id)
                .join(Door, Door.id == AccessPoint.door_id)
                .where(AccessPoint.estate_id == finding.estate_id, AccessPoint.device_id.is_not(None), on_the_way)
            )
        )
    meters = [one["ref"] for one in finding.evidence if one.get("kind") == "meter"]
    found |= set(session.scalars(select(Meter.device_id).where(Meter.id.in_(meters))))
    return sorted(one for one in found if one)


def papers_for(session: Session, finding: Finding) -> list[DevicePapers]:
    """The papers of every device of a finding, against its window; the files themselves stay in the database."""
    devices = devices_of(session, finding)
    rows = session.scalars(
        select(DeviceReview)
        .where(DeviceReview.device_id.in_(devices))
        .options(defer(DeviceReview.file))
        .order_by(DeviceReview.at, DeviceReview.id)
    ).all()
    return [papers_of(device, rows, finding.window_from, finding.window_to) for device in devices]


def reviewed(session: Session, finding: Finding | None) -> bool:
    """Every device of it has all its papers. A finding that rests on no device needs none."""
    return finding is not None and all(one.complete for one in papers_for(session, finding))
