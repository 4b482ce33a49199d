"""Child processes, ended with their parent whatever happens: those of the demo, each in a session of its own with a log file, and
those of pools."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import parent_process
from pathlib import Path

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class ChildFailed(RuntimeError):
    """A child ended before it was ready; the text carries the last lines of its log."""


def die_with_parent() -> None:
    """For `preexec_fn`: a parent killed with SIGKILL must not leave a broker on its port."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Child:
    """One process. `restart` brings it back when it ends by itself (an edge box does that with systemd)."""

    name: str
    command: Sequence[str]
    log: Path
    restart: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C goes to the parent alone, which stops us in order
                preexec_fn=die_with_parent,
                env={**os.environ, **self.environment},
            )

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def tail(self, lines: int = 15) -> str:
        """The last lines of its log, for a person."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def failed(self) -> ChildFailed:
        code = self.process.returncode if self.process else None
        return ChildFailed(f"{self.name} ended with status {code}. Last lines of {self.log}:\n{self.tail()}")

    def stop(self, seconds: float = 10) -> None:
        """SIGTERM, and SIGKILL when that does not help in time."""
        if not self.process or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass
class Children:
    """Started in order, stopped in the opposite order."""

    members: list[Child] = field(default_factory=list)

    def start(self, child: Child) -> Child:
        child.start()
        self.members.append(child)
        return child

    def stop_all(self) -> None:
        for child in reversed(self.members):
            with suppress(ProcessLookupError):
                child.stop()

    def look_after(self) -> list[str]:
        """Restart what ended and should not have. Returns one line for each. Raises ChildFailed for the others."""
        lines = []
        for child in self.members:
            if child.running:
                continue
            if not child.restart:
                raise child.failed()
            child.restarts += 1
            child.start()
            lines.append(f"{child.name} ended and was started again ({child.restarts}); its log is {child.log}")
        return lines


def end_with_parent() -> None:
    """In a process of a pool: whoever started it and is killed says nothing, and it would wait for work for ever."""

    def wait() -> None:
        if (parent := parent_process()) is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def run_to_end(command: Sequence[str], log: Path, what: str) -> None:
    """A short-lived tool. Raises ChildFailed with the end of its log."""
    child = Child(what, command, log)
    child.start()
    assert child.process is not None
    if child.process.wait() != 0:
        raise child.failed()
