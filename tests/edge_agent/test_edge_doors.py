"""Door modes at the edge: who is kept out, who never is, what survives a restart, and what ends by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from edge_twins import (
    DOOR,
    T0,
    FakeClock,
    Signer,
    TestBox,
    TwinDevice,
    access_list,
    credential,
    definition,
    device_config,
    open_box,
    run,
    shown_event,
    until,
)

from device_drivers.contract.device import AccessPointBinding, Capabilities, DeviceConfig, EdgePolicy
from device_drivers.contract.events import AccessEvent, DoorEvent, EdgeNote, ObservationChanged
from device_drivers.contract.messages import Command, CommandResult, ListDoorbell
from device_drivers.contract.words import (
    AccessOutcome,
    CommandKind,
    CommandOutcome,
    DenyReason,
    DeviceCondition,
    Direction,
    DoorMode,
    DoorState,
    FailMode,
    FireInput,
    HolderClass,
    ModeCause,
    ObservationState,
)
from device_drivers.driver import DriverEvent, FireContact
from edge_agent.commands import Commands
from edge_agent.worker import Worker

IN = AccessPointBinding("ap-in", "door1", Direction.IN)
OUT = AccessPointBinding("ap-out", "door2", Direction.OUT)
TWO_SIDES = device_config(access_points=(IN, OUT))
LOCK_DOWN, LOCK_OPEN = CommandKind.LOCK_DOWN, CommandKind.LOCK_OPEN
BLOCK, RELEASE, OPEN = CommandKind.BLOCK, CommandKind.RELEASE, CommandKind.MOMENTARY_ACCESS
WITH_FIRE = device_config(access_points=(IN, OUT), config={"fire_input": 3})


class Desk:
    """One box with one device at work, and the commands of people."""

    def __init__(self, box: TestBox, device: TwinDevice, worker: Worker) -> None:
        self.box, self.device, self.worker = box, device, worker
        self.answers: list[CommandResult] = []
        self.commands = Commands(box.box, {"d1": worker}.get, self._no_picture, self.answers.append)
        self._number = 0

    async def _no_picture(self, _worker: Worker, _point: str) -> tuple[CommandOutcome, str]:
        raise AssertionError("no picture")

    async def order(self, kind: CommandKind, point: str = "ap-in", **fields: Any) -> CommandResult:
        self._number += 1
        now = self.box.clock.now()
        base: dict[str, Any] = {"actor": "张三", "reason": "盗窃", "expires_at": now + timedelta(seconds=10)}
        command = Command(f"c{self._number}-{now.timestamp()}", kind, "d1", now, access_point=point, **(base | fields))
        result = await self.commands.handle(command)
        assert result
        return result

    def mode(self, point: str = "ap-in") -> DoorMode:
        found = [m.mode for m in self.box.last.modes if m.access_point == point]
        return found[0] if found else DoorMode.LOCKED

    async def untouched(self) -> None:
        """A box that knows nothing of its relays lets go once; what comes after that counts."""
        await until(
            lambda: {c.point for c in self.device.commands} == {b.point for b in self.worker.doors.points.values()},
            "every point let go once",
        )
        self.device.commands.clear()

    def kinds(self, point: str = "door1") -> list[CommandKind]:
        return [c.kind for c in self.device.commands if c.point == point]

    async def show(self, card: str, point: str = "door1") -> AccessEvent:
        before = len(await self.bodies(AccessEvent))
        self.device.put(shown_event(card, point))
        for _ in range(2_000):
            if len(found := await self.bodies(AccessEvent)) > before:
                return found[-1]
            await asyncio.sleep(0.002)
        raise AssertionError(f"card {card} at {point} was never told")

    async def bodies(self, kind: type) -> list[Any]:
        return [e.body for e in await self.box.events() if isinstance(e.body, kind)]

    async def changes(self, point: str = "ap-in") -> list[tuple[DoorMode, ModeCause | None]]:
        events = [e for e in await self.bodies(DoorEvent) if e.access_point == point and e.mode_cause]
        return [(e.mode, e.mode_cause) for e in events]


@asynccontextmanager
async def desk(
    root: Path,
    device: TwinDevice,
    config: DeviceConfig = TWO_SIDES,
    signer: Signer | None = None,
    clock: FakeClock | None = None,
    capabilities: Capabilities = DOOR,
    connects: bool = True,
) -> AsyncIterator[Desk]:
    async with open_box(root, signer, clock) as box:
        holder = credential("resident", "7", profiles=("p",))
        wanted = access_list(1, holder, points=("ap-in", "ap-out"))
        box.signer.serve(wanted)
        await box.box.lists.load("d1")
        worker = Worker(config, definition(device, capabilities), box.box, upkeep_s=0.02)
        task = asyncio.create_task(worker.run())
        box.box.lists.ring(ListDoorbell("d1", 1, box.signer.etags["d1"]))
        try:
            if connects:
                await until(lambda: worker.doors.driver is not None, "connected")
                await until(lambda: box.reports and box.last.status.condition is DeviceCondition.ONLINE, "online")
            await until(lambda: box.box.lists.current("d1"), "the list is here")
            yield Desk(box, device, worker)
        finally:
            await worker.doors.stop()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def test_a_lock_down_keeps_everybody_out_and_nobody_in(tmp_path: Path) -> None:
    async def work() -> None:
        async with desk(tmp_path, TwinDevice()) as it:
            assert (await it.show("7")).outcome is AccessOutcome.GRANTED
            done = await it.order(LOCK_DOWN)
            assert done.outcome is CommandOutcome.DONE
            assert "4 小时后自动恢复" in done.text, "a command without an end gets one, and it is told"
            refused = await it.show("7")
            assert (refused.outcome, refused.reason) == (AccessOutcome.DENIED, DenyReason.LOCKED_DOWN)
            assert refused.credential == "resident", "who stood there is told"
            out = await it.show("7", "door2")
            stranger = await it.show("999", "door2")
            assert (out.outcome, stranger.outcome) == (AccessOutcome.GRANTED, AccessOutcome.GRANTED)
            assert "unknown_credential" in stranger.text, "an exit says why it was no entitled credential"
            assert it.kinds("door2").count(OPEN) == 2, "the way out opened"
            assert (await it.order(OPEN)).outcome is CommandOutcome.REFUSED
            assert (await it.order(OPEN, "ap-out")).outcome is CommandOutcome.DONE
            assert it.kinds().count(OPEN) == 1, "nothing opened the way in"
            (mode,) = it.box.last.modes
            assert (mode.mode, mode.actor, mode.reason, mode.cause) == (
                DoorMode.LOCKED_DOWN, "张三", "盗窃", ModeCause.COMMAND,
            )  # fmt: skip
            assert (await it.order(RELEASE)).outcome is CommandOutcome.DONE
            assert (await it.show("7")).outcome is AccessOutcome.GRANTED
            assert await it.changes() == [
                (DoorMode.LOCKED_DOWN, ModeCause.COMMAND),
                (DoorMode.LOCKED, ModeCause.COMMAND),
            ]

    run(work())


LOCKS_DOWN = msgspec.structs.replace(DOOR, locks_down=True)


def test_a_device_with_a_lock_down_of_its_own_is_ordered_to_and_released(tmp_path: Path) -> None:
    async def work() -> None:
        device, clock = TwinDevice(), FakeClock()
        async with desk(tmp_path, device, clock=clock, capabilities=LOCKS_DOWN) as it:
            await it.untouched()
            assert (await it.order(LOCK_DOWN)).outcome is CommandOutcome.DONE
            assert it.kinds() == [LOCK_DOWN], "the device is told, once"
            device.cut()
            await until(lambda: it.worker.doors.driver is None, "cut")
            device.up = True
            await until(lambda: it.kinds().count(LOCK_DOWN) > 1, "told again to a device that may have restarted")
            assert (await it.order(RELEASE)).outcome is CommandOutcome.DONE
            assert it.kinds()[-1] is RELEASE
            await it.order(BLOCK)
            clock.forward(5 * 3600)
            it.worker.doors.look()
            await until(lambda: it.kinds()[-1] is RELEASE, "what ends by itself is released at the device as well")
            assert it.kinds("door2") == []

    run(work())


def test_a_fire_releases_the_lock_down_before_it_opens(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with desk(tmp_path, device, WITH_FIRE, capabilities=LOCKS_DOWN) as it:
            await it.untouched()
            await it.order(LOCK_DOWN)
            device.put(DriverEvent(FireContact(FireInput.FIRE, "input 3")))
            await until(lambda: LOCK_OPEN in it.kinds(), "the door is opened")
            assert it.kinds() == [LOCK_DOWN, RELEASE, LOCK_OPEN]

    run(work())


def test_a_device_is_not_locked_down_where_its_door_is_the_way_out_too(tmp_path: Path) -> None:
    async def work() -> None:
        both = (
            AccessPointBinding("ap-in", "door1", Direction.IN),
            AccessPointBinding("ap-out", "door1", Direction.OUT),
        )
        device = TwinDevice()
        async with desk(tmp_path, device, device_config(access_points=both), capabilities=LOCKS_DOWN) as it:
            await it.untouched()
            done = await it.order(LOCK_DOWN)
            assert done.outcome is CommandOutcome.DONE
            assert "出口" in done.text
            assert it.kinds() == [], "the device itself would hold people in"

    run(work())


@pytest.mark.parametrize("kind", [LOCK_DOWN, BLOCK])
def test_an_exit_cannot_be_shut(tmp_path: Path, kind: CommandKind) -> None:
    async def work() -> None:
        async with desk(tmp_path, TwinDevice()) as it:
            refused = await it.order(kind, "ap-out")
            assert refused.outcome is CommandOutcome.REFUSED
            assert "出门必须始终畅通" in refused.text
            whole = await it.order(kind, "")
            assert whole.outcome is CommandOutcome.DONE
            assert [m.access_point for m in it.box.last.modes] == ["ap-in"], "of the whole device only the way in"
            assert (await it.show("999", "door2")).outcome is AccessOutcome.GRANTED

    run(work())


def test_a_device_with_exits_only_cannot_be_shut(tmp_path: Path) -> None:
    async def work() -> None:
        config = device_config(access_points=(OUT, AccessPointBinding("ap-3", "door3", Direction.OUT)))
        async with desk(tmp_path, TwinDevice(), config) as it:
            assert (await it.order(LOCK_DOWN, "")).outcome is CommandOutcome.REFUSED

    run(work())


@pytest.mark.parametrize("missing", ["actor", "reason"])
@pytest.mark.parametrize("kind", [LOCK_DOWN, BLOCK, LOCK_OPEN])
def test_no_mode_without_an_author_and_a_reason(tmp_path: Path, kind: CommandKind, missing: str) -> None:
    async def work() -> None:
        async with desk(tmp_path, TwinDevice()) as it:
            assert (await it.order(kind, **{missing: ""})).outcome is CommandOutcome.REFUSED
            assert it.box.last.modes == ()

    run(work())


def test_a_blocked_reader_refuses_and_a_person_can_still_open(tmp_path: Path) -> None:
    async def work() -> None:
        async with desk(tmp_path, TwinDevice()) as it:
            await it.order(BLOCK)
            assert (await it.show("7")).reason is DenyReason.BLOCKED
            assert (await it.order(OPEN)).outcome is CommandOutcome.DONE
            assert it.kinds().count(OPEN) == 1

    run(work())


@pytest.mark.parametrize(("named", "hours"), [(None, 4), (1, 1), (999, 24)])
@pytest.mark.parametrize("kind", [LOCK_DOWN, LOCK_OPEN, BLOCK])
def test_no_mode_lasts_for_ever(tmp_path: Path, kind: CommandKind, named: int | None, hours: int) -> None:
    async def work() -> None:
        async with desk(tmp_path, TwinDevice()) as it:
            until_at = T0 + timedelta(hours=named) if named else None
            done = await it.order(kind, until=until_at)
            assert done.outcome is CommandOutcome.DONE
            assert ("自动恢复" in done.text) == (hours != named), done.text
            assert it.box.last.modes[0].until == T0 + timedelta(hours=hours)
            it.box.clock.forward(hours * 3600 - 1)
            it.worker.doors.look()
            assert it.mode() is not DoorMode.LOCKED
            it.box.clock.forward(1)
            await until(lambda: it.mode() is DoorMode.LOCKED, "back to normal by itself")
            await until(lambda: not it.worker.doors.relays.latched, "and the relay is let go")
            assert (await it.changes())[-1] == (DoorMode.LOCKED, ModeCause.ENDED)
            assert (await it.show("7")).outcome is AccessOutcome.GRANTED

    run(work())


def test_the_bound_is_the_estates(tmp_path: Path) -> None:
    async def work() -> None:
        async with desk(tmp_path, TwinDevice()) as it:
            it.box.box.policy = EdgePolicy(mode_default_s=60, mode_max_s=120)
            await it.order(LOCK_DOWN)
            assert it.box.last.modes[0].until == T0 + timedelta(seconds=60)
            await it.order(LOCK_DOWN, until=T0 + timedelta(days=1))
            assert it.box.last.modes[0].until == T0 + timedelta(seconds=120)
            assert (await it.order(LOCK_DOWN, until=T0)).outcome is CommandOutcome.EXPIRED

    run(work())


def test_a_door_held_open_asks_nobody_and_takes_no_pulse(tmp_path: Path) -> None:
    async def work() -> None:
        async with desk(tmp_path, TwinDevice()) as it:
            await until(lambda: not it.worker.doors.relays.latched, "a new box has let go of every relay")
            before = len(it.kinds())
            assert (await it.order(LOCK_OPEN)).outcome is CommandOutcome.DONE
            assert it.kinds()[before:] == [LOCK_OPEN]
            stranger = await it.show("999")
            assert (stranger.outcome, stranger.reason) == (AccessOutcome.GRANTED, None)
            assert (await it.order(OPEN)).outcome is CommandOutcome.DONE
            assert it.kinds()[before:] == [LOCK_OPEN], "no pulse: its end would end the hold"
            seen = [(b.state, b.reason) for b in await it.bodies(ObservationChanged) if b.point]
            assert seen == [(ObservationState.PROPPED, "door held unlocked")], "people pass unseen"
            await it.order(RELEASE)
            assert it.kinds()[before:] == [LOCK_OPEN, RELEASE]
            assert (await it.show("999")).outcome is AccessOutcome.DENIED
            assert [b.state for b in await it.bodies(ObservationChanged) if b.point][-1] is ObservationState.OK

    run(work())


def test_a_board_that_cannot_hold_changes_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with desk(tmp_path, device) as it:
            device.answers[LOCK_OPEN] = CommandOutcome.UNSUPPORTED, "cannot hold"
            await it.order(LOCK_DOWN)
            assert (await it.order(LOCK_OPEN)).outcome is CommandOutcome.UNSUPPORTED
            assert it.mode() is DoorMode.LOCKED_DOWN, "the mode it had stays"
            assert not it.worker.doors.relays.latched

    run(work())


def test_an_uncertain_hold_is_tried_on(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with desk(tmp_path, device) as it:
            device.answers[LOCK_OPEN] = CommandOutcome.UNCERTAIN, "no answer"
            assert (await it.order(LOCK_OPEN)).outcome is CommandOutcome.UNCERTAIN
            device.answers.clear()
            sent = it.kinds().count(LOCK_OPEN)
            await until(lambda: it.worker.doors.relays.sure == {"door1"}, "held in the end")
            assert it.kinds().count(LOCK_OPEN) == sent + 1

    run(work())


@pytest.mark.parametrize("kind", [LOCK_DOWN, BLOCK, LOCK_OPEN, RELEASE])
def test_a_terminal_that_decides_itself_says_so_and_what_to_do(tmp_path: Path, kind: CommandKind) -> None:
    async def work() -> None:
        terminal = Capabilities(holds_list=True, reads_back=True, cards=True, commands=("momentary_access",))
        async with desk(tmp_path, TwinDevice(), capabilities=terminal) as it:
            result = await it.order(kind)
            assert result.outcome is CommandOutcome.UNSUPPORTED
            for part in ("终端自己判定", "到现场"):
                assert part in result.text, result.text
            assert it.box.last.modes == ()

    run(work())


@pytest.mark.parametrize(("kind", "mode"), [(LOCK_DOWN, DoorMode.LOCKED_DOWN), (LOCK_OPEN, DoorMode.LOCKED_OPEN)])
def test_a_restart_keeps_the_modes(tmp_path: Path, kind: CommandKind, mode: DoorMode) -> None:
    async def work() -> None:
        device, signer, clock = TwinDevice(), Signer(), FakeClock()
        async with desk(tmp_path, device, signer=signer, clock=clock) as it:
            await it.order(kind)
        clock.forward(3600)
        device.commands.clear()
        async with desk(tmp_path, device, signer=signer, clock=clock) as it:
            assert it.mode() is mode
            if kind is LOCK_OPEN:
                await until(lambda: LOCK_OPEN in it.kinds(), "held again")
                assert RELEASE not in it.kinds(), "and never let go in between"
            else:
                assert (await it.show("7")).reason is DenyReason.LOCKED_DOWN
            assert len(await it.changes()) == 1, "nothing changed, nothing is told twice"
        clock.forward(4 * 3600)
        device.commands.clear()
        async with desk(tmp_path, device, signer=signer, clock=clock) as it:
            await until(lambda: it.mode() is DoorMode.LOCKED, "over while the box was down")
            assert (await it.changes())[-1] == (DoorMode.LOCKED, ModeCause.ENDED)
            if kind is LOCK_OPEN:
                await until(lambda: it.kinds() == [RELEASE], "the relay that was left on is let go")

    run(work())


@pytest.mark.parametrize(("fail_mode", "let_go"), [(FailMode.FAIL_SAFE, False), (FailMode.FAIL_SECURE, True)])
def test_at_a_stop_a_fail_secure_door_does_not_stay_open_unwatched(
    tmp_path: Path, fail_mode: FailMode, let_go: bool
) -> None:
    async def work() -> None:
        device, signer, clock = TwinDevice(), Signer(), FakeClock()
        binding = AccessPointBinding("ap-in", "door1", Direction.IN, fail_mode=fail_mode)
        config = device_config(access_points=(binding,))
        async with desk(tmp_path, device, config, signer, clock) as it:
            await it.order(LOCK_OPEN)
        assert (it.kinds()[-1] is RELEASE) == let_go
        async with desk(tmp_path, device, config, signer, clock) as it:
            await until(
                lambda: it.worker.doors.relays.sure == {"door1"}, "after the start it is open again, as ordered"
            )

    run(work())


def test_a_door_that_is_taken_away_does_not_stay_open(tmp_path: Path) -> None:
    async def work() -> None:
        device, signer, clock = TwinDevice(), Signer(), FakeClock()
        async with desk(tmp_path, device, signer=signer, clock=clock) as it:
            await it.order(LOCK_OPEN)
            await it.worker.doors.leave()
            assert it.kinds()[-1] is RELEASE, "the device is no longer this box's"
            assert it.mode() is DoorMode.LOCKED
            await it.order(LOCK_OPEN)
        only_out = device_config(access_points=(OUT,))
        async with desk(tmp_path, device, only_out, signer, clock) as it:
            await until(lambda: it.kinds("door1")[-1] is RELEASE, "nor one that is no longer bound to a door")

    run(work())


@pytest.mark.parametrize("key", ["modes:d1", "latched:d1", "fire", "hub"])
def test_what_was_kept_and_cannot_be_read_stops_no_door(tmp_path: Path, key: str) -> None:
    async def work() -> None:
        device, signer = TwinDevice(), Signer()
        async with desk(tmp_path, device, signer=signer) as it:
            it.box.box.state.keep(key, '{"half')
        async with desk(tmp_path, device, signer=signer) as it:
            assert (await it.show("7")).outcome is AccessOutcome.GRANTED

    run(work())


def test_while_the_board_is_away_a_lock_down_counts_and_an_opening_is_not_promised(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with desk(tmp_path, device) as it:
            await until(lambda: not it.worker.doors.relays.latched, "nothing is held")
            device.cut()
            await until(lambda: it.worker.doors.driver is None, "away")
            assert (await it.order(LOCK_OPEN)).outcome is CommandOutcome.UNREACHABLE
            assert it.mode() is DoorMode.LOCKED, "an opening does not come an hour late"
            assert (await it.order(LOCK_DOWN)).outcome is CommandOutcome.DONE
            device.up = True
            await until(lambda: it.worker.doors.driver is not None, "back")
            assert (await it.show("7")).reason is DenyReason.LOCKED_DOWN

    run(work())


def test_door_events_say_the_mode(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with desk(tmp_path, device) as it:
            device.put(DriverEvent(DoorEvent(DoorState.OPEN, point="door1")))
            await until(lambda: it.worker.doors._seen, "seen")
            await it.order(LOCK_DOWN)
            device.put(DriverEvent(DoorEvent(DoorState.CLOSED, point="door1")))
            await until(lambda: it.worker.doors._seen["ap-in"][0] is DoorState.CLOSED, "closed")
            await until(lambda: it.box.box.journal.head >= 4, "it is all on disk")
            told = [(e.state, e.mode) for e in await it.bodies(DoorEvent)]
            assert told == [
                (DoorState.OPEN, DoorMode.LOCKED),
                (DoorState.OPEN, DoorMode.LOCKED_DOWN),
                (DoorState.CLOSED, DoorMode.LOCKED_DOWN),
            ], "a change of the mode does not make the leaf unknown"

    run(work())


# --- fire ------------------------------------------------------------------------------------------------------------
def contact(state: FireInput, text: str = "") -> DriverEvent:
    return DriverEvent(FireContact(state, text))


@pytest.mark.parametrize("before", [None, LOCK_DOWN, BLOCK, LOCK_OPEN])
def test_a_fire_opens_whatever_the_mode_says_and_gives_it_back(tmp_path: Path, before: CommandKind | None) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with desk(tmp_path, device, WITH_FIRE) as it:
            device.put(contact(FireInput.QUIET))
            if before:
                await it.order(before)
            mode = it.mode()
            device.commands.clear()
            device.put(contact(FireInput.FIRE))
            await until(
                lambda: it.worker.doors.relays.sure == {"door1", "door2"}, "all doors of the board are held open"
            )
            assert it.mode() is DoorMode.LOCKED_OPEN
            assert it.box.last.fire is FireInput.FIRE
            assert (await it.show("999")).outcome is AccessOutcome.GRANTED
            for kind in (LOCK_DOWN, BLOCK, RELEASE):
                refused = await it.order(kind)
                assert refused.outcome is CommandOutcome.REFUSED, f"{kind} closes a door in a fire"
                assert "消防" in refused.text
            assert RELEASE not in it.kinds()
            device.put(contact(FireInput.UNKNOWN, "no answer"))
            await until(lambda: it.box.last.fire is FireInput.UNKNOWN, "unreadable")
            assert it.mode() is DoorMode.LOCKED_OPEN, "silence in a fire is no all-clear"
            device.put(contact(FireInput.QUIET))
            await until(lambda: it.mode() is mode, "the mode it had before")
            if mode is DoorMode.LOCKED_OPEN:
                await until(lambda: it.kinds("door2")[-1] is RELEASE, "the other door is let go")
                assert RELEASE not in it.kinds(), "the one that a person holds open stays open"
            else:
                await until(lambda: it.kinds()[-1] is RELEASE, "let go")
            notes = [n.what for n in await it.bodies(EdgeNote)]
            assert notes == ["fire", "fire_unknown", "fire_over"]
            assert (DoorMode.LOCKED_OPEN, ModeCause.FIRE) in await it.changes()
            assert (await it.changes())[-1][0] is mode

    run(work())


def test_a_fire_outlives_a_restart_until_its_contact_says_that_it_is_over(tmp_path: Path) -> None:
    async def work() -> None:
        device, signer, clock = TwinDevice(), Signer(), FakeClock()
        async with desk(tmp_path, device, WITH_FIRE, signer, clock) as it:
            device.put(contact(FireInput.FIRE))
            await until(lambda: it.worker.doors.relays.sure == {"door1", "door2"}, "held open")
            await until(lambda: it.box.box.state.kept("fire"), "kept")
        assert RELEASE not in it.kinds()[1:], "a stop in a fire closes nothing"
        device.commands.clear()
        async with desk(tmp_path, device, WITH_FIRE, signer, clock) as it:
            await until(lambda: it.worker.doors.relays.sure == {"door1", "door2"}, "held open from the start")
            assert it.box.last.fire is FireInput.UNKNOWN, "nobody has read the contact yet"
            assert RELEASE not in it.kinds()
            device.put(contact(FireInput.QUIET))
            await until(lambda: it.kinds()[-1] is RELEASE, "over")
            notes = [n.what for n in await it.bodies(EdgeNote)]
            assert notes == ["fire", "fire_over"]

    run(work())


def test_a_board_that_falls_silent_has_an_unknown_contact(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with desk(tmp_path, device, WITH_FIRE) as it:
            device.put(contact(FireInput.QUIET))
            await until(lambda: it.box.last.fire is FireInput.QUIET, "quiet")
            device.cut()
            await until(lambda: it.box.last.fire is FireInput.UNKNOWN, "unknown, not quiet")
            assert it.mode() is DoorMode.LOCKED, "and no fire either"
            assert [n.what for n in await it.bodies(EdgeNote)] == ["fire_unknown"], "told once"

    run(work())


@pytest.mark.parametrize(("scope", "opens"), [("board", False), ("edge", True)])
def test_a_fire_opens_the_doors_of_its_board_or_of_the_whole_edge(tmp_path: Path, scope: str, opens: bool) -> None:
    """The other device is a terminal: it cannot hold a door, so it is asked to open again and again."""

    async def work() -> None:
        device, other = TwinDevice(), TwinDevice()
        config = device_config(access_points=(IN,), config={"fire_input": 3, "fire_scope": scope})
        terminal = device_config("d2", access_points=(AccessPointBinding("ap-2", "1", Direction.IN),))
        async with desk(tmp_path, device, config) as it:
            await it.box.box.lists.load("d2")
            able = Capabilities(holds_list=True, reads_back=True, commands=("momentary_access",))
            worker = Worker(terminal, definition(other, able), it.box.box, upkeep_s=0.02)
            task = asyncio.create_task(worker.run())
            await until(lambda: worker.doors.driver is not None, "the terminal is there")
            device.put(contact(FireInput.FIRE))
            await until(lambda: it.worker.doors.relays.sure == {"door1"}, "its own door")
            if opens:
                await until(lambda: other.commands, "the terminal is asked to open")
                assert worker.doors.report()[0].cause is ModeCause.FIRE
            else:
                assert worker.doors.report() == ()
                assert other.commands == []
            device.put(contact(FireInput.QUIET))
            await until(lambda: worker.doors.report() == (), "over")
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    run(work())


# --- passes with a count ---------------------------------------------------------------------------------------------
def visitor(uses: int) -> Any:
    return credential("v", "5", holder_class=HolderClass.VISITOR, uses=uses)


async def publish(it: Desk, generation: int, uses: int) -> None:
    wanted = access_list(generation, visitor(uses), points=("ap-in", "ap-out"))
    it.box.signer.serve(wanted)
    it.box.box.lists.ring(ListDoorbell("d1", generation, it.box.signer.etags["d1"]))
    await until(lambda: it.box.box.lists.current("d1").access_list.generation == generation, "the list")


def test_a_pass_is_counted_across_restarts_and_works_again_when_renewed(tmp_path: Path) -> None:
    async def work() -> None:
        device, signer, clock = TwinDevice(), Signer(), FakeClock()
        async with desk(tmp_path, device, signer=signer, clock=clock) as it:
            await publish(it, 2, 2)
            first = await it.show("5")
            assert (first.outcome, first.text) == (AccessOutcome.GRANTED, "第 1 次，共 2 次")
            assert (await it.show("5", "door2")).outcome is AccessOutcome.GRANTED, "going out costs nothing"
        async with desk(tmp_path, device, signer=signer, clock=clock) as it:
            await publish(it, 3, 2)
            assert (await it.show("5")).text == "第 2 次，共 2 次", "counted on, across the restart"
            refused = await it.show("5")
            assert (refused.outcome, refused.reason, refused.credential) == (
                AccessOutcome.DENIED, DenyReason.USED_UP, "v",
            )  # fmt: skip
            assert (await it.show("5", "door2")).outcome is AccessOutcome.GRANTED, "and nobody is held in"
            await publish(it, 4, 5)
            assert (await it.show("5")).text == "第 3 次，共 5 次"

    run(work())


def test_two_readers_at_once_do_not_share_the_last_use(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with desk(tmp_path, device) as it:
            await publish(it, 2, 1)
            gate = asyncio.Event()

            async def slow(_request: object) -> None:
                await gate.wait()

            device.before_answer = slow
            for _ in range(5):
                device.put(shown_event("5"))
            await until(lambda: OPEN in it.kinds(), "the first is being let in")
            gate.set()
            for _ in range(2_000):
                found = await it.bodies(AccessEvent)
                if len(found) == 5:
                    break
                await asyncio.sleep(0.002)
            assert sorted(e.outcome.value for e in found) == ["denied"] * 4 + ["granted"]
            assert it.kinds().count(OPEN) == 1

    run(work())


@pytest.mark.parametrize(
    ("outcome", "left"),
    [(CommandOutcome.REFUSED, True), (CommandOutcome.UNREACHABLE, True), (CommandOutcome.UNCERTAIN, False)],
)
def test_a_door_that_did_not_open_costs_no_use(tmp_path: Path, outcome: CommandOutcome, left: bool) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with desk(tmp_path, device) as it:
            await publish(it, 2, 1)
            device.answers[OPEN] = outcome, "by the twin"
            assert "by the twin" in (await it.show("5")).text
            device.answers.clear()
            assert ((await it.show("5")).outcome is AccessOutcome.GRANTED) == left

    run(work())
