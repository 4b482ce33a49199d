"""What people do at the console: sign in, decide a lead, open a door. In a browser, on the real hub."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from playwright.sync_api import expect
from sqlalchemy import select
from web_estate import PASSWORD, TERMINAL, TOKEN, Served
from web_support import OpenAs, live

from device_drivers.contract.messages import CommandResult
from device_drivers.contract.words import CommandOutcome
from hub.estate.commands import settle
from hub.tables import CaseEntry, CommandRow


def test_sign_in_and_out(context: object, served: Served, open_as: OpenAs, browser: object) -> None:
    page = context.new_page()  # type: ignore[attr-defined]
    page.goto(served.url + "/cases")
    page.get_by_label("用户名").fill("official")
    page.get_by_label("密码").fill("wrong password")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("alert")).to_contain_text("用户名或密码不正确")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("alert")).to_contain_text("Wrong name or password: try again.")
    page.get_by_role("button", name="中文").click()
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("heading", name="线索与核查", level=1)).to_be_visible()
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_role("heading", name="公租房小区物联网与出入管理")).to_be_visible()
    page.goto(served.url + "/")
    expect(page.get_by_label("用户名")).to_be_visible()


def test_a_lead_is_decided_with_a_reason_and_an_opinion(open_as: OpenAs, served: Served) -> None:
    page = open_as("official", "/cases")
    expect(page.get_by_text("线索不是结论")).to_be_visible()
    expect(page.get_by_test_id("case")).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("reasons")).to_contain_text("95天")
    expect(page.get_by_test_id("against")).to_contain_text("住院")
    page.keyboard.press("2")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="提交").click()
    expect(dialog.get_by_role("alert")).to_contain_text("请选择事由")
    dialog.get_by_role("combobox", name="事由").click()
    page.get_by_title("转入户核查").click()
    dialog.get_by_label("书面意见").fill("电话未接通，转入户核查。")
    dialog.get_by_role("button", name="提交").click()
    expect(page.get_by_test_id("case-state")).to_have_attribute("data-state", "recheck_requested")
    expect(page.get_by_test_id("timeline")).to_contain_text("电话未接通")
    expect(page.get_by_test_id("delivery")).to_contain_text("请求资格复核")
    with served.hub.db.reading() as session:
        entry = session.scalars(select(CaseEntry).where(CaseEntry.action == "recheck")).one()
    assert entry.opinion == "电话未接通，转入户核查。"


def test_a_door_is_opened_only_with_a_reason(
    open_as: OpenAs, served: Served, wait_until: Callable[..., CommandRow]
) -> None:
    page = open_as("manager", f"/devices/{TERMINAL}")
    live(page)
    page.get_by_role("button", name="开门一次").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="确认").click()
    expect(dialog.get_by_role("alert")).to_contain_text("原因")
    dialog.get_by_label("原因").fill("住户忘带卡，已核对身份")
    dialog.get_by_role("button", name="确认").click()

    def issued() -> CommandRow | None:
        with served.hub.db.reading() as session:
            return session.scalars(select(CommandRow)).first()

    command = wait_until(issued, "the command")
    assert (command.reason, command.access_point_id) == ("住户忘带卡，已核对身份", "E001.G1-IN")
    settle(served.hub, "edge-aaaa", CommandResult(command.id, CommandOutcome.DONE, datetime.now(UTC)))
    expect(page.get_by_test_id("command")).to_contain_text("已执行")


def test_roles_see_their_own_menu(look_as: OpenAs) -> None:
    page = look_as("manager", "/cases")
    expect(page.get_by_role("main")).to_contain_text("没有权限")
    expect(page.get_by_role("menuitem", name="线索与核查")).to_have_count(0)
    expect(page.get_by_role("menuitem", name="楼盘表")).to_be_visible()


def test_the_session_that_ended_leads_to_sign_in(open_as: OpenAs, served: Served) -> None:
    page = open_as("manager", "/")
    live(page)
    page.context.clear_cookies()
    page.get_by_role("menuitem", name="楼盘表").click()
    expect(page.get_by_label("用户名")).to_be_visible()
    expect(page.get_by_role("region", name="重新登录")).to_contain_text("登录已失效")
    assert TOKEN not in page.content()
