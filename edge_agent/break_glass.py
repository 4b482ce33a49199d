"""Opening a door by somebody who stands at the box: a local socket that only this machine's owner can reach.

It needs no hub and asks no list and no mode. It is one pulse, it is written into the journal with who and why, and the hub
reads it as soon as it is there again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pwd
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from device_drivers.contract.device import AccessPointBinding
from device_drivers.contract.events import AccessEvent, EdgeNote
from device_drivers.contract.words import AccessOutcome, CommandOutcome, FailMode
from edge_agent import modes
from edge_agent.box import Box
from edge_agent.worker import Worker

log = logging.getLogger(__name__)
MAX_REQUEST = 4096
PATIENCE_S = 20.0
RETRY_S = 30.0  # a disk that was read-only may be written again
BY_HAND = {
    FailMode.FAIL_SAFE: "断电即开：切断这把锁的电源，门就会打开",
    FailMode.FAIL_SECURE: "断电仍锁：用机械钥匙开门，或从里面转动把手",
}


class Ask(msgspec.Struct, frozen=True, omit_defaults=True):
    """`door` empty: list them. `claimed`: who the caller says is behind root (sudo)."""

    door: str = ""
    reason: str = ""
    claimed: str = ""


class DoorLine(msgspec.Struct, frozen=True):
    access_point: str
    device: str
    name: str
    point: str
    direction: str
    mode: str
    condition: str
    by_hand: str


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    opened: bool = False
    text: str = ""
    doors: tuple[DoorLine, ...] = ()


class NotRunning(Exception):
    """No agent listens."""


@contextlib.contextmanager
def short_name(path: Path) -> Iterator[str]:
    """A name of `path` below the 108 bytes a unix socket may have, however deep the directory lies."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


class BreakGlass:
    def __init__(self, path: Path, box: Box, workers: Callable[[], Mapping[str, Worker]]) -> None:
        self.path, self.box, self.workers = path, box, workers

    async def run(self) -> None:
        """Until cancelled. A socket that cannot be made is told, and tried again; the doors go on."""
        told = False
        while True:
            try:
                server = await self._listen()
                break
            except OSError as error:
                if not told:
                    told = True
                    log.error("break-glass socket %s: %s", self.path, error)
                    self.box.record("", EdgeNote("break_glass", f"本机应急开门不可用：{error}"))
            await asyncio.sleep(RETRY_S)
        async with server:
            await server.serve_forever()

    async def _listen(self) -> asyncio.Server:
        self.path.unlink(missing_ok=True)  # of a run that was killed
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            with short_name(self.path) as name:
                listener.bind(name)
        except OSError:
            listener.close()
            raise
        finally:
            os.umask(before)
        return await asyncio.start_unix_server(self._serve, sock=listener)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                line = await reader.readuntil(b"\n")
                ask = msgspec.json.decode(line[:MAX_REQUEST], type=Ask)
                reply = await self.answer(ask, _who(writer.get_extra_info("socket"), ask.claimed))
                writer.write(msgspec.json.encode(reply) + b"\n")
                await writer.drain()
        except (
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
            ValueError,
            TimeoutError,
            OSError,
        ) as error:
            log.warning("break-glass request not served: %s", error or type(error).__name__)
        finally:
            writer.close()

    async def answer(self, ask: Ask, who: str) -> Reply:
        if not ask.door:
            return Reply(text="", doors=self.doors())
        if not ask.reason.strip():
            return Reply(text="必须说明原因（--reason），它会记入日志并上报")
        found = [(w, b) for w in self.workers().values() for b in w.config.access_points if _named(ask.door, w, b)]
        if len(found) != 1:
            several = "不止一个门叫" if found else "没有门叫"
            return Reply(text=f"{several} {ask.door}；请用下面列出的通行点编号", doors=self.doors())
        return await self._open(*found[0], ask.reason.strip()[:300], who)

    async def _open(self, worker: Worker, binding: AccessPointBinding, reason: str, who: str) -> Reply:
        driver = worker.doors.driver
        if driver is None:
            outcome, text = CommandOutcome.UNREACHABLE, "设备离线"
        else:
            outcome, text = await worker.doors.pulse(driver, binding.point, reason)
        sure = outcome is CommandOutcome.DONE
        note = f"{who} 在边缘机上应急开门 {binding.access_point}（{worker.device}）：{reason}；结果 {outcome} {text}"
        log.warning("break-glass: %s", note)
        self.box.record(worker.device, EdgeNote("break_glass", note.strip()))
        if outcome in (CommandOutcome.DONE, CommandOutcome.UNCERTAIN):
            said = f"应急开门：{who}，{reason}" + ("" if sure else f"（是否已开无法确认：{text}）")
            self.box.record(
                worker.device,
                AccessEvent(
                    AccessOutcome.GRANTED, binding.point, binding.access_point, direction=binding.direction, text=said
                ),
            )
        if sure:
            return Reply(True, f"已开门一次：{binding.access_point}（{worker.config.name}）{text}")
        return Reply(False, f"没有确认门已打开（{outcome} {text}）。{by_hand(binding.fail_mode)}")

    def doors(self) -> tuple[DoorLine, ...]:
        found = []
        for worker in self.workers().values():
            for binding in worker.config.access_points:
                mode = modes.mode_of(worker.doors.held(binding.access_point))
                found.append(
                    DoorLine(
                        binding.access_point,
                        worker.device,
                        worker.config.name,
                        binding.point,
                        str(binding.direction),
                        str(mode),
                        str(worker.condition),
                        by_hand(binding.fail_mode),
                    )
                )
        return tuple(sorted(found, key=lambda d: (d.device, d.point)))


def by_hand(fail_mode: FailMode) -> str:
    return BY_HAND.get(fail_mode, BY_HAND[FailMode.FAIL_SECURE])


def _named(door: str, worker: Worker, binding: AccessPointBinding) -> bool:
    """By access point, by `device:point`, by door; by the device's id or name where it has one access point."""
    names = {binding.access_point, f"{worker.device}:{binding.point}", binding.door}
    if len(worker.config.access_points) == 1:
        names |= {worker.device, worker.config.name}
    return door in names - {""}


def _who(peer: socket.socket, claimed: str) -> str:
    """The system user at the other end, as the kernel says; behind root, whom sudo names."""
    _, uid, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = f"uid {uid}"
    return f"{name}（sudo：{claimed[:64]}）" if claimed and claimed != name else name


def ask_agent(path: Path, ask: Ask) -> Reply:
    """Raises NotRunning."""
    try:
        with short_name(path) as name, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(PATIENCE_S)
            line.connect(name)
            line.sendall(msgspec.json.encode(ask) + b"\n")
            with line.makefile("rb") as answer:
                return msgspec.json.decode(answer.readline(), type=Reply)
    except (OSError, ValueError) as error:
        raise NotRunning(str(error)) from error
