"""What somebody meets who never saw the console before: found by the words the pages use, nothing said that is not so."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import delete
from test_web_tenancy import hold
from web_estate import ESTATE, HOME, TERMINAL, TOKEN, Served
from web_support import OpenAs, live, violations

from hub.access.publish import publish
from hub.tables import CredentialIdentifierRow, Device, Estate, HouseholdMember


def change(served: Served, what: Any) -> None:
    with served.hub.db.unit_of_work("test", "change", audit=False) as uow:
        what(uow.session)


def offered(page: Page, typed: str) -> Locator:
    box = page.get_by_role("combobox", name="按房屋")
    box.fill("")
    box.fill(typed)
    return page.locator(".ant-select-dropdown:visible .ant-select-item-option")


@pytest.mark.parametrize("typed", ["1号楼-0201", "E001-B1-0201", "1号楼 0201", "1号楼0201", "b1-0201"])
def test_a_dwelling_is_found_by_every_name_the_pages_give_it(look_as: OpenAs, typed: str) -> None:
    page = look_as("manager", "/explain")
    expect(offered(page, typed)).to_have_text(["1号楼 0201"])


def test_a_dwelling_that_is_not_there_says_what_can_be_typed(look_as: OpenAs) -> None:
    page = look_as("manager", "/explain")
    none = offered(page, "9999")
    expect(page.locator(".ant-select-dropdown:visible")).to_contain_text("没有找到")
    expect(none).to_have_count(0)


def test_who_may_not_see_leads_is_not_told_that_there_are_none(look_as: OpenAs) -> None:
    page = look_as("manager", "/")
    live(page)
    expect(page.get_by_test_id("kpi")).to_contain_text("空置")
    expect(page.get_by_test_id("kpi")).not_to_contain_text("疑似")
    page.goto(page.url.rstrip("/") + "/blocks")
    expect(page.get_by_test_id("legend")).to_contain_text("空置")
    expect(page.get_by_test_id("legend")).not_to_contain_text("疑似")


def test_who_may_see_leads_sees_how_many(look_as: OpenAs) -> None:
    page = look_as("official", "/")
    live(page)
    expect(page.get_by_test_id("kpi")).to_contain_text(re.compile("疑似（待核实）\\s*1"))


def test_a_box_that_has_just_gone_is_away_for_no_less_than_nothing(open_as: OpenAs, served: Served) -> None:
    page = open_as("manager", "/")
    live(page)
    since = served.hub.now() - timedelta(hours=5)
    change(served, lambda session: setattr(session.get_one(Device, TERMINAL), "condition_since", since))
    served.edge(online=False)
    expect(page.get_by_test_id("edge-banner")).to_contain_text(re.compile(r"离线自主判定 \d"))
    door = page.get_by_test_id("doors").locator("li").first
    five_ago = (served.hub.now() + timedelta(hours=8) - timedelta(hours=5)).strftime("%H:%M")
    expect(door).to_contain_text("离线")
    expect(door).not_to_contain_text(five_ago)


def test_why_a_door_cannot_be_opened_from_here_is_said(open_as: OpenAs, served: Served) -> None:
    served.edge(online=False)
    page = open_as("manager", "/doors")
    expect(page.get_by_role("button", name="开门一次: 北门 进")).to_be_disabled()
    expect(page.get_by_test_id("open-not-now")).to_contain_text("网关离线")


def test_a_source_whose_changes_are_held_is_not_well(open_as: OpenAs, served: Served) -> None:
    hold(served, "empty_feed")
    row = open_as("official", "/tenancy").get_by_test_id("source")
    expect(row).to_contain_text("暂停")
    expect(row).not_to_contain_text("正常")


def test_new_faces_are_not_called_undecided_for_want_of_a_number_that_is_there(open_as: OpenAs, served: Served) -> None:
    change(served, lambda session: setattr(session.get_one(Estate, ESTATE), "policy", {"pia_id": "PIA-2026-01"}))
    page = open_as("manager", "/settings")
    rules = page.get_by_test_id("estate-rules")
    expect(rules).to_contain_text("PIA-2026-01")
    expect(rules).not_to_contain_text("没有评估编号")
    expect(rules).to_contain_text("可以新增")


def test_who_has_no_card_is_given_one(open_as: OpenAs, served: Served) -> None:
    def nothing(session: Any) -> None:
        session.execute(delete(CredentialIdentifierRow).where(CredentialIdentifierRow.token == TOKEN))
        session.get_one(HouseholdMember, "member-1").offered = {"cards": [], "photo": None}

    change(served, nothing)
    page = open_as("manager", f"/counter?dwelling={HOME}")
    member = page.get_by_test_id("counter-member").first
    expect(member).to_contain_text("尚无卡、密码或人脸")
    member.get_by_role("button", name="发门卡").click()
    dialog = page.get_by_role("dialog").last
    dialog.get_by_label("原因", exact=True).fill("本人当面领卡")
    dialog.get_by_role("button", name="发门卡").click()
    expect(dialog).to_contain_text("请填写要发的卡的卡号")
    dialog.get_by_label("卡号").fill("7654321")
    assert not violations(page), str(violations(page))
    dialog.get_by_role("button", name="发门卡").click()
    expect(page.get_by_text("已登记门卡")).to_be_visible()
    publish(served.hub)
    page.reload()
    expect(page.get_by_test_id("counter-member").first).to_contain_text("****321")


def test_all_pages_can_be_seen_in_the_menu_of_a_phone(look_as: OpenAs) -> None:
    page = look_as("manager", "/")
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    live(page)
    for name in ("服务台", "为什么能进", "设备", "设置"):
        expect(page.get_by_role("menuitem", name=name, exact=True)).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize(("path", "rows"), [("/doors", "door-row"), (f"/explain?dwelling={HOME}", "explained-line")])
def test_what_a_manager_needs_at_the_gate_is_in_sight_on_a_phone(look_as: OpenAs, path: str, rows: str) -> None:
    """The button that opens a door, and why somebody may not pass, stood outside, to the right."""
    page = look_as("manager", path)
    page.set_viewport_size({"width": 390, "height": 844})
    cells = page.get_by_test_id(rows).first.locator("td")
    expect(cells.first).to_be_visible()
    edges = [box["x"] + box["width"] for box in (cell.bounding_box() for cell in cells.all()) if box]
    assert edges
    assert max(edges) <= 390, edges
    assert not violations(page), str(violations(page))


def test_how_a_consent_is_given_is_said_at_the_counter(look_as: OpenAs) -> None:
    page = look_as("manager", f"/counter?dwelling={HOME}")
    expect(page.get_by_test_id("consent-hint").first).to_contain_text("租约记录")


def test_what_an_older_list_confirmed_is_not_said_of_the_one_that_is_wanted(open_as: OpenAs, served: Served) -> None:
    """ "Wanted 3, confirmed 3" was read as done, while the device stood at the list before."""

    def one_more(session: Any) -> None:
        session.get_one(HouseholdMember, "member-1").offered = {"cards": ["3456781", "3456789"], "photo": None}

    change(served, one_more)
    publish(served.hub)
    row = open_as("manager", "/devices").get_by_test_id("device").first
    expect(row).to_contain_text("设备上还是上一版名单")
