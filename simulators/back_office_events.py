"""What happens in people's lives, as a lease system records it. POST /control/event {"kind", "dwelling_code", "to"?}

kind: move (a new tenancy there, the old one ended by decision), transfer (the same record at another dwelling), swap, death,
death_decision (the tenancy "ended" although others live there), birth, divorce, child_leaves, marriage, card_handed, renewal,
split, announced (a decision whose move-out lies ahead), withdrawn (that decision taken back), appeal (an ended tenancy goes on).
`to`: the other dwelling of move, transfer, swap, and (if she gets one) of divorce.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from aiohttp import web

from simulators.back_office_core import OFFICE, BadRequest, Office, json_object
from simulators.back_office_store import Record
from simulators.people import Person, Register, Routine
from simulators.site import ZONE
from simulators.tenancies import member_record

AUTHORITY = "虚构市住房保障中心"


@dataclass(frozen=True, slots=True)
class Event:
    """One event: the tenancy it happens to, the other dwelling (or empty), and the day."""

    office: Office
    record: Record
    to: str
    today: date

    def save(self, record: Record) -> Record:
        """The record with its next version."""
        return self.office.store.save("tenancy", record)

    def new(self, dwelling: str, members: list[Record]) -> Record:
        """A tenancy that begins today."""
        return self.save(
            {
                **self.record,
                "id": self.office.store.next_id("tenancy"),
                "version": 0,
                "state": "active",
                "dwelling_code": dwelling,
                "from": self.today.isoformat(),
                "to": (self.today + timedelta(days=3 * 365)).isoformat(),
                "handover_at": self.today.isoformat(),
                "end_decision": None,
                "members": [{**m, "from": self.today.isoformat()} for m in members],
            }
        )

    def ended(self, kind: str, moved_out: date | None = None) -> Record:
        """The tenancy ended by a complete decision."""
        decision = {
            "number": f"青房退〔{self.today.year}〕{self.record['id'][2:]}号",
            "date": (self.today - timedelta(days=20)).isoformat(),
            "move_out_completed_on": (moved_out or self.today - timedelta(days=1)).isoformat(),
            "kind": kind,
            "signed_by": AUTHORITY,
        }
        return self.save({**self.record, "state": "ended", "end_decision": decision})

    def other(self) -> str:
        """The other dwelling. Raises BadRequest without one."""
        if not self.to:
            raise BadRequest("`to` is missing: the other dwelling's house code")
        return self.to

    def member(self, relation: str) -> Record:
        """The first member of that relation. Raises BadRequest when there is none."""
        for one in self.record["members"]:
            if one["relation"] == relation:
                return dict(one)
        raise BadRequest(f"nobody in {self.record['dwelling_code']} is {relation}")

    def without(self, *gone: Record) -> list[Record]:
        """The members but these."""
        numbers = {one["person_id"] for one in gone}
        return [m for m in self.record["members"] if m["person_id"] not in numbers]


def routes() -> list[web.RouteDef]:
    """The route of this module."""
    return [web.post("/control/event", _event)]


async def _event(request: web.Request) -> web.StreamResponse:
    office, body = request.app[OFFICE], await json_object(request)
    kind, dwelling = str(body.get("kind", "")).replace("-", "_"), str(body.get("dwelling_code", ""))
    if kind not in EVENTS:
        raise BadRequest(f"kind must be one of {', '.join(EVENTS)}")
    record = _tenancy_of(office, dwelling, ended=kind in ("appeal", "withdrawn"))
    event = Event(office, record, str(body.get("to") or ""), datetime.now(ZONE).date())
    return web.json_response({"kind": kind, "tenancies": EVENTS[kind](event)})


def _tenancy_of(office: Office, dwelling: str, *, ended: bool = False) -> Record:
    """The newest tenancy of a dwelling that lives (or that ended). Raises BadRequest."""
    rows = office.store.page("tenancy", 0, 1 << 31)
    found = [r for _, r in rows if r["dwelling_code"] == dwelling and (r["state"] == "ended") == ended]
    if not found:
        raise BadRequest(f"no {'ended' if ended else 'live'} tenancy in dwelling {dwelling!r}")
    return found[-1]


def _move(event: Event) -> list[Record]:
    return [event.new(event.other(), event.record["members"]), event.ended("transfer")]


def _transfer(event: Event) -> list[Record]:
    return [event.save({**event.record, "dwelling_code": event.other()})]


def _swap(event: Event) -> list[Record]:
    there = _tenancy_of(event.office, event.other())
    here = event.record["dwelling_code"]
    return [event.save({**event.record, "dwelling_code": event.to}), event.save({**there, "dwelling_code": here})]


def _death(event: Event) -> list[Record]:
    """The co-residents continue the lease; the spouse, or whoever is next, is the tenant."""
    stay = event.without(event.member("applicant"))
    if not stay:
        raise BadRequest("nobody else lives there: end the tenancy by a decision")
    head, *others = sorted(stay, key=lambda m: m["relation"] != "spouse")
    return [event.save({**event.record, "members": [{**head, "relation": "applicant"}, *others]})]


def _death_decision(event: Event) -> list[Record]:
    return [event.ended("death")]


def _birth(event: Event) -> list[Record]:
    """No card; the guardian consents to the face."""
    guardian = event.member("applicant")["name"]
    given = {"at": f"{event.today.isoformat()}T10:00:00+08:00", "notice": "v1", "guardian": guardian}
    child = {**_somebody(event, "child", event.today), "cards": [], "consents": {"a": given, "b": None, "c": None}}
    return [event.save({**event.record, "members": [*event.record["members"], child]})]


def _divorce(event: Event) -> list[Record]:
    spouse = event.member("spouse")
    saved = [event.save({**event.record, "members": event.without(spouse)})]
    if event.to:
        saved.append(event.new(event.to, [{**spouse, "relation": "applicant"}]))
    return saved


def _child_leaves(event: Event) -> list[Record]:
    child = event.member("child")
    gone = {**child, "to": (event.today - timedelta(days=1)).isoformat()}
    members = [gone if m["person_id"] == child["person_id"] else m for m in event.record["members"]]
    return [event.save({**event.record, "members": members})]


def _marriage(event: Event) -> list[Record]:
    spouse = _somebody(event, "spouse", event.today - timedelta(days=12_000))
    return [event.save({**event.record, "members": [*event.record["members"], spouse]})]


def _card_handed(event: Event) -> list[Record]:
    if len(event.record["members"]) < 2:
        raise BadRequest("one person lives there alone")
    first, second, *others = event.record["members"]
    members = [{**first, "cards": []}, {**second, "cards": [*second["cards"], *first["cards"]]}, *others]
    return [event.save({**event.record, "members": members})]


def _renewal(event: Event) -> list[Record]:
    return [event.new(event.record["dwelling_code"], event.record["members"]), event.ended("transfer")]


def _split(event: Event) -> list[Record]:
    """One of them has a tenancy of her own in the same dwelling."""
    leaving = event.record["members"][-1]
    if len(event.record["members"]) < 2:
        raise BadRequest("one person lives there alone")
    own = event.new(event.record["dwelling_code"], [{**leaving, "relation": "applicant"}])
    return [own, event.save({**event.record, "members": event.without(leaving)})]


def _announced(event: Event) -> list[Record]:
    return [event.ended("surrender", event.today + timedelta(days=30))]


def _withdrawn(event: Event) -> list[Record]:
    return [event.save({**event.record, "state": "active", "end_decision": None})]


EVENTS: dict[str, Callable[[Event], list[Record]]] = {
    "move": _move,
    "transfer": _transfer,
    "swap": _swap,
    "death": _death,
    "death_decision": _death_decision,
    "birth": _birth,
    "divorce": _divorce,
    "child_leaves": _child_leaves,
    "marriage": _marriage,
    "card_handed": _card_handed,
    "renewal": _renewal,
    "split": _split,
    "announced": _announced,
    "withdrawn": _withdrawn,
    "appeal": _withdrawn,
}


def _somebody(event: Event, relation: str, birth: date) -> Record:
    """A made-up person nobody has met."""
    seed: Any = f"{event.record['id']}-{event.record['version']}-{relation}"
    register = Register(np.random.default_rng(zlib.crc32(seed.encode())), next_person=0)
    register.next_person = 700_000 + zlib.crc32(seed.encode()) % 90_000
    male = bool(register.rng.random() < 0.5)
    person = Person(
        person_id=register.person_id(),
        name=register.name(register.surname(), male),
        id_number=register.id_number(birth, male),
        birth=birth,
        relation=relation,
        routine=Routine.WORKER,
        cards=(f"{40_000_000 + register.next_person:010d}",),
        face="none",
        consents=(False, False, False),
    )
    return member_record(person, event.today, None)
