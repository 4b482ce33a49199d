"""Enrolment photographs: fetched straight from their source, checked against the digest, cached until applied."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from device_drivers.driver import DeviceUnreachable
from edge_agent.config import write_atomic

log = logging.getLogger(__name__)
MAX_PHOTO = 1 << 20  # bytes
CACHE = 200 << 20  # bytes kept on disk
AT_ONCE = 4
KEPT_S = 3_600.0


class PhotoRefused(DeviceUnreachable):
    """The picture is not what the list promised (size, digest, address). A `DeviceUnreachable` as the protocol asks."""


class PhotoCache:
    def __init__(self, folder: Path, session: aiohttp.ClientSession, limit: int = CACHE) -> None:
        self.folder, self.session, self.limit = folder, session, limit
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._size: int | None = None  # bytes in the folder at most; it is only listed when that may be too much
        self._keeping = threading.Lock()

    async def get(self, url: str, sha256: str) -> bytes:
        """Raises DeviceUnreachable when it cannot be had, PhotoRefused when it is not the one that was promised."""
        digest = sha256.lower()
        if len(digest) != 64 or not all(c in "0123456789abcdef" for c in digest):
            raise PhotoRefused(f"not a SHA-256: {sha256[:80]!r}")
        path = self.folder / f"{digest}.jpg"
        content = await asyncio.to_thread(_read, path)
        if content is not None and hashlib.sha256(content).hexdigest() == digest:
            return content
        async with self._gate:
            content = await self._fetch(url)
        if hashlib.sha256(content).hexdigest() != digest:
            raise PhotoRefused("the picture does not have the digest the list promised")
        await asyncio.to_thread(self._keep, path, content)
        return content

    async def _fetch(self, url: str) -> bytes:
        if urlsplit(url).scheme not in ("http", "https"):
            raise PhotoRefused("only http and https addresses are fetched")
        try:
            async with self.session.get(url, timeout=aiohttp.ClientTimeout(total=20)) as reply:
                reply.raise_for_status()
                content = bytearray()
                async for chunk in reply.content.iter_chunked(1 << 16):
                    content += chunk
                    if len(content) > MAX_PHOTO:
                        raise PhotoRefused(f"the picture is larger than {MAX_PHOTO} bytes")
                return bytes(content)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise DeviceUnreachable(f"picture cannot be fetched: {error}") from error

    def _keep(self, path: Path, content: bytes) -> None:
        with self._keeping:
            if self._size is None or self._size + len(content) > self.limit:
                self._size = trim(self.folder, self.limit * 9 // 10 - len(content))
            self._size += len(content)
        try:
            write_atomic(path, content, lasting=False)  # its digest is checked at every use
        except OSError as error:  # a full disk must keep nobody's picture from a terminal
            log.warning("a picture is not cached: %s", error)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def files_in(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Files with their state; what another thread renames or deletes meanwhile, and what it is writing, is left out.

    A `*.new` older than an hour is told: nobody writes it any more, a power cut left it.
    """
    try:
        paths = list(folder.iterdir())
    except FileNotFoundError:
        return
    for path in paths:
        try:
            found = path.stat()
        except FileNotFoundError:
            continue
        being_written = path.suffix == ".new" and found.st_mtime > time.time() - KEPT_S
        if stat.S_ISREG(found.st_mode) and not being_written:
            yield path, found


def trim(folder: Path, limit: int) -> int:
    """Delete the oldest files until the folder holds at most `limit` bytes; returns the bytes left."""
    files = sorted(files_in(folder), key=lambda f: f[1].st_mtime)
    total = sum(found.st_size for _, found in files)
    for path, found in files:
        if total <= limit:
            break
        path.unlink(missing_ok=True)
        total -= found.st_size
    return total


def expire(folder: Path, older_than_s: float = KEPT_S) -> None:
    """A picture of a face does not lie about once the terminals have it."""
    oldest = time.time() - older_than_s
    for path, found in files_in(folder):
        if found.st_mtime < oldest:
            path.unlink(missing_ok=True)
