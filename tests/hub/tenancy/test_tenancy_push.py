"""Signed push on both databases: only who holds the key speaks; any order, any number of times, the same end; braked."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi.testclient import TestClient
from meeting import after, meeting
from sqlalchemy import select
from tenancy_office import member
from tenancy_office import tenancy as office_tenancy

from hub.services import Hub
from hub.tables import HouseholdMember, SourceRow, SourceState, Tenancy
from hub.tenancy import held, onfile, push

Setup = Callable[[Hub], None]
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SECRET = bytes(range(40))
DECISION = {
    "number": "青房退〔2026〕12号", "date": "2026-11-01", "move_out_completed_on": "2026-11-15", "kind": "surrender",
    "signed_by": "虚构市住房保障中心",
}  # fmt: skip


@pytest.fixture
def pushing(estate: Setup) -> Setup:
    """The estate, and two sources that push: `centre` (Ed25519) and `street` (HMAC)."""

    def build(hub: Hub) -> None:
        estate(hub)
        keys = {"centre": PRIVATE.public_key().public_bytes_raw(), "street": SECRET}
        kinds = {"centre": "ed25519", "street": "hmac-sha256"}
        for name, key in keys.items():
            (hub.config.dir / f"{name}.key").write_bytes(base64.b64encode(key))
        sources = [{"name": n, "kind": "push", "push": {"algorithm": kinds[n], "key_file": f"{n}.key"}} for n in keys]
        (hub.config.dir / "sources.json").write_text(json.dumps(sources))

    return build


def tenancy(number: int, **changed: Any) -> dict[str, Any]:
    """Without the photograph, whose address only the simulated office fills in."""
    people = [member(2 * number, face_photo=None), member(2 * number + 1, relation="spouse", face_photo=None)]
    return office_tenancy(number, **{"members": people, **changed})


def send(client: TestClient, hub: Hub, items: list[Any], source: str = "centre", **wrong: Any) -> Any:
    body = json.dumps({"items": items}).encode()
    stamp = str(int(hub.now().timestamp()) + wrong.get("late", 0))
    content = stamp.encode() + b"." + body
    sign = PRIVATE.sign if source == "centre" else lambda c: hmac.new(SECRET, c, hashlib.sha256).digest()
    headers = {"X-Timestamp": stamp, "X-Signature": base64.b64encode(sign(content)).decode()}
    url = f"/api/v1/tenancy/push/{wrong.get('to', source)}"
    return client.post(url, content=wrong.get("body", body), headers={**headers, **wrong.get("headers", {})})


def tenancies(hub: Hub) -> dict[str, tuple[int, str]]:
    with hub.db.reading() as session:
        return {t.source_id: (t.version, t.state) for t in session.scalars(select(Tenancy))}


@pytest.mark.parametrize("source", ["centre", "street"])
def test_a_push_is_taken_once_however_often_it_comes(
    hub: Hub, pushing: Setup, client_for: Callable[[Hub], TestClient], source: str
) -> None:
    pushing(hub)
    client = client_for(hub)
    items = [
        tenancy(1),
        tenancy(2, members=[member(4, face_photo=None), member(5, face_photo=None, relation="child", id_number="1")]),
        "no record",
        tenancy(3, dwelling_code="E9-1"),
    ]
    first = send(client, hub, items, source)
    assert first.status_code == 200, first.text
    told = first.json()
    assert (told["accepted"], told["new"]) == (2, 2)
    assert {r["reason"] for r in told["refused"]} == {"id_number_length", "not_an_object", "dwelling_unknown"}
    again = send(client, hub, items, source).json()
    assert (again["new"], again["changed"], again["unchanged"]) == (0, 0, 2)
    with hub.db.reading() as session:
        assert len(session.scalars(select(SourceRow)).all()) == 3, "none is lost, none is kept twice"


def test_any_order_of_versions_ends_the_same(hub: Hub, pushing: Setup, client_for: Callable[[Hub], TestClient]) -> None:
    pushing(hub)
    client = client_for(hub)
    versions = [
        tenancy(
            n, id=f"T-{n}", version=v, state="ended" if v == 3 else "active", end_decision=DECISION if v == 3 else None
        )
        for n, v in itertools.product(range(3), (1, 2, 3))
    ]
    for number, order in enumerate([(0, 1, 2), (2, 0, 1), (1, 2, 0)]):
        for position in order:
            assert send(client, hub, [versions[3 * number + position]]).status_code == 200
    assert set(tenancies(hub).values()) == {(3, "ended")}


@pytest.mark.parametrize(
    "wrong",
    [
        {"late": 301}, {"late": -301}, {"body": b'{"items": []} '}, {"to": "street"}, {"to": "nobody"},
        {"headers": {"X-Signature": ""}}, {"headers": {"X-Signature": "***"}}, {"headers": {"X-Timestamp": "now"}},
        {"headers": {"X-Timestamp": "99999999999999999999"}},
    ],
)  # fmt: skip
def test_who_has_not_the_key_changes_nothing(
    sqlite_hub: Hub, pushing: Setup, client_for: Callable[[Hub], TestClient], wrong: dict[str, Any]
) -> None:
    pushing(sqlite_hub)
    reply = send(client_for(sqlite_hub), sqlite_hub, [tenancy(1)], **wrong)
    assert (reply.status_code, reply.json()["error"]["code"]) == (401, "unauthenticated")
    assert tenancies(sqlite_hub) == {}


def test_a_short_secret_is_no_secret(sqlite_hub: Hub, pushing: Setup) -> None:
    pushing(sqlite_hub)
    (sqlite_hub.config.dir / "street.key").write_bytes(base64.b64encode(b"short"))
    source = next(s for s in push.load_sources(sqlite_hub.config.dir) if s.name == "street")
    with pytest.raises(push.SourceProblem, match="5 bytes"):
        push.read_push_key(sqlite_hub.config.dir, source)


def test_the_brake_guards_pushes_and_single_urgent_ends_pass(
    hub: Hub, pushing: Setup, client_for: Callable[[Hub], TestClient]
) -> None:
    pushing(hub)
    client = client_for(hub)
    send(client, hub, [tenancy(n) for n in range(40)])
    ends = [tenancy(n, version=2, state="ended", end_decision=DECISION) for n in range(10, 14)]
    told = send(client, hub, [*ends, tenancy(41)]).json()
    assert (told["ended"], told["new"], len(told["held"])) == (0, 1, 4), "additions go on"
    urgent = send(client, hub, [tenancy(20, version=2, state="ended", end_decision=DECISION)]).json()
    assert urgent["ended"] == 1, "a single one does not wait for the held ones"
    with hub.db.reading() as session:
        shown = session.get_one(SourceState, "centre").held
    assert shown is not None
    assert len(shown["households"]) == 4
    for who in ("王官员", "李官员"):
        with hub.db.unit_of_work(who, "逐户核对", now=hub.now()) as uow:
            held.confirm(uow, uow.session.get_one(SourceState, "centre"), shown["set"])
    assert send(client, hub, ends).json()["ended"] == 4, "the same push again, now with two persons' word"
    with hub.db.reading() as session:
        assert session.get_one(SourceState, "centre").held is None
    assert sum(state == "ended" for _, state in tenancies(hub).values()) == 5


@pytest.mark.parametrize("version", [1, 2])
def test_a_push_of_an_older_or_equal_version_revives_nothing(
    sqlite_hub: Hub, pushing: Setup, client_for: Callable[[Hub], TestClient], version: int
) -> None:
    pushing(sqlite_hub)
    client = client_for(sqlite_hub)
    send(client, sqlite_hub, [tenancy(1)])
    send(client, sqlite_hub, [tenancy(1, version=2, state="ended", end_decision=DECISION)])
    told = send(client, sqlite_hub, [tenancy(1, version=version)]).json()
    assert (told["stale"], told["changed"]) == (1, 0)
    assert list(tenancies(sqlite_hub).values()) == [(2, "ended")]


def test_an_earlier_lease_end_is_remembered_from_push_to_push(
    sqlite_hub: Hub, pushing: Setup, client_for: Callable[[Hub], TestClient]
) -> None:
    pushing(sqlite_hub)
    client = client_for(sqlite_hub)
    people = [member(2, face_photo=None, to="2026-10-31")]
    for version, end in ((1, "2026-10-31"), (2, "2029-10-31"), (3, "2029-10-31")):
        told = send(client, sqlite_hub, [tenancy(1, version=version, to=end, members=people)]).json()
        assert told["refused"] == []
    assert tenancies(sqlite_hub) != {}
    with sqlite_hub.db.reading() as session:
        (row,) = session.scalars(select(HouseholdMember))
    assert (row.to_date, row.offered["lease_end"]) == (None, "2026-10-31")


def test_of_two_pushes_at_once_the_newer_stands(hub: Hub, pushing: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second comes while the first has compared and not written yet: it waits, and sees what the first wrote."""
    pushing(hub)
    source = next(s for s in push.load_sources(hub.config.dir) if s.name == "centre")
    push.take(hub, source, [tenancy(1)])
    met = meeting(hub, lambda: push.take(hub, source, [tenancy(1, version=3)]))
    after(monkeypatch, onfile, "known", met)
    push.take(hub, source, [tenancy(1, version=2)])
    met.over()
    assert list(tenancies(hub).values()) == [(3, "active")], "the older one did not overwrite it"


