"""Detection by tables: the exact day of each stage, pauses, gates, and what must never become a lead."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.occupancy.detect import detect
from hub.occupancy.finding import Finding, Stage
from hub.occupancy.outcomes import Learned, Outcomes, Track
from hub.occupancy.pack import PolicyPack
from hub.occupancy.policy import PolicyPackInvalid, PolicyPackUnknown, calendar, pack_named, packs, parse_pack
from hub.occupancy.presence import presence
from hub.occupancy.values import (
    Contact,
    CredentialUse,
    DeclaredAbsence,
    DwellingRecord,
    Household,
    Member,
    ObservedDay,
)

END = date(2026, 11, 20)
POINTS = frozenset({"gate", "entrance"})
METERS = {"water": "W-1", "electricity": "E-1"}
NATIONAL = pack_named("national")
HERE = (CredentialUse("tok-a", True, 1, 1), CredentialUse("tok-b", True, 1, 1))
LENT = (CredentialUse("tok-a", True, 0, 2),)
VISITORS = (CredentialUse("tok-v", False, 0, 1),)
COUPLE = (Member("m-1", True, True, frozenset({"tok-a"})), Member("m-2", True, True, frozenset({"tok-b"})))
Uses = tuple[CredentialUse, ...]


def household(**changes: object) -> Household:
    return replace(Household("t-1", date(2024, 1, 1), date(2024, 1, 2), COUPLE), **changes)  # type: ignore[arg-type]


def lived(count: int) -> list[ObservedDay]:
    return [ObservedDay(END, uses=HERE, water=0.2, electricity=5.0)] * count


def silent(count: int, *, water: float | None = 0.0, uses: Uses = (), **gaps: float) -> list[ObservedDay]:
    return [ObservedDay(END, gaps, uses, water, None if water is None else 0.6)] * count


def record(
    *parts: list[ObservedDay], end: date = END, metered: bool = True, points: frozenset[str] = POINTS, **changes: object
) -> DwellingRecord:
    """Parts in order, ending on `end`."""
    rows = [day for part in parts for day in part]
    days = [replace(day, day=end - timedelta(days=len(rows) - 1 - i)) for i, day in enumerate(rows)]
    base = DwellingRecord("d-1", household(), tuple(presence(days, points)), points, METERS if metered else {})
    return replace(base, **changes)  # type: ignore[arg-type]


def find(record: DwellingRecord, pack: PolicyPack = NATIONAL) -> Finding | None:
    found = detect(record, pack, calendar())
    assert len(found) <= 1, "these stories have one meaning"
    return found[0] if found else None


def seen(record: DwellingRecord, pack: PolicyPack = NATIONAL) -> tuple[str, str] | None:
    found = find(record, pack)
    return (found.rule, found.stage.value) if found else None


# --- vacancy ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "with_meter", "without"),
    [
        (1, None, None),
        (29, None, None),
        (30, ("V1", "note"), ("V1", "note")),
        (31, ("V1", "note"), ("V1", "note")),
        (59, ("V1", "note"), ("V1", "note")),
        (60, ("V2", "yellow"), ("V2", "yellow")),
        (89, ("V2", "yellow"), ("V2", "yellow")),
        (90, ("V3", "orange"), ("V2", "yellow")),
        (149, ("V3", "orange"), ("V2", "yellow")),
        (150, ("V4", "orange"), ("V2", "yellow")),
        (179, ("V4", "orange"), ("V2", "yellow")),
        (180, ("V5", "orange"), ("V2", "yellow")),
        (300, ("V5", "orange"), ("V2", "yellow")),
    ],
)
def test_national_stages_to_the_day(
    days: int, with_meter: tuple[str, str] | None, without: tuple[str, str] | None
) -> None:
    assert seen(record(lived(60), silent(days))) == with_meter
    assert seen(record(lived(60), silent(days, water=None), metered=False)) == without, (
        "one family of signals alone is at most yellow"
    )


OFF = Contact("c", END, in_person=True, off_hours=True)
BY_DAY = Contact("c", END, in_person=True, off_hours=False)
PHONE = Contact("c", END, in_person=False, off_hours=False)


@pytest.mark.parametrize(
    ("contacts", "stage"),
    [
        ((), "orange"),
        ((PHONE, PHONE, OFF), "orange"),
        ((PHONE, PHONE, PHONE, PHONE), "orange"),
        ((PHONE, PHONE, PHONE, OFF), "red"),
        ((PHONE, PHONE, PHONE, OFF, replace(PHONE, reached=True)), "orange"),
        ((PHONE, PHONE, PHONE, replace(OFF, day=END - timedelta(days=121))), "orange"),
    ],
)
def test_half_a_year_is_red_only_with_peoples_failed_contacts(contacts: tuple[Contact, ...], stage: str) -> None:
    found = find(record(lived(60), silent(180), household=household(contacts=contacts)))
    assert found is not None
    assert (found.rule, found.stage.value) == ("V5", stage)
    said_missing = any("尚缺" in text or "已联系上" in text for text in found.because)
    assert said_missing == (stage == "orange"), "an orange V5 says what is missing"


def test_unknown_days_neither_count_nor_reset() -> None:
    broken = [*silent(45), *silent(4, gate=1.0), *silent(15)]
    found = find(record(lived(60), broken, silent(29)))
    assert found is not None
    assert (found.rule, found.stage.value) == ("V2", "yellow"), "89 known days, 4 unknown"
    assert seen(record(lived(60), broken, silent(30))) == ("V3", "orange")
    assert any("4日无法观测" in text for text in found.because)


def test_below_the_coverage_gate_nothing_advances() -> None:
    assert seen(record(lived(60), silent(95), silent(5, gate=1.0))) == ("V3", "orange"), "95 % is enough"
    assert seen(record(lived(60), silent(94), silent(5, gate=1.0))) == ("V3", "insufficient_data")
    assert seen(record(lived(60), silent(200, gate=0.04, entrance=0.02))) is None, "no whole day was observed"


@pytest.mark.parametrize("sign", [HERE, VISITORS, (CredentialUse("tok-new", True, 0, 1),)])
def test_one_sign_of_use_starts_the_count_again(sign: Uses) -> None:
    assert seen(record(lived(60), silent(100), silent(1, uses=sign), silent(29))) is None


def test_a_declared_absence_pauses_to_its_end() -> None:
    away = DeclaredAbsence("a-1", END - timedelta(days=99), END, "hospital")
    assert seen(record(lived(60), silent(100), household=household(absences=(away,)))) is None
    ended = replace(away, last=END - timedelta(days=60))
    assert seen(record(lived(60), silent(100), household=household(absences=(ended,)))) == ("V2", "yellow")
    endless = replace(away, last=None, first=END - timedelta(days=149))
    assert seen(record(lived(60), silent(150), household=household(absences=(endless,)))) == ("V2", "yellow"), (
        "without an end it pauses 90 days, then is asked about"
    )
    very_long = replace(away, first=END - timedelta(days=242), last=END + timedelta(days=400))
    assert seen(record(lived(60), silent(243), household=household(absences=(very_long,)))) == ("V2", "yellow"), (
        "at most 183 days without a review"
    )


def test_spring_festival_does_not_count() -> None:
    festival = date(2026, 2, 17)
    after = festival + timedelta(days=20)
    assert seen(record(lived(60), silent(36), end=after)) is None
    assert seen(record(lived(60), silent(36 + 29), end=after + timedelta(days=29))) is None
    assert seen(record(lived(60), silent(36 + 30), end=after + timedelta(days=30))) == ("V1", "note")
    assert seen(record(lived(60), silent(36), end=after + timedelta(days=60))) == ("V1", "note"), "outside it counts"


def test_water_that_runs_keeps_a_silent_home_yellow() -> None:
    found = find(record(lived(60), silent(120, water=0.06)))
    assert found is not None
    assert (found.rule, found.stage.value, found.families) == ("V2", "yellow", ("F1",))
    assert any("IE25" in text for text in found.against)


def test_a_home_without_doors_or_under_repair_is_never_a_lead() -> None:
    assert detect(record(lived(60), silent(300), points=frozenset()), NATIONAL, calendar()) == ()
    assert detect(record(lived(60), silent(300), under_repair=True), NATIONAL, calendar()) == ()
    assert detect(replace(record(lived(1)), days=()), NATIONAL, calendar()) == ()


def test_a_home_never_seen_at_doors_and_without_meter_is_insufficient() -> None:
    assert seen(record(silent(200, water=None), metered=False)) == ("V2", "insufficient_data")
    assert seen(record(silent(200))) == ("V5", "orange"), "a meter at zero for 200 days can tell"


def test_a_finding_stands_on_its_own() -> None:
    found = find(record(lived(60), silent(100)))
    assert found is not None
    assert found.window_from == END - timedelta(days=99)
    assert found.window_to == END
    assert found.families == ("F1", "F2")
    assert {evidence.kind for evidence in found.evidence} >= {"days", "day", "meter"}
    assert {evidence.ref for evidence in found.evidence} >= {"W-1", "E-1", str(END - timedelta(days=100))}
    assert found.because
    assert found.against
    assert found.refuted_by
    assert found.policy_version == "national 2026.1"
    assert found.coverage == 1.0
    words = " ".join((*found.because, *found.against, *found.refuted_by))
    assert not any(word in words for word in ("违规户", "黑名单")), "wording: 疑似, never a verdict"


def test_the_same_inputs_give_the_same_hash_and_others_another() -> None:
    one, same = find(record(lived(60), silent(100))), find(record(lived(60), silent(100)))
    other = find(record(lived(60), silent(100, water=0.001)))
    assert one is not None
    assert same is not None
    assert other is not None
    assert one == same
    assert one.inputs_hash != other.inputs_hash


def test_removing_the_evidence_removes_the_lead() -> None:
    with_meter, without = record(lived(60), silent(100)), record(lived(60), silent(100, water=None), metered=False)
    assert seen(with_meter) == ("V3", "orange")
    assert seen(without) == ("V2", "yellow")


# --- not moved in, vacant but used --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "wanted"), [(59, None), (60, ("V6", "orange")), (61, ("V6", "orange"))])
def test_nobody_came_after_the_hand_over(days: int, wanted: tuple[str, str] | None) -> None:
    handed = END - timedelta(days=days - 1)
    home = household(first=handed - timedelta(days=1), handover=handed)
    assert seen(record(silent(30), silent(days), household=home)) == wanted


@pytest.mark.parametrize(
    ("last_days", "wanted"),
    [
        (silent(2, water=0.02), ("U1", "yellow")),
        (silent(1, water=0.02), None),
        (silent(2, water=0.01), None),
        ([ObservedDay(END, water=0.0, electricity=3.0)] * 3, ("U1", "yellow")),
        ([ObservedDay(END, water=0.0, electricity=3.0)] * 2, None),
        ([ObservedDay(END, uses=VISITORS, water=0.2)] * 2, ("U1", "orange")),
        (silent(2), None),
    ],
)
def test_recorded_as_vacant_but_used(last_days: list[ObservedDay], wanted: tuple[str, str] | None) -> None:
    assert seen(record(silent(90), last_days, household=None, vacant_since=END - timedelta(days=90))) == wanted


# --- sublet -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "wanted"),
    [
        (29, None),
        (30, ("S1", "orange")),
        (31, ("S1", "orange")),
        (59, ("S1", "orange")),
        (60, ("S1", "red")),
        (120, ("S1", "red")),
    ],
)
def test_unseen_people_used_cards_and_water(days: int, wanted: tuple[str, str] | None) -> None:
    noisy = [replace(day, water=0.15 + 0.05 * (i % 3)) for i, day in enumerate(silent(days, uses=LENT))]
    assert seen(record(lived(60), noisy)) == wanted


def _use(days: int, *, cards: int, water: float | None) -> list[ObservedDay]:
    """`days` days; cards used on the last `cards` of each 30; water with a household's ups and downs."""
    ups = (0.7, 1.0, 1.3)
    return [
        ObservedDay(
            END, uses=LENT if i % 30 >= 30 - cards else (), water=None if water is None else water * ups[i % 3],
            electricity=None if water is None else 4.0,
        )
        for i in range(days)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cards", "water", "wanted"),
    [
        (19, 0.0, None),
        (20, 0.0, ("S1", "yellow")),
        (20, None, ("S1", "yellow")),
        (0, 0.2, ("S1", "yellow")),
        (19, 0.1201, ("S1", "yellow")),
        (20, 0.1201, ("S1", "red")),
        (20, 0.1199, ("S1", "yellow")),
        (30, 0.2, ("S1", "red")),
    ],
)
def test_two_families_make_more_than_a_question(
    cards: int, water: float | None, wanted: tuple[str, str] | None
) -> None:
    story = record(lived(60), _use(60, cards=cards, water=water), metered=water is not None)
    found = [f for f in detect(story, NATIONAL, calendar()) if f.rule == "S1"]
    assert ((found[0].rule, found[0].stage.value) if found else None) == wanted


