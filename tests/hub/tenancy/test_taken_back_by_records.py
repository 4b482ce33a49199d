"""A record that takes the consent to the face back, where the face was all there was: nobody can be shown a link, so the desk is
told at once whom to look after."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from tenancy_feed import Feed, household, member, run

from hub.access import publish
from hub.access.step import NoWayIn, no_way_in
from hub.services import Hub
from hub.tables import Estate, PassLink, SourceState
from hub.tenancy import sync

GIVEN = {"at": "2026-10-05T10:00:00+08:00", "notice": "v1"}
PHOTO = {"url": "http://office/1.jpg", "sha256": f"{1:064x}"}


def told(version: int, consent: Any) -> list[dict[str, Any]]:
    by_face = member(2, cards=[], face_photo=PHOTO, consents={"a": consent, "b": None, "c": None})
    return [household(1, version, members=[by_face, member(3, relation="spouse")])]


def stuck(hub: Hub) -> list[NoWayIn]:
    with hub.db.reading() as session:
        return no_way_in(session, session.get_one(Estate, "E001"), hub.now())


@pytest.fixture
def by_face(hub: Hub, fed: Callable[[Hub], None], feed: Feed) -> Hub:
    """The first of two members has the face alone."""
    fed(hub)
    with hub.db.unit_of_work("test", "brake", audit=False) as uow:
        wide = {"share": 1.0, "households": 1_000, "floor": 1_000, "weekly": 1_000}
        uow.session.get_one(Estate, "E001").policy = {"brake": wide, "face_enrolment": True, "pia_id": "PIA-1"}
    feed.records = told(1, GIVEN)
    run(hub)
    ((only),) = stuck(hub)
    assert (only.face_only, only.since) == (True, None)
    return hub


def test_who_has_nothing_else_is_named_to_the_desk_before_and_after_the_lists_are_made(
    by_face: Hub, feed: Feed, clock: Any
) -> None:
    clock.pass_(minutes=5)
    feed.records = told(2, None)
    with by_face.db.unit_of_work("test", "everything again", audit=False) as uow:
        sync.want_full(uow, uow.session.get_one(SourceState, "feed"))
    sync.run(by_face)
    for made in (False, True):
        if made:
            publish.publish(by_face)
        (one,) = stuck(by_face)
        assert one.since == by_face.now(), "the counter names whom something was taken from, with the moment"
        assert "撤回" in one.why
        assert not one.face_only, "the face opens nothing any more, or in a moment"
    with by_face.db.reading() as session:
        assert session.scalars(select(PassLink.token)).all() == [], "nobody was there to be shown it"
