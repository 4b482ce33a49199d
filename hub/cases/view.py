"""Cases as the console reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from hub import caselog
from hub.cases import workflow
from hub.cases.forms import said
from hub.cases.guards import Context, was_heard
from hub.cases.known import context_of, latest_finding, running
from hub.cases.models import (
    ActionItem,
    CaseDetail,
    CaseItem,
    DeliveryItem,
    EvidenceItem,
    Filled,
    FindingInEnglish,
    FindingView,
    FormField,
    Proposed,
    ReasonCode,
    Screening,
    TimelineItem,
    TimerItem,
)
from hub.cases.question import question
from hub.cases.reasons import COUNTED_MESSAGE_ZH, COUNTED_ZH, LABELS
from hub.cases.states import KINDS_ZH, STATES_ZH, State
from hub.cases.steps import ACTIONS, ACTIONS_ZH, Action
from hub.cases.timers import Timer
from hub.english.phrases import english, in_english
from hub.occupancy.catalogue import HINT_KINDS_ZH, RULES
from hub.occupancy.finding import RULE_TITLES
from hub.occupancy.policy import packs
from hub.tables import Block, CaseEntry, CaseFile, Dwelling, Finding, HubUser, OutboxMessage

ACTIONS_VALUES = frozenset(action.value for action in Action)
AUTOMATIC = frozenset({COUNTED_ZH, COUNTED_MESSAGE_ZH})


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
        "kind_zh": kind_zh(case.kind),
        "stage": case.stage,
        "state": case.state,
        "state_zh": STATES_ZH[State(case.state)],
        "opened_at": case.opened_at,
        "due_at": case.due_at,
        "step_due_at": case.step_due_at,
        "headline": headline,
        "headline_en": english(headline),
    }


def kind_zh(kind: str) -> str:
    return KINDS_ZH.get(kind) or HINT_KINDS_ZH.get(kind, kind)


def _headlines(session: Session, ids: Sequence[str]) -> dict[str, str]:
    rows = session.execute(
        select(Finding.case_id, Finding.because).where(Finding.case_id.in_(ids)).order_by(Finding.updated_at)
    )
    return {case_id: because[0] for case_id, because in rows if case_id and because}


def case_detail(
    session: Session, row: tuple[CaseFile, Dwelling, Block], user: str, permissions: frozenset[str], now: datetime
) -> CaseDetail:
    """One case with everything this user needs to decide."""
    case, dwelling, block = row
    finding = latest_finding(session, case.id)
    view = finding_view(finding) if finding else None
    headline = view.because[0] if view and view.because else ""
    context = context_of(session, case, user, now)
    record, step = context.record, workflow.proposed(case.kind, case.stage)
    return CaseDetail(
        **_fields(case, dwelling, block, headline),
        finding=view,
        proposed=Proposed(step=step.value, label_zh=workflow.PROPOSALS_ZH[step]),
        timers=[_timer(timer) for timer in running(session, case, now)],
        hardship=Screening(
            on=record.hardship_on,
            open=list(record.hardship_open),
            found=[name for name, answer in record.hardship.items() if answer == "yes"],
        ),
        heard=was_heard(record, context.today),
        outcome=case.outcome,
        quiet_until=case.quiet_until,
        log_holds=caselog.first_broken(session, case.id) is None,
        timeline=_timeline(session, case.id),
        actions=[_action(one, context) for one in workflow.open_steps(context, permissions)],
        delivery=_delivery(session, case),
    )


def _timer(timer: Timer) -> TimerItem:
    return TimerItem(
        code=timer.code,
        label_zh=timer.label_zh,
        due=timer.due,
        whose=timer.whose,
        late=timer.late,
        soon=bool(timer.warn),
    )


def finding_view(finding: Finding) -> FindingView:
    """A stored finding in words."""
    pack, known = packs().get(finding.policy_version.split(" ")[0]), RULES.get(finding.rule)
    title, basis = pack.title_zh if pack else finding.policy_version, _basis(finding)
    limits = list(known.must_not) if known else []
    return FindingView(
        rule=finding.rule,
        rule_title_zh=RULE_TITLES.get(finding.rule) or (known.title_zh if known else finding.rule),
        rule_version=finding.rule_version,
        policy_version=finding.policy_version,
        policy_title_zh=title,
        stage=finding.stage,
        families=finding.families,
        window_from=finding.window_from,
        window_to=finding.window_to,
        coverage=finding.coverage,
        because=finding.because,
        against=finding.against,
        refuted_by=finding.refuted_by,
        evidence=[EvidenceItem(**one, text_en=english(one["text_zh"])) for one in finding.evidence],
        observed=finding.observed,
        threshold=finding.threshold,
        legal_basis=basis,
        chance=_chance(finding),
        limits=limits,
        english=FindingInEnglish(
            because=in_english(finding.because),
            against=in_english(finding.against),
            refuted_by=in_english(finding.refuted_by),
            observed=english(finding.observed),
            threshold=english(finding.threshold),
            policy_title=english(title),
            legal_basis=english(basis),
            limits=in_english(limits),
        ),
    )


def _chance(finding: Finding) -> float | None:
    """The chance as it was stated when the lead last entered a stage."""
    stated = finding.stated[-1].get("chance") if finding.stated else None
    return float(stated) if isinstance(stated, int | float) else None


def _basis(finding: Finding) -> str:
    pack = packs().get(finding.policy_version.split(" ")[0])
    if finding.kind in HINT_KINDS_ZH:
        return RULES[finding.rule].anchor if finding.rule in RULES else ""
    if pack is None:
        return ""
    basis = {"sublet": pack.sublet.basis, "vacant_used": pack.vacant_use.basis}.get(finding.kind, pack.vacancy.basis)
    return f"{pack.legal_basis}；{basis}"


def _action(step: workflow.Open, context: Context) -> ActionItem:
    rule = step.rule
    return ActionItem(
        action=step.action.value,
        label_zh=rule.label_zh,
        reason_codes=_codes(rule.reason_codes),
        fields=[
            FormField(
                name=one.name,
                label_zh=one.label_zh,
                kind=one.kind.value,
                required=one.required,
                choices=_codes(one.choices),
                most=one.most,
                when=one.when,
                help_zh=one.help_zh,
                help_en=english(one.help_zh),
            )
            for one in rule.fields
        ],
        opinion_zh=rule.opinion_zh,
        needs_opinion=True,
        destructive=rule.ends,
        step=rule.step.value,
        blocked=step.blocked,
        blocked_en=english(step.blocked),
        offered=question(context.kind, context.today) if step.action is Action.ASK else "",
    )


def _codes(labels: Mapping[str, str]) -> list[ReasonCode]:
    return [ReasonCode(code=code, label_zh=label) for code, label in labels.items()]


def _filled(entry: CaseEntry) -> list[Filled]:
    rule = ACTIONS.get(Action(entry.action)) if entry.action in ACTIONS_VALUES else None
    told = said(rule.fields, entry.data.get("fields", {})) if rule else []
    return [
        Filled(
            name=one.name,
            code=str(entry.data["fields"][one.name]) if one.choices else "",
            label_zh=one.label_zh,
            value_zh=value,
        )
        for one, value in told
    ]


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
            actor_en=name or english(others.get(entry.actor, entry.actor)),
            action=entry.action,
            action_zh=ACTIONS_ZH.get(entry.action, entry.action),
            reason_code=entry.reason_code,
            reason_zh=LABELS.get(entry.reason_code, ""),
            opinion=entry.opinion,
            opinion_en=english(entry.opinion) if entry.actor == "system" or entry.opinion in AUTOMATIC else "",
            filled=_filled(entry),
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
            last_error_en=english(row.last_error),
        )
        for row in rows
    ]
