"""Revocations: in force at once, ahead of everything, read back one by one, answered honestly, also after a reboot."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from edge_twins import (
    EDGE,
    READER,
    TERMINAL,
    Signer,
    SinglyDriver,
    TestBox,
    TwinDevice,
    TwinDriver,
    access_list,
    credential,
    open_box,
    publish,
    run,
    shown_event,
    until,
)
from edge_twins import working as running
from patience import PATIENCE_S

from device_drivers.contract.device import Capabilities, DeviceInventory
from device_drivers.contract.events import AccessEvent, EdgeNote
from device_drivers.contract.messages import RevocationOrder, Revocations
from device_drivers.contract.words import AccessOutcome, DenyReason
from device_drivers.driver import Operation, Upsert
from edge_agent import urgent
from edge_agent.heavy import heavy

working = partial(running, driver=SinglyDriver)


def reported(box: TestBox, generation: int, **numbers: int) -> bool:
    return any(True for r in box.reports[-1:] if r.generation == generation) and all(
        getattr(box.last, name) == n for name, n in numbers.items()
    )


def ended(box: TestBox) -> list[str]:
    """Listed, and told to the hub as ended by an order."""
    return sorted(r.token for r in box.last.refused if r.code == "revoked")


def test_one_person_is_taken_off_and_looked_for_and_the_report_says_so(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box, working(box, device) as worker:
            publish(box, access_list(1, credential("a"), credential("b")))
            await until(lambda: reported(box, 1, confirmed=2, pending=0), "both are there")
            applied = len(device.applied)
            revoker = box.revoker(worker)
            order = box.signer.order(("d1", "a"))
            revoker.arrived(order)
            await until(lambda: box.answers, "an answer")
            assert box.answered() == [("d1", "a", "gone")]
            assert device.asked == ["revoke a", "holds a"]
            assert set(device.held) == {"b"}
            assert len(device.applied) == applied, "nothing of the bulk path was needed"
            assert (box.last.generation, box.last.confirmed, box.last.pending) == (1, 1, 0)
            assert ended(box) == ["a"], "the list names who is gone, so the report does: nobody is counted as held"
            revoker.arrived(order)
            await until(lambda: len(box.answers) == 2, "a repeated order is answered again")
            assert box.answered()[-1] == ("d1", "a", "gone")
            outcome = await worker.reconciler.read_back()
            assert outcome is None
            assert set(device.held) == {"b"}, "the old list does not bring it back"
            publish(box, access_list(2, credential("b")))
            await until(lambda: reported(box, 2, wanted=1, confirmed=1), "the new list")
            publish(box, access_list(3, credential("b"), credential("c")))
            await until(lambda: reported(box, 3, confirmed=2), "one more")
            assert box.box.state.revoked("d1") == {}, "no list that is kept names it: nothing to remember"
            assert box.box.lists.revoked("d1") == set()

    run(work())


def test_in_the_middle_of_a_bulk_load_it_waits_for_one_batch_at_most(tmp_path: Path) -> None:
    everyone = [credential(f"t{n:03}") for n in range(60)]

    async def work() -> None:
        device = TwinDevice()
        placed: list[int] = []
        async with open_box(tmp_path) as box, working(box, device) as worker:
            publish(box, access_list(1, credential("leaver")))
            await until(lambda: reported(box, 1, confirmed=1), "the leaver is there")
            revoker = box.revoker(worker)

            async def midway(operations: tuple[Operation, ...]) -> None:
                if len(device.applied) == 12:
                    revoker.arrived(box.signer.order(("d1", "leaver"), ("d1", "t040"), ("d1", "t000"), after=2))
                if device.asked and not placed:
                    placed.append(len(device.applied))

            device.before_apply = midway
            publish(box, access_list(2, credential("leaver"), *everyone))
            await until(lambda: reported(box, 2, wanted=61, confirmed=58, pending=0), "the rest is loaded")
            assert ended(box) == ["leaver", "t000", "t040"]
            assert placed == [13], "only the batch in hand came before"
            written = [o.credential.token for ops in device.applied for o in ops if isinstance(o, Upsert)]
            assert "t040" not in written, "who was revoked meanwhile is not written any more"
            assert len(written) == 1 + 59, "nobody is written twice"
            assert sorted(box.answered()) == [("d1", t, "gone") for t in ("leaver", "t000", "t040")]
            assert not {"leaver", "t000", "t040"} & set(device.held)

    run(work())


def test_who_is_being_written_in_this_moment_is_taken_off_after_it(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box, working(box, device) as worker:
            revoker = box.revoker(worker)

            async def meanwhile(operations: tuple[Operation, ...]) -> None:
                if any(isinstance(o, Upsert) and o.credential.token == "b" for o in operations):
                    revoker.arrived(box.signer.order(("d1", "b")))
                    for _ in range(50):  # more than enough turns to take it off too early
                        await asyncio.sleep(0)
                    assert device.asked == [], "not before its write is over"

            device.before_apply = meanwhile
            publish(box, access_list(1, credential("a"), credential("b"), credential("c")))
            await until(lambda: box.answered("gone"), "taken off")
            await until(lambda: reported(box, 1, wanted=3, confirmed=2, pending=0), "the others")
            assert set(device.held) == {"a", "c"}

    run(work())


def test_a_look_at_the_whole_list_that_was_under_way_does_not_bring_it_back(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        gate, looking = asyncio.Event(), asyncio.Event()

        class Slow(SinglyDriver):
            async def inventory(self) -> DeviceInventory:
                found = await super().inventory()
                if gate.is_set():
                    looking.set()
                    await until(lambda: device.asked, "the removal in the midst of the look")
                return found

        async with open_box(tmp_path) as box, working(box, device, driver=Slow) as worker:
            publish(box, access_list(1, credential("a"), credential("b")))
            await until(lambda: reported(box, 1, confirmed=2, pending=0), "both are there")
            applied = len(device.applied)
            gate.set()
            asked = asyncio.create_task(worker.reconciler.read_back())
            await looking.wait()
            box.revoker(worker).arrived(box.signer.order(("d1", "a")))
            await asked
            await until(lambda: box.answers, "an answer")
            assert box.answered() == [("d1", "a", "gone")]
            assert len(device.applied) == applied, "not removed a second time"
            assert (box.last.confirmed, box.last.pending, ended(box)) == (1, 0, ["a"])

    run(work())


def test_an_edge_decided_door_denies_from_that_moment_and_after_a_reboot_without_link(tmp_path: Path) -> None:
    signer = Signer()

    async def shows(box: TestBox, device: TwinDevice, card: str, count: int) -> tuple[AccessOutcome, Any, Any]:
        device.put(shown_event(card))
        passes: list[AccessEvent] = []
        for _ in range(400):
            passes = [e.body for e in await box.events() if isinstance(e.body, AccessEvent)]
            if len(passes) >= count:
                break
            await asyncio.sleep(0.01)
        last = passes[-1]
        return last.outcome, last.credential, last.reason

    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path, signer) as box, working(box, device, READER) as worker:
            publish(box, access_list(1, credential("a", "7"), credential("b", "8"), credential("b2", "8")))
            await until(lambda: reported(box, 1, confirmed=3), "the list is here")
            assert (await shows(box, device, "7", 1))[:2] == (AccessOutcome.GRANTED, "a")
            box.revoker(worker).arrived(signer.order(("d1", "a"), ("d1", "b")))
            assert await shows(box, device, "7", 2) == (AccessOutcome.DENIED, None, DenyReason.UNKNOWN_CREDENTIAL)
            assert (await shows(box, device, "8", 3))[:2] == (AccessOutcome.GRANTED, "b2"), "another holder of the card"
            await until(lambda: len(box.answered("gone")) == 2, "answered")
            await until(lambda: reported(box, 1, wanted=3, confirmed=1), "and the report says so")
            assert ended(box) == ["a", "b"]
        signer.served.clear()  # no hub
        async with open_box(tmp_path, signer) as box, working(box, device, READER):
            await until(lambda: reported(box, 1, wanted=3, confirmed=1), "the kept list without them")
            assert await shows(box, device, "7", 4) == (AccessOutcome.DENIED, None, DenyReason.UNKNOWN_CREDENTIAL)

    run(work())


def test_a_device_that_is_away_is_pending_and_gone_when_it_is_back_also_after_a_reboot(tmp_path: Path) -> None:
    signer, device = Signer(), TwinDevice()

    async def work() -> None:
        async with open_box(tmp_path, signer) as box, working(box, device) as worker:
            publish(box, access_list(1, credential("a"), credential("b")))
            await until(lambda: reported(box, 1, confirmed=2), "both are there")
            device.cut()
            await until(lambda: worker.driver is None, "cut")
            box.revoker(worker).arrived(signer.order(("d1", "a")))
            await until(lambda: box.answers, "an answer")
            assert box.answered() == [("d1", "a", "pending")]
            assert "离线" in box.answers[0].items[0].text
        assert set(device.held) == {"a", "b"}
        signer.served.clear()  # no hub: the box starts with the old list
        async with open_box(tmp_path, signer) as box:
            box.revoker()
            async with working(box, device):
                device.queue = asyncio.Queue()
                device.up = True
                await until(lambda: box.answered("gone"), "gone after the reboot, without a hub")
                await until(lambda: reported(box, 1, wanted=2, confirmed=1, pending=0), "and it stays so")
                assert ended(box) == ["a"]
                assert set(device.held) == {"b"}
        async with open_box(tmp_path, signer) as box:
            box.revoker()
            async with working(box, device):
                await until(lambda: reported(box, 1, wanted=2, confirmed=1, pending=0), "a third start")
                assert set(device.held) == {"b"}
                assert box.answers == [], "answered once"

    run(work())


@pytest.mark.parametrize("driver", [TwinDriver, SinglyDriver])
def test_a_removal_that_is_only_said_is_never_gone(
    tmp_path: Path, driver: type[TwinDriver], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(urgent, "RETRY_S", (0.01,))

    async def work() -> None:
        device = TwinDevice(sticky={"a"})
        async with open_box(tmp_path) as box, working(box, device, driver=driver) as worker:
            publish(box, access_list(1, credential("a"), credential("b")))
            await until(lambda: reported(box, 1, confirmed=2), "both are there")
            box.revoker(worker).arrived(box.signer.order(("d1", "a")))
            await until(lambda: box.answers, "an answer")
            assert box.answered() == [("d1", "a", "pending")]
            assert "仍有" in box.answers[0].items[0].text
            device.sticky.clear()
            await until(lambda: box.answered("gone"), "the next try")
            assert len(box.answered("pending")) == 1, "the same reason is said once"

    run(work())


def test_a_device_that_cannot_be_read_is_assumed_never_gone(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        blind = Capabilities(holds_list=True, cards=True)
        async with open_box(tmp_path) as box, working(box, device, blind, driver=TwinDriver) as worker:
            publish(box, access_list(1, credential("a"), credential("b")))
            await until(lambda: reported(box, 1, assumed=2, pending=0), "written")
            box.revoker(worker).arrived(box.signer.order(("d1", "a")))
            await until(lambda: box.answers, "an answer")
            assert box.answered() == [("d1", "a", "assumed")]
            assert set(device.held) == {"b"}

    run(work())


@pytest.mark.parametrize("refused", ["revoke", "holds"])
def test_a_device_that_refuses_the_single_way_is_asked_again_or_read_in_whole(
    tmp_path: Path, refused: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(urgent, "RETRY_S", (0.01,))

    async def work() -> None:
        device = TwinDevice(refuse_single=refused)
        async with open_box(tmp_path) as box, working(box, device) as worker:
            publish(box, access_list(1, credential("a"), credential("b")))
            await until(lambda: reported(box, 1, confirmed=2), "both are there")
            box.revoker(worker).arrived(box.signer.order(("d1", "a")))
            if refused == "revoke":
                await until(lambda: box.answered("pending"), "it says why")
                device.refuse_single = ""
            await until(lambda: box.answered("gone"), "gone, as the whole list shows")
            assert set(device.held) == {"b"}

    run(work())


def test_many_at_once_are_taken_off_together(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        batches = Capabilities(holds_list=True, reads_back=True, cards=True, batch=100)
        many = [credential(f"t{n:03}") for n in range(urgent.SINGLY + 10)]
        async with open_box(tmp_path) as box, working(box, device, batches) as worker:
            publish(box, access_list(1, credential("b"), *many))
            await until(lambda: reported(box, 1, confirmed=len(many) + 1), "all are there")
            box.revoker(worker).arrived(box.signer.order(*(("d1", c.token) for c in many)))
            await until(lambda: len(box.answered("gone")) == len(many), "all gone")
            assert set(device.held) == {"b"}
            assert device.asked == []
            assert box.last.confirmed == 1
            assert ended(box) == [c.token for c in many]

    run(work())


@pytest.mark.parametrize("capabilities", [TERMINAL, READER], ids=["terminal", "edge decides"])
def test_a_list_that_was_made_before_the_order_does_not_bring_anybody_back(
    tmp_path: Path, capabilities: Capabilities
) -> None:
    signer = Signer()

    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path, signer) as box, working(box, device, capabilities) as worker:
            await until(lambda: worker.driver is not None, "connected")
            box.revoker(worker).arrived(signer.order(("d1", "a"), after=2))  # before any list came
            await until(lambda: box.answered("gone"), "answered")
            publish(box, access_list(1, credential("a", "7")))
            await until(lambda: reported(box, 1, wanted=1, confirmed=0, pending=0), "the first list, without them")
            publish(box, access_list(2, credential("a", "7"), credential("b", "8")))
            await until(lambda: reported(box, 2, wanted=2, confirmed=1, pending=0), "the second as well")
            assert "a" not in device.held
        async with open_box(tmp_path, signer) as box, working(box, device, capabilities):
            await until(lambda: reported(box, 2, wanted=2, confirmed=1, pending=0), "and after a reboot")
            for generation in (3, 4):
                publish(box, access_list(generation, credential("b", "8")))
                await until(lambda g=generation: reported(box, g, wanted=1, confirmed=1), "lists of afterwards")
            await until(lambda: box.box.state.revoked("d1") == {}, "nothing is left that could bring them back")

    run(work())


def test_it_does_not_wait_behind_what_fills_the_threads(tmp_path: Path) -> None:
    async def work() -> None:
        device, release = TwinDevice(), threading.Event()
        async with open_box(tmp_path) as box, working(box, device) as worker:
            publish(box, access_list(1, credential("a")))
            await until(lambda: reported(box, 1, confirmed=1), "it is there")
            full = [asyncio.create_task(asyncio.to_thread(release.wait, PATIENCE_S)) for _ in range(100)]
            full.append(asyncio.create_task(heavy(release.wait, PATIENCE_S)))
            await asyncio.sleep(0)
            try:
                box.revoker(worker).arrived(box.signer.order(("d1", "a")))
                await until(lambda: box.answered("gone"), "gone, kept and answered")
                assert not any(task.done() for task in full)
                assert box.box.state.revoked("d1"), "on the disk"
            finally:
                release.set()
                await asyncio.gather(*full)

    run(work())


def test_an_order_of_somebody_else_is_refused_and_noted_once(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box, working(box, device) as worker:
            publish(box, access_list(1, credential("a")))
            await until(lambda: reported(box, 1, confirmed=1), "it is there")
            revoker, good = box.revoker(worker), box.signer.order(("d1", "a"))
            bad = [
                Signer().order(("d1", "a")),
                msgspec.structs.replace(good, payload=good.payload.replace(b'"a"', b'"b"')),
                box.signer.order(("d1", "a"), edge="another"),
                box.signer.order(("d1", "a"), estate="another"),
                RevocationOrder(b"{}", box.signer.key.sign(b"{}"), "k1"),
            ]
            for order in bad * 2:
                revoker.arrived(order)
            notes = [e.body.what for e in await box.events() if isinstance(e.body, EdgeNote)]
            assert notes == [
                "bad_signature",
                "foreign_revocation",
                "foreign_revocation",
                "unreadable_revocation",
            ]
            assert box.answers == []
            assert set(device.held) == {"a"}
            assert box.box.lists.revoked("d1") == set()

    run(work())


def test_a_device_that_is_not_here_is_pending(tmp_path: Path) -> None:
    async def work() -> None:
        async with open_box(tmp_path) as box:
            box.revoker().arrived(box.signer.order(("elsewhere", "a")))
            await until(lambda: box.answers, "an answer")
            assert box.answered() == [("elsewhere", "a", "pending")]
            assert msgspec.json.decode(box.signer.order(("d1", "a")).payload, type=Revocations).edge == EDGE

    run(work())


@pytest.mark.parametrize("at_edge", [True, False])
def test_who_was_revoked_and_is_listed_again_is_refused_and_never_called_confirmed(
    tmp_path: Path, at_edge: bool
) -> None:
    """A hub restored from yesterday's backup knows nothing of today's revocation: it must not be told that all is as it says."""

    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box, working(box, device, *((READER,) if at_edge else ())) as worker:
            publish(box, access_list(1, credential("a", "7"), credential("b", "8")))
            await until(lambda: reported(box, 1, confirmed=2), "both are there")
            box.revoker(worker).arrived(box.signer.order(("d1", "a")))
            await until(lambda: box.answered("gone"), "gone")
            publish(box, access_list(2, credential("b", "8")))
            await until(lambda: reported(box, 2, wanted=1, confirmed=1), "the list says so too")
            publish(box, access_list(3, credential("a", "7"), credential("b", "8")))
            await until(lambda: reported(box, 3, wanted=2, confirmed=1, pending=0), "it is not held, and that is said")
            assert ended(box) == ["a"]
            assert "a" not in device.held

    run(work())


@pytest.mark.parametrize("at_edge", [True, False])
def test_who_was_revoked_is_named_also_before_a_list_without_him_comes(tmp_path: Path, at_edge: bool) -> None:
    """A hub restored to before the revocation holds the very list that the box holds: only the box knows that it differs."""

    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box, working(box, device, *((READER,) if at_edge else ())) as worker:
            publish(box, access_list(1, credential("a", "7"), credential("b", "8")))
            await until(lambda: reported(box, 1, confirmed=2), "both are there")
            box.revoker(worker).arrived(box.signer.order(("d1", "a")))
            await until(lambda: reported(box, 1, wanted=2, confirmed=1, pending=0), "the same list, one held less")
            assert ended(box) == ["a"], "said at once"
            if not at_edge:
                await worker.reconciler.read_back()
            assert ended(box) == ["a"], "and after the next look"
            assert (box.last.wanted, box.last.confirmed) == (2, 1)
            publish(box, access_list(2, credential("b", "8")))
            await until(lambda: reported(box, 2, wanted=1, confirmed=1, pending=0), "the list says so too")
            assert box.last.refused == ()

    run(work())


def test_who_goes_on_elsewhere_is_taken_off_this_device_only(tmp_path: Path) -> None:
    """A new disk in the box: it does not know the entry as its own, the hub does. No word of an end: he may come back."""

    async def work() -> None:
        device = TwinDevice(held={"moved": credential("moved"), "guard's own": credential("guard's own")})
        async with open_box(tmp_path) as box, working(box, device) as worker:
            publish(box, access_list(1, credential("b")))
            await until(lambda: reported(box, 1, confirmed=1, foreign=2), "two that it does not know")
            revoker = box.revoker(worker)
            revoker.arrived(box.signer.order(here=(("d1", "moved"), ("d1", "b"))))
            await until(lambda: box.answers, "an answer")
            assert box.answered() == [("d1", "moved", "gone")], "who is on the list came back since: he stays"
            assert set(device.held) == {"b", "guard's own"}
            assert box.box.lists.revoked("d1") == set(), "nothing ended"
            publish(box, access_list(2, credential("b"), credential("moved")))
            await until(lambda: reported(box, 2, confirmed=2, pending=0), "and back")
            assert "moved" in device.held

    run(work())
