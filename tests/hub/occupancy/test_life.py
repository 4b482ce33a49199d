"""Handed over, moved in, moved out, ready to be let again: what proves each, and what takes it back."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from hub.occupancy.life import GOES_ON, LATELY_DAYS, Life, LifeKind, changes, life_before, life_of
from hub.occupancy.presence import presence
from hub.occupancy.values import CredentialUse, DwellingRecord, Household, Member, ObservedDay

START = date(2026, 3, 1)
POINTS = frozenset({"gate"})
PASS = (CredentialUse("tok", True, other=2),)
VISITOR = (CredentialUse("v", False, other=1),)
Day = tuple[str, float | None]


def _record(
    story: str, *, handover: int | None = None, ended: int | None = None, unlooked: bool = False, **more: object
) -> DwellingRecord:
    """A day a letter: p a resident's pass and water, k a pass with a dry meter (keys), v a visitor, w water alone, a nothing,
    c water of a cleaner, ? not observed, m not observed but for the meter, which runs, - nothing and no meter. `unlooked`: the
    household may come by face, and nobody looks."""
    days = []
    for n, what in enumerate(story):
        uses = PASS if what in "pk" else VISITOR if what == "v" else ()
        water = {"p": 0.2, "w": 0.2, "m": 0.2, "c": 0.05, "k": 0.0, "a": 0.0, "v": 0.0}.get(what)
        gaps = {"gate": 1.0} if what in "?m" else {}
        days.append(ObservedDay(START + timedelta(days=n), gaps, uses, water, unlooked=unlooked))
    household = None
    if handover is not None:
        members = (Member("m", True, False, looked_from=None if unlooked else date.min),)
        household = Household("t-new", START + timedelta(days=handover), START + timedelta(days=handover), members)
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
    assert life.decided >= {LifeKind.HANDED_OVER, LifeKind.MOVED_IN}


def test_water_alone_moves_nobody_in_whom_the_doors_would_have_seen() -> None:
    """Builders whom somebody lets in use water for weeks before the household has passed a single door."""
    life = life_of(_record("aaa" + "w" * 25, handover=3))
    assert _facts(life) == {}
    came = life_of(_record("aaa" + "w" * 25 + "pp", handover=3))
    assert _facts(came) == {"handed_over": 28, "moved_in": 28}


@pytest.mark.parametrize("doors", ["may not look", "do not observe"])
def test_water_moves_in_whom_no_door_may_see(doors: str) -> None:
    """By face without consent (b), or where doors are down, there is nothing but the meter to go by."""
    story = "aaa" + ("w" if doors == "may not look" else "m") * 25
    life = life_of(_record(story, handover=3, unlooked=doors == "may not look"))
    assert set(_facts(life)) == {"moved_in"}


def test_doors_and_meters_both_prove_a_move() -> None:
    handed, moved = life_of(_record("aaaaapppp", handover=3)).facts
    assert (handed.proof, moved.proof) == (("F1", "F2"), ("F1", "F2"))
    assert moved.coverage == 1.0
    assert any("立方米" in line for line in moved.because)


def test_a_hand_over_before_the_record_is_neither_proved_nor_taken_back() -> None:
    life = life_of(_record("pppppp", handover=0))
    assert life.facts == ()
    assert not life.decided & {LifeKind.HANDED_OVER, LifeKind.MOVED_IN}
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


@pytest.mark.parametrize("story", ["pppppwwwww", "pppppmmmmm", "pppppaaaam", "pppppaaaww?"])
def test_a_meter_that_runs_after_the_move_out_is_not_ready(story: str) -> None:
    life = life_of(_record(story, ended=4))
    assert "ready_to_relet" not in _facts(life), f"{story}: somebody still uses the water"
    assert LifeKind.READY_TO_RELET in life.decided, "what was told before is taken back"
    assert "仍有使用迹象，当日用水0.200立方米" in life.against[LifeKind.READY_TO_RELET], "it says why"


def test_an_end_that_is_withdrawn_takes_back_what_was_told_of_it() -> None:
    told = [(LifeKind.MOVED_OUT, START + timedelta(days=5)), (LifeKind.READY_TO_RELET, START + timedelta(days=5))]
    for handover in (0, 3):
        life = life_of(_record("pppppaaaa", handover=handover))
        gone = {kind for kind, fact in changes(life, told) if fact is None}
        assert gone == {LifeKind.MOVED_OUT, LifeKind.READY_TO_RELET}, "the tenancy goes on: nobody moved out"
        assert life.against[LifeKind.MOVED_OUT] == GOES_ON


@pytest.mark.parametrize(
    ("story", "wanted"),
    [
        ("pppppaaaaappp", {"moved_out": 5}),  # left on day 4, the next came on day 10
        ("pppppppaaappp", {"moved_out": 7}),
        ("pppppaappp", {}),  # the next came at once: two days prove nothing
        ("pppppppppppppp", {}),
        ("?????a??a??appp", {"moved_out": 4}),
    ],
)
def test_late_news_of_an_end_after_a_new_household_came(story: str, wanted: dict[str, int]) -> None:
    came = len(story) - 3
    life = life_before(_record(story, handover=came), "t-old", START + timedelta(days=4))
    assert _facts(life) == wanted, "the days of who lives there now say nothing of who lived there before"
    assert life.tenancy_id == "t-old"
    assert LifeKind.READY_TO_RELET not in life.decided, "whether it is ready is not asked of a home that is let"
    assert wanted or not life.decided, "too few days between take nothing back"


def test_a_home_that_was_let_long_ago_is_not_ready_while_it_is_used() -> None:
    long = "a" * (LATELY_DAYS + 20)
    told = [(LifeKind.READY_TO_RELET, START - timedelta(days=300))]
    still = life_of(_record(long, ended=0))
    assert list(changes(still, told)) == [], "ready since before the record: that stays"
    used = life_of(_record(long + "ww", ended=0))
    assert list(changes(used, told)) == [(LifeKind.READY_TO_RELET, None)], "used, so it is taken back"
    again = life_of(_record(long + "waaa", ended=0))
    assert _facts(again) == {"ready_to_relet": len(long) + 1}
