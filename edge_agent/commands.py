"""Commands of people: checked for expiry, done once, answered always, never repeated."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable

from device_drivers.contract.messages import Command, CommandResult
from device_drivers.contract.words import CommandKind, CommandOutcome
from edge_agent.box import Box
from edge_agent.worker import Worker

log = logging.getLogger(__name__)
EMERGENCY_WINDOW_S = 120.0  # a command from further ahead of our clock than this was not issued now


class Commands:
    def __init__(
        self,
        box: Box,
        worker: Callable[[str], Worker | None],
        take_picture: Callable[[Worker, str], asyncio.Future[None] | None],
        answer: Callable[[CommandResult], None],
    ) -> None:
        self.box, self.worker, self.take_picture, self.answer = box, worker, take_picture, answer

    async def handle(self, command: Command) -> CommandResult | None:
        """None for a command already seen: its answer was given. The outcome is also handed to `answer`."""
        try:
            first = await asyncio.to_thread(self.box.state.first_sight, command.id)
        except sqlite3.Error as error:
            # Without memory "once" cannot be promised: refuse rather than pulse a door twice.
            return self._answer(command, CommandOutcome.REFUSED, f"command cannot be recorded: {error}")
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
            return self._answer(command, CommandOutcome.EXPIRED, f"came {late:.0f} s after it expired")
        if (command.issued_at - now).total_seconds() > EMERGENCY_WINDOW_S:
            return self._answer(command, CommandOutcome.REFUSED, "issued in the future: this box's clock is behind")
        return self._answer(command, *await self._do(command))

    async def _do(self, command: Command) -> tuple[CommandOutcome, str]:
        worker = self.worker(command.device)
        if worker is None:
            return CommandOutcome.REFUSED, f"no device {command.device} at this edge"
        if command.kind.is_other:
            return CommandOutcome.UNSUPPORTED, f"this release does not know {command.kind}"
        if command.kind is CommandKind.SNAPSHOT:
            return self._picture(worker, command)
        known = worker.capabilities.commands
        if command.kind is not CommandKind.READ_BACK and known and command.kind not in known:
            return CommandOutcome.UNSUPPORTED, f"{worker.config.kind} cannot {command.kind}"
        return await worker.command(command.kind, command.access_point, command.reason)

    def _picture(self, worker: Worker, command: Command) -> tuple[CommandOutcome, str]:
        if not self.box.policy.snapshots:
            return CommandOutcome.REFUSED, "the estate's policy allows no pictures"
        if self.take_picture(worker, command.access_point) is None:
            return CommandOutcome.UNSUPPORTED, f"{worker.config.kind} takes no pictures"
        return CommandOutcome.DONE, "picture requested"

    def _answer(self, command: Command, outcome: CommandOutcome, text: str) -> CommandResult:
        result = CommandResult(command.id, outcome, self.box.clock.now(), text[:500])
        log.info("command %s: %s %s", command.id, outcome, text)
        self.answer(result)
        return result