SILENT_ADULT = Member("m-3", True, False)
OWN_CARD = Member("m-3", True, False, frozenset({"tok-c"}))
CHILD = Member("m-4", False, False, frozenset({"tok-d"}))


@pytest.mark.parametrize(
    ("members", "uses", "wanted"),
    [
        (COUPLE, LENT, "red"),
        ((*COUPLE, CHILD), LENT, "red"),
        ((*COUPLE, SILENT_ADULT), LENT, "yellow"),
        ((COUPLE[0], replace(COUPLE[1], consent_b=False)), LENT, "yellow"),
        ((*COUPLE, OWN_CARD), (CredentialUse("tok-c", True, 0, 1),), None),
        ((COUPLE[0],), LENT, "orange"),
    ],
)
def test_whoever_may_be_there_unseen_is_not_accused(
    members: tuple[Member, ...], uses: Uses, wanted: str | None
) -> None:
    now = [replace(day, uses=uses) for day in _use(90, cards=30, water=0.2)]
    found = find(record(lived(60), now, household=household(members=members)))
    assert (found.stage.value if found else None) == wanted


def test_a_declared_absence_makes_a_sublet_lead_a_question() -> None:
    away = DeclaredAbsence("a-1", END - timedelta(days=89), END, "care")
    found = find(record(lived(60), _use(90, cards=30, water=0.2), household=household(absences=(away,))))
    assert found is not None
    assert found.stage.value == "yellow"


