"""(P) A tenancy list as offices type it → tenancy records. Every row that holds anything is taken, or refused with its reason.

A household is the rows of one house code. Refusing a person never removes anybody: records of a sheet are `partial`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from hub.tenancy import fields
from hub.tenancy.fields import Refused
from hub.tenancy.records import Blind, Member, RefusedRow, TenancyRecord, masked

COLUMNS: dict[str, tuple[str, ...]] = {
    "dwelling": ("房屋编码", "房屋代码", "房屋编号", "房源编码", "一房一码"),
    "name": ("姓名", "成员姓名", "人员姓名"),
    "id_number": ("身份证号", "身份证号码", "身份证", "公民身份号码", "证件号码"),
    "relation": ("与承租人关系", "与申请人关系", "与户主关系", "关系"),
    "birth": ("出生日期", "出生年月日"),
    "from": ("起租日", "起租日期", "租赁开始日期", "合同起始日"),
    "to": ("到期日", "到期日期", "租赁终止日期", "合同终止日"),
    "cards": ("卡号", "门禁卡号", "IC卡号"),
    "tenancy": ("租约编号", "合同编号"),
    "expected": ("核定人数", "核定人口", "保障人数", "保障人口", "保障人口数"),
}
NEEDED = ("dwelling", "name", "id_number", "relation")
HEADER_WITHIN = 20  # rows: a title and notes may stand above
_COLUMN_OF = {title: name for name, titles in COLUMNS.items() for title in titles}
Cells = Sequence[object]


@dataclass(slots=True)
class SheetRead:
    """`rows`: how many rows held anything. `accepted` + refused rows (by distinct key) = `rows`. `cells`: of which one
    cell could not be read, and the rest could."""

    records: list[TenancyRecord] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)
    cells: list[RefusedRow] = field(default_factory=list)
    rows: int = 0
    row_of: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def accepted(self) -> int:
        return self.rows - len(self.refused)

    @property
    def noted(self) -> tuple[RefusedRow, ...]:
        """Accepted rows that are taken but for one cell."""
        refused = {row.key for row in self.refused}
        return tuple(row for row in self.cells if row.key not in refused)


@dataclass(slots=True)
class _Line:
    """One row that could be read: which household, who."""

    number: int
    dwelling: str
    tenancy: str
    from_date: date
    to_date: date | None
    member: Member
    raw: dict[str, str]
    expected: int | None = None


def find_header(rows: Sequence[Cells]) -> tuple[int, dict[str, int]]:
    """(row index, column name → index). Raises Refused("header_missing") naming what was not found."""
    best: dict[str, int] = {}
    for index, cells in enumerate(rows[:HEADER_WITHIN]):
        found: dict[str, int] = {}
        for column, cell in enumerate(cells):
            name = _COLUMN_OF.get(fields.text(cell).replace(" ", "").rstrip("*"))
            if name:
                found.setdefault(name, column)
        if all(name in found for name in NEEDED):
            return index, found
        best = max(best, found, key=len)
    missing = [COLUMNS[name][0] for name in NEEDED if name not in best]
    raise Refused("header_missing", "、".join(missing))


def read_sheet(
    rows: Sequence[Cells], blind: Blind, today: date, tick: Callable[[int], None] = lambda _row: None
) -> SheetRead:
    """`rows` from the top of the sheet, merged cells filled. Raises Refused when there is no header. `tick`: row by row."""
    header, columns = find_header(rows)
    read = SheetRead()
    lines: list[_Line] = []
    for number, cells in enumerate(rows[header + 1 :], start=header + 2):
        tick(number)
        row = {name: cells[column] if column < len(cells) else None for name, column in columns.items()}
        if not any(fields.text(value) for value in row.values()) and not any(fields.text(c) for c in cells):
            continue
        read.rows += 1
        try:
            line = _line(number, row, blind, today)
        except Refused as no:
            read.refused.append(_refused(number, no.reason, no.detail, _raw(row)))
            continue
        try:
            line.expected = fields.expected_members(row.get("expected"))
        except Refused as no:
            read.cells.append(_refused(number, no.reason, no.detail, line.raw))
        lines.append(line)
    _households(read, lines)
    return read


def _line(number: int, row: Mapping[str, object], blind: Blind, today: date) -> _Line:
    dwelling = fields.code(row["dwelling"])
    name = fields.name(row["name"])
    identity = fields.id_number(row["id_number"], today)
    if not identity:
        raise Refused("id_number_missing")
    birth = fields.birth_of(identity, today)
    told = fields.day(row.get("birth"))
    if told and told != birth:
        raise Refused("birth_differs")
    from_date, to_date = fields.day(row.get("from")), fields.last_day(row.get("to"))
    if from_date is None:
        raise Refused("dates_missing")
    if to_date and to_date < from_date:
        raise Refused("dates_reversed")
    hashed = blind(identity)
    member = Member(
        person_id=f"id-{hashed[:24]}",
        name=name,
        relation=fields.relation(row["relation"]),
        from_date=from_date,
        birth_date=birth,
        id_hash=hashed,
        id_last4=identity[-4:],
        cards=fields.cards(row.get("cards")),
    )
    return _Line(number, dwelling, fields.text(row.get("tenancy")), from_date, to_date, member, _raw(row))


def _households(read: SheetRead, lines: list[_Line]) -> None:
    """Rows of a household together; within the sheet each person once, each card once, one head a household."""
    people: dict[str, str] = {}
    cards: dict[str, str] = {}
    households: dict[str, list[_Line]] = {}
    for line in lines:
        if reason := _clash(line, people, cards, households.get(line.dwelling, [])):
            read.refused.append(_refused(line.number, reason, "", line.raw))
            continue
        people[line.member.person_id] = line.dwelling
        cards |= dict.fromkeys(line.member.cards, line.member.person_id)
        households.setdefault(line.dwelling, []).append(line)
    for dwelling, household in households.items():
        head, by_rank = household[0], sorted(household, key=_head_first)
        read.records.append(
            TenancyRecord(
                id=next((line.tenancy for line in household if line.tenancy), "") or dwelling,
                version=0,
                state="active",
                dwelling_code=dwelling,
                from_date=head.from_date,
                to_date=head.to_date,
                expected_members=next((line.expected for line in by_rank if line.expected), None),
                members=tuple(line.member for line in by_rank),
                partial=True,
            )
        )
        read.row_of |= {(dwelling, line.member.person_id): line.number for line in household}


def _clash(line: _Line, people: dict[str, str], cards: dict[str, str], household: list[_Line]) -> str:
    home = people.get(line.member.person_id)
    if home is not None:
        return "duplicate_person" if home == line.dwelling else "person_in_two_households"
    if line.member.relation == "applicant" and any(one.member.relation == "applicant" for one in household):
        return "two_heads"
    return "card_twice" if any(number in cards for number in line.member.cards) else ""


def _head_first(line: _Line) -> tuple[bool, int]:
    return line.member.relation != "applicant", line.number


def refuse_member(read: SheetRead, record: TenancyRecord, member: Member, reason: str) -> None:
    """Turn a row that was read into a refused one."""
    number = read.row_of[(record.dwelling_code, member.person_id)]
    shown = {"name": member.name, "id_number": f"{'*' * 14}{member.id_last4}", "dwelling": record.dwelling_code}
    read.refused.append(_refused(number, reason, "", masked(shown)))


def _refused(number: int, reason: str, detail: str, raw: dict[str, str]) -> RefusedRow:
    return RefusedRow(f"row {number}", reason, detail, raw)


def _raw(row: Mapping[str, object]) -> dict[str, str]:
    return masked({COLUMNS[name][0]: value for name, value in row.items()})
