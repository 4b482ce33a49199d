"""What the lease system is told of a case: facts and decisions in its own words. A household's own words stay here."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.db import UnitOfWork
from hub.lease import outbox
from hub.lease.feed import Subject, message
from hub.tables import CaseFile, Dwelling, Estate, Finding, Tenancy


def subject_of(session: Session, dwelling_id: str, tenancy_id: str | None) -> Subject:
    """A dwelling and tenancy in the lease system's words."""
    code, estate = session.execute(
        select(Dwelling.code, Estate.code)
        .join(Estate, Estate.id == Dwelling.estate_id)
        .where(Dwelling.id == dwelling_id)
    ).one()
    source = session.scalar(select(Tenancy.source_id).where(Tenancy.id == tenancy_id)) if tenancy_id else None
    return Subject(dwelling_id, code, estate, source)


def tell(
    uow: UnitOfWork, case: CaseFile, finding: Finding | None, kind: str, key: str, content: dict[str, Any]
) -> None:
    """One message of `kind`, with the case as it now stands and the finding it rests on."""
    about: dict[str, Any] = {
        "case": {"number": case.number, "kind": case.kind, "stage": case.stage, "state": case.state},
        "access_changes": False,
        **content,
    }
    if finding is not None:
        about["finding"] = {
            "rule": finding.rule,
            "rule_version": finding.rule_version,
            "policy_version": finding.policy_version,
            "families": finding.families,
            "window_from": finding.window_from,
            "window_to": finding.window_to,
            "coverage": finding.coverage,
            "because": finding.because,
            "against": finding.against,
            "inputs_hash": finding.inputs_hash,
        }
    subject = subject_of(uow.session, case.dwelling_id, case.tenancy_id)
    outbox.enqueue(uow, message(kind, key, subject, uow.now, about))
