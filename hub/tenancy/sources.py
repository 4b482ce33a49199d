"""Where tenancy records come from over HTTP: which sources there are, and one pull, whole or not at all.

`sources.json` in the hub's directory: [{"name", "kind": "http", "url", "api_key_file", "estate": id or null}]. The key stands
in a file of its own (path relative to the hub's directory). `GET {url}/api/tenancies?cursor=&limit=` and `/api/absences` answer
{"items", "next_cursor", "total", "has_more"}.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx
import msgspec

from hub.deadline import within
from hub.tenancy.body import NoJson, Twice, decoded
from hub.tenancy.reasons import zh
from hub.trust import trusted

FILE = "sources.json"
PAGE = 200
MAX_TOTAL = 1_000_000_000
MAX_CURSOR = 1_000
_NUMBER = re.compile(r"[0-9]{1,30}")
MAX_PAGES = 20_000
MAX_EMPTY = 50  # pages without a record, one after the other, whose cursor moves on: a source that filters its pages
MAX_PAGE_BYTES = 64 * 1024 * 1024
TIMEOUT_S = 10.0  # without a byte
PAGE_S, PULL_S = 60.0, 900.0  # for one page, for one whole pull: a server that drips holds nobody up for ever
_HTTP_ERRORS = (httpx.HTTPError, httpx.InvalidURL)


class SourceProblem(Exception):
    """A pull that gave nothing. `reason` is a code of `reasons`; `detail` is for a technician and holds no personal data."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason, self.detail = reason, detail

    @property
    def zh(self) -> str:
        return zh(self.reason)


class PushKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a source signs what it pushes (`hub.tenancy.push`). `key_file`: base64, relative to the hub's directory."""

    algorithm: Literal["ed25519", "hmac-sha256"]
    key_file: str


class SourceConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of `sources.json`. `push`: it may also push (kind `push`: it only pushes).

    `estate`: take only dwellings of this estate (its id); null: of all.
    """

    name: str
    url: str = ""
    api_key_file: str = ""
    kind: Literal["http", "push"] = "http"
    estate: str | None = None
    push: PushKey | None = None

    def __post_init__(self) -> None:
        """Raises ValueError: msgspec tells it with the field's place."""
        if self.kind == "http" and not (self.url and self.api_key_file):
            raise ValueError(f"source {self.name}: url and api_key_file are needed")
        if self.kind == "push" and self.push is None:
            raise ValueError(f"source {self.name}: push is needed")


class Page(msgspec.Struct, frozen=True):
    """One page as the source answers it; items are checked one by one later."""

    items: list[object]
    next_cursor: str
    total: int
    has_more: bool


@dataclass(frozen=True, slots=True)
class Pull:
    """Everything one pull gave. `full`: from the start to the end, and as many as the source says there are.

    `broken`: why it did not come to its end. What was read until then is good for additions, and for nothing else.
    """

    items: tuple[object, ...]
    cursor: str
    total: int
    full: bool
    broken: SourceProblem | None = None


def load_sources(directory: Path) -> tuple[SourceConfig, ...]:
    """None configured: empty. Raises SourceProblem with the field's name."""
    file = directory / FILE
    if not file.is_file():
        return ()
    try:
        sources = msgspec.json.decode(file.read_bytes(), type=tuple[SourceConfig, ...])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SourceProblem("config_bad", f"{FILE}: {error}") from error
    names = [s.name for s in sources]
    if len(set(names)) != len(names):
        raise SourceProblem("config_bad", f"{FILE}: two sources of one name")
    return sources


