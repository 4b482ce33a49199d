"""How many questions a stock of homes can bear: which wait, which never do, and that no week knows what comes after it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from hub.occupancy import asking
from hub.occupancy.asking import WINDOW_DAYS, Question, Questions, asked_above, by_week, most_of, next_monday, waits
from hub.occupancy.backtest.replay import Book
from hub.occupancy.course import Now
from hub.occupancy.finding import Finding, Kind, Stage
from hub.occupancy.outcomes import Learned, Outcomes

MONDAY = date(2026, 3, 2).toordinal() - date(1970, 1, 1).toordinal()


def stands(*stages: Stage | None, rule: str = "S1", due: bool = False) -> list[Now | None]:
    return [None if stage is None else Now(stage, rule, 0, (), due) for stage in stages]


def waiting(course: list[Now | None], chance: list[float], above: list[float]) -> list[int]:
    return [int(one) for one in waits(course, np.array(chance), np.array(above))]


def test_mondays() -> None:
    assert [asking.is_monday(MONDAY + n) for n in range(7)] == [True] + [False] * 6
    assert [next_monday(MONDAY + n) - MONDAY for n in (-1, 0, 1, 6)] == [0, 7, 7, 7], "after the day, not on it"


def test_all_are_asked_while_a_stock_can_bear_it() -> None:
    homes = 10_000
    most = most_of(homes)
    assert most == int(0.06 * homes * 120 / 365)
    assert asked_above([0.3] * most, homes) == 0
    assert asked_above([0.9] * most + [0.3], homes) == pytest.approx(0.3), "all but the least likely"
    assert most_of(240) == 10, "in a small estate more than its share is luck"


def test_above_the_chance_that_would_have_kept_the_share() -> None:
    peaks = [n / 100 for n in range(30, 90)]
    above = asked_above(peaks, 100)
    assert sum(peak > above for peak in peaks) == most_of(100) == 10


def test_a_question_that_waits_is_put_when_its_chance_or_its_week_allows() -> None:
    yellow = stands(*[Stage.YELLOW] * 5)
    assert waiting(yellow, [0.3, 0.4, 0.5, 0.4, 0.3], [0.45] * 5) == [1, 1, 0, 0, 0], "asked once, it stays asked"
    assert waiting(yellow, [0.3] * 5, [0.45, 0.45, 0.0, 0.45, 0.45]) == [1, 1, 0, 0, 0], "a week in which all are asked"
    assert waiting(yellow, [0.3] * 5, [0.0] * 5) == [0] * 5
    assert waiting(yellow, [0.45] * 5, [0.45] * 5) == [1] * 5, "above, not at: else all with the same chance are asked"
    again = stands(Stage.YELLOW, None, Stage.YELLOW)
    assert waiting(again, [0.5, 0.0, 0.4], [0.45] * 3) == [0, 0, 1], "another lead is another question"


def test_visits_files_and_what_the_law_asks_never_wait() -> None:
    for stage in (Stage.ORANGE, Stage.RED):
        assert waiting(stands(stage, Stage.YELLOW), [0.3, 0.3], [0.9, 0.9]) == [0, 0], stage
    for rule in ("V4", "V6"):
        assert waiting(stands(Stage.YELLOW, rule=rule, due=True), [0.23], [0.9]) == [0], f"{rule} is due by law"
    assert waiting(stands(Stage.YELLOW, rule="V3"), [0.23], [0.9]) == [1]
    lacking = stands(Stage.INSUFFICIENT_DATA, Stage.YELLOW, Stage.INSUFFICIENT_DATA, Stage.YELLOW)
    assert waiting(lacking, [0.3] * 4, [0.9] * 4) == [0, 1, 1, 1], (
        "what lacks data has not been asked; what waits waits on"
    )


def test_a_question_tells_the_highest_chance_it_had_by_each_monday() -> None:
    book = Questions()
    for n, chance in enumerate([0.3, 0.6, 0.4, 0.5, 0.9]):  # from a Saturday to a Wednesday
        book.day(MONDAY - 2 + n, "others", chance, due=False)
    (one,) = book.all
    assert one.first == MONDAY - 2
    assert one.by(MONDAY) == 0.6, "what Monday itself brings is not known in its first hour"
    assert one.by(MONDAY + 7) == 0.9
    book.day(MONDAY + 5, "others", 0.3, due=False)
    book.day(MONDAY + 5, "vacancy", 0.3, due=False)
    book.day(MONDAY + 6, "vacancy", 0.4, due=True)
    book.day(MONDAY + 9, "vacancy", 0.9, due=True)
    assert [q.last for q in book.all] == [0.9, 0.3, 0.4], "a lead that the law makes due is none of those that compete"


def test_no_week_knows_what_comes_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "FEWEST", 1)
    rng = np.random.default_rng(4)
    questions = []
    for first in rng.integers(MONDAY, MONDAY + 300, 200).tolist():
        book = Questions()
        for n in range(int(rng.integers(1, 40))):
            book.day(first + n, "others", float(rng.random()), due=False)
        questions += book.all
    whole = by_week(questions, 100, MONDAY, MONDAY + 299)
    assert any(chance for _week, chance in whole)
    half = MONDAY + 150

    def known(one: Question) -> Question:
        """As it stood at the end of the day before `half`."""
        mondays = [next_monday(one.first) + 7 * n for n in range(len(one.peaks))]
        peaks = [peak for peak, monday in zip(one.peaks, mondays, strict=True) if monday < half]
        return Question(one.first, peaks, one.by(next_monday(half - 1)))

    part = by_week([known(one) for one in questions if one.first < half], 100, MONDAY, half - 1)
    assert part == whole[: len(part)]
    assert len(part) == 21


def test_leads_of_long_ago_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "FEWEST", 0)
    one = Question(MONDAY, [], 0.7)
    weeks = dict(by_week([one], 10, MONDAY, MONDAY + 300))
    limited = [monday for monday, chance in weeks.items() if chance]
    begin = date(1970, 1, 1) + timedelta(days=MONDAY)
    assert (min(limited) - begin).days == 7
    assert (max(limited) - begin).days == WINDOW_DAYS // 7 * 7


def test_a_week_holds_until_the_next_one_is_known() -> None:
    first = date(2026, 3, 2)
    asks = Outcomes(above=((first, 0.4), (first + timedelta(days=14), 0.0)))
    assert asks.asked_above(first - timedelta(days=2), 18).tolist() == [0.0] * 2 + [0.4] * 14 + [0.0] * 2
    assert asks.asked_above(first + timedelta(days=3), 2).tolist() == [0.4, 0.4], "a record may begin within a week"
    assert asks.then(first, Learned()).above == asks.above, "what inspections teach leaves it alone"


def test_what_was_asked_once_is_asked_whatever_was_learned_of_its_past_since() -> None:
    """A household that changes is judged anew from its whole record, and its chances of before are others."""
    book = Book(0)
    put = found(Stage.YELLOW)
    waits_now = found(Stage.NOTE, earned=Stage.YELLOW, against=("why it waits", "guests"), waits=True)
    book.day(0, [waits_now])
    assert book.leads == [], "a question that waits is no lead"
    for day, one in enumerate((put, waits_now, waits_now), start=1):
        book.day(day, [one])
    (lead,) = book.leads
    assert (lead.stage, lead.opened, lead.closed) == ("yellow", 1, None)
    book.day(4, [])
    book.day(5, [waits_now])
    assert [one.closed for one in book.leads] == [4], "the next lead has not been asked about"
    assert waits_now.put == found(Stage.YELLOW, earned=Stage.YELLOW, against=("guests",))
    assert put.put is put


def found(stage: Stage, **more: Any) -> Finding:
    day = date(2026, 3, 2)
    texts: dict[str, Any] = dict.fromkeys(("because", "refuted_by", "evidence", "families"), ())
    words: dict[str, Any] = dict.fromkeys(("observed", "threshold", "inputs_hash"), "")
    rest = {"against": (), **texts, **words, **more}
    return Finding("h", Kind.SUBLET, "S1", "p 1", stage, window_from=day, window_to=day, coverage=1.0, **rest)
