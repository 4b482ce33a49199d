"""Files and answers from outside the house: access lists, feeds, uploads, evidence, site files, settings of devices."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import islice
from typing import Any

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fuzz_profile import fuzzed
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from device_drivers.catalogue import DEFINITIONS
from device_drivers.contract.access import AccessList, Credential, Identifier, SignedAccessList
from device_drivers.contract.words import HolderClass, IdentifierType
from device_drivers.driver import ConfigError
from edge_agent.held_list import ListRefused
from edge_agent.held_list import verify as verify_list
from hub.estate.site import SiteProblem, read_site
from hub.evidence import bundle, seal
from hub.evidence.archive import Entry, packed
from hub.evidence.verify import verify
from hub.tenancy.fields import Refused
from hub.tenancy.files import rows_of
from hub.tenancy.push import PushBody
from hub.tenancy.records import RefusedRow, parse_absence, parse_tenancy
from hub.tenancy.sheet import COLUMNS, read_sheet
from hub.tenancy.sources import SourceProblem, pull

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()
TODAY = date(2026, 11, 28)
LARGE = 64 << 20
SCALARS = (
    st.none() | st.booleans() | st.integers(-(10**40), 10**40) | st.floats() | st.text(max_size=30)
    | st.sampled_from(["2026-01-31", "0000-00-00", "9999-12-31T23:59:59Z", "110101199003074258", "active", "ended", "-1", ""])
)  # fmt: skip


def tree(keys: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        SCALARS, lambda c: st.lists(c, max_size=4) | st.dictionaries(keys, c, max_size=6), max_leaves=20
    )


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """A valid file with a few bytes changed, lost or doubled, or only its beginning."""
    text = bytearray(whole)
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, max(0, len(text) - 1)))
        match draw(st.sampled_from(["set", "cut", "double", "end"])):
            case "set" if text:
                text[at] = draw(st.integers(0, 255))
            case "cut":
                del text[at : at + draw(st.integers(1, 60))]
            case "end":
                del text[at:]
            case _:
                text[at:at] = text[at : at + draw(st.integers(1, 60))]
    return bytes(text)


@contextmanager
def bounded(limit: int = LARGE) -> Iterator[None]:
    """What is read may not cost more memory than this at its peak."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit, "a small input cost much memory"
    finally:
        tracemalloc.stop()


# --- access lists at the edge --------------------------------------------------------------------------------------------

LIST = msgspec.json.encode(
    AccessList(
        "E001",
        "door-1",
        1,
        datetime(2026, 6, 1, tzinfo=UTC),
        (Credential("c1", "1-101", HolderClass.RESIDENT, (Identifier(IdentifierType.CARD, "12345678"),), ("p1",)),),
    )
)
LIST_KEYS = st.sampled_from(
    ["estate_id", "device_id", "generation", "credentials", "token", "identifiers", "type", "value", "profiles",
     "schedules", "ranges", "weekdays", "start", "end", "time_zone", "policies", "access_points", "schedule", "validity",
     "not_before", "not_after", "holder_class", "special_days", "spans", "day", "blocked", "uses"]
)  # fmt: skip


@fuzzed
@given(damaged(LIST) | tree(LIST_KEYS).map(lambda v: json.dumps(v).encode()) | st.binary(max_size=200), st.booleans())
def test_access_lists(payload: bytes, signed: bool) -> None:
    """Signed with the pinned key: the reader itself must stand it. Unsigned: it never gets there."""
    signature = KEY.sign(payload) if signed else b"\0" * 64
    try:
        held = verify_list(SignedAccessList(payload, signature, "key"), KEY.public_key(), "E001", "door-1")
    except ListRefused as error:
        refused = str(error)
    else:
        refused = ""
        assert signed
        dict(held.index.by_identifier)
    assert len(refused) < 2000


# --- tenancy records -----------------------------------------------------------------------------------------------------