def test_terminals_that_stop_recognising_are_no_evidence() -> None:
    found = find(record(lived(60), _use(90, cards=30, water=0.2), identification_ok=False))
    assert found is not None
    assert found.stage.value == "insufficient_data"


def test_a_steady_leak_is_not_somebody_living_there() -> None:
    assert not [f for f in detect(record(lived(60), silent(60, water=0.15)), NATIONAL, calendar()) if f.rule == "S1"]


def test_a_home_only_the_water_meter_knows_is_no_lead() -> None:
    assert seen(record(_use(200, cards=0, water=0.2))) is None


def test_a_fixed_rule_states_what_its_cases_say_and_is_held_back_when_they_deny_it() -> None:
    days = record(lived(60), silent(100, water=None), metered=False)
    cell = ("V2", Stage.YELLOW)
    outcomes = Outcomes(((date(2024, 1, 1), Learned({}, {cell: Track(0, 10)})),), {"V2 yellow": 0.28})
    (found,) = detect(days, NATIONAL, calendar(), None, outcomes)
    assert (found.rule, found.stage.value, found.chance) == ("V2", "yellow", 0.08), (
        "what ten cases say, drawn towards what was known before by four"
    )
    held = Outcomes(((date(2024, 1, 1), Learned({}, {cell: Track(0, 10)}, frozenset({cell}))),))
    (noted,) = detect(days, NATIONAL, calendar(), None, held)
    assert (noted.stage.value, noted.earned) == ("note", "yellow"), "a question that is nearly always idle is not asked"


