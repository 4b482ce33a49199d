"""The signs of an absence: what nobody measured never speaks for it, stand-ins are no members, what was said and Spring Festival
count by their ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from hub.occupancy.absence_signs import ABSENCE_COLUMN, MOST_MEMBERS, absence_signs
from hub.occupancy.asking import waits
from hub.occupancy.course import ASK_AWAY_DAYS, course_of_vacancy
from hub.occupancy.fitted import model
from hub.occupancy.likely import Likely, likely
from hub.occupancy.policy import calendar, pack_named
from hub.occupancy.presence import presence
from hub.occupancy.runs import festival_days
from hub.occupancy.values import (
    SOMEBODY,
    CredentialUse,
    DayState,
    DeclaredAbsence,
    DwellingRecord,
    Household,
    Member,
    ObservedDay,
)

FIRST = date(2025, 3, 10)
POINTS = frozenset({"entrance"})
HERE = (CredentialUse("tok-a", True, 1, 1), CredentialUse("tok-b", True, 1, 1))
COUPLE = (Member("m-1", True, True, frozenset({"tok-a"})), Member("m-2", True, True, frozenset({"tok-b"})))
LIVED, AWAY = 120, 240
PACK = pack_named("national_measured")


def record(missed: range = range(0), use: float = 0.0, members: tuple[Member, ...] = COUPLE) -> DwellingRecord:
    """Lived in, then nobody passes; the meters read `use` of the usual, and nothing on the days `missed` of the absence."""
    days = [
        ObservedDay(
            FIRST + timedelta(days=i),
            {},
            HERE if i < LIVED else (),
            None if i - LIVED in missed else round((1.0 if i < LIVED else use) * (0.2 + 0.02 * (i % 5)), 4),
            None if i - LIVED in missed else round((4.0 if i < LIVED else 0.7 + 3 * use) + 0.1 * (i % 5), 2),
        )
        for i in range(LIVED + AWAY)
    ]
    household = Household("t-1", date(2024, 1, 1), None, members)
    return DwellingRecord("d-1", household, tuple(presence(days, POINTS)), POINTS, {"water": "W", "electricity": "E"})


def judged(of: DwellingRecord, *absences: DeclaredAbsence) -> Likely:
    assert of.household is not None
    household = replace(of.household, absences=absences)
    found = likely(of, household, PACK, festival_days(calendar(), PACK.pauses), model())
    assert found is not None
    return found


def column(of: Likely, name: str) -> list[float]:
    values: list[float] = of.absence[LIVED:, ABSENCE_COLUMN[name]].tolist()
    return values


def stages(of: Likely) -> list[str]:
    return [now.stage.value if now else "" for now in course_of_vacancy(of, model().vacancy_tiers, PACK.vacancy)]


@pytest.mark.parametrize("use", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("begins", [0, 20, 60, 100, 170])
def test_ten_days_without_meters_never_raise_a_chance(begins: int, use: float) -> None:
    whole, dead = judged(record(use=use)), judged(record(range(begins, begins + 10), use))
    long = np.array(column(whole, "away")) >= ASK_AWAY_DAYS
    assert long.sum() > 100, "the days that matter are not there"
    raised = (dead.vacancy - whole.vacancy)[LIVED:][long]
    assert raised.max() <= 1e-9, "a gateway that died made a home look emptier"
    order = ["", "insufficient_data", "yellow", "orange", "red"]
    before, after = stages(whole), stages(dead)
    assert all(order.index(a) <= order.index(b) for a, b in zip(after, before, strict=True))


def test_what_the_meters_say_is_damped_by_days_they_missed() -> None:
    whole, dead = judged(record()), judged(record(range(50, 80)))
    for name in ("water_low", "power_low"):
        assert all(d <= w for w, d in zip(column(whole, name), column(dead, name), strict=True)), name
        assert column(dead, name)[100] < column(whole, name)[100], name
    for name in ("water", "power"):
        assert column(dead, name)[100] > column(whole, name)[100], f"{name} of missed days counts as usual use"


def test_who_stands_for_a_holder_nobody_named_is_no_further_member() -> None:
    stand_in = Member(SOMEBODY, True, False, frozenset({"K1"}))
    named, nameless = record(), record(members=(*COUPLE, stand_in))
    assert nameless.household is not None
    assert nameless.household.size == 2
    assert judged(named).vacancy.tolist() == judged(nameless).vacancy.tolist(), "another record of the same home"


def test_a_large_household_is_no_less_suspected_than_a_larger_one() -> None:
    days = record().days
    quiet = np.zeros(len(days), np.bool_)
    four, nine = (absence_signs(days, members, quiet, quiet)[0] for members in (MOST_MEMBERS, 9))
    assert four.tolist() == nine.tolist()


def test_days_over_what_was_declared_are_counted() -> None:
    gone = record().days[LIVED].day
    told = DeclaredAbsence("a-1", gone, gone + timedelta(days=59), "work")
    overdue = column(judged(record(), told), "overdue")
    assert overdue[:60] == [0.0] * 60
    assert overdue[60:63] == [1.0, 2.0, 3.0]
    assert set(column(judged(record()), "overdue")) == {0.0}, "nothing was declared"


def test_days_after_spring_festival_are_counted_for_who_left_for_it() -> None:
    days = record().days
    none = np.zeros(len(days), np.bool_)
    for leaves, counts in ((LIVED - 5, True), (LIVED + 5, False)):
        paused = none.copy()
        paused[leaves : leaves + 35] = True
        after = absence_signs(days, 2, paused, none)[0][:, ABSENCE_COLUMN["after_pause"]]
        assert after[leaves + 34] == 0
        assert after[leaves + 40] == (6 if counts else 0)


def test_no_file_before_the_legal_time() -> None:
    """However likely it is: law names six months, and what opens a file for people waits for them."""
    of = judged(record())
    sure = replace(of, vacancy=np.where(of.vacancy > 0, 0.99, 0.0))
    found = stages(sure)
    absent = [sum(day.state is DayState.ABSENT for day in of.days[: i + 1]) for i in range(len(of.days))]
    red = found.index("red")
    assert absent[red] >= PACK.vacancy.red_days
    assert "orange" in found[:red], "a visit may come before"


@pytest.mark.parametrize("moved_in", [True, False], ids=["lived there", "never moved in"])
def test_what_the_law_makes_due_waits_for_no_other_question(moved_in: bool) -> None:
    """A month before the law's time a home whose meters stand still is asked about at any chance, whoever else is asked."""
    of = judged(record())
    of = replace(of, vacancy=np.full(len(of.days), 0.1))
    if not moved_in:
        of = replace(of, offset=30, away_from=np.zeros_like(of.away_from))
    course = course_of_vacancy(of, model().vacancy_tiers, PACK.vacancy)
    stands = [now for now in course if now is not None]
    assert {now.stage.value for now in stands} == {"yellow"}, "at such a chance nothing but what is due is asked"
    assert {now.rule for now in stands} <= ({"V4", "V5"} if moved_in else {"V6"})
    assert len(stands) > 20
    assert all(now.due for now in stands)
    assert not waits(course, of.vacancy, np.full(len(course), 0.9)).any()
    likelier = course_of_vacancy(replace(of, vacancy=np.full(len(course), 0.3)), model().vacancy_tiers, PACK.vacancy)
    first = next(now for now in likelier if now is not None)
    assert not first.due, "before that it is a question like others"
    assert waits(likelier, np.full(len(course), 0.3), np.full(len(course), 0.9)).any()
