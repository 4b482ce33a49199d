"""Rules of measured packs: who left together, visitors who live there, visits to an empty home, a file without contacts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from hub.occupancy.detect import detect
from hub.occupancy.finding import Finding
from hub.occupancy.policy import calendar, pack_named
from hub.occupancy.presence import presence
from hub.occupancy.values import CredentialUse, DwellingRecord, Household, Member, ObservedDay

END = date(2026, 11, 20)
POINTS = frozenset({"gate", "entrance"})
MEASURED = pack_named("national_measured")
COUPLE = (Member("m-1", True, True, frozenset({"tok-a"})), Member("m-2", True, True, frozenset({"tok-b"})))
HERE = (CredentialUse("tok-a", True, 1, 1), CredentialUse("tok-b", True, 1, 1))
ALONE = (CredentialUse("tok-a", True, 1, 1),)
LENT = (CredentialUse("tok-a", True, 0, 2),)
NIGHTLY = (CredentialUse("tok-v", False, 0, 2, late=1),)
BY_DAY = (CredentialUse("tok-v", False, 0, 2),)
Uses = tuple[CredentialUse, ...]


def days(count: int, uses: Uses, water: float | None) -> list[ObservedDay]:
    """Water with a household's ups and downs."""
    ups = (0.7, 1.0, 1.3)
    return [ObservedDay(END, uses=uses, water=None if water is None else water * ups[i % 3]) for i in range(count)]


def find(*parts: list[ObservedDay], members: tuple[Member, ...] = COUPLE, **changes: object) -> Finding | None:
    rows = [day for part in parts for day in part]
    dated = [replace(day, day=END - timedelta(days=len(rows) - 1 - i)) for i, day in enumerate(rows)]
    household = Household("t-1", date(2024, 1, 1), None, members)
    base = DwellingRecord("d-1", household, tuple(presence(dated, POINTS)), POINTS, {"water": "W-1"})
    found = detect(replace(base, **changes), MEASURED, calendar())  # type: ignore[arg-type]
    return found[0] if found else None


def said(found: Finding | None) -> tuple[str, str] | None:
    return (found.rule, found.stage.value) if found else None


@pytest.mark.parametrize(
    ("unseen", "wanted"), [(15, None), (16, ("S1", "yellow")), (25, ("S1", "yellow")), (26, ("S1", "red"))]
)
def test_two_who_left_together_while_the_home_is_used(unseen: int, wanted: tuple[str, str] | None) -> None:
    assert said(find(days(60, HERE, 0.2), days(unseen, LENT, 0.12))) == wanted


def test_one_who_changes_to_a_card_is_no_lead() -> None:
    assert find(days(60, ALONE, 0.1), days(120, LENT, 0.1), members=COUPLE[:1]) is None


def test_persons_never_seen_count_only_where_the_doors_recognise_the_neighbours() -> None:
    story = days(60, LENT, 0.2)
    assert said(find(story, recognised=0.9)) == ("S1", "red")
    assert find(story, recognised=0.3) is None, "a door that checks cards proves nobody absent"
    assert find(story, recognised=None) is None


def test_visitors_who_come_home_at_night_and_those_who_come_by_day() -> None:
    found = find(days(60, HERE, 0.2), days(30, NIGHTLY, 0.2))
    assert said(found) == ("P1", "red")
    assert found is not None
    assert {"F1", "F2", "F3"} <= set(found.families)
    stays = (*HERE, *NIGHTLY)
    assert said(find(days(60, HERE, 0.2), days(16, stays, 0.3))) == ("P1", "yellow"), "the household itself is there"
    assert find(days(60, HERE, 0.2), days(60, (*HERE, *BY_DAY), 0.2)) is None, "a carer comes in the morning and leaves"


def test_visits_to_an_empty_home_do_not_begin_the_count_anew() -> None:
    month = [*days(29, (), 0.0), *days(1, ALONE, 0.01)]
    found = find(days(60, HERE, 0.2), month * 4)
    assert said(found) == ("V2", "yellow")
    assert found is not None
    assert any("4日有人到访" in text for text in found.against)
    back = find(days(60, HERE, 0.2), days(100, (), 0.0), days(2, HERE, 0.2))
    assert back is None, "two days lived in end it"


@pytest.mark.parametrize(("empty", "stage"), [(150, "orange"), (209, "orange"), (210, "red")])
def test_where_no_contacts_are_kept_a_file_waits_another_month(empty: int, stage: str) -> None:
    story = (days(60, HERE, 0.2), days(empty, (), 0.0))
    found = find(*story, contacts_kept=False)
    assert found is not None
    assert found.stage.value == stage
    kept = find(*story)
    assert kept is not None
    assert kept.stage.value == "orange", "with a record of contacts, none failed: no file"
