"""A PIN opens by its hash; guessing holds up the keypad at which it happens, and nothing and nobody else."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
from edge_twins import T0, TestBox, TwinDevice, access_list, credential, open_box, run, until
from test_edge_worker import READER, publish, reported, working

from device_drivers.contract import pin
from device_drivers.contract.access import AccessList, Identifier
from device_drivers.contract.events import AccessEvent
from device_drivers.contract.words import AccessOutcome, DenyReason, HolderClass, IdentifierType
from device_drivers.driver import CredentialPresented, DriverEvent
from edge_agent.keypad import FORGOTTEN, FREE, FREE_OF_CARDS, LONGEST, PAUSE, Tried, Tries

KEY, RIGHT = "key", "1234567"


def listed(*more: Identifier) -> AccessList:
    hashed = Identifier(IdentifierType.PIN, pin.hashed(RIGHT, KEY))
    visitor = credential("visitor", identifiers=(hashed, *more), holder_class=HolderClass.VISITOR)
    return msgspec.structs.replace(access_list(1, visitor, credential("resident", "77")), id_card_key=KEY)


async def shown(box: TestBox, device: TwinDevice, kind: IdentifierType, value: str, as_pin: str = "") -> AccessEvent:
    before = box.box.journal.head
    typed = Identifier(IdentifierType.PIN, as_pin) if as_pin else None
    device.put(DriverEvent(CredentialPresented("door1", Identifier(kind, value), typed)))
    await until(lambda: box.box.journal.head > before, f"{kind} to be decided and on disk")
    body = (await box.events())[-1].body
    assert isinstance(body, AccessEvent)
    return body


def test_a_pin_opens_by_its_hash_and_leaves_no_digits_behind(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box, working(box, device, READER):
            publish(box, listed())
            await until(lambda: reported(box, 1, confirmed=2), "the list is here")
            opened = await shown(box, device, IdentifierType.PIN, RIGHT)
            assert (opened.outcome, opened.credential, opened.identifier) == ("granted", "visitor", "pin")
            wrong = await shown(box, device, IdentifierType.PIN, "7654321")
            assert (wrong.outcome, wrong.reason) == ("denied", DenyReason.UNKNOWN_CREDENTIAL)
            as_card = await shown(box, device, IdentifierType.CARD, RIGHT, as_pin=RIGHT)
            assert (as_card.outcome, as_card.identifier) == ("granted", "pin"), "a keypad's frame looks like a card"
            card = await shown(box, device, IdentifierType.CARD, "77", as_pin="77")
            assert (card.outcome, card.credential, card.identifier) == ("granted", "resident", "card")
            nobody = await shown(box, device, IdentifierType.CARD, "78", as_pin="78")
            assert (nobody.outcome, nobody.identifier) == ("denied", "card")

    run(work())
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"visitor" in kept
    assert RIGHT.encode() not in kept
    assert b"7654321" not in kept, "nor a mistyped one"


def test_guessing_stops_the_keypad_and_no_other_way(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box, working(box, device, READER):
            publish(box, listed())
            await until(lambda: reported(box, 1, confirmed=2), "the list is here")
            for n in range(FREE):
                guess = await shown(box, device, IdentifierType.PIN, str(2_000_000 + n))
                assert guess.reason is DenyReason.UNKNOWN_CREDENTIAL
            paused = await shown(box, device, IdentifierType.PIN, RIGHT)
            assert (paused.outcome, paused.reason, paused.credential) == (
                AccessOutcome.DENIED, DenyReason.TOO_MANY_TRIES, None,
            ), "the right one too: a guesser learns nothing"  # fmt: skip
            resident = await shown(box, device, IdentifierType.CARD, "77")
            assert resident.outcome is AccessOutcome.GRANTED, "a card opens meanwhile"
            box.clock.forward(PAUSE.total_seconds())
            assert (await shown(box, device, IdentifierType.PIN, RIGHT)).outcome is AccessOutcome.GRANTED

    run(work())


def test_cards_that_nobody_here_has_do_not_stop_a_keypad_whose_frames_look_like_cards(tmp_path: Path) -> None:
    """A neighbour's card, a bus card: at such a reader the number may be a PIN, but only one of a PIN's digits is a guess."""

    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box, working(box, device, READER):
            publish(box, listed())
            await until(lambda: reported(box, 1, confirmed=2), "the list is here")
            for number in ("12345678", "16000001", "3456", "999999", "4294967295", "12000000"):
                tapped = await shown(box, device, IdentifierType.CARD, number, as_pin=number)
                assert (tapped.outcome, tapped.reason) == ("denied", DenyReason.UNKNOWN_CREDENTIAL)
            typed = await shown(box, device, IdentifierType.CARD, RIGHT, as_pin=RIGHT)
            assert (typed.outcome, typed.identifier) == ("granted", "pin")

    run(work())


def test_foreign_cards_that_look_like_pins_leave_the_keypad_to_who_has_one(tmp_path: Path) -> None:
    """More than half of all 24-bit card numbers have seven digits: the postman's, shown ten times, is one guess at most."""

    async def work() -> None:
        device, elsewhere = TwinDevice(), TwinDevice()
        async with (
            open_box(tmp_path) as box,
            working(box, device, READER),
            working(box, elsewhere, READER, name="d2"),
        ):
            neighbours = [credential(f"n{n}", str(3_000_000 + n)) for n in range(2 * FREE_OF_CARDS)]
            publish(box, access_list(1, *neighbours, device="d2"))
            await until(lambda: box.box.lists.current("d2") is not None, "the list of the house next door")
            publish(box, listed())
            await until(lambda: reported(box, 1, confirmed=2), "the list is here")
            shows = [str(2_000_000)] * 2 * FREE_OF_CARDS
            shows += [str(2_000_001 + n) for n in range(FREE_OF_CARDS - 2)]
            shows += [str(3_000_000 + n) for n in range(2 * FREE_OF_CARDS)]
            for number in shows:
                tapped = await shown(box, device, IdentifierType.CARD, number, as_pin=number)
                assert tapped.reason is DenyReason.UNKNOWN_CREDENTIAL
            typed = await shown(box, device, IdentifierType.CARD, RIGHT, as_pin=RIGHT)
            assert (typed.outcome, typed.identifier) == ("granted", "pin")

    run(work())


