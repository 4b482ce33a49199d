"""Sessions, lockout, links, keys, masking, the audit chain."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from hub import auth
from hub.audit import ChainBroken, chain_of, first_broken, verify
from hub.english.phrases import english
from hub.errors import BadRequest
from hub.masking import mask_card, mask_id_number, mask_name
from hub.services import Hub
from hub.tables import AuditRow, HubUser, SignInLink, UserSession

PASSWORD = "correct horse battery"


@pytest.fixture
def user(sqlite_hub: Hub) -> str:
    return auth.add_user(sqlite_hub, "wang", "王工", "auditor", [], PASSWORD, "test")


def try_in(client: TestClient, password: str, name: str = "wang") -> int:
    return client.post("/api/v1/session", json={"name": name, "password": password}).status_code


def test_signing_in_and_out(sqlite_hub: Hub, user: str, client_for: Callable[[Hub], TestClient]) -> None:
    client = client_for(sqlite_hub)
    reply = client.post("/api/v1/session", json={"name": "wang", "password": PASSWORD})
    assert reply.status_code == 204
    assert "HttpOnly" in reply.headers["set-cookie"]
    assert "samesite=lax" in reply.headers["set-cookie"].lower()
    me = client.get("/api/v1/me").json()
    assert (me["role"], me["display_name"]) == ("auditor", "王工")
    assert client.delete("/api/v1/session").status_code == 403, "no token, no change"
    assert client.delete("/api/v1/session", headers={"X-CSRF-Token": me["csrf"]}).status_code == 204
    assert client.get("/api/v1/me").status_code == 401


def test_five_failures_lock_the_name_for_a_quarter_of_an_hour(
    sqlite_hub: Hub, user: str, client_for: Callable[[Hub], TestClient], clock: Any
) -> None:
    client = client_for(sqlite_hub)
    assert [try_in(client, "wrong") for _ in range(5)] == [401] * 5
    assert try_in(client, PASSWORD) == 401, "even the right password waits, and nobody learns that there is such a name"
    clock.pass_(minutes=14)
    assert try_in(client, PASSWORD) == 401
    clock.pass_(minutes=2)
    assert try_in(client, PASSWORD) == 204
    assert try_in(client, "wrong", "nobody") == 401, "an unknown name reads like a wrong password"


def test_sessions_end_by_time_idleness_and_disabling(sqlite_hub: Hub, user: str, clock: Any) -> None:
    token = auth.open_session(sqlite_hub, user)
    for _ in range(5):
        clock.pass_(minutes=110)
        assert auth.by_session(sqlite_hub, token).id == user, "used every two hours it lives"
    clock.pass_(minutes=121)
    with pytest.raises(auth.ApiError, match="401"):
        auth.by_session(sqlite_hub, token)
    fresh = auth.open_session(sqlite_hub, user)
    with sqlite_hub.db.unit_of_work("test", "disable") as uow:
        uow.session.execute(update(HubUser).values(disabled=True))
    with pytest.raises(auth.ApiError, match="401"):
        auth.by_session(sqlite_hub, fresh)


def test_only_hashes_are_kept(sqlite_hub: Hub, user: str) -> None:
    token, link = auth.open_session(sqlite_hub, user), auth.make_sign_in_link(sqlite_hub, "wang")
    key = auth.add_api_key(sqlite_hub, "lease")
    with sqlite_hub.db.reading() as session:
        kept = [*session.scalars(select(UserSession.token_hash)), *session.scalars(select(SignInLink.token_hash))]
        hashes = [str(session.scalar(select(HubUser.password_hash)))]
    assert token not in kept
    assert link.rpartition("/")[2] not in kept
    assert key not in kept
    assert hashes[0].startswith("$argon2id$")


def test_a_password_is_dear_to_try() -> None:
    """In a process of its own: those of the tests are cheap."""
    code = "from hub.passwords import hash_of; print(hash_of('correct horse'))"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert made.startswith("$argon2id$v=19$m=65536,t=3,p=4$"), "64 MiB, three times over"


@pytest.mark.parametrize("single_use", [True, False])
def test_a_sign_in_link_works_once_and_until_it_expires(
    sqlite_hub: Hub, user: str, client_for: Callable[[Hub], TestClient], clock: Any, single_use: bool
) -> None:
    client = client_for(sqlite_hub)
    link = auth.make_sign_in_link(sqlite_hub, "wang", single_use=single_use)
    reply = client.post(link, follow_redirects=False)
    assert (reply.status_code, reply.headers["location"]) == (303, "/")
    assert client.get("/api/v1/me").json()["name"] == "wang"
    again = client.post(link, follow_redirects=False)
    assert again.status_code == (410 if single_use else 303), "a link is of one use unless the demo made it"
    clock.pass_(hours=13)
    late = client.post(link, follow_redirects=False)
    assert late.status_code == 410
    assert "已失效" in late.text


@pytest.mark.parametrize(
    ("role", "estates", "password", "why"),
    [
        ("king", [], PASSWORD, "There is no role king: use one of estate_manager, "),
        ("lease_system", [], PASSWORD, "There is no role lease_system"),
        ("estate_manager", [], PASSWORD, "at least one estate"),
        ("auditor", [], "short", "at least 10 characters"),
    ],
)
def test_users_that_cannot_be(sqlite_hub: Hub, role: str, estates: list[str], password: str, why: str) -> None:
    with pytest.raises(BadRequest) as refused:
        auth.add_user(sqlite_hub, "x", "x", role, estates, password, "test")
    assert why in english(refused.value.message), "said in both languages, wherever somebody is added"


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "system",
        "System",
        "command line",
        "edge:e1",
        "source:s",
        "user-8mka0qis0a19",
        " wang",
        "a\nb",
        "x" * 61,
    ],
)
def test_nobody_is_called_like_what_the_audit_trail_calls_others(sqlite_hub: Hub, name: str) -> None:
    """What is done under a sign-in name `system` would read as done by the system."""
    with pytest.raises(BadRequest) as refused:
        auth.add_user(sqlite_hub, name, "x", "auditor", [], None, "test")
    assert "cannot be a sign-in name" in english(refused.value.message)


def test_the_audit_trail_names_who_it_was_and_finds_all_of_theirs(
    sqlite_hub: Hub, user: str, client_for: Callable[[Hub], TestClient]
) -> None:
    """Some rows hold the id, some the sign-in name: whoever looks for a person asks for neither."""
    client = client_for(sqlite_hub)
    assert try_in(client, PASSWORD) == 204
    with sqlite_hub.db.unit_of_work("wang", "by name", now=sqlite_hub.now()) as uow:
        uow.record("thing.changed", "thing-1")
    rows = client.get("/api/v1/audit").json()["items"]
    assert {row["reason"]: row["actor_name"] for row in rows} == {
        "by name": "王工 (wang)",
        "sign-in": "王工 (wang)",
        "add user": "test",
    }
    for asked in ("wang", user, "王工", "王工 (wang)"):
        found = client.get("/api/v1/audit", params={"actor": asked}).json()["items"]
        assert {row["reason"] for row in found} == {"by name", "sign-in"}, asked
    assert client.get("/api/v1/audit", params={"actor": "test"}).json()["items"]


def test_a_name_signs_in_one_user(sqlite_hub: Hub) -> None:
    for name in ("x", "y"):
        auth.add_user(sqlite_hub, name, name, "auditor", [], PASSWORD, "test")
    with pytest.raises(BadRequest, match="已有用户“x”") as refused:
        auth.add_user(sqlite_hub, "x", "another", "auditor", [], PASSWORD, "test")
    assert english(refused.value.message) == "There is already a user x: choose another sign-in name."


def test_who_may_what_is_as_agreed() -> None:
    may = {role: auth.Principal("x", "x", "x", role, None).may for role in auth.PERMISSIONS}
    assert not may["administrator"]("person.reveal")
    assert not may["administrator"]("case.decide")
    assert not may["auditor"]("person.reveal")
    assert not may["estate_manager"]("case.view")
    assert [role for role in auth.PERMISSIONS if may[role]("case.decide")] == ["housing_official"]
    assert [role for role in auth.PERMISSIONS if may[role]("lease.decide")] == ["lease_system"]


@pytest.mark.parametrize("tamper", ["reason", "changes", "delete", "insert"])
def test_a_tampered_audit_row_is_found(hub: Hub, tamper: str) -> None:
    for n in range(5):
        with hub.db.unit_of_work("somebody", f"change {n}", now=hub.now()) as uow:
            uow.record("thing.changed", f"thing-{n}", n=n)
    with hub.db.reading() as session:
        assert first_broken(session) is None
        ids = list(session.scalars(select(AuditRow.id).order_by(AuditRow.id)))
    with hub.db.unit_of_work("thief", "tampering", audit=False) as uow:
        row = uow.session.get_one(AuditRow, ids[2])
        if tamper == "delete":
            uow.session.delete(row)
        elif tamper == "insert":
            copy = {c: getattr(row, c) for c in ("at", "actor", "reason", "changes", "previous_hash", "hash")}
            uow.session.add(AuditRow(**copy))
        elif tamper == "reason":
            row.reason = "something else"
        else:
            row.changes = [{"what": "thing.changed", "subject": "thing-2", "n": 99}]
    with hub.db.reading() as session:
        assert first_broken(session) is not None, f"{tamper} went unnoticed"


def three_rows(hub: Hub) -> list[int]:
    for n in range(3):
        with hub.db.unit_of_work("somebody", f"change {n}", now=hub.now()) as uow:
            uow.record("thing.changed", f"thing-{n}", n=n)
    with hub.db.reading() as session:
        return list(session.scalars(select(AuditRow.id).order_by(AuditRow.id)))


def test_the_chain_is_followed_from_where_it_was_left_and_whole_once_a_day(hub: Hub) -> None:
    first, *_ = three_rows(hub)
    chain = chain_of(hub)
    with hub.db.reading() as session:
        assert chain.check(session)
    with hub.db.unit_of_work("thief", "tampering", audit=False) as uow:
        uow.session.get_one(AuditRow, first).reason = "something else"
    three_rows(hub)
    with hub.db.reading() as session:
        assert chain.check(session), "an old row is not read at every call"
    with pytest.raises(ChainBroken, match=f"row {first}"):
        verify(hub)
    with hub.db.reading() as session:
        assert not chain.check(session), "what the full check found stays found"


@pytest.mark.parametrize("cut", [True, False])
def test_newest_rows_that_were_cut_off_or_rewritten_are_seen_at_the_next_look(hub: Hub, cut: bool) -> None:
    newest = three_rows(hub)[-1]
    with hub.db.reading() as session:
        assert chain_of(hub).check(session)
    with hub.db.unit_of_work("thief", "tampering", audit=False) as uow:
        row = uow.session.get_one(AuditRow, newest)
        if cut:
            uow.session.delete(row)
        else:
            row.hash = "f" * 64
    with hub.db.reading() as session:
        assert not chain_of(hub).check(session)
    with pytest.raises(ChainBroken):
        verify(hub)


def test_an_open_stream_lives_no_longer_than_its_session(sqlite_hub: Hub, user: str, clock: Any) -> None:
    def begin() -> tuple[str, auth.Principal]:
        token = auth.open_session(sqlite_hub, user)
        return token, auth.by_session(sqlite_hub, token)

    token, principal = begin()
    assert auth.still_signed_in(sqlite_hub, token, principal)
    auth.end_session(sqlite_hub, token)
    assert not auth.still_signed_in(sqlite_hub, token, principal), "signed out"
    token, principal = begin()
    clock.pass_(hours=13)
    assert not auth.still_signed_in(sqlite_hub, token, principal), "expired"
    for change in ({"disabled": True}, {"role": "estate_manager"}):
        token, principal = begin()
        with sqlite_hub.db.unit_of_work("test", "change", audit=False) as uow:
            row = uow.session.get_one(HubUser, user)
            for name, value in change.items():
                setattr(row, name, value)
        assert not auth.still_signed_in(sqlite_hub, token, principal), change
        with sqlite_hub.db.unit_of_work("test", "back", audit=False) as uow:
            uow.session.get_one(HubUser, user).disabled = False


@pytest.mark.parametrize(
    ("name", "masked"),
    [("李建华", "李*华"), ("李华", "李*"), ("欧阳建峰", "欧**峰"), ("李", "*"), ("", ""), (" 李华 ", "李*")],
)
def test_names_are_masked(name: str, masked: str) -> None:
    assert mask_name(name) == masked


def test_numbers_are_masked() -> None:
    assert mask_id_number("123X") == "**************123X"
    assert mask_id_number("") == ""
    assert mask_card("0003456789") == "******6789"
    assert mask_card("12") == "*2"


@given(st.text(alphabet="0123456789", max_size=30))
def test_a_masked_card_shows_at_most_four_and_at_most_half(number: str) -> None:
    masked = mask_card(number)
    shown = len(masked) - masked.count("*")
    assert len(masked) == len(number)
    assert shown <= 4
    assert shown <= len(number) / 2
