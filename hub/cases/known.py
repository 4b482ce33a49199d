"""What is known of a case, loaded: its log folded into a `Record`, what a step looks at, and its clocks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.cases.devices import reviewed
from hub.cases.guards import Context
from hub.cases.record import LogEntry, Record, record_of
from hub.cases.states import State
from hub.cases.timers import Clock, Timer, next_due, timers
from hub.occupancy.pack import PolicyPack
from hub.occupancy.policy import packs
from hub.tables import CaseEntry, CaseFile, Estate, Finding, Tenancy

OF_VACANCY = frozenset({"vacancy", "not_moved_in"})


def zone_of(session: Session, estate_id: str) -> ZoneInfo:
    return ZoneInfo(session.scalars(select(Estate.time_zone).where(Estate.id == estate_id)).one())


def entries_of(session: Session, case_id: str) -> Sequence[CaseEntry]:
    """The log, oldest first."""
    return session.scalars(select(CaseEntry).where(CaseEntry.case_id == case_id).order_by(CaseEntry.id)).all()


def record_in(entries: Sequence[CaseEntry], zone: ZoneInfo) -> Record:
    return record_of(
        LogEntry(
            entry.at,
            entry.at.astimezone(zone).date(),
            entry.actor,
            entry.action,
            entry.reason_code,
            entry.data.get("fields", {}),
        )
        for entry in entries
    )


def latest_finding(session: Session, case_id: str) -> Finding | None:
    """The finding a case rests on: the live one, else the last; of the case's own kind where another lead went on in it."""
    own = Finding.kind == select(CaseFile.kind).where(CaseFile.id == case_id).scalar_subquery()
    return session.scalar(
        select(Finding)
        .where(Finding.case_id == case_id)
        .order_by(own.desc(), Finding.closed_at.is_(None).desc(), Finding.updated_at.desc(), Finding.id)
        .limit(1)
    )


def pack_of(finding: Finding | None) -> PolicyPack | None:
    """The policy pack that a finding was judged by, if it is installed."""
    return packs().get(finding.policy_version.split(" ")[0]) if finding else None


def context_of(session: Session, case: CaseFile, actor: str, now: datetime) -> Context:
    """What a step by this user looks at now."""
    zone = zone_of(session, case.estate_id)
    finding = latest_finding(session, case.id)
    rule = pack.vacancy if case.kind in OF_VACANCY and (pack := pack_of(finding)) else None
    in_a_row = rule is not None and rule.shape == "consecutive" and case.kind == "vacancy"
    return Context(
        kind=case.kind,
        stage=case.stage,
        state=State(case.state),
        record=record_in(entries_of(session, case.id), zone),
        actor=actor,
        today=now.astimezone(zone).date(),
        household=case.tenancy_id is not None and not _over(session, case.tenancy_id),
        ended=_over(session, case.tenancy_id),
        devices_reviewed=reviewed(session, finding),
        appointments_per_month=rule.contacts.appointments_per_month if rule else None,
        idle_since=finding.window_from if finding and in_a_row else None,
        idle_months=rule.months if rule and in_a_row else None,
    )


def _over(session: Session, tenancy_id: str | None) -> bool:
    """The household of the case has no tenancy any more: others may live there, and nobody asks them instead."""
    tenancy = session.get(Tenancy, tenancy_id) if tenancy_id else None
    return tenancy is not None and tenancy.state == "ended"


def running(session: Session, case: CaseFile, now: datetime) -> tuple[Timer, ...]:
    """The case's clocks now."""
    zone = zone_of(session, case.estate_id)
    return timers(
        Clock(
            kind=case.kind,
            state=State(case.state),
            record=record_in(entries_of(session, case.id), zone),
            opened=case.opened_at.astimezone(zone).date(),
            today=now.astimezone(zone).date(),
            lease_end=_lease_end(session, case.tenancy_id),
        )
    )


def _lease_end(session: Session, tenancy_id: str | None) -> date | None:
    tenancy = session.get(Tenancy, tenancy_id) if tenancy_id else None
    return tenancy.to_date if tenancy is not None and tenancy.state == "active" else None


def set_step_due(session: Session, case: CaseFile, now: datetime) -> tuple[Timer, ...]:
    """Keep with the case by when one of us must act, so that lists find what is late. The clocks it has."""
    found = running(session, case, now)
    due = next_due(found)
    case.step_due_at = _end_of(due, zone_of(session, case.estate_id)) if due else None
    return found


def _end_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
