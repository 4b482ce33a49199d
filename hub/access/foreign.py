"""What becomes of credentials found on a device that are not ours: kept, adopted, or removed. People's choice, never ours."""

from __future__ import annotations

from typing import Literal

import msgspec
from sqlalchemy.orm import Session

from hub.db import UnitOfWork
from hub.errors import NotFound
from hub.tables import Device, ReportedList

Choice = Literal["keep", "adopt", "remove"]


class ChooseForeign(msgspec.Struct, frozen=True, tag="device.foreign"):
    device_id: str
    choice: Choice


def device_in(session: Session, estate_id: str, device_id: str) -> Device:
    device = session.get(Device, device_id)
    if device is None or device.estate_id != estate_id or device.removed_at is not None:
        raise NotFound("没有这台设备，可能已移除。请刷新列表。")
    return device


def found_on(session: Session, device_id: str) -> int | None:
    """How many the edge counted there; None while nobody has looked."""
    reported = session.get(ReportedList, device_id)
    return reported.foreign if reported else None


def choose(uow: UnitOfWork, estate_id: str, action: ChooseForeign) -> str:
    """The device's id. Whoever passes by a credential that is removed does no longer: it is as many changes of access."""
    device = device_in(uow.session, estate_id, action.device_id)
    device.foreign_choice, device.remove_foreign = action.choice, action.choice == "remove"
    uow.record("device.foreign_decided", device.id, choice=action.choice, found=found_on(uow.session, device.id))
    return device.id
