"""Each place's stages to the day, at the edges of what days are: runs, festivals, the leap day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise

import pytest

from hub.occupancy.detect import detect
from hub.occupancy.finding import Stage
from hub.occupancy.pack import PolicyPack
from hub.occupancy.policy import calendar, pack_named
from hub.occupancy.presence import presence
from hub.occupancy.runs import absence_run, absent_in_all, festival_days
from hub.occupancy.values import Contact, CredentialUse, DwellingRecord, Household, Member, ObservedDay

END = date(2026, 12, 20)
"""No festival lies in the year before it but that of February."""

POINTS = frozenset({"gate"})
HERE = (CredentialUse("tok", True, 1, 1),)
PLACES = ("national", "shenzhen", "xiamen", "hong_kong", "hangzhou_qiantang", "beijing")
IN_A_ROW = [name for name in PLACES if pack_named(name).vacancy.shape == "consecutive"]
TRIED = tuple(Contact(f"c{n}", END - timedelta(days=n), in_person=True, off_hours=True) for n in range(1, 5))


def _days(story: str, end: date = END) -> Iterator[ObservedDay]:
    """`h` somebody is at home, `.` nobody passes, `?` nobody could observe."""
    for back, what in enumerate(reversed(story)):
        home = what == "h"
        gaps = {"gate": 1.0} if what == "?" else {}
        yield ObservedDay(end - timedelta(days=back), gaps, HERE if home else (), 0.2 if home else 0.0, None)


def _record(story: str, end: date = END, contacts: Sequence[Contact] = TRIED) -> DwellingRecord:
    days = list(_days(story, end))[::-1]
    member = Member("m", True, True, frozenset({"tok"}))
    household = Household("t", date(2020, 1, 1), date(2020, 1, 2), (member,), contacts=tuple(contacts))
    return DwellingRecord("d", household, tuple(presence(days, POINTS)), POINTS, {"water": "w"})


def _stage(story: str, pack: PolicyPack, end: date = END) -> tuple[str, str] | None:
    found = detect(_record(story, end), pack, calendar())
    assert len(found) <= 1, "these stories have one meaning"
    return (found[0].rule, found[0].stage.value) if found else None


def _stages(pack: PolicyPack) -> list[tuple[int, tuple[str, str]]]:
    """(first day, what it is called) in order; of two on one day the graver."""
    rule = pack.vacancy
    steps = {
        rule.note_days: ("V1", Stage.NOTE.value),
        rule.yellow_days: ("V2", Stage.YELLOW.value),
        rule.orange_days: ("V3", Stage.ORANGE.value),
        rule.pre_notice_days: ("V4", Stage.ORANGE.value),
        rule.red_days: ("V5", Stage.RED.value),
    }
    return sorted(steps.items())


@pytest.mark.parametrize("name", [*IN_A_ROW, "hangzhou_qiantang"])
def test_each_stage_begins_on_its_day_and_not_the_day_before(name: str) -> None:
    pack = pack_named(name)
    stages = [(0, None), *_stages(pack)]
    for (_begun, before), (first, called) in pairwise(stages):
        assert _stage("h" * 60 + "." * (first - 1), pack) == before
        assert _stage("h" * 60 + "." * first, pack) == called


def test_beijing_files_whom_it_saw_for_29_days_and_asks_who_was_there_for_30() -> None:
    """Fewer than 30 days lived within three months, on 92 days that were all observed; a run alone is a question."""
    pack = pack_named("beijing")
    assert _stage("h" * (200 + 29) + "." * 63, pack) == ("V5", "red")
    assert _stage("h" * (200 + 30) + "." * 62, pack) == ("V2", "yellow")
    assert _stage("h" * 200 + "." * 61 + "h" * 29 + "." * 2, pack) == ("V5", "red"), "wherever in the window they lie"
    assert _stage("h" * 200 + "." * 61 + "h" * 30 + ".", pack) is None
    assert _stage("h" * 200 + "." * 58 + "h" * 29 + "." * 4 + "?", pack) is None, (
        "who could not be seen may have been there"
    )
    for first, called in _stages(pack)[:2]:
        lately = "h" * 90 + "." * first  # a tenancy whose window holds a festival says nothing of days lived
        after = date(2026, 2, 17) + timedelta(days=20 + first)
        assert _stage(lately, pack, after) == called
        assert _stage(lately[:-1], pack, after - timedelta(days=1)) != called


@pytest.mark.parametrize(("run", "counts"), [(14, False), (15, True)])
def test_runs_of_a_fortnight_are_none_and_of_a_day_more_are(run: int, counts: bool) -> None:
    """Where the law adds days up: single days are weak, people walk in behind others."""
    pack = pack_named("hangzhou_qiantang")
    story = "h" * 30 + ("." * run + "h") * 12
    record = _record(story)
    assert record.household is not None
    free = festival_days(calendar(), pack.pauses)
    total = absent_in_all(record.days, record.household, pack.pauses, lambda _day: False)
    assert total == (12 * run if counts else 0)
    assert free(date(2026, 2, 17))
    at_the_line = "h" * 30 + "h".join(["." * run] * (180 // run + (180 % run > 0)))
    assert (_stage(at_the_line, pack) == ("V5", "red")) is counts


@pytest.mark.parametrize("broken", ["?", "??"])
def test_days_nobody_could_observe_neither_end_a_run_nor_lengthen_it(broken: str) -> None:
    pack = pack_named("hangzhou_qiantang")
    for one, counts in (("." * 7 + broken + "." * 7, 0), ("." * 7 + broken + "." * 8, 15)):
        record = _record("h" * 30 + one + "h")
        assert record.household is not None
        assert absent_in_all(record.days, record.household, pack.pauses, lambda _day: False) == counts


@pytest.mark.parametrize("name", IN_A_ROW)
def test_two_spring_festivals_in_one_run_pause_twice(name: str) -> None:
    """26 January 2028 and 13 February 2029, each 15 days before and 20 after: 72 days that count for nobody."""
    pack = pack_named(name)
    free = festival_days(calendar(), pack.pauses)
    first, last = date(2028, 1, 11), date(2029, 3, 5)
    assert (free(first), free(first - timedelta(days=1))) == (True, False)
    assert (free(last), free(last + timedelta(days=1))) == (True, False)
    length = (last - first).days + 1
    record = _record("h" * 10 + "." * length, last)
    assert record.household is not None
    run = absence_run(record.days, record.household, pack.pauses, free)
    assert (run.paused, run.absent) == (72, length - 72)


@pytest.mark.parametrize("name", IN_A_ROW)
def test_the_leap_day_is_a_day(name: str) -> None:
    """2028 has one, on which nobody pauses any more: every stage comes after as many days as in another year."""
    pack = pack_named(name)
    free = festival_days(calendar(), pack.pauses)
    leap = date(2028, 2, 29)
    assert not free(leap)
    begun = date(2028, 2, 16)
    assert not free(begun)
    for first, called in _stages(pack):
        end = begun + timedelta(days=first - 1)
        assert end > leap
        tried = [Contact(f"c{n}", end - timedelta(days=n), in_person=True, off_hours=True) for n in range(1, 5)]
        ((found),) = detect(_record("h" * 60 + "." * first, end, tried), pack, calendar())
        assert (found.rule, found.stage.value) == called
        before = detect(_record("h" * 60 + "." * (first - 1), end - timedelta(days=1), tried), pack, calendar())
        assert [(one.rule, one.stage.value) for one in before] != [called]
