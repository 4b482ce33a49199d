"""One's own password: who may set it, what it ends, what it tells, and that it makes no second person."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from meeting import before
from sqlalchemy import select

from hub import account, auth
from hub.auth import Principal
from hub.english.phrases import english
from hub.errors import ApiError, Conflict
from hub.passwords import matches
from hub.second_person import require_other
from hub.services import Hub
from hub.tables import AuditRow, HubUser, SignInLink, UserSession

OLD, NEW = "correct horse battery", "九号楼 new battery"
URL = "/api/v1/me/password"
ClientFor = Callable[[Hub], TestClient]


def add(hub: Hub, name: str, role: str = "housing_official", password: str | None = None) -> str:
    return auth.add_user(hub, name, name, role, [], password, "test")


def enter(hub: Hub, client_for: ClientFor, path: str) -> TestClient:
    """Signed in by a link."""
    client = client_for(hub)
    assert client.post("/signin/" + path.rpartition("/signin/")[2], follow_redirects=False).status_code == 303
    client.headers["X-CSRF-Token"] = client.get("/api/v1/me").json()["csrf"]
    return client


def by_password(hub: Hub, client_for: ClientFor, name: str, password: str) -> TestClient:
    client = client_for(hub)
    assert client.post("/api/v1/session", json={"name": name, "password": password}).status_code == 204
    client.headers["X-CSRF-Token"] = client.get("/api/v1/me").json()["csrf"]
    return client


def link_from(admin: TestClient, user: str) -> str:
    reply = admin.post(f"/api/v1/admin/users/{user}/sign-in-link")
    assert reply.status_code == 201, reply.text
    return str(reply.json()["url"])


def put(client: TestClient, password: str, current: str = "") -> tuple[int, str]:
    """(status, the refusal's code)"""
    reply = client.put(URL, json={"current": current, "password": password})
    return reply.status_code, "" if reply.status_code == 204 else reply.json()["error"]["code"]


def rows(hub: Hub) -> list[dict[str, Any]]:
    with hub.db.reading() as session:
        found = session.scalars(select(AuditRow).order_by(AuditRow.id)).all()
        return [change for row in found for change in row.changes if change["what"] == "password.set"]


def test_who_has_none_sets_one_and_signs_in_with_it(sqlite_hub: Hub, client_for: ClientFor) -> None:
    user = add(sqlite_hub, "wang")
    client = enter(sqlite_hub, client_for, auth.make_sign_in_link(sqlite_hub, "wang"))
    assert client.get("/api/v1/me").json()["has_password"] is False
    assert client.get(URL).json() == {"has_password": False, "current_needed": False, "min_length": 10}
    assert put(client, "too short") == (400, "bad_request")
    assert put(client, NEW) == (204, "")
    assert client.get("/api/v1/me").json()["has_password"] is True, "signed in as before"
    by_password(sqlite_hub, client_for, "wang", NEW)
    assert rows(sqlite_hub) == [
        {
            "what": "password.set",
            "subject": user,
            "replaced": False,
            "let_in_by": "command line",
            "sessions_ended": 0,
        }
    ]


def test_another_takes_the_current_one_and_ends_all_else(sqlite_hub: Hub, client_for: ClientFor) -> None:
    user = add(sqlite_hub, "wang", password=OLD)
    client, other = (by_password(sqlite_hub, client_for, "wang", OLD) for _ in range(2))
    link = auth.make_sign_in_link(sqlite_hub, "wang")
    assert client.get(URL).json()["current_needed"] is True
    assert put(client, NEW) == (400, "wrong_password")
    assert put(client, NEW, "wrong wrong wrong") == (400, "wrong_password")
    assert put(client, OLD, OLD) == (400, "same_password")
    assert put(client, NEW, OLD) == (204, "")
    assert client.get("/api/v1/me").status_code == 200, "this one goes on"
    assert other.get("/api/v1/me").status_code == 401, "a session elsewhere has ended"
    assert client_for(sqlite_hub).post(link, follow_redirects=False).status_code == 410, "and a link nobody followed"
    assert client_for(sqlite_hub).post("/api/v1/session", json={"name": "wang", "password": OLD}).status_code == 401
    by_password(sqlite_hub, client_for, "wang", NEW)
    assert [(r["subject"], r["replaced"], r["let_in_by"], r["sessions_ended"]) for r in rows(sqlite_hub)] == [
        (user, True, "", 1)
    ]


def test_guessing_the_current_one_locks_as_signing_in_does(sqlite_hub: Hub, client_for: ClientFor, clock: Any) -> None:
    add(sqlite_hub, "wang", password=OLD)
    client = by_password(sqlite_hub, client_for, "wang", OLD)
    assert [put(client, NEW, f"guess number {n}")[1] for n in range(5)] == ["wrong_password"] * 5
    assert put(client, NEW, OLD) == (400, "locked"), "the right one waits as well"
    assert client_for(sqlite_hub).post("/api/v1/session", json={"name": "wang", "password": OLD}).status_code == 401
    clock.pass_(minutes=16)
    assert put(client, NEW, OLD) == (204, "")


def test_a_key_another_site_and_nobody_set_no_password(sqlite_hub: Hub, client_for: ClientFor) -> None:
    add(sqlite_hub, "wang", password=OLD)
    client = by_password(sqlite_hub, client_for, "wang", OLD)
    key = {"X-Api-Key": auth.add_api_key(sqlite_hub, "lease")}
    assert client.put(URL, json={"current": OLD, "password": NEW}, headers=key).status_code == 403
    assert client.get(URL, headers=key).status_code == 403
    assert client.put(URL, json={"current": OLD, "password": NEW}, headers={"X-CSRF-Token": ""}).status_code == 403
    assert client_for(sqlite_hub).put(URL, json={"current": OLD, "password": NEW}).status_code == 401
    assert not rows(sqlite_hub)


def test_who_forgot_it_sets_another_within_an_hour_of_the_link_and_once(
    sqlite_hub: Hub, client_for: ClientFor, clock: Any
) -> None:
    add(sqlite_hub, "wang", password=OLD)
    client = enter(sqlite_hub, client_for, auth.make_sign_in_link(sqlite_hub, "wang"))
    assert client.get(URL).json() == {"has_password": True, "current_needed": False, "min_length": 10}
    assert put(client, NEW) == (204, "")
    assert client.get(URL).json()["current_needed"] is True, "the link has served"
    assert put(client, "somebody at the open screen") == (400, "wrong_password")
    late = enter(sqlite_hub, client_for, auth.make_sign_in_link(sqlite_hub, "wang"))
    clock.pass_(minutes=61)
    assert put(late, "somebody at the open screen") == (400, "wrong_password")


def test_no_password_is_written_down(
    sqlite_hub: Hub, client_for: ClientFor, caplog: pytest.LogCaptureFixture, tmp_path: Any
) -> None:
    add(sqlite_hub, "wang", password=OLD)
    client = by_password(sqlite_hub, client_for, "wang", OLD)
    caplog.set_level(logging.DEBUG)
    said = [
        client.put(URL, json={"current": "a wrong secret", "password": NEW}).text,
        client.put(URL, json={"current": [OLD], "password": {"x": NEW}}).text,
        client.put(URL, json={"current": OLD, "password": NEW}).text,
    ]
    with sqlite_hub.db.reading() as session:
        kept = [json.dumps(row.changes, ensure_ascii=False) + row.reason for row in session.scalars(select(AuditRow))]
    for secret in ("a wrong secret", OLD, NEW):
        assert secret not in "".join([*said, *kept, caplog.text])


def test_two_changes_at_once_are_one(sqlite_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second has looked before the first saved: it must not win with a password that is no more."""
    user = add(sqlite_hub, "wang", password=OLD)
    first, second = (auth.open_session(sqlite_hub, user) for _ in range(2))
    who = auth.by_session(sqlite_hub, first)
    once = iter([lambda: account.set_password(sqlite_hub, who, first, OLD, NEW)])
    before(monkeypatch, account, "hash_of", lambda: next(once, lambda: None)())
    with pytest.raises(ApiError) as refused:
        account.set_password(sqlite_hub, who, second, OLD, "the thief's password")
    assert refused.value.status == 409
    assert "a moment ago" in english(refused.value.message)
    assert auth.sign_in(sqlite_hub, "wang", NEW)


def office(hub: Hub, client_for: ClientFor) -> tuple[TestClient, Principal, str]:
    """An administrator with a password of his own, and an official without."""
    chief = add(hub, "chief", "administrator", OLD)
    return by_password(hub, client_for, "chief", OLD), Principal(chief, "chief", "chief", "", None), add(hub, "li")


def two_people(hub: Hub, asked_by: str, who: Principal) -> bool:
    with hub.db.reading() as session:
        try:
            require_other(session, asked_by, asked_by, who, hub.now())
        except Conflict:
            return False
    return True


def test_a_password_of_ones_own_makes_two_people_a_day_after_the_link(
    sqlite_hub: Hub, client_for: ClientFor, clock: Any
) -> None:
    admin, chief, li = office(sqlite_hub, client_for)
    client = enter(sqlite_hub, client_for, link_from(admin, li))
    clock.pass_(minutes=100)
    assert put(client, NEW) == (204, "")
    clock.pass_(minutes=22 * 60 + 30)
    assert not two_people(sqlite_hub, li, chief), "a day after the link, not after the password that it set"
    clock.pass_(minutes=120)
    assert two_people(sqlite_hub, li, chief)


def test_an_administrator_who_replaced_a_password_is_not_two_people_the_next_day(
    sqlite_hub: Hub, client_for: ClientFor, clock: Any
) -> None:
    """He follows his own link as the official, replaces the password, and waits until the link is a day old."""
    admin, chief, _ = office(sqlite_hub, client_for)
    victim = add(sqlite_hub, "zhao", password=OLD)
    own = by_password(sqlite_hub, client_for, "zhao", OLD)
    assert put(enter(sqlite_hub, client_for, link_from(admin, victim)), NEW) == (204, "")
    assert own.get("/api/v1/me").status_code == 401, "the official notices"
    clock.pass_(hours=25)
    assert not two_people(sqlite_hub, victim, chief)
    assert not two_people(sqlite_hub, chief.id, Principal(victim, "zhao", "zhao", "", None))
    assert put(by_password(sqlite_hub, client_for, "zhao", NEW), OLD, NEW) == (204, ""), "also not by changing it again"
    assert not two_people(sqlite_hub, victim, chief)
    clock.pass_(days=7)
    assert two_people(sqlite_hub, victim, chief)


def test_a_link_sets_nobodys_password_beyond_the_administrators_estates(
    sqlite_hub: Hub, small_site: Callable[[Hub], None], sign_in: Callable[..., TestClient]
) -> None:
    small_site(sqlite_hub)
    scoped, victim = sign_in(sqlite_hub, "administrator", ["E001"]), add(sqlite_hub, "zhao", password=OLD)
    assert scoped.post(f"/api/v1/admin/users/{victim}/sign-in-link").status_code == 404
    assert scoped.put(f"/api/v1/admin/users/{victim}/password", json={"password": NEW}).status_code in (404, 405)
    with sqlite_hub.db.reading() as session:
        assert not session.scalars(select(SignInLink)).all()
        assert session.get_one(HubUser, victim).password_hash


def test_what_a_link_let_in_is_kept_with_the_session(sqlite_hub: Hub, client_for: ClientFor) -> None:
    admin, _, li = office(sqlite_hub, client_for)
    enter(sqlite_hub, client_for, link_from(admin, li))
    with sqlite_hub.db.reading() as session:
        assert [row.let_in_by for row in session.scalars(select(UserSession).where(UserSession.user_id == li))] == [
            "chief"
        ]


def test_a_right_guess_among_many_at_once_waits_like_the_rest(
    sqlite_hub: Hub, monkeypatch: pytest.MonkeyPatch, clock: Any
) -> None:
    """It was looked at while nothing was locked yet; the wrong ones beside it are counted first."""
    add(sqlite_hub, "wang", password=OLD)

    def wrong_ones() -> None:
        for _ in range(auth.MAX_FAILURES):
            with pytest.raises(ApiError):
                auth.sign_in(sqlite_hub, "wang", "wrong wrong wrong")

    once = iter([wrong_ones])
    before(monkeypatch, auth, "open_session", lambda: next(once, lambda: None)())
    with pytest.raises(ApiError) as refused:
        auth.sign_in(sqlite_hub, "wang", OLD)
    assert refused.value.status == 401
    clock.pass_(minutes=16)
    assert auth.sign_in(sqlite_hub, "wang", OLD)


def test_a_right_guess_of_the_current_password_among_many_at_once_changes_nothing(
    sqlite_hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of whoever sits at a session that was left open."""
    user = add(sqlite_hub, "wang", password=OLD)
    own = auth.open_session(sqlite_hub, user)
    who = auth.by_session(sqlite_hub, own)

    def wrong_ones() -> None:
        for _ in range(auth.MAX_FAILURES):
            with pytest.raises(ApiError):
                account.set_password(sqlite_hub, who, own, "wrong wrong wrong", NEW)

    once = iter([wrong_ones])
    before(monkeypatch, account, "hash_of", lambda: next(once, lambda: None)())
    with pytest.raises(ApiError) as refused:
        account.set_password(sqlite_hub, who, own, OLD, NEW)
    assert refused.value.code == "locked"
    with sqlite_hub.db.reading() as session:
        assert matches(session.get_one(HubUser, user).password_hash, OLD)


def test_who_signs_in_with_a_password_that_is_being_changed_is_not_let_in(
    sqlite_hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = add(sqlite_hub, "wang", password=OLD)
    own = auth.open_session(sqlite_hub, user)
    who = auth.by_session(sqlite_hub, own)
    once = iter([lambda: account.set_password(sqlite_hub, who, own, OLD, NEW)])
    before(monkeypatch, auth, "open_session", lambda: next(once, lambda: None)())
    with pytest.raises(ApiError) as refused:
        auth.sign_in(sqlite_hub, "wang", OLD)
    assert refused.value.status == 401
