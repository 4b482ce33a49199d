"""How far signs may lead, whatever the chance: what counts as a kind of signal of its own, and what stays a question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from hub.occupancy.columns import Days
from hub.occupancy.course import (
    CERTAIN,
    GONE,
    HABIT_CERTAIN,
    JOINED,
    LEAK_DAYS,
    OTHERWISE,
    REGISTERED_CERTAIN,
    Now,
    _leaks,
    course_of_others,
)
from hub.occupancy.finding import CREDENTIALS, DOORS, METERS, Stage
from hub.occupancy.fitted import model
from hub.occupancy.likely import ENROLLED, SEEN_DAYS, Likely, likely, rules_of, while_seen
from hub.occupancy.policy import calendar, pack_named
from hub.occupancy.presence import presence
from hub.occupancy.runs import SHORT_RUN, festival_days, looks_like_leak
from hub.occupancy.signs import COLUMN
from hub.occupancy.values import CredentialUse, DwellingRecord, Household, Member, ObservedDay

DAYS, END = 60, date(2026, 11, 20)
POINTS = frozenset({"gate"})
CARD = (CredentialUse("tok-a", True, 0, 2, hours=1 << 8 | 1 << 18),)
TIERS = replace(model().others_tiers, yellow=0.3, orange=0.6, red=0.7)
CARDS_ONLY = {
    "unidentified_recent": 1.0,
    "unidentified_usual": 1.0,
    "own_recent": 1.0,
    "observed": 1.0,
    "night_recent": 1.0,
}


@pytest.fixture(scope="module")
def tenancy() -> Likely:
    rows = [ObservedDay(END - timedelta(days=DAYS - 1 - i), {}, CARD, None) for i in range(DAYS)]
    household = Household("t-1", date(2024, 1, 1), None, (Member("m-1", True, False, frozenset({"tok-a"})),))
    record = DwellingRecord("d-1", household, tuple(presence(rows, POINTS)), POINTS, {}, contacts_kept=False)
    pack = pack_named("national_measured")
    found = likely(record, household, pack, festival_days(calendar(), pack.pauses), model())
    assert found is not None
    return found


def last(tenancy: Likely, chance: float, since: int = DAYS, **signs: float) -> Now | None:
    """What stands on the last day, where all days have these signs, and the last `since` days this chance."""
    table = np.zeros_like(tenancy.signs)
    for name, value in (CARDS_ONLY | {"night_unseen": 1.0} | signs).items():
        table[:, COLUMN[name]] = value
    of = replace(tenancy, signs=table, others=np.where(np.arange(len(tenancy.days))[::-1] < since, chance, 0.0))
    return course_of_others(of, TIERS, np.ones(len(tenancy.days), np.bool_))[-1]


def stage(now: Now | None) -> Stage | None:
    return None if now is None else now.stage


def test_cards_that_name_nobody_are_one_kind_of_signal_and_no_more(tenancy: Likely) -> None:
    now = last(tenancy, 0.99)
    assert now is not None
    assert (now.stage, now.families) == (Stage.YELLOW, (CREDENTIALS,)), (
        "whoever lives behind a card-only door uses cards"
    )


def test_other_hours_alone_are_a_new_job(tenancy: Likely) -> None:
    assert stage(last(tenancy, 0.99, shift_hours=5 * OTHERWISE)) is Stage.YELLOW


@pytest.mark.parametrize(
    "changed",
    [{"shift_tokens": OTHERWISE}, {"new_token": 0.3}, {"house_recent": 0.5, "house_usual": 0.3}, {"late_recent": 0.25}],
)
def test_other_hours_of_other_credentials_are_two_kinds_of_signals(tenancy: Likely, changed: dict[str, float]) -> None:
    now = last(tenancy, 0.99, shift_hours=OTHERWISE, **changed)
    assert now is not None
    assert now.stage is Stage.RED
    assert set(now.families) == {DOORS, CREDENTIALS}
    assert stage(last(tenancy, 0.99, shift_hours=OTHERWISE - 1, **changed)) is Stage.YELLOW


def test_a_visit_and_a_file_wait_whether_it_lasts(tenancy: Likely) -> None:
    """Guests leave, a lent card comes back, the sick get well: until then there is a question at most."""
    signs = {"shift_hours": OTHERWISE, "shift_tokens": OTHERWISE}
    assert last(tenancy, 0.99, 6, **signs) is None, "a question waits a week"
    assert stage(last(tenancy, 0.99, 7, **signs)) is Stage.YELLOW
    assert stage(last(tenancy, 0.99, 13, **signs)) is Stage.YELLOW
    assert stage(last(tenancy, 0.99, 14, **signs)) is Stage.RED
    assert stage(last(tenancy, 0.65, 14, **signs)) is Stage.ORANGE


@pytest.mark.parametrize(
    ("signs", "rule"),
    [
        ({}, "S4"),
        ({"unseen_own": SEEN_DAYS}, "S1"),
        ({"own_recent": 0.2}, "S1"),
        ({"late_recent": 0.3}, "P1"),
        ({"visitors_recent": 0.5}, "P1"),
        ({"newcomer_only": 0.3, "late_recent": 0.3}, "S2"),
    ],
)
def test_others_are_told_of_under_one_rule_and_are_less_likely_while_the_household_is_seen(
    tenancy: Likely, signs: dict[str, float], rule: str
) -> None:
    table = np.zeros_like(tenancy.signs[:1])
    for name, value in (CARDS_ONLY | signs).items():
        table[:, COLUMN[name]] = value
    assert rules_of(table).tolist() == [rule]
    fitted = model().others.chance(table)
    stated = while_seen(fitted, table)
    assert (stated < fitted).all() == (rule == "S4"), "guests, carers and partners come while the household is there"
    assert (stated == fitted).all() == (rule != "S4")


NEVER_SEEN = {"own_recent": 0.0, "own_usual": 0.0, "unseen_own": 30.0, "members": 2.0}


@pytest.mark.parametrize(("consenting", "doors"), [(2.0, True), (1.0, False)])
def test_who_did_not_consent_is_not_missed_at_the_doors(tenancy: Likely, consenting: float, doors: bool) -> None:
    """Their face passes are not looked at: that nothing is seen of them is the law's doing, not theirs."""
    now = last(tenancy, 0.99, **NEVER_SEEN, consenting=consenting)
    assert now is not None
    assert (DOORS in now.families) is doors


