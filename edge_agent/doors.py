"""The doors of one device: the mode each access point is in, who may pass it, and what its relays must hold.

Modes are people's commands or a fire contact's doing. They are kept on disk, end by themselves, and are told to the hub with
each change.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

import msgspec

from device_drivers.contract import pin
from device_drivers.contract.access import Identifier
from device_drivers.contract.device import AccessPointBinding, Capabilities, DeviceConfig
from device_drivers.contract.events import DoorEvent, EdgeNote
from device_drivers.contract.messages import PointMode
from device_drivers.contract.words import (
    CommandKind,
    CommandOutcome,
    DenyReason,
    Direction,
    DoorAlarm,
    DoorMode,
    DoorState,
    FailMode,
    FireInput,
    IdentifierType,
    ModeCause,
)
from device_drivers.driver import Driver
from edge_agent import modes
from edge_agent.box import Box, read_kept
from edge_agent.clock import wait_event
from edge_agent.decide import Decision, decide
from edge_agent.relays import SHUT, SHUTS, Answer, Relays

log = logging.getLogger(__name__)
RETRY_S = 1.0  # a relay that should be held and is not
FIRE_PULSE_S = 3.0  # a fire's pulses where a relay cannot be held
LOOK_S = 5.0
SURE = (CommandOutcome.DONE, CommandOutcome.UNCERTAIN)


class Doors:
    """`changed` is called when what `report` says has changed; `unlocked(point, on)` when people may pass unseen, or no more."""

    def __init__(
        self,
        config: DeviceConfig,
        capabilities: Capabilities,
        box: Box,
        changed: Callable[[], None] = lambda: None,
        unlocked: Callable[[str, bool], None] = lambda _point, _on: None,
    ) -> None:
        self.config, self.capabilities, self.box = config, capabilities, box
        self.changed, self.unlocked = changed, unlocked
        self.device = config.device
        self.points = {b.access_point: b for b in config.access_points}
        self.driver: Driver | None = None
        self.relays = Relays(self.device, box)
        self._kept: dict[str, PointMode] = {}
        self._told: dict[str, PointMode | None] = {}
        self._seen: dict[str, tuple[DoorState, DoorAlarm]] = {}
        self._unknown = False  # the contact was told to be unreadable
        self._wake = asyncio.Event()
        self._acting = asyncio.Lock()

    # --- what is in force ------------------------------------------------------------------------------------------
    @property
    def holds_open(self) -> bool:
        return CommandKind.LOCK_OPEN in self.capabilities.commands

    def held(self, access_point: str) -> PointMode | None:
        fire = self.box.fire.since(self.device)
        return modes.in_force(access_point, self._kept.get(access_point), fire, self.box.clock.now())

    def report(self) -> tuple[PointMode, ...]:
        return tuple(held for point in sorted(self.points) if (held := self.held(point)))

    def decide(
        self, binding: AccessPointBinding | None, presented: Identifier, otherwise: Identifier | None = None
    ) -> tuple[Decision, IdentifierType]:
        """By the list this box holds for the device, and the mode of the access point; and as what the thing shown counted.

        `otherwise`: what it is where nobody has it as `presented`.
        """
        decision = self._decide(binding, presented)
        if otherwise is None or not decision.of_nobody:
            return decision, presented.type
        second = self._decide(binding, otherwise, presented)
        known = second.credential or second.reason is DenyReason.TOO_MANY_TRIES
        return (second, otherwise.type) if known else (decision, presented.type)

    def _decide(
        self, binding: AccessPointBinding | None, presented: Identifier, card: Identifier | None = None
    ) -> Decision:
        """PINs wait where somebody guessed at this reader; nothing else does. A number that can be no PIN is no guess.
        `card`: what it is if nobody typed it; one that opens another door here is no guess either."""
        now, reader = self.box.clock.now(), f"{self.device}/{binding.point if binding else ''}"
        if presented.type is not IdentifierType.PIN or not pin.could_be(presented.value):
            return self._listed(binding, presented, now)
        if self.box.tries.paused_until(reader, now):
            nobody = self._listed(binding, Identifier(IdentifierType.PIN, ""), now)
            return nobody if nobody.granted else replace(nobody, reason=DenyReason.TOO_MANY_TRIES)
        decision = self._listed(binding, presented, now)
        if decision.credential:
            self.box.tries.right(reader)
        elif decision.of_nobody and not (card and self.box.lists.knows(card)):
            self.box.tries.wrong(reader, now, presented.value, mixed=card is not None)
        return decision

    def _listed(self, binding: AccessPointBinding | None, presented: Identifier, now: datetime) -> Decision:
        held = self.box.lists.current(self.device)
        trusted = self.box.clock.trusted
        point = binding.access_point if binding else ""
        key = held.access_list.id_card_key if held else None
        shown = self.box.codes.read(presented, point, key or "", now, clock_trusted=trusted)
        decision = decide(
            held.index if held else None,
            point,
            shown.identifier,
            now,
            clock_trusted=trusted,
            direction=binding.direction if binding else Direction.UNKNOWN,
            mode=modes.mode_of(self.held(point)),
            used=self.box.uses.counts,
        )
        return self.box.codes.judge(shown, decision, now)

    def seen(self, event: DoorEvent) -> DoorEvent:
        """Remember the state; an event that tells no mode gets the one we gave the door."""
        if event.access_point not in self.points:
            return event
        self._seen[event.access_point] = event.state, event.alarm
        if event.mode is not DoorMode.UNKNOWN or self.capabilities.holds_list:
            return event
        return msgspec.structs.replace(event, mode=modes.mode_of(self.held(event.access_point)))

    # --- life ------------------------------------------------------------------------------------------------------
    async def load(self) -> None:
        """What was in force when this box went down is in force again."""
        kept = await asyncio.to_thread(self.box.state.kept, f"modes:{self.device}")
        for mode in read_kept(kept, tuple[PointMode, ...], ()):
            self._kept[mode.access_point] = self._told[mode.access_point] = mode
        await self.relays.load({b.point for b in self.points.values()})
        now = self.box.clock.now()
        if self.has_contact:  # what it says now nobody has read yet
            self.box.fire.tell(self.device, FireInput.UNKNOWN, now, everywhere=self._everywhere)
        else:
            await self.fire(FireInput.NONE, "", now)
        if fire := self.box.fire.since(self.device):
            self._told |= {point: modes.in_force(point, None, fire, now) for point in self.points}
        for point, told in self._told.items():
            if point in self.points and modes.mode_of(told) is DoorMode.LOCKED_OPEN:
                self.unlocked(self.points[point].point, True)
        self.box.fire.listeners[self.device] = self.look
        self.look()

    def unload(self) -> None:
        self.box.fire.listeners.pop(self.device, None)

    def look(self) -> None:
        """Has a mode begun or ended? Cheap, never waits: called at every fire, command and tick."""
        moved = False
        for point, binding in self.points.items():
            held, before = self.held(point), self._told.get(point)
            if held == before:
                continue
            moved = True
            self._told[point] = held
            self._tell(binding, held, before)
            open_now, open_before = (modes.mode_of(h) is DoorMode.LOCKED_OPEN for h in (held, before))
            if open_now != open_before:
                self.unlocked(binding.point, open_now)
        if moved:
            self._wake.set()
            self.changed()

    def _tell(self, binding: AccessPointBinding, held: PointMode | None, before: PointMode | None) -> None:
        text = modes.said(held, before)
        log.warning("door %s of %s: %s", binding.access_point, self.device, text)
        ended = ModeCause.FIRE if before and before.cause is ModeCause.FIRE else ModeCause.COMMAND
        kept = self._kept.get(binding.access_point)
        if held is None and kept is not None and kept == before:
            ended = ModeCause.ENDED
        state, alarm = self._seen.get(binding.access_point, (DoorState.UNKNOWN, DoorAlarm.NORMAL))
        body = DoorEvent(
            state,
            alarm,
            modes.mode_of(held),
            binding.point,
            binding.access_point,
            text=text,
            mode_cause=held.cause if held else ended,
            mode_until=held.until if held else None,
        )
        self.box.record(self.device, body)

    # --- the relay -------------------------------------------------------------------------------------------------
    async def keep(self, driver: Driver) -> None:
        """While connected: hold open what must be open, let go what must not. Until cancelled."""
        self.driver = driver
        self.relays.connected()
        try:
            while True:
                self._wake.clear()
                async with self._acting:
                    due_s = await self._act(driver)
                await wait_event(self._wake, due_s)
        finally:
            self.driver = None

    async def _act(self, driver: Driver) -> float:
        """Seconds until the doors must be looked at again."""
        due_s = LOOK_S
        for point in self.relays.latched - {b.point for b in self.points.values()}:  # no longer anybody's door
            if (await self.relays.let_go(driver, point))[0] is not CommandOutcome.DONE:
                due_s = RETRY_S
        if self.capabilities.locks_down and not await self._keep_shut(driver):
            due_s = RETRY_S
        for binding in self.points.values():
            open_now = modes.mode_of(self.held(binding.access_point)) is DoorMode.LOCKED_OPEN
            done = CommandOutcome.DONE
            if self.holds_open and open_now and binding.point not in self.relays.sure:
                done = (await self.relays.hold(driver, binding.point))[0]
            elif self.holds_open and not open_now and binding.point in self.relays.latched:
                done = (await self.relays.let_go(driver, binding.point))[0]
            elif open_now and not self.holds_open and CommandKind.MOMENTARY_ACCESS in self.capabilities.commands:
                await self.relays.order(driver, CommandKind.MOMENTARY_ACCESS, binding.point)  # as near as it can come
                due_s = min(due_s, FIRE_PULSE_S)
            if done is not CommandOutcome.DONE:
                due_s = min(due_s, RETRY_S)
        return due_s

    async def _keep_shut(self, driver: Driver) -> bool:
        """Lock down what must be, release what must not: before anything is opened. False where the device did not say yes."""
        done = True
        for point in self.relays.shut - {b.point for b in self.points.values()}:
            done &= await self.relays.release_shut(driver, point) is CommandOutcome.DONE
        for binding in self.points.values():
            mode = modes.mode_of(self.held(binding.access_point))
            if self._leads_out(binding):  # the device itself would hold people in
                continue
            if mode in SHUT and self.relays.shut_sure.get(binding.point) is not mode:
                done &= (await self.relays.shut_now(driver, binding.point, mode))[0] is CommandOutcome.DONE
            elif mode not in SHUT and binding.point in self.relays.shut:
                done &= await self.relays.release_shut(driver, binding.point) is CommandOutcome.DONE
        return done

    def _leads_out(self, binding: AccessPointBinding) -> bool:
        """Somebody gets out through the very door of the device."""
        return any(b.direction is Direction.OUT and b.point == binding.point for b in self.points.values())

    async def pulse(self, driver: Driver, point: str, text: str = "") -> Answer:
        """One opening, never two. A door that is held open needs none: a timed pulse would end the hold."""
        binding = next((b for b in self.points.values() if b.point == point), None)
        open_now = binding and modes.mode_of(self.held(binding.access_point)) is DoorMode.LOCKED_OPEN
        if open_now and point in self.relays.sure:
            return CommandOutcome.DONE, "门已处于常开状态"
        return await self.relays.order(driver, CommandKind.MOMENTARY_ACCESS, point, text)

    async def stop(self) -> None:
        """This box goes down. A fail-secure door that a person had held open does not stay open unwatched.

        A fail-safe door stays as it is, and so does every door while a fire stands.
        """
        driver = self.driver
        if driver is None or self.box.fire.since(self.device) is not None:
            return
        async with self._acting:
            for binding in self.points.values():
                if binding.fail_mode is FailMode.FAIL_SECURE and binding.point in self.relays.latched:
                    await self.relays.let_go(driver, binding.point)

    async def leave(self) -> None:
        """The device is taken away from this box: nothing stays as a person once ordered it, and no relay stays on."""
        self._kept.clear()
        await self._keep_modes()
        self.look()
        if self.driver is not None and self.box.fire.since(self.device) is None:
            async with self._acting:
                for point in tuple(self.relays.latched):
                    await self.relays.let_go(self.driver, point)
                for point in tuple(self.relays.shut):
                    await self.relays.release_shut(self.driver, point)

    # --- commands --------------------------------------------------------------------------------------------------
    async def command(self, kind: CommandKind, points: Sequence[AccessPointBinding], order: PointMode) -> Answer:
        """Set or release modes. `order` carries author, reason, command and end; its access point and mode are filled in."""
        if kind is not CommandKind.RELEASE and not (order.actor and order.reason):
            return CommandOutcome.REFUSED, "缺少操作人或原因：封锁、停用、常开必须说明由谁、因为什么"
        answers: list[Answer] = []
        async with self._acting:
            for binding in points:
                why = modes.refusal(kind, binding, self.held(binding.access_point))
                if why:
                    if len(points) == 1 or "消防" in why:
                        answers.append((CommandOutcome.REFUSED, why))
                    continue
                answers.append(await self._set(kind, binding, order))
        if not answers:
            return CommandOutcome.REFUSED, "该设备只控制出口，出门必须始终畅通，不能封锁或停用"
        return _worst(answers)

    async def _set(self, kind: CommandKind, binding: AccessPointBinding, order: PointMode) -> Answer:
        """Shut at once, at the decision; open only once the board took it."""
        point, before = binding.access_point, self._kept.get(binding.access_point)
        if kind is not CommandKind.LOCK_OPEN:
            self._put(kind, point, order)
        answer = await self._apply(kind, binding, self.driver)
        if answer[0] not in SURE:
            self._kept.pop(point, None)
            self._kept |= {point: before} if before else {}
            self.look()
            return answer
        self._put(kind, point, order)
        trouble = await self._keep_modes()
        self.look()
        return answer[0], answer[1] + trouble

    def _put(self, kind: CommandKind, point: str, order: PointMode) -> None:
        if kind in modes.SETS:
            self._kept[point] = msgspec.structs.replace(order, access_point=point, mode=modes.SETS[kind])
        else:
            self._kept.pop(point, None)

    async def _apply(self, kind: CommandKind, binding: AccessPointBinding, driver: Driver | None) -> Answer:
        if self.box.fire.since(self.device) is not None:
            return CommandOutcome.DONE, "消防联动中，门已开放；火警解除后执行"
        if kind is CommandKind.LOCK_OPEN:
            if driver is None:
                return CommandOutcome.UNREACHABLE, "设备离线，未执行"
            return await self.relays.hold(driver, binding.point)
        if self.capabilities.locks_down and kind in SHUTS:
            if self._leads_out(binding):
                return CommandOutcome.DONE, "同一扇门也是出口：设备本身不封锁（出门必须畅通），由边缘机拒绝进入"
            if driver is None:
                return CommandOutcome.UNCERTAIN, "设备离线：连接恢复后立即下发；在此之前设备自己的名单仍可能放行"
            return await self.relays.shut_now(driver, binding.point, modes.SETS[kind])
        if kind is CommandKind.RELEASE and binding.point in self.relays.shut:
            if driver is None:
                return CommandOutcome.UNCERTAIN, "设备离线：连接恢复后立即解除"
            outcome = await self.relays.release_shut(driver, binding.point)
            return outcome, "" if outcome is CommandOutcome.DONE else "设备没有确认解除，将继续重试"
        if binding.point not in self.relays.latched:
            return CommandOutcome.DONE, ""  # the edge decides: nobody has to be asked
        if driver is None:
            return CommandOutcome.UNREACHABLE, "设备离线，门仍常开，未执行"
        return await self.relays.let_go(driver, binding.point)

    async def _keep_modes(self) -> str:
        now = self.box.clock.now()
        kept = tuple(m for m in self._kept.values() if m.until is None or m.until > now)
        return await self.relays.keep(f"modes:{self.device}", msgspec.json.encode(kept).decode())

    # --- fire ------------------------------------------------------------------------------------------------------
    @property
    def has_contact(self) -> bool:
        return bool(self.config.config.get("fire_input"))

    @property
    def _everywhere(self) -> bool:
        return self.config.config.get("fire_scope") == "edge"

    async def lost(self, text: str) -> None:
        """The device is away: what its contact would say is not known."""
        if self.has_contact:
            await self.fire(FireInput.UNKNOWN, text, self.box.clock.now())

    async def fire(self, state: FireInput, text: str, now: datetime) -> None:
        """The board's contact was read. Doors first, then the journal, then the disk."""
        before, after = self.box.fire.tell(self.device, state, now, everywhere=self._everywhere)
        unknown = state is FireInput.UNKNOWN
        if unknown and not self._unknown:
            said = f"消防联动输入无法读取，状态未知（不等于没有火警）：{text}"
            self.box.record(self.device, EdgeNote("fire_unknown", said))
        self._unknown = unknown
        if before == after:
            return
        whose = "本边缘机所有的门" if self._everywhere else "本板的门"
        if after.since and not before.since:
            self.box.record(self.device, EdgeNote("fire", f"消防联动输入动作（{text}），{whose}已开放并保持"))
        elif before.since and not after.since:
            self.box.record(self.device, EdgeNote("fire_over", f"消防联动输入恢复，{whose}恢复原来的状态"))
        self.changed()
        await self.relays.keep("fire", self.box.fire.dump())


def _worst(answers: Sequence[Answer]) -> Answer:
    """One answer for several doors: the first that did not go well, else done."""
    bad = [answer for answer in answers if answer[0] is not CommandOutcome.DONE]
    return bad[0] if bad else (CommandOutcome.DONE, "；".join(dict.fromkeys(text for _, text in answers if text)))
