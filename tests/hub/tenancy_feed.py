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

from patience import PATIENCE_S
from sqlalchemy import select
from tenancy_office import member as office_member
from tenancy_office import tenancy

from hub.access import publish
from hub.access.bundle import load_holders
from hub.errors import Conflict
from hub.services import Hub
from hub.tables import CredentialIdentifierRow, CredentialRow, Dwelling, SourceRow, SourceState, Tenancy
from hub.tenancy import held as brake
from hub.tenancy import sync

DECISION = {
    "number": "青房退〔2026〕12号", "date": "2026-11-01", "move_out_completed_on": "2026-11-15", "kind": "surrender",
    "signed_by": "虚构市住房保障中心",
}  # fmt: skip
MANY = 40
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
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)  # how soon it ends
    thread.start()
    try:
        yield feed
    finally:
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE_S)


def configure(directory: Path, feed: Feed, **more: Any) -> None:
    """`feed` as the source `feed` of the hub in `directory`; `more` sources as they stand in sources.json."""
    (directory / "feed.key").write_text("k")
    source = {"name": "feed", "kind": "http", "url": feed.url, "api_key_file": "feed.key", "estate": None}
    (directory / "sources.json").write_text(json.dumps([source | more]))


def member(number: int, **changed: Any) -> dict[str, Any]:
    """Without the photograph, whose address only the simulated office fills in."""
    return office_member(number, **{"face_photo": None, **changed})


def household(number: int, version: int = 1, **changed: Any) -> dict[str, Any]:
    people = [member(2 * number), member(2 * number + 1, relation="spouse")]
    return tenancy(number, **{"version": version, "members": people, **changed})


def over(number: int, version: int = 2) -> dict[str, Any]:
    return household(number, version, state="ended", end_decision=DECISION)


def run(hub: Hub) -> str:
    """A whole run: the next period's pull reads everything, then credentials follow."""
    with hub.db.unit_of_work("test", "everything again", audit=False) as uow:
        if (state := uow.session.get(SourceState, "feed")) is not None:
            sync.want_full(uow, state)
    told = sync.run(hub)
    publish.publish(hub)
    return told


def state(hub: Hub) -> SourceState:
    with hub.db.reading() as session:
        return session.get_one(SourceState, "feed")


def access(hub: Hub) -> dict[str, set[str]]:
    """House code → card numbers with an active credential there."""
    found: dict[str, set[str]] = {}
    with hub.db.reading() as session:
        rows = session.execute(
            select(Dwelling.code, CredentialIdentifierRow.value)
            .join(Tenancy, Tenancy.dwelling_id == Dwelling.id)
            .join(CredentialRow, CredentialRow.tenancy_id == Tenancy.id)
            .join(CredentialIdentifierRow, CredentialIdentifierRow.token == CredentialRow.token)
            .where(CredentialRow.state == "active", Tenancy.state == "active", CredentialIdentifierRow.type == "card")
        )
        for dwelling, card in rows:
            found.setdefault(dwelling, set()).add(card)
    return found


def refused(hub: Hub) -> dict[str, str]:
    with hub.db.reading() as session:
        return {row.key: row.reason for row in session.scalars(select(SourceRow))}


def both_new(record: dict[str, Any]) -> dict[str, Any]:
    """The same people under other numbers, as after a source was moved to another system."""
    people = [m | {"person_id": f"NEW-{m['person_id']}"} for m in record["members"]]
    return record | {"id": f"NEW-{record['id']}", "version": 1, "members": people}


def confirmed(hub: Hub, name: str = "feed") -> int:
    """Two persons let pass what is held now: how many households."""
    said: list[int | None] = []
    for who in ("王官员", "李官员"):
        with hub.db.unit_of_work(who, "逐户核对无误", now=hub.now()) as uow:
            row = uow.session.get_one(SourceState, name)
            if row.held is None:
                raise Conflict("nothing is held")
            said.append(brake.confirm(uow, row, row.held["set"]))
    assert said[0] is None, "one person is not enough"
    return said[1] or 0


def opens(hub: Hub) -> dict[str, set[str]]:
    """Card number → house codes whose doors it opens, as the lists are made from it."""
    found: dict[str, set[str]] = {}
    with hub.db.reading() as session:
        codes = dict(session.execute(select(Dwelling.id, Dwelling.code)).all())
        for holder in load_holders(session, "E001"):
            for identifier in holder.identifiers:
                if identifier.type == "card":
                    homes = {holder.dwelling, *(dwelling for _, dwelling, _ in holder.also)}
                    found.setdefault(identifier.value, set()).update(codes[home] for home in homes)
    return found
