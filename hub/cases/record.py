"""(P) What the log of a case says, folded into one value: who was asked, heard, what was agreed and by whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from hub.cases.calendar import household_day, household_months
from hub.cases.states import NOTICES
from hub.cases.steps import ACTIONS, HARDSHIP, WRITTEN, Action
from hub.occupancy.contacts import CONTACT_CODES

ANSWER_DAYS = 14
"""A household has so long to answer the neutral question (at least 10 in practice; 14 as the question was measured)."""

DEFENCE_DAYS = 10
"""So long to state and defend after a notice (Mohe's practice)."""

SUE_MONTHS = 6
"""So long a household may sue against a decision (Administrative Litigation Law art. 46)."""

NOTICE_DAYS = {"rectify": 10, "terminate": 30, "vacate": 30}
HARDSHIP_DAYS = {"rectify": 30, "terminate": 60, "vacate": 60}
"""The least days between a notice and its deadline; the second for households in hardship."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """`on`: the day in the estate's zone. `fields`: what was filled in. `actor`: a user's id, `system` or `lease_system`."""

    at: datetime
    on: date
    actor: str
    action: str
    reason_code: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proposal:
    """The first of two said it; `agreed_by` is the second, another person."""

    by: str
    on: date
    conclusion: str
    ground: str
    electronic: bool
    agreed_by: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    number: str
    by: str
    on: date
    conclusion: str
    deadline: date
    served_on: date | None = None
    least_days: int = 0

    @property
    def until(self) -> date:
        """The deadline that counts: a notice served late leaves the household the least days all the same."""
        if self.served_on is None:
            return self.deadline
        return max(self.deadline, self.served_on + timedelta(days=self.least_days))

    @property
    def defence_until(self) -> date | None:
        """The last day of the household's term to state and defend; None while the notice is not served."""
        return household_day(self.served_on, DEFENCE_DAYS) if self.served_on else None

    @property
    def sue_until(self) -> date | None:
        """The last day on which the household may sue against it; None while the notice is not served."""
        return household_months(self.served_on, SUE_MONTHS) if self.served_on else None


@dataclass(frozen=True, slots=True)
class Record:
    """`reviewed`: people looked at the data and it stands. `state_since`: when the case came to its state. `tries`: on so many
    days after the first question the household was sought in vain, last on `tried_on`; `off_hours_tries`: so many visits of
    these out of hours. `defence`, `hearing`, `appeal`: since when one is not answered yet; `hearing_on`, `interview_on`: the day
    that was arranged. `returned`: the result of the referral came. `facts_gone_on`: since then no lead supports the case;
    `gone_reviewed`: people looked at the data after that, and it stands. `appointments`: the days of visits, met or not.
    `deciders`: who ever proposed, agreed or signed here: they do not judge an appeal against it.
    """

    state_since: date | None = None
    reviewed: bool = False
    asked_on: tuple[date, ...] = ()
    first_asked: date | None = None
    answered_on: date | None = None
    unanswered_since: date | None = None
    visits: int = 0
    appointments: tuple[date, ...] = ()
    visited_at: datetime | None = None
    off_hours_visits: int = 0
    asked_in_writing: bool = False
    tried_on: date | None = None
    tries: int = 0
    off_hours_tries: int = 0
    interview_held: bool = False
    heard: bool = False
    hardship: Mapping[str, str] = field(default_factory=dict)
    hardship_on: date | None = None
    proposal: Proposal | None = None
    notice: Notice | None = None
    defence: date | None = None
    hearing: date | None = None
    hearing_on: date | None = None
    interview_on: date | None = None
    appeal: date | None = None
    objections: frozenset[str] = frozenset()
    referred: bool = False
    returned: bool = False
    facts_gone_on: date | None = None
    gone_reviewed: bool = False
    reminded: frozenset[str] = frozenset()
    deciders: frozenset[str] = frozenset()

    @property
    def answer_until(self) -> date | None:
        return household_day(self.asked_on[-1], ANSWER_DAYS) if self.asked_on else None

    @property
    def hardship_open(self) -> tuple[str, ...]:
        """The questions without a certain answer."""
        return tuple(name for name in HARDSHIP if self.hardship.get(name) not in ("yes", "no"))

    @property
    def in_hardship(self) -> bool:
        return any(self.hardship.get(name) == "yes" for name in HARDSHIP)

    @property
    def least_days(self) -> Mapping[str, int]:
        """The least days of each kind of notice for this household."""
        return HARDSHIP_DAYS if self.in_hardship else NOTICE_DAYS


def record_of(entries: Iterable[LogEntry]) -> Record:
    """The log, oldest first, folded."""
    record = Record()
    for entry in entries:
        record = _after(record, entry)
    return record


def _after(r: Record, e: LogEntry) -> Record:
    rule = ACTIONS.get(Action(e.action)) if e.action in _ACTIONS else None
    if (rule is not None and rule.to is not None) or e.action in _MOVES or e.fields.get("outcome") == "withdrawn":
        r = replace(r, state_since=e.on)
    if e.action == "reminder":
        return replace(r, reminded=r.reminded | {str(e.fields.get("key", ""))})
    handler = _HANDLERS.get(e.action)
    r = handler(r, e) if handler else r
    if e.action == Action.WITHDRAW or e.fields.get("outcome") == "withdrawn":
        r = replace(r, defence=None, hearing=None, hearing_on=None, appeal=None)  # the household has what it asked for
    if rule is not None and e.action not in _NO_REPLY:
        r = replace(r, unanswered_since=None)
    return _contact(r, e)


def _contact(r: Record, e: LogEntry) -> Record:
    kind = CONTACT_CODES.get(e.reason_code) if e.action == Action.NOTE else None
    if kind is None or kind.reached:
        return r
    off = kind.in_person and kind.off_hours
    if kind.in_person and e.at != r.visited_at:  # the note beside the record of a visit is that same visit
        r = replace(r, appointments=(*r.appointments, e.on))
    if r.first_asked is None or e.on <= r.first_asked:
        return r
    new_day = e.on != r.tried_on
    return replace(r, tries=r.tries + new_day, tried_on=e.on, off_hours_tries=r.off_hours_tries + off)


def _day(e: LogEntry, name: str) -> date | None:
    return date.fromisoformat(str(e.fields[name])) if e.fields.get(name) else None


def _asked(r: Record, e: LogEntry) -> Record:
    return replace(
        r,
        asked_on=(*r.asked_on, e.on),
        first_asked=r.first_asked or e.on,
        asked_in_writing=r.asked_in_writing or e.fields.get("channel") in WRITTEN,
        answered_on=None,
    )


def _heard(r: Record, e: LogEntry) -> Record:
    """Whatever way a household speaks while a notice waits for what comes of it, that is its defence, and is answered as one
    (Administrative Penalty Law art. 45)."""
    if r.notice is not None and not r.referred:
        return replace(_defended(r, e), answered_on=e.on)
    return replace(r, heard=True, answered_on=e.on, unanswered_since=r.unanswered_since or e.on)


def _visited(r: Record, e: LogEntry) -> Record:
    off = e.fields.get("time") in ("evening", "weekend")
    on = _day(e, "visited_on") or e.on
    return replace(
        r,
        visits=r.visits + 1,
        off_hours_visits=r.off_hours_visits + off,
        appointments=(*r.appointments, on),
        visited_at=e.at,
    )


def _interviewed(r: Record, e: LogEntry) -> Record:
    if e.fields.get("came") == "no":
        return r
    return replace(r, interview_held=True, heard=True)


def _sound(e: LogEntry) -> bool:
    return all(e.fields.get(name) == "yes" for name in ("devices_sound", "signals_hold"))


def _proposed(r: Record, e: LogEntry) -> Record:
    told = e.fields
    made = Proposal(e.actor, e.on, str(told.get("conclusion", "")), e.reason_code, told.get("electronic") == "yes")
    return replace(r, proposal=made, deciders=r.deciders | {e.actor})


def _agreed(r: Record, e: LogEntry) -> Record:
    if r.proposal is None:
        return r
    return replace(r, proposal=replace(r.proposal, agreed_by=e.actor), deciders=r.deciders | {e.actor})


def _signed(r: Record, e: LogEntry) -> Record:
    conclusion = r.proposal.conclusion if r.proposal else ""
    deadline = date.fromisoformat(str(e.fields["deadline"]))
    number, least = str(e.fields.get("number", "")), r.least_days.get(conclusion, 0)
    made = Notice(number, e.actor, e.on, conclusion, deadline, least_days=least)
    by = r.deciders | {e.actor}
    return replace(r, notice=made, deciders=by)  # what the household said stays until it is answered


def _served(r: Record, e: LogEntry) -> Record:
    on = date.fromisoformat(str(e.fields["served_on"]))
    return replace(r, notice=replace(r.notice, served_on=on)) if r.notice else r


def _replied(r: Record, e: LogEntry) -> Record:
    r = replace(r, defence=None)
    if e.fields.get("outcome") == "lighter" and r.notice:
        r = replace(r, notice=replace(r.notice, conclusion=next(iter(NOTICES))))
    return r


def _defended(r: Record, e: LogEntry) -> Record:
    return replace(r, defence=r.defence or e.on, heard=True)


def _objected(r: Record, e: LogEntry) -> Record:
    return replace(r, objections=r.objections | {str(e.fields.get("article", ""))})


_ACTIONS = frozenset(action.value for action in Action)
_MOVES = frozenset({"opened", "closed_unproven"})
_NO_REPLY = frozenset({Action.NOTE, Action.ANSWER, Action.HARDSHIP, Action.REVIEWED, Action.OBJECTION})
"""Steps by which the household learns nothing of what becomes of its words: they are still to be answered."""

_HANDLERS: dict[str, Callable[[Record, LogEntry], Record]] = {
    Action.RECHECK: lambda r, e: replace(r, reviewed=False),
    Action.REVIEWED: lambda r, e: replace(r, reviewed=_sound(e), gone_reviewed=_sound(e)),
    Action.ASK: _asked,
    Action.ANSWER: _heard,
    "household_statement": _heard,
    Action.VISITED: _visited,
    Action.INTERVIEWED: _interviewed,
    Action.HARDSHIP: lambda r, e: replace(r, hardship=dict(e.fields), hardship_on=e.on),
    Action.PROPOSE: _proposed,
    Action.AGREE: _agreed,
    Action.DISAGREE: lambda r, e: replace(r, proposal=None, reviewed=False),
    Action.SIGN: _signed,
    Action.SERVED: _served,
    Action.DEFENCE: _defended,
    Action.REPLY: _replied,
    Action.INTERVIEW: lambda r, e: replace(r, interview_on=_day(e, "on")),
    Action.HEARING_REQUESTED: lambda r, e: replace(r, hearing=r.hearing or e.on, hearing_on=_day(e, "on")),
    Action.HEARING_HELD: lambda r, e: replace(r, hearing=None, hearing_on=None, heard=True),
    Action.APPEAL: lambda r, e: replace(r, appeal=r.appeal or e.on),
    "household_appeal": lambda r, e: replace(r, appeal=r.appeal or e.on),
    Action.APPEAL_DECIDED: lambda r, e: replace(r, appeal=None),
    Action.REFER: lambda r, e: replace(r, referred=True, returned=False),  # what came before is not its result
    Action.COMPLIED: lambda r, e: replace(r, hearing=None, hearing_on=None),  # it may still appeal
    Action.OBJECTION: _objected,
    "facts_gone": lambda r, e: replace(r, facts_gone_on=e.on, gone_reviewed=False),
    "stage_changed": lambda r, e: replace(r, facts_gone_on=None),
    "facts_back": lambda r, e: replace(r, facts_gone_on=None),
    "kind_changed": lambda r, e: replace(r, facts_gone_on=None, reviewed=False),  # of other facts than were reviewed
    "lease_decision": lambda r, e: replace(r, returned=True),
}
