"""Leads of measured packs, from the fitted model: others who live there, empty homes, and what is never held against anybody."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta

import pytest

from hub.english.phrases import english
from hub.occupancy.columns import Days
from hub.occupancy.detect import Courses, detect
from hub.occupancy.finding import Finding
from hub.occupancy.fitted import model
from hub.occupancy.likely import CLEARED, CLEARED_DAYS, WHILE_UNNAMED, Model, Tiers, cleared_by
from hub.occupancy.outcomes import Correction, Learned, Outcomes, Track
from hub.occupancy.policy import calendar, pack_named
from hub.occupancy.presence import presence
from hub.occupancy.values import (
    Cleared,
    CredentialUse,
    DeclaredAbsence,
    DwellingRecord,
    Household,
    Member,
    ObservedDay,
)

END = date(2026, 11, 20)
POINTS = frozenset({"gate", "entrance"})
MEASURED = pack_named("national_measured")
COUPLE = (Member("m-1", True, True, frozenset({"tok-a"})), Member("m-2", True, True, frozenset({"tok-b"})))
HOURS = 1 << 7 | 1 << 18
HERE = (CredentialUse("tok-a", True, 1, 1, hours=HOURS), CredentialUse("tok-b", True, 1, 1, hours=HOURS))
LENT = (CredentialUse("tok-a", True, 0, 2, hours=1 << 14 | 1 << 23),)
NIGHTLY = (CredentialUse("tok-v", False, 0, 2, late=1, hours=1 << 23),)
BY_DAY = (CredentialUse("tok-v", False, 0, 2, hours=1 << 9),)
ORDER = ("insufficient_data", "yellow", "orange", "red")
Uses = tuple[CredentialUse, ...]


def days(count: int, uses: Uses, water: float | None, gap: float = 0.0) -> list[ObservedDay]:
    """Water with a household's ups and downs."""
    ups, gaps = (0.7, 1.0, 1.3), {"gate": gap} if gap else {}
    return [ObservedDay(END, gaps, uses, None if water is None else water * ups[i % 3]) for i in range(count)]


