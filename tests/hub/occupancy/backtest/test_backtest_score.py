"""Scoring, on labels and leads small enough to count by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hub.occupancy.backtest.baselines import BaselineCounter
from hub.occupancy.backtest.chunk import Problems
from hub.occupancy.backtest.history import History, Lease
from hub.occupancy.backtest.score import FAR, Label, Scored, Truth, read_truth, score
from hub.occupancy.backtest.tables import COLUMNS, Tables


def history(dwellings: int = 10) -> History:
    made = History(first=1000, last=1364)
    made.dwellings = [f"D{n}" for n in range(dwellings)]
    made.leases = [[Lease(0, None)] for _ in range(dwellings)]
    return made


def row(dwelling: int, kind: str, stage: str, day: int, chance: float = 0.9, begins: bool = True) -> Scored:
    return Scored(dwelling, kind, stage, day, begins, chance)


def truth(**labels: Label) -> Truth:
    made = Truth()
    for name, label in labels.items():
        made.labels[int(name[1:])].append(label)
    return made


def test_tiers_precision_recall_and_false_leads() -> None:
    facts = truth(d0=Label("lent", 1100, FAR), d1=Label("vacancy", 900, FAR))
    facts.groups["carers"] = {5, 6}
    rows = [
        row(0, "sublet_whole", "yellow", 1130),
        row(0, "sublet_whole", "red", 1190, begins=False),
        row(1, "vacancy", "orange", 1050),
        row(5, "sublet_whole", "red", 1200),
    ]
    made = score(rows, facts, history(), {})
    assert made["red"]["precision"] == 0.5, "one right, one wrong"
    assert made["red"]["false_per_10000_dwelling_years"] == 1250.0, "one in eight innocent dwelling-years"
    assert made["red"]["subgroups_false_per_10000"] == {"carers": 5000.0}
    lent = made["red"]["recall"]["lent"]
    assert (lent["within_60"], lent["within_120"], lent["median_days"]) == (0.0, 1.0, 90)
    assert made["orange+"]["recall"]["vacancy"]["median_days"] == 50, "counted from the first day of the history"
    assert made["yellow+"]["leads"] == 3, "one lead a dwelling and family in 90 days"
    assert made["yellow+"]["recall"]["lent"]["within_60"] == 1.0


def test_recall_is_told_again_of_the_cases_that_could_be_watched_for_long() -> None:
    facts = truth(
        d0=Label("lent", 1100, FAR),
        d1=Label("lent", 1100, 1218),
        d2=Label("lent", 1100, 1219),
        d3=Label("lent", 900, 1050),
    )
    last = history().last
    facts.labels[4].append(Label("lent", last - 118, FAR))
    facts.labels[5].append(Label("lent", last - 119, FAR))
    made = score([row(d, "sublet_whole", "red", 1110) for d in (0, 1)], facts, history(), {})["red"]["recall"]["lent"]
    assert (made["cases"], made["within_120"]) == (6, round(2 / 6, 4))
    seen = made["seen_120_days"]
    assert seen["cases"] == 3, (
        "119 days are too few, at the end of a case as at the end of the history; the days before it do not count"
    )
    assert seen["within_120"] == round(1 / 3, 4)
    assert made["seen_210_days"]["cases"] == 1, "of those that ran the law's six months and a month more"
    none = score([], truth(d0=Label("lent", 1100, 1110)), history(), {})["red"]["recall"]["lent"]["seen_120_days"]
    assert none == {
        "cases": 0, "within_60": None, "within_120": None, "within_210": None, "within_history": None, "median_days": None,
    }, "no case: no share"  # fmt: skip


def test_a_lead_shortly_after_the_end_is_right_and_a_due_question_counts_neither_way() -> None:
    facts = truth(d0=Label("vacancy", 1000, 1100), d1=Label("vacancy", 1000, 1100))
    rows = [
        row(0, "vacancy", "yellow", 1114),
        row(1, "vacancy", "yellow", 1115),
        row(3, "vacancy", "yellow", 1200),
        row(4, "vacancy", "yellow", 1200),
    ]
    asked = score(rows, facts, history(), {(0, 1114): 150, (3, 1200): 150, (4, 1200): 149})["yellow+"]
    assert (asked["right"], asked["leads"], asked["due_questions"], asked["due_right"]) == (1, 3, 1, 1)


def test_a_lead_enters_a_tier_once_however_long_it_stands() -> None:
    facts = truth(d0=Label("vacancy", 1000, FAR), d1=Label("lent", 1150, FAR))
    rows = [
        row(0, "vacancy", "yellow", 1060),
        row(0, "vacancy", "red", 1200, begins=False),
        row(0, "vacancy", "yellow", 1300, begins=False),
        row(1, "sublet_whole", "yellow", 1100),
        row(1, "sublet_whole", "red", 1200, begins=False),
    ]
    made = score(rows, facts, history(), {})
    asked, red = made["yellow+"], made["red"]
    assert (asked["leads"], asked["right"]) == (2, 1), "a change of stage within the tier is no other lead"
    assert asked["recall"]["lent"]["within_history"] == 0.0, "the question came before there was anything to ask about"
    assert (red["leads"], red["right"], red["recall"]["lent"]["within_60"]) == (2, 2, 1.0), "it entered red later"
    again = [*rows, row(0, "vacancy", "yellow", 1340, begins=True)]
    assert score(again, facts, history(), {})["yellow+"]["leads"] == 3, "opened anew, and more than 90 days later"
    held = [row(2, "vacancy", "insufficient_data", 1100), row(2, "vacancy", "yellow", 1110, 0.7, begins=False)]
    made = score(held, truth(d2=Label("vacancy", 1000, FAR)), history(), {})
    assert (made["yellow+"]["leads"], made["calibration_error"]) == (1, 0.3), "it asks from the day the data suffice"


def test_a_right_lead_soon_after_a_wrong_one_is_no_lead_more_and_finds_its_case() -> None:
    facts = truth(d0=Label("lent", 1150, FAR))
    rows = [row(0, "sublet_whole", "orange", 1100), row(0, "sublet_whole", "orange", 1160)]
    made = score(rows, facts, history(), {})["orange+"]
    assert (made["leads"], made["right"], made["recall"]["lent"]["within_60"]) == (1, 0, 1.0)


def test_each_group_has_all_the_figures() -> None:
    facts = truth(d0=Label("lent", 1100, FAR), d5=Label("lent", 1100, FAR))
    facts.groups["carers"] = {5, 6}
    rows = [row(0, "sublet_whole", "red", 1110), row(6, "sublet_whole", "red", 1110, 0.8)]
    made = score(rows, facts, history(), {})["subgroups"]
    red = made["carers"]["red"]
    assert (red["leads"], red["precision"], red["false_per_10000_dwelling_years"]) == (1, 0.0, 10000.0)
    assert red["recall"]["lent"]["cases"] == 1
    assert made["carers"]["calibration_error"] == 0.8


def test_calibration_error_is_the_gap_between_said_and_true() -> None:
    facts = truth(d0=Label("vacancy", 1000, FAR))
    rows = [row(0, "vacancy", "red", 1100, 0.8), row(1, "vacancy", "red", 1100, 0.8)]
    assert score(rows, facts, history(), {})["calibration_error"] == 0.3


def test_one_visit_does_not_end_an_absence_two_within_six_days_do() -> None:
    def spell(*days: int) -> int:
        counter = BaselineCounter(history(1))
        seen = np.zeros((1, 365), np.bool_)
        seen[0, list(days)] = True
        counter._packed = np.packbits(seen, axis=1)
        return counter.absent_at(0, 1000 + 200)

    assert spell(9, 10, 150, 300, 301) == 290
    assert spell(9, 10, 150, 155, 300, 301) == 145


def test_a_kind_nobody_knows_and_a_case_after_the_last_day_make_no_dwelling_guilty(tmp_path: Path) -> None:
    rows = "D0,sublet_hole,2025-01-01,\nD1,vacancy,2035-01-01,\nD2,vacancy,1972-10-01,\nD9x,vacancy,1972-10-01,\n"
    (tmp_path / "truth.csv").write_text("dwelling_id,kind,from,to\n" + rows, encoding="utf-8")
    for name, columns in COLUMNS.items():
        if name != "truth":
            (tmp_path / f"{name}.csv").write_text(",".join(columns) + "\n", encoding="utf-8")
    made, problems = history(3), Problems()
    made.number = {name: number for number, name in enumerate(made.dwellings)}
    found = read_truth(Tables(tmp_path, problems), made)
    assert found is not None
    assert list(found.labels) == [2]
    assert problems.counts == {"truth of an unknown kind, kept out": 1}
    assert problems.examples["truth of an unknown kind, kept out"] == ["D0: 'sublet_hole'"]
