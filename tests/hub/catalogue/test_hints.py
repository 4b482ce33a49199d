"""The smaller rules of the catalogue: what they look at, where they stop, and what they never say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from hub.catalogue.crowd import over_occupancy, stranger_household
from hub.catalogue.entrances import Trouble, around_moves, fallen, troubles
from hub.catalogue.former import former_as_guest, former_returns
from hub.catalogue.homes import Home, hints
from hub.catalogue.integrity import bulk_changes, curious, in_two_households, old_lists, register_differs
from hub.catalogue.leases import lease_over
from hub.catalogue.lending import lending
from hub.catalogue.reports import brief_lend, reported
from hub.catalogue.residents import unseen_members
from hub.catalogue.values import CardPass, GuestUse, MemberUse
from hub.catalogue.visitors import frequent_guest, turnover
from hub.occupancy.outside import Sign

TODAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)


def days(count: int, first: int = 0) -> list[date]:
    return [TODAY - timedelta(days=first + n) for n in range(count)]


def guest(
    count: int, *, token: str = "v1", kind: str = "visitor", night: bool = False, every: int = 1
) -> list[GuestUse]:
    return [GuestUse(token, kind, TODAY - timedelta(days=n * every), night) for n in range(count)]


def adult(member: str = "m1", *, seen: int | None = None, since: int = 300, observable: bool = True) -> MemberUse:
    last = TODAY - timedelta(days=seen) if seen is not None else None
    return MemberUse(member, TODAY - timedelta(days=since), last, observable)


# --- P, S3 --------------------------------------------------------------------------------------------------------------


def test_a_visitor_of_fourteen_days_is_offered_a_longer_pass() -> None:
    assert frequent_guest(guest(13, every=2), (), TODAY) is None
    found = frequent_guest(guest(14, every=2), (), TODAY)
    assert found is not None
    assert (found.rule, found.stage) == ("P", "note")
    assert "常访" in found.because[-1]


def test_seven_nights_running_or_more_than_twenty_passes_will_do_too() -> None:
    assert frequent_guest(guest(6, night=True), (), TODAY) is None
    assert frequent_guest(guest(7, night=True), (), TODAY) is not None
    assert frequent_guest((), days(20), TODAY) is None
    assert frequent_guest((), days(21), TODAY) is not None


def test_carers_and_regular_visitors_are_never_too_often() -> None:
    for kind in ("carer", "regular_visitor", "repair"):
        assert frequent_guest(guest(30, kind=kind, night=True), (), TODAY) is None


def test_three_who_sleep_there_in_turn_are_asked_about() -> None:
    two = [*guest(5, token="a", night=True), *guest(5, token="b", night=True)]
    assert turnover(two, TODAY) is None
    found = turnover([*two, *guest(5, token="c", night=True)], TODAY)
    assert found is not None
    assert found.stage == "yellow"
    assert turnover([*two, *guest(5, token="c", night=False)], TODAY) is None, "by day is no stay"


# --- C ------------------------------------------------------------------------------------------------------------------


def passes(gaps: list[tuple[float, str]], side: str = "in", token: str = "card-1") -> list[CardPass]:
    at, found = NOW - timedelta(days=3), list[CardPass]()
    for seconds, door in gaps:
        at += timedelta(seconds=seconds)
        found.append(CardPass(token, door, side, at))
    return found


def test_one_card_at_two_gates_at_once() -> None:
    fast = [(4000.0, "g1"), (5.0, "g2")]
    assert lending(passes(fast * 2), TODAY, True) is None
    found = lending(passes(fast * 3), TODAY, True)
    assert found is not None
    assert (found.rule, found.stage) == ("C2", "note")
    assert lending(passes(fast * 3), TODAY, False) is None, "a clock that was wrong proves nothing"
    assert lending(passes([(4000.0, "g1"), (25.0, "g2")] * 9), TODAY, True) is None, "gates may be side by side"


def test_one_card_in_twice_with_no_way_out() -> None:
    twice = [(9000.0, "g1"), (300.0, "g1")]
    assert lending(passes(twice * 4), TODAY, True) is None
    found = lending(passes(twice * 5), TODAY, True)
    assert found is not None
    assert found.rule == "C3"
    assert lending(passes(twice * 9, side="unknown"), TODAY, True) is None
    assert lending(passes([(9000.0, "g1"), (3.0, "g1")] * 9), TODAY, True) is None, "held twice to the reader"


# --- R, H, O ------------------------------------------------------------------------------------------------------------


def test_an_adult_never_seen_in_a_home_that_is_lived_in() -> None:
    members = [adult("m1", seen=1), adult("m2")]
    found = unseen_members(members, 55, 0, TODAY)
    assert found is not None
    assert (found.rule, found.stage) == ("R", "note"), "no case: a question for the next review"
    assert "m2" not in repr(found), "how many, never who (IE11)"
    assert unseen_members([adult("m1", seen=1), adult("m2", seen=59)], 55, 0, TODAY) is None
    assert unseen_members([adult("m1", seen=1), adult("m2", since=59)], 55, 0, TODAY) is None, "card given lately"


def test_who_keeps_his_face_to_himself_is_not_unseen() -> None:
    members = [adult("m1", seen=1), adult("m2", observable=False)]
    assert unseen_members(members, 55, 0, TODAY) is None
    assert unseen_members([adult("m1", seen=1), adult("m2")], 55, 7, TODAY) is None, "doors that did not observe"
    assert unseen_members([adult("m1"), adult("m2")], 55, 0, TODAY) is None, "of a home nobody is seen in: other rules"


def test_strangers_in_the_household_s_place() -> None:
    members, guests = [adult("m1", seen=50), adult("m2", seen=60)], guest(30)
    found = stranger_household(members, guests, 0.9, False, TODAY)
    assert found is not None
    assert found.stage == "yellow"
    assert stranger_household([*members, adult("m3", observable=False)], guests, 0.9, False, TODAY) is None
    assert stranger_household([*members, adult("m3", seen=3)], guests, 0.9, False, TODAY) is None
    assert stranger_household(members, guests, 0.9, True, TODAY) is None, "they told that they are away"
    assert stranger_household(members, guest(30, kind="carer"), 0.9, False, TODAY) is None
    assert stranger_household(members, guests, None, False, TODAY) is None


@pytest.mark.parametrize("kind", ["tenant_deceased", "household_changed", "transfer_pending"])
def test_a_death_a_change_or_a_transfer_that_is_dealt_with_makes_no_strangers(kind: str) -> None:
    """The widow who may stay (Civil Code 732), a marriage on its way into the register, an approved swap: IE12, IE27, IE28."""
    home = Home(
        "h", "t", TODAY, members=(adult("m1", seen=50),), registered=1, guests=tuple(guest(45)), water_share=0.9,
        days_unknown=0, signs=(Sign("s", kind, TODAY - timedelta(days=40), TODAY + timedelta(days=9)),),
    )  # fmt: skip
    assert "stranger_household" not in {one.kind for one in hints(home)}
    over = replace(home, signs=(Sign("s", kind, TODAY - timedelta(days=40), TODAY - timedelta(days=1)),))
    assert "stranger_household" in {one.kind for one in hints(over)}


def test_many_more_than_registered_and_twice_the_water() -> None:
    three = [one for token in "abc" for one in guest(15, token=token, night=True)]
    assert over_occupancy(2, three, 2.1, False, TODAY) is not None
    assert over_occupancy(2, three, 2.1, True, TODAY) is None, "a leak is looked for first"
    assert over_occupancy(2, three, 1.9, False, TODAY) is None
    assert over_occupancy(2, three[:30], 2.1, False, TODAY) is None, "two more than registered are no crowd"


def test_nobody_is_asked_by_two_cases_who_lives_there() -> None:
    stays = tuple(one for token in "abc" for one in guest(15, token=token, night=True))
    home = Home("h", "t", TODAY, registered=2, guests=stays, water_share=2.1)
    assert {one.kind: one.stage for one in hints(home)} == {
        "visitor_use": "note", "turnover": "yellow", "over_occupancy": "note",
    }, "of two rules one asks"  # fmt: skip
    own = hints(replace(home, asked=frozenset({"over_occupancy"})))
    assert {one.kind for one in own if one.stage == "yellow"} == {"over_occupancy"}, "the one that has a case"
    found = hints(replace(home, asked=frozenset({"sublet"})))
    assert {one.stage for one in found} == {"note"}
    assert "此条暂只作记录" in next(one for one in found if one.kind == "turnover").because[-1]
    late = replace(
        home,
        asked=frozenset({"sublet"}),
        guests=(),
        members=(adult("m1", seen=1),),
        lease_end=TODAY - timedelta(days=15),
    )
    assert [one.stage for one in hints(late)] == ["yellow"], "that a lease is over is another question"


# --- L, S2, S4, E -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("after", "rule", "stage"), [(1, "L1", "note"), (15, "L2", "yellow"), (30, "L3", "yellow")])
def test_after_the_lease_a_question(after: int, rule: str, stage: str) -> None:
    end = TODAY - timedelta(days=after)
    found = lease_over(end, TODAY, (), TODAY)
    assert found is not None
    assert (found.rule, found.stage) == (rule, stage)
    applied = Sign("s", "renewal_applied", end - timedelta(days=20))
    moving = Sign("s", "moveout_agreed", end, TODAY + timedelta(days=5))
    assert lease_over(end, TODAY, (applied,), TODAY) is None
    assert lease_over(end, TODAY, (moving,), TODAY) is None
    assert lease_over(end, TODAY, (replace(moving, last=TODAY - timedelta(days=1)),), TODAY) is not None
    assert lease_over(end, TODAY, (replace(moving, kind="transfer_pending"),), TODAY) is None, "an approved swap (IE28)"
    assert lease_over(end, end, (), TODAY) is None, "nobody has passed since"


def test_a_report_alone_is_nothing() -> None:
    told = Sign("s1", "report_others", TODAY - timedelta(days=3))
    assert reported([told], [], TODAY) is None
    assert reported([told], [("V2", TODAY)], TODAY) is None, "a vacancy does not support a sublet"
    found = reported([told], [("S1", TODAY)], TODAY)
    assert found is not None
    assert (found.rule, found.stage) == ("S2", "yellow")
    assert reported([told], [("S1", TODAY - timedelta(days=70))], TODAY) is None


def test_many_anonymous_reports_are_one() -> None:
    many = [Sign(f"s{n}", "report_others", TODAY - timedelta(days=n), anonymous=True) for n in range(9)]
    found = reported(many, [("P", TODAY)], TODAY)
    assert found is not None
    assert len(found.refs) == 1


def test_whom_staff_met_there() -> None:
    assert brief_lend([Sign("s", "patrol_others", TODAY - timedelta(days=31))], TODAY) is None
    found = brief_lend([Sign("s", "patrol_others", TODAY - timedelta(days=2))], TODAY)
    assert found is not None
    assert found.stage == "yellow"


def test_an_ended_card_at_the_door_again() -> None:
    assert former_returns([("t", TODAY)] * 2, TODAY) is None
    found = former_returns([("t", TODAY)] * 3, TODAY)
    assert found is not None
    assert found.stage == "note"
    assert former_as_guest(guest(7), frozenset({"v1"}), TODAY) is not None
    assert former_as_guest(guest(7), frozenset({"other"}), TODAY) is None


# --- D, N ---------------------------------------------------------------------------------------------------------------


def test_an_entrance_that_is_ill() -> None:
    hour = timedelta(hours=1)
    rows = [
        Trouble("d1", "down", NOW - timedelta(minutes=4), None), Trouble("d2", "down", NOW - timedelta(minutes=6), None),
        Trouble("d3", "propped", NOW - hour, None), Trouble("d4", "forced", NOW - hour, NOW - hour),
        Trouble("d5", "clock", NOW - hour, None), Trouble("d6", "forced", NOW - 50 * hour, NOW - 50 * hour),
    ]  # fmt: skip
    assert [(one.rule, one.place) for one in troubles(rows, NOW)] == [
        ("D1", "d2"), ("D3", "d3"), ("D4", "d4"), ("D5", "d5")
    ]  # fmt: skip


def test_passes_that_fall_at_one_gate_alone() -> None:
    usual = {TODAY - timedelta(weeks=week): 100 for week in range(1, 5)}
    ill, well = {**usual, TODAY: 20}, {**usual, TODAY: 95}
    assert [one.place for one in fallen({"g1": ill, "g2": well}, TODAY)] == ["g1"]
    assert fallen({"g1": ill, "g2": ill}, TODAY) == [], "a holiday empties all gates"
    assert fallen({"g1": {**usual, TODAY: 31}, "g2": well}, TODAY) == []


def test_three_times_around_moves_is_for_a_guard_post() -> None:
    at = [NOW - timedelta(days=n) for n in (2, 9, 20)]
    rows = [Trouble("d1", "propped", one + timedelta(minutes=10), None) for one in at]
    assert [one.rule for one in around_moves(rows, {"d1": at}, NOW)] == ["D7"]
    assert around_moves(rows[:2], {"d1": at}, NOW) == []
    assert around_moves(rows, {"d2": at}, NOW) == []


def test_records_that_cannot_be_trusted() -> None:
    hour = timedelta(hours=1)
    assert [one.subject for one in old_lists({"a": NOW - 25 * hour, "b": NOW - hour, "c": None}, NOW)] == ["a", "c"]
    assert [one.subject for one in in_two_households([("p1", "t1"), ("p1", "t2"), ("p2", "t1")])] == ["p1"]
    assert [
        one.subject
        for one in register_differs([("h1", "tenant_deceased"), ("h2", "tenant_deceased")], frozenset({"h1"}))
    ] == ["h1"]
    many = [("u1", NOW - timedelta(minutes=n)) for n in range(21)]
    assert [one.subject for one in bulk_changes(many, NOW)] == ["u1"]
    assert bulk_changes(many[:20], NOW) == []
    looks = [("u1", "h1", NOW - timedelta(days=n)) for n in range(6)]
    assert [one.subject for one in curious(looks, frozenset(), NOW)] == ["u1"]
    assert curious(looks, frozenset({"h1"}), NOW) == [], "it has a case"


# --- together -----------------------------------------------------------------------------------------------------------


def test_a_report_counts_beside_a_hint_of_the_same_day() -> None:
    home = Home("h", "t", TODAY, guests=tuple(guest(14)), signs=(Sign("s", "advert", TODAY),))
    assert {one.kind for one in hints(home)} == {"visitor_use", "reported"}


def test_of_a_home_without_a_tenancy_only_what_concerns_it() -> None:
    home = Home("h", None, TODAY, guests=tuple(guest(30)), shown=tuple([("t", TODAY)] * 3))
    assert [one.kind for one in hints(home)] == ["former"]


def test_arrears_make_no_hint_and_no_lead() -> None:
    signs = tuple(Sign(f"s{n}", "rent_arrears", TODAY - timedelta(days=n)) for n in range(40))
    assert hints(Home("h", "t", TODAY, signs=signs)) == ()
