"""How the simulated feed misbehaves: each mode spoils one page of the change sequence, as real systems have done.

empty, half, shrunken (a tenth is missing): shorter, and they say that it is all. cut_page: breaks off and claims to be complete.
repeat_page, endless, back_cursor: pages that never end. total_lies: more promised than given. error_body: an error with status
200. reidentified, new_tenancy_ids, new_person_ids: other numbers for the same people. no_cards: all cards gone. far_future: every
day is in 2099.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulators.back_office_store import Record, Store

Page = dict[str, Any]
FUTURE = "2099-01-01"


def spoilt(mode: str, page: Page, cursor: int, store: Store, kind: str) -> Page:
    """The page as this mode answers it; unknown modes change nothing."""
    if kind != "tenancy" and mode not in ("empty",):
        return page
    if mode in _RECORDS:
        return page | {"items": [_RECORDS[mode](record) for record in page["items"]]}
    if mode in _KEPT:
        stays = _KEPT[mode]
        rest = [record for _, record in store.page(kind, 0, 1 << 31) if stays(record)]
        return page | {"items": [r for r in page["items"] if stays(r)], "total": len(rest)}
    return _PAGES[mode](page, cursor, store) if mode in _PAGES else page


def _number(record: Record) -> int:
    return int(record["id"][2:])


_KEPT: dict[str, Callable[[Record], bool]] = {
    "half": lambda record: _number(record) % 2 == 0,
    "shrunken": lambda record: _number(record) % 10 != 0,
}


def _cut(page: Page, cursor: int, _store: Store) -> Page:
    kept = page["items"][: len(page["items"]) // 2]
    return page | {"items": kept, "has_more": False, "next_cursor": str(cursor + len(kept))}


def _repeat(page: Page, cursor: int, store: Store) -> Page:
    first = [record for _, record in store.page("tenancy", 0, max(1, len(page["items"])))]
    return page | {"items": first, "has_more": True, "next_cursor": str(cursor + 1)}


_PAGES: dict[str, Callable[[Page, int, Store], Page]] = {
    "empty": lambda page, cursor, _: page | {"items": [], "next_cursor": str(cursor), "total": 0, "has_more": False},
    "cut_page": _cut,
    "repeat_page": _repeat,
    "endless": lambda page, cursor, _: page | {"has_more": True, "next_cursor": str(cursor + 1)},
    "back_cursor": lambda page, cursor, _: page | {"has_more": True, "next_cursor": str(max(0, cursor - 1))},
    "total_lies": lambda page, _cursor, _: page | {"total": page["total"] * 10 + 10},
    "error_body": lambda _page, _cursor, _: {"error": "internal", "code": 500},
}


def _other_people(record: Record) -> Record:
    return {**record, "members": [{**m, "person_id": f"N{m['person_id']}"} for m in record["members"]]}


def _other_tenancy(record: Record) -> Record:
    return {**record, "id": f"N{record['id']}", "version": 1}


def _future(record: Record) -> Record:
    members = [{**m, "from": FUTURE} for m in record["members"]]
    return {**record, "from": FUTURE, "to": "2102-01-01", "members": members}


def _no_cards(record: Record) -> Record:
    return {**record, "version": record["version"] + 1, "members": [{**m, "cards": []} for m in record["members"]]}


_RECORDS: dict[str, Callable[[Record], Record]] = {
    "reidentified": lambda record: _other_people(_other_tenancy(record)),
    "new_tenancy_ids": _other_tenancy,
    "new_person_ids": lambda record: {**_other_people(record), "version": record["version"] + 1},
    "far_future": _future,
    "no_cards": _no_cards,
}
MODES = ("normal", "cut_body", "500", "html", "slow", *_KEPT, *_PAGES, *_RECORDS)
