"""Papers of devices: who reviewed what, for how long it counts, with the paper itself."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.auth import Principal, in_scope
from hub.cases.devices import KINDS_ZH
from hub.db import UnitOfWork
from hub.errors import NotFound
from hub.evidence.bundle import sha256
from hub.ids import new_id
from hub.tables import Device, DeviceReview

MEDIA = {b"%PDF-": "application/pdf", b"\x89PNG\r\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


class BadPaper(ValueError):
    """`message` is zh-CN and says what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def add_paper(uow: UnitOfWork, who: Principal, device_id: str, row: DeviceReview) -> DeviceReview:
    """Keep a paper; it is never changed afterwards, a newer one is added beside it. Raises BadPaper, NotFound."""
    device = uow.session.get(Device, device_id)
    if device is None:
        raise NotFound
    in_scope(who, device.estate_id)
    if row.kind not in KINDS_ZH:
        raise BadPaper("请选择材料的种类。")
    if not row.number:
        raise BadPaper("请填写编号或文号。")
    if row.valid_until is not None and row.valid_until < row.valid_from:
        raise BadPaper("有效期的截止日期早于起始日期，请更正。")
    row.media_type, row.sha256 = "", ""
    if row.file is not None:
        row.media_type, row.sha256 = _media(row.file), sha256(row.file)
    row.id, row.device_id, row.estate_id = new_id("paper"), device_id, device.estate_id
    row.reviewed_by, row.reviewer, row.at = who.id, who.display_name, uow.now
    uow.estate_id = device.estate_id
    uow.session.add(row)
    uow.session.flush()
    uow.record("device.paper_added", device_id, kind=row.kind, paper=row.id, sha256=row.sha256)
    return row


def _media(content: bytes) -> str:
    for start, media in MEDIA.items():
        if content.startswith(start):
            return media
    raise BadPaper("附件须为 PDF、PNG 或 JPEG 文件。")


def names_of(session: Session, devices: Sequence[str]) -> dict[str, str]:
    return dict(session.execute(select(Device.id, Device.name).where(Device.id.in_(devices))).all())
