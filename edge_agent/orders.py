"""Orders of the hub as they arrive: those that it signed for this box are done, beside everything else; others are answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from device_drivers.contract.events import EdgeNote
from device_drivers.contract.messages import Command, CommandResult
from device_drivers.contract.words import CommandOutcome
from edge_agent.box import Box
from edge_agent.commands import Commands
from edge_agent.parts import once
from edge_agent.signed import NotOurs, proved

log = logging.getLogger(__name__)


class Orders:
    """`arrived` on the loop, once `group` is set. `failed` is told what nobody foresaw; it ends nothing else."""

    def __init__(
        self,
        box: Box,
        edge: str,
        commands: Commands,
        answer: Callable[[CommandResult], None],
        failed: Callable[[str, BaseException], None],
    ) -> None:
        self.box, self.edge, self.commands, self.answer, self.failed = box, edge, commands, answer, failed
        self.group: asyncio.TaskGroup
        self._told: set[str] = set()

    def arrived(self, command: Command) -> None:
        try:
            command = proved(command, self.box.codes.key, self.edge)
        except NotOurs as no:
            self._refuse(command, no)
            return
        work = once("a command", lambda: self.commands.handle(command), self.failed)
        self.group.create_task(work, name=f"command {command.id[:60]}")

    def _refuse(self, command: Command, no: NotOurs) -> None:
        """Answered, so that an older hub sees why; noted once a kind: who floods the broker does not fill the journal."""
        log.error("command %s (%s on %s) refused: %s", command.id[:60], command.kind, command.device[:60], no)
        if no.what not in self._told:
            self._told.add(no.what)
            self.box.record("", EdgeNote(no.what, no.text))
        self.answer(CommandResult(command.id, CommandOutcome.REFUSED, self.box.clock.now(), no.text))