HABIT = {"never_recognised": 2.0, "has_water": 1.0, "water_change": 0.5, "members": 2.0, "consenting": 2.0}


@pytest.mark.parametrize(
    ("changed", "worst"),
    [
        ({}, Stage.ORANGE),
        ({"known_faces": 1.0}, Stage.RED),
        ({"unseen_own": 20.0, "own_recent": 0.0}, Stage.RED),
        ({"new_token": 0.3}, Stage.RED),
        ({"shift_meter": OTHERWISE}, Stage.ORANGE),
    ],
    ids=["as ever", "a face was known", "their cards are not used", "another card", "the meter changed, or the season"],
)
def test_who_comes_by_card_as_ever_gets_no_file_for_a_face_that_no_door_ever_saw(
    tenancy: Likely, changed: dict[str, float], worst: Stage
) -> None:
    """In some blocks most come by face and a tenth by card as they like: a habit, not strangers."""
    signs = HABIT | {"unseen_own": 0.0, "own_recent": 1.0} | changed
    assert stage(last(tenancy, HABIT_CERTAIN - 0.01, **signs)) is worst
    assert stage(last(tenancy, HABIT_CERTAIN, **signs)) is Stage.RED, "so likely, it is no habit"


def test_a_card_as_ever_and_a_face_never_seen_are_one_fact_that_makes_no_file(tenancy: Likely) -> None:
    """Whoever comes by that card may be its holder, who likes it so: somebody may look at any chance, nobody is accused."""
    alone = {"never_recognised": 2.0, "members": 2.0, "consenting": 2.0, "own_recent": 1.0, "unidentified_recent": 1.0}
    assert stage(last(tenancy, 0.99, **alone)) is Stage.ORANGE
    unused = alone | {"unidentified_recent": 0.0, "never_recognised": 1.0}
    assert stage(last(tenancy, 0.99, **unused)) is not Stage.RED
    assert stage(last(tenancy, 0.99, **alone | {"has_water": 1.0, "water_change": 0.5})) is Stage.RED, "the meter too"


def test_whom_the_register_newly_names_gets_a_visit_before_a_file(tenancy: Likely) -> None:
    """A birth, a marriage: who is registered may live there, also while nobody else of the household is seen."""
    new = {"newcomer_only": ENROLLED, "newcomers": 1.0, "gone_faces": 1.0, "unseen_own": 40.0, "own_recent": 0.0}
    assert stage(last(tenancy, REGISTERED_CERTAIN - 0.01, **new)) is Stage.ORANGE
    assert stage(last(tenancy, REGISTERED_CERTAIN, **new)) is Stage.RED, "nor is an enrolment a shield"
    assert stage(last(tenancy, REGISTERED_CERTAIN - 0.01, **new | {"newcomer_only": 0.0})) is Stage.RED


