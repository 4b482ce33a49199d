"""Who may pass where, what a device holds, and the only ways in which a credential ends: pure functions, exactly."""

from __future__ import annotations

import itertools
import json
import random
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from device_drivers.contract.access import AccessPolicy, AccessProfile, PhotoRef, ValidityPeriod, list_digest
from device_drivers.contract.device import Capabilities
from device_drivers.contract.words import HolderClass, IdentifierType
from hub.access.compose import TargetDevice, compose, profile_token
from hub.access.entitle import Holder, PointPlace, entitle
from hub.access.lawful import face_only_doors
from hub.access.lifecycle import (
    TRANSITIONS,
    Cause,
    CredentialState,
    MemberFacts,
    Unlawful,
    WantedIdentifier,
    advance,
    belongs,
    lawful_end,
    wanted_identifiers,
    why_no_face,
)
from hub.access.refusals import REFUSAL_ZH, refusal_zh

AS_OF = datetime(2026, 11, 21, 4, tzinfo=UTC)
TODAY = date(2026, 11, 21)
ZONE = "Asia/Shanghai"
CARD = WantedIdentifier("card", "3456789")
FACE = WantedIdentifier("face", "", "http://office/a.jpg", "a" * 64)
POINTS = (
    PointPlace("g1-in", "face-g1", "estate"),
    PointPlace("g1-out", None, "estate"),
    PointPlace("b1-in", "door-b1", "block", "B1"),
    PointPlace("b2-in", "door-b2", "block", "B2"),
    PointPlace("d101", "lock-101", "dwelling", None, "D101"),
    PointPlace("odd", "door-b1", "block", None),
)


def holder(token: str, block: str = "B1", dwelling: str = "D101", **changed: Any) -> Holder:
    base = {
        "label": f"1号楼-0101 · 成员{token[-1]}",
        "tenancy": "T-000102",
        "ordinal": 2,
        "from_date": date(2026, 1, 5),
    }
    return Holder(token=token, block=block, dwelling=dwelling, **{"identifiers": (CARD, FACE), **base, **changed})


# --- entitle ----------------------------------------------------------------------------------------------------------


def test_a_tenancy_opens_the_gates_its_own_entrance_its_own_door_and_nothing_else() -> None:
    (one,) = entitle(POINTS, [holder("t1")], AS_OF, ZONE)
    assert one.access_points == ("b1-in", "d101", "g1-in", "g1-out")
    assert one.because == "租约 T-000102，家庭成员2"
    assert one.holder_class == HolderClass.RESIDENT
    assert one.validity == ValidityPeriod(), "a resident passes around the clock and without end"
    (other,) = entitle(POINTS, [holder("t2", "B2", "D201")], AS_OF, ZONE)
    assert other.access_points == ("b2-in", "g1-in", "g1-out")


def test_nobody_is_entitled_without_a_tenancy_and_a_door_without_its_place_opens_for_nobody() -> None:
    assert entitle(POINTS, [], AS_OF, ZONE) == []
    assert all("odd" not in e.access_points for e in entitle(POINTS, [holder("t1")], AS_OF, ZONE))


def test_a_day_that_has_not_come_begins_at_local_midnight() -> None:
    future, today = holder("t1", from_date=date(2026, 11, 22)), holder("t2", from_date=TODAY)
    begins, now = entitle(POINTS, [future, today], AS_OF, ZONE)
    assert begins.validity.not_before == datetime(2026, 11, 21, 16, tzinfo=UTC)
    assert now.validity.not_before is None
    late = datetime(2026, 11, 21, 16, tzinfo=UTC)
    assert entitle(POINTS, [future], late, ZONE)[0].validity.not_before is None