def read_key(directory: Path, source: SourceConfig) -> str:
    """Raises SourceProblem when the file is missing or empty: there is no default key."""
    try:
        key = (directory / source.api_key_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceProblem("config_bad", f"api_key_file: {error}") from error
    if not key:
        raise SourceProblem("config_bad", f"api_key_file {source.api_key_file} is empty")
    return key


def open_client(directory: Path, source: SourceConfig) -> httpx.Client:
    """A client for one run. Redirects are not followed: a sign-in page is not a feed."""
    return httpx.Client(
        base_url=source.url,
        headers={"X-Api-Key": read_key(directory, source)},
        timeout=TIMEOUT_S,
        trust_env=False,
        verify=trusted(trust_env=False),
    )


def pull(client: httpx.Client, path: str, cursor: str) -> Pull:
    """All pages from `cursor` (empty: from the start). Raises SourceProblem when not even the first page could be read."""
    items: list[object] = []
    at, total, until = cursor, 0, time.monotonic() + PULL_S
    seen, cursors, idle = _Seen(), {cursor}, 0
    try:
        for number in range(MAX_PAGES):
            try:
                page = _page(client, path, at)
            except SourceProblem as problem:
                if not number:
                    raise
                return Pull(tuple(items), cursor, total, False, problem)
            items += page.items
            fresh, total = seen.add(page.items), page.total
            if page.has_more and page.next_cursor in cursors:
                raise SourceProblem("cursor_loops", f"{path}: next_cursor is {page.next_cursor[:40]!r} again")
            idle = 0 if fresh else idle + 1
            if page.has_more and idle and (page.items or idle > MAX_EMPTY):
                raise SourceProblem("page_repeated", f"{path}: page {number + 1} has nothing new, and there is more")
            if page.has_more and time.monotonic() > until:
                raise SourceProblem("too_slow", f"{path}: {number + 1} pages in {PULL_S:.0f} s")
            if backwards(at, page.next_cursor):
                raise SourceProblem("cursor_loops", f"{path}: next_cursor {page.next_cursor} lies before {at}")
            at = page.next_cursor
            cursors.add(at)
            if not page.has_more:
                break
        else:
            raise SourceProblem("page_repeated", f"{path}: more than {MAX_PAGES} pages")
        if not cursor and seen.count < total:
            raise SourceProblem("cut_page", f"{path}: {seen.count} of {total} records")
    except SourceProblem as problem:
        if not items:
            raise
        return Pull(tuple(items), cursor, total, False, problem)
    return Pull(tuple(items), at, total, not cursor)


def backwards(before: str, after: str) -> bool:
    """A cursor that is a number and went down: the source stands at an older state (a restored backup)."""
    return bool(_NUMBER.fullmatch(before) and _NUMBER.fullmatch(after)) and int(after) < int(before)


class _Seen:
    """Records of one pull, each counted once: one that changes while we read comes twice."""

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self._contents: set[int] = set()
        self.nameless = 0

    def add(self, items: list[object]) -> int:
        """How many of these (by id and content) are new."""
        before = len(self._contents)
        for item in items:
            self._contents.add(hash(msgspec.json.encode(item)))
            key = item.get("id") if isinstance(item, dict) else None
            if key is None:
                self.nameless += 1
            else:
                self.keys.add(str(key))
        return len(self._contents) - before

    @property
    def count(self) -> int:
        """Different records."""
        return len(self.keys) + self.nameless


def _page(client: httpx.Client, path: str, cursor: str) -> Page:
    content, kind = _fetch(client, path, {"cursor": cursor, "limit": str(PAGE)})
    try:
        plain = decoded(content, kind)
    except NoJson as error:
        raise SourceProblem("not_json", f"{path}: {kind}, {len(content)} bytes: {error}") from error
    if isinstance(plain, Twice):
        raise SourceProblem("bad_page", f"{path}: one key stands twice")
    try:
        page = msgspec.convert(_with_text_cursor(plain), Page, strict=False)
    except msgspec.ValidationError as error:
        raise SourceProblem("bad_page", f"{path}: {error}") from error
    if not 0 <= page.total <= MAX_TOTAL:
        raise SourceProblem("bad_page", f"{path}: total is {str(page.total)[:40]}")
    if len(page.next_cursor) > MAX_CURSOR or "\0" in page.next_cursor:
        raise SourceProblem("bad_page", f"{path}: next_cursor of {len(page.next_cursor)} characters")
    return page


def _with_text_cursor(plain: object) -> object:
    """Some sources count their pages in numbers, and have none after the last."""
    if not isinstance(plain, dict) or not isinstance(at := plain.get("next_cursor", 0), int | None) or at is True:
        return plain
    return plain | {"next_cursor": "" if at is None else str(at)} if "next_cursor" in plain else plain


def _fetch(client: httpx.Client, path: str, params: dict[str, str]) -> tuple[bytes, str]:
    """Body and content type of an answer with status 200, within its time and size."""
    until, parts, size = time.monotonic() + PAGE_S, [], 0
    try:
        with within(client, PAGE_S) as watched, client.stream("GET", path, params=params, extensions=watched) as answer:
            if problem := _status_problem(answer.status_code):
                raise SourceProblem(problem, f"{path}: HTTP {answer.status_code}")
            for part in answer.iter_bytes():
                parts.append(part)
                size += len(part)
                if size > MAX_PAGE_BYTES:
                    raise SourceProblem("page_too_large", f"{path}: more than {MAX_PAGE_BYTES >> 20} MB")
                if time.monotonic() > until:
                    raise SourceProblem("too_slow", f"{path}: {size} bytes in {PAGE_S:.0f} s")
            return b"".join(parts), answer.headers.get("content-type", "no content type")
    except _HTTP_ERRORS as error:
        if time.monotonic() > until:
            raise SourceProblem("too_slow", f"{path}: {size} bytes in {PAGE_S:.0f} s") from error
        raise SourceProblem("unreachable", f"{path}: {type(error).__name__}: {error}") from error


def _status_problem(status: int) -> str:
    if status in (401, 403):
        return "wrong_key"
    if status >= 500:
        return "server_error"
    return "" if status == 200 else "bad_page"
