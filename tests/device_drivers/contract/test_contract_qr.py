"""Phone codes: golden text, bound to one estate and one credential, and nothing that was not signed reads as one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from device_drivers.contract import id_card, qr

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
CODE = qr.Code("k3j9d0a8s7f6g5h4j3k2", bytes.fromhex("0011223344556677"), datetime(2026, 11, 27, 22, tzinfo=UTC))
GOLDEN = (
    "EH1.AWsJ_WAAPAARIjNEVWZ3pmNFaGlce9drM2o5ZDBhOHM3ZjZnNWg0ajNrMiARofMDV93ao6okKquNreKBjUjZOCvOyRDLm3Hss7cU4A9UCTRypQqwsFnX"
    "VE_0JIiOSHotlsq48GtkTgNhuQ0"
)


def check(signature: bytes, message: bytes) -> bool:
    try:
        KEY.public_key().verify(signature, message)
    except InvalidSignature:
        return False
    return True


def test_the_golden_code_still_reads_the_same_and_fits_a_small_qr() -> None:
    assert qr.mint(CODE, "E001", KEY.sign) == GOLDEN
    assert qr.read(GOLDEN, "E001", check) == CODE
    assert len(GOLDEN) == 147


def test_it_opens_for_a_minute_and_what_clocks_may_differ() -> None:
    issued = CODE.issued_at
    assert [CODE.is_over(issued + timedelta(seconds=s)) for s in (0, 60, 89, 90)] == [False, False, False, True]
    assert [CODE.is_early(issued - timedelta(seconds=s)) for s in (0, 30, 31)] == [False, False, True]


def test_another_estates_code_is_none() -> None:
    with pytest.raises(qr.NotACode):
        qr.read(GOLDEN, "E002", check)


def test_a_list_signed_by_the_same_key_is_no_code() -> None:
    """The signature covers a context of its own: nothing else the hub signs can be shown at a door."""
    payload = qr.mint(CODE, "E001", lambda message: KEY.sign(message.removeprefix(qr.CONTEXT)))
    with pytest.raises(qr.NotACode):
        qr.read(payload, "E001", check)


@given(st.integers(len(qr.PREFIX), len(GOLDEN) - 1), st.sampled_from("ABCabc019-_"))
def test_no_changed_character_goes_unnoticed(place: int, character: str) -> None:
    changed = GOLDEN[:place] + character + GOLDEN[place + 1 :]
    if changed == GOLDEN:
        return
    try:
        found = qr.read(changed, "E001", check)
    except qr.NotACode:
        return
    assert found == CODE, "only unused bits of the last character may differ"


@given(st.text(max_size=300) | st.text("ABCdef019-_=", max_size=250).map(qr.PREFIX.__add__))
def test_any_other_text_is_refused_and_nothing_else_happens(text: str) -> None:
    with pytest.raises(qr.NotACode):
        qr.read(text, "E001", check)


@pytest.mark.parametrize("code", [{"token": ""}, {"token": "x" * 49}, {"nonce": b"short"}, {"life_s": 0}])
def test_what_does_not_fit_is_not_minted(code: dict[str, object]) -> None:
    fields = {"token": CODE.token, "nonce": CODE.nonce, "issued_at": CODE.issued_at, "life_s": 60, **code}
    with pytest.raises(ValueError, match="token of"):
        qr.mint(qr.Code(**fields), "E001", KEY.sign)  # type: ignore[arg-type]


def test_an_identity_number_is_hashed_alike_however_it_is_typed_and_apart_in_every_estate() -> None:
    one = id_card.hashed("11010519491231002x", "key of E001")
    assert one == id_card.hashed(" 110105 19491231 002X ", "key of E001") == "43149c281ead9b98fd1a72734221e1c4"
    assert one != id_card.hashed("11010519491231002X", "key of E002")
    assert "1101" not in one
