"""A sign-in link: opening its page uses nothing up, the button does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, update

from hub import auth
from hub.services import Hub
from hub.tables import AuditRow, HubUser, SignInLink, UserSession

ClientFor = Callable[[Hub], TestClient]
GIVEN = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


@pytest.fixture
def link(sqlite_hub: Hub) -> str:
    auth.add_user(sqlite_hub, "wang", "王秀英", "auditor", [], None, "test")
    return auth.make_sign_in_link(sqlite_hub, "wang")


@pytest.fixture
def client(sqlite_hub: Hub, client_for: ClientFor) -> TestClient:
    client = client_for(sqlite_hub)
    client.follow_redirects = False
    return client


def written(hub: Hub) -> list[int | None]:
    with hub.db.reading() as session:
        return [
            session.scalar(select(func.count()).select_from(table)) for table in (SignInLink, UserSession, AuditRow)
        ]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_preview_in_a_chat_uses_no_link(sqlite_hub: Hub, link: str, client: TestClient, method: str) -> None:
    before = written(sqlite_hub)
    for _ in range(3):
        seen = client.request(method, link)
        assert seen.status_code == 200
        assert "set-cookie" not in seen.headers
        assert {name: seen.headers[name] for name in GIVEN} == GIVEN
    assert written(sqlite_hub) == before
    reply = client.post(link)
    assert (reply.status_code, reply.headers["location"]) == (303, "/")
    assert client.get("/api/v1/me").json()["name"] == "wang"


def test_the_page_is_a_button_in_both_languages_and_names_nobody(link: str, client: TestClient) -> None:
    """The preview of it stands in the chat for all to see."""
    text = client.get(link).text
    assert "登录" in text
    assert "Sign in" in text
    assert text.count("<button") == 1
    assert "http" not in text, "no address but its own"
    assert "王秀英" not in text
    assert "wang" not in text
    assert link.rpartition("/")[2] not in text


def test_used_expired_disabled_and_unknown_are_answered_alike(
    sqlite_hub: Hub, link: str, client: TestClient, clock: Any
) -> None:
    late = auth.make_sign_in_link(sqlite_hub, "wang", timedelta(minutes=5))
    clock.pass_(minutes=6)
    off = auth.make_sign_in_link(sqlite_hub, "wang", single_use=False)
    client.post(link)
    with sqlite_hub.db.unit_of_work("test", "disable") as uow:
        uow.session.execute(update(HubUser).values(disabled=True))
    before = written(sqlite_hub)
    answers = {
        (reply.status_code, reply.text, reply.headers["cache-control"], reply.headers["referrer-policy"])
        for path in (link, late, off, "/signin/" + "x" * 40)
        for reply in (client.get(path), client.post(path))
    }
    ((status, text, *given),) = answers
    assert status == 410
    assert given == list(GIVEN.values())
    assert "向管理员索取新的登录链接" in text
    assert "Ask an administrator for a new one" in text
    assert client.head(link).status_code == 410
    assert written(sqlite_hub) == before


@pytest.mark.parametrize(
    "sent",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "http://testserver.example"},
    ],
)
def test_another_site_signs_nobody_in_unseen(
    sqlite_hub: Hub, link: str, client: TestClient, sent: dict[str, str]
) -> None:
    """A link of the sender's own, pressed by a page of theirs: who sits there would work under the sender's name."""
    before = written(sqlite_hub)
    reply = client.post(link, headers=sent)
    assert (reply.status_code, reply.text) == (403, client.get(link).text), "the button is the person's own to press"
    assert "set-cookie" not in reply.headers
    assert written(sqlite_hub) == before
    assert client.post(link).status_code == 303


@pytest.mark.parametrize(
    "sent",
    [
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://testserver"},
        {"Origin": "https://hub.example"},
    ],
)
def test_the_page_s_own_button_signs_in_whatever_the_browser_says_of_it(
    sqlite_hub: Hub, link: str, client: TestClient, sent: dict[str, str]
) -> None:
    """Without a referrer browsers send the origin `null`, older ones their own, which a proxy may know by another name."""
    sqlite_hub.config = replace(sqlite_hub.config, public_url="https://hub.example")
    assert client.post(link, headers=sent).status_code == 303
