"""Commands of people: checked for expiry, done once, answered always, never repeated."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import timedelta

import msgspec

from device_drivers.contract.messages import Command, CommandResult, PointMode
from device_drivers.contract.words import CommandKind, CommandOutcome, DoorMode
from edge_agent.box import Box
from edge_agent.modes import MODE_KINDS, SETS, end_of
from edge_agent.worker import Worker

log = logging.getLogger(__name__)
EMERGENCY_WINDOW_S = 120.0  # a command from further ahead of our clock than this was not issued now

SAY_AGAIN = timedelta(minutes=10)  # an answer this young may have died with the box before the hub had it
TOLD = "told"  # what an older release kept of an answer
TIMED = MODE_KINDS | {CommandKind.MOMENTARY_ACCESS}

INTERRUPTED = "边缘机在执行这条命令时重启，是否已执行无法确认；不会重做，请核对现场后重新下达"
CLOCK_UNSURE = (
    "边缘机的时间不可信（重启后尚未对时），不能判断命令是否过期，未执行。"
    "请先让边缘机对时；急需开门请在边缘机上执行 estate-edge open"
)
SNAPSHOTS_OFF = "本小区未启用抓拍。系统管理员可在“设置 → 通行抓拍”中启用（须先完成个人信息保护影响评估并张贴提示）。"
NAMES = {
    CommandKind.MOMENTARY_ACCESS: "开门一次",
    CommandKind.LOCK_DOWN: "封锁",
    CommandKind.LOCK_OPEN: "常开",
    CommandKind.BLOCK: "停用",
    CommandKind.RELEASE: "恢复正常",
    CommandKind.READ_BACK: "回读名单",
    CommandKind.SNAPSHOT: "抓拍一张",
}


def unsupported(worker: Worker, kind: CommandKind) -> str:
    """What the device cannot do, what it can, and what to do instead."""
    if kind.is_other:
        return f"边缘机的版本不认识命令 {kind}，请升级边缘机。"
    can = "、".join(NAMES.get(CommandKind(c), c) for c in worker.capabilities.commands)
    text = f"设备类型 {worker.config.kind} 不支持“{NAMES[kind]}”（{kind}）；"
    text += f"支持的命令：{can}。" if can else "它不接受开门类命令。"
    if kind in MODE_KINDS and worker.capabilities.holds_list:
        text += (
            "门未改变。这台终端自己判定放行，边缘机不能替它封锁或常开：请到现场在终端上操作，或停用门禁电源并派人值守。"
        )
    elif kind in MODE_KINDS and CommandKind.MOMENTARY_ACCESS in worker.capabilities.commands:
        text += "门未改变；需要长时间锁闭或常开，请到现场操作门控器。"
    return text


class Commands:
    def __init__(
        self,
        box: Box,
        worker: Callable[[str], Worker | None],
        take_picture: Callable[[Worker, str], Awaitable[tuple[CommandOutcome, str]]],
        answer: Callable[[CommandResult], None],
    ) -> None:
        self.box, self.worker, self.take_picture, self.answer = box, worker, take_picture, answer
        self._in_hand: set[str] = set()

    async def interrupted(self) -> None:
        """At start: what was in hand when the box went down is answered, and what was just answered is said again."""
        now = self.box.clock.now()
        for command, kept in await asyncio.to_thread(self.box.state.last_commands):
            if not kept:
                await self._settle(CommandResult(command, CommandOutcome.UNCERTAIN, now, INTERRUPTED))
            elif (said := decode_result(kept)) and now - said.at < SAY_AGAIN:
                self.answer(said)

    async def handle(self, command: Command) -> CommandResult | None:
        """The effect comes once. A command that comes again gets the same answer; None while it is still in hand."""
        if command.id in self._in_hand:
            return None
        self._in_hand.add(command.id)
        try:
            return await self._once(command)
        finally:
            self._in_hand.discard(command.id)

    async def _once(self, command: Command) -> CommandResult | None:
        state = self.box.state
        try:
            first = await asyncio.to_thread(state.first_sight, command.id)
            kept = "" if first else await asyncio.to_thread(state.command_result, command.id)
        except sqlite3.Error as error:
            # Without memory "once" cannot be promised: refuse rather than pulse a door twice.
            return self._say(command.id, CommandOutcome.REFUSED, f"命令无法登记，未执行：{error}")
        if first:
            return await self._settle(self._result(command.id, *await self._checked(command)))
        log.warning("command %s came again and is not done again", command.id)
        if not kept:
            return await self._settle(self._result(command.id, CommandOutcome.UNCERTAIN, INTERRUPTED))
        said = decode_result(kept)
        if said:
            self.answer(said)
        return said

    async def _checked(self, command: Command) -> tuple[CommandOutcome, str]:
        now = self.box.clock.now()
        log.info(
            "command %s: %s on %s %s by %s because %s",
            command.id,
            command.kind,
            command.device,
            command.access_point,
            command.actor or "?",
            command.reason or "?",
        )
        if any(at is not None and at.tzinfo is None for at in (command.issued_at, command.expires_at, command.until)):
            return CommandOutcome.REFUSED, "命令的时间没有时区，不能判断是否过期，未执行"
        if now >= command.expires_at:
            late = (now - command.expires_at).total_seconds()
            return CommandOutcome.EXPIRED, f"命令到达时已过期 {late:.0f} 秒，未执行"
        if command.kind in TIMED and not self.box.clock.trusted:
            return CommandOutcome.REFUSED, CLOCK_UNSURE
        if (command.issued_at - now).total_seconds() > EMERGENCY_WINDOW_S:
            return CommandOutcome.REFUSED, "命令时间晚于边缘机时钟：请检查边缘机的时间"
        if command.until is not None and command.until <= now:
            return CommandOutcome.EXPIRED, "命令给出的结束时间已过，未执行"
        return await self._do(command)

    async def _do(self, command: Command) -> tuple[CommandOutcome, str]:
        worker, kind = self.worker(command.device), command.kind
        if worker is None:
            return CommandOutcome.REFUSED, f"本边缘机没有设备 {command.device}"
        if kind is CommandKind.SNAPSHOT:
            if not self.box.policy.snapshots:
                return CommandOutcome.REFUSED, SNAPSHOTS_OFF
            return await self.take_picture(worker, command.access_point)
        if kind is not CommandKind.READ_BACK and kind not in worker.capabilities.commands:
            return CommandOutcome.UNSUPPORTED, unsupported(worker, kind)
        if kind not in MODE_KINDS:
            return await worker.command(kind, command.access_point, command.reason)
        return await self._set_mode(worker, command)

    async def _set_mode(self, worker: Worker, command: Command) -> tuple[CommandOutcome, str]:
        now = self.box.clock.now()
        until = end_of(command.until, now, self.box.policy) if command.kind in SETS else None
        mode = SETS.get(command.kind, DoorMode.LOCKED)
        order = PointMode(
            command.access_point, mode, now, until, command=command.id, actor=command.actor, reason=command.reason
        )
        outcome, text = await worker.command(command.kind, command.access_point, command.reason, order)
        if until and outcome is CommandOutcome.DONE and until != command.until:
            hours = (until - now).total_seconds() / 3600
            why = "命令未给出结束时间" if command.until is None else "超过允许的最长时间"
            text = "；".join(filter(None, (text, f"{why}，{hours:g} 小时后自动恢复正常")))
        return outcome, text

    def _result(self, command: str, outcome: CommandOutcome, text: str) -> CommandResult:
        return CommandResult(command, outcome, self.box.clock.now(), text[:500])

    async def _settle(self, result: CommandResult) -> CommandResult:
        """Kept before it is said: a box that dies in between says it at its next start."""
        try:
            await asyncio.to_thread(self.box.state.settle_command, result.command, msgspec.json.encode(result).decode())
        except sqlite3.Error as error:
            log.error("result of command %s not kept: %s", result.command, error)
        log.info("command %s: %s %s", result.command, result.outcome, result.text)
        self.answer(result)
        return result

    def _say(self, command: str, outcome: CommandOutcome, text: str) -> CommandResult:
        result = self._result(command, outcome, text)
        log.info("command %s: %s %s", command, outcome, text)
        self.answer(result)
        return result


def decode_result(kept: str) -> CommandResult | None:
    """None: that it was answered is known, and no more."""
    try:
        return None if kept == TOLD else msgspec.json.decode(kept, type=CommandResult)
    except ValueError as error:
        log.error("what was answered to a command is not readable: %s", error)
        return None
