"""(P) A zip file of which every byte is known: stored, no dates, no extras. Any zip program reads it; one changed byte shows.

A general zip has bytes that say nothing (times, attributes, padding). Here there is one way to write a given list of entries, so
the reader compares all of it, and can say in which entry a change lies.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_DATE = 0x21  # 1980-01-01, the zero of the format
_UTF8 = 0x800
_VERSION = 20
MAX_BYTES = 0xFFFF_FFFF
MAX_ENTRIES = 0xFFFF


class TooLarge(ValueError):
    """More than a plain zip file can hold."""


@dataclass(frozen=True, slots=True)
class Entry:
    """`name`: a path with slashes."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of bytes of the file and whose it is; `start` is its offset."""

    owner: str
    start: int
    content: bytes


def pieces(entries: Sequence[Entry]) -> Iterator[Piece]:
    """The whole file, piece by piece, in order: of each entry its header and its content, then the directory."""
    at, starts = 0, []
    for entry in entries:
        starts.append(at)
        for owner, content in ((f"{entry.name} (zip header)", _local(entry)), (entry.name, entry.content)):
            yield Piece(owner, at, content)
            at += len(content)
    directory = at
    for entry, start in zip(entries, starts, strict=True):
        content = _central(entry, start)
        yield Piece(f"{entry.name} (zip directory)", at, content)
        at += len(content)
    if len(entries) > MAX_ENTRIES or at > MAX_BYTES:
        raise TooLarge(f"{len(entries)} entries, {at} bytes")
    count = len(entries)
    yield Piece("the end of the zip file", at, _END.pack(b"PK\5\6", 0, 0, count, count, at - directory, directory, 0))


def packed(entries: Sequence[Entry]) -> bytes:
    return b"".join(piece.content for piece in pieces(entries))


def first_entry(data: bytes, at: int, name: str) -> bytes | None:
    """The content of the entry that begins at `at`, if it is whole, has this name and its header is as we write it."""
    if len(data) < at + _LOCAL.size:
        return None
    size = _LOCAL.unpack_from(data, at)[8]
    start = at + _LOCAL.size + len(name.encode())
    content = data[start : start + size]
    whole = len(content) == size and data[at:start] == _local(Entry(name, content))
    return content if whole else None


def _local(entry: Entry) -> bytes:
    name, size = entry.name.encode(), len(entry.content)
    crc = zlib.crc32(entry.content)
    return _LOCAL.pack(b"PK\3\4", _VERSION, _UTF8, 0, 0, _DATE, crc, size, size, len(name), 0) + name


def _central(entry: Entry, start: int) -> bytes:
    name, size = entry.name.encode(), len(entry.content)
    crc = zlib.crc32(entry.content)
    return (
        _CENTRAL.pack(
            b"PK\1\2", _VERSION, _VERSION, _UTF8, 0, 0, _DATE, crc, size, size, len(name), 0, 0, 0, 0, 0, start
        )
        + name
    )
