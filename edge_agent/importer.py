"""Imports record exports through the journal while the agent runs: the command line leaves a file in `import/`.

`NAME` is imported, `NAME.progress.json` tells how far; the number of lines done is stored in the same transaction as
the events they became, so that a kill in the middle neither loses nor doubles a line.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
import time
import zlib
from itertools import islice
from pathlib import Path
from typing import IO, NoReturn, cast

import msgspec

from device_drivers.contract.events import EdgeNote, Event
from edge_agent.box import Box
from edge_agent.config import write_atomic
from edge_agent.history import HistoryMap, card_holders, site_code

log = logging.getLogger(__name__)
CHUNK = 2_000
MAX_UNACKED = 50_000
WAIT_LISTS_S = 60.0
STEADY_S = 3.0  # no further list came in this time
SUFFIXES = (".ndjson", ".jsonl", ".json", ".gz")


class Progress(msgspec.Struct, frozen=True, omit_defaults=True):
    """`state`: waiting, running, done, failed. `acked` is how many of the events the hub has confirmed."""

    state: str
    lines: int = 0
    total: int = 0
    imported: int = 0
    refused: int = 0
    acked: int = 0
    text: str = ""


def progress_path(path: Path) -> Path:
    return path.with_name(path.name + ".progress.json")


def read_progress(path: Path) -> Progress | None:
    try:
        return msgspec.json.decode(progress_path(path).read_bytes(), type=Progress)
    except (OSError, ValueError):
        return None


class Importer:
    def __init__(self, folder: Path, box: Box, look_s: float = 0.3, wait_lists_s: float = WAIT_LISTS_S) -> None:
        self.folder, self.box, self.look_s, self.wait_lists_s = folder, box, look_s, wait_lists_s

    async def run(self) -> NoReturn:
        while True:
            for path in sorted(self.folder.iterdir()):
                if path.name.endswith(SUFFIXES) and not path.name.endswith((".progress.json", ".holders.json")):
                    await self._import(path)
            await asyncio.sleep(self.look_s)

    async def _import(self, path: Path) -> None:
        log.info("import of %s begins", path.name)
        try:
            done = await self._lines(path)
        except (OSError, EOFError, ValueError, zlib.error) as error:
            done = Progress("failed", text=f"{type(error).__name__}: {error}")
        self._tell(path, done)
        text = f"{path.name}: {done.state}, {done.imported} imported, {done.refused} refused {done.text}".rstrip()
        log.info("import of %s", text)
        self.box.record("", EdgeNote("import", text[:1000]))
        await asyncio.to_thread(_remove, path)

    async def _lines(self, path: Path) -> Progress:
        self._tell(path, Progress("waiting", text="for the lists of the devices"))
        mapping = await self._mapping(path)
        total = await asyncio.to_thread(_count, path)
        key = f"import:{path.name}"
        skip, imported, refused, first = _done(self.box.journal.meta(key))
        reasons: dict[str, int] = {}
        lines = skip
        start_seq = first or self.box.journal.head + 1
        with _open(path) as source:
            await asyncio.to_thread(lambda: sum(1 for _ in islice(source, skip)))
            while chunk := await asyncio.to_thread(lambda: list(islice(source, CHUNK))):
                events, why = await asyncio.to_thread(mapping.events, chunk, self.box.clock.now())
                for reason in why:
                    reasons[reason] = reasons.get(reason, 0) + 1
                lines, imported, refused = lines + len(chunk), imported + len(events), refused + len(why)
                await self._append(events, {key: f"{lines} {imported} {refused} {start_seq}"})
                self._tell(path, self._progress("running", lines, total, imported, refused, start_seq))
        end = self.box.journal.head
        while self.box.journal.cursor < end:  # done is when the hub has it
            self._tell(path, self._progress("running", lines, total, imported, refused, start_seq))
            await asyncio.sleep(0.1)
        text = "; ".join(f"{n} x {why}" for why, n in sorted(reasons.items(), key=lambda r: -r[1])[:5])
        return Progress("done", lines, total, imported, refused, imported, text)

    async def _append(self, events: list[Event], meta: dict[str, str]) -> None:
        journal = self.box.journal
        await journal.append(*events, meta=meta)
        # Live events must not wait behind months of history; the cursor moves by itself, there is nothing to await.
        while journal.head - journal.cursor > MAX_UNACKED:  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    def _progress(self, state: str, lines: int, total: int, imported: int, refused: int, start: int) -> Progress:
        acked = max(0, min(imported, self.box.journal.cursor - start + 1))
        return Progress(state, lines, total, imported, refused, acked)

    async def _mapping(self, path: Path) -> HistoryMap:
        """Waits a while for the lists: without them no card has a holder."""
        deadline, held_before, steady_from = time.monotonic() + self.wait_lists_s, 0, time.monotonic()
        while time.monotonic() < deadline:
            devices = self.box.devices.devices if self.box.devices else ()
            doors = [d.device for d in devices if d.access_points]
            now_held = sum(self.box.lists.current(d) is not None for d in doors)
            if now_held > held_before:
                held_before, steady_from = now_held, time.monotonic()
            if devices and (now_held == len(doors) or (now_held and time.monotonic() - steady_from > STEADY_S)):
                break  # a camera has no list: some of the doors may stay without
            await asyncio.sleep(0.2)
        devices = self.box.devices.devices if self.box.devices else ()
        held = [h.access_list for d in devices if (h := self.box.lists.current(d.device))]
        beside = path.with_name(path.name + ".holders.json")
        holders = msgspec.json.decode(beside.read_bytes(), type=dict[str, str]) if beside.exists() else {}
        cards = await asyncio.to_thread(card_holders, held)
        return HistoryMap({site_code(d): d for d in devices} | {d.device: d for d in devices}, cards, holders)

    def _tell(self, path: Path, progress: Progress) -> None:
        try:
            write_atomic(progress_path(path), msgspec.json.encode(progress))
        except OSError as error:  # for eyes only: what is done stands in the journal
            log.warning("import of %s: progress not told: %s", path.name, error)


def _open(path: Path) -> IO[bytes]:
    if path.name.endswith(".gz"):
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return path.open("rb")


def _remove(path: Path) -> None:
    for name in (path, path.with_name(path.name + ".holders.json")):
        name.unlink(missing_ok=True)


def _count(path: Path) -> int:
    """Lines of the file, for the progress bar."""
    with _open(path) as source:
        return sum(1 for _ in source)


def _done(text: str | None) -> tuple[int, int, int, int]:
    """Lines, imported, refused, first seq, as stored with the last chunk."""
    if not text:
        return 0, 0, 0, 0
    lines, imported, refused, first = (int(part) for part in text.split())
    return lines, imported, refused, first
