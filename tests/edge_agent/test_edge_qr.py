"""Phone codes at the edge: checked with no link, once a door, gone with the credential; identity cards by their hash."""

from __future__ import annotations

from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from edge_twins import ESTATE, T0, access_list, credential

from device_drivers.contract import id_card, qr
from device_drivers.contract.access import Identifier, ValidityPeriod
from device_drivers.contract.words import DenyReason, HolderClass, IdentifierType
from edge_agent import qr as edge_qr
from edge_agent.decide import Decision, build_index, decide
from edge_agent.qr import Codes

HUB = Ed25519PrivateKey.generate()
LIVE = credential("live", "1")
VISITOR = credential("visit", "2", holder_class=HolderClass.VISITOR)
BOOT = T0 - timedelta(hours=1)


def codes(started: timedelta = timedelta(hours=-1)) -> Codes:
    return Codes(HUB.public_key(), ESTATE, T0 + started)


def text(token: str, nonce: int = 1, at: timedelta = timedelta(), key: Ed25519PrivateKey = HUB) -> str:
    return qr.mint(qr.Code(token, nonce.to_bytes(8, "big"), T0 + at), ESTATE, key.sign)


def show(
    held: Codes, shown: str, point: str = "ap1", after: float = 1, *, trusted: bool = True, kind: str = "qr"
) -> Decision:
    """At the reader, `after` seconds."""
    at = T0 + timedelta(seconds=after)
    index = build_index(access_list(1, LIVE, VISITOR, points=("ap1", "ap2")))
    read = held.read(Identifier(IdentifierType(kind), shown), point, "", at, clock_trusted=trusted)
    return held.judge(read, decide(index, point, read.identifier, at, clock_trusted=trusted), at)


def test_a_code_opens_for_its_credential() -> None:
    found = show(codes(), text("live"))
    assert (found.granted, found.credential) == (True, "live")


def test_one_code_opens_once_at_each_access_point() -> None:
    held = codes()
    assert show(held, text("live")).granted
    again = show(held, text("live"), after=5)
    assert (again.granted, again.reason, again.credential) == (False, DenyReason.CODE_USED, "live")
    assert show(held, text("live"), "ap2", after=6).granted, "gate and entrance are passed with one code"
    assert show(held, text("live", nonce=2), after=7).granted, "the next code"


def test_a_code_that_was_refused_is_not_spent() -> None:
    held = codes()
    assert show(held, text("live"), "elsewhere").reason is DenyReason.WRONG_ACCESS_POINT
    assert show(held, text("live")).granted


def test_it_opens_for_its_minute_and_the_clocks_difference_only() -> None:
    assert show(codes(), text("live"), after=89).granted
    late = show(codes(), text("live"), after=90)
    assert (late.reason, late.credential) == (DenyReason.CODE_EXPIRED, "live")
    assert show(codes(), text("live", at=timedelta(seconds=30))).granted, "a hub half a minute ahead"
    assert show(codes(), text("live", at=timedelta(seconds=40))).reason is DenyReason.CODE_EXPIRED


def test_a_credential_that_left_the_list_has_no_code_any_more() -> None:
    held, at = codes(), T0
    read = held.read(Identifier(IdentifierType.QR, text("gone")), "ap1", "", at, clock_trusted=True)
    index = build_index(access_list(1, LIVE))
    found = held.judge(read, decide(index, "ap1", read.identifier, at, clock_trusted=True), at)
    assert found.reason is DenyReason.UNKNOWN_CREDENTIAL


def test_what_the_hub_did_not_sign_is_nobodys() -> None:
    forged = text("live", key=Ed25519PrivateKey.generate())
    for shown in (forged, text("live")[:-9], "EH1.", "live", "token:live", "12345678"):
        assert show(codes(), shown).reason is DenyReason.UNKNOWN_CREDENTIAL
    assert not show(codes(), "live", kind="card").granted, "a token is no number"


def test_a_restarted_box_does_not_take_codes_it_may_have_opened_with_before() -> None:
    assert show(codes(started=timedelta(seconds=10)), text("live"), after=11).reason is DenyReason.CODE_EXPIRED
    assert show(codes(started=timedelta(seconds=10)), text("live", at=timedelta(seconds=11)), after=12).granted


def test_without_a_trusted_clock_residents_pass_and_visitors_do_not() -> None:
    ahead = timedelta(days=3)  # the box booted in the past
    assert show(codes(), text("live", at=ahead), trusted=False).granted
    assert show(codes(), text("visit", at=ahead), trusted=False).reason is DenyReason.CLOCK_UNSURE
    assert show(codes(), text("live"), after=90, trusted=False).reason is DenyReason.CODE_EXPIRED, "over is over"
    held = codes()
    assert show(held, text("live", at=ahead), trusted=False).granted
    assert show(held, text("live", at=ahead), trusted=False).reason is DenyReason.CODE_USED


def test_what_is_remembered_of_spent_codes_is_bounded_and_old_ones_go_first(monkeypatch: object) -> None:
    held = codes()
    limit, edge_qr.MAX_SPENT = edge_qr.MAX_SPENT, 50
    try:
        for n in range(200):
            assert show(held, text("live", nonce=n, at=timedelta(seconds=n)), after=n).granted
            assert len(held._spent) <= 50
        assert show(held, text("live", nonce=199, at=timedelta(seconds=199)), after=199).reason is DenyReason.CODE_USED
    finally:
        edge_qr.MAX_SPENT = limit


def test_a_pass_is_a_pass_also_by_code() -> None:
    over = credential("over", "3", holder_class=HolderClass.VISITOR, validity=ValidityPeriod(None, T0))
    held = codes()
    read = held.read(Identifier(IdentifierType.QR, text("over")), "ap1", "", T0, clock_trusted=True)
    found = held.judge(
        read, decide(build_index(access_list(1, over)), "ap1", read.identifier, T0, clock_trusted=True), T0
    )
    assert found.reason is DenyReason.EXPIRED


def test_an_identity_card_opens_by_its_hash_with_the_lists_key_and_by_nothing_without() -> None:
    number, key = "11010519491231002X", "key"
    one = credential("c", "9", identifiers=(Identifier(IdentifierType.ID_CARD, id_card.hashed(number, key)),))
    index, held = build_index(access_list(1, one)), codes()
    for used, expected in ((key, True), ("other", False), ("", False)):
        read = held.read(Identifier(IdentifierType.ID_CARD, number.lower()), "ap1", used, T0, clock_trusted=True)
        assert number not in read.identifier.value
        assert decide(index, "ap1", read.identifier, T0, clock_trusted=True).granted is expected
