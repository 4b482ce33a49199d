"""(P) The reminder chain of a lease that ends by date: letters and questions, never a lock-out. Rent is no input here.

law_and_practice.md 4.1 L: L1 at −90, −30 and +1 days, L2 at +15 (no application: talk), L3 at +30 (objection letter ready).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Step:
    """`days`: from the lease's last day. `stage` L1, L2, L3; `action` what the lease system is asked to do."""

    code: str
    days: int
    stage: str
    action: str
    text_zh: str


STEPS: tuple[Step, ...] = (
    Step("before_90", -90, "L1", "renewal_reminder", "租期将于90天后届满，请提醒承租人办理续租申请。"),
    Step("before_30", -30, "L1", "renewal_reminder", "租期将于30天后届满，请再次提醒承租人办理续租申请。"),
    Step("after_1", 1, "L1", "status_question", "租期已届满，请核实续租办理情况。通行权限不变。"),
    Step("after_15", 15, "L2", "interview", "届满15日仍无续租申请，请约谈了解情况。通行权限不变。"),
    Step(
        "after_30",
        30,
        "L3",
        "objection_letter_ready",
        "届满30日，异议函已备，请住保机构决定是否发出（民法典第734条）。通行权限不变。",
    ),
)


def due(lease_end: date, today: date) -> tuple[Step, ...]:
    """The steps whose day has come, oldest first. Of several reminders before the end only the nearest: one letter, not two."""
    come = [step for step in STEPS if (today - lease_end).days >= step.days]
    before = [step for step in come if step.days < 0]
    after = [step for step in come if step.days > 0]
    if after:
        return tuple(after[-1:])
    return tuple(before[-1:])
