"""Given desired and actual, the exact operations; the empty list too."""

from __future__ import annotations

from datetime import UTC, datetime

from device_drivers.contract.access import (
    AccessList,
    Credential,
    Identifier,
    PhotoRef,
    ValidityPeriod,
    credential_fingerprint,
)
from device_drivers.contract.device import Capabilities, DeviceInventory, HeldCredential
from device_drivers.contract.words import HolderClass, IdentifierType
from device_drivers.driver import Remove, Upsert
from device_drivers.plan import Plan, RefusedBefore, plan, without

NOW = datetime(2026, 5, 1, tzinfo=UTC)
TERMINAL = Capabilities(holds_list=True, reads_back=True, photos=True, cards=True)


def credential(token: str, card: str = "1", **changes: object) -> Credential:
    fields = {
        "token": token,
        "label": token,
        "holder_class": HolderClass.RESIDENT,
        "identifiers": (Identifier(IdentifierType.CARD, card),),
        "profiles": (),
        **changes,
    }
    return Credential(**fields)  # type: ignore[arg-type]


def desired(*credentials: Credential) -> AccessList:
    return AccessList("e", "d", 1, NOW, credentials)


def holding(*tokens: str) -> DeviceInventory:
    return DeviceInventory(tuple(HeldCredential(t) for t in tokens), NOW)


def fingerprints(access_list: AccessList) -> dict[str, str]:
    return {c.token: credential_fingerprint(c, access_list) for c in access_list.credentials}


def upsert(access_list: AccessList, token: str) -> Upsert:
    found = next(c for c in access_list.credentials if c.token == token)
    return Upsert(found, credential_fingerprint(found, access_list))


def test_nothing_wanted_and_nothing_held_is_nothing_to_do() -> None:
    found = plan(desired(), holding(), {}, TERMINAL)
    assert found == Plan((), (), (), (), (), ())
    assert found.in_step


def test_an_empty_device_gets_everything_in_order() -> None:
    want = desired(credential("b"), credential("a"))
    found = plan(want, holding(), {}, TERMINAL)
    assert found.upserts == (upsert(want, "a"), upsert(want, "b"))
    assert found.removals == ()


def test_what_is_held_as_written_is_left_alone() -> None:
    want = desired(credential("a"), credential("b"))
    found = plan(want, holding("a", "b"), fingerprints(want), TERMINAL)
    assert found.in_step
    assert found.confirmed == ("a", "b")
    assert found.assumed == ()


def test_without_read_back_it_is_assumed_never_confirmed() -> None:
    want = desired(credential("a"))
    found = plan(want, holding("a"), fingerprints(want), Capabilities(holds_list=True, cards=True))
    assert (found.confirmed, found.assumed) == ((), ("a",))


def test_a_changed_credential_is_rewritten_alone() -> None:
    old = desired(credential("a"), credential("b"))
    new = desired(credential("a"), credential("b", validity=ValidityPeriod(not_after=NOW)))
    found = plan(new, holding("a", "b"), fingerprints(old), TERMINAL)
    assert found.upserts == (upsert(new, "b"),)
    assert found.confirmed == ("a",)


def test_held_but_never_written_by_us_is_written() -> None:
    want = desired(credential("a"))
    found = plan(want, holding("a"), {}, TERMINAL)
    assert found.upserts == (upsert(want, "a"),), "whether it is what we want cannot be known"


def test_what_a_device_lost_is_written_again() -> None:
    want = desired(credential("a"))
    assert plan(want, holding(), fingerprints(want), TERMINAL).upserts == (upsert(want, "a"),)


def test_an_empty_list_removes_what_is_ours_and_leaves_what_is_foreign() -> None:
    found = plan(desired(), holding("ours", "theirs"), {"ours": "x"}, TERMINAL)
    assert found.removals == (Remove("ours"),)
    assert found.foreign == ("theirs",)
    chosen = plan(desired(), holding("ours", "theirs"), {"ours": "x"}, TERMINAL, remove_foreign=True)
    assert chosen.removals == (Remove("ours"), Remove("theirs", foreign=True))
    assert chosen.foreign == ()


