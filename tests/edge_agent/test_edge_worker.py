"""One device's task: list reconcile, decisions, de-duplication, observation, over a twin that can lie and be cut."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from edge_twins import (
    READER,
    T0,
    TERMINAL,
    FakeClock,
    Signer,
    TestBox,
    TwinDevice,
    TwinDriver,
    access_list,
    credential,
    definition,
    device_config,
    open_box,
    publish,
    run,
    until,
    working,
)
from patience import PATIENCE_S

from device_drivers.contract.access import Credential, Identifier, PhotoRef, ValidityPeriod
from device_drivers.contract.device import Capabilities, MeterBinding
from device_drivers.contract.events import AccessEvent, DoorEvent, MeterReading, ObservationChanged
from device_drivers.contract.messages import DeviceReported
from device_drivers.contract.words import (
    AccessOutcome,
    CommandKind,
    CommandOutcome,
    DenyReason,
    DeviceCondition,
    Direction,
    DoorState,
    IdentifierType,
    ObservationState,
    Quantity,
)
from device_drivers.driver import (
    CredentialPresented,
    DeviceUnreachable,
    DriverDefinition,
    DriverEvent,
    Operation,
    Upsert,
    WrongSecret,
)
from edge_agent import reconcile
from edge_agent.state import Refusal, State
from edge_agent.worker import Worker


def reported(box: TestBox, generation: int, **numbers: int) -> bool:
    if not box.reports:
        return False
    last = box.last
    return last.generation == generation and all(getattr(last, name) == n for name, n in numbers.items())


def observations(events: list[object]) -> list[tuple[str, float]]:
    return [
        (e.body.state.value, (e.at - T0).total_seconds())  # type: ignore[attr-defined]
        for e in events
        if isinstance(e.body, ObservationChanged)  # type: ignore[attr-defined]
    ]


def test_a_list_reaches_the_device_and_is_confirmed_by_read_back(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice(held={"stranger": credential("stranger")})
        async with open_box(tmp_path) as box, working(box, device):
            publish(box, access_list(1, credential("a"), credential("b")))
            await until(lambda: reported(box, 1, confirmed=2, pending=0), "both confirmed")
            assert set(device.held) == {"a", "b", "stranger"}, "a foreign credential is left alone"
            assert (box.last.foreign, box.last.assumed, box.last.read_back_at) == (1, 0, T0)
            publish(box, access_list(2, credential("b", version=2)))
            await until(lambda: reported(box, 2, confirmed=1, pending=0), "the new list")
            assert set(device.held) == {"b", "stranger"}
            assert device.held["b"].label == "b v2"
            done = len(device.applied)
            publish(box, access_list(3, credential("b", version=2)))
            await until(lambda: reported(box, 3, confirmed=1), "the same content")
            assert len(device.applied) == done, "nothing to change, nothing written"

    run(work())


def test_a_revocation_jumps_the_bulk_load(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        everyone = [credential(f"t{n:03}") for n in range(60)]
        async with open_box(tmp_path) as box, working(box, device):
            publish(box, access_list(1, credential("leaver"), everyone[0]))
            await until(lambda: reported(box, 1, confirmed=2), "the first list")

            async def slow(operations: tuple[Operation, ...]) -> None:
                count = len(device.applied)
                if count == 12:  # in the midst of the load the leaver's lease ends
                    publish(box, access_list(3, *everyone))
                    await until(lambda: box.box.lists.current("d1").access_list.generation == 3, "list 3 is here")

            device.before_apply = slow
            publish(box, access_list(2, credential("leaver", version=2), *everyone))
            await until(lambda: reported(box, 3, confirmed=60, pending=0), "the last list")
            order = [op for ops in device.applied for op in ops]
            place = next(n for n, op in enumerate(order) if not isinstance(op, Upsert))
            assert order[place].token == "leaver"
            assert place == 13, f"removed as operation {place}; the batch in hand is the only one it may wait for"
            assert len(order) == 2 + 60 + 1 - 1 + 1, f"{len(order)} operations: an interruption must not start over"

    run(work())


def test_one_refused_credential_stops_no_other_and_is_said_with_its_reason(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice(refuse={"b": "photo_no_face"})
        async with open_box(tmp_path) as box, working(box, device) as worker:
            publish(box, access_list(1, credential("a"), credential("b"), credential("c")))
            await until(lambda: reported(box, 1, wanted=3, confirmed=2, pending=0), "two of three")
            assert [(r.token, r.code, r.text) for r in box.last.refused] == [("b", "photo_no_face", "by the twin")]
            tries = len(device.applied)
            worker.reconciler.changed.set()
            await until(lambda: not worker.reconciler.changed.is_set(), "another round")
            await until(lambda: reported(box, 1, confirmed=2), "its report")
            assert len(device.applied) == tries, "a refused, unchanged credential is not tried again"
            device.refuse.clear()
            publish(box, access_list(2, credential("a"), credential("b", version=2), credential("c")))
            await until(lambda: reported(box, 2, confirmed=3), "changed, so tried again")
            assert box.last.refused == ()

    run(work())


WITH_FACES = Capabilities(holds_list=True, reads_back=True, cards=True, photos=True, batch=2)


def person(token: str, card: str = "7", photo: str = "bad", **fields: object) -> Credential:
    face = Identifier(IdentifierType.FACE, photo=PhotoRef("u", photo))
    cards = (Identifier(IdentifierType.CARD, card),) if card else ()
    return credential(token, identifiers=(face, *cards), **fields)


def kinds(device: TwinDevice, token: str) -> list[str]:
    return [i.type.value for i in device.held[token].identifiers]


def honest(report: DeviceReported) -> bool:
    return report.wanted == report.confirmed + report.assumed + report.pending + len(report.refused)


def test_a_refused_photo_does_not_lock_the_person_out(tmp_path: Path) -> None:
    async def work() -> None:
        device, signer = TwinDevice(refuse_photos={"bad": "photo_no_face"}), Signer()
        everyone = (person("a", photo="good"), person("b"), person("c", photo="good"), person("d", card=""))
        async with open_box(tmp_path, signer) as box, working(box, device, WITH_FACES):
            publish(box, access_list(1, *everyone))
            await until(lambda: reported(box, 1, wanted=4, confirmed=2, pending=0), "two whole, two refused")
            assert kinds(device, "b") == ["card"], "the card opens from the same round"
            assert "d" not in device.held, "nothing is left of a face alone"
            assert [(r.token, r.code, r.partial) for r in box.last.refused] == [
                ("b", "photo_no_face", True),
                ("d", "photo_no_face", False),
            ]
            order = [[o.credential.token for o in ops if isinstance(o, Upsert)] for ops in device.applied]
            assert order == [["a", "b"], ["b"], ["c", "d"]], "at once, not after the whole list"
            assert honest(box.last)
        writes = len(device.applied)
        async with open_box(tmp_path, signer, FakeClock(T0 + timedelta(days=3))) as box:
            async with working(box, device, WITH_FACES) as worker:
                await until(lambda: reported(box, 1, confirmed=2, pending=0), "the same after a restart, days later")
                assert [r.partial for r in box.last.refused] == [True, False]
                assert honest(box.last)
                worker.reconciler.changed.set()
                await until(lambda: not worker.reconciler.changed.is_set(), "another round")
            assert len(device.applied) == writes, "nothing changed, nothing tried again"
            async with working(box, device, WITH_FACES):
                publish(box, access_list(2, everyone[0], person("b", card="8"), *everyone[2:]))
                await until(lambda: reported(box, 2, confirmed=2, pending=0), "another card")
                assert len(device.applied) == writes + 1, "one write, without the photo"
                assert [i.value for i in device.held["b"].identifiers] == ["8"]
                publish(box, access_list(3, everyone[0], person("b", photo="good"), *everyone[2:]))
                await until(lambda: reported(box, 3, confirmed=3, pending=0), "another photo is tried")
                assert kinds(device, "b") == ["face", "card"]

    run(work())


def test_what_is_held_without_its_photo_is_removed_when_not_wanted(tmp_path: Path) -> None:
    async def work() -> None:
        device, signer = TwinDevice(refuse_photos={"bad": "photo_no_face"}), Signer()
        async with open_box(tmp_path, signer) as box, working(box, device, WITH_FACES):
            publish(box, access_list(1, person("a")))
            await until(lambda: reported(box, 1, pending=0) and device.held and box.last.refused, "card only")
        async with open_box(tmp_path, signer) as box, working(box, device, WITH_FACES):
            publish(box, access_list(2))
            await until(lambda: reported(box, 2, wanted=0, pending=0) and not device.held, "gone after a restart")
            assert box.last.foreign == 0, "it was ours"
            assert box.box.state.refused("d1", T0) == {}, "and nothing is remembered of it"

    run(work())


def test_a_crash_between_refusal_and_card_is_made_good(tmp_path: Path) -> None:
    async def work() -> None:
        device, signer = TwinDevice(refuse_photos={"bad": "photo_no_face"}), Signer()

        async def cut(operations: tuple[Operation, ...]) -> None:
            if any(isinstance(o, Upsert) and o.partial for o in operations):
                raise DeviceUnreachable("cut between the two")

        device.before_apply = cut
        async with open_box(tmp_path, signer) as box, working(box, device, WITH_FACES):
            publish(box, access_list(1, person("a")))
            await until(lambda: box.box.state.refused("d1", T0), "the photo's refusal is on disk")
        assert device.held == {}
        device.before_apply = None
        tried = len(device.applied)
        async with open_box(tmp_path, signer) as box, working(box, device, WITH_FACES):
            await until(lambda: reported(box, 1, pending=0) and device.held, "card only")
            assert kinds(device, "a") == ["card"]
            assert len(device.applied) == tried + 1, "the photo was not tried a second time"

    run(work())


def test_a_worker_stops_also_in_the_moment_its_device_is_lost(tmp_path: Path) -> None:
    async def stops(box: TestBox, ticks: int) -> None:
        device = TwinDevice()
        worker = Worker(device_config(), definition(device), box.box, upkeep_s=0.02)
        task = asyncio.create_task(worker.run())

        async def events() -> AsyncIterator[DriverEvent]:
            task.cancel()
            for _ in range(ticks):
                await asyncio.sleep(0)
            raise DeviceUnreachable("lost in the moment of the stop")
            yield  # pragma: no cover

        made = TwinDriver.events
        TwinDriver.events = lambda _self: events()  # type: ignore[method-assign,assignment]
        try:
            done, _ = await asyncio.wait([task], timeout=PATIENCE_S)
        finally:
            TwinDriver.events = made  # type: ignore[method-assign]
        assert done, f"goes on after it was stopped (lost {ticks} turns of the loop later)"

    async def work() -> None:
        async with open_box(tmp_path) as box:
            for ticks in range(6):
                await stops(box, ticks)

    run(work())


def test_a_photo_that_cannot_be_fetched_waits_and_the_card_opens(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice(refuse_photos={"bad": "photo_unreachable"})
        async with open_box(tmp_path) as box, working(box, device, WITH_FACES) as worker:
            publish(box, access_list(1, person("a")))
            await until(lambda: reported(box, 1, pending=1) and box.last.pending_tokens, "the photo is pending")
            assert kinds(device, "a") == ["card"]
            assert honest(box.last)
            tried = len(device.applied)
            worker.reconciler.changed.set()
            await until(lambda: len(device.applied) > tried, "the photo is tried again")
            await until(lambda: not worker.reconciler.changed.is_set(), "the round's end")
            assert not any(o.partial for o in device.applied[-1] if isinstance(o, Upsert)), "the card stands already"
            device.refuse_photos.clear()
            worker.reconciler.changed.set()
            await until(lambda: reported(box, 1, confirmed=1, pending=0), "the whole credential")
            assert kinds(device, "a") == ["face", "card"]

    run(work())


def test_a_device_that_takes_nobody_without_a_photo_says_what_was_wrong_with_it(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice(refuse_photos={"bad": "photo_no_face"}, needs_photo=True)
        async with open_box(tmp_path) as box, working(box, device, WITH_FACES) as worker:
            publish(box, access_list(1, person("a")))
            await until(lambda: reported(box, 1, pending=0) and box.last.refused, "refused")
            assert [(r.code, r.partial) for r in box.last.refused] == [("photo_no_face", False)]
            assert len(device.applied) == 2
            worker.reconciler.changed.set()
            await until(lambda: not worker.reconciler.changed.is_set(), "another round")
            assert len(device.applied) == 2, "not asked again"

    run(work())


def test_refusals_that_do_not_fit_into_the_message_do_not_look_held(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice(refuse_photos={"bad": "photo_no_face"})
        many = [person(f"t{n:03}", card="") for n in range(reconcile.REFUSED_SHOWN + 5)]
        async with open_box(tmp_path) as box, working(box, device, WITH_FACES):
            publish(box, access_list(1, *many))
            await until(lambda: len(box.last.refused) == reconcile.REFUSED_SHOWN if box.reports else False, "all tried")
            await until(lambda: reported(box, 1, pending=5), "five beyond the message")
            assert honest(box.last)

    run(work())


def test_who_found_no_room_is_tried_again_when_fewer_stand_in_the_device(tmp_path: Path) -> None:
    """A terminal that was full, and from which a guard then deleted somebody by hand: it need not be asked for six hours."""

    async def work() -> None:
        device = TwinDevice(held={"guard's own": credential("guard's own")}, refuse={"b": "list_full"})

        def tries() -> int:
            return sum(isinstance(o, Upsert) and o.credential.token == "b" for ops in device.applied for o in ops)

        async with open_box(tmp_path) as box, working(box, device) as worker:
            publish(box, access_list(1, credential("a"), credential("b")))
            await until(lambda: reported(box, 1, confirmed=1, pending=0), "one found room")
            assert [(r.token, r.code) for r in box.last.refused] == [("b", "list_full")]
            before = tries()
            await worker.reconciler.read_back()
            assert tries() == before, "as many stand there as before: nothing is asked in vain"
            del device.held["guard's own"]
            device.refuse.clear()
            await worker.reconciler.read_back()
            await until(lambda: reported(box, 1, confirmed=2, pending=0), "and now the other")

    run(work())


def test_a_removal_that_was_only_said_stays_ours_to_repeat(tmp_path: Path) -> None:
    """A terminal that said yes and kept the entry, and three lists since: it was not called somebody else's, and left there."""

    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box, working(box, device) as worker:
            publish(box, access_list(1, credential("a"), credential("b")))
            await until(lambda: reported(box, 1, confirmed=2, pending=0), "both are there")
            device.sticky.add("a")
            for number in (2, 3, 4):
                publish(box, access_list(number, credential("b"), credential(f"c{number}")))
                await until(lambda n=number: reported(box, n, confirmed=2, pending=1), "it waits to be gone")
            assert (box.last.foreign, box.last.pending_tokens) == (0, ("a",))
            device.sticky.clear()
            await worker.reconciler.read_back()
            await until(lambda: reported(box, 4, confirmed=2, pending=0), "gone")
            assert "a" not in device.held

    run(work())


