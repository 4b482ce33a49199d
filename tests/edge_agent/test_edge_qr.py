"""Phone codes at the edge: checked with no link, once a door, gone with the credential; identity cards by their hash."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from edge_twins import (
    ESTATE,
    T0,
    TERMINAL,
    TestBox,
    TwinDevice,
    access_list,
    credential,
    definition,
    device_config,
    open_box,
    run,
    until,
)

from device_drivers.contract import id_card, qr
from device_drivers.contract.access import AccessList, Identifier, ValidityPeriod
from device_drivers.contract.events import AccessEvent
from device_drivers.contract.messages import ListDoorbell
from device_drivers.contract.words import DenyReason, HolderClass, IdentifierType
from device_drivers.driver import CredentialPresented, DriverEvent
from edge_agent import qr as edge_qr
from edge_agent.box import Pass
from edge_agent.decide import Decision, build_index, decide
from edge_agent.qr import Codes
from edge_agent.worker import Worker

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


# --- a terminal that passes on what it does not hold -----------------------------------------------------------------
PASSES_ON = msgspec.structs.replace(
    TERMINAL, identifiers=("card", "face"), edge_identifiers=("card", "id_card", "qr"), commands=("momentary_access",)
)


def at_a_terminal(
    tmp_path: Path, wanted: AccessList, scenario: Callable[[TestBox, TwinDevice], Awaitable[None]]
) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box:
            await box.box.lists.load("d1")
            worker = Worker(device_config(), definition(device, PASSES_ON), box.box, upkeep_s=0.02)
            task = asyncio.create_task(worker.run())
            try:
                box.signer.serve(wanted)
                box.box.lists.ring(ListDoorbell("d1", wanted.generation, box.signer.etags["d1"]))
                await until(lambda: box.reports and box.last.confirmed == len(wanted.credentials), "the list in step")
                box.clock.forward(5)
                await scenario(box, device)
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    run(work())


async def shown(box: TestBox, device: TwinDevice, kind: IdentifierType, value: str) -> AccessEvent:
    """What the journal says of it."""
    told: list[Pass] = []
    box.box.on_pass = told.append
    device.put(DriverEvent(CredentialPresented("door1", Identifier(kind, value))))
    await until(lambda: told, f"{kind} to be decided and on disk")
    (event,) = [e for e in await box.events() if e.seq == told[0].seq]
    assert isinstance(event.body, AccessEvent)
    return event.body


def test_a_counted_card_is_not_written_to_a_terminal_that_does_not_count_and_opens_as_often_as_it_may(
    tmp_path: Path,
) -> None:
    counted = credential("visit", "77", holder_class=HolderClass.VISITOR, uses=2)

    async def scenario(box: TestBox, device: TwinDevice) -> None:
        assert set(device.held) == {"live"}
        assert (box.last.wanted, box.last.confirmed, box.last.pending, box.last.refused) == (2, 2, 0, ())
        found = [await shown(box, device, IdentifierType.CARD, "77") for _ in range(3)]
        assert [f.outcome for f in found] == ["granted", "granted", "denied"]
        assert found[2].reason is DenyReason.USED_UP
        assert len(device.commands) == 2

    at_a_terminal(tmp_path, access_list(1, LIVE, counted), scenario)


def test_a_phone_and_an_identity_card_open_at_a_terminal_and_leave_no_number_behind(tmp_path: Path) -> None:
    number = "11010519491231002X"
    hashed = Identifier(IdentifierType.ID_CARD, id_card.hashed(number, "key"))
    wanted = msgspec.structs.replace(
        access_list(1, LIVE, credential("elder", identifiers=(hashed,))), id_card_key="key"
    )

    async def scenario(box: TestBox, device: TwinDevice) -> None:
        at = box.clock.now() - T0
        code = qr.mint(qr.Code("live", bytes(8), T0 + at), ESTATE, box.signer.key.sign)
        first = await shown(box, device, IdentifierType.QR, code)
        assert (first.outcome, first.credential, first.identifier) == ("granted", "live", IdentifierType.QR)
        again = await shown(box, device, IdentifierType.QR, code)
        assert (again.outcome, again.reason, again.credential) == ("denied", DenyReason.CODE_USED, "live")
        by_card = await shown(box, device, IdentifierType.ID_CARD, number)
        assert (by_card.outcome, by_card.credential) == ("granted", "elder")
        assert len(device.commands) == 2

    at_a_terminal(tmp_path, wanted, scenario)
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"elder" in kept, "the journal was closed and read"
    assert number.encode() not in kept
    assert qr.PREFIX.encode() not in kept
