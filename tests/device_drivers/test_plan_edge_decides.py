"""What a device cannot limit by itself is not given to it: the edge decides about what the device passes on."""

from __future__ import annotations

from datetime import UTC, datetime, time

import msgspec
import pytest

from device_drivers.contract.access import (
    AccessList,
    AccessPolicy,
    AccessProfile,
    Credential,
    Identifier,
    Schedule,
    TimeRange,
    credential_fingerprint,
)
from device_drivers.contract.device import Capabilities, DeviceInventory, HeldCredential
from device_drivers.contract.words import HolderClass, IdentifierType
from device_drivers.plan import plan

AT = datetime(2026, 5, 1, tzinfo=UTC)
DAY = Schedule("day", "Asia/Shanghai", (TimeRange((1, 2, 3, 4, 5), time(8), time(18)),))
ONLY_CARDS = Capabilities(holds_list=True, reads_back=True, cards=True, photos=True)
PASSES_ON = msgspec.structs.replace(
    ONLY_CARDS, identifiers=("card", "face"), edge_identifiers=("card", "id_card", "qr")
)
CARD = Identifier(IdentifierType.CARD, "1")


def credential(token: str, *identifiers: Identifier, uses: int | None = None) -> Credential:
    return Credential(token, token, HolderClass.VISITOR, identifiers, ("p",), uses=uses)


def wanted(*credentials: Credential, schedule: str | None = None) -> AccessList:
    return AccessList("e", "d", 1, AT, credentials, (AccessProfile("p", (AccessPolicy(("ap1",), schedule),)),), (DAY,))


def holding(*tokens: str) -> DeviceInventory:
    return DeviceInventory(tuple(HeldCredential(t) for t in tokens), AT)


def fingerprints(access_list: AccessList) -> dict[str, str]:
    return {c.token: credential_fingerprint(c, access_list) for c in access_list.credentials}


@pytest.mark.parametrize(
    "want",
    [wanted(credential("a", CARD), schedule="day"), wanted(credential("a", CARD, uses=2))],
    ids=["hours", "count"],
)
def test_what_a_device_cannot_limit_it_does_not_get(want: AccessList) -> None:
    """It would open around the clock. Where the card is not passed on either, the reason is told."""
    at_edge = plan(want, holding(), {}, PASSES_ON)
    assert (at_edge.upserts, at_edge.skipped, at_edge.at_edge) == ((), (), ("a",))
    refused = plan(want, holding(), {}, ONLY_CARDS)
    assert (refused.upserts, refused.at_edge) == ((), ())
    assert refused.skipped == (("a", "this device keeps no hours and counts no uses"),)
    keeps = msgspec.structs.replace(ONLY_CARDS, schedules=True, counts=True)
    assert [u.credential.token for u in plan(want, holding(), {}, keeps).upserts] == ["a"]


def test_a_credential_that_got_hours_is_taken_off_a_device_that_keeps_none() -> None:
    before, after = wanted(credential("a", CARD)), wanted(credential("a", CARD), schedule="day")
    found = plan(after, holding("a"), fingerprints(before), PASSES_ON)
    assert [r.token for r in found.removals] == ["a"]
    assert found.at_edge == ("a",)


def test_who_has_only_what_the_edge_decides_about_is_neither_written_nor_refused() -> None:
    phone_only, nothing = credential("a", Identifier(IdentifierType.QR)), credential("b")
    found = plan(wanted(phone_only, nothing), holding(), {}, PASSES_ON)
    assert (found.upserts, found.skipped, found.at_edge) == ((), (), ("a", "b"))
    assert [token for token, _ in plan(wanted(phone_only, nothing), holding(), {}, ONLY_CARDS).skipped] == ["a", "b"]


def test_what_only_the_edge_recognises_causes_no_rewrite() -> None:
    plain, more = credential("a", CARD), credential("a", CARD, Identifier(IdentifierType.ID_CARD, "ab12"))
    found = plan(wanted(more), holding("a"), fingerprints(wanted(plain)), PASSES_ON)
    assert found.in_step
    assert found.confirmed == ("a",)
