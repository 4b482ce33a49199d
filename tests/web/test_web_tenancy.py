"""What the brake holds, records of one person, and both sides compared: at the console, by two persons. On the real hub."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import select
from web_estate import ESTATE, HOME, Served
from web_support import OpenAs, violations

from hub.tables import HouseholdMember, Person, PersonLink, SourceState, Tenancy

SET = "0123456789abcdef0123456789abcdef"


def hold(served: Served, why: str, **more: Any) -> None:
    """A source whose brake holds the one household of the estate."""
    now = datetime.now(UTC).isoformat()
    household = {
        "tenancy": "T-000102", "dwelling_id": HOME, "dwelling_code": "E001-B1-0201", "dwelling_number": "0201",
        "estate_id": ESTATE, "block_name": "1号楼", "members": 2, "leaving": 2, "reason": "mass_removal",
        "reason_zh": "来源称已终止", **more,
    }  # fmt: skip
    held = {
        "source": "back-office", "at": now, "reason": why, "reason_zh": "一次要终止的住户数超过上限。", "removals": 1,
        "households": [household], "set": SET, "marks": {"T-000102": "m"}, "asked_by": "", "asked_at": None,
        "refused_by": "", "refused_at": None, "refused_reason": "",
    }  # fmt: skip
    with served.hub.db.unit_of_work("test", "held", audit=False) as uow:
        uow.session.add(SourceState(source="back-office", held=held, detail={"kind": "http"}, last_total=1))


def state_of(served: Served) -> SourceState:
    with served.hub.db.reading() as session:
        return session.get_one(SourceState, "back-office")


def say(page: Page, button: str, reason: str) -> None:
    page.get_by_test_id("held-back-office").get_by_role("button", name=button).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("原因", exact=True).fill(reason)
    dialog.get_by_role("button", name="确认", exact=True).click()


def test_a_held_set_is_let_pass_by_two_persons(open_as: OpenAs, served: Served) -> None:
    hold(served, "mass_removal")
    page = open_as("official", "/tenancy")
    panel = page.get_by_test_id("held-back-office")
    expect(panel).to_contain_text("E001-B1-0201")
    expect(panel).to_contain_text("需要两位不同人员先后确认，才会撤销。")
    assert not violations(page), str(violations(page))
    say(page, "确认放行", "已逐户电话核对")
    expect(panel).to_contain_text("official 已于")
    say(page, "确认放行", "我再确认一次")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("另一位")
    assert "release" not in state_of(served).detail, "one person alone let a held set pass"
    other = open_as("admin", "/counter")
    expect(other.get_by_test_id("held-feed")).to_contain_text("back-office")
    other.get_by_role("link", name="逐户核对 1 户").click()
    say(other, "确认放行", "复核无误")
    expect(other.get_by_role("dialog")).to_have_count(0)
    assert state_of(served).detail["release"]["keys"] == ["T-000102"]


def test_a_held_set_is_refused_by_a_second_person(open_as: OpenAs, served: Served) -> None:
    hold(served, "mass_removal")
    page = open_as("admin", "/tenancy")
    say(page, "不予放行", "与租赁系统核实，住户仍在")
    expect(page.get_by_test_id("held-back-office")).to_contain_text("admin 已于")
    expect(page.get_by_test_id("held-back-office").get_by_role("button")).to_have_count(0)
    held = state_of(served).held
    assert held is not None
    assert held["refused_by"] == "admin"


def test_a_short_feed_is_accepted_and_nobody_loses_access_by_it(open_as: OpenAs, served: Served) -> None:
    hold(served, "half_feed", reason="missing")
    page = open_as("official", "/tenancy")
    panel = page.get_by_test_id("held-back-office")
    expect(panel.get_by_role("button", name="确认放行")).to_have_count(0)
    panel.get_by_role("button", name="接受名单变短").click()
    expect(page.get_by_role("dialog")).to_contain_text("消失的住户一律保留通行")


def test_new_numbers_of_a_household_are_no_removal(open_as: OpenAs, served: Served) -> None:
    hold(served, "identifiers_changed", reason="identifiers_changed", becomes="N-77")
    page = open_as("official", "/tenancy")
    panel = page.get_by_test_id("held-back-office")
    expect(panel).to_contain_text("数据源现用编号 N-77")
    panel.get_by_role("button", name="认定为同一户").click()
    expect(page.get_by_role("dialog")).to_contain_text("住户、凭证和通行都不变")


def test_two_records_of_one_person_are_told_by_two_people(open_as: OpenAs, served: Served) -> None:
    with served.hub.db.unit_of_work("test", "people", audit=False) as uow:
        uow.session.get_one(Person, "person-1").id_number_hash = "same"
        rows = [
            Person(
                id="person-9", source="upload", source_id="U-9", name="李建华", id_number_last4="123X",
                id_number_hash="same", birth_date=date(1980, 1, 2),
            ),
            Tenancy(
                id="tenancy-9", source="upload", source_id="T-9", estate_id=ESTATE, dwelling_id="E001.E001-B2-0303",
                state="active", from_date=date(2026, 3, 1),
            ),
            HouseholdMember(
                id="member-9", tenancy_id="tenancy-9", person_id="person-9", relation="applicant", ordinal=1,
                from_date=date(2026, 3, 1), offered={},
            ),
        ]  # fmt: skip
        for row in rows:
            uow.session.add(row)
            uow.session.flush()
    page = open_as("official", "/tenancy")
    pair = page.get_by_test_id("person-pair")
    expect(pair).to_contain_text("身份证号相同")
    expect(pair).to_contain_text("李*华")
    assert "李建华" not in page.content(), "a name in full stands on the page"
    assert not violations(page), str(violations(page))
    decide(page, "是同一人", "证件原件一致")
    expect(pair).to_contain_text("您提出的，须由他人确认")
    other = open_as("admin", "/tenancy")
    decide(other, "确认是同一人", "调档核对一致")
    expect(other.get_by_test_id("people-linked")).to_contain_text("U-9")
    with served.hub.db.reading() as session:
        assert [link.state for link in session.scalars(select(PersonLink))] == ["linked"]
    decide(other, "分开", "本人声明不是同一人")
    expect(other.get_by_test_id("people-linked")).to_have_count(0)


def decide(page: Page, button: str, reason: str) -> None:
    page.get_by_role("button", name=button, exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("原因", exact=True).fill(reason)
    dialog.get_by_role("button", name="确认", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_source_that_does_not_answer_is_said_so_where_sides_are_compared(
    open_as: OpenAs, served: Served, context: BrowserContext
) -> None:
    hold(served, "mass_removal")
    page = open_as("official", "/tenancy")
    page.get_by_role("button", name="对账: back-office").click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_role("alert")).to_be_visible()
    side = {"total": 2, "agree": 1, "different": 0, "held": 0, "refused": 0, "only": 1}
    report = {
        "name": "back-office", "at": datetime.now(UTC).isoformat(), "agrees": False, "said": "1 differs",
        "said_zh": "有 1 户只在本系统", "hub": side, "source": side, "hub_members": side, "source_members": side,
        "repeated": 0, "differences": [], "only_there": [], "refused": [], "held": None, "people_twice": [],
        "cards_twice": [], "dwellings_twice": [], "dwellings_unknown": [],
        "only_here": [{"tenancy": "T-000102", "dwelling_code": "E001-B1-0201", "person": ""}],
    }  # fmt: skip
    context.route("**/reconciliation", lambda route: route.fulfill(json=report))
    drawer.get_by_role("button", name="重试").click()
    shown = page.get_by_test_id("reconciliation")
    expect(shown).to_contain_text("有 1 户只在本系统")
    expect(shown).to_contain_text("E001-B1-0201")
    expect(drawer.get_by_role("link", name="下载 XLSX")).to_have_attribute(
        "href", "/api/v1/tenancy/sources/back-office/reconciliation/file?format=xlsx"
    )
    assert not violations(page), str(violations(page))
