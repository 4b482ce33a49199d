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
from device_drivers.plan import Plan, plan

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
    found = plan(want, holding("a"), fingerprints(want), Capabilities(cards=True))
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
    refused = fingerprints(want)
    assert plan(want, holding(), {}, TERMINAL, refused=refused).skipped == (("a", "refused before, unchanged"),)
    changed = desired(credential("a", card="2"))
    assert plan(changed, holding(), {}, TERMINAL, refused=refused).upserts == (upsert(changed, "a"),)


def test_a_terminal_that_changes_the_case_of_ids_is_still_in_step() -> None:
    want = desired(credential("Cred-A"))
    assert plan(want, holding("CRED-A"), fingerprints(want), TERMINAL).in_step
    gone = plan(desired(), holding("cred-a"), {"Cred-A": "x"}, TERMINAL)
    assert gone.removals == (Remove("Cred-A"),), "ours, though the terminal spells it otherwise"