def test_where_the_newly_registered_live_alone_the_register_is_asked_about(tenancy: Likely) -> None:
    """A child who took over, a marriage, a swap that was entered late: who is registered is nobody's subtenant."""
    new = {"newcomers": 1.0, "gone_faces": 1.0, "unseen_own": 40.0, "own_recent": 0.0, "new_token": 1.0}
    days = np.ones(len(tenancy.days))

    def lead(joined: float, before: float) -> Stage | None:
        of = replace(tenancy, joined_recent=joined * days, before_recent=before * days)
        return stage(last(of, 0.99, **new))

    assert lead(JOINED, GONE) is Stage.YELLOW
    assert lead(JOINED - 0.01, GONE) is Stage.RED, "somebody else is there"
    assert lead(JOINED, GONE + 0.01) is Stage.RED, "the household is still there: others are beside it"


def test_where_somebody_the_home_was_let_to_was_never_registered_the_register_is_asked_about(tenancy: Likely) -> None:
    """IE27: whoever lives there may be the one who is missing in the register."""
    gone = {"gone_faces": 1.0, "unseen_own": 40.0, "own_recent": 0.0, "new_token": 1.0}
    assert stage(last(tenancy, 0.99, **gone)) is Stage.RED
    assert stage(last(replace(tenancy, unnamed=1), 0.99, **gone)) is Stage.YELLOW


def test_a_meter_that_reads_otherwise_is_a_kind_of_signal(tenancy: Likely) -> None:
    now = last(tenancy, 0.99, shift_meter=OTHERWISE)
    assert now is not None
    assert (now.stage, set(now.families)) == (Stage.RED, {CREDENTIALS, METERS})
    assert stage(last(tenancy, 0.99, shift_meter=OTHERWISE - 1)) is Stage.YELLOW


@pytest.mark.parametrize(
    "signs",
    [
        {"shift_meter": OTHERWISE},
        {"shift_hours": OTHERWISE, "shift_meter": OTHERWISE},
        {"shift_hours": OTHERWISE, "has_water": 1.0, "water_change": 0.5, "water_low": 0.9},
        {"has_water": 1.0, "water_change": 0.5},
        {"has_water": 0.0},  # a home without a usual of its own, with more water than a visit takes
    ],
)
def test_water_that_runs_is_no_kind_of_signal(tenancy: Likely, signs: dict[str, float]) -> None:
    def with_water(of_day: Callable[[int], float | None]) -> Likely:
        return replace(tenancy, days=Days(replace(d, water=of_day(i)) for i, d in enumerate(tenancy.days)))

    used, leaking = with_water(lambda i: 0.1 + 0.2 * (i % 2)), with_water(lambda i: 0.19 + 0.02 * (i % 2))
    assert stage(last(used, 0.99, **signs)) is Stage.RED, "the same signs and people who use water"
    now = last(leaking, 0.99, **signs)
    assert now is not None
    assert (now.stage, now.families) == (Stage.YELLOW, (CREDENTIALS,)), "the same amount every day is a leak (IE25)"
    broken = with_water(lambda i: 0.2 if i > DAYS - SHORT_RUN else None)
    assert stage(last(broken, 0.99, shift_meter=OTHERWISE)) is Stage.RED, "of six readings nothing is said"


def test_a_leak_is_on_every_day_what_the_rules_call_one(tenancy: Likely) -> None:
    rng = np.random.default_rng(7)
    water: list[float | None] = [
        None if rng.random() < 0.3 else float(0.2 * (1 + (i // 15 % 3) * 0.2 * rng.uniform(-1, 1))) for i in range(DAYS)
    ]
    days = Days(replace(day, water=amount) for day, amount in zip(tenancy.days, water, strict=True))
    wanted = [looks_like_leak(water[max(0, i + 1 - LEAK_DAYS) : i + 1]) for i in range(DAYS)]
    assert {True, False} == set(wanted), "the series has both"
    assert _leaks(replace(tenancy, days=days)).tolist() == wanted


def test_who_comes_by_day_alone_is_asked_about_until_the_chance_is_next_to_certain(tenancy: Likely) -> None:
    gone = {"gone_faces": 2.0, "unseen_own": 40.0, "own_recent": 0.0, "night_unseen": 0.1}
    assert stage(last(tenancy, CERTAIN - 0.01, **gone)) is Stage.YELLOW, "builders, carers and cleaners come by day"
    assert stage(last(tenancy, CERTAIN, **gone)) is Stage.RED, "the retired and who works from home live by day"
