"""Cases as they travel to the console."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel

MOST_OPINION = 4000


class CaseItem(BaseModel):
    """A line of the case list. `headline`: the finding's first reason.

    `due_at`: then it ends as unproven when nothing supports it; `step_due_at`: until then one of us must have done the next step.
    """

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
    step_due_at: datetime | None
    headline: str
    headline_en: str


class EvidenceItem(BaseModel):
    kind: str
    ref: str
    text_zh: str
    text_en: str
    day: date | None


class FindingInEnglish(BaseModel):
    """The same words in English (`hub.english`); what it has no words for stays Chinese."""

    because: list[str]
    against: list[str]
    refuted_by: list[str]
    observed: str
    threshold: str
    policy_title: str
    legal_basis: str
    limits: list[str]


class FindingView(BaseModel):
    """What the case rests on: reasons for and against, and what would refute it. `chance` 0..1: as last stated; `limits`: what
    must not come of this rule."""

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
    chance: float | None
    limits: list[str]
    english: FindingInEnglish


class Filled(BaseModel):
    """`name` of the field; `code` of the choice, empty for a text or a date."""

    name: str
    code: str
    label_zh: str
    value_zh: str


class TimelineItem(BaseModel):
    """`actor_en`: people's names stay. `opinion_en`: of what the hub itself wrote; people's words are never translated."""

    at: datetime
    actor: str
    actor_en: str
    action: str
    action_zh: str
    reason_code: str
    reason_zh: str
    opinion: str
    opinion_en: str
    filled: list[Filled]


class ReasonCode(BaseModel):
    code: str
    label_zh: str


class FormField(BaseModel):
    """`kind`: text, date or choice. `when`: for a date, `past` (today or before), `future` (today or after) or any."""

    name: str
    label_zh: str
    kind: str
    required: bool
    choices: list[ReasonCode]
    most: int
    when: str
    help_zh: str
    help_en: str


class ActionItem(BaseModel):
    """`blocked`: what must come first (zh-CN, `blocked_en`); empty when it can be done now. `step`: its rung on the ladder, A0
    to A6. `offered`: a text to begin the written part with."""

    action: str
    label_zh: str
    reason_codes: list[ReasonCode]
    fields: list[FormField]
    opinion_zh: str
    needs_opinion: bool
    destructive: bool
    step: str
    blocked: str
    blocked_en: str
    offered: str = ""


class TimerItem(BaseModel):
    """A running clock. `due`: its last day. `whose`: `official` or `household`."""

    code: str
    label_zh: str
    due: date
    whose: str
    late: bool
    soon: bool


class Screening(BaseModel):
    """Hardship: `open` questions without a certain answer; `on` the day of the last screening."""

    on: date | None
    open: list[str]
    found: list[str]


class Proposed(BaseModel):
    """What the program proposes: at most an interview."""

    step: str
    label_zh: str


class DeliveryItem(BaseModel):
    kind: str
    created_at: datetime
    delivered_at: datetime | None
    attempts: int
    last_error: str
    last_error_en: str


class CaseDetail(CaseItem):
    """`heard`: the household spoke, or was sought in vain as the rule asks. `log_holds`: no entry was changed or removed.
    `quiet_until`: of a closed case: only facts that began after the decision open another before it."""

    finding: FindingView | None
    proposed: Proposed
    timers: list[TimerItem]
    hardship: Screening
    heard: bool
    outcome: str | None
    quiet_until: datetime | None
    log_holds: bool
    timeline: list[TimelineItem]
    actions: list[ActionItem]
    delivery: list[DeliveryItem]
