"""Feeds that lie, break off, repeat themselves and contradict themselves: additions go on, nothing is lost, a person sees why."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select
from tenancy_feed import DECISION, MANY, Feed, access, household, member, over, refused, run, state

from hub.access import publish
from hub.services import Hub
from hub.tables import (
    CredentialIdentifierRow,
    CredentialRow,
    Dwelling,
    Estate,
    HouseholdMember,
    SourceState,
    Tenancy,
)
from hub.tenancy import sync

Setup = Callable[[Hub], None]


def error_body(_cursor: str, _page: dict[str, Any]) -> Any:
    return 200, "application/json", b'{"error": "internal", "code": 500}'


def sign_in_page(_cursor: str, _page: dict[str, Any]) -> Any:
    return 200, "text/html", "<html><h1>登录</h1></html>".encode()


def on_second(what: Callable[[str, dict[str, Any]], Any]) -> Callable[[str, dict[str, Any]], Any]:
    """From the second page on."""
    return lambda cursor, page: what(cursor, page) if cursor not in ("", "0") else page


BROKEN: dict[str, tuple[Callable[[str, dict[str, Any]], Any], str]] = {
    "error body": (on_second(error_body), "bad_page"),
    "html": (on_second(sign_in_page), "not_json"),
    "500": (on_second(lambda _c, _p: (500, "text/plain", b"")), "server_error"),
    "half a body": (on_second(lambda _c, p: (200, "application/json", json.dumps(p).encode()[:90])), "not_json"),
    "break off as if complete": (on_second(lambda _c, p: p | {"items": p["items"][:2], "has_more": False}), "cut_page"),
    "total too high": (lambda _c, p: p | {"total": 4000}, "cut_page"),
    "total below nothing": (on_second(lambda _c, p: p | {"total": -1}), "bad_page"),
    "total beyond any database": (on_second(lambda _c, p: p | {"total": 10**30}), "bad_page"),
    "the same page for ever": (lambda _c, p: p | {"items": [household(0, 1)], "has_more": True}, "page_repeated"),
    "a cursor that stays": (lambda _c, p: p | {"next_cursor": "8", "has_more": True}, "cursor_loops"),
    "a cursor that goes back": (on_second(lambda _c, p: p | {"next_cursor": "3", "has_more": True}), "cursor_loops"),
    "a redirect": (on_second(lambda _c, _p: (302, "text/html", b"")), "bad_page"),
    "items that are no list": (on_second(lambda _c, p: p | {"items": {"a": 1}}), "bad_page"),
    "half a character": (on_second(lambda _c, _p: (200, "application/json", b'{"items": ["\\ud800"]}')), "not_json"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_pull_that_breaks_off_adds_and_takes_nothing(ready: Hub, feed: Feed, name: str) -> None:
    before = access(ready)
    cursor = state(ready).cursor
    feed.spoil, reason = BROKEN[name]
    feed.records[0] = over(0)  # on the first page: which of these can be believed nobody knows
    feed.records.insert(1, household(44))
    run(ready)
    assert state(ready).last_error.startswith(reason), state(ready).last_error
    now = access(ready)
    assert {k: now[k] for k in before} == before, "nothing is lost by a pull that broke off"
    assert state(ready).cursor == cursor, "the cursor does not move past what was not read"
    if name != "the same page for ever":
        assert len(now) == MANY + 1, "additions go on"
    feed.spoil = None
    assert "-1" in run(ready), "the feed is well again: the single signed end takes effect"
    assert state(ready).last_error == ""
    assert len(access(ready)) == MANY


def test_the_first_pull_of_all_may_break_off_too(sqlite_hub: Hub, fed: Setup, feed: Feed) -> None:
    fed(sqlite_hub)
    feed.page, feed.records = 8, [household(n) for n in range(20)]
    feed.spoil = BROKEN["500"][0]
    run(sqlite_hub)
    assert len(access(sqlite_hub)) == 8
    feed.spoil = None
    run(sqlite_hub)
    assert len(access(sqlite_hub)) == 20


@pytest.mark.parametrize("left", [0, 10, 30, 33, 36])
def test_a_shrunken_page_removes_nothing(ready: Hub, feed: Feed, left: int) -> None:
    """Without any error: the feed is shorter, says so itself, and ends one tenancy in passing."""
    before = access(ready)
    feed.records = ([over(0)] if left else []) + [household(n) for n in range(1, left)]
    run(ready)
    gone = MANY - left
    if gone > 3:
        assert access(ready) == before
        held = state(ready).held
        assert held is not None
        assert held["reason"] in ("empty_feed", "half_feed", "shrunken_feed")
        assert len(held["households"]) == gone + bool(left), "household by household"
        assert "没有撤销" in held["reason_zh"]
    feed.records = [household(n) for n in range(MANY)]
    run(ready)
    assert state(ready).held is None
    assert access(ready) == before


def test_every_incremental_page_is_judged_not_only_the_first_pull(ready: Hub, feed: Feed) -> None:
    before = access(ready)
    feed.spoil = lambda _c, p: p | {"items": [], "total": 0, "has_more": False}
    for _ in range(3):
        sync.run(ready)
        publish.publish(ready)
    assert access(ready) == before
    held = state(ready).held
    assert held is not None
    assert (held["reason"], len(held["households"])) == ("empty_feed", MANY)


@pytest.mark.parametrize(
    ("name", "change"),
    {
        "ended": lambda n: over(n),
        "one of two gone": lambda n: household(n, 2, members=[member(2 * n)]),
        "last day yesterday": lambda n: household(
            n, 2, members=[member(2 * n, to="2026-11-20"), member(2 * n + 1, relation="spouse")]
        ),
        "no cards any more": lambda n: household(n, 2, members=[member(2 * n, cards=[]), member(2 * n + 1, cards=[])]),
        "all in other dwellings": lambda n: household(n, 2, dwelling_code=household((n + 7) % MANY)["dwelling_code"]),
        "announced": lambda n: household(
            n, 2, state="ended", end_decision=DECISION | {"move_out_completed_on": "2026-12-24"}
        ),
    }.items(),
)
def test_each_kind_of_loss_counts_for_the_brake(
    ready: Hub, feed: Feed, name: str, change: Callable[[int], dict[str, Any]]
) -> None:
    before = access(ready)
    feed.records = [change(n) if n < 4 else household(n) for n in range(MANY)]
    feed.records.append(household(44))
    told = run(ready)
    assert "held: mass_removal" in told, name
    now = access(ready)
    assert {k: v for k, v in now.items() if k in before} == before, f"{name}: four households are more than the limit"
    assert len(now) == MANY + 1, "additions go on"
    held = state(ready).held
    assert held is not None
    assert {h["tenancy"] for h in held["households"] if h["reason"] == "mass_removal"} == {
        f"T-{n:06d}" for n in range(4)
    }
    feed.records = [change(n) if n < 3 else household(n) for n in range(MANY)]
    assert "held" not in run(ready), "three are not"


def test_no_record_moves_a_first_day_into_the_future_or_takes_the_keys_back(ready: Hub, feed: Feed) -> None:
    before = access(ready)
    far = "2099-01-01"
    feed.records[0] = household(0, 2, **{"from": far, "to": "2101-01-01"})
    feed.records[1] = household(1, 2, members=[member(2, **{"from": far}), member(3, relation="spouse")])
    feed.records[2] = household(2, 2, state="allocated")
    feed.records[3] = household(3, 2, end_decision=DECISION)  # a decision, but the tenancy is active
    feed.records[4] = household(4, 2, members=[member(8, to="2099-01-01"), member(9, to="9999-12-31", relation="子")])
    feed.records[5] = household(5, 2, state="ended", end_decision=DECISION | {"date": "2098-01-01"})
    feed.records[6] = household(
        6, 2, state="ended", end_decision=DECISION | {"date": "2098-01-01", "move_out_completed_on": "2098-02-01"}
    )
    for _ in range(3):
        run(ready)
        ready.clock.pass_(days=2)  # type: ignore[attr-defined]
    assert access(ready) == before
    with ready.db.reading() as session:
        days = session.scalars(select(HouseholdMember.from_date)).all()
        assert max(days) == date(2026, 1, 5)
        assert set(session.scalars(select(Tenancy.state))) == {"active"}


def test_the_same_version_with_other_content_takes_nothing_away_and_is_shown(ready: Hub, feed: Feed) -> None:
    before = access(ready)
    feed.records[0] = household(0, 1, members=[member(0)])
    feed.records[1] = household(1, 1, members=[member(2, cards=["99"]), member(3, relation="spouse")])
    feed.records[2] = household(2, 1, dwelling_code=household(45)["dwelling_code"])
    feed.records[3] = over(3, 1)
    feed.records[4] = household(4, 1, arrears=True, rent_owed=99_999, unknown={"a": [1]}, updated_at="2026-11-20")
    for _ in range(2):
        run(ready)
        now = access(ready)
        assert now.pop(household(1)["dwelling_code"]) == {"99", "3000002", "3000003"}, "what it adds is taken"
        assert now == {k: v for k, v in before.items() if k != household(1)["dwelling_code"]}
        assert refused(ready) == {f"T-{n:06d}": "version_conflict" for n in range(4)}
    feed.records[0] = household(0, 2, members=[member(0)])
    run(ready)
    assert access(ready)[household(0)["dwelling_code"]] == {"3000000"}, "a newer version does"
    assert "T-000000" not in refused(ready)


HUGE = "9" * 5000


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("version_bad", {"version": 2**63}),
        ("version_bad", {"version": 10**30}),
        ("version_bad", {"version": None}),
        ("version_bad", {"version": -1}),
        ("version_bad", {"version": 1.5}),
        ("version_bad", {"version": True}),
        ("too_long", {"dwelling_code": HUGE}),
        ("date_bad", {"from": "0001-01-01"}),
        ("date_bad", {"from": 10**40}),
        ("members_missing", {"members": {}}),
        ("members_missing", {"members": []}),
        ("members_many", {"members": [{}] * 101}),
        ("state_bad", {"state": "moved_out"}),
    ],
)
def test_a_poisoned_record_is_refused_alone(ready: Hub, feed: Feed, reason: str, change: dict[str, Any]) -> None:
    before = access(ready)
    feed.records[0] = household(0, 2) | change
    feed.records.append(household(44))
    run(ready)
    assert refused(ready) == {"T-000000": reason}
    now = access(ready)
    assert now.pop(household(44)["dwelling_code"]), "the rest goes on"
    assert now == before
    assert state(ready).detail["missing"] == [], "what could not be read was in the feed"


def test_odd_values_neither_stop_a_run_nor_reach_the_database_as_they_are(hub: Hub, fed: Setup, feed: Feed) -> None:
    """On both databases: PostgreSQL takes no NUL and no integer beyond 64 bits."""
    fed(hub)
    feed.records = [
        household(0, 2**63 - 1),
        household(1, 1_764_201_600_000),
        household(2, members=[member(4, name="张\x00三\u200b\u202e")]),
        household(3, members=[member(6, name="𠮷野家🏠", person_id="Ｐ－６\x07")]),
        household(4) | {"id": "T-\x00 4", "extra": HUGE},
        household(5, members=[member(10, name=HUGE), member(11, relation="spouse")]),
        household(6, members=[member(12, consents={"a": {"at": "0001-01-01T00:00:00+14:00"}}), member(13)]),
        household(7, handover_at="nonsense"),
        None, 7, "x", [], {}, {"id": HUGE}, {"id": {"a": 1}}, {"id": "T-x", "version": 1},
    ]  # fmt: skip
    run(hub)
    with hub.db.reading() as session:
        rows = {t.source_id: t.version for t in session.scalars(select(Tenancy))}
    assert len(rows) == 8
    assert rows["T-000000"] == 2**63 - 1
    assert rows["T-000001"] == 1_764_201_600_000
    assert "T- 4" in rows
    assert len(refused(hub)) >= 8, "each of the others is told with its reason"
    assert "+0 ~0 -0" in run(hub), "and the second time nothing changes"


def test_another_person_under_a_known_number_does_not_inherit(ready: Hub, feed: Feed) -> None:
    before = access(ready)
    stranger = member(0, name="王小二", id_number=member(900)["id_number"], cards=["777"])
    feed.records[0] = household(0, 2, members=[stranger, member(1, relation="spouse")])
    run(ready)
    assert refused(ready) == {"T-000000/P-000000": "person_other"}
    assert access(ready) == before, "who lived there keeps his access, and nobody else gets it"


def test_few_in_each_of_many_estates_are_many(sqlite_hub: Hub, fed: Setup, feed: Feed) -> None:
    hub = sqlite_hub
    fed(hub)
    with hub.db.unit_of_work("test", "ten estates", audit=False) as uow:
        for n in range(10):
            uow.session.add(Estate(id=f"E1{n:02d}", code=f"E1{n:02d}", name="小区", policy={}))
            uow.session.flush()
            block = uow.session.scalars(select(Dwelling)).first()
            assert block is not None
            uow.session.add_all(
                Dwelling(
                    id=f"E1{n:02d}.{d}", estate_id=f"E1{n:02d}", block_id=block.block_id, code=f"E1{n:02d}-B1-{d:04d}",
                    floor=1, number=str(d), rooms=1,
                )
                for d in range(6)
            )  # fmt: skip
    feed.records = [
        household(100 + 6 * n + d, dwelling_code=f"E1{n:02d}-B1-{d:04d}") for n in range(10) for d in range(6)
    ]
    assert "+60" in run(hub)
    before = access(hub)
    feed.records = [
        r | ({"version": 2, "state": "ended", "end_decision": DECISION} if i % 6 < 3 else {})
        for i, r in enumerate(feed.records)
    ]
    assert "held: mass_removal" in run(hub), "three in each estate, thirty in one run"
    assert access(hub) == before


def test_a_slow_drip_is_counted_over_a_day_and_over_a_week(ready: Hub, feed: Feed) -> None:
    """By members, whose credentials end later: what counts is what was decided, not what was carried out."""
    told: list[bool] = []
    for number in range(16):
        feed.records[number] = household(number, 2, members=[member(2 * number)])
        with ready.db.unit_of_work("test", "everything again", audit=False) as uow:
            sync.want_full(uow, uow.session.get_one(SourceState, "feed"))
        told.append("held" in sync.run(ready))
        ready.clock.pass_(minutes=20)  # type: ignore[attr-defined]
        if number % 4 == 3:
            feed.records[number] = household(number)  # the fourth of each day is taken back
            ready.clock.pass_(hours=24)  # type: ignore[attr-defined]
    assert told == [False, False, False, True] * 3 + [True] * 4, "three a day pass, nine a week, and no more"


def test_a_record_without_a_field_takes_nothing_away_and_an_empty_one_is_a_loss(ready: Hub, feed: Feed) -> None:
    """A feed that lost a column is no feed that says "none". What it does say counts for the brake."""
    photo = {"url": "http://127.0.0.1:1/p.jpg", "sha256": "a" * 64}
    feed.records = [household(n, 2, members=[member(2 * n, face_photo=photo), member(2 * n + 1)]) for n in range(MANY)]
    run(ready)
    before = faces_and_cards(ready)
    assert len(before) == 3 * MANY
    columns = ("cards", "face_photo", "consents", "id_number", "birth_date")
    bare = [{k: v for k, v in m.items() if k not in columns} for r in feed.records for m in r["members"]]
    feed.records = [household(n, 3, members=bare[2 * n : 2 * n + 2]) for n in range(MANY)]
    assert "held" not in run(ready)
    assert faces_and_cards(ready) == before, "nothing was said of them"
    feed.records = [household(n, 4, members=[member(2 * n), member(2 * n + 1)]) for n in range(MANY)]
    assert "held: mass_removal" in run(ready), "null is a word: no photo any more, although the consent goes on"
    assert faces_and_cards(ready) == before
    nobody = {"a": None, "b": None, "c": None}
    feed.records = [household(n, 5, members=[member(2 * n, consents=nobody), member(2 * n + 1)]) for n in range(MANY)]
    assert "held" not in run(ready), "a consent taken back is the person's right: it waits for nobody"
    assert {kind for kind, _ in faces_and_cards(ready)} == {"card"}


def faces_and_cards(hub: Hub) -> set[tuple[str, str]]:
    with hub.db.reading() as session:
        rows = session.execute(
            select(CredentialIdentifierRow.type, CredentialIdentifierRow.value + CredentialIdentifierRow.token)
            .join(CredentialRow, CredentialRow.token == CredentialIdentifierRow.token)
            .where(CredentialRow.state == "active")
        )
        return {(kind, what) for kind, what in rows}


def test_a_source_that_stands_at_an_older_state_is_shown(ready: Hub, feed: Feed) -> None:
    feed.records[0] = household(0, 5)
    run(ready)
    before = access(ready)
    feed.records[0] = household(0, 2, members=[member(0)])
    run(ready)
    assert access(ready) == before
    assert refused(ready) == {"T-000000": "version_back"}
