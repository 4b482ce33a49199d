"""Signs that others live in a home: who counts as having joined a household."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from hub.occupancy.presence import presence
from hub.occupancy.signs import COLUMN, signs
from hub.occupancy.values import CredentialUse, Household, Member, ObservedDay

START, DAYS = date(2026, 1, 1), 60
LET = date(2020, 5, 1)
YOUNG = CredentialUse("young", True, 2, 0, 0, 1 << 8)


def newcomer_only(*members: Member, registered: date | None = None) -> float:
    """Of the last day, where doors recognise the one who was registered last, every day, and nobody else."""
    days = presence(
        [ObservedDay(START + timedelta(days=i), {}, (YOUNG,), None) for i in range(DAYS)], frozenset({"gate"})
    )
    household = Household("t", LET, None, members, registered=registered)
    table = signs(days, household, [0.9] * DAYS, np.zeros(DAYS, np.bool_))
    return float(table[-1, COLUMN["newcomer_only"]])


def member(token: str, since: date, *, consent: bool = True) -> Member:
    return Member(token, True, consent, frozenset({token}), since)


LATE = member("young", date(2025, 11, 20))


def test_only_who_joined_an_old_tenancy_is_recognised() -> None:
    assert newcomer_only(member("old", LET), LATE) == 1.0


def test_of_a_household_whom_no_door_can_recognise_it_says_nothing() -> None:
    assert newcomer_only(member("old", LET, consent=False), LATE) == 0.0


@pytest.mark.parametrize(("begun", "wanted"), [(date(2025, 11, 1), 0.0), (date(2025, 6, 1), 1.0), (None, 1.0)])
def test_a_register_that_was_begun_long_after_the_lease(begun: date | None, wanted: float) -> None:
    """All were entered when the estate got its doors: nobody of them has joined the others."""
    assert newcomer_only(member("old", begun or LET), LATE, registered=begun) == wanted