def record(
    *parts: list[ObservedDay], members: tuple[Member, ...] = COUPLE, end: date = END, **changes: object
) -> DwellingRecord:
    rows = [day for part in parts for day in part]
    dated = [replace(day, day=end - timedelta(days=len(rows) - 1 - i)) for i, day in enumerate(rows)]
    household = Household("t-1", date(2024, 1, 1), None, members)
    base = DwellingRecord(
        "d-1", household, tuple(presence(dated, POINTS)), POINTS, {"water": "W-1"}, contacts_kept=False
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def find(*parts: list[ObservedDay], **changes: object) -> Finding | None:
    found = detect(record(*parts, **changes), MEASURED, calendar(), model())  # type: ignore[arg-type]
    return max(found, key=lambda f: ORDER.index(f.stage.value), default=None)


def stage(found: Finding | None) -> int:
    return -1 if found is None else ORDER.index(found.stage.value)


GONE = (days(120, HERE, 0.2), days(45, LENT, 0.12))


def test_registered_persons_gone_while_the_home_is_used() -> None:
    found = find(*GONE)
    assert found is not None
    assert found.kind == "sublet"
    assert stage(found) >= ORDER.index("orange")
    assert {"F1", "F3"} <= set(found.families)
    assert found.chance is not None
    assert found.chance > 0.5
    assert any("未被识别到" in text for text in found.because)
    assert found.against
    assert found.refuted_by
    assert found.evidence


def test_a_home_let_to_more_than_are_registered_may_hold_the_one_not_enrolled_yet() -> None:
    """IE27: whoever is there may be that person. Less likely, said so, and not asked about at half the chance."""
    usual, household = find(*GONE), record(*GONE).household
    assert usual is not None
    assert household is not None
    named = find(*GONE, household=replace(household, expected=2))
    assert named is not None
    assert (named.stage, named.chance, named.against) == (usual.stage, usual.chance, usual.against), (
        "all are registered"
    )
    more = find(*GONE, household=replace(household, expected=3))
    assert more is not None
    assert stage(usual) > stage(more) == ORDER.index("yellow"), "it is asked who lives there"
    odds = [(one.chance or 0) / (1 - (one.chance or 0)) for one in (usual, more)]
    assert math.log(odds[1] / odds[0]) == pytest.approx(WHILE_UNNAMED, abs=0.02)
    assert any("有1人从未登记" in words and "IE27" in words for words in more.against)
    assert not any("核定" in words for words in usual.against)
    known = find(*GONE, household=replace(household, expected=3, left=1))
    assert known is not None
    assert known.chance == usual.chance, "who was registered and has left is known"


def test_electricity_that_changed_is_named_and_what_is_as_usual_is_not() -> None:
    def told(recent: float) -> Finding | None:
        lived, since = (
            [replace(day, electricity=kwh) for day in part] for part, kwh in zip(GONE, (6.0, recent), strict=True)
        )
        return find(lived, since, meters={"water": "W-1", "electricity": "E-1"})

    for recent, named in ((3.0, True), (6.0, False)):
        found = told(recent)
        assert found is not None
        assert any("用电" in text for text in found.because) is named
        assert ("E-1" in {one.ref for one in found.evidence if one.kind == "meter"}) is named


def test_it_takes_days_until_anything_is_said() -> None:
    assert find(days(120, HERE, 0.2), days(6, LENT, 0.12)) is None


def test_a_family_that_lives_as_before_is_no_lead() -> None:
    assert find(days(200, HERE, 0.2)) is None


def test_visitors_who_come_home_at_night_and_those_who_come_by_day() -> None:
    found = find(days(120, HERE, 0.2), days(45, NIGHTLY, 0.2))
    assert found is not None
    assert found.rule == "P1"
    assert stage(found) >= ORDER.index("orange")
    assert find(days(120, (*HERE, *BY_DAY), 0.2)) is None, "a carer comes in the morning and leaves"


def test_builders_come_by_day_and_who_lives_there_by_night() -> None:
    by_day = (CredentialUse("tok-a", True, 0, 2, hours=1 << 9 | 1 << 15),)
    used_by_day, used_by_night = (
        find(days(120, HERE, 0.2), days(30, by_day, 0.05)),
        find(days(120, HERE, 0.2), days(30, LENT, 0.12)),
    )
    assert used_by_night is not None
    assert used_by_night.chance is not None
    assert stage(used_by_day) < stage(used_by_night)
    assert any("夜间归来" in text for text in used_by_night.because)


def test_a_declared_absence_does_not_explain_who_comes_home_every_night() -> None:
    told = DeclaredAbsence("a-1", END - timedelta(days=50), END + timedelta(days=30), "work")
    household = Household("t-1", date(2024, 1, 1), None, COUPLE, (told,))
    assert stage(find(days(120, HERE, 0.2), days(45, NIGHTLY, 0.2), household=household)) >= ORDER.index("orange")


def test_visitors_every_night_are_told_by_doors_and_by_credentials() -> None:
    found = find(days(120, HERE, None), days(45, (*HERE[:1], *NIGHTLY), None), meters={})
    assert found is not None
    assert {"F1", "F3"} <= set(found.families)


def test_where_nobody_registered_was_ever_seen_the_doors_speak() -> None:
    found = find(days(60, NIGHTLY, 0.2), members=(Member("m-1", True, False, frozenset({"tok-a"})),))
    assert found is not None
    assert {"F1", "F3"} <= set(found.families)


def test_unknown_days_count_while_any_meter_stands_still() -> None:
    blind = [*days(10, (), None), *days(4, (), None, gap=0.5)]
    story = (
        [replace(day, electricity=4.0) for day in days(120, HERE, None)],
        [replace(day, electricity=0.6) for day in blind * 14],
    )
    found = find(*story, meters={"electricity": "E-1"})
    assert found is not None
    assert found.kind == "vacancy"
    assert found.rule == "V5", "days that doors could not see are idle by the meter"


def test_a_record_that_begins_empty_knows_idle_electricity() -> None:
    found = find([replace(day, electricity=0.6) for day in days(150, (), None)], meters={"electricity": "E-1"})
    assert found is not None
    assert found.kind == "vacancy"
    assert "F2" in found.families


def test_taking_away_what_a_lead_names_takes_away_the_lead() -> None:
    assert find(days(120, HERE, 0.2), days(45, HERE, 0.12)) is None, "the registered persons are seen after all"
    unused = find(days(120, HERE, 0.2), days(30, (), 0.0))
    assert unused is None or unused.kind != "sublet", "nobody uses the home"


def test_what_could_not_be_observed_is_no_lead() -> None:
    blind = find(days(120, HERE, 0.2), days(120, (), None, gap=0.6))
    assert stage(blind) <= ORDER.index("insufficient_data")


def test_terminals_that_recognise_fewer_people_than_before_accuse_nobody() -> None:
    assert stage(find(*GONE, identification_ok=False)) <= ORDER.index("insufficient_data")


@pytest.mark.parametrize(("empty", "most"), [(20, "insufficient_data"), (100, "orange"), (160, "orange"), (195, "red")])
def test_an_empty_home_is_asked_about_early_and_a_file_late(empty: int, most: str) -> None:
    found = find(days(150, HERE, 0.2), days(empty, (), 0.0))
    assert stage(found) <= ORDER.index(most)
    if empty >= MEASURED.vacancy.pre_notice_days:
        assert found is not None, "a month before the legal time the question is due, whatever the chance"
        assert found.kind == "vacancy"
        assert stage(found) >= ORDER.index("yellow")


def test_visits_to_an_empty_home_do_not_begin_the_count_anew() -> None:
    month = [*days(29, (), 0.0), *days(1, HERE, 0.01)]
    found = find(days(120, HERE, 0.2), month * 6)
    assert found is not None
    assert found.kind == "vacancy"
    assert any("有人到访" in text for text in found.against)
    assert find(days(120, HERE, 0.2), days(100, (), 0.0), days(3, HERE, 0.2)) is None, "days lived in end it"


@pytest.mark.parametrize(
    ("empty", "stages"),
    [(260, ("red", "red", "red")), (170, ("orange", "orange", "red")), (0, ("", "", "")), (-5, ("", "", ""))],
)
def test_the_pause_around_spring_festival_stops_stages_and_ends_none(empty: int, stages: tuple[str, ...]) -> None:
    """On the last day before it (2026-02-01), on its last day and three weeks later."""
    low = replace(model(), vacancy_tiers=Tiers(0.1, 0.15, 0.2))
    whole = record(days(200, HERE, 0.2), days(empty + 35 + 21, (), 0.0), end=date(2026, 3, 30))
    assert whole.household is not None
    courses = Courses(whole, whole.household, MEASURED, calendar(), low)
    standing = {
        day.day: now.stage.value if now else ""
        for at, day in enumerate(whole.days)
        for now in [courses.standing(at)[1]]
    }
    before, last, after = date(2026, 2, 1), date(2026, 3, 9), date(2026, 3, 30)
    assert (standing[before], standing[last], standing[after]) == stages
    inside = {standing[before + timedelta(days=d)] for d in range(1, (last - before).days + 1)}
    assert inside == {stages[1]}, "while it lasts nothing rises or falls"


def stages_around_the_pause(*parts: list[ObservedDay], absences: tuple[DeclaredAbsence, ...] = ()) -> dict[date, str]:
    """By day up to 2026-03-09, the last of the pause; of a model that needs no high chance."""
    household = Household("t-1", date(2024, 1, 1), None, COUPLE, absences)
    whole = record(*parts, end=date(2026, 3, 9), household=household)
    low = replace(model(), vacancy_tiers=Tiers(0.1, 0.15, 0.2))
    courses = Courses(whole, household, MEASURED, calendar(), low)
    standing = [courses.standing(at)[1] for at in range(len(whole.days))]
    return {day.day: now.stage.value if now else "" for day, now in zip(whole.days, standing, strict=True)}


def test_who_declares_in_the_pause_is_heard_in_it() -> None:
    told = DeclaredAbsence("a-1", date(2026, 2, 8), date(2026, 4, 1), "home_visit")
    found = stages_around_the_pause(days(150, HERE, 0.2), days(295, (), 0.0), absences=(told,))
    assert found[date(2026, 2, 7)] == "red"
    assert found[date(2026, 2, 20)] in ("yellow", ""), (
        "what stood before is carried on only until the household answers"
    )


def test_who_came_home_in_the_pause_and_left_again_is_not_asked_for_the_absence_before() -> None:
    found = stages_around_the_pause(days(150, HERE, 0.2), days(265, (), 0.0), days(5, HERE, 0.2), days(25, (), 0.0))
    assert found[date(2026, 2, 7)] == "red"
    assert found[date(2026, 3, 9)] == ""


def test_a_declared_absence_is_never_more_than_a_question() -> None:
    told = DeclaredAbsence("a-1", END - timedelta(days=170), END + timedelta(days=5), "care")
    household = Household("t-1", date(2024, 1, 1), None, COUPLE, (told,))
    found = find(days(150, HERE, 0.2), days(170, (), 0.0), household=household)
    assert stage(found) <= ORDER.index("yellow")


def test_where_people_keep_contacts_no_file_without_failed_ones() -> None:
    story = (days(150, HERE, 0.2), days(200, (), 0.0))
    assert stage(find(*story, contacts_kept=True)) <= ORDER.index("orange")


def test_one_family_of_signals_is_at_most_a_question() -> None:
    found = find(days(120, HERE, None), days(200, (), None), meters={})
    assert stage(found) <= ORDER.index("yellow")


def test_a_day_is_judged_from_the_days_up_to_it() -> None:
    whole = record(*GONE, days(20, HERE, 0.2))
    assert whole.household is not None
    courses = Courses(whole, whole.household, MEASURED, calendar(), model())
    for index in (130, 150, 164, 170):
        cut = replace(whole, days=whole.days[: index + 1])
        assert courses.standing(index) == Courses(cut, whole.household, MEASURED, calendar(), model()).standing(index)


def test_a_model_fitted_on_other_signs_is_refused() -> None:
    data = {"bias": 0.0, "trees": [["shoe_size", 42, 0.1, 0.2]], "tiers": {"yellow": 0.4, "orange": 0.6, "red": 0.8}}
    with pytest.raises(ValueError, match="shoe_size"):
        Model.read({"version": "x", "others": data, "vacancy": data})


# --- what inspections taught --------------------------------------------------------------------------------------------


def with_outcomes(learned: Learned, since: date) -> Finding | None:
    outcomes = Outcomes(((since, learned),))
    found = detect(record(*GONE), MEASURED, calendar(), model(), outcomes)
    return max(found, key=lambda f: ORDER.index(f.stage.value), default=None)


def test_stages_follow_the_corrected_chance() -> None:
    plain = find(*GONE)
    assert plain is not None
    assert plain.chance == plain.fitted
    doubted = with_outcomes(Learned({"others": Correction(1.0, -4.0, 150)}), date(2024, 1, 1))
    assert doubted is not None
    assert doubted.fitted == plain.fitted, "what the model itself said is kept: cases are compared with it"
    assert doubted.chance is not None
    assert plain.chance is not None
    assert doubted.chance < plain.chance
    assert stage(doubted) < stage(plain)
    assert with_outcomes(Learned({"others": Correction(1.0, -6.0, 150)}), date(2024, 1, 1)) is None
    assert with_outcomes(Learned({"others": Correction(1.0, -6.0, 150)}), END + timedelta(days=1)) == plain


def test_a_rule_held_back_says_why() -> None:
    plain = find(*GONE)
    assert plain is not None
    cell = (plain.rule, plain.stage)
    held = with_outcomes(Learned({}, {cell: Track(3, 20)}, frozenset({cell})), date(2024, 1, 1))
    assert held is not None
    assert stage(held) == stage(plain) - 1
    assert held.earned is plain.stage
    assert "20件，属实3件" in held.against[0]
    assert held.evidence == plain.evidence


ENTRANT = (CredentialUse("tok-x", False, 0, 2, hours=1 << 19),)


def unlet(used: int, water: float | None = 0.1) -> Finding | None:
    """Of a home recorded as vacant for a quarter, used on every other of the last days."""
    empty = days(90, (), None if water is None else 0.0)
    last = [replace(day, uses=ENTRANT if i % 2 == 0 else ()) for i, day in enumerate(days(used, (), water))]
    return find(empty, last, household=None, vacant_since=END - timedelta(days=89 + used))


def test_who_passes_an_unlet_home_for_a_month_is_asked_and_then_visited() -> None:
    assert unlet(28) is None, "a renovation, viewings, a household that moves in early"
    assert stage(unlet(32)) == 1
    found = unlet(50)
    assert found is not None
    assert (found.rule, found.stage.value) == ("U1", "orange")
    since = END - timedelta(days=49)
    assert f"自{since}起一直有人通行（49日）。" in found.because, "who is sent there knows since when somebody passes"
    assert english("".join(found.because)).endswith(f"People have passed since {since} (49 days).")


def test_passes_that_began_anew_are_counted_anew() -> None:
    """Two renovations two months apart are not somebody who lives there."""
    builders, pause = days(20, ENTRANT, 0.1), days(60, (), 0.0)
    again = find(builders, pause, days(20, ENTRANT, 0.1), household=None, vacant_since=END - timedelta(days=99))
    assert again is None


def test_passes_without_a_meter_are_a_question_and_no_more() -> None:
    assert stage(unlet(80, water=None)) == 1


def test_a_meter_that_counts_where_nobody_passes_is_a_note() -> None:
    (found,) = detect(
        record(
            days(90, (), 0.0), days(60, (), 0.1), household=None, vacant_since=END - timedelta(days=149)
        ),
        MEASURED, calendar(), model(),
    )  # fmt: skip
    assert found.stage.value == "note", "a leak, a neighbour's pipe: somebody looks after the house, nobody is sought"


# --- what people found out ----------------------------------------------------------------------------------------------


def heard(*cleared: Cleared) -> Household:
    return Household("t-1", date(2024, 1, 1), None, COUPLE, cleared=cleared)


GUESTS = (days(120, HERE, 0.2), days(40, HERE + NIGHTLY, 0.3))


@pytest.mark.parametrize("good_cause", [True, False])
def test_what_people_looked_into_and_found_nothing_in_counts_for_the_household(good_cause: bool) -> None:
    wrong = Cleared(END - timedelta(days=7), "others", good_cause)
    assert stage(find(*GUESTS)) == ORDER.index("yellow")
    assert find(*GUESTS, household=heard(wrong)) is None, "who has answered is not asked the same again"


def test_a_check_is_no_licence() -> None:
    before, after = find(*GONE), find(*GONE, household=heard(Cleared(END - timedelta(days=7), "others")))
    assert before is not None
    assert after is not None
    assert (after.chance or 0) < (before.chance or 0) - 0.05
    assert stage(after) >= ORDER.index("orange"), "a household that is gone while others come home every day is told of"


def test_a_lead_says_that_one_like_it_was_looked_into() -> None:
    cleared = Cleared(END - timedelta(days=600), "others", True, "E001-2025-0007")
    found = find(*GONE, household=heard(cleared))
    assert found is not None, "a check does not hold for ever"
    assert found.against[0].startswith(f"{cleared.on}已查过本户的同类线索（案件E001-2025-0007），结论为有正当理由")
    assert "case E001-2025-0007" in english(found.against[0])
    plain = find(*GONE, household=heard(replace(cleared, case="")))
    assert plain is not None
    assert "案件" not in plain.against[0]


@pytest.mark.parametrize(
    ("cleared", "why"),
    [
        (Cleared(END - timedelta(days=30), "vacancy"), "an absence that was explained explains no others"),
        (Cleared(END - timedelta(days=CLEARED_DAYS), "others"), "after two years nothing is left of it"),
        (Cleared(END + timedelta(days=1), "others"), "nobody knows what will be found out"),
    ],
)
def test_it_counts_only_for_what_was_looked_into_and_not_for_ever(cleared: Cleared, why: str) -> None:
    before, after = find(*GONE), find(*GONE, household=heard(cleared))
    assert before is not None
    assert after is not None
    assert (after.chance, after.stage, after.against) == (before.chance, before.stage, before.against), why


def test_days_before_the_case_was_closed_are_as_they_were() -> None:
    one, other = record(*GUESTS), record(*GUESTS, household=heard(Cleared(END - timedelta(days=10), "others")))
    plain, cleared = (Courses(r, r.household, MEASURED, calendar(), model()) for r in (one, other) if r.household)
    closed = len(one.days) - 1 - 10
    said = [(plain.standing(day), cleared.standing(day)) for day in range(len(one.days))]
    assert all(knew == stood for stood, knew in said[:closed]), "no look ahead"
    assert said[closed - 1][0][0] is not None
    assert said[-1][0][0] is not None
    assert said[-1][1][0] is None


def test_it_fades_day_by_day() -> None:
    known = record(days(300, HERE, 0.2)).days
    by = cleared_by(Days(known), heard(Cleared(END - timedelta(days=200), "others")), "others")
    assert (by[:99] == 0).all()
    assert by[99] == CLEARED
    assert (by[100:] > by[99:-1]).all()
    assert by[-1] == pytest.approx(CLEARED * (1 - 200 / CLEARED_DAYS))
