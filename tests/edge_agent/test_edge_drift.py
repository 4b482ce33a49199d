"""What a device lost, changed or got back is repaired with exactly the operations needed, and counted once, across restarts."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from edge_twins import (
    T0,
    TERMINAL,
    FakeClock,
    Signer,
    TellingDriver,
    TestBox,
    TwinDevice,
    access_list,
    credential,
    open_box,
    publish,
    run,
    until,
)
from edge_twins import working as running

from device_drivers.contract.access import Credential, ValidityPeriod
from device_drivers.contract.device import Capabilities
from device_drivers.contract.words import HolderClass
from device_drivers.driver import Operation, Remove, Upsert
from edge_agent import report

BATCHES = Capabilities(holds_list=True, reads_back=True, cards=True, batch=50)
DATED = Capabilities(holds_list=True, reads_back=True, cards=True, validity_dates=True)


working = partial(running, driver=TellingDriver)


def reported(box: TestBox, generation: int, **numbers: int) -> bool:
    return (
        bool(box.reports)
        and box.last.generation == generation
        and all(getattr(box.last, name) == n for name, n in numbers.items())
    )


def operations(device: TwinDevice) -> list[Operation]:
    return [o for ops in device.applied for o in ops]


def people(count: int) -> list[Credential]:
    return [credential(f"t{n:03}", str(1000 + n)) for n in range(count)]


def test_missing_changed_and_come_back_are_mended_with_the_operations_needed_and_counted(tmp_path: Path) -> None:
    async def work() -> None:
        device, signer, everyone = TwinDevice(), Signer(), people(40)
        async with open_box(tmp_path, signer) as box, working(box, device, BATCHES) as worker:
            publish(box, access_list(1, credential("leaver"), *everyone))
            await until(lambda: reported(box, 1, confirmed=41, pending=0), "all there")
            publish(box, access_list(2, *everyone))
            await until(lambda: reported(box, 2, confirmed=40, pending=0), "the leaver is gone")
            assert (box.last.drift, box.last.drift_at) == (0, None), "our own work is no drift"
            device.applied.clear()
            for token in ("t001", "t002", "t003"):
                del device.held[token]
            device.held["t010"] = credential("t010", "999999")  # somebody changed the card at the device
            device.held["leaver"] = credential("leaver")  # and put back who had left
            device.held["stranger"] = credential("stranger")
            await worker.reconciler.read_back()
            assert reported(box, 2, wanted=40, confirmed=40, pending=0, foreign=1), "in step again"
            assert (box.last.drift, box.last.drift_at) == (5, T0)
            done = operations(device)
            assert len(done) == 5, f"operations sent must equal operations needed: {done}"
            assert [o.token for o in done if isinstance(o, Remove)] == ["leaver"]
            assert "stranger" in device.held, "a foreign credential is never silently erased"
            await worker.reconciler.read_back()
            assert box.last.drift == 5, "counted once"
        async with open_box(tmp_path, signer) as box, working(box, device, BATCHES) as worker:
            await until(lambda: reported(box, 2, confirmed=40), "after a restart")
            assert (box.last.drift, box.last.drift_at) == (5, T0), "remembered"
            del device.held["t001"]
            await worker.reconciler.read_back()
            assert box.last.drift == 6

    run(work())


def test_a_terminal_that_restarts_empty_is_filled_again_and_each_entry_counts_once(tmp_path: Path) -> None:
    async def work() -> None:
        device, everyone = TwinDevice(), people(100)
        async with open_box(tmp_path) as box, working(box, device, BATCHES) as worker:
            publish(box, access_list(1, *everyone))
            await until(lambda: reported(box, 1, confirmed=100, pending=0), "all there")
            device.applied.clear()

            async def again(_operations: tuple[Operation, ...]) -> None:
                if len(device.applied) == 1 and device.connects == 2:  # in the midst of the refill: empty once more
                    device.held.clear()
                    device.cut()
                    device.up = True

            device.before_apply = again
            device.held.clear()
            device.cut()
            await until(lambda: worker.driver is None, "restarting")
            device.up = True
            await until(lambda: reported(box, 1, confirmed=100, pending=0, drift=100), "filled again")
            assert set(device.held) == {c.token for c in everyone}
            assert device.connects == 3

    run(work())


def test_what_could_not_be_mended_is_not_counted_and_not_confirmed(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box, working(box, device) as worker:
            publish(box, access_list(1, credential("a"), credential("b")))
            await until(lambda: reported(box, 1, confirmed=2, pending=0), "both there")
            device.forget.add("a")
            del device.held["a"]
            for _ in range(3):
                await worker.reconciler.read_back()
            assert (box.last.confirmed, box.last.pending, box.last.drift) == (1, 1, 0)
            device.forget.clear()
            await worker.reconciler.read_back()
            assert (box.last.confirmed, box.last.pending, box.last.drift) == (2, 0, 1), "one entry, mended once"

    run(work())


def test_a_box_that_lost_its_memory_takes_nothing_for_drift(tmp_path: Path) -> None:
    async def work() -> None:
        device, signer = TwinDevice(), Signer()
        async with open_box(tmp_path, signer) as box, working(box, device):
            publish(box, access_list(1, *people(5)))
            await until(lambda: reported(box, 1, confirmed=5), "all there")
        for path in list(tmp_path.glob("state.db*")):  # noqa: ASYNC240
            path.unlink()
        async with open_box(tmp_path, signer) as box, working(box, device):
            await until(lambda: reported(box, 1, confirmed=5, pending=0), "written anew")
            assert box.last.drift == 0

    run(work())


def test_an_entry_that_goes_on_saying_something_else_is_refused_with_the_reason_and_left_alone(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box, working(box, device, BATCHES) as worker:
            publish(box, access_list(1, *people(10)))
            await until(lambda: reported(box, 1, confirmed=10, pending=0), "all there")
            device.garbled["t003"] = "label=nobody\ncard=[]"
            device.applied.clear()
            await worker.reconciler.read_back()
            assert reported(box, 1, wanted=10, confirmed=9, pending=0), "never confirmed what reads otherwise"
            assert [(r.token, r.code) for r in box.last.refused] == [("t003", "reads_back_otherwise")]
            assert box.last.drift == 0, "it was not put right"
            for _ in range(2):
                await worker.reconciler.read_back()
                worker.reconciler.changed.set()
                await until(lambda: not worker.reconciler.changed.is_set(), "a round without reading contents")
            assert len(operations(device)) == 1, "written anew once, not for ever"
            assert (box.last.confirmed, len(box.last.refused)) == (9, 1)
            device.garbled.clear()
            publish(box, access_list(2, *(credential(c.token, c.identifiers[0].value, version=2) for c in people(10))))
            await until(lambda: reported(box, 2, confirmed=10, pending=0), "a changed entry is tried again")

    run(work())


def test_a_device_that_tells_its_entries_in_another_way_is_not_rewritten(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice(garbled={c.token: "card=?" for c in people(10)})
        async with open_box(tmp_path) as box, working(box, device, BATCHES) as worker:
            publish(box, access_list(1, *people(10)))
            await until(lambda: reported(box, 1, confirmed=10, pending=0), "all there")
            device.applied.clear()
            await worker.reconciler.read_back()
            assert device.applied == [], "nobody changed every entry: it cannot be compared"
            assert (box.last.confirmed, box.last.drift) == (10, 0)

    run(work())


def visitor(token: str, begin: float | None, end: float | None) -> Credential:
    at = [None if s is None else T0 + timedelta(seconds=s) for s in (begin, end)]
    return credential(token, holder_class=HolderClass.VISITOR, validity=ValidityPeriod(*at))


@pytest.mark.parametrize("capabilities", [TERMINAL, DATED], ids=["no dates", "dates"])
def test_visitors_go_on_time_with_no_link_and_that_is_no_drift(tmp_path: Path, capabilities: Capabilities) -> None:
    async def work() -> None:
        device, clock, signer = TwinDevice(), FakeClock(), Signer()
        list_1 = access_list(
            1, credential("r"), visitor("v", None, 3600), visitor("w", 1800, 7200), visitor("x", 0, 9000)
        )
        async with open_box(tmp_path, signer, clock) as box, working(box, device, capabilities):
            publish(box, list_1)
            first = {"r", "v", "x"} | ({"w"} if capabilities.validity_dates else set())
            await until(lambda: reported(box, 1, confirmed=len(first), pending=0), "who is to be there now")
            assert set(device.held) == first
            if capabilities.validity_dates:
                assert device.held["w"].validity.not_before is not None, "ahead, with its dates"
            signer.served.clear()  # no hub from here on
            clock.forward(1800)
            await until(lambda: reported(box, 1, wanted=4, confirmed=4, pending=0), "w begins")
            clock.forward(1800)
            await until(lambda: reported(box, 1, wanted=4, confirmed=3, pending=0), "v is over")
            assert [(r.token, r.code) for r in box.last.refused] == [("v", "expired")], "the list still names v: said"
            assert set(device.held) == {"r", "w", "x"}
            del device.held["x"]  # a terminal whose clock runs ahead has deleted it by itself
            clock.forward(5400)
            await until(lambda: reported(box, 1, wanted=4, confirmed=1, pending=0), "all visitors are over")
            assert set(device.held) == {"r"}
            assert box.last.drift == 0, "an entry that deleted itself is not drift"
            assert box.box.state.applied("d1").keys() == {"r"}, "and nothing of it is remembered"
        device.applied.clear()
        async with open_box(tmp_path, signer, clock) as box, working(box, device, capabilities):
            await until(lambda: reported(box, 1, wanted=4, confirmed=1), "after a reboot without link")
            assert device.applied == [], "what is over does not come back with the old list"

    run(work())


def test_a_resident_whose_right_has_begun_is_written_without_dates(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        since, coming = T0 - timedelta(days=400), T0 + timedelta(days=3)
        async with open_box(tmp_path) as box, working(box, device, DATED) as worker:
            publish(
                box,
                access_list(
                    1,
                    credential("here", validity=ValidityPeriod(since)),
                    credential("coming", validity=ValidityPeriod(coming)),
                ),
            )
            await until(lambda: reported(box, 1, confirmed=2, pending=0), "both there")
            assert device.held["here"].validity == ValidityPeriod(), "no wrong clock locks a resident out"
            assert device.held["coming"].validity == ValidityPeriod(coming)
            writes = len(operations(device))
            await worker.reconciler.read_back()
            assert len(operations(device)) == writes, "and it is not written again and again"

    run(work())


def test_a_read_back_of_contents_leaves_room_for_others_between_its_pages(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box, working(box, device, BATCHES) as worker:
            publish(box, access_list(1, *people(10)))
            await until(lambda: reported(box, 1, confirmed=10, pending=0), "all there")
            device.asked.clear()
            await worker.reconciler.read_back()
            assert device.asked == ["page"] * 5
            device.asked.clear()
            publish(box, access_list(2, *people(11)))
            await until(lambda: reported(box, 2, confirmed=11, pending=0), "one more")
            assert device.asked == [], "a changed list does not read everything"
            assert isinstance(operations(device)[-1], Upsert)

    run(work())


def test_entries_a_box_knows_nothing_of_are_told_by_token_where_a_hub_could_know_them() -> None:
    """Ids of other makers may say who somebody is: they stay at the box."""
    ours, upper = "abcdefghij0123456789", "ZYXWVUTSRQ9876543210"
    assert report.strays((upper, ours, "110101199001011234", "王小明", "guard-1")) == (ours, upper.casefold())


def test_a_device_set_back_to_a_copy_of_last_week_is_put_right_without_anybodys_word(tmp_path: Path) -> None:
    """Somebody who moved to another block is on no list of this door, and has not left: no order would name him."""

    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box, working(box, device) as worker:
            publish(box, access_list(1, credential("moved"), credential("b")))
            await until(lambda: reported(box, 1, confirmed=2, pending=0), "both are there")
            before = dict(device.held)
            for number in (2, 3, 4):  # no list that is kept names him
                publish(box, access_list(number, credential("b"), credential(f"c{number}")))
                await until(lambda n=number: reported(box, n, confirmed=2, pending=0), "without him")
            device.held = before | {"guard's own": credential("guard's own")}
            await worker.reconciler.read_back()
            assert set(device.held) == {"b", "c4", "guard's own"}, "what was ours goes, what never was stays"
            assert (box.last.foreign, box.last.drift) == (1, 2), "one too many, one missing"

    run(work())
