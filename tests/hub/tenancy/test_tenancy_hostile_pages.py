"""Pages as no standard has them, but systems send them: read where they can be, else refused whole; nobody loses."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from typing import Any

import pytest
from tenancy_feed import MANY, Answer, Feed, access, confirmed, household, member, refused, run, state
from tenancy_office import code

from hub.access import publish
from hub.services import Hub
from hub.tenancy import sources, sync

Page = dict[str, Any]
Spoil = Callable[[str, Page], Answer | Page]
JSON = "application/json"


def as_(encoding: str, mark: bytes = b"", kind: str = JSON) -> Spoil:
    return lambda _c, page: (200, kind, mark + json.dumps(page, ensure_ascii=False).encode(encoding))


def with_text(old: str, new: str) -> Spoil:
    return lambda _c, page: (200, JSON, json.dumps(page, ensure_ascii=False).replace(old, new).encode())


READ: dict[str, tuple[Spoil, dict[str, str]]] = {
    "a byte order mark": (as_("utf-8", codecs.BOM_UTF8), {}),
    "UTF-16": (as_("utf-16-le", codecs.BOM_UTF16_LE), {}),
    "GBK, and says so": (as_("gbk", kind="application/json; charset=GBK"), {}),
    "NaN in a field nobody reads": (with_text('"state"', '"rent": NaN, "state"'), {}),
    "NaN for the version of one": (
        with_text('"T-000000", "version": 2', '"T-000000", "version": NaN'), {"T-000000": "version_bad"}
    ),
    "Infinity for a card": (with_text('["0003000000"]', "[Infinity]"), {"T-000000/P-000000": "card_bad"}),
    "a record that says its state twice": (
        with_text('"T-000000",', '"T-000000", "state": "ended",'), {"T-000000": "key_twice"}
    ),
    "a member that says his cards twice": (
        with_text('"P-000000",', '"P-000000", "cards": [],'), {"T-000000/P-000000": "key_twice"}
    ),
    "a number of five thousand digits": (with_text('"handover_at"', f'"x": {"9" * 5000}, "handover_at"'), {}),
    "cursors and totals as numbers and words": (
        lambda _c, p: p | {"next_cursor": int(p["next_cursor"]), "total": str(p["total"])}, {}
    ),
    "no cursor after the last page": (lambda _c, p: p if p["has_more"] else p | {"next_cursor": None}, {}),
    "unknown fields around the page": (lambda _c, p: p | {"code": 0, "msg": "ok", "trace": [[]]}, {}),
    "line ends of three kinds": (
        lambda _c, p: (200, JSON, json.dumps(p, indent=1).replace("\n", "\r\n", 9).replace("\n ", "\r ", 9).encode()), {}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_what_can_be_read_is_read(ready: Hub, feed: Feed, name: str) -> None:
    before = access(ready)
    feed.spoil, told = READ[name]
    feed.records[0] = household(0, 2)
    feed.records[1] = household(1, 2, members=[member(2, cards=["77"]), member(3, relation="spouse")])
    feed.records.append(household(44))
    run(ready)
    assert state(ready).last_error == ""
    assert refused(ready) == told
    now = access(ready)
    assert now.pop(code(44)), "who is new is in"
    assert now.pop(code(1)) == {"77", "3000003"}, "and what is newer is taken"
    assert now == {k: v for k, v in before.items() if k != code(1)}


NESTED = b'{"items": ' + b"[" * 100_000 + b"]" * 100_000 + b', "next_cursor": "", "total": 0, "has_more": false}'
UNREADABLE: dict[str, tuple[Spoil, str]] = {
    "nested a hundred thousand deep": (lambda _c, _p: (200, JSON, NESTED), "not_json"),
    "a hundred megabytes": (lambda _c, _p: (200, JSON, b" " * 100_000_000), "page_too_large"),
    "nothing at all": (lambda _c, _p: (200, JSON, b""), "not_json"),
    "null": (lambda _c, _p: (200, JSON, b"null"), "bad_page"),
    "GBK, and does not say so": (as_("gbk"), "not_json"),
    "two pages in one": (lambda _c, p: (200, JSON, json.dumps(p).encode() * 2), "not_json"),
    "items twice": (with_text('"items": [', '"items": [], "items": ['), "bad_page"),
    "the cursor has expired": (lambda c, p: (410, JSON, b"{}") if c else p, "bad_page"),
    "pages without a record for ever": (
        lambda c, p: p | {"items": [], "next_cursor": f"{c}x", "has_more": True}, "page_repeated"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_takes_nothing_and_comes_right(
    ready: Hub, feed: Feed, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MAX_PAGE_BYTES", 1 << 20)
    before, at = access(ready), state(ready).cursor
    feed.spoil, reason = UNREADABLE[name]
    feed.records = [household(n, 2, members=[member(2 * n)]) for n in range(MANY)]
    sync.run(ready)
    publish.publish(ready)
    if name != "the cursor has expired":
        run(ready)
    assert state(ready).last_error.startswith(reason), state(ready).last_error
    assert access(ready) == before
    assert state(ready).cursor == at
    feed.spoil = None
    feed.records = [*(household(n) for n in range(MANY)), household(44)]
    sync.run(ready)
    publish.publish(ready)
    assert state(ready).last_error == ""
    assert access(ready) == before | {code(44): {"3000088", "3000089"}}


def test_a_page_without_a_record_in_the_middle_ends_nothing(ready: Hub, feed: Feed) -> None:
    """A source that filters its pages after it cut them."""
    before = access(ready)
    empty = {"16": {"items": [], "next_cursor": "16b", "has_more": True}}
    feed.spoil = lambda c, p: p | empty[c] if c in empty else feed_from(feed, 16) if c == "16b" else p
    feed.records.append(household(44))
    run(ready)
    assert state(ready).last_error == ""
    assert access(ready) == before | {code(44): {"3000088", "3000089"}}


def feed_from(feed: Feed, start: int) -> Page:
    end = start + feed.page
    more = end < len(feed.records)
    return {"items": feed.records[start:end], "next_cursor": str(end), "total": len(feed.records), "has_more": more}


def test_a_lost_page_that_comes_later_and_a_cursor_that_went_back(ready: Hub, feed: Feed) -> None:
    before = access(ready)
    feed.page = 4
    feed.records += [household(n) for n in range(40, 48)]
    lost: Spoil = lambda c, p: (500, "text/plain", b"") if c == "44" else p  # noqa: E731
    feed.spoil = lost
    sync.run(ready)
    assert state(ready).cursor == "40", "what was not read is asked for again"
    publish.publish(ready)
    assert len(access(ready)) == MANY + 4, "what was read is taken"
    feed.spoil = None
    sync.run(ready)
    assert state(ready).cursor == "48"
    feed.records = feed.records[:42]  # the source was restored from an older copy
    for _ in range(3):
        sync.run(ready)
        publish.publish(ready)
    now = access(ready)
    assert {k: now[k] for k in before} == before
    assert len(now) == MANY + 8, "who is missing now stays"


def test_all_at_once_after_a_full_feed_of_strangers_and_back(ready: Hub, feed: Feed) -> None:
    """Some of the identifiers changed, then all, then as before: at no time does anybody come in twice or go out."""
    before = access(ready)
    plain = list(feed.records)
    for changed in (range(0, MANY, 5), range(MANY), ()):
        feed.records = [
            r | {"id": f"X-{r['id']}", "members": [m | {"person_id": f"X-{m['person_id']}"} for m in r["members"]]}
            if n in changed else r
            for n, r in enumerate(plain)
        ]  # fmt: skip
        for _ in range(2):
            run(ready)
            assert access(ready) == before
        assert (state(ready).held is not None) == bool(changed)
    feed.records = [household(n, 2, members=[member(2 * n)]) for n in range(MANY)]
    run(ready)
    assert access(ready) == before, "everybody loses somebody: held"
    assert confirmed(ready) == MANY
    run(ready)
    assert access(ready) == {code(n): {str(3_000_000 + 2 * n)} for n in range(MANY)}, "two persons looked at it"
