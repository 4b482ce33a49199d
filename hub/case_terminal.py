"""What `estate-hub case` does once somebody is signed in: the console's functions at a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import typer

from hub import auth
from hub.auth import PERMISSIONS, Principal
from hub.cases.api import CaseList, cases_of
from hub.cases.case_text import detail_lines, form_lines, item_line
from hub.cases.decisions import case_in_scope, decide
from hub.cases.models import MOST_OPINION, CaseDetail, CaseItem
from hub.cases.steps import Action
from hub.cases.view import case_detail
from hub.cases.workflow import Wish
from hub.english.phrases import english as in_words
from hub.errors import ApiError, BadRequest, Forbidden
from hub.evidence.api import PackWish, take_pack
from hub.opening import fail, open_directory
from hub.services import Hub

__all__ = ["Action", "detail_lines", "form_lines", "item_line"]


@contextmanager
def person(directory: Path, name: str, link: str, english: bool = False) -> Iterator[tuple[Hub, Principal]]:
    """The hub and who is signed in; refusals become one line and status 1. The session ends with the command."""
    hub = open_directory(directory)
    token: str | None = None
    try:
        if link:
            token = auth.follow_link(hub, link.strip().rstrip("/").rsplit("/", 1)[-1], "command line")
            if token is None:
                raise fail(
                    f"this sign-in link is used up, has expired or is not known: `estate-hub sign-in-link {name}` makes another"
                )
        else:
            token = auth.sign_in(hub, name, typer.prompt("Password", hide_input=True, err=True), "command line")
        principal = auth.by_session(hub, token)
        if principal.name != name:
            raise fail(f"this sign-in link is not {name}'s")
        yield hub, principal
    except ApiError as error:
        raise fail(f"{error.code}: {in_words(error.message) if english else error.message}") from error
    finally:
        if token is not None:
            auth.end_session(hub, token)
        hub.db.close()


def detail_of(hub: Hub, principal: Principal, number: str) -> CaseDetail:
    if not principal.may("case.view"):
        raise Forbidden
    with hub.db.reading() as session:
        row = case_in_scope(session, number, principal)
        return case_detail(session, row, principal.id, PERMISSIONS.get(principal.role, frozenset()), hub.now())


def listed(
    hub: Hub, principal: Principal, estate: str | None, filters: Mapping[str, str | None], late: bool, limit: int
) -> CaseList:
    return cases_of(hub, principal, estate, filters, late=late, limit=limit)


def taken(
    hub: Hub, principal: Principal, number: str, action: str, reason: str, opinion: str, fields: Mapping[str, str]
) -> CaseItem:
    if len(opinion) > MOST_OPINION:
        raise BadRequest(f"书面意见最多{MOST_OPINION}个字，请精简后重试。")
    return decide(hub, number, Wish(Action(action), reason, opinion, fields), principal)


def packed(hub: Hub, principal: Principal, number: str, *, pdf: bool, unmasked: bool, reason: str) -> bytes:
    with hub.db.reading() as session:
        case_id = case_in_scope(session, number, principal)[0].id
    wish = PackWish(form="pdf" if pdf else "zip", unmasked=unmasked, reason=reason)
    return take_pack(hub, principal, case_id, wish)[1]
