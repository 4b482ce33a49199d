"""What is true of the people of the twin estate, in plain words of its own: the office's records and the counter's acts.

Nothing here imports how the product decides; the judge reads only this.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx

ZONE = ZoneInfo("Asia/Shanghai")
FROM = "2026-01-05"
CONSENT = {"at": "2026-01-05T10:00:00+08:00", "notice": "v1"}


@dataclass
class Member:
    person: str
    cards: list[str]
    photo: str = ""
    consent_at: str = ""
    last_day: date | None = None
    relation: str = "other"

    def over(self, today: date) -> bool:
        return self.last_day is not None and self.last_day < today


@dataclass
class Tenancy:
    key: str
    dwelling: str
    version: int = 1
    state: str = "active"
    decision: dict[str, str] | None = None
    members: list[Member] = field(default_factory=list)
    moved: int = 0

    def over(self, today: date) -> bool:
        """By a decision with number, date, signature and a move-out that is done; by nothing else."""
        d = self.decision or {}
        done = d.get("move_out_completed_on")
        whole = all(d.get(k) for k in ("number", "date", "signed_by")) and done is not None
        return self.state == "ended" and whole and date.fromisoformat(str(done)) <= today


@dataclass
class Pass:
    """`doors`: those it opens, as it was made. `host`: the tenancy it visits, with whose end it ends."""

    token: str
    number: str
    until: datetime
    doors: tuple[str, ...]
    host: str
    ended: bool = False


@dataclass
class Counter:
    """What was done at the hub's own counter: gone with a hub that is restored from an older copy."""

    resigned: set[tuple[str, str]] = field(default_factory=set)
    lost_cards: set[str] = field(default_factory=set)
    replaced: set[tuple[str, str]] = field(default_factory=set)
    handed_out: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    withdrawn: dict[str, datetime] = field(default_factory=dict)
    passes: dict[str, Pass] = field(default_factory=dict)


@dataclass
class Books:
    """The hub's knowledge as it should be: what the office last told it, what its counter did, and where its installer put
    devices since (`moved`: device → door), at doors of his own (`doors`: door → block)."""

    tenancies: dict[str, Tenancy] = field(default_factory=dict)
    counter: Counter = field(default_factory=Counter)
    moved: dict[str, str] = field(default_factory=dict)
    doors: dict[str, str] = field(default_factory=dict)

    def copy(self) -> Books:
        return copy.deepcopy(self)


class Office:
    """The lease system: the truth about households, told page by page over HTTP."""

    def __init__(self) -> None:
        self.tenancies: dict[str, Tenancy] = {}
        self.fault = ""
        self._changes = 0
        self._cards = 3_000_000
        self._people = 0

    def new_card(self) -> str:
        self._cards += 1
        return str(self._cards)

    def new_member(self, *, face: bool) -> Member:
        self._people += 1
        number = self._people
        return Member(
            f"P-{number:04d}", [self.new_card()], f"{number:064x}", CONSENT["at"] if face else "",
            relation="other",
        )  # fmt: skip

    def moved(self, tenancy: Tenancy, *, bump: bool = True) -> None:
        """A newer version, which the next page shows."""
        self._changes += 1
        tenancy.moved = self._changes
        tenancy.version += bump

    def move_in(self, dwelling: str, faces: list[bool]) -> Tenancy:
        tenancy = Tenancy(f"T-{len(self.tenancies) + 1:04d}", dwelling)
        tenancy.members = [self.new_member(face=face) for face in faces]
        tenancy.members[0].relation = "applicant"
        self.tenancies[tenancy.key] = tenancy
        self.moved(tenancy, bump=False)
        return tenancy

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.fault == "down":
            return httpx.Response(503)
        if self.fault == "page":
            return httpx.Response(200, text="<html>sign in</html>", headers={"content-type": "text/html"})
        if request.url.path != "/api/tenancies" or self.fault == "empty":
            return httpx.Response(200, json={"items": [], "next_cursor": "0", "total": 0, "has_more": False})
        since = int(request.url.params.get("cursor") or 0)
        rows = sorted((t for t in self.tenancies.values() if t.moved > since), key=lambda t: t.moved)
        page = {
            "items": [_record(t) for t in rows],
            "next_cursor": str(self._changes),
            "total": len(self.tenancies),
            "has_more": False,
        }
        return httpx.Response(200, json=page)


def _record(tenancy: Tenancy) -> dict[str, Any]:
    return {
        "id": tenancy.key,
        "version": tenancy.version,
        "state": tenancy.state,
        "dwelling_code": tenancy.dwelling,
        "from": FROM,
        "to": "2029-01-04",
        "handover_at": FROM,
        "end_decision": tenancy.decision,
        "members": [_member(m) for m in tenancy.members],
    }


def _member(member: Member) -> dict[str, Any]:
    photo = {"url": f"http://office/{member.photo}.jpg", "sha256": member.photo} if member.photo else None
    consent = {"at": member.consent_at, "notice": "v1"} if member.consent_at else None
    return {
        "person_id": member.person,
        "name": "张三",
        "relation": member.relation,
        "from": FROM,
        "to": member.last_day.isoformat() if member.last_day else None,
        "birth_date": "1980-01-01",
        "cards": list(member.cards),
        "face_photo": photo,
        "consents": {"a": consent, "b": None, "c": None},
    }


def local_day(at: datetime) -> date:
    return at.astimezone(ZONE).date()


def yesterday(at: datetime) -> date:
    return local_day(at) - timedelta(days=1)