def test_a_blocked_credential_is_removed() -> None:
    want = desired(credential("a", blocked=True))
    found = plan(want, holding("a"), {"a": "x"}, TERMINAL)
    assert (found.removals, found.upserts) == ((Remove("a"),), ())


def test_what_the_device_cannot_hold_is_skipped_with_the_reason() -> None:
    face = Identifier(IdentifierType.FACE, photo=PhotoRef("u", "s"))
    want = desired(credential("a", identifiers=(face,)))
    found = plan(want, holding(), {}, Capabilities(holds_list=True, cards=True))
    assert found.upserts == ()
    assert found.skipped == (("a", "no identifier this device can hold (has face)"),)


def test_a_refused_credential_waits_until_it_changes() -> None:
    want = desired(credential("a"))
    refused = {t: RefusedBefore(f) for t, f in fingerprints(want).items()}
    assert plan(want, holding(), {}, TERMINAL, refused=refused).skipped == (("a", "refused before, unchanged"),)
    changed = desired(credential("a", card="2"))
    assert plan(changed, holding(), {}, TERMINAL, refused=refused).upserts == (upsert(changed, "a"),)


def with_face(card: str = "1", photo: str = "bad", **changes: object) -> AccessList:
    face = Identifier(IdentifierType.FACE, photo=PhotoRef("u", photo))
    cards = (Identifier(IdentifierType.CARD, card),) if card else ()
    return desired(credential("a", identifiers=(face, *cards), **changes))


def reduced(want: AccessList) -> Upsert:
    found = without(IdentifierType.FACE, want.credentials[0], want, TERMINAL)
    assert found
    assert [i.type for i in found.credential.identifiers] == [IdentifierType.CARD]
    return found


def test_a_refused_photo_never_takes_the_card_away() -> None:
    want, refused = with_face(), {"a": RefusedBefore("f", "bad")}
    todo = plan(want, holding(), {"a": ""}, TERMINAL, refused=refused)
    assert todo.upserts == (reduced(want),), "written without the photo"
    assert todo.upserts[0].partial
    held = plan(want, holding("a"), {"a": reduced(want).fingerprint}, TERMINAL, refused=refused)
    assert held.in_step
    assert (held.partial, held.confirmed) == (("a",), ()), "never confirmed without its face"
    assert held.skipped == (("a", "held without what was refused of it"),)


def test_a_refused_photo_is_tried_again_only_when_it_changed() -> None:
    refused = {"a": RefusedBefore("f", "bad")}
    applied = {"a": reduced(with_face()).fingerprint}
    other_card = with_face("2")
    found = plan(other_card, holding("a"), applied, TERMINAL, refused=refused)
    assert found.upserts == (reduced(other_card),), "another card: written, still without the photo"
    other_photo = with_face(photo="better")
    found = plan(other_photo, holding("a"), applied, TERMINAL, refused=refused)
    assert found.upserts == (upsert(other_photo, "a"),), "another photo: the whole credential"
    only_face = with_face(card="", label="changed")
    assert plan(only_face, holding(), {}, TERMINAL, refused=refused).in_step, "nothing to write without a photo"
    assert plan(only_face, holding(), {}, TERMINAL, refused=refused).skipped
    assert without(IdentifierType.FACE, only_face.credentials[0], only_face, TERMINAL) is None


def test_a_refused_card_never_takes_the_face_away_and_leaves_nothing_old() -> None:
    want = with_face("2", "good")
    refused = {"a": RefusedBefore(fingerprints(want)["a"], card=True)}
    rest = without(IdentifierType.CARD, want.credentials[0], want, TERMINAL)
    assert rest
    assert plan(want, holding("a"), {"a": "the card of before"}, TERMINAL, refused=refused).upserts == (rest,)
    held = plan(want, holding("a"), {"a": rest.fingerprint}, TERMINAL, refused=refused)
    assert (held.in_step, held.partial, held.confirmed) == (True, ("a",), ())
    only_card = desired(credential("a", card="2"))
    refused = {"a": RefusedBefore(fingerprints(only_card)["a"], card=True)}
    gone = plan(only_card, holding("a"), {"a": "the card of before"}, TERMINAL, refused=refused)
    assert gone.removals == (Remove("a", outdated=True),), "nothing is left without it: the older entry goes"
    assert plan(only_card, holding(), {}, TERMINAL, refused=refused).in_step


