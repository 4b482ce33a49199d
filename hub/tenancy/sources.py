"""Where tenancy records come from over HTTP: which sources there are, and one pull, whole or not at all.

`sources.json` in the hub's directory: [{"name", "kind": "http", "url", "api_key_file", "estate": id or null}]. The key stands
in a file of its own (path relative to the hub's directory). `GET {url}/api/tenancies?cursor=&limit=` and `/api/absences` answer
{"items", "next_cursor", "total", "has_more"}.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx
import msgspec

from hub.tenancy.reasons import zh

FILE = "sources.json"
PAGE = 200
MAX_PAGES = 5_000
TIMEOUT_S = 10.0
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
    """Everything one pull gave. `full`: from the start to the end, and as many as the source says there are."""

    items: tuple[object, ...]
    cursor: str
    total: int
    full: bool


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
        base_url=source.url, headers={"X-Api-Key": read_key(directory, source)}, timeout=TIMEOUT_S, trust_env=False
    )


def pull(client: httpx.Client, path: str, cursor: str) -> Pull:
    """All pages from `cursor` (empty: from the start). Raises SourceProblem; then nothing of it may be used."""
    items: list[object] = []
    at = cursor
    for _ in range(MAX_PAGES):
        page = _page(client, path, at)
        items += page.items
        if page.has_more and page.next_cursor == at:
            raise SourceProblem("bad_page", f"{path}: next_cursor stays at {at!r}")
        at = page.next_cursor
        if not page.has_more:
            break
    else:
        raise SourceProblem("bad_page", f"{path}: more than {MAX_PAGES} pages")
    full = not cursor
    if full and (have := _distinct(items)) < page.total:
        raise SourceProblem("cut_page", f"{path}: {have} of {page.total} records")
    return Pull(tuple(items), at, page.total, full)


def _distinct(items: list[object]) -> int:
    """Records, each counted once: one that changes while we read comes twice."""
    keys = {item.get("id") if isinstance(item, dict) else None for item in items}
    return len(keys - {None}) + sum(not isinstance(item, dict) or item.get("id") is None for item in items)


def _page(client: httpx.Client, path: str, cursor: str) -> Page:
    try:
        answer = client.get(path, params={"cursor": cursor, "limit": PAGE})
    except _HTTP_ERRORS as error:
        raise SourceProblem("unreachable", f"{path}: {type(error).__name__}: {error}") from error
    if answer.status_code in (401, 403):
        raise SourceProblem("wrong_key", f"{path}: HTTP {answer.status_code}")
    if answer.status_code >= 500:
        raise SourceProblem("server_error", f"{path}: HTTP {answer.status_code}")
    if answer.status_code != 200:
        raise SourceProblem("bad_page", f"{path}: HTTP {answer.status_code}")
    try:
        plain = msgspec.json.decode(answer.content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        kind = answer.headers.get("content-type", "no content type")
        raise SourceProblem("not_json", f"{path}: {kind}, {len(answer.content)} bytes: {error}") from error
    try:
        page = msgspec.convert(plain, Page)
    except msgspec.ValidationError as error:
        raise SourceProblem("bad_page", f"{path}: {error}") from error
    if page.total < 0:
        raise SourceProblem("bad_page", f"{path}: total is {page.total}")
    return page