def test_a_home_that_begins_later_opens_from_its_day_and_keeps_nobody_out_of_the_one_before() -> None:
    """Whichever of a person's credentials the one card stands on."""
    soon, later = date(2026, 11, 22), date(2027, 3, 1)
    here = ("b1-in", "d101", "g1-in", "g1-out")
    token = holder("t1", "B2", "D201", from_date=soon, also=(("B1", "D101", date(2026, 1, 5)),))
    (one,) = entitle(POINTS, [token], AS_OF, ZONE)
    assert (one.access_points, one.validity) == (here, ValidityPeriod())
    (moved,) = entitle(POINTS, [token], datetime(2026, 11, 21, 16, tzinfo=UTC), ZONE)
    assert (moved.access_points, moved.validity) == (tuple(sorted({*here, "b2-in"})), ValidityPeriod())
    both_later = holder("t1", "B2", "D201", from_date=soon, also=(("B1", "D101", later),))
    (waits,) = entitle(POINTS, [both_later], AS_OF, ZONE)
    assert waits.access_points == ("b2-in", "g1-in", "g1-out")
    assert waits.validity.not_before == datetime(2026, 11, 21, 16, tzinfo=UTC)


# --- compose ----------------------------------------------------------------------------------------------------------


def lists(target: TargetDevice, holders: list[Holder]) -> Any:
    return compose(target, entitle(POINTS, holders, AS_OF, ZONE), generation=3, issued_at=AS_OF)


def test_a_device_holds_exactly_who_may_pass_its_points_with_what_it_can_use() -> None:
    gate = TargetDevice("face-g1", "E001", frozenset({"g1-in"}))
    board = TargetDevice("door-b1", "E001", frozenset({"b1-in", "odd"}), Capabilities(cards=True))
    holders = [
        holder("t2", "B2", "D201"),
        holder("t1"),
        holder("t3", identifiers=(FACE,)),
        holder("t4", identifiers=()),
    ]
    at_gate, at_board = lists(gate, holders), lists(board, holders)
    assert [c.token for c in at_gate.credentials] == ["t1", "t2", "t3"], "who has no means is in no list"
    assert at_gate.profiles == (AccessProfile(profile_token(("g1-in",)), (AccessPolicy(("g1-in",)),)),)
    assert {c.profiles for c in at_gate.credentials} == {(profile_token(("g1-in",)),)}, "one shared profile"
    assert [c.token for c in at_board.credentials] == ["t1"], "a board that reads cards is not told of faces"
    (held,) = at_board.credentials
    assert [(i.type, i.value, i.photo) for i in held.identifiers] == [(IdentifierType.CARD, "3456789", None)]
    face = at_gate.credentials[0].identifiers[1]
    assert face.photo == PhotoRef("http://office/a.jpg", "a" * 64)
    assert (at_gate.generation, at_gate.device_id, at_gate.estate_id) == (3, "face-g1", "E001")


def test_the_same_people_give_the_same_digest_in_any_order() -> None:
    gate = TargetDevice("face-g1", "E001", frozenset({"g1-in"}))
    holders = [holder(f"t{n:03d}", "B1" if n % 2 else "B2", f"D{n}") for n in range(50)]
    digest = list_digest(lists(gate, holders))
    for seed in range(5):
        mixed = random.Random(seed).sample(holders, len(holders))
        assert list_digest(lists(gate, mixed)) == digest
    assert list_digest(lists(gate, holders[1:])) != digest
    assert list_digest(lists(gate, [holder("t000", "B2", "D0", identifiers=(CARD,)), *holders[1:]])) != digest


# --- the life of a credential -----------------------------------------------------------------------------------------

RESIDENT_ENDS = {Cause.END_DECISION, Cause.OWN_REQUEST, Cause.REPLACED_AFTER_INCIDENT, Cause.LEFT_HOUSEHOLD}
TIMED_ENDS = {Cause.OWN_REQUEST, Cause.REPLACED_AFTER_INCIDENT, Cause.PASS_EXPIRED, Cause.PASS_WITHDRAWN}
ENDS = {
    HolderClass.RESIDENT: RESIDENT_ENDS,
    HolderClass.VISITOR: TIMED_ENDS,
    HolderClass.CONTRACTOR: TIMED_ENDS | {Cause.ROLE_ENDED},
    HolderClass.STAFF: {Cause.OWN_REQUEST, Cause.REPLACED_AFTER_INCIDENT, Cause.ROLE_ENDED},
}