# --- packs --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(packs()))
def test_every_pack_runs_on_every_story(name: str) -> None:
    pack = pack_named(name)
    assert pack.sources
    assert pack.legal_basis
    assert seen(record(lived(300)), pack) is None, "a home that is lived in"
    emptied = find(record(lived(100), silent(290)), pack)
    assert emptied is not None
    assert emptied.kind == "vacancy"
    assert emptied.stage.value == "orange", "red needs people's failed contacts, in every pack"
    assert emptied.policy_version == f"{name} {pack.version}"
    asked = pack.vacancy.contacts
    tried = household(
        contacts=(BY_DAY,) * (asked.failed - asked.in_person_off_hours) + (OFF,) * asked.in_person_off_hours
    )
    assert find(record(lived(100), silent(290), household=tried), pack).stage.value == "red"  # type: ignore[union-attr]


def test_beijing_counts_days_lived_and_corrects_for_what_is_not_recorded() -> None:
    pack = pack_named("beijing")
    visits = [day for _ in range(9) for day in (*silent(9), *lived(1))]
    assert seen(record(lived(100), visits), pack) == ("V5", "orange"), "9 of 90 days lived, doors and water agree"
    assert seen(record(lived(100), visits), NATIONAL) is None
    often_missed = [day for _ in range(70) for day in (*silent(2, water=None), *lived(1))]
    assert seen(record(often_missed, metered=False), pack) is None, "seen one day in three at all times: it lives there"