def test_what_is_left_of_a_refused_card_is_asked_once_of_a_full_device(tmp_path: Path) -> None:
    """The card did not fit, and the face alone found no room: tried every thirty seconds, shown as on its way."""

    async def work() -> None:
        device = TwinDevice(refuse={"a": "card_too_long"})

        async def full(operations: tuple[Operation, ...]) -> None:
            device.refuse["a"] = (
                "list_full" if any(isinstance(o, Upsert) and o.partial for o in operations) else "card_too_long"
            )

        device.before_apply = full
        async with open_box(tmp_path) as box, working(box, device, WITH_FACES) as worker:
            publish(box, access_list(1, person("a", card="7")))
            await until(
                lambda: [r.code for r in box.last.refused] == ["list_full"] if box.reports else False, "both tried"
            )
            await until(lambda: reported(box, 1, confirmed=0, pending=0), "and nothing is on its way")
            tried = len(device.applied)
            await worker.reconciler.read_back()
            assert len(device.applied) == tried, "nothing changed: nothing is asked in vain"

    run(work())


def test_a_state_file_of_an_older_release_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute(
            "CREATE TABLE refused(device TEXT, token TEXT, fingerprint TEXT NOT NULL, code TEXT NOT NULL,"
            " text TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY(device, token)) WITHOUT ROWID"
        )
        db.execute("INSERT INTO refused VALUES ('d1', 'a', 'f', 'list_full', '', ?)", (T0.timestamp(),))
        db.commit()
    state = State(path)
    state.open()
    assert state.refused("d1", T0) == {"a": Refusal("f", "list_full", "")}
    state.close()