@pytest.mark.parametrize(("state", "cause", "who"), list(itertools.product(CredentialState, Cause, ENDS)))
def test_no_other_edge_exists(state: CredentialState, cause: Cause, who: HolderClass) -> None:
    begins = Cause.MEMBER_OF_LIVE_TENANCY if who == HolderClass.RESIDENT else Cause.PASS_GRANTED
    if state is CredentialState.NONE and cause is begins:
        assert advance(state, cause, who) is CredentialState.ACTIVE
    elif state is CredentialState.ACTIVE and cause in ENDS[who]:
        assert advance(state, cause, who) is CredentialState.ENDED
    else:
        with pytest.raises(Unlawful):
            advance(state, cause, who)


def test_an_ended_credential_has_no_way_back() -> None:
    assert all(state is not CredentialState.ENDED for state, _ in TRANSITIONS)
    reached, waiting = set(), {CredentialState.NONE}
    while waiting:
        reached |= waiting
        waiting = {to for (state, _), (to, _) in TRANSITIONS.items() if state in waiting} - reached
    assert reached == set(CredentialState)


def facts(**changed: Any) -> MemberFacts:
    base = {
        "tenancy_state": "active", "from_date": date(2026, 1, 5), "to_date": None, "birth_date": date(1980, 1, 1),
        "cards": ("3456789",), "photo": ("http://office/a.jpg", "a" * 64), "face_consent": True,
    }  # fmt: skip
    return MemberFacts(**{**base, **changed})


@pytest.mark.parametrize(
    ("changed", "ways"),
    [
        ({}, (CARD, FACE)),
        ({"face_consent": False}, (CARD,)),
        ({"photo": None}, (CARD,)),
        ({"birth_date": date(2012, 11, 21)}, (CARD, FACE)),
        ({"birth_date": date(2012, 11, 22)}, (CARD,)),
        ({"birth_date": date(2012, 11, 22), "guardian": "母亲"}, (CARD, FACE)),
        ({"birth_date": None}, (CARD,)),
        ({"cards": ()}, (FACE,)),
        ({"cards": (), "face_consent": False}, ()),
    ],
)
def test_the_face_needs_consent_age_and_photo_and_the_card_needs_nothing(
    changed: dict[str, Any], ways: tuple[WantedIdentifier, ...]
) -> None:
    assert wanted_identifiers(facts(**changed), TODAY) == ways
    assert (why_no_face(facts(**changed), TODAY) == "") == (FACE in ways)


@pytest.mark.parametrize(
    ("changed", "cause", "stays"),
    [
        ({}, None, True),
        ({"tenancy_state": "ended", "decision": "青房退12号"}, Cause.END_DECISION, False),
        ({"tenancy_state": "ended"}, None, False),
        ({"to_date": date(2026, 11, 20)}, Cause.LEFT_HOUSEHOLD, False),
        ({"to_date": TODAY}, None, True),
        ({"face_consent": False, "photo": None, "cards": ()}, None, True),
        ({"tenancy_state": "allocated"}, None, False),
    ],
)
def test_what_ends_a_members_credential(changed: dict[str, Any], cause: Cause | None, stays: bool) -> None:
    assert lawful_end(facts(**changed), TODAY) is cause
    assert belongs(facts(**changed), TODAY) is stays


# --- what must never be -----------------------------------------------------------------------------------------------


def test_a_door_that_only_a_face_opens_is_named() -> None:
    face, both = {"face"}, {"face", "card"}
    assert face_only_doors([("G1", "in", face), ("G2", "in", both), ("G3", "in", ())]) == ["G1"]
    assert face_only_doors([("G1", "in", face), ("G1", "in", {"card"})]) == [], "a second reader makes it lawful"
    assert face_only_doors([("G1", "in", face), ("G1", "out", {"card"})]) == ["G1"], "but only on the same side"


def test_every_code_a_driver_reports_has_words_for_the_clerk() -> None:
    table = Path(__file__).parents[3] / "device_drivers/face_terminal/errors.json"
    errors = json.loads(table.read_text(encoding="utf-8"))
    codes = {code for level in ("whole", "person") for rows in errors[level].values() for code, _ in rows.values()}
    never_refusals = {"not_held", "snapshot_failed"}
    assert codes - never_refusals <= set(REFUSAL_ZH)
    assert refusal_zh("photo_no_face") == "照片中未检测到人脸，请重新拍照。"
    assert "odd words" in refusal_zh("new_code", "odd words")
