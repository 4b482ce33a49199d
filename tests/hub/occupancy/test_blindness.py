"""What nobody could observe is never a sign of absence: not beside what is known, not to the fitted model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.english.phrases import english
from hub.occupancy.course import OBSERVED_RED
from hub.occupancy.detect import detect
from hub.occupancy.finding import Finding, window_coverage
from hub.occupancy.fitted import model
from hub.occupancy.policy import calendar, pack_named, packs
from hub.occupancy.presence import presence
from hub.occupancy.values import CredentialUse, DwellingRecord, Household, Member, ObservedDay

END = date(2026, 11, 20)
POINTS = frozenset({"gate"})
RANK = ("note", "insufficient_data", "yellow", "orange", "red")
DOORS, METERS = "F1", "F2"


def _days(count: int, uses: tuple[CredentialUse, ...] = (), water: float | None = 0.0) -> list[ObservedDay]:
    return [ObservedDay(END, {}, uses, water)] * count


def _lived(count: int, people: int = 2) -> list[ObservedDay]:
    here = tuple(CredentialUse(f"tok-{n}", True, 1, 1, hours=1 << 7 | 1 << 18) for n in range(people))
    return [ObservedDay(END, {}, here, 0.2 * (0.7, 1.0, 1.3)[n % 3]) for n in range(count)]


def _blind(days: Sequence[ObservedDay], share: float) -> list[ObservedDay]:
    """On this share of the days, spread evenly, the gate was off."""
    return [
        replace(day, gaps={"gate": 1.0}) if int((n + 1) * share) > int(n * share) else day for n, day in enumerate(days)
    ]


def _record(*parts: Sequence[ObservedDay], people: int = 2, **household: object) -> DwellingRecord:
    rows = [day for part in parts for day in part]
    dated = [replace(day, day=END - timedelta(days=len(rows) - 1 - n)) for n, day in enumerate(rows)]
    members = tuple(Member(f"m-{n}", True, True, frozenset({f"tok-{n}"})) for n in range(people))
    home = replace(Household("t", date(2024, 1, 1), None, members), **household)  # type: ignore[arg-type]
    days = tuple(presence(dated, POINTS))
    return DwellingRecord("d", home, days, POINTS, {"water": "W"}, contacts_kept=False)


def _found(record: DwellingRecord, pack: str) -> Finding | None:
    found = detect(record, pack_named(pack), calendar(), model())
    return max(found, key=lambda one: RANK.index(one.stage), default=None)


# --- the fitted model ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("people", [1, 2, 4])
@pytest.mark.parametrize("empty", [200, 260, 320])
@pytest.mark.parametrize("share", [0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0])
def test_a_gate_that_was_off_makes_no_empty_home_likelier(people: int, empty: int, share: float) -> None:
    """Half of the days unseen made a file of two people's home that was a question when every day was seen."""
    lived, away = _lived(120, people), _days(empty)
    seen = _found(_record(lived, away, people=people), "national_measured")
    blind = _found(_record(lived, _blind(away, share), people=people), "national_measured")
    assert seen is not None
    assert blind is not None
    assert (blind.chance or 0) <= (seen.chance or 0)
    assert RANK.index(blind.stage) <= RANK.index(seen.stage)
    if 1 - share < OBSERVED_RED:
        assert blind.stage != "red", "a file needs devices that saw enough"
    if share > 0.5:
        assert DOORS not in blind.families, "doors that were off say nothing"


# --- consent taken back -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", sorted(packs()))
@pytest.mark.parametrize("water", [0.0, None])
def test_who_takes_consent_back_after_ten_days_away_is_no_suspect(pack: str, water: float | None) -> None:
    """Ten days away, then home by face, at which nobody may look: of ninety days ten are known, and speak for themselves."""
    back = END - timedelta(days=79)
    members = tuple(Member(f"m-{n}", True, False, frozenset({f"tok-{n}"}), withheld=((back, None),)) for n in range(2))
    unseen = [replace(day, withheld=True) for day in _days(80, water=water)]
    record = _record(_lived(120), _days(10, water=water), unseen, members=members)
    found = _found(record, pack)
    assert found is None or RANK.index(found.stage) < RANK.index("yellow"), found


