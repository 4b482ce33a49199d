"""`diff`: exact change sets, the brake, and any order of versions ending in the same state."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.tenancy.brake import feed_problem
from hub.tenancy.changes import ChangeSet, Known, Limits
from hub.tenancy.diff import diff
from hub.tenancy.reasons import zh
from hub.tenancy.records import ConsentGiven, EndDecision, Member, TenancyRecord, parse_tenancy
from hub.tenancy.settle import due, has_left, settle

TODAY = date(2026, 11, 21)
FROM = date(2026, 1, 5)
DONE = EndDecision("青房退〔2026〕12号", date(2026, 11, 1), date(2026, 11, 15), "surrender", "中心")
CONSENT = ConsentGiven(at=datetime(2026, 1, 5, 2, tzinfo=UTC))


def person(name: str, **changed: Any) -> Member:
    return Member(**{"person_id": name, "name": name, "relation": "applicant", "from_date": FROM, **changed})


def record(key: str = "T-1", version: int = 1, *members: Member, **changed: Any) -> TenancyRecord:
    base = {"state": "active", "dwelling_code": f"E001-{key}", "from_date": FROM, "members": members or (person("A"),)}
    return TenancyRecord(**{"id": key, "version": version, **base, **changed})


def known(*records: TenancyRecord, estate: str = "E001") -> dict[str, Known]:
    return {r.id: Known(r, estate) for r in records}


def test_nothing_known_nothing_comes() -> None:
    assert diff({}, [], today=TODAY, full=True) == ChangeSet()


def test_new_and_unchanged_and_stale() -> None:
    have = known(record("T-1", 3), record("T-2", 3))
    changes = diff(have, [record("T-1", 2, person("B")), record("T-2", 3), record("T-3", 1)], today=TODAY)
    assert changes == ChangeSet(new=(record("T-3", 1),), unchanged=("T-2",), stale=("T-1",))


@pytest.mark.parametrize("version", [0, 2, 3])
def test_what_has_ended_comes_back_by_a_newer_version_only(version: int) -> None:
    over = known(record("T-1", 3, state="ended", end_decision=DONE))
    assert diff(over, [record("T-1", version)], today=TODAY) == ChangeSet(stale=("T-1",))
    (back,) = diff(over, [record("T-1", 4)], today=TODAY).changed
    assert back.record.state == "active"


def test_a_change_says_who_came_who_left_and_which_consents_moved() -> None:
    before = record("T-1", 1, person("A", consents={"a": CONSENT}), person("B", relation="spouse"))
    after = record("T-1", 2, person("A", consents={"b": CONSENT}), person("C", relation="child"))
    (change,) = diff(known(before), [after], today=TODAY).changed
    assert (change.added, change.left) == (("C",), ("B",))
    assert change.consents_given == (("A", "b"),)
    assert change.consents_withdrawn == (("A", "a"),)
    assert change.fields == ("version", "members")
    assert [m.person_id for m in change.record.members] == ["A", "B", "C"], "known members keep their ordinal"
    assert change.record.members[1].to_date == date(2026, 11, 20), "B's last day was yesterday"


def test_of_a_partial_record_nobody_leaves() -> None:
    before = record("T-1", 1, person("A"), person("B"))
    (change,) = diff(known(before), [record("T-1", 2, person("A"), partial=True)], today=TODAY).changed
    assert change.left == ()
    assert change.record.members == before.members


@pytest.mark.parametrize(
    ("decision", "state", "reason"),
    [
        (DONE, "ended", ""),
        (None, "active", "incomplete_decision"),
        (msgspec.structs.replace(DONE, number=""), "active", "incomplete_decision"),
        (msgspec.structs.replace(DONE, number=" \u3000"), "active", "incomplete_decision"),
        (msgspec.structs.replace(DONE, signed_by=""), "active", "incomplete_decision"),
        (msgspec.structs.replace(DONE, signed_by=" "), "active", "incomplete_decision"),
        (msgspec.structs.replace(DONE, date=None), "active", "incomplete_decision"),
        (msgspec.structs.replace(DONE, move_out_completed_on=None), "active", "incomplete_decision"),
        (msgspec.structs.replace(DONE, move_out_completed_on=TODAY), "ended", ""),
        (msgspec.structs.replace(DONE, move_out_completed_on=date(2026, 11, 22)), "active", "move_out_pending"),
    ],
)
def test_only_a_complete_decision_ends(decision: EndDecision | None, state: str, reason: str) -> None:
    changes = diff(known(record()), [record(version=2, state="ended", end_decision=decision)], today=TODAY)
    assert settle(record(state="ended", end_decision=decision), TODAY).state == state
    assert len(changes.ended) == (state == "ended")
    assert [h.reason for h in changes.incomplete] == ([reason] if reason else [])


def test_a_decision_nobody_signed_ends_nothing_as_it_comes_off_the_wire() -> None:
    raw = {
        "id": "T-1", "version": 2, "state": "ended", "dwelling_code": "E001-T-1", "from": "2026-01-05", "members": [],
        "end_decision": {"number": "青房退12号", "date": "2026-11-01", "move_out_completed_on": "2026-11-15"},
    }  # fmt: skip
    parsed = parse_tenancy(raw, lambda text: text, TODAY)
    assert parsed.record is not None
    changes = diff(known(record()), [parsed.record], today=TODAY)
    assert changes.ended == ()
    assert [h.reason for h in changes.incomplete] == ["incomplete_decision"]
    assert "签发人" in zh("incomplete_decision")


def test_the_lease_date_ends_nothing() -> None:
    over = record(to_date=date(2026, 1, 31))
    assert diff(known(over), [over], today=TODAY) == ChangeSet(unchanged=("T-1",))
    assert due(known(over).values(), TODAY) == ()


def test_the_lease_date_repeated_at_a_member_is_not_that_members_leaving() -> None:
    raw = {
        "id": "T-1", "version": 1, "state": "active", "dwelling_code": "E001-T-1", "from": "2020-01-01",
        "to": "2023-01-01",
        "members": [
            {"person_id": "A", "name": "甲", "relation": "本人", "from": "2020-01-01", "to": "2023-01-01"},
            {"person_id": "B", "name": "乙", "relation": "子", "from": "2020-01-01", "to": "2022-01-01"},
        ],
    }  # fmt: skip
    parsed = parse_tenancy(raw, lambda text: text, TODAY)
    assert parsed.refused == ()
    assert parsed.record is not None
    assert [m.to_date for m in parsed.record.members] == [None, date(2022, 1, 1)]


def renewed(version: int, lease_end: str, *members: tuple[str, str | None]) -> TenancyRecord:
    """As the source sends it: (person, `to`)."""
    raw = {
        "id": "T-1", "version": version, "state": "active", "dwelling_code": "E001-T-1", "from": "2020-01-01", "to": lease_end,
        "members": [{"person_id": p, "name": "甲", "relation": "子", "from": "2020-01-01", "to": to} for p, to in members],
    }  # fmt: skip
    parsed = parse_tenancy(raw, lambda text: text, TODAY)
    assert parsed.record is not None
    return parsed.record


@pytest.mark.parametrize("first", ["2023-01-01", None])
def test_the_earlier_lease_date_still_repeated_after_a_renewal_is_nobodys_leaving(first: str | None) -> None:
    have = renewed(1, "2023-01-01", ("A", first), ("B", "2022-01-01"))
    for version, lease_end in ((2, "2026-01-01"), (3, "2026-01-01"), (4, "2029-01-01")):
        incoming = renewed(version, lease_end, ("A", "2023-01-01"), ("B", "2022-01-01"))
        (change,) = diff(known(have), [incoming], today=TODAY).changed
        assert change.left == (), f"version {version}"
        have = change.record
        assert [m.to_date for m in have.members] == [None, date(2022, 1, 1)]
    (left,) = diff(
        known(have), [renewed(5, "2029-01-01", ("A", "2026-11-01"), ("B", "2022-01-01"))], today=TODAY
    ).changed
    assert left.left == ("A",), "another day is a leaving"


def test_vanishing_from_a_full_feed_ends_nothing() -> None:
    have = known(*(record(f"T-{n}") for n in range(10)))
    changes = diff(have, [record(f"T-{n}") for n in range(8)], today=TODAY, full=True)
    assert changes.missing == ("T-8", "T-9")
    assert (changes.ended, changes.held, changes.refused) == ((), (), "")


@pytest.mark.parametrize(("left", "reason"), [(0, "empty_feed"), (4, "half_feed"), (6, "half_feed"), (7, "")])
def test_an_empty_or_halved_full_pull_removes_nothing(left: int, reason: str) -> None:
    have = known(*(record(f"T-{n}") for n in range(10)))
    incoming = [record(f"T-{n}", 2, state="ended", end_decision=DONE) for n in range(min(left, 2))]
    incoming += [record(f"T-{n}") for n in range(2, left)]
    changes = diff(have, [*incoming, record("T-new")], today=TODAY, full=True)
    assert changes.refused == reason
    assert len(changes.new) == 1, "additions go on"
    assert len(changes.ended) == (0 if reason else 2)
    if reason:
        assert {h.tenancy for h in changes.held} == set(have) - {f"T-{n}" for n in range(2, left)}


@pytest.mark.parametrize(
    ("last", "total", "problem"),
    [(0, 0, ""), (236, 0, "empty_feed"), (236, 118, "half_feed"), (236, 230, ""), (3, 1, "")],
)
def test_feed_problem(last: int, total: int, problem: str) -> None:
    assert feed_problem(last, total) == problem


@pytest.mark.parametrize(("live", "allowed"), [(1, 3), (60, 3), (100, 5), (236, 11), (400, 20), (5000, 20)])
def test_limit(live: int, allowed: int) -> None:
    assert Limits().allowed(live) == allowed


def _ending(*numbers: int) -> list[TenancyRecord]:
    return [record(f"T-{n}", 2, state="ended", end_decision=DONE) for n in numbers]


def test_brake_at_the_limit_and_one_above() -> None:
    have = known(*(record(f"T-{n}") for n in range(100)))
    assert len(diff(have, _ending(*range(5)), today=TODAY).ended) == 5
    above = diff(have, [*_ending(*range(6)), record("T-x")], today=TODAY)
    assert (above.ended, above.refused, len(above.new)) == ((), "mass_removal", 1)
    assert [h.tenancy for h in above.held] == [f"T-{n}" for n in range(6)]
    assert {h.reason for h in above.held} == {"mass_removal"}
    recent = diff(have, _ending(1), today=TODAY, recent={"E001": 5})
    assert recent.refused == "mass_removal", "what was lost in the last 24 hours counts"
    assert len(diff(have, _ending(1), today=TODAY, recent={"E002": 5}).ended) == 1, "each estate has its own brake"
    let = diff(have, _ending(*range(6)), today=TODAY, released=frozenset(f"T-{n}" for n in range(6)))
    assert len(let.ended) == 6, "a person let them pass"


def test_brake_counts_leavers_and_decisions_that_lie_ahead() -> None:
    have = known(*(record(f"T-{n}", 1, person("A"), person("B")) for n in range(10)))
    soon = msgspec.structs.replace(DONE, move_out_completed_on=date(2026, 12, 1))
    incoming = [
        record("T-0", 2, person("A")),
        record("T-1", 2, person("A"), person("B", to_date=date(2026, 12, 31))),
        record("T-2", 2, person("A"), person("B"), state="ended", end_decision=soon),
        *_ending(3),
    ]
    changes = diff(have, incoming, today=TODAY)
    assert [h.tenancy for h in changes.held] == ["T-3", "T-0", "T-1", "T-2"]
    assert (changes.changed, changes.ended) == ((), ()), "nothing of a held change is left over"
    assert changes.refused == "mass_removal"


def test_a_held_change_still_adds_and_is_not_forgotten() -> None:
    have = known(*(record(f"T-{n}", 1, person("A"), person("B")) for n in range(10)))
    incoming = [record(f"T-{n}", 2, person("A"), person("C")) for n in range(4)]
    changes = diff(have, incoming, today=TODAY)
    assert len(changes.held) == 4
    for change in changes.changed:
        assert change.added == ("C",)
        assert change.left == ()
        assert [m.to_date for m in change.record.members] == [None, None, None]
        assert change.record.version == 1, "the next full pull shows the leaving again"


def test_due_ends_what_was_only_waiting_for_its_day() -> None:
    soon = msgspec.structs.replace(DONE, move_out_completed_on=date(2026, 12, 1))
    waiting = record(end_decision=soon)
    assert due(known(waiting).values(), TODAY) == ()
    (end,) = due(known(waiting).values(), date(2026, 12, 1))
    assert (end.record.state, end.record.end_decision) == ("ended", soon)


def _fold(versions: list[TenancyRecord]) -> TenancyRecord:
    """Apply versions one by one, as runs would."""
    held: dict[str, Known] = {}
    for one in versions:
        changes = diff(held, [one], today=TODAY)
        for new in changes.new:
            held[new.id] = Known(new, "E001")
        for change in (*changes.changed, *changes.ended):
            held[change.record.id] = Known(change.record, "E001")
    return held["T-1"].record


@st.composite
def histories(draw: st.DrawFn) -> list[TenancyRecord]:
    versions = []
    for version in range(1, draw(st.integers(2, 5)) + 1):
        names = draw(st.sets(st.sampled_from("ABCD"), min_size=1))
        ended = draw(st.booleans())
        decision = draw(st.sampled_from([None, DONE, msgspec.structs.replace(DONE, number="")])) if ended else None
        members = [person(n, consents={"a": CONSENT} if draw(st.booleans()) else {}) for n in sorted(names)]
        versions.append(record("T-1", version, *members, state="ended" if ended else "active", end_decision=decision))
    return versions


@settings(max_examples=300, deadline=None)
@given(histories(), st.data())
def test_any_order_and_repetition_of_versions_ends_in_the_same_state(
    versions: list[TenancyRecord], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(versions))
    repeated = [*order, *data.draw(st.lists(st.sampled_from(versions), max_size=3))]
    straight, shuffled = _fold(versions), _fold(repeated)
    newest = settle(versions[-1], TODAY)
    for end in (straight, shuffled):
        assert (end.version, end.state, end.end_decision) == (newest.version, newest.state, newest.end_decision)
    if newest.state == "active":
        live = [set(_live(end)) for end in (straight, shuffled, newest)]
        assert live[0] == live[1] == live[2], "the same people with the same consents live there"


def _live(end: TenancyRecord) -> list[tuple[str, tuple[str, ...]]]:
    return [(m.person_id, tuple(m.consents)) for m in end.members if not has_left(m, TODAY)]