def test_the_same_wrong_pin_again_is_one_guess_and_its_digits_are_kept_nowhere() -> None:
    tries, kept = Tries(), []
    tries.keep = kept.append
    for _ in range(3 * FREE):
        tries.wrong("a", T0, "7654321")
    assert tries.paused_until("a", T0) is None
    for n in range(FREE - 1):
        tries.wrong("a", T0, str(2_000_000 + n))
    assert tries.paused_until("a", T0) == T0 + PAUSE
    assert "7654321" not in "".join(kept) + repr(tries)


def test_a_paused_keypad_says_so_where_its_frames_look_like_cards(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box, working(box, device, READER):
            publish(box, listed())
            await until(lambda: reported(box, 1, confirmed=2), "the list is here")
            for n in range(FREE_OF_CARDS):
                await shown(box, device, IdentifierType.CARD, str(2_000_000 + n), as_pin=str(2_000_000 + n))
            paused = await shown(box, device, IdentifierType.CARD, RIGHT, as_pin=RIGHT)
            assert (paused.outcome, paused.reason) == ("denied", DenyReason.TOO_MANY_TRIES), "not: nobody has this card"
            card = await shown(box, device, IdentifierType.CARD, "77", as_pin="77")
            assert card.outcome is AccessOutcome.GRANTED
            other = await shown(box, device, IdentifierType.CARD, "16000001", as_pin="16000001")
            assert (other.reason, other.identifier) == (DenyReason.UNKNOWN_CREDENTIAL, "card"), "nobody typed that"

    run(work())


def test_pauses_grow_to_an_hour_end_and_are_forgotten() -> None:
    tries, at = Tries(), T0
    for _ in range(FREE - 1):
        tries.wrong("a", at)
    assert tries.paused_until("a", at) is None, "people mistype"
    waits = []
    for _ in range(12):
        tries.wrong("a", at)
        until_ = tries.paused_until("a", at)
        assert until_ is not None
        waits.append(until_ - at)
        at = until_
        assert tries.paused_until("a", at) is None
    assert waits[:3] == [PAUSE, 2 * PAUSE, 4 * PAUSE]
    assert waits[-1] == LONGEST
    assert tries.paused_until("b", at) is None, "another reader"
    later = at + FORGOTTEN + timedelta(seconds=1)
    tries.wrong("a", later)
    assert tries.paused_until("a", later) is None


def test_a_clock_that_jumped_back_does_not_prolong_a_pause_and_a_right_pin_forgives_a_little() -> None:
    tries = Tries()
    for _ in range(FREE):
        tries.wrong("a", T0)
    assert tries.paused_until("a", T0 - timedelta(days=1)) is None
    busy = Tries()
    for n in range(100):
        busy.wrong("a", T0 + timedelta(minutes=n))
        if n % 2:
            busy.right("a")
    assert busy.paused_until("a", T0 + timedelta(minutes=99)) is None, "a busy door where some mistype"


def test_wrong_tries_outlive_a_restart_of_the_box() -> None:
    kept: list[str] = []
    tries = Tries(keep=kept.append)
    for _ in range(FREE):
        tries.wrong("a", T0)
    again = Tries()
    again.load(msgspec.json.decode(kept[-1], type=dict[str, Tried]))
    assert again.paused_until("a", T0) == T0 + PAUSE
    again.wrong("a", T0 + PAUSE)
    assert again.paused_until("a", T0 + PAUSE) == T0 + 3 * PAUSE, "and goes on where it stood"
