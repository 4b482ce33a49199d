"""What occupancy says of each dwelling of an estate, for the 楼盘表: a question to the stored days, findings and cases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.tables import CaseFile, Dwelling, Finding, PassDay, PresenceDay

SUSPECTED = {"sublet": "suspected_sublet", "vacancy": "suspected_idle", "not_moved_in": "suspected_idle"}
"""Kind of finding → dwelling status. `vacant_used` concerns a dwelling that is not let."""

LEADS = ("yellow", "orange", "red")
_RANK = {stage: rank for rank, stage in enumerate(LEADS)}


@dataclass(frozen=True, slots=True)
class OccupancyOf:
    """`last_pass_day`: last local day with a lawful pass (faces without consent (b) are not looked at).

    `state`, `state_day`: the newest presence day. `suspected`: suspected_sublet, suspected_idle or None, from findings
    of stage yellow and above whose case is open. `case_stage`: the highest stage of an open case (for those who may see cases).
    """

    last_pass_day: date | None = None
    state: str | None = None
    state_day: date | None = None
    suspected: str | None = None
    case_stage: str | None = None


def occupancy_of(session: Session, estate_id: str) -> dict[str, OccupancyOf]:
    """Dwelling id → what is known; every dwelling of the estate is in it."""
    in_estate = select(Dwelling.id).where(Dwelling.estate_id == estate_id)
    dwellings = session.scalars(select(Dwelling.id).where(Dwelling.estate_id == estate_id)).all()
    rows = session.execute(
        select(PassDay.dwelling_id, func.max(PassDay.day))
        .where(PassDay.dwelling_id.in_(in_estate), PassDay.face_consented + PassDay.other > 0)
        .group_by(PassDay.dwelling_id)
    )
    passes: dict[str, date] = {dwelling: day for dwelling, day in rows}  # noqa: C416
    states = _newest_states(session, estate_id)
    suspected, stages = _leads(session, estate_id), _case_stages(session, estate_id)
    nothing: tuple[str | None, date | None] = (None, None)
    return {
        dwelling: OccupancyOf(
            last_pass_day=passes.get(dwelling),
            state=states.get(dwelling, nothing)[0],
            state_day=states.get(dwelling, nothing)[1],
            suspected=suspected.get(dwelling),
            case_stage=stages.get(dwelling),
        )
        for dwelling in dwellings
    }


def _newest_states(session: Session, estate_id: str) -> dict[str, tuple[str | None, date | None]]:
    mine = select(PresenceDay).join(Dwelling, Dwelling.id == PresenceDay.dwelling_id)
    newest = session.scalar(
        select(func.max(PresenceDay.day))
        .join(Dwelling, Dwelling.id == PresenceDay.dwelling_id)
        .where(Dwelling.estate_id == estate_id)
    )
    if newest is None:
        return {}
    rows = session.scalars(mine.where(Dwelling.estate_id == estate_id, PresenceDay.day == newest))
    return {row.dwelling_id: (row.state, row.day) for row in rows}


def _leads(session: Session, estate_id: str) -> dict[str, str]:
    """Leads nobody has closed. A sublet lead shows before a vacancy lead: somebody is there."""
    found: dict[str, str] = {}
    rows = session.execute(
        select(Finding.dwelling_id, Finding.kind)
        .join(CaseFile, CaseFile.id == Finding.case_id)
        .where(
            Finding.estate_id == estate_id,
            Finding.closed_at.is_(None),
            CaseFile.closed_at.is_(None),
            Finding.stage.in_(LEADS),
            Finding.kind.in_(SUSPECTED),
        )
    )
    for dwelling, kind in rows:
        if found.get(dwelling) != "suspected_sublet":
            found[dwelling] = SUSPECTED[kind]
    return found


def _case_stages(session: Session, estate_id: str) -> dict[str, str]:
    found: dict[str, str] = {}
    rows = session.execute(
        select(CaseFile.dwelling_id, CaseFile.stage).where(
            CaseFile.estate_id == estate_id, CaseFile.closed_at.is_(None), CaseFile.stage.in_(LEADS)
        )
    )
    for dwelling, stage in rows:
        if dwelling not in found or _RANK[stage] > _RANK[found[dwelling]]:
            found[dwelling] = stage
    return found