FEED_KEYS = st.sampled_from(
    ["id", "version", "state", "dwelling_code", "from", "to", "handover_at", "end_decision", "members", "person_id", "name",
     "relation", "id_number", "birth_date", "cards", "face_photo", "consents", "a", "granted_at", "url", "sha256", "number",
     "date", "move_out_completed_on", "declared_on", "reason", "items", "next_cursor", "has_more", "total"]
)  # fmt: skip
RECORD = {
    "id": "T-1", "version": 1, "state": "active", "dwelling_code": "E001-B1-0101", "from": "2026-01-01", "to": None,
    "members": [{"person_id": "P-1", "name": "张三", "relation": "applicant", "from": "2026-01-01", "cards": ["12345678"],
                 "id_number": "110101199003074258", "consents": {"a": {"granted_at": "2026-01-01"}},
                 "face_photo": {"url": "http://x/1.jpg", "sha256": "0" * 64}}],
}  # fmt: skip


@fuzzed
@given(tree(FEED_KEYS) | st.dictionaries(FEED_KEYS, tree(FEED_KEYS), max_size=9).map(lambda d: {**RECORD, **d}))
def test_tenancy_records(raw: Any) -> None:
    parsed = parse_tenancy(raw, str, TODAY)
    assert parsed.record is not None or parsed.refused, "what was not taken is told"
    read = parse_absence(raw)
    for row in (*parsed.refused, *((read,) if isinstance(read, RefusedRow) else ())):
        assert "110101199003074258" not in f"{row.detail} {row.raw}", "a refused row shows no identity number"
        assert len(str(row)) < 20_000


@fuzzed
@given(st.lists(tree(FEED_KEYS).map(json.dumps).map(str.encode) | st.binary(max_size=80), min_size=1, max_size=4))
def test_pages_of_a_feed(pages: list[bytes]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=next(said, b"{}"))

    said = islice(iter(pages), 4)
    with (
        suppress(SourceProblem),
        httpx.Client(transport=httpx.MockTransport(answer), base_url="http://office") as client,
    ):
        pull(client, "/tenancies", "")


@fuzzed
@given(tree(FEED_KEYS).map(json.dumps).map(str.encode) | st.binary(max_size=200))
def test_bodies_of_a_push(body: bytes) -> None:
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        for item in msgspec.json.decode(body, type=PushBody).items:
            parse_tenancy(item, str, TODAY)


# --- uploads -------------------------------------------------------------------------------------------------------------

HEADER = [names[0] for names in COLUMNS.values()]
ROW = ["E001-B1-0101", "张三", "110101199003074258", "承租人", "1990-03-07", "2026-01-01", "2026-12-31", "12345678"]


def sheet_of(name: str, content: bytes) -> None:
    try:
        read = read_sheet(rows_of(name, content), str, TODAY)
    except Refused as error:
        told = str(error)
    else:
        told = ""
        assert "110101199003074258" not in str(read.refused), "a refused row shows no identity number"
    assert len(told) < 2000


