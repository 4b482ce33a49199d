"""Only what the hub signed, for this edge, is done: who gets into the broker opens no door; an old edge reads it all the same."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from edge_twins import EDGE, T0, Signer

from device_drivers.contract.messages import Command, decode, encode
from device_drivers.contract.words import CommandKind
from edge_agent.signed import NotOurs, proved

OPEN = Command("c1", CommandKind.MOMENTARY_ACCESS, "d1", T0, T0 + timedelta(seconds=30), "ap1", "王官员", "忘带卡")


def test_what_the_hub_signed_is_done_as_it_was_signed() -> None:
    signer = Signer()
    sent = decode(Command, encode(signer.command(OPEN)))
    assert proved(sent, signer.key.public_key(), EDGE) == OPEN
    elsewhere = msgspec.structs.replace(sent, access_point="ap9", expires_at=T0 + timedelta(days=9))
    assert proved(elsewhere, signer.key.public_key(), EDGE) == OPEN, "what was signed counts"


@pytest.mark.parametrize(
    ("what", "forge"),
    {
        "unsigned_command": lambda s: OPEN,
        "bad_signature": lambda s: Signer().command(OPEN),
        "foreign_command": lambda s: s.command(OPEN, edge="edge-bbbb"),
    }.items(),
)
def test_what_it_did_not_sign_is_refused(what: str, forge: object) -> None:
    signer = Signer()
    with pytest.raises(NotOurs) as no:
        proved(forge(signer), signer.key.public_key(), EDGE)  # type: ignore[operator]
    assert no.value.what == what


def test_a_signature_of_another_command_is_no_signature_of_this_one() -> None:
    signer = Signer()
    other = signer.command(msgspec.structs.replace(OPEN, id="c2"))
    taken = msgspec.structs.replace(OPEN, proof=other.proof, signature=other.signature)
    with pytest.raises(NotOurs, match="foreign_command"):
        proved(taken, signer.key.public_key(), EDGE)


def test_an_edge_of_an_older_release_reads_the_plain_fields() -> None:
    class Old(msgspec.Struct):
        id: str
        kind: str
        device: str
        access_point: str = ""

    assert msgspec.json.decode(encode(Signer().command(OPEN)), type=Old) == Old("c1", "momentary_access", "d1", "ap1")