# --- what people say of what is held, while a push is being taken ------------------------------------------------------------

ENDS = [tenancy(n, version=2, state="ended", end_decision=DECISION) for n in range(10, 14)]


def held_set(hub: Hub, client: TestClient) -> str:
    """Of 40 households four are to go, which the brake holds."""
    send(client, hub, [tenancy(n) for n in range(40)])
    assert len(send(client, hub, ENDS).json()["held"]) == 4
    with hub.db.reading() as session:
        state = session.get_one(SourceState, "centre")
        assert state.held is not None
        return str(state.held["set"])


def say(hub: Hub, who: str, what: Callable[..., object], shown: str) -> None:
    with hub.db.unit_of_work(who, "逐户核对", now=hub.now()) as uow:
        what(uow, uow.session.get_one(SourceState, "centre", with_for_update=True), shown)


def test_what_was_refused_while_a_push_came_is_not_removed(
    postgres_hub: Hub, pushing: Setup, client_for: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = postgres_hub
    pushing(hub)
    client = client_for(hub)
    shown = held_set(hub, client)
    say(hub, "王官员", held.confirm, shown)
    say(hub, "李官员", held.confirm, shown)
    clock.pass_(minutes=1)
    met = meeting(hub, lambda: say(hub, "张官员", held.refuse, shown))
    after(monkeypatch, push, "judge", met)
    assert send(client, hub, [tenancy(41)]).status_code == 200
    met.over()
    assert send(client, hub, ENDS).json()["ended"] == 0, "four households stay: somebody refused it, and was told so"


def test_what_two_let_pass_while_a_push_came_is_not_forgotten(
    postgres_hub: Hub, pushing: Setup, client_for: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = postgres_hub
    pushing(hub)
    client = client_for(hub)
    shown = held_set(hub, client)
    say(hub, "王官员", held.confirm, shown)
    clock.pass_(minutes=1)
    met = meeting(hub, lambda: say(hub, "李官员", held.confirm, shown))
    after(monkeypatch, push, "judge", met)
    send(client, hub, [tenancy(41)])
    met.over()
    assert send(client, hub, ENDS).json()["ended"] == 4