def test_days_at_which_nobody_might_look_fill_no_gap_in_a_run() -> None:
    """150 days empty, four months at which nobody might look, a month empty: no run of half a year was seen."""
    unseen = [replace(day, withheld=True) for day in _days(120)]
    found = _found(_record(_lived(60), _days(150), unseen, _days(66)), "national")
    assert found is not None
    assert found.stage == "insufficient_data"
    assert found.coverage < 0.95


def test_coverage_knows_of_days_at_which_nobody_might_look() -> None:
    days = presence([ObservedDay(END, withheld=n < 2) for n in range(10)], POINTS)
    assert window_coverage(days, POINTS) == (0.8, None)


# --- days lived ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lived", "unknown", "short"), [(29, 0, True), (30, 0, False), (26, 3, True), (27, 3, False)])
def test_a_day_that_nobody_could_observe_counts_as_lived(lived: int, unknown: int, short: bool) -> None:
    """Beijing, under 30 days lived in 92: 27 days lived and three unseen may be thirty."""
    off = [replace(day, gaps={"gate": 1.0}) for day in _days(unknown)]
    found = _found(_record(_lived(100), _lived(lived), off, _days(92 - lived - unknown)), "beijing")
    assert found is not None
    assert (found.rule == "V5") == short
    told = f"另有{unknown}日无法观测，按居住计"
    assert any(told in line for line in found.because) == short
    for line in found.because:
        assert not any("\u4e00" <= letter <= "\u9fff" for letter in english(line)), english(line)


# --- red ----------------------------------------------------------------------------------------------------------------

USES = st.sampled_from(
    [
        (),
        (CredentialUse("tok-0", True, 1, 1, hours=1 << 7 | 1 << 18),),
        (CredentialUse("tok-0", True, 0, 2, late=1, hours=1 << 23),),
        (CredentialUse("guest", False, 0, 2, late=1, hours=1 << 23),),
        (CredentialUse("guest", False, 0, 2, hours=1 << 9),),
    ]
)
DAY = st.builds(
    ObservedDay, st.just(END), st.sampled_from([{}, {}, {"gate": 0.04}, {"gate": 1.0}]), USES,
    st.sampled_from([None, 0.0, 0.0, 0.12, 0.2, 0.26]), st.sampled_from([None, 0.5, 4.0]), st.booleans(),
)  # fmt: skip
STORY = st.lists(st.tuples(DAY, st.integers(1, 120)), max_size=5)


PACK = st.sampled_from([*sorted(packs()), *["national_measured"] * 6])


@settings(max_examples=100, deadline=None)
@given(STORY, st.integers(0, 320), st.floats(0, 1), st.integers(1, 4), st.booleans(), PACK)
def test_red_has_two_families_of_which_one_is_no_face_and_devices_that_saw(
    story: list[tuple[ObservedDay, int]], empty: int, share: float, people: int, healthy: bool, pack: str
) -> None:
    rows = [replace(day, water=day.water and day.water + n % 3 / 50) for day, count in story for n in range(count)]
    record = replace(
        _record(_lived(60, people), rows, _blind(_days(empty), share), people=people), identification_ok=healthy
    )
    for found in detect(record, pack_named(pack), calendar(), model()):
        if found.stage != "red":
            continue
        assert len(set(found.families)) >= 2
        assert set(found.families) - {DOORS}, "doors may have looked at faces"
        window = [day for day in record.days if found.window_from <= day.day <= found.window_to]
        known = sum(day.state != "unknown" for day in window) / len(window)
        assert known >= OBSERVED_RED
        assert healthy or found.kind != "sublet"
