"""Files that are written whole or not at all: keys, who may come in, what a back-test has read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_whole(file: Path, content: bytes) -> None:
    """A full disk, a cut of the power or a kill leaves the file before it. Never readable by others, not for a moment.

    OSError where it cannot be written; nothing is left behind then.
    """
    fresh = file.with_suffix(f".{secrets.token_hex(4)}.part")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)
