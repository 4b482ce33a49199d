"""Commands of people: checked for expiry, done once, answered always, never repeated."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable

from device_drivers.contract.messages import Command, CommandResult
from device_drivers.contract.words import CommandKind, CommandOutcome
from edge_agent.box import Box
from edge_agent.worker import Worker

log = logging.getLogger(__name__)
EMERGENCY_WINDOW_S = 120.0  # a command from further ahead of our clock than this was not issued now

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
HELD_DOOR = frozenset({CommandKind.LOCK_DOWN, CommandKind.LOCK_OPEN, CommandKind.BLOCK, CommandKind.RELEASE})


def unsupported(worker: Worker, kind: CommandKind) -> str:
    """What the device cannot do, what it can, and what to do instead."""
    if kind.is_other:
        return f"边缘机的版本不认识命令 {kind}，请升级边缘机。"
    can = "、".join(NAMES.get(CommandKind(c), c) for c in worker.capabilities.commands)
    text = f"设备类型 {worker.config.kind} 不支持“{NAMES[kind]}”（{kind}）；"
    text += f"支持的命令：{can}。" if can else "它不接受开门类命令。"
    if kind in HELD_DOOR and CommandKind.MOMENTARY_ACCESS in worker.capabilities.commands:
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

    async def handle(self, command: Command) -> CommandResult | None:
        """None for a command already seen: its answer was given. The outcome is also handed to `answer`."""
        try:
            first = await asyncio.to_thread(self.box.state.first_sight, command.id)
        except sqlite3.Error as error:
            # Without memory "once" cannot be promised: refuse rather than pulse a door twice.
            return self._answer(command, CommandOutcome.REFUSED, f"命令无法登记，未执行：{error}")
        if not first:
            log.warning("command %s came again and is ignored", command.id)
            return None
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
        if now >= command.expires_at:
            late = (now - command.expires_at).total_seconds()
            return self._answer(command, CommandOutcome.EXPIRED, f"命令到达时已过期 {late:.0f} 秒，未执行")
        if (command.issued_at - now).total_seconds() > EMERGENCY_WINDOW_S:
            return self._answer(command, CommandOutcome.REFUSED, "命令时间晚于边缘机时钟：请检查边缘机的时间")
        return self._answer(command, *await self._do(command))

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
        return await worker.command(kind, command.access_point, command.reason)

    def _answer(self, command: Command, outcome: CommandOutcome, text: str) -> CommandResult:
        result = CommandResult(command.id, outcome, self.box.clock.now(), text[:500])
        log.info("command %s: %s %s", command.id, outcome, text)
        self.answer(result)
        return result
