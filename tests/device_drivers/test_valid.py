"""What is in force when: ends on time, begins on time, and no wrong clock keeps a resident out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from device_drivers.contract.access import AccessList, Credential, ValidityPeriod
from device_drivers.contract.words import HolderClass
from device_drivers.valid import ALWAYS, in_force, lasting, next_change

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


def one(token: str, begin: datetime | None, end: datetime | None, kind: HolderClass) -> Credential:
    return Credential(token, token, kind, (), (), ValidityPeriod(begin, end))


VISITOR, RESIDENT = HolderClass.VISITOR, HolderClass.RESIDENT
PEOPLE = (
    one("always", None, None, RESIDENT),
    one("over", None, NOW, VISITOR),
    one("ends", NOW - HOUR, NOW + HOUR, VISITOR),
    one("begins", NOW + 2 * HOUR, NOW + 3 * HOUR, VISITOR),
    one("moves in", NOW + 4 * HOUR, None, RESIDENT),
    one("lives here", NOW - HOUR, None, RESIDENT),
)
LIST = AccessList("e", "d", 1, NOW, PEOPLE)


@pytest.mark.parametrize(
    ("dates", "trusted", "left_out"),
    [
        (True, True, {"over"}),
        (False, True, {"over", "begins", "moves in"}),
        (False, False, {"over", "begins"}),  # a resident never waits for a clock
        (True, False, {"over"}),
    ],
)
def test_what_is_over_goes_and_what_begins_comes(dates: bool, trusted: bool, left_out: set[str]) -> None:
    found = in_force(LIST, NOW, dates=dates, clock_trusted=trusted)
    assert {c.token for c in PEOPLE} - {c.token for c in found.credentials} == left_out


def test_the_revoked_are_never_in_force_and_nothing_left_out_is_the_same_list() -> None:
    found = in_force(LIST, NOW, dates=True, ended={"always", "ends"})
    assert [c.token for c in found.credentials] == ["begins", "moves in", "lives here"]
    whole = AccessList("e", "d", 1, NOW, PEOPLE[:1])
    assert in_force(whole, NOW, dates=False) is whole


def test_residents_have_no_dates_once_they_began() -> None:
    by_token = {c.token: c for c in PEOPLE}
    assert lasting(by_token["lives here"], NOW).validity == ALWAYS
    assert lasting(by_token["moves in"], NOW) is by_token["moves in"], "not before the day"
    assert lasting(by_token["moves in"], NOW, clock_trusted=False).validity == ALWAYS
    assert lasting(by_token["ends"], NOW, clock_trusted=False) is by_token["ends"], "a visitor's end always counts"


def test_the_next_change_by_itself() -> None:
    assert next_change(PEOPLE, NOW, dates=True) == NOW + HOUR
    assert next_change(PEOPLE, NOW + HOUR, dates=True) == NOW + 3 * HOUR
    assert next_change(PEOPLE, NOW + HOUR, dates=False) == NOW + 2 * HOUR
    assert next_change(PEOPLE[:1], NOW, dates=False) is None
