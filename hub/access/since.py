"""Since when each device is known to hold each entry of its list: kept at the first report that says so."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from device_drivers.contract.messages import DeviceReported
from hub.tables import DesiredEntry


def keep(session: Session, report: DeviceReported, now: datetime) -> None:
    """`report` is of a list that this hub published. What it doubts is not known any more; what it leaves open stays so."""
    doubtful = sorted({*report.pending_tokens, *(r.token for r in report.refused)})
    here = DesiredEntry.device_id == report.device
    if doubtful:
        known = (here, DesiredEntry.token.in_(doubtful), DesiredEntry.confirmed_at.is_not(None))
        session.execute(update(DesiredEntry).where(*known).values(confirmed_at=None))
    read = report.confirmed > 0 and not report.assumed and report.read_back_at is not None
    if report.pending > len(report.pending_tokens) or not (report.decided_at_edge or read):
        return
    fresh = (here, DesiredEntry.confirmed_at.is_(None), DesiredEntry.generation <= report.generation)
    at = report.read_back_at or report.reported_at or now
    session.execute(update(DesiredEntry).where(*fresh, DesiredEntry.token.not_in(doubtful)).values(confirmed_at=at))
