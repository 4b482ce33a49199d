"""Reading the journal beside its writer, by a connection of its own. Blocking."""

from __future__ import annotations

import sqlite3
import threading

from edge_agent.journal_rows import checksum


class JournalReader:
    """`db` is given, and changed where the file is replaced, by the writer, who holds `busy` meanwhile."""

    db: sqlite3.Connection

    def __init__(self) -> None:
        self.busy = threading.Lock()

    def close(self) -> None:
        with self.busy:
            self.db.close()

    def rows(self, from_seq: int, head: int, limit: int, max_bytes: int) -> tuple[list[bytes], int | None]:
        """Whole rows from there on, and the first that is damaged or missing where it ended by that. Raises DatabaseError."""
        bodies: list[bytes] = []
        size, expected = 0, from_seq
        with self.busy:
            query = "SELECT seq, crc, body FROM events WHERE seq >= ? AND seq <= ? ORDER BY seq LIMIT ?"
            for seq, crc, body in self.db.execute(query, (from_seq, head, limit)):
                if seq != expected or not isinstance(body, bytes) or checksum(seq, body) != crc:
                    return bodies, expected
                size += len(body)
                if bodies and size > max_bytes:
                    break
                bodies.append(body)
                expected += 1
        missing = not bodies and from_seq <= head
        return bodies, from_seq if missing else None

    def meta(self, key: str) -> str | None:
        with self.busy:
            row = self.db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else None

    def oldest(self) -> int | None:
        """The first seq still kept. Raises DatabaseError."""
        with self.busy:
            (seq,) = self.db.execute("SELECT min(seq) FROM events").fetchone()
        return None if seq is None else int(seq)