def test_a_number_that_never_fits_is_left_out_also_when_the_rest_is_asked_again() -> None:
    want = with_face("2", "good")
    whole = fingerprints(want)["a"]
    rest = without(IdentifierType.CARD, want.credentials[0], want, TERMINAL)
    assert rest
    kept = {"a": RefusedBefore("", card=True, number=whole)}  # the rest found no room, some hours ago
    assert plan(want, holding(), {}, TERMINAL, refused=kept).upserts == (rest,)
    assert plan(want, holding("a"), {"a": rest.fingerprint}, TERMINAL, refused=kept).partial == ("a",)
    other = with_face("3", "good")
    again = {"a": RefusedBefore(rest.fingerprint, card=True, number=whole)}
    assert plan(other, holding(), {}, TERMINAL, refused=again).upserts == (upsert(other, "a"),), (
        "another number: the whole"
    )
    only_card = desired(credential("a", card="2"))
    kept = {"a": RefusedBefore("", card=True, number=fingerprints(only_card)["a"])}
    assert plan(only_card, holding(), {}, TERMINAL, refused=kept).in_step


def test_an_older_entry_of_what_was_refused_for_another_reason_is_told() -> None:
    want = desired(credential("a", card="2"))
    refused = {"a": RefusedBefore(fingerprints(want)["a"])}
    found = plan(want, holding("a"), {"a": "the card of before"}, TERMINAL, refused=refused)
    assert (found.in_step, found.outdated) == (True, ("a",))
    assert plan(want, holding(), {}, TERMINAL, refused=refused).outdated == ()


def test_who_has_no_card_any_more_and_a_refused_photo_opens_by_nothing_old() -> None:
    """The device still has the entry of before, whose card nobody wants any more: it must not go on opening."""
    applied, refused = {"a": reduced(with_face()).fingerprint}, {"a": RefusedBefore("f", "bad")}
    only_face = with_face(card="")
    found = plan(only_face, holding("a"), applied, TERMINAL, refused=refused)
    assert found.removals == (Remove("a", outdated=True),)
    assert [token for token, _why in found.skipped] == ["a"], "still refused, and told so"
    again = {"a": RefusedBefore(upsert(only_face, "a").fingerprint, "bad")}
    assert plan(only_face, holding("a"), applied, TERMINAL, refused=again).removals == found.removals
    assert plan(only_face, holding(), {}, TERMINAL, refused=again).in_step, "gone: nothing more to do"
    foreign = plan(only_face, holding("a"), {}, TERMINAL, refused=refused)
    assert foreign.removals == (), "what this box never wrote is not its to remove"


def test_a_credential_held_without_its_photo_is_ours_to_remove() -> None:
    applied = {"a": reduced(with_face()).fingerprint}
    found = plan(desired(), holding("a"), applied, TERMINAL, refused={"a": RefusedBefore("f", "bad")})
    assert found.removals == (Remove("a"),)


def test_what_takes_nobody_without_a_photo_is_not_asked_again() -> None:
    want = with_face()
    refused = {"a": RefusedBefore(reduced(want).fingerprint, "bad")}
    found = plan(want, holding(), {"a": ""}, TERMINAL, refused=refused)
    assert found.in_step
    assert found.skipped == (("a", "refused before, unchanged"),)


def test_a_terminal_that_changes_the_case_of_ids_is_still_in_step() -> None:
    want = desired(credential("Cred-A"))
    assert plan(want, holding("CRED-A"), fingerprints(want), TERMINAL).in_step
    gone = plan(desired(), holding("cred-a"), {"Cred-A": "x"}, TERMINAL)
    assert gone.removals == (Remove("Cred-A"),), "ours, though the terminal spells it otherwise"
