"""Messy lists: every row that holds anything is taken, or refused with its reason; a dry run changes nothing."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from sqlalchemy import func, select
from tenancy_office import HOUSEHOLDS, Office, code, id_number, tenancy

from hub import quota
from hub.services import Hub
from hub.tables import CredentialRow, Estate, HeldAction, HouseholdMember, Person, SourceRow, Tenancy
from hub.tenancy import fields, sync
from hub.tenancy.fields import Refused
from hub.tenancy.files import rows_of
from hub.tenancy.reasons import REASONS
from hub.tenancy.sheet import read_sheet
from hub.tenancy.upload import Outcome, upload
from simulators.xlsx import write_xlsx

Setup = Callable[[Hub], None]
TODAY = date(2026, 11, 21)
HEAD = ["房屋编码", " 姓名 ", "身份证号", "与承租人关系", "起租日", "到期日", "卡号", "备注"]
A, B, C, D, E, F = (id_number(100 + n) for n in range(6))
WIDE = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")


def messy() -> tuple[bytes, dict[int, str]]:
    """A list with one of each trouble, and what must become of each row ("" = taken)."""
    start = "2025-03-01"
    rows: list[tuple[list[Any], str]] = [
        ([code(0), "张 三　", A.translate(WIDE), "承租人", "2025年3月1日", "2028.2.29", "０００3456789", None], ""),
        ([None, " 李四", B.lower(), "配偶", "2025/3/1", None, 3456790.0, None], ""),
        ([None, "张三", A, "承租人", start, None, None, "重复登记"], "duplicate_person"),
        ([None] * 8, "blank"),
        ([code(1), "王五", C, "户主", date(2025, 3, 1), None, "11、12", None], ""),
        ([code(1), "赵六", D, "承租人", 45717, None, None, "两位户主"], "two_heads"),
        ([code(1), "张三", A, "子女", start, None, None, None], "person_in_two_households"),
        (
            [code(1), "钱七", E[:-1] + ("0" if E[-1] != "0" else "1"), "子女", start, None, None, None],
            "id_number_check",
        ),
        ([code(1), "钱七", E[:10] + "1332" + E[14:], "子女", start, None, None, None], "id_number_birth"),
        ([code(1), "钱七", E[:15], "子女", start, None, None, None], "id_number_length"),
        ([code(1), "钱七", None, "子女", start, None, None, None], "id_number_missing"),
        ([code(1), None, E, "子女", start, None, None, None], "name_missing"),
        ([code(1), "钱七", E, None, start, None, None, None], "relation_missing"),
        ([code(1), "钱七", E, "子女", "三月初", None, None, None], "date_bad"),
        ([code(1), "钱七", E, "子女", start, "2024-01-01", None, None], "dates_reversed"),
        ([code(1), "钱七", E, "子女", start, None, "1.23E+15", None], "card_bad"),
        ([code(1), "钱七", E, "子女", start, None, "11", None], "card_twice"),
        (["E001-B9-0101", "孙八", F, "承租人", start, None, None, None], "dwelling_unknown"),
        ([code(2), "孙八", id_number(300), "配偶", start, None, None, None], "no_head"),
        ([None, None, None, None, None, None, None, "合计：见附件"], "dwelling_missing"),
    ]
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["青松公租房小区租户名单"])
    sheet.append([])
    sheet.append(HEAD)
    for row, _ in rows:
        sheet.append(row)
    sheet.merge_cells("A1:H1")
    sheet.merge_cells("A4:A6")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue(), {n: outcome for n, (_, outcome) in enumerate(rows, start=4) if outcome != "blank"}


def send(hub: Hub, content: bytes, name: str = "名单.xlsx", *, dry_run: bool = False) -> Outcome:
    with hub.db.reading() as session:
        estate = session.get_one(Estate, "E001")
    return upload(hub, estate, "official", name, content, dry_run=dry_run)


def count(hub: Hub, table: Any) -> int:
    with hub.db.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_every_row_is_taken_or_refused_with_its_reason(hub: Hub, estate: Setup) -> None:
    estate(hub)
    content, expected = messy()
    tried = send(hub, content, dry_run=True)
    assert (tried.applied, count(hub, Tenancy), count(hub, SourceRow)) == (False, 0, 0), "a dry run changes nothing"
    done = send(hub, content)
    assert done.refused == tried.refused
    refused = {int(r.key.removeprefix("row ")): r.reason for r in done.refused}
    assert refused == {row: reason for row, reason in expected.items() if reason}
    assert done.accepted + len(done.refused) == len(expected), "no row is lost"
    assert done.household_changes == {"new": 2, "changed": 0, "ended": 0, "unchanged": 0}
    with hub.db.reading() as session:
        people = {p.name: p for p in session.scalars(select(Person))}
        cards = {
            name: session.scalars(select(HouseholdMember).where(HouseholdMember.person_id == p.id))
            .one()
            .offered["cards"]
            for name, p in people.items()
        }
        starts = set(session.scalars(select(Tenancy.from_date)))
        stored = " ".join(str(v) for r in session.scalars(select(SourceRow)) for v in r.raw.values())
    assert cards == {"张三": ["3456789"], "李四": ["3456790"], "王五": ["11", "12"]}
    assert starts == {date(2025, 3, 1)}
    assert people["张三"].id_number_last4 == A[-4:]
    assert not any(number in stored for number in (A, B, C, D, E, F)), "refused rows are kept masked"
    again = send(hub, content)
    assert again.household_changes == {"new": 0, "changed": 0, "ended": 0, "unchanged": 2}
    assert count(hub, SourceRow) == len(done.refused), "the same refusals once"


def test_a_sheet_never_ends_and_never_overwrites_another_household(hub: Hub, estate: Setup) -> None:
    estate(hub)
    send(hub, messy()[0])
    lines = [",".join(["房屋编码", "姓名", "身份证号", "关系", "起租日", "卡号"])]
    lines += [f"{code(0)},张三,{A},承租人,2025-03-01,3456789;99"]
    lines += [f"{code(1)},别人,{F},承租人,2026-01-01,5"]
    for encoding in ("utf-8-sig", "gb18030"):
        done = send(hub, "\n".join(lines).encode(encoding), "x.CSV")
        assert [(r.key, r.reason) for r in done.refused] == [("row 3", "dwelling_occupied")]
    with hub.db.reading() as session:
        members = session.scalars(select(HouseholdMember)).all()
        assert sorted(c for m in members for c in m.offered["cards"]) == ["11", "12", "3456789", "3456790", "99"]
        assert all(m.to_date is None for m in members), "李四 is not in the list and stays"


def test_a_list_tells_how_many_a_home_is_let_to(hub: Hub, estate: Setup) -> None:
    estate(hub)

    def of(first: str, second: str, header: str = "核定人数") -> Outcome:
        lines = [f"房屋编码,姓名,身份证号,关系,起租日,{header}"]
        lines += [f"{code(0)},李四,{B},配偶,2025-03-01,{second}", f"{code(0)},张三,{A},承租人,2025-03-01,{first}"]
        return send(hub, "\n".join(lines).encode(), "名单.csv")

    def kept() -> int | None:
        with hub.db.reading() as session:
            return session.scalars(select(Tenancy)).one().expected_members

    of("３人", "")
    assert kept() == 3, "of one household, told at one of its rows"
    of("4", "2", "保障人口")
    assert kept() == 4, "where rows differ the tenant's own is taken"
    done = of("三口", "")
    assert (done.accepted, done.refused) == (2, ()), "a number that cannot be takes nobody off the list"
    assert [(row.key, row.reason, row.detail) for row in done.noted] == [("row 3", "expected_bad", "三口")]
    assert kept() == 4, "and nothing that was known before"
    with hub.db.reading() as session:
        assert [row.reason for row in session.scalars(select(SourceRow))] == ["expected_bad"], "kept to be looked into"
    other = f"房屋编码,姓名,身份证号,关系,起租日,核定人数\nE001-B9-0101,王五,{C},承租人,2025-03-01,三口\n"
    done = send(hub, other.encode(), "名单.csv")
    assert [row.reason for row in done.refused] == ["dwelling_unknown"]
    assert done.noted == (), "a row that is refused is told once"


def end_tenancies(hub: Hub, move_out: str = "2026-11-15") -> None:
    """Every tenancy ends by a complete decision, as the lease system would have it."""
    decision = {"number": "青房退12号", "date": "2026-11-01", "move_out_completed_on": move_out, "signed_by": "中心"}
    with hub.db.unit_of_work("test", "ended", now=hub.now()) as uow:
        for row in uow.session.scalars(select(Tenancy)):
            row.state, row.end_decision, row.ended_at = "ended", decision, hub.now()


def listed(*rows: str) -> bytes:
    return "\n".join(["房屋编码,姓名,身份证号,关系,起租日,租约编号", *rows]).encode()


def live(hub: Hub) -> dict[str, list[str]]:
    with hub.db.reading() as session:
        rows = session.execute(
            select(Tenancy.source_id, Person.name)
            .join(HouseholdMember, HouseholdMember.tenancy_id == Tenancy.id)
            .join(Person, Person.id == HouseholdMember.person_id)
            .where(Tenancy.state != "ended")
            .order_by(Tenancy.source_id, HouseholdMember.ordinal)
        )
        found: dict[str, list[str]] = {}
        for number, name in rows:
            found.setdefault(number, []).append(name)
        return found


@pytest.mark.parametrize("number", ["", "HT-1"])
def test_a_list_from_before_does_not_bring_an_ended_household_back(hub: Hub, estate: Setup, number: str) -> None:
    estate(hub)
    old = listed(f"{code(0)},张三,{A},承租人,2025-03-01,{number}", f"{code(0)},李四,{B},配偶,2025-03-01,{number}")
    send(hub, old, "x.csv")
    end_tenancies(hub)
    for dry_run in (True, False):
        done = send(hub, old, "x.csv", dry_run=dry_run)
        assert [r.reason for r in done.refused] == ["tenancy_ended", "tenancy_ended"]
        assert (done.accepted, done.households) == (0, ())
    on_the_day = listed(f"{code(0)},张三,{A},承租人,2026-11-15,HT-2")
    assert [r.reason for r in send(hub, on_the_day, "x.csv").refused] == ["tenancy_ended"], "the day of moving out"
    if number:
        again = send(hub, listed(f"{code(0)},张三,{A},承租人,2026-11-16,{number}"), "x.csv")
        assert [r.reason for r in again.refused] == ["tenancy_ended"], "the number of what has ended stays ended"
    assert live(hub) == {}


def test_the_next_household_comes_in_and_takes_nobody_of_the_last_one_along(hub: Hub, estate: Setup) -> None:
    estate(hub)
    old = [f"{code(0)},张三,{A},承租人,2025-03-01,", f"{code(0)},李四,{B},配偶,2025-03-01,"]
    send(hub, listed(*old), "x.csv")
    end_tenancies(hub)
    new = [f"{code(0)},王五,{C},承租人,2026-11-16,", f"{code(0)},李四,{B},其他,2025-03-01,"]
    tried = send(hub, listed(*new), "x.csv", dry_run=True)
    assert [(h.dwelling_code, h.change, h.members) for h in tried.households] == [(code(0), "new", 1)]
    for fresh in (1, 0):
        done = send(hub, listed(*new), "x.csv")
        assert [r.reason for r in done.refused] == ["tenancy_ended"], "an old row beside a new one stays out"
        assert done.household_changes["new"] == fresh, "the same list again is the same tenancy"
        assert live(hub) == {f"{code(0)}@2026-11-16": ["王五"]}
    added = send(hub, listed(new[0], f"{code(0)},赵六,{D},配偶,2026-11-17,"), "x.csv", dry_run=True)
    assert [(h.change, h.members) for h in added.households] == [("changed", 2)]
    assert {r.reason for r in send(hub, listed(*old), "x.csv").refused} == {"tenancy_ended"}
    assert live(hub) == {f"{code(0)}@2026-11-16": ["王五"]}


def test_a_list_that_takes_a_card_counts_to_the_hour_of_who_sends_it(hub: Hub, estate: Setup, sign_in: Any) -> None:
    estate(hub)

    def sheet(*rows: tuple[str, str, str, str]) -> bytes:
        lines = [
            ",".join((home, name, number, "承租人", "2025-03-01", "", card, "")) for home, name, number, card in rows
        ]
        return "\n".join((",".join(HEAD), *lines)).encode()

    def card_of(name: str) -> list[str]:
        with hub.db.reading() as session:
            query = (
                select(HouseholdMember).join(Person, Person.id == HouseholdMember.person_id).where(Person.name == name)
            )
            return list(session.scalars(query).one().offered["cards"])

    assert send(hub, sheet((code(0), "张三", A, "100")), "a.csv").applied
    with hub.db.unit_of_work("official", "a busy hour", now=hub.now()) as uow:
        assert quota.spend(uow, "official", "pass.issue", quota.LIMIT)
    waiting = send(hub, sheet((code(0), "张三", A, "200"), (code(1), "王五", C, "300")), "a.csv")
    assert (waiting.applied, bool(waiting.waiting)) == (False, True)
    assert card_of("张三") == ["100"], "nothing of it is applied"
    assert send(hub, sheet((code(1), "王五", C, "300")), "a.csv").applied, "what takes nothing goes on"
    assert card_of("王五") == ["300"]
    with hub.db.reading() as session:
        row = session.get_one(HeldAction, waiting.waiting)
    assert (row.kind, row.weight) == ("tenancy.upload", 1)
    assert code(0) in row.label, "the second person sees which household"
    assert "张三" in str(row.payload), "it waits as it was read"
    reply = sign_in(hub, "housing_official").post(
        f"/api/v1/held-actions/{row.id}/confirm", json={"reason": "核对过名单"}
    )
    assert reply.status_code == 200, reply.text
    assert card_of("张三") == ["200"]
    with hub.db.reading() as session:
        assert session.get_one(HeldAction, waiting.waiting).payload == {}, "names and cards go with the decision"
    assert send(hub, sheet((code(0), "张三", A, "200")), "a.csv").household_changes["unchanged"] == 1


def test_the_second_person_sees_every_household_that_loses_something(
    sqlite_hub: Hub, estate: Setup, sign_in: Any
) -> None:
    hub, many = sqlite_hub, 18
    estate(hub)
    with hub.db.unit_of_work("test", "brake", audit=False) as uow:
        uow.session.get_one(Estate, "E001").policy = {"brake": {"share": 1.0, "households": 100, "floor": 100}}

    def sheet(card: int) -> bytes:
        lines = [
            f"{code(n)},张三,{id_number(100 + n)},承租人,2025-03-01,,{card + n}," for n in range(many)
        ]  # fmt: skip
        return "\n".join((",".join(HEAD), *lines)).encode()

    assert send(hub, sheet(1000), "a.csv").applied
    with hub.db.unit_of_work("official", "a busy hour", now=hub.now()) as uow:
        assert quota.spend(uow, "official", "pass.issue", quota.LIMIT)
    waiting = send(hub, sheet(2000), "a.csv").waiting
    client = sign_in(hub, "housing_official")
    pages = [
        client.get(f"/api/v1/held-actions/{waiting}/households", params={"offset": offset, "limit": 10}).json()
        for offset in (0, 10, 20)
    ]
    assert [page["total"] for page in pages] == [many] * 3
    told = [one["dwelling_code"] for page in pages for one in page["items"]]
    assert told == sorted(code(n) for n in range(many)), "each of them, not the first twelve"
    (loss,) = pages[0]["items"][0]["loses"]
    assert (loss["name"], loss["what"].startswith("card ")) == ("张*", True), "masked"
    assert client.get("/api/v1/held-actions/held-nobody/households").status_code in (403, 404)


def test_what_another_source_manages_is_compared_and_left_alone(
    sqlite_hub: Hub, configured: Setup, office: Office, tmp_path: Path
) -> None:
    hub = sqlite_hub
    configured(hub)
    sync.run(hub)
    before = count(hub, Tenancy), count(hub, Person), count(hub, CredentialRow)
    records = [tenancy(n) for n in range(HOUSEHOLDS)]
    for record in records:
        for member in record["members"]:
            member["relation"] = {"applicant": "applicant", "spouse": "spouse"}[member["relation"]]
    for messy_list in (False, True):
        mess = write_xlsx(tmp_path / "list.xlsx", records, messy=messy_list, seed=3)
        content = (tmp_path / "list.xlsx").read_bytes()
        done = send(hub, content)
        sheet = load_workbook(io.BytesIO(content)).worksheets[0]
        filled = sum(any(v is not None for v in row) for row in sheet.iter_rows(values_only=True)) - (
            2 if messy_list else 1
        )
        assert done.accepted + len(done.refused) == filled, (mess, "no row is lost")
        assert {r.reason for r in done.refused} <= set(REASONS)
        assert (count(hub, Tenancy), count(hub, Person), count(hub, CredentialRow)) == before
        if not messy_list:
            assert done.refused == ()
        else:
            wanted = mess.counts["impossible_id"] + mess.counts["unknown_house"] + mess.counts["duplicate_person"]
            assert len(done.refused) >= wanted


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"0" * (201 * 1024 * 1024))
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("x.pdf", b"%PDF", "file_type"),
        ("x.xlsx", b"not a zip", "file_unreadable"),
        ("x.xlsx", b"PK\x03\x04 cut", "file_unreadable"),
        ("x.xlsx", bomb, "file_too_large"),
        ("x.csv", b"x" * (10 * 1024 * 1024 + 1), "file_too_large"),
        ("x.csv", "房屋编码,姓名\n1,2".encode(), "header_missing"),
        ("x.csv", b"", "header_missing"),
    ],
)
def test_a_file_that_cannot_be_read_says_what_to_do(name: str, content: Any, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        read_sheet(rows_of(name, content() if callable(content) else content), str, TODAY)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("given_", "day"),
    [
        ("2025-03-01", "2025-03-01"), ("２０２５年３月１日", "2025-03-01"), ("2025.3.1", "2025-03-01"), (45717, "2025-03-01"),
        ("20250301", "2025-03-01"), ("2025/03/01 00:00:00", "2025-03-01"), (datetime(2025, 3, 1, tzinfo=UTC), "2025-03-01"),
        ("", None), (None, None),
    ],
)  # fmt: skip
def test_dates(given_: object, day: str | None) -> None:
    assert fields.day(given_) == (date.fromisoformat(day) if day else None)


@pytest.mark.parametrize("bad", ["2025-02-30", "01/03/2025", "25-3-1", "2025-3", "昨天", 12, "2025-03-01T10:00"])
def test_dates_that_are_not_guessed(bad: object) -> None:
    with pytest.raises(Refused, match="date_bad"):
        fields.day(bad)


@given(st.text(max_size=30) | st.integers() | st.floats() | st.none() | st.lists(st.text(max_size=5), max_size=3))
def test_no_cell_breaks_the_reader(cell: object) -> None:
    for reader in (
        fields.day,
        fields.cards,
        fields.relation,
        fields.name,
        fields.code,
        lambda v: fields.id_number(v, TODAY),
    ):
        with suppress(Refused):  # its constructor takes only reasons that have words for the clerk
            reader(cell)


@given(st.integers(0, 10**17 - 1), st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_never_passes_the_check(number: int, place: int, add: int) -> None:
    good = id_number(number % 1000, "19800101")
    wrong = good[:place] + str((int(good[place]) + add) % 10) + good[place + 1 :]
    assert fields.id_number(good, TODAY) == good
    with pytest.raises(Refused, match="id_number"):
        fields.id_number(wrong, TODAY)


def test_an_identity_number_in_the_wrong_column_is_not_shown() -> None:
    """Found by fuzzing: the reason of a refused row repeats what stood in the cell."""
    number = "110101199003074258"
    rows: list[list[object]] = [
        ["房屋编码", "姓名", "身份证号", "关系", "出生日期"],
        ["B1", "张三", number, "本人", number],
    ]
    (refused,) = read_sheet(rows, str, TODAY).refused
    assert number not in f"{refused.detail} {refused.raw}"
    assert refused.detail.endswith("4258"), "its end is told, so that the clerk finds it"
