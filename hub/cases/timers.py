"""(P) The clocks of a case: what is due by when, from whom, and what is late. Days are of the estate's zone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from hub.cases.calendar import doubt, months_after, workdays_after
from hub.cases.guards import REMINDER_DAYS
from hub.cases.record import Notice, Record
from hub.cases.states import CLOSED, State

OURS, HOUSEHOLD = "official", "household"
OBJECTION_MONTHS = 6
OBJECTION_WARN, OBJECTION_PRESS = timedelta(days=90), timedelta(days=150)
EXPIRY_OBJECTION = timedelta(days=30)
ENFORCE_MONTHS = 3
"""Administrative Compulsion Law art. 53: the application to the court, from the end of the time to sue on."""

REPLY_WORKDAYS = 15
STATE_WORKDAYS: dict[State, tuple[str, str, int]] = {
    State.OPEN: ("screen", "初筛", 5),
    State.RECHECK_REQUESTED: ("review", "数据复核", 10),
    State.VISIT: ("visit", "入户核查（不同时段）", 22),
    State.INTERVIEW: ("interview", "约谈", 15),
    State.DELIBERATION: ("second", "第二人会商", 10),
    State.CONCLUDED: ("sign", "签发或退回", 10),
}
NEXT_WORKDAYS = 5
SERVE_DAYS = 7
ARCHIVE_WORKDAYS = 22


@dataclass(frozen=True, slots=True)
class Timer:
    """`due`: the last day. `whose`: `official` or `household`; only ours is ever late. `warn`: empty, `warn` or `press`: reminded
    of before it is late."""

    code: str
    label_zh: str
    due: date
    whose: str
    late: bool
    warn: str = ""

    @property
    def reminder(self) -> str | None:
        """A key that is the same for one reminder: each is given once."""
        how = "late" if self.late else self.warn
        return f"{self.code}:{self.due.isoformat()}:{how}" if how else None


@dataclass(frozen=True, slots=True)
class Clock:
    """What the clocks run from. `lease_end`: of a tenancy that still lives."""

    kind: str
    state: State
    record: Record
    opened: date
    today: date
    lease_end: date | None = None


def timers(clock: Clock) -> tuple[Timer, ...]:
    """All running clocks, the earliest first."""
    found = [*_step(clock), *_answers(clock), *_objections(clock)]
    return tuple(sorted(found, key=lambda timer: (timer.due, timer.code)))


def next_due(running: tuple[Timer, ...]) -> date | None:
    """The earliest day on which one of us must have done something."""
    return min((timer.due for timer in running if timer.whose == OURS), default=None)


def _ours(code: str, label: str, due: date, today: date, warn: str = "") -> Timer:
    return Timer(code, label, due, OURS, today > due, warn)


def _working(code: str, label: str, since: date, days: int, today: date) -> Timer:
    """Ours, by working days."""
    due = workdays_after(since, days)
    return _ours(code, label + doubt(since, due), due, today)


def _theirs(code: str, label: str, due: date) -> Timer:
    return Timer(code, label + doubt(due), due, HOUSEHOLD, False)


def _step(c: Clock) -> Iterator[Timer]:
    since = c.record.state_since or c.opened
    if c.state in STATE_WORKDAYS:
        code, label, days = STATE_WORKDAYS[c.state]
        yield _working(code, label, since, days, c.today)
    elif c.state is State.ASKED:
        yield from _asked(c)
    elif c.state is State.NOTICED and c.record.notice:
        yield from _noticed(c, c.record.notice)
    elif c.state in CLOSED - {State.ARCHIVED}:
        yield _working("archive", "归档", since, ARCHIVE_WORKDAYS, c.today)


def _asked(c: Clock) -> Iterator[Timer]:
    until, answered = c.record.answer_until, c.record.answered_on
    if answered:
        yield _working("after_answer", "收到说明后的下一步", answered, NEXT_WORKDAYS, c.today)
    elif until:
        yield _theirs("answer", "当事人说明", until)
        yield _working("after_answer", "说明期满后的下一步", until, NEXT_WORKDAYS, c.today)


def _noticed(c: Clock, notice: Notice) -> Iterator[Timer]:
    until = notice.defence_until
    if until is None:
        yield _ours("serve", "送达", notice.on + timedelta(days=SERVE_DAYS), c.today)
        return
    yield _theirs("defend", "当事人陈述申辩", until)
    yield Timer("comply", "通知所定期限", notice.until, HOUSEHOLD, False)
    after = max(until, notice.until) + timedelta(days=REMINDER_DAYS)
    courts = notice.sue_until if notice.conclusion != "rectify" else None
    if courts and c.today > workdays_after(after, NEXT_WORKDAYS):
        after = max(after, courts)  # who did not sue waits for the court's enforcement, and is not late meanwhile
    yield _working("after_deadline", "期满后的下一步", after, NEXT_WORKDAYS, c.today)
    if courts:
        yield _ours("enforce", "申请法院强制执行的最后期限", months_after(courts, ENFORCE_MONTHS), c.today)


def _answers(c: Clock) -> Iterator[Timer]:
    waiting = {
        "reply": ("答复当事人说明", c.record.unanswered_since),
        "reply_defence": ("复核并答复陈述申辩", c.record.defence),
        "hearing": ("举行听证", c.record.hearing),
        "appeal": ("复核申诉", c.record.appeal),
    }
    for code, (label, since) in waiting.items():
        if since and (c.state not in CLOSED or (code == "appeal" and c.state is not State.ARCHIVED)):
            yield _working(code, label, since, REPLY_WORKDAYS, c.today)


def _objections(c: Clock) -> Iterator[Timer]:
    """Civil Code 718: six months of silence are consent to a sublet. 734: silence after the lease's end renews it."""
    if c.state in CLOSED:
        return
    if c.kind == "sublet" and "718" not in c.record.objections:
        known = c.today - c.opened
        warn = "press" if known >= OBJECTION_PRESS else "warn" if known >= OBJECTION_WARN else ""
        yield _ours("objection_718", "转租异议（民法典718条）", months_after(c.opened, OBJECTION_MONTHS), c.today, warn)
    if c.lease_end and c.today > c.lease_end and "734" not in c.record.objections:
        yield _ours(
            "objection_734", "到期异议或续租决定（民法典734条）", c.lease_end + EXPIRY_OBJECTION, c.today, "warn"
        )
