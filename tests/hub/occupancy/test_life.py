"""Handed over, moved in, moved out, ready to be let again: what proves each, and what takes it back."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from hub.occupancy.life import Life, LifeKind, changes, life_of
from hub.occupancy.presence import presence
from hub.occupancy.values import CredentialUse, DwellingRecord, Household, ObservedDay

START = date(2026, 3, 1)
POINTS = frozenset({"gate"})
PASS = (CredentialUse("tok", True, other=2),)
VISITOR = (CredentialUse("v", False, other=1),)
Day = tuple[str, float | None]


def _record(story: str, *, handover: int | None = None, ended: int | None = None, **more: object) -> DwellingRecord:
    """A day a letter: p a resident's pass and water, k a pass with a dry meter (keys), v a visitor, w water alone, a nothing,
    c water of a cleaner, ? not observed, - nothing and no meter."""
    days = []
    for n, what in enumerate(story):
        uses = PASS if what in "pk" else VISITOR if what == "v" else ()
        water = {"p": 0.2, "w": 0.2, "c": 0.05, "k": 0.0, "a": 0.0, "v": 0.0}.get(what)
        gaps = {"gate": 1.0} if what == "?" else {}
        days.append(ObservedDay(START + timedelta(days=n), gaps, uses, water))
    household = None
    if handover is not None:
        household = Household("t-new", START + timedelta(days=handover), START + timedelta(days=handover))
    return DwellingRecord(
        "d",
        household,
        tuple(presence(days, POINTS)),
        POINTS,
        {"water": "w"},
        vacant_since=None if ended is None else START + timedelta(days=ended),
        ended_tenancy=None if ended is None else "t-old",
        **more,  # type: ignore[arg-type]
    )


def _facts(life: Life) -> dict[str, int]:
    return {fact.kind.value: (fact.day - START).days for fact in life.facts}


@pytest.mark.parametrize(
    ("story", "wanted"),
    [
        ("aaaaakaaaapppp", {"handed_over": 5, "moved_in": 10}),
        ("aaaaapppp", {"handed_over": 5, "moved_in": 5}),
        ("aaaaakaaaaaaaak", {"handed_over": 5}),  # keys and a look at the rooms are no move
        ("aaaaapaaaaaaaaaap", {"handed_over": 5}),  # once a fortnight neither
        ("aaaaaaaaaa", {}),
        ("aaaaa??????", {}),
    ],
)
def test_a_household_comes_in(story: str, wanted: dict[str, int]) -> None:
    life = life_of(_record(story, handover=3))
    assert _facts(life) == wanted
    assert life.decided == {LifeKind.HANDED_OVER, LifeKind.MOVED_IN}


def test_doors_and_meters_both_prove_a_move() -> None:
    handed, moved = life_of(_record("aaaaapppp", handover=3)).facts
    assert (handed.proof, moved.proof) == (("F1", "F2"), ("F1", "F2"))
    assert moved.coverage == 1.0
    assert any("立方米" in line for line in moved.because)


def test_a_hand_over_before_the_record_is_neither_proved_nor_taken_back() -> None:
    life = life_of(_record("pppppp", handover=0))
    assert (life.facts, life.decided) == ((), frozenset())
    assert list(changes(life, [(LifeKind.MOVED_IN, START - timedelta(days=90))])) == []


@pytest.mark.parametrize(
    ("story", "wanted"),
    [
        ("pppppaaaa", {"moved_out": 5, "ready_to_relet": 5}),
        ("pppppaa", {}),  # two days are too few
        ("pppppppaaa", {"moved_out": 7, "ready_to_relet": 7}),  # they stayed two days over the end
        ("ppaaaaaaaa", {"moved_out": 4, "ready_to_relet": 5}),  # gone before the end: not before it on paper
        ("pppppaaacaa", {"moved_out": 5}),  # cleaned: gone all the same, ready again only after three days
        ("pppppaaacaaa", {"moved_out": 5, "ready_to_relet": 9}),
        ("pppppaaavaaa", {"moved_out": 5, "ready_to_relet": 9}),
        ("ppppp?a?a?a?", {"moved_out": 5, "ready_to_relet": 6}),  # days nobody saw neither count nor undo
        ("ppppp??????", {}),
    ],
)
def test_a_household_leaves(story: str, wanted: dict[str, int]) -> None:
    assert _facts(life_of(_record(story, ended=4))) == wanted


def test_without_a_meter_the_doors_alone_say_so() -> None:
    moved, ready = life_of(_record("pppp----", ended=3)).facts
    assert moved.proof == ready.proof == ("F1",)
    assert "没有可用的水表" in ready.because[1]


def test_a_home_under_repair_is_not_ready() -> None:
    assert _facts(life_of(_record("pppppaaaa", ended=4, under_repair=True))) == {"moved_out": 5}


def test_what_differs_is_told_once_and_what_is_gone_taken_back() -> None:
    life = life_of(_record("pppppaaaa", ended=4))
    day = START + timedelta(days=5)
    fresh = [(kind, fact.day if fact else None) for kind, fact in changes(life, [])]
    assert fresh == [(LifeKind.MOVED_OUT, day), (LifeKind.READY_TO_RELET, day)]
    assert list(changes(life, [(LifeKind.MOVED_OUT, day), (LifeKind.READY_TO_RELET, day)])) == []
    used = life_of(_record("pppppaaaac", ended=4))
    assert list(changes(used, [(LifeKind.MOVED_OUT, day), (LifeKind.READY_TO_RELET, day)])) == [
        (LifeKind.READY_TO_RELET, None)
    ]
