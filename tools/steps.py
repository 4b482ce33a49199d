"""How a set-up step runs: once for one input, quietly, with a log, and stopped together with the others."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from tools import where

STAMPS = where.CACHE / "stamps"
LOGS = where.CACHE / "log"
HEAD, TAIL = 10, 25
"""First and last lines of a failed command's output that are shown; npm tells the reason first, apt last."""


class StepFailed(Exception):
    """A step that did not work; the text says what to do."""


class Runner:
    """Runs commands quietly into one log a step, and stops them all when set-up is stopped."""

    running: ClassVar[set[subprocess.Popen[bytes]]] = set()
    stopped: ClassVar[threading.Event] = threading.Event()

    def __init__(self, step: str) -> None:
        self.log = LOGS / f"{step}.log"

    def __call__(self, *command: str, env: dict[str, str] | None = None) -> None:
        """Run to the end; raises ``CalledProcessError`` when the command fails."""
        if self.stopped.is_set():
            raise StepFailed("stopped")
        with self.log.open("ab") as log:
            log.write(f"\n$ {' '.join(command)}\n".encode())
            log.flush()
            process = subprocess.Popen(
                command, cwd=where.ROOT, env=os.environ | (env or {}), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
            self.running.add(process)
            try:
                code = process.wait()
            finally:
                self.running.discard(process)
        if code:
            raise subprocess.CalledProcessError(code, command)

    @classmethod
    def stop_all(cls) -> None:
        """Stop every command that still runs."""
        cls.stopped.set()
        for process in tuple(cls.running):
            with contextlib.suppress(ProcessLookupError):
                process.terminate()


def say(text: str) -> None:
    """One line of progress."""
    sys.stdout.write(f"[setup] {text}\n")
    sys.stdout.flush()


def fingerprint(*parts: str | Path) -> str:
    """The hash of texts and of files' contents."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.read_bytes() if isinstance(part, Path) else part.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def fresh(step: str, key: str) -> bool:
    """Whether the step was done for exactly this input."""
    stamp = STAMPS / step
    return stamp.is_file() and stamp.read_text() == key


def do(step: str, what: str, key: str, work: Callable[[Runner], None]) -> bool:
    """Do a step unless its stamp says it is done; the stamp is written last, in one move. Returns whether it ran."""
    if fresh(step, key):
        return False
    started = time.monotonic()
    say(f"{what} ...")
    runner = Runner(step)
    runner.log.unlink(missing_ok=True)
    try:
        work(runner)
    except (subprocess.CalledProcessError, OSError, RuntimeError) as error:
        lines = runner.log.read_text(errors="replace").splitlines() if runner.log.exists() else []
        if len(lines) > HEAD + TAIL:
            lines = [*lines[:HEAD], "...", *lines[-TAIL:]]
        told = "\n".join(f"    {line}" for line in lines)
        log = f"\n  The whole output: {runner.log.relative_to(where.ROOT)}" if lines else ""
        raise StepFailed(
            f"{what} failed: {error}\n{told}{log}\n  Put it right and run the same command again."
        ) from error
    temporary = STAMPS / f"{step}.new"
    temporary.write_text(key)
    temporary.replace(STAMPS / step)
    say(f"{what}: done in {time.monotonic() - started:.1f} s")
    return True