@fuzzed
@given(st.lists(st.lists(st.text(max_size=20) | st.sampled_from(ROW), max_size=10), max_size=5), st.data())
def test_csv_uploads(rows: list[list[str]], data: st.DataObject) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([HEADER, *rows])
    encoded = text.getvalue().encode(data.draw(st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"])), "replace")
    sheet_of("list.csv", data.draw(damaged(encoded)))


@lru_cache
def xlsx_parts() -> dict[str, bytes]:
    book = Workbook()
    assert book.active is not None
    for row in (HEADER, ROW, [*ROW[:2], "x", *ROW[3:]]):
        book.active.append(row)
    book.active.merge_cells("A2:A3")
    out = io.BytesIO()
    book.save(out)
    with zipfile.ZipFile(out) as packed_book:
        return {name: packed_book.read(name) for name in packed_book.namelist()}


@st.composite
def books(draw: st.DrawFn) -> bytes:
    """A workbook of which one part is damaged and packed well again, or the whole file is damaged."""
    parts = xlsx_parts()
    name = draw(st.sampled_from(sorted(parts)))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        for part, content in parts.items():
            book.writestr(part, draw(damaged(content)) if part == name else content)
    whole = out.getvalue()
    return draw(damaged(whole)) if draw(st.booleans()) else whole


@fuzzed
@given(books() | st.binary(max_size=300))
def test_xlsx_uploads(content: bytes) -> None:
    sheet_of("list.xlsx", content)


def test_a_workbook_that_says_it_is_large_stays_small() -> None:
    """A few bytes may name the last cell there is, or a merged area of a million rows."""
    for part, before, after in (
        ("xl/worksheets/sheet1.xml", b'r="A3"', b'r="XFD1048576"'),
        ("xl/worksheets/sheet1.xml", b'ref="A2:A3"', b'ref="A2:XFD1048576"'),
        ("xl/worksheets/sheet1.xml", b'ref="A1:', b'ref="A1:XFD1048576" x="'),
    ):
        parts = dict(xlsx_parts())
        parts[part] = parts[part].replace(before, after)
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
            for name, content in parts.items():
                book.writestr(name, content)
        with bounded():
            sheet_of("list.xlsx", out.getvalue())


# --- evidence ------------------------------------------------------------------------------------------------------------

BUNDLE = bundle.bundle(
    [Entry("README.txt", b"x"), Entry("log.json", bundle.canonical({"entries": []}))], {"case": "1"}, KEY.sign, PUBLIC
)
SEALED = seal.seal(
    b"%PDF-1.7\n" + bytes(range(256)) * 20 + b"\nxref\n0 1\ntrailer\n<<>>\nstartxref\n9\n%%EOF",
    {"case": "1"},
    KEY.sign,
    PUBLIC,
)
MANIFEST_KEYS = st.sampled_from(
    [
        "format",
        "entries",
        "name",
        "size",
        "sha256",
        "chain",
        "root",
        "about",
        "at",
        "blocks",
        "public_key",
        "kind",
        "hash",
    ]
)


def judged(data: bytes) -> None:
    verdict = verify(data)
    assert len(verdict.problems) <= 100
    assert sum(map(len, verdict.problems)) < 100_000


@fuzzed
@given(damaged(BUNDLE) | damaged(SEALED) | st.binary(max_size=300))
def test_evidence_files(data: bytes) -> None:
    judged(data)


@fuzzed
@given(
    st.lists(tree(MANIFEST_KEYS), max_size=3),
    st.dictionaries(MANIFEST_KEYS, tree(MANIFEST_KEYS), max_size=6),
    st.data(),
)
def test_evidence_that_a_stranger_signed_himself(rows: list[Any], more: dict[str, Any], data: st.DataObject) -> None:
    """The signature holds, by a key of his own: everything behind it is as hostile as he likes."""
    entries = [
        {"name": "a", "size": 1, "sha256": "0", "chain": "", **(row if isinstance(row, dict) else {"size": row})}
        for row in rows
    ]
    said = {"format": bundle.FORMAT, "entries": entries, "about": {}, "root": "", **more}
    with suppress(ValueError, TypeError):  # what cannot be written in the one way there is
        manifest = bundle.canonical(said)
        log = bundle.canonical({"entries": data.draw(tree(MANIFEST_KEYS))})
        judged(
            packed(
                [
                    Entry(bundle.MANIFEST, manifest),
                    bundle.signature_of(manifest, KEY.sign, PUBLIC),
                    Entry("log.json", log),
                ]
            )
        )


# --- settings ------------------------------------------------------------------------------------------------------------

SITE_KEYS = st.sampled_from(
    ["estate", "blocks", "dwellings", "doors", "access_points", "devices", "meters", "code", "name", "zone", "door", "block",
     "scope", "kind", "config", "device", "point", "direction", "dwelling", "policy"]
)  # fmt: skip


@fuzzed
@given(tree(SITE_KEYS).map(json.dumps) | st.text(max_size=60) | st.sampled_from(["[" * 100_000, '{"a":' * 50_000]))
def test_site_files(text: str) -> None:
    with suppress(SiteProblem):
        read_site(text)


@fuzzed
@given(st.sampled_from(DEFINITIONS), st.data())
def test_settings_of_devices(kind: Any, data: st.DataObject) -> None:
    names = sorted(kind.info.schema["properties"])
    config = data.draw(st.dictionaries(st.sampled_from(names), tree(st.sampled_from(names)), max_size=8))
    with suppress(ConfigError):
        kind.capabilities_of(config)
