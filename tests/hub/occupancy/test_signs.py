"""Signs that others live in a home: who counts as having joined a household, who as seen, and who as missed."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from hub.occupancy.presence import presence
from hub.occupancy.signs import COLUMN, registered_recent, signs
from hub.occupancy.values import CredentialUse, Household, Member, ObservedDay

START, DAYS = date(2026, 1, 1), 60
LET = date(2020, 5, 1)
YOUNG = CredentialUse("young", True, 2, 0, 0, 1 << 8)


def of_last_day(
    name: str, use: CredentialUse, *members: Member, registered: date | None = None, recognised: float = 0.9
) -> float:
    """A sign where this credential is used every day and no other."""
    days = presence(
        [ObservedDay(START + timedelta(days=i), {}, (use,), None) for i in range(DAYS)], frozenset({"gate"})
    )
    household = Household("t", LET, None, members, registered=registered)
    table = signs(days, household, [recognised] * DAYS, np.zeros(DAYS, np.bool_))
    return float(table[-1, COLUMN[name]])


def newcomer_only(*members: Member, registered: date | None = None) -> float:
    """Where doors recognise the one who was registered last, and nobody else."""
    return of_last_day("newcomer_only", YOUNG, *members, registered=registered)


def member(token: str, since: date, *, consent: bool = True) -> Member:
    return Member(token, True, consent, frozenset({token}), since)


LATE = member("young", date(2025, 11, 20))


def test_only_who_joined_an_old_tenancy_is_recognised() -> None:
    assert newcomer_only(member("old", LET), LATE) == 1.0


def test_of_a_household_whom_no_door_can_recognise_it_says_nothing() -> None:
    assert newcomer_only(member("old", LET, consent=False), LATE) == 0.0


@pytest.mark.parametrize(("begun", "wanted"), [(date(2025, 9, 1), 0.0), (date(2025, 6, 1), 1.0), (None, 1.0)])
def test_a_register_that_was_begun_long_after_the_lease(begun: date | None, wanted: float) -> None:
    """All were entered when the estate got its doors: nobody of them has joined the others."""
    assert newcomer_only(member("old", begun or LET), LATE, registered=begun) == wanted


OURS = CredentialUse("card of the household", True, 0, 2, 0, 1 << 8)


@pytest.mark.parametrize(("recognised", "unseen"), [(0.3, 0.0), (0.75, 0.0), (0.8, float(DAYS))])
def test_the_card_of_a_household_is_its_own_where_doors_recognise_nobody(recognised: float, unseen: float) -> None:
    """One card a home, of nobody by name, as many estates hand it out: used every day it says that they are there."""
    assert of_last_day("unseen_own", OURS, member("old", LET), recognised=recognised) == unseen


@pytest.mark.parametrize(("recognised", "missed"), [(0.79, 0.0), (0.8, 1.0)])
def test_who_is_never_recognised_is_missed_only_where_doors_recognise_nearly_everybody(
    recognised: float, missed: float
) -> None:
    """Where one of three comes by card as they like, a household that does is no news."""
    card = CredentialUse("old", True, 0, 2, 0, 1 << 8)
    assert of_last_day("never_recognised", card, member("old", LET), recognised=recognised) == missed


@pytest.mark.parametrize(("missed", "unseen", "observed"), [(1.0, 0.0, 0.0), (0.2, 0.0, 0.0), (0.0, 30.0, 1.0)])
def test_water_tells_that_somebody_lives_there_and_not_that_doors_saw_nobody(
    missed: float, unseen: float, observed: float
) -> None:
    """45 days of doors that were down made red leads of a whole estate: every meter ran on, and nobody was recognised."""
    gone = 30
    seen = CredentialUse("old", True, 2, 0, 0, 1 << 8)
    days = presence(
        [
            ObservedDay(START + timedelta(days=i), {}, (seen,), 0.3)
            if i < DAYS - gone
            else ObservedDay(START + timedelta(days=i), {"gate": missed} if missed else {}, (), 0.3)
            for i in range(DAYS)
        ],
        frozenset({"gate"}),
    )
    table = signs(days, Household("t", LET, None, (member("old", LET),)), [0.9] * DAYS, np.zeros(DAYS, np.bool_))
    found = {name: float(table[-1, COLUMN[name]]) for name in ("unseen_own", "observed", "lived_recent")}
    assert found["unseen_own"] == unseen
    assert found["observed"] == observed
    assert found["lived_recent"] <= 1.0, "a share of the days that doors saw"


def registered_share(credential: str, *members: Member) -> tuple[float, float]:
    """On the last day (of who joined, of those before), where this one passes every day."""
    use = CredentialUse(credential, True, 0, 2, 0, 1 << 8)
    days = presence(
        [ObservedDay(START + timedelta(days=i), {}, (use,), None) for i in range(DAYS)], frozenset({"gate"})
    )
    joined, before = registered_recent(days, Household("t", LET, None, members))
    return float(joined[-1]), float(before[-1])


@pytest.mark.parametrize(
    ("credential", "shares"), [("young", (1.0, 0.0)), ("old", (0.0, 1.0)), ("of the household", (0.0, 0.0))]
)
def test_who_of_the_register_passes_by_card_or_face(credential: str, shares: tuple[float, float]) -> None:
    """Whatever doors can recognise: their own card is theirs."""
    assert registered_share(credential, member("old", LET, consent=False), LATE) == shares
    assert registered_share("young", member("old", LET), member("young", LET)) == (0.0, 0.0), "nobody joined"