def test_a_busy_device_leaves_the_credential_pending_for_the_next_round(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice(refuse={"b": "busy"})
        async with open_box(tmp_path) as box, working(box, device) as worker:
            publish(box, access_list(1, credential("a"), credential("b")))
            await until(lambda: reported(box, 1, confirmed=1) and box.last.pending_tokens == ("b",), "b is pending")
            assert box.last.refused == (), "it is not refused for good"
            device.refuse.clear()
            worker.reconciler.changed.set()
            await until(lambda: reported(box, 1, confirmed=2, pending=0), "the next round")

    run(work())


def test_never_confirmed_what_the_device_does_not_show(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice(forget={"b"})
        async with open_box(tmp_path) as box, working(box, device):
            publish(box, access_list(1, credential("a"), credential("b")))
            await until(lambda: reported(box, 1, pending=1) and box.last.pending_tokens, "b is pending")
            assert all(r.confirmed <= 1 for r in box.reports), "b was never there"
            assert box.last.pending_tokens == ("b",)

    run(work())


def test_without_read_back_written_is_assumed_never_confirmed(tmp_path: Path) -> None:
    async def work() -> None:
        blind = Capabilities(holds_list=True, cards=True)
        device = TwinDevice()
        async with open_box(tmp_path) as box, working(box, device, blind):
            publish(box, access_list(1, credential("a")))
            await until(lambda: reported(box, 1, assumed=1, pending=0), "assumed")
            assert all(r.confirmed == 0 for r in box.reports)

    run(work())


def test_out_of_service_is_looked_at_and_not_touched(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice(held={"x": credential("x")})
        async with open_box(tmp_path) as box, working(box, device, config=device_config(in_service=False)):
            publish(box, access_list(1, credential("a")))
            await until(lambda: reported(box, 1, pending=1, foreign=1), "what would be done")
            assert device.applied == []

    run(work())


@pytest.mark.parametrize("reads", [True, False], ids=["read back", "blind"])
def test_an_answer_that_was_lost_leaves_the_entry_in_doubt_until_it_is_written_again(
    tmp_path: Path, reads: bool
) -> None:
    async def work() -> None:
        device = TwinDevice()
        capabilities = Capabilities(holds_list=True, reads_back=reads, cards=True)
        first = credential("a", "7")
        async with open_box(tmp_path) as box, working(box, device, capabilities) as worker:
            publish(box, access_list(1, first))
            held = {"confirmed": 1} if reads else {"assumed": 1}
            await until(lambda: reported(box, 1, pending=0, **held), "the first card")

            async def lose(operations: tuple[Operation, ...]) -> None:
                device.before_apply = None
                device.held["a"] = operations[0].credential  # type: ignore[union-attr]
                device.cut()
                raise DeviceUnreachable("done, and the answer was lost")

            device.before_apply = lose
            publish(box, access_list(2, credential("a", "8")))
            await until(lambda: not device.up and worker.driver is None, "the cut after the second card")
            publish(box, access_list(3, first))
            await until(lambda: box.box.lists.current("d1").access_list.generation == 3, "back to the first card")
            device.up = True
            await until(lambda: reported(box, 3, pending=0, **held), "in step")
            assert device.held["a"].identifiers[0].value == "7", "said to be in step with another card on the device"

    run(work())


def test_a_refused_change_of_what_is_held_leaves_it_as_it_was(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice(refuse_photos={"bad": "photo_no_face"})
        async with open_box(tmp_path) as box, working(box, device, WITH_FACES) as worker:
            publish(box, access_list(1, person("a", photo="good")))
            await until(lambda: reported(box, 1, confirmed=1, pending=0), "whole")
            publish(box, access_list(2, person("a")))
            await until(lambda: reported(box, 2, pending=0) and box.last.refused, "the new photo is refused")
            writes = len(device.applied)
            publish(box, access_list(3, person("a", photo="worse")))
            device.refuse_photos["worse"] = "photo_dark"
            await until(lambda: reported(box, 3, pending=0) and box.last.refused, "another one too")
            await worker.reconciler.read_back()
            assert [r.code for r in box.last.refused] == ["photo_dark"]
            assert len(device.applied) == writes + 1, "the card stands: nothing but the new photo was tried"

    run(work())


def test_ours_is_ours_also_when_the_state_was_lost(tmp_path: Path) -> None:
    async def work() -> None:
        device, signer = TwinDevice(), Signer()
        async with open_box(tmp_path, signer) as box, working(box, device):
            publish(box, access_list(1, credential("leaver"), credential("a")))
            await until(lambda: reported(box, 1, confirmed=2), "the first list")
        for path in list(tmp_path.glob("state.db*")):  # noqa: ASYNC240
            path.unlink()
        async with open_box(tmp_path, signer) as box, working(box, device):
            publish(box, access_list(2, credential("a")))
            await until(lambda: reported(box, 2, confirmed=1, pending=0), "the second list")
            assert set(device.held) == {"a"}, "a leaver must not stay because a file was damaged"

    run(work())


def shown(card: str) -> DriverEvent:
    return DriverEvent(CredentialPresented("door1", Identifier(IdentifierType.CARD, card)))


def test_the_edge_decides_opens_once_and_then_writes(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box, working(box, device, READER) as worker:
            device.put(shown("7"))
            publish(box, access_list(1, credential("a", "7"), credential("b", "8", validity=ValidityPeriod(None, T0))))
            await until(lambda: reported(box, 1, confirmed=2), "the list is here")
            assert box.last.decided_at_edge
            for card in ("0007", "8", "9"):
                device.put(shown(card))
            await until(lambda: box.box.journal.head >= 5, "four decisions and the observation")
            events = [e.body for e in await box.events() if isinstance(e.body, AccessEvent)]
            assert [(e.outcome, e.credential, e.reason) for e in events[1:]] == [
                (AccessOutcome.GRANTED, "a", None),
                (AccessOutcome.DENIED, "b", DenyReason.EXPIRED),
                (AccessOutcome.DENIED, None, DenyReason.UNKNOWN_CREDENTIAL),
            ]
            assert {(e.access_point, e.direction) for e in events} == {("ap1", Direction.IN)}
            opened = [c.kind for c in device.commands]
            granted = sum(e.outcome is AccessOutcome.GRANTED for e in events)
            assert opened == [CommandKind.MOMENTARY_ACCESS] * granted, "one pulse for each granted, none besides"
            assert worker.capabilities is READER

    run(work())


def test_a_device_that_asks_is_answered_and_gets_no_pulse(tmp_path: Path) -> None:
    """It opens by the answer: a pulse besides would open twice. What was refused is answered too, at once."""
    said: list[tuple[bool, str]] = []

    async def answer(granted: bool, reason: str) -> tuple[CommandOutcome, str]:
        said.append((granted, reason))
        return CommandOutcome.DONE, ""

    def asked(card: str) -> DriverEvent:
        return DriverEvent(CredentialPresented("door1", Identifier(IdentifierType.CARD, card), answer=answer))

    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box, working(box, device, READER):
            publish(box, access_list(1, credential("a", "7"), credential("b", "8", validity=ValidityPeriod(None, T0))))
            await until(lambda: reported(box, 1, confirmed=2), "the list is here")
            for card in ("7", "8", "9"):
                device.put(asked(card))
            await until(lambda: len(said) == 3, "three answers")
            assert sorted(said) == [(False, "expired"), (False, "unknown_credential"), (True, "")]
            assert device.commands == []

    run(work())


def test_doors_open_while_the_disk_is_full(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box, working(box, device, READER):
            publish(box, access_list(1, credential("a", "7")))
            await until(lambda: reported(box, 1, confirmed=1), "the list is here")
            journal = box.box.journal
            await journal.flush()
            (pages,) = journal._db.execute("PRAGMA page_count").fetchone()
            journal._db.execute(f"PRAGMA max_page_count={pages}")
            for _ in range(300):
                device.put(shown("7"))
            await until(lambda: len(device.commands) == 300, "300 openings")
            await until(lambda: journal.full, "a full disk")
            journal._db.execute("PRAGMA max_page_count=1000000")
            await until(lambda: journal.head >= 301, "all of them written in the end")

    run(work())


def test_a_replayed_record_is_stored_once_and_acknowledged_each_time(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        acked: list[int] = []

        async def ack() -> None:
            acked.append(box.box.journal.head)

        async with open_box(tmp_path) as box, working(box, device):
            body = AccessEvent(AccessOutcome.GRANTED, credential="a")
            for _ in range(3):
                device.put(DriverEvent(body, T0, key="rec-1", late=True, ack=ack))
            await until(lambda: len(acked) == 3, "three acknowledgements")
            stored = [e for e in await box.events() if isinstance(e.body, AccessEvent)]
            assert len(stored) == 1
            assert (stored[0].late, stored[0].device_at, stored[0].body.access_point) == (True, T0, "ap1")
            assert min(acked) >= stored[0].seq, "acknowledged only once on disk"

    run(work())


def test_meters_are_named_by_their_binding(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        config = device_config(access_points=(), meters=(MeterBinding("w-101", "unit-6", Quantity.WATER),))
        async with open_box(tmp_path) as box, working(box, device, Capabilities(meters=True), config=config):
            device.put(DriverEvent(MeterReading(Quantity.WATER, 1.5, "unit-6")))
            device.put(DriverEvent(MeterReading(Quantity.WATER, 2.5, "unit-9")))
            await until(lambda: box.box.journal.head >= 3, "two readings")
            bodies = [e.body for e in await box.events() if isinstance(e.body, MeterReading)]
            assert [(b.meter, b.value) for b in bodies] == [("w-101", 1.5), ("", 2.5)]

    run(work())


def test_lost_and_back_is_an_observation_hole(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box, working(box, device, READER):
            await until(lambda: box.reports and box.last.status.condition is DeviceCondition.ONLINE, "online")
            box.clock.forward(100)
            await until(lambda: box.box.state.mark("d1") is not None, "a mark")
            device.cut()
            await until(lambda: box.last.status.condition is DeviceCondition.OFFLINE, "offline")
            box.clock.forward(50)
            device.up = True
            await until(lambda: box.last.status.condition is DeviceCondition.ONLINE, "online again")
            seen = observations(await box.events())
            assert [s for s, _ in seen] == ["ok", "down", "ok"]
            assert seen[0][1] == 0
            assert seen[2][1] == 150
            assert 0 <= seen[1][1] <= 100, "down since it was last seen, not since we noticed"

    run(work())


def test_what_is_connected_and_cannot_be_observed_is_a_hole(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box, working(box, device, READER):
            await until(lambda: box.reports and box.last.status.condition is DeviceCondition.ONLINE, "online")
            box.clock.forward(100)
            device.fault, device.observing = "0 of 2 meters can be read", False
            await until(lambda: box.last.status.condition is DeviceCondition.FAULT, "fault")
            box.clock.forward(50)
            device.cut()
            await until(lambda: box.last.status.condition is DeviceCondition.OFFLINE, "offline")
            device.up, device.fault, device.observing = True, "", True
            await until(lambda: box.last.status.condition is DeviceCondition.ONLINE, "online again")
            assert observations(await box.events()) == [("ok", 0), ("down", 0), ("ok", 150)], (
                "one hole, from when it was last observed"
            )

    run(work())


def test_it_is_observed_again_on_the_same_connection(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice(fault="wrong register map", observing=False)
        async with open_box(tmp_path) as box, working(box, device, READER):
            await until(lambda: box.reports and box.last.status.condition is DeviceCondition.FAULT, "fault")
            box.clock.forward(60)
            device.fault, device.observing = "", True
            await until(lambda: box.last.status.condition is DeviceCondition.ONLINE, "right")
            assert observations(await box.events()) == [("ok", 0), ("down", 0), ("ok", 60)]
            assert device.connects == 1

    run(work())


def test_each_change_of_condition_is_one_line_of_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "edge_agent.worker")

    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box, working(box, device, READER):
            await until(lambda: box.reports and box.last.status.condition is DeviceCondition.ONLINE, "online")
            device.fault = "1 of 2 meters: unit 6 illegal data address"
            await until(lambda: box.last.status.condition is DeviceCondition.FAULT, "fault")
            device.fault = "2 of 2 meters: no answer"
            await until(lambda: "2 of 2" in box.last.status.detail, "another text")
            device.fault = ""
            await until(lambda: box.last.status.condition is DeviceCondition.ONLINE, "right")
            device.cut()
            await until(lambda: box.last.status.condition is DeviceCondition.OFFLINE, "offline")

    run(work())
    told = [(r.levelname, r.getMessage()) for r in caplog.records if r.name == "edge_agent.worker"]
    assert told == [
        ("WARNING", "device d1 is fault: 1 of 2 meters: unit 6 illegal data address"),
        ("INFO", "device d1 is back"),
        ("WARNING", "device d1 is offline: twin is cut"),
    ]


@pytest.mark.parametrize(
    ("capabilities", "away_s", "expected"),
    [
        (READER, 20, [("ok", 0), ("down", 30), ("ok", 50)]),
        (TERMINAL, 20, [("ok", 0)]),  # it kept its records: nothing was missed
        (TERMINAL, 9 * 3600, [("ok", 0), ("down", 30), ("ok", 9 * 3600 + 30)]),
    ],
)
def test_after_a_crash_the_hole_begins_at_the_last_mark(
    tmp_path: Path, capabilities: Capabilities, away_s: int, expected: list[tuple[str, float]]
) -> None:
    async def work() -> None:
        device, signer, clock = TwinDevice(), Signer(), FakeClock()
        async with open_box(tmp_path, signer, clock) as box:
            worker = Worker(device_config(), definition(device, capabilities), box.box, upkeep_s=0.02)
            task = asyncio.create_task(worker.run())
            await until(lambda: box.reports and box.last.status.condition is DeviceCondition.ONLINE, "online")
            await box.box.settled()
            clock.forward(30)
            worker.observation.seen(clock.now())
            mark = worker.observation.mark()
            assert mark
            box.box.state.set_marks({"d1": mark})
            worker.observation.here = False  # a crash: nothing closes the interval
            worker.observation.gap_from = mark.until
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        clock.forward(away_s)
        async with open_box(tmp_path, signer, clock) as box, working(box, device, capabilities):
            await until(lambda: box.reports and box.last.status.condition is DeviceCondition.ONLINE, "online again")
            assert observations(await box.events()) == expected

    run(work())


def test_a_wrong_device_clock_is_no_observation(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice(offset_s=3600.0)
        async with open_box(tmp_path) as box, working(box, device):
            await until(lambda: box.box.journal.head >= 2, "the clock is noted")
            device.offset_s = 1.0
            await until(lambda: box.box.journal.head >= 3, "right again")
            assert [s for s, _ in observations(await box.events())] == ["ok", "clock", "ok"]

    run(work())


def test_a_door_that_stands_open_is_propped_until_closed(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box, working(box, device, READER) as worker:
            device.put(DriverEvent(DoorEvent(DoorState.OPEN, point="door1")))
            await until(lambda: box.box.journal.head >= 2, "the door is open")
            box.clock.forward(601)
            worker.observation.tick(box.clock.now())
            device.put(DriverEvent(DoorEvent(DoorState.CLOSED, point="door1")))
            await until(lambda: box.box.journal.head >= 5, "propped, closed, ok")
            bodies = [e.body for e in await box.events() if isinstance(e.body, ObservationChanged)]
            assert [(b.state, b.point) for b in bodies] == [
                (ObservationState.OK, ""),
                (ObservationState.PROPPED, "door1"),
                (ObservationState.OK, "door1"),
            ]

    run(work())


def test_a_fault_in_a_driver_is_reported_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.worker.BACKOFF_CAP_S", 0.3)

    async def work() -> None:
        device = TwinDevice()
        good = definition(device)
        calls: list[int] = []

        async def connect(device_id: str, config: dict[str, object], services: object) -> object:
            calls.append(1)
            if len(calls) == 1:
                raise RuntimeError("a bug in the driver")
            return await good.connect(device_id, config, services)  # type: ignore[arg-type]

        broken = DriverDefinition(good.info, connect)  # type: ignore[arg-type]
        async with open_box(tmp_path) as box, working(box, device, made=broken):
            await until(lambda: box.reports and box.last.status.condition is DeviceCondition.FAULT, "the fault")
            assert "a bug in the driver" in box.last.status.detail
            await until(lambda: box.last.status.condition is DeviceCondition.ONLINE, "the second try")

    run(work())


@pytest.mark.parametrize("taken", [True, False], ids=["taken before", "never taken"])
def test_a_password_that_was_taken_is_tried_again_soon_and_not_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    """A controller that answers 401 while it starts was gone for five minutes; one that locks accounts is not tried on and on."""
    monkeypatch.setattr("edge_agent.worker.SOON_S", (0.01, 0.01))

    async def work() -> None:
        device = TwinDevice()
        good = definition(device)
        tries, refuses = 0, not taken

        async def connect(device_id: str, config: dict[str, object], services: object) -> object:
            nonlocal tries
            if refuses:
                tries += 1
                raise WrongSecret("HTTP 401")
            return await good.connect(device_id, config, services)  # type: ignore[arg-type]

        made = DriverDefinition(good.info, connect)  # type: ignore[arg-type]
        async with open_box(tmp_path) as box, working(box, device, made=made) as worker:
            if taken:
                await until(lambda: worker.driver is not None, "connected")
                refuses = True
                device.cut()
            most = 1 + 2 * taken
            await until(lambda: tries == most and box.last.status.condition is DeviceCondition.FAULT, "refused")
            assert worker._refused == most, "now a person is needed"
            assert "401" in box.last.status.detail

    run(work())


def test_commands_of_people(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box, working(box, device, READER) as worker:
            await until(lambda: worker.driver is not None, "connected")
            assert (await worker.command(CommandKind.MOMENTARY_ACCESS, "ap1", ""))[0] is CommandOutcome.DONE
            assert device.commands[0].point == "door1"
            assert (await worker.command(CommandKind.MOMENTARY_ACCESS, "ap9", ""))[0] is CommandOutcome.REFUSED
            device.cut()
            await until(lambda: worker.driver is None, "cut")
            assert (await worker.command(CommandKind.MOMENTARY_ACCESS, "ap1", ""))[0] is CommandOutcome.UNREACHABLE
            assert len(device.commands) == 1

    run(work())


def test_a_read_back_looks_now_reports_and_answers(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box, working(box, device) as worker:
            publish(box, access_list(1, credential("a"), credential("b")))
            await until(lambda: reported(box, 1, confirmed=2, pending=0), "in step")
            device.held.pop("a")  # somebody deleted it at the device
            device.held["x"] = credential("x")
            reports = len(box.reports)
            outcome, text = await worker.command(CommandKind.READ_BACK, "", "")
            assert outcome is CommandOutcome.DONE
            assert "应有 2，读回 2" in text
            assert "外来 1" in text, "the stranger was seen"
            assert set(device.held) == {"a", "b", "x"}, "what was missing was written again"
            assert len(box.reports) > reports, "reported at once"
            device.cut()
            await until(lambda: worker.driver is None, "cut")
            assert (await worker.command(CommandKind.READ_BACK, "", ""))[0] is CommandOutcome.UNREACHABLE

    run(work())


def test_a_read_back_during_a_bulk_load_is_answered_by_a_fresh_look(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        asked: list[asyncio.Task[tuple[CommandOutcome, str]]] = []

        async def ask_meanwhile(_operations: tuple[Operation, ...]) -> None:
            if len(device.applied) == 3 and not asked:
                asked.append(asyncio.create_task(worker.command(CommandKind.READ_BACK, "", "")))
                await asyncio.sleep(0)

        device.before_apply = ask_meanwhile
        async with open_box(tmp_path) as box, working(box, device) as worker:
            publish(box, access_list(1, *(credential(f"t{n}") for n in range(8))))
            await until(lambda: asked and asked[0].done(), "an answer, long before the next regular look")
            assert asked[0].result()[0] is CommandOutcome.DONE
            assert "读回 8" in asked[0].result()[1]

    run(work())


def test_times_are_far_enough_apart() -> None:
    from edge_agent import observe

    assert observe.GRACE < observe.BRIDGE <= timedelta(hours=6), "longer silence is no proof of an empty dwelling"
