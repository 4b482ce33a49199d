"""Where a night says at once that nothing is found, the whole record gives no chance to anything either."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.occupancy.absence_signs import ABSENCE_COLUMN
from hub.occupancy.fitted import model
from hub.occupancy.likely import AWAY_DAYS, likely
from hub.occupancy.memory import Kept, RecentDays, pack, unpack
from hub.occupancy.policy import pack_named
from hub.occupancy.presence import Memory, judge
from hub.occupancy.quiet import Rest, one_more, quiet, rest_key, rest_of
from hub.occupancy.signs import worth_a_look
from hub.occupancy.values import CredentialUse, DwellingRecord, Household, Member, ObservedDay, PresenceDay

START = date(2026, 1, 1)
POINTS = frozenset({"gate", "door"})
PACK = pack_named("national_measured")
MEMBERS = (
    Member("m1", True, True, frozenset({"a"}), START),
    Member("m2", True, False, frozenset({"b", "b2"}), START),
)
HOUSEHOLD = Household("t", START, None, MEMBERS)
USES = st.lists(
    st.builds(
        CredentialUse,
        st.sampled_from(["a", "a", "b", "b2", "house", "v"]),
        st.booleans(),
        st.integers(0, 1),
        st.integers(0, 2),
        st.integers(0, 1),
        st.sampled_from([1 << 7 | 1 << 18, 1 << 8, 1 << 22 | 1 << 2, 1 << 13, 0]),
    ),
    max_size=3,
).map(lambda uses: tuple({use.credential: use for use in uses}.values()))
STRETCHES = st.lists(
    st.tuples(
        st.integers(1, 60), USES, st.sampled_from([None, 0.0, 0.01, 0.2]), st.sampled_from([{}, {}, {"door": 1.0}])
    ),
    min_size=1,
    max_size=7,
)
LATER = st.sampled_from([None, 40, 100])


def _nights(stretches: list[Any], household: Household, recognised: float | None) -> tuple[int, int]:
    """(nights that were quiet, nights in all); on each quiet one the whole record gives neither chance anything."""
    kept, days, rest, calm = Kept(Memory()), list[PresenceDay](), Rest(), 0
    for length, uses, water, gaps in stretches:
        for _n in range(length):
            observed = ObservedDay(START + timedelta(days=len(days)), gaps, uses, water)
            again = unpack(pack(kept))
            assert again is not None
            kept, rest = again, again.rest
            days.append(judge(observed, POINTS, kept.memory))
            kept.add(days[-1])
            record = DwellingRecord(
                "d", household, tuple(days), POINTS, {"water": "w"}, recognised=recognised, traced=False
            )
            held = RecentDays.of(kept, len(kept))
            one_more(rest, held, household)
            known = rest_of(record, PACK, model(), standing=True)
            key = rest_key(household, PACK, model())
            assert (rest.bins, rest.used) == (known.bins, known.used), "sums go on as if counted anew"
            rest.key = rest.key or key
            if quiet(rest, key, held, household, kept.memory.identified_days, recognised):
                calm += 1
                of = likely(record, household, PACK, lambda _day: False, model())
                if of is not None:
                    assert not worth_a_look(of.signs)[-1], "others might live here"
                    assert of.absence[-1, ABSENCE_COLUMN["away"]] < AWAY_DAYS, "nobody might live here"
                    assert (of.others[-1], of.vacancy[-1]) == (0, 0)
            kept.rest = rest
    return calm, len(days)


@settings(max_examples=25, deadline=None)
@given(STRETCHES, st.sampled_from([None, 0.3, 0.8]), LATER)
def test_a_quiet_night_is_one_of_which_the_whole_record_says_nothing(
    stretches: list[Any], recognised: float | None, later: int | None
) -> None:
    members = MEMBERS if later is None else (MEMBERS[0], replace(MEMBERS[1], since=START + timedelta(days=later)))
    _nights(stretches, Household("t", START, None, members), recognised)


def test_a_household_at_home_is_quiet_nearly_every_night() -> None:
    calm, nights = _nights([(150, (FACE, CARD), 0.2, {})], HOUSEHOLD, 0.8)
    assert calm > nights - 15


FACE = CredentialUse("a", True, identified=2, hours=1 << 7 | 1 << 18)
CARD = CredentialUse("b", True, other=2, hours=1 << 8 | 1 << 18)
HOUSE_CARD = CredentialUse("house", True, other=2, hours=1 << 8 | 1 << 18)


@pytest.mark.parametrize(
    "then",
    [
        (replace(CARD, credential="a"), replace(CARD, credential="v", resident=False, other=0)),
        (FACE, HOUSE_CARD),
        (replace(FACE, hours=1 << 2), replace(CARD, hours=1 << 22)),
        (),
        (HOUSE_CARD,),
        (FACE, CredentialUse("v", False, other=1, late=1, hours=1 << 18)),
    ],
    ids=["only the card of who was recognised", "a card of nobody's", "other hours", "silence", "others", "visitors"],
)
def test_what_begins_to_speak_is_never_passed_over(then: tuple[CredentialUse, ...]) -> None:
    used = tuple(use for use in then if use.identified or use.other)
    calm, nights = _nights([(80, (FACE, CARD), 0.2, {}), (45, used, 0.2 if used else 0.0, {})], HOUSEHOLD, 0.8)
    assert 50 < calm < nights - 20


def test_visits_to_an_empty_home_are_no_living_there() -> None:
    calm, nights = _nights([(80, (FACE, CARD), 0.2, {}), (45, (FACE,), 0.0, {})], HOUSEHOLD, 0.8)
    assert 50 < calm < nights - 20
