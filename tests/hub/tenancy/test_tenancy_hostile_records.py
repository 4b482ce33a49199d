"""What an unfriendly source writes into one record: each trouble at a household of its own, all of them in one feed.

What can be read is taken, what cannot is refused by name, and nobody's access is touched by either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from tenancy_feed import DECISION, Feed, access, household, member, refused, run
from tenancy_office import code, id_number

from hub.services import Hub
from hub.tables import Dwelling, Estate, Tenancy

Setup = Callable[[Hub], None]
Record = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """`change(n)`: the second version of household n. `reason`: of the record, or (`person`) of one member.

    `cards`: who opens with his card afterwards (0: the tenant, 1: the second member, more: those who came); None: as before.
    """

    change: Callable[[int], Record]
    reason: str = ""
    person: str = ""
    cards: tuple[int, ...] = (0, 1)


def second(n: int, **changed: Any) -> Record:
    return household(n, 2, **changed)


def people(n: int, first: Record | None = None, other: Record | None = None, *more: Record) -> list[Record]:
    return [member(2 * n, **(first or {})), member(2 * n + 1, **{"relation": "spouse", **(other or {})}), *more]


def nested(depth: int) -> Any:
    found: Any = "x"
    for _ in range(depth):
        found = [found]
    return found


def without(record: Record, *names: str) -> Record:
    return {name: value for name, value in record.items() if name not in names}


def child(n: int, birth: str = "2020-05-05", **changed: Any) -> Record:
    number = id_number(500 + n, birth.replace("-", ""))
    return member(500 + n, relation="child", birth_date=birth, id_number=number, cards=[], **changed)


PHOTO = {"url": "http://127.0.0.1:1/p.jpg", "sha256": "b" * 64}
AT = "2026-10-05T10:00:00+08:00"
WRONG_CHECK = id_number(7)[:-1] + ("1" if id_number(7)[-1] != "1" else "2")
DEATH = DECISION | {"kind": "death"}

CASES: dict[str, Case] = {
    # numbers
    "a version as text": Case(lambda n: second(n, members=people(n, None, None, child(n))) | {"version": "2"}),
    "a version with a point": Case(lambda n: second(n) | {"version": 2.0}),
    "a version that is a fraction": Case(lambda n: second(n) | {"version": 2.5}, "version_bad"),
    "a version below nothing": Case(lambda n: second(n) | {"version": -2}, "version_bad"),
    "a version in words": Case(lambda n: second(n) | {"version": "二"}, "version_bad"),
    "how many it is let to, as text": Case(lambda n: second(n, expected_members=" 3 ")),
    "how many it is let to, in words": Case(lambda n: second(n, expected_members="三口"), "expected_bad"),
    "how many it is let to, by a slip of the hand": Case(lambda n: second(n, expected_members=3000), "expected_bad"),
    "cards as numbers": Case(lambda n: second(n, members=people(n, {"cards": [3_000_000 + 2 * n]}))),
    "cards in full-width digits": Case(
        lambda n: second(n, members=people(n, {"cards": [str(3_000_000 + 2 * n).translate(WIDE)]}))
    ),
    "all cards in one text": Case(lambda n: second(n, members=people(n, {"cards": f"{3_000_000 + 2 * n}、0"}, None)),
                                  "card_bad", "P-{0:06d}"),
    "null for a list of cards": Case(lambda n: second(n, members=people(n, {"cards": None}, {"cards": None}))),
    "null for consents and photos": Case(
        lambda n: second(n, members=people(n, {"consents": None, "face_photo": None}, {"consents": None}))
    ),
    "null for everything that may be missing": Case(
        lambda n: second(n, to=None, handover_at=None, end_decision=None, updated_at=None)
    ),
    # dates
    "2026/1/5": Case(lambda n: second(n, **{"from": "2026/1/5"})),
    "20260105": Case(lambda n: second(n, **{"from": "20260105"})),
    "20260105 as a number": Case(lambda n: second(n, **{"from": 20260105})),
    "2026年1月5日": Case(lambda n: second(n, **{"from": "2026年1月5日"})),
    "a day of a spreadsheet": Case(lambda n: second(n, **{"from": 46027})),
    "midnight in China": Case(lambda n: second(n, **{"from": "2026-01-05T00:00:00+08:00"})),
    "midnight in China, told in Greenwich": Case(lambda n: second(n, **{"from": "2026-01-04T16:00:00Z"})),
    "milliseconds": Case(lambda n: second(n, **{"from": 1767542400000}), "date_bad"),
    "the end of all days": Case(lambda n: second(n, to="9999-12-31", members=people(n, {"to": "9999-12-31"}))),
    "the zero day of a database": Case(lambda n: second(n, to="0000-00-00", members=people(n, {"to": "0000-00-00"}))),
    "an end before its start": Case(lambda n: second(n, to="2025-12-31"), "dates_reversed"),
    "a member's end before his start": Case(
        lambda n: second(n, members=people(n, None, {"to": "2025-01-01"})), "dates_reversed", "P-{1:06d}"
    ),
    "the thirtieth of February": Case(lambda n: second(n, **{"from": "2026-02-30"}), "date_bad"),
    "the thirtieth of February, at a member": Case(
        lambda n: second(n, members=people(n, None, {"from": "2026-02-30"})), "date_bad", "P-{1:06d}"
    ),
    # shapes
    "null for members": Case(lambda n: second(n, members=None), "members_missing"),
    "no members": Case(lambda n: without(second(n), "members"), "members_missing"),
    "members as an object": Case(lambda n: second(n, members={"0": member(2 * n)}), "members_missing"),
    "a member that is null": Case(lambda n: second(n, members=[*people(n), None]), "not_an_object", "#3"),
    "unknown fields": Case(lambda n: second(n, arrears=9, frozen=True, access={"blocked": True}, 备注="欠租")),
    "a state nobody knows": Case(lambda n: second(n, state="suspended"), "state_bad"),
    "a state in capitals": Case(lambda n: second(n, state="ENDED", end_decision=DECISION), "state_bad"),
    "an event instead of a record": Case(
        lambda n: {"id": f"T-{n:06d}", "version": 2, "event": "tenant.evicted"}, "state_bad"
    ),
    "deeply nested": Case(lambda n: second(n, extra=nested(300))),
    "the same member twice": Case(
        lambda n: second(n, members=[*people(n), member(2 * n)]), "duplicate_person", "P-{0:06d}"
    ),
    "two tenants": Case(
        lambda n: second(n, members=people(n, None, {"relation": "applicant"})), "two_heads", "P-{1:06d}"
    ),
    # places
    "a dwelling nobody knows": Case(lambda n: second(n, dwelling_code="E001-B9-0101"), "dwelling_unknown"),
    "null for the dwelling": Case(lambda n: second(n, dwelling_code=None), "dwelling_missing"),
    "the house code in full-width letters": Case(lambda n: second(n, dwelling_code=code(n).lower().translate(WIDE))),
    # people
    "an identity number with a small x": Case(lambda n: second(n, members=people(n, {"id_number": with_x(n).lower()}))),
    "a wrong check digit": Case(
        lambda n: second(n, members=people(n, None, {"id_number": WRONG_CHECK})), "id_number_check", "P-{1:06d}"
    ),
    "an identity number of fifteen": Case(
        lambda n: second(n, members=people(n, None, {"id_number": "990000800101007"})), "id_number_length", "P-{1:06d}"
    ),
    "born tomorrow": Case(lambda n: second(n, members=people(n, None, None, child(n, "2026-11-22"))),
                          "id_number_birth", "P-{child:06d}"),
    "born tomorrow, without a number": Case(
        lambda n: second(n, members=people(n, None, None, child(n) | {"birth_date": "2026-11-22", "id_number": None})),
        "birth_future", "P-{child:06d}",
    ),
    "a newcomer who comes tomorrow": Case(
        lambda n: second(n, members=people(n, None, None, child(n, **{"from": "2026-11-22"})))
    ),
    "rare characters": Case(lambda n: second(n, members=people(n, {"name": "𠮷\U000323af\ue863"}))),
    "another writing of a name": Case(lambda n: second(n, members=people(n, {"name": "张　三 丰"}))),
    # life
    "the only one has died": Case(
        lambda n: household(n, 2, state="ended", end_decision=DEATH, members=[member(2 * n)]), cards=()
    ),
    "the tenant has died and others live there": Case(
        lambda n: household(n, 2, state="ended", end_decision=DEATH), cards=(1,)
    ),
    "a divorce: one leaves": Case(lambda n: second(n, members=[member(2 * n)]), cards=(0,)),
    "ended without a decision": Case(lambda n: second(n, state="ended")),
    "ended by arrears": Case(lambda n: second(n, state="ended", end_decision=DECISION | {"number": " "})),
    "ended, moving out tomorrow": Case(
        lambda n: second(n, state="ended", end_decision=DECISION | {"move_out_completed_on": "2026-11-22"})
    ),
    "ended, decided tomorrow": Case(lambda n: second(n, state="ended", end_decision=DECISION | {"date": "2026-11-22"})),
    "ended by a decision": Case(lambda n: second(n, state="ended", end_decision=DECISION), cards=()),
    "ended, and nobody is named any more": Case(
        lambda n: second(n, state="ended", end_decision=DECISION, members=[]), cards=()
    ),
    "the first day moves into the future": Case(lambda n: second(n, **{"from": "2027-01-01"})),
    "the keys are taken back": Case(lambda n: second(n, state="allocated")),
}  # fmt: skip
WIDE = {ord(c): ord(c) + 0xFEE0 for c in "0123456789abcdefghijklmnopqrstuvwxyz"}


def with_x(n: int) -> str:
    """The first valid number from here on whose check character is X."""
    return next(number for serial in range(n, n + 40) if (number := id_number(serial)).endswith("X"))


def first(name: str, n: int) -> Record:
    """Version 1 of the household of a case."""
    if name == "the only one has died":
        return household(n, 1, members=[member(2 * n)])
    if name == "an identity number with a small x":
        return household(n, 1, members=people(n, {"id_number": with_x(n)}))
    return household(n, 1)


@pytest.fixture
def wide(fed: Setup) -> Setup:
    """The estate with dwellings enough, and a brake that does not count what is meant to pass."""

    def build(hub: Hub) -> None:
        fed(hub)
        with hub.db.unit_of_work("test", "more dwellings", audit=False) as uow:
            policy = {"brake": {"share": 1.0, "households": 1000, "floor": 1000, "weekly": 1000}}
            uow.session.get_one(Estate, "E001").policy = policy
            uow.session.add_all(
                Dwelling(
                    id=f"E001.{code(n)}", estate_id="E001", block_id="E001.B1", code=code(n), floor=n // 4 + 1,
                    number=f"{n // 4 + 1}{n % 4 + 1:02d}", rooms=2,
                )
                for n in range(48, len(CASES) + 4)
            )  # fmt: skip

    return build


def expected(name: str, n: int) -> set[str]:
    return {str(3_000_000 + 2 * n + who) for who in CASES[name].cards}


def test_every_trouble_of_a_record_is_taken_or_named_and_costs_nobody_his_way_in(
    hub: Hub, wide: Setup, feed: Feed
) -> None:
    wide(hub)
    feed.records = [first(name, n) for n, name in enumerate(CASES)]
    assert f"+{len(CASES)}" in run(hub)
    feed.records = [case.change(n) for n, case in enumerate(CASES.values())]
    feed.records.append(household(len(CASES)))
    run(hub)
    now, named = access(hub), refused(hub)
    assert now.pop(code(len(CASES))), "additions go on"
    wrong = []
    for n, (name, case) in enumerate(CASES.items()):
        person = case.person.format(2 * n, 2 * n + 1, child=500 + n)
        key = f"T-{n:06d}" + (f"/{person}" if person else "")
        told = {k: v for k, v in named.items() if k.split("/")[0] == f"T-{n:06d}"}
        if told != ({key: case.reason} if case.reason else {}):
            wrong.append(f"{name}: told {told}, not {case.reason or 'nothing'} of {key}")
        if now.get(code(n), set()) != expected(name, n):
            wrong.append(f"{name}: {sorted(now.get(code(n), set()))} open, not {sorted(expected(name, n))}")
    assert not wrong, "\n".join(wrong)
    before = access(hub)
    assert "+0 ~0 -0" in run(hub), "and once more it changes nothing"
    assert access(hub) == before
    assert refused(hub) == named


def test_to_how_many_a_home_is_let_is_what_the_newest_record_says(hub: Hub, wide: Setup, feed: Feed) -> None:
    wide(hub)

    def kept() -> int | None:
        with hub.db.reading() as session:
            return session.query(Tenancy).one().expected_members

    for version, told, wanted in ((1, 3, 3), (2, "4", 4), (3, "四口", None), (4, None, None), (5, 2, 2)):
        feed.records = [household(0, version, expected_members=told)]
        run(hub)
        assert kept() == wanted, f"version {version}"
