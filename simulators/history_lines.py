"""Very many lines, held as numbers and written in order of time: what makes 300,000 of them take a second."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

DAY = 86_400
PIECE = 20_000


@dataclass(slots=True)
class Lines:
    """Lines to be written: second of the history, text before the time, text after it."""

    at: list[NDArray[np.int64]] = field(default_factory=list)
    head: list[NDArray[np.int64]] = field(default_factory=list)
    tail: list[NDArray[np.int64]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)

    def text(self, text: str) -> int:
        """The number of a text, kept once."""
        if text not in self.known:
            self.known[text] = len(self.texts)
            self.texts.append(text)
        return self.known[text]

    def unique(self, text: str) -> int:
        """The number of a text that will not come again (no look-up)."""
        self.texts.append(text)
        return len(self.texts) - 1

    def add(self, at: NDArray[np.int64], head: NDArray[np.int64], tail: NDArray[np.int64]) -> None:
        """Many lines at once."""
        self.at.append(at)
        self.head.append(head)
        self.tail.append(tail)

    def one(self, at: int, head: str, tail: str) -> None:
        """A single line."""
        self.add(np.array([at]), np.array([self.text(head)]), np.array([self.text(tail)]))


def open_export(path: Path) -> TextIO:
    """Opens a file to write text; a name that ends in .gz is compressed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        return gzip.open(path, "wt", encoding="utf-8", compresslevel=3)
    return path.open("w", encoding="utf-8")


def write_lines(
    out: TextIO,
    lines: Lines,
    start: datetime,
    first: int,
    last: int,
    progress: Callable[[int, int], None] | None,
) -> int:
    """Writes the lines of seconds `first`..`last` after `start`, ordered by time; returns how many."""
    at, head, tail = (np.concatenate(part) for part in (lines.at, lines.head, lines.tail))
    chosen = np.nonzero((at >= first) & (at <= last))[0]
    is_first = np.array([not text.startswith('{"t":"observation"') for text in lines.texts])  # at a tie they lead
    order = chosen[np.lexsort((is_first[head[chosen]], at[chosen]))]
    dates = [(start + timedelta(days=d)).strftime("%Y-%m-%dT") for d in range(last // DAY + 1)]
    clock = [f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}+08:00" for s in range(DAY)]
    texts = lines.texts
    for offset in range(0, len(order), PIECE):
        piece = order[offset : offset + PIECE]
        rows = zip(at[piece].tolist(), head[piece].tolist(), tail[piece].tolist(), strict=True)
        out.write("".join(f"{texts[h]}{dates[s // DAY]}{clock[s % DAY]}{texts[t]}\n" for s, h, t in rows))
        if progress is not None:
            progress(offset + len(piece), len(order))
    return len(order)
