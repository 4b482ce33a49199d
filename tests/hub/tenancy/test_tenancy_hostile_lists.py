"""One list as offices save it, in every writing: always the same households. And cells no list should have, each named."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from openpyxl import Workbook
from sqlalchemy import select
from tenancy_feed import access
from tenancy_office import code, id_number

from hub.access import publish
from hub.services import Hub
from hub.tables import Person, Tenancy
from hub.tenancy.fields import Refused
from hub.tenancy.files import rows_of

Setup = Callable[[Hub], None]
SignIn = Callable[..., TestClient]
HEAD = ["房屋编码", "姓名", "身份证号", "与承租人关系", "起租日", "到期日", "卡号"]
PLAIN = [
    [code(0), "张三", id_number(1), "本人", "2026-03-01", "2029-02-28", "1001"],
    [code(0), "李四", id_number(2), "配偶", "2026-03-01", "2029-02-28", "1002"],
    [code(1), "阿依古丽·买买提", id_number(3), "本人", "2026-03-01", "9999-12-31", "1003"],
]
WIDE = {ord(c): ord(c) + 0xFEE0 for c in "0123456789X-"}


def text(rows: list[list[Any]], separator: str = ",", end: str = "\n") -> str:
    return end.join(separator.join(map(str, row)) for row in [HEAD, *rows]) + end


def each(column: int, change: Callable[[Any], Any], rows: list[list[Any]] = PLAIN) -> list[list[Any]]:
    return [[change(cell) if i == column else cell for i, cell in enumerate(row)] for row in rows]


def sheet(rows: list[list[Any]]) -> bytes:
    book, out = Workbook(), io.BytesIO()
    assert book.active is not None
    for row in [["租户名单"], HEAD, *rows]:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def mixed_ends() -> bytes:
    lines = text(PLAIN).splitlines()
    return "".join(line + end for line, end in zip(lines, ("\r\n", "\r", "\n", ""), strict=True)).encode()


WRITINGS: dict[str, tuple[str, bytes]] = {
    "UTF-8": ("x.csv", text(PLAIN).encode()),
    "with a byte order mark": ("x.csv", text(PLAIN).encode("utf-8-sig")),
    "GBK": ("x.csv", text(PLAIN).encode("gbk")),
    "UTF-16 with tabs": ("X.CSV", text(PLAIN, "\t", "\r\n").encode("utf-16")),
    "with semicolons": ("x.csv", text(PLAIN, ";").encode()),
    "line ends of three kinds": ("x.csv", mixed_ends()),
    "full-width digits": (
        "x.csv", text([[str(c).translate(WIDE) if i in (2, 4, 6) else c for i, c in enumerate(r)] for r in PLAIN]).encode()
    ),
    "2026/3/1": ("x.csv", text(each(4, lambda _: "2026/3/1")).encode()),
    "20260301": ("x.csv", text(each(4, lambda _: "20260301")).encode()),
    "2026年3月1日": ("x.csv", text(each(4, lambda _: "2026年3月1日")).encode()),
    "a spreadsheet": ("x.xlsx", sheet(PLAIN)),
    "days of a spreadsheet": ("x.xlsx", sheet(each(4, lambda _: 46082))),
    "dates with a time": ("x.xlsx", sheet(each(4, lambda _: datetime(2026, 3, 1, 9, 30)))),  # noqa: DTZ001 as a cell is
    "card numbers as numbers": ("x.xlsx", sheet(each(6, float))),
    "an apostrophe before digits": ("x.xlsx", sheet(each(2, lambda n: f"'{n}"))),
    "every row twice": ("x.csv", text([row for row in PLAIN for _ in range(2)]).encode()),
    "rows in another order": ("x.csv", text(PLAIN[::-1]).encode()),
}  # fmt: skip


def upload(client: TestClient, name: str, content: bytes, **query: Any) -> Any:
    params = {"estate": "E001", "dry_run": "false", **query}
    answer = client.post("/api/v1/tenancy/upload", params=params, files={"file": (name, content)})
    return answer


def households(hub: Hub) -> dict[str, Any]:
    with hub.db.reading() as session:
        people = {p.name: (p.id_number_last4, p.birth_date) for p in session.scalars(select(Person))}
        lets = {t.source_id: (t.from_date, t.to_date) for t in session.scalars(select(Tenancy))}
    return {"people": people, "lets": lets, "cards": access(hub)}


def test_one_list_in_every_writing_is_the_same_households(hub: Hub, estate: Setup, sign_in: SignIn) -> None:
    estate(hub)
    client = sign_in(hub, "housing_official")
    wanted = {
        "people": {row[1]: (row[2][-4:], date(1980, 1, 1)) for row in PLAIN},
        "lets": {code(0): (date(2026, 3, 1), date(2029, 2, 28)), code(1): (date(2026, 3, 1), None)},
        "cards": {code(0): {"1001", "1002"}, code(1): {"1003"}},
    }
    for number, (name, (file, content)) in enumerate(WRITINGS.items()):
        for dry in ("true", "false"):
            answer = upload(client, file, content, dry_run=dry)
            assert answer.status_code == 200, (name, answer.text)
            body = answer.json()
            twice = 3 if name == "every row twice" else 0
            assert (body["accepted"], len(body["refused"])) == (3, twice), (name, body["refused"])
            new = 2 if number == 0 else 0
            assert (body["changes"]["new"], body["changes"]["changed"]) == (new, 0), name
        publish.publish(hub)
        assert households(hub) == wanted, name


ROWS: dict[str, tuple[dict[int, Any], str]] = {
    "a wrong check digit": ({2: id_number(9)[:-1] + ("0" if id_number(9)[-1] != "0" else "1")}, "id_number_check"),
    "seventeen digits": ({2: "99000019800101000"}, "id_number_length"),
    "eighteen digits as a number": ({2: 1.10101198001010e17}, "id_number_rounded"),
    "a card of nineteen digits as a number": ({6: 1.2345678901234567e18}, "card_bad"),
    "a card that became a date": ({6: datetime(2026, 3, 1, tzinfo=UTC).replace(tzinfo=None)}, "card_bad"),
    "an error of the spreadsheet": ({4: "#REF!"}, "date_bad"),
    "the thirtieth of February": ({4: "2026-02-30"}, "date_bad"),
    "an end before its start": ({5: "2025-01-01"}, "dates_reversed"),
    "no first day": ({4: None}, "dates_missing"),
    "a dwelling nobody knows": ({0: "E001-B9-0101"}, "dwelling_unknown"),
    "a dwelling of another estate": ({0: "E002-B1-0101"}, "dwelling_unknown"),
    "a name of five hundred characters": ({1: "长" * 500}, "too_long"),
    "a formula for a name": ({1: "=1+1"}, "name_missing"),
    "somebody of another household": ({2: id_number(1)}, "person_in_two_households"),
    "a card of somebody else": ({6: "1001"}, "card_twice"),
    "a spouse alone": ({3: "配偶"}, "no_head"),
}


def test_a_bad_row_is_named_and_the_others_are_taken(sqlite_hub: Hub, estate: Setup, sign_in: SignIn) -> None:
    estate(sqlite_hub)
    client = sign_in(sqlite_hub, "housing_official")
    good = [code(30), "王五", id_number(30), "本人", "2026-03-01", None, "3000"]
    rows = [list(row) for row in PLAIN]
    for n, (change, _) in enumerate(ROWS.values(), start=10):
        base = [code(n), "赵六", id_number(n), "本人", "2026-03-01", None, str(2000 + n)]
        rows.append([change.get(i, cell) for i, cell in enumerate(base)])
    body = upload(client, "x.xlsx", sheet([*rows, good])).json()
    told = {row["row"]: row["reason"] for row in body["refused"]}
    assert told == {n: reason for n, (_, reason) in enumerate(ROWS.values(), start=3 + len(PLAIN))}
    assert body["accepted"] == len(PLAIN) + 1
    assert all(row["reason_zh"] != row["reason"] for row in body["refused"]), "each in words"
    publish.publish(sqlite_hub)
    assert access(sqlite_hub) == {code(0): {"1001", "1002"}, code(1): {"1003"}, code(30): {"3000"}}


def test_a_file_of_a_hundred_megabytes_is_refused_and_the_next_is_taken(
    sqlite_hub: Hub, estate: Setup, sign_in: SignIn
) -> None:
    estate(sqlite_hub)
    client = sign_in(sqlite_hub, "housing_official")
    for size, refusal in ((100_000_000, (413, "too_large")), (12_000_000, (400, "file_too_large"))):
        answer = upload(client, "x.csv", b"x" * size)
        assert (answer.status_code, answer.json()["error"]["code"]) == refusal, json.dumps(answer.json())
    assert upload(client, "x.csv", text(PLAIN).encode()).json()["accepted"] == len(PLAIN)


def with_part(part: str, change: Callable[[bytes], bytes]) -> bytes:
    """A small list, one part of which is another."""
    book = Workbook()
    book.active.append(["房屋编码", "姓名", "身份证号", "与承租人关系"])
    plain, out = io.BytesIO(), io.BytesIO()
    book.save(plain)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, change(data) if name.endswith(part) else data)
    return out.getvalue()


SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("sheet1.xml", lambda _: SHEET + b"<row>" + b"<c/>" * 100_000 + b"</row></sheetData></worksheet>"),
        ("sheet1.xml", lambda _: SHEET + (b"<row>" + b"<c/>" * 900 + b"</row>") * 4_000 + b"</sheetData></worksheet>"),
        ("styles.xml", lambda data: data.replace(b"</fonts>", b"<font/>" * 1_000_000 + b"</fonts>")),
    ],
)
def test_a_small_file_of_very_many_cells_or_fonts_is_no_list(part: str, change: Callable[[bytes], bytes]) -> None:
    content = with_part(part, change)
    assert len(content) < 100_000
    with pytest.raises(Refused, match="file_too_large"):
        rows_of("a.xlsx", content)
    assert len(rows_of("a.xlsx", with_part("nothing", bytes))) == 1
