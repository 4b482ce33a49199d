"""What a backup is: a gzipped tar whose last entry, `manifest.json`, names every other one with its size and SHA-256.

One that breaks off, or of which a byte changed, is known before anything is made of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import msgspec

FORMAT = 1
NAME = "manifest.json"
SQLITE, DUMP = "hub.sqlite", "hub.pgdump"
CHUNK = 1 << 20

Progress = Callable[[int], None]
"""Called with how many bytes more are done."""


class BackupProblem(RuntimeError):
    """No backup was made, or none can be restored from this file. The text says why, and what to do."""


class Part(msgspec.Struct, frozen=True):
    """An entry: `bytes`, SHA-256 in hex."""

    bytes: Annotated[int, msgspec.Meta(ge=0)]
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """`made_at`: RFC 3339, UTC. `form`: the database's version (Alembic), empty before the first."""

    format: int
    made_at: str
    form: str
    parts: dict[str, Part]

    @property
    def database(self) -> str | None:
        """The entry that is the database; None where none is in it."""
        return next((name for name in (SQLITE, DUMP) if name in self.parts), None)

    @property
    def size(self) -> int:
        """Bytes, unpacked."""
        return sum(part.bytes for part in self.parts.values())