def test_qiantang_adds_up_what_the_others_begin_anew() -> None:
    halves = record(lived(60), silent(100), lived(5), silent(85))
    assert seen(halves, NATIONAL) == ("V2", "yellow")
    assert seen(halves, pack_named("hangzhou_qiantang")) == ("V5", "orange")


def test_packs_are_checked() -> None:
    text = (resources.files("hub.occupancy") / "policies" / "national.json").read_text(encoding="utf-8")
    good = json.loads(text)
    assert parse_pack(text, "national.json") == NATIONAL
    for path, value in ((("vacancy", "yellow_days"), 10), (("vacancy", "shape"), "days_lived"), (("version",), "x")):
        bad = json.loads(text)
        part = bad if len(path) == 1 else bad[path[0]]
        part[path[-1]] = value
        with pytest.raises(PolicyPackInvalid, match=r"national\.json"):
            parse_pack(json.dumps(bad), "national.json")
    with pytest.raises(PolicyPackInvalid, match="must be national"):
        parse_pack(json.dumps(good), "other.json")
    with pytest.raises(PolicyPackInvalid, match="extra"):
        parse_pack(json.dumps({**good, "extra": 1}), "national.json")
    with pytest.raises(PolicyPackUnknown):
        pack_named("atlantis")


def test_the_calendar_reaches_far_enough() -> None:
    assert set(calendar().spring_festival) >= set(range(2020, 2036))
    assert all(date(y, 1, 20) < day < date(y, 2, 22) for y, day in calendar().spring_festival.items())


# --- properties ---------------------------------------------------------------------------------------------------------

DAY = st.builds(
    ObservedDay,
    st.just(END),
    st.dictionaries(st.sampled_from(sorted(POINTS)), st.floats(0.001, 1.0), max_size=2),
    st.sampled_from([(), HERE, LENT, VISITORS]),
    st.none() | st.floats(0, 0.5),
    st.none() | st.floats(0, 9),
)
STORY = st.lists(st.tuples(DAY, st.integers(1, 70)), max_size=6).map(
    lambda parts: [d for d, n in parts for _ in range(n)]
)
RANK = {"insufficient_data": 0, "note": 1, "yellow": 2, "orange": 3, "red": 4}


@given(STORY, st.booleans())
def test_no_story_gives_red_without_people_or_two_families(story: list[ObservedDay], metered: bool) -> None:
    for name in packs():
        for found in detect(record(lived(30), story, metered=metered), pack_named(name), calendar()):
            if found.stage == "red":
                assert found.kind == "sublet", "vacancy is never red without recorded contacts"
                assert {"F2", "F3"} <= set(found.families)
            gated = not pack_named(name).measured and found.kind != "vacant_used"
            if RANK[found.stage.value] >= RANK["yellow"] and gated:
                assert found.coverage >= 0.95
            if not metered:
                assert RANK[found.stage.value] <= RANK["yellow"], "one family is at most a question"


@given(STORY)
def test_blindness_never_makes_a_lead(story: list[ObservedDay]) -> None:
    blind = [replace(day, gaps={"gate": 0.5}) for day in story]
    for found in detect(record(lived(30), blind), NATIONAL, calendar()):
        assert len(blind) < 31 or found.stage.value in ("insufficient_data", "note")
