"""Job `occupancy.analyse`: days → findings → cases → feed, a batch of dwellings a unit of work.

A night is judged without holding the database, by several processes where it is large, and written piece by piece.

It looks every few minutes whether a night has passed (02:00 local) or days have become dirty, and runs when asked to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache

from sqlalchemy import select

from hub.cases import service, workflow
from hub.cases.inspected import outcomes_of
from hub.cases.view import case_items
from hub.clock import while_believed
from hub.db import UnitOfWork
from hub.estate.views import statuses
from hub.jobs import Job
from hub.lease import life, outbox
from hub.live import PLAIN
from hub.occupancy import asking_rows, silent_doors
from hub.occupancy.analyse import (
    Change,
    Outcome,
    batches,
    due_dwellings,
    last_whole_day,
    night_batches,
    recount,
    write_anew,
    write_night,
)
from hub.occupancy.estate_view import EstateView, load_day, load_estate
from hub.occupancy.judges import Judges, Piece
from hub.occupancy.night_write import Night
from hub.occupancy.outcomes import Outcomes
from hub.services import Hub
from hub.tables import AskingWeek, CaseFile, Estate

JOB = "occupancy.analyse"
VACANT_USED = "vacant_used"
PERIOD_S = 300.0


@dataclass
class _Totals:
    dwellings: int = 0
    days: int = 0
    findings: int = 0
    cases: int = 0
    left: int = 0
    stopped: bool = False

    def add(self, hub: Hub, estate_id: str, outcome: Outcome, touched: list[str]) -> None:
        announce(hub, estate_id, touched)
        self.dwellings += outcome.dwellings
        self.days += outcome.days
        self.findings += len(outcome.changes)
        self.cases += len(touched)

    def said(self) -> str:
        text = f"{self.dwellings} dwellings, {self.days} days, {self.findings} findings, {self.cases} cases"
        text += f"; {self.left} changed meanwhile: next run" if self.left else ""
        return text + ("; told to stop: the rest in the next run" if self.stopped else "")


@dataclass(frozen=True, slots=True)
class _Work:
    """What there is to do in an estate. `anew`: dwelling → first day to judge from the whole record (None: all)."""

    estate: Estate
    last: date
    anew: dict[str, date | None]


@while_believed
def analyse(hub: Hub) -> str:
    """One line: how many dwellings and days were judged, findings changed, cases touched. A hub that is told to stop leaves
    after the piece that is being written: what was not judged stays due."""
    totals = _Totals()
    with hub.db.reading() as session:
        estates = session.scalars(select(Estate).order_by(Estate.id)).all()
    lasts = {estate.id: last_whole_day(hub.now(), estate.time_zone) for estate in estates}
    if not lasts:
        return totals.said()
    last = min(lasts.values())
    with hub.db.reading() as session:
        history = asking_rows.history_came(session, last)
    days = sorted(set(lasts.values()))  # two, where time zones lie on both sides of midnight
    if not history:
        for day in days:
            _settle_questions(hub, day)
    with Judges(hub.db, hub.config.night_jobs) as judges:
        _judge_all(hub, estates, lasts, judges, _outcomes(hub, None if history else last), totals)
        if history and all(_settle_anew(hub, day) for day in days) and not totals.stopped:
            _judge_all(hub, estates, lasts, judges, _outcomes(hub, last), totals)
    if totals.cases:
        hub.signal(outbox.JOB)
    return totals.said()


def _judge_all(
    hub: Hub,
    estates: Iterable[Estate],
    lasts: Mapping[str, date],
    judges: Judges,
    outcomes: Callable[[], Outcomes],
    totals: _Totals,
) -> None:
    for piece, night in judges.nights(_pieces(hub, estates, lasts, outcomes)):
        if night is not None and piece.view is not None:
            _write_night(hub, piece.of, piece.view, night, totals)
        else:
            _analyse_anew(hub, piece.of, judges, outcomes, totals)
            _close_due(hub, piece.of.estate, totals)
        if hub.ending.is_set():
            totals.stopped = True
            break


def _outcomes(hub: Hub, last: date | None) -> Callable[[], Outcomes]:
    """Asked for only where there is something to judge. `last`: the first day whose questions may be put; None: none may."""

    @cache
    def outcomes() -> Outcomes:
        with hub.db.reading() as session:
            above = asking_rows.above_now(session, last) if last else asking_rows.NOBODY
        return replace(outcomes_of(hub.db, hub.now().date()), above=above)

    return outcomes


def _settle_questions(hub: Hub, last: date) -> None:
    """Before any estate's `last` is judged: from which chance on its week's questions are put."""
    with hub.db.reading() as session:
        week = asking_rows.unsettled(session, last)
    if week is not None:
        with hub.db.unit_of_work("system", "questions of a week", now=hub.now()) as uow:
            uow.session.add(week)
            _record(uow, week)


def _settle_anew(hub: Hub, last: date) -> bool:
    """After history was judged. False: nowhere are questions put by their chance."""
    with hub.db.unit_of_work("system", "questions after history came", now=hub.now()) as uow:
        week = asking_rows.settle_anew(uow.session, last)
        if week is not None:
            _record(uow, week)
        return week is not None


def _record(uow: UnitOfWork, week: AskingWeek) -> None:
    said = {"above": week.above, "begun": week.begun, "most": week.most}
    uow.record("asking.settled", week.monday.isoformat(), **said)


def _pieces(
    hub: Hub, estates: Iterable[Estate], lasts: Mapping[str, date], outcomes: Callable[[], Outcomes]
) -> Iterator[Piece[_Work]]:
    """The night of each estate in pieces, and one without dwellings as its end. `lasts`: by estate, the newest day that may be
    judged."""
    for estate in estates:
        last = lasts[estate.id]
        with hub.db.reading() as session:
            due = due_dwellings(session, estate, last)
            silent = silent_doors.look(session, estate, last, hub.now()) if due else []
        pieces: list[Sequence[str]] = []
        if due:
            with _writing(hub, estate) as uow:
                silent_doors.keep(uow, silent, last if due.begun else last - timedelta(days=1))
                due = due_dwellings(uow.session, estate, last) if silent else due
                recount(uow, estate, due, last)
                pieces = night_batches(uow, estate, due, last)
        work = _Work(estate, last, dict(due.anew))
        if pieces:
            with hub.db.reading() as session:
                view = replace(load_day(session, estate, last, hub.now()), outcomes=outcomes())
            yield from (Piece(work, view, dwellings) for dwellings in pieces)
        yield Piece(work)


def _write_night(hub: Hub, work: _Work, view: EstateView, night: Night, totals: _Totals) -> None:
    with _writing(hub, work.estate) as uow:
        outcome, left = write_night(uow, view, night)
        touched = _cases(uow, outcome)
    work.anew.update(night.long_way)
    totals.left += len(left)
    totals.add(hub, work.estate.id, outcome, touched)


def _analyse_anew(hub: Hub, work: _Work, judges: Judges, outcomes: Callable[[], Outcomes], totals: _Totals) -> None:
    if not work.anew:
        return
    with hub.db.reading() as session:
        whole = load_estate(session, work.estate, work.last, hub.now())
    if whole is None:
        return
    whole = replace(whole, outcomes=outcomes())
    for judged in judges.anew(whole, batches(work.anew)):
        with _writing(hub, work.estate) as uow:
            outcome, left = write_anew(uow, whole, judged)
            touched = _cases(uow, outcome)
        totals.left += len(left)
        totals.add(hub, work.estate.id, outcome, touched)
        if hub.ending.is_set():
            break


def _close_due(hub: Hub, estate: Estate, totals: _Totals) -> None:
    with hub.db.unit_of_work("system", "case time limit", estate_id=estate.id, now=hub.now()) as uow:
        ended = [case.id for case in service.close_due(uow, estate.id)]
    announce(hub, estate.id, ended)
    totals.cases += len(ended)


def _writing(hub: Hub, estate: Estate) -> AbstractContextManager[UnitOfWork]:
    return hub.db.unit_of_work("system", "occupancy analysis", estate_id=estate.id, now=hub.now())


def _cases(uow: UnitOfWork, outcome: Outcome) -> list[str]:
    """Ids of the cases that were opened or changed."""
    touched: list[str] = []
    uow.session.flush()
    for estate in sorted({change.row.estate_id for change in outcome.changes}):
        service.hold(uow.session, estate, {change.row.dwelling_id for change in outcome.changes})
    for change in outcome.changes:
        live = _is_lead(change)
        gone = not live and change.row.case_id is not None and change.row.stage != "insufficient_data"
        case: CaseFile | None = None
        if live:
            case = service.follow(uow, change.row, change.tenancy_id)
        elif gone or (change.what == "closed" and change.row.case_id is not None):
            case = service.facts_gone(uow, change.row)
        if case is not None:
            touched.append(case.id)
    for change in outcome.changes:
        if change.row.kind == VACANT_USED:
            life.tell_vacant_use(uow, change.row, _is_lead(change))
    life.tell(uow, outcome.lives)
    return touched


def _is_lead(change: Change) -> bool:
    """Stands, and is more than a note."""
    return change.what != "closed" and change.row.stage in workflow.CASE_STAGES


def announce(hub: Hub, estate_id: str, cases: list[str]) -> None:
    """Tell open consoles of changed cases, and of the status their dwellings now have."""
    if not cases:
        return
    with hub.db.reading() as session:
        items = case_items(session, cases)
        status = statuses(session, estate_id)
    for item in items:
        hub.live.emit(estate_id, "cases", item.model_dump(mode="json"))
    for dwelling in sorted({item.dwelling_id for item in items}):
        hub.live.emit(estate_id, "dwellings", {"id": dwelling, "status": status[dwelling][0], PLAIN: None})


JOBS: tuple[Job, ...] = (Job(JOB, PERIOD_S, analyse),)
