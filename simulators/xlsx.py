"""A tenancy list as offices export it: XLSX with Chinese headers, clean or as messy as real ones are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

HEADERS = ("房屋编码", "姓名", "身份证号", "与承租人关系", "出生日期", "起租日", "到期日", "卡号", "联系电话", "备注")
RELATIONS = {"applicant": "承租人", "spouse": "配偶", "child": "子女", "parent": "父母", "other": "其他"}
FULL_WIDTH = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")
Row = list[Any]


@dataclass(frozen=True, slots=True)
class Mess:
    """What was spoilt: how often each kind of mess was put into the list."""

    counts: dict[str, int]
    rows: int


def write_xlsx(path: Path, tenancies: list[dict[str, Any]], *, messy: bool = False, seed: int = 1) -> Mess:
    """Writes the persons of all tenancies that have not ended, one a row, and says what was spoilt.

    `messy` adds a merged title, a merged house code per household, trailing and full-width spaces, full-width digits,
    dates in several shapes, duplicate persons, impossible identity numbers, two heads of one household, an unknown
    house code and an empty row. Telephone numbers are left empty: no more than access needs.
    """
    rows = [_row(t, m) for t in tenancies if t["state"] != "ended" for m in t["members"]]
    counts: dict[str, int] = {}
    if messy:
        rows, counts = _spoil(rows, np.random.default_rng([seed, 20]))
    book = Workbook()
    sheet = book.active
    if not isinstance(sheet, Worksheet):
        raise TypeError("a new workbook has a worksheet")
    sheet.title = "租户名单"
    if messy:
        sheet.append(["青松公租房小区租户名单（2026年）"])
        sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(HEADERS))
    sheet.append([f" {h} " if messy and i % 3 == 1 else h for i, h in enumerate(HEADERS)])
    for cell in sheet[sheet.max_row]:
        cell.font = Font(bold=True)
    first = sheet.max_row + 1
    for row in rows:
        sheet.append(row)
    if messy:
        counts["merged_house_code"] = _merge_house_codes(sheet, first, rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    return Mess(counts, len(rows))


def _row(tenancy: dict[str, Any], member: dict[str, Any]) -> Row:
    return [
        tenancy["dwelling_code"],
        member["name"],
        member["id_number"],
        RELATIONS[member["relation"]],
        member["birth_date"],
        tenancy["from"],
        tenancy["to"],
        "、".join(member["cards"]),
        None,
        None,
    ]


def _spoil(rows: list[Row], rng: np.random.Generator) -> tuple[list[Row], dict[str, int]]:
    counts: dict[str, int] = {}
    for name, share, spoil in SPOILERS:
        chosen = rng.choice(len(rows), max(1, round(share * len(rows))), replace=False)
        for i in chosen.tolist():
            spoil(rows[i], int(rng.integers(1000)))
        counts[name] = len(chosen)
    counts["two_heads"] = _two_heads(rows)
    doubles = sorted(rng.choice(len(rows), 4, replace=False).tolist(), reverse=True)
    for i in doubles:
        rows.insert(i + 1, [*rows[i][:9], "重复登记"])
    counts["duplicate_person"] = len(doubles)
    rows.insert(len(rows) // 2, [None] * len(HEADERS))
    counts["empty_row"] = 1
    return rows, counts


def _two_heads(rows: list[Row]) -> int:
    spouses = [row for row in rows if row[3] == "配偶"][:2]
    for row in spouses:
        row[3], row[9] = "承租人", "共同申请"
    return len(spouses)


def _spaces(row: Row, chance: int) -> None:
    row[1] = f"{row[1]}{'　' if chance % 2 else '  '}"
    row[0] = f" {row[0]} "


def _full_width(row: Row, _chance: int) -> None:
    row[2] = str(row[2]).translate(FULL_WIDTH)


def _full_width_card(row: Row, _chance: int) -> None:
    row[7] = str(row[7]).translate(FULL_WIDTH)


def _impossible_id(row: Row, chance: int) -> None:
    number = str(row[2])
    wrong = "0" if number[17] != "0" else "1"
    row[2] = (number[:17] + wrong, number[:10] + "1332" + number[14:], number[:15], "无")[chance % 4]


def _lower_x(row: Row, _chance: int) -> None:
    row[2] = str(row[2]).replace("X", "x")


def _date_shape(row: Row, chance: int) -> None:
    for column in (5, 6):
        year, month, day = str(row[column]).split("-")
        shapes = (f"{year}.{int(month)}.{int(day)}", f"{year}年{int(month)}月{int(day)}日", f"{year}/{month}/{day}")
        row[column] = (*shapes, f"{year}{month}{day}")[chance % 4]


def _unknown_house(row: Row, chance: int) -> None:
    row[0], row[9] = f"E001-B9-{chance % 90 + 101:04d}", "房号待核"


SPOILERS: tuple[tuple[str, float, Callable[[Row, int], None]], ...] = (
    ("date_shape", 0.4, _date_shape),  # before all that touches other columns; dates are ISO until here
    ("spaces", 0.15, _spaces),
    ("unknown_house", 0.004, _unknown_house),
    ("lower_x", 0.05, _lower_x),
    ("impossible_id", 0.012, _impossible_id),
    ("full_width_id", 0.08, _full_width),
    ("full_width_card", 0.05, _full_width_card),
)


def _merge_house_codes(sheet: Worksheet, first: int, rows: list[Row]) -> int:
    """Merges the house code over the rows of some households, as people do who make lists to be looked at."""
    merged, start = 0, 0
    for i in range(1, len(rows) + 1):
        if i < len(rows) and rows[i][0] is not None and rows[i][0] == rows[start][0]:
            continue
        if i - start > 1 and merged < 25:
            sheet.merge_cells(start_row=first + start, start_column=1, end_row=first + i - 1, end_column=1)
            merged += 1
        start = i
    return merged
