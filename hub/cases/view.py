"""Cases as the console reads them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from hub.cases import workflow
from hub.cases.reasons import LABELS
from hub.cases.workflow import ACTIONS, ACTIONS_ZH, KINDS_ZH, STATES_ZH, State
from hub.occupancy.finding import RULE_TITLES
from hub.occupancy.policy import packs
from hub.tables import Block, CaseEntry, CaseFile, Dwelling, Finding, HubUser, OutboxMessage


class CaseItem(BaseModel):
    """A line of the case list. `headline`: the finding's first reason."""

    id: str
    number: str
    estate_id: str
    dwelling_id: str
    dwelling_code: str
    block_name: str
    dwelling_number: str
    kind: str
    kind_zh: str
    stage: str
    state: str
    state_zh: str
    opened_at: datetime
    due_at: datetime | None
    headline: str


class EvidenceItem(BaseModel):
    kind: str
    ref: str
    text_zh: str
    day: date | None


class FindingView(BaseModel):
    """What the case rests on: reasons for and against, and what would refute it."""

    rule: str
    rule_title_zh: str
    rule_version: str
    policy_version: str
    policy_title_zh: str
    stage: str
    families: list[str]
    window_from: date
    window_to: date
    coverage: float
    because: list[str]
    against: list[str]
    refuted_by: list[str]
    evidence: list[EvidenceItem]
    observed: str
    threshold: str
    legal_basis: str


class TimelineItem(BaseModel):
    at: datetime
    actor: str
    action: str
    action_zh: str
    reason_code: str
    reason_zh: str
    opinion: str


class ReasonCode(BaseModel):
    code: str
    label_zh: str


class ActionItem(BaseModel):
    action: str
    label_zh: str
    reason_codes: list[ReasonCode]
    needs_opinion: bool
    destructive: bool


class DeliveryItem(BaseModel):
    kind: str
    created_at: datetime
    delivered_at: datetime | None
    attempts: int
    last_error: str


class CaseDetail(CaseItem):
    finding: FindingView | None
    timeline: list[TimelineItem]
    actions: list[ActionItem]
    delivery: list[DeliveryItem]


def case_rows() -> Select[CaseFile, Dwelling, Block]:
    """Cases with their dwelling and block."""
    return (
        select(CaseFile, Dwelling, Block)
        .join(Dwelling, Dwelling.id == CaseFile.dwelling_id)
        .join(Block, Block.id == Dwelling.block_id)
    )


def case_items(session: Session, ids: Sequence[str]) -> list[CaseItem]:
    """Items of these cases, newest first."""
    rows = session.execute(case_rows().where(CaseFile.id.in_(ids)).order_by(CaseFile.opened_at.desc(), CaseFile.number))
    return items_of(session, [(row[0], row[1], row[2]) for row in rows])


def items_of(session: Session, rows: Sequence[tuple[CaseFile, Dwelling, Block]]) -> list[CaseItem]:
    """Items with their headlines, in one query more."""
    headlines = _headlines(session, [case.id for case, _, _ in rows])
    return [CaseItem(**_fields(case, dwelling, block, headlines.get(case.id, ""))) for case, dwelling, block in rows]


def _fields(case: CaseFile, dwelling: Dwelling, block: Block, headline: str) -> dict[str, Any]:
    return {
        "id": case.id,
        "number": case.number,
        "estate_id": case.estate_id,
        "dwelling_id": case.dwelling_id,
        "dwelling_code": dwelling.code,
        "block_name": block.name,
        "dwelling_number": dwelling.number,
        "kind": case.kind,
        "kind_zh": KINDS_ZH.get(case.kind, case.kind),
        "stage": case.stage,
        "state": case.state,
        "state_zh": STATES_ZH[State(case.state)],
        "opened_at": case.opened_at,
        "due_at": case.due_at,
        "headline": headline,
    }


def _headlines(session: Session, ids: Sequence[str]) -> dict[str, str]:
    rows = session.execute(
        select(Finding.case_id, Finding.because).where(Finding.case_id.in_(ids)).order_by(Finding.updated_at)
    )
    return {case_id: because[0] for case_id, because in rows if case_id and because}


def case_detail(
    session: Session, row: tuple[CaseFile, Dwelling, Block], finding: Finding | None, permissions: frozenset[str]
) -> CaseDetail:
    """One case with everything a person needs to decide."""
    case, dwelling, block = row
    view = finding_view(finding) if finding else None
    headline = view.because[0] if view and view.because else ""
    return CaseDetail(
        **_fields(case, dwelling, block, headline),
        finding=view,
        timeline=_timeline(session, case.id),
        actions=[_action(action) for action in workflow.actions_in(State(case.state), permissions)],
        delivery=_delivery(session, case),
    )


def finding_view(finding: Finding) -> FindingView:
    """A stored finding in words."""
    pack = packs().get(finding.policy_version.split(" ")[0])
    return FindingView(
        rule=finding.rule,
        rule_title_zh=RULE_TITLES.get(finding.rule, finding.rule),
        rule_version=finding.rule_version,
        policy_version=finding.policy_version,
        policy_title_zh=pack.title_zh if pack else finding.policy_version,
        stage=finding.stage,
        families=finding.families,
        window_from=finding.window_from,
        window_to=finding.window_to,
        coverage=finding.coverage,
        because=finding.because,
        against=finding.against,
        refuted_by=finding.refuted_by,
        evidence=[EvidenceItem.model_validate(evidence) for evidence in finding.evidence],
        observed=finding.observed,
        threshold=finding.threshold,
        legal_basis=_basis(finding),
    )


def _basis(finding: Finding) -> str:
    pack = packs().get(finding.policy_version.split(" ")[0])
    if pack is None:
        return ""
    basis = {"sublet": pack.sublet.basis, "vacant_used": pack.vacant_use.basis}.get(finding.kind, pack.vacancy.basis)
    return f"{pack.legal_basis}；{basis}"


def _action(action: workflow.Action) -> ActionItem:
    rule = ACTIONS[action]
    codes = [ReasonCode(code=code, label_zh=label) for code, label in rule.reason_codes.items()]
    return ActionItem(
        action=action.value,
        label_zh=rule.label_zh,
        reason_codes=codes,
        needs_opinion=True,
        destructive=rule.destructive,
    )


def _timeline(session: Session, case_id: str) -> list[TimelineItem]:
    rows = session.execute(
        select(CaseEntry, HubUser.display_name)
        .outerjoin(HubUser, HubUser.id == CaseEntry.actor)
        .where(CaseEntry.case_id == case_id)
        .order_by(CaseEntry.id)
    )
    others = {"system": "系统", "lease_system": "租赁系统"}
    return [
        TimelineItem(
            at=entry.at,
            actor=name or others.get(entry.actor, entry.actor),
            action=entry.action,
            action_zh=ACTIONS_ZH.get(entry.action, entry.action),
            reason_code=entry.reason_code,
            reason_zh=LABELS.get(entry.reason_code, ""),
            opinion=entry.opinion,
        )
        for entry, name in rows
    ]


def _delivery(session: Session, case: CaseFile) -> list[DeliveryItem]:
    """Messages of this case: their ids hold its id."""
    rows = session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.subject == case.dwelling_id, OutboxMessage.id.contains(case.id, autoescape=True))
        .order_by(OutboxMessage.created_at, OutboxMessage.id)
    )
    return [
        DeliveryItem(
            kind=row.kind,
            created_at=row.created_at,
            delivered_at=row.delivered_at,
            attempts=row.attempts,
            last_error=row.last_error,
        )
        for row in rows
    ]
