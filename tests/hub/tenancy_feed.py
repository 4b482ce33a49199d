"""A tenancy source of which a test says every page, over real HTTP on loopback: what no well-meant simulator would answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, str, bytes]
"""(status, content type, body)"""


@dataclass
class Feed:
    """`feed.records` is what the source holds; `feed.spoil(cursor, page)` may turn a page into any answer."""

    url: str = ""
    records: list[Any] = field(default_factory=list)
    absences: list[Any] = field(default_factory=list)
    page: int = 200
    spoil: Callable[[str, dict[str, Any]], Answer | dict[str, Any]] | None = None
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str, cursor: str) -> Answer:
        """Plain pages by position; an incremental cursor is the number of records seen."""
        items = self.records if path == "/api/tenancies" else self.absences
        start = int(cursor) if cursor.isdigit() else 0
        end = min(len(items), start + self.page)
        page: Any = {
            "items": items[start:end],
            "next_cursor": str(end),
            "total": len(items),
            "has_more": end < len(items),
        }
        if path == "/api/tenancies":
            self.asked.append(cursor)
            page = self.spoil(cursor, page) if self.spoil else page
        return page if isinstance(page, tuple) else (200, "application/json", json.dumps(page).encode())


@contextmanager
def serving() -> Iterator[Feed]:
    """A feed on a free port of loopback."""
    feed = Feed()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            cursor = parse_qs(parts.query, keep_blank_values=True).get("cursor", [""])[0]
            status, kind, body = feed.answer(parts.path, cursor)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    feed.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield feed
    finally:
        server.shutdown()
        server.server_close()
        thread.join(20)


def configure(directory: Path, feed: Feed, **more: Any) -> None:
    """`feed` as the source `feed` of the hub in `directory`; `more` sources as they stand in sources.json."""
    (directory / "feed.key").write_text("k")
    source = {"name": "feed", "kind": "http", "url": feed.url, "api_key_file": "feed.key", "estate": None}
    (directory / "sources.json").write_text(json.dumps([source | more]))
