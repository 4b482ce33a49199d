"""Room held back beside the journal, set free when the disk is full: even DELETE fails on a full disk."""

from __future__ import annotations

import secrets
from pathlib import Path

SIZE = 1 << 20  # bytes


def take(journal: Path) -> None:
    ballast = _beside(journal)
    try:
        if not ballast.exists():
            ballast.write_bytes(secrets.token_bytes(SIZE))
    except OSError:
        ballast.unlink(missing_ok=True)


def drop(journal: Path) -> None:
    _beside(journal).unlink(missing_ok=True)


def _beside(journal: Path) -> Path:
    return journal.with_name("ballast")
