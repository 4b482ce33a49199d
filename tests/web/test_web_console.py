"""The console in a browser, on the real hub."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from playwright.sync_api import Page, expect
from sqlalchemy import select
from web_estate import HOME, PASSWORD, TERMINAL, TOKEN, Served

from device_drivers.contract.messages import CommandResult
from device_drivers.contract.words import AccessOutcome, CommandOutcome
from hub.estate.commands import settle
from hub.tables import AuditRow, CaseEntry, CommandRow

OpenAs = Callable[[str, str], Page]
AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
PAGES = (
    "/", "/blocks", f"/dwellings/{HOME}", "/devices", f"/devices/{TERMINAL}", "/events", "/tenancy",
    "/settings", "/settings?tab=health", "/settings?tab=audit", "/settings?tab=dead", "/settings?tab=users",
)  # fmt: skip


def live(page: Page) -> None:
    expect(page.get_by_test_id("link")).to_have_attribute("data-state", "live")


def violations(page: Page) -> list[object]:
    """What axe-core finds. Evaluated, not added as a script: the hub's content policy forbids inline scripts."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[object] = page.evaluate(
        "axe.run().then((r) => r.violations.map((v) => [v.id, v.nodes.map((n) => n.html.slice(0, 200))]))"
    )
    return found


def test_sign_in_and_out(context: object, served: Served, open_as: OpenAs, browser: object) -> None:
    page = context.new_page()  # type: ignore[attr-defined]
    page.goto(served.url + "/cases")
    page.get_by_label("用户名").fill("official")
    page.get_by_label("密码").fill("wrong password")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("alert")).to_contain_text("用户名或密码不正确")
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("heading", name="线索与核查")).to_be_visible()
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_role("heading", name="公租房小区物联网与出入管理")).to_be_visible()
    page.goto(served.url + "/")
    expect(page.get_by_label("用户名")).to_be_visible()


def test_a_pass_shows_at_once(open_as: OpenAs, served: Served) -> None:
    page = open_as("manager", "/")
    live(page)
    expect(page.get_by_test_id("pass")).to_have_count(4)
    served.passes(1, AccessOutcome.TAKEN)
    newest = page.get_by_test_id("pass").first
    expect(newest).to_contain_text("已通过", timeout=3_000)
    expect(newest).to_contain_text("1号楼-0201 · 成员1")
    expect(newest).to_contain_text("北门 进")


def test_the_feed_holds_still_while_read(open_as: OpenAs, served: Served) -> None:
    page = open_as("manager", "/")
    live(page)
    expect(page.get_by_test_id("pass")).to_have_count(4)
    page.get_by_test_id("pass").first.hover()
    served.passes(2)
    expect(page.get_by_test_id("new-events")).to_have_text("2 条新事件")
    expect(page.get_by_test_id("pass")).to_have_count(4)
    page.get_by_test_id("new-events").click()
    expect(page.get_by_test_id("pass")).to_have_count(6)


def test_what_a_device_refuses_is_said_in_words(open_as: OpenAs) -> None:
    page = open_as("manager", "/")
    truth = page.get_by_test_id("truth")
    expect(truth).to_contain_text("应有 2 · 已确认 1 · 1 个被拒")
    expect(truth).to_contain_text("照片")


def test_an_edge_that_goes_takes_certainty_with_it(open_as: OpenAs, served: Served) -> None:
    page = open_as("manager", "/")
    live(page)
    expect(page.get_by_test_id("doors").locator("li").first).to_have_attribute("data-known", "true")
    served.edge(online=False)
    expect(page.get_by_test_id("edge-banner")).to_contain_text("离线")
    expect(page.get_by_test_id("doors").locator("li").first).to_have_attribute("data-known", "false")
    expect(page.get_by_test_id("truth")).to_contain_text("设备现状未知")
    served.edge(online=True)
    expect(page.get_by_test_id("edge-banner")).to_have_count(0)


def test_the_server_restarts_and_the_page_comes_back(
    open_as: OpenAs, served: Served, wait_until: Callable[..., object]
) -> None:
    page = open_as("manager", "/")
    live(page)
    served.stop()
    expect(page.get_by_test_id("link")).to_have_attribute("data-state", "reconnecting")
    expect(page.get_by_test_id("gap")).to_have_count(1)
    expect(page.get_by_test_id("feed")).to_contain_text("数据截至")
    served.start(wait_until)
    served.passes(1, AccessOutcome.NOT_TAKEN)  # while nobody looks
    expect(page.get_by_test_id("link")).to_have_attribute("data-state", "live", timeout=25_000)
    expect(page.get_by_test_id("gap")).to_contain_text("连接中断")
    expect(page.get_by_test_id("pass").first).to_contain_text("未通过")


def test_dwellings_by_keyboard(open_as: OpenAs) -> None:
    page = open_as("official", "/blocks")
    grid = page.get_by_role("grid").first
    grid.locator("button[tabindex='0']").focus()
    focused = page.locator("button:focus")
    expect(focused).to_contain_text("0301")
    page.keyboard.press("ArrowDown")
    expect(focused).to_contain_text("0201")
    page.keyboard.press("End")
    expect(focused).to_contain_text("0203")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("glance")).to_contain_text("李*华")
    page.keyboard.press("Escape")
    expect(focused).to_contain_text("0201")


def test_the_legend_counts_and_filters(open_as: OpenAs) -> None:
    page = open_as("official", "/blocks")
    repair = page.get_by_test_id("legend").locator("[data-status=repair]")
    expect(repair).to_contain_text("维修 1 套")
    repair.click()
    expect(page.locator(".cell.dimmed")).to_have_count(17)
    expect(page.locator(".cell:not(.dimmed)")).to_contain_text("修")


def test_a_cell_changes_colour_as_it_happens(open_as: OpenAs, served: Served) -> None:
    page = open_as("official", "/blocks")
    live(page)
    cell = page.locator("[data-dwelling='E001.E001-B2-0303']")
    expect(cell).to_have_attribute("data-status", "vacant")
    served.hub.live.emit("E001", "dwellings", {"id": "E001.E001-B2-0303", "status": "suspected_sublet"})
    expect(cell).to_have_attribute("data-status", "suspected_sublet")
    expect(cell).to_contain_text("转")


def test_a_household_is_masked_until_revealed(open_as: OpenAs, served: Served) -> None:
    page = open_as("official", f"/dwellings/{HOME}")
    household = page.get_by_test_id("household")
    expect(household).to_contain_text("李*华")
    expect(household).to_contain_text("1 台设备中 1 台已确认")
    assert "李建华" not in page.content(), "a name in full stands in the page before anybody asked for it"
    page.get_by_test_id("reveal").click()
    page.get_by_role("combobox", name="查看事由").click()
    page.get_by_title("线索核查").click()
    page.get_by_label("原因").fill("上门前核对姓名")
    page.get_by_role("dialog").get_by_role("button", name="查看完整信息").click()
    shown = page.get_by_test_id("revealed")
    expect(shown).to_contain_text("李建华")
    expect(shown.get_by_role("timer")).to_contain_text(re.compile(r"(60|5\d) 秒后隐藏"))
    with served.hub.db.reading() as session:
        reasons = session.scalars(select(AuditRow.reason).where(AuditRow.reason == "上门前核对姓名")).all()
    assert reasons, "a reveal left no audit row"
    shown.get_by_role("button", name="立即隐藏").click()
    expect(page.get_by_text("李建华")).to_have_count(0)


def test_presence_is_a_table_too(open_as: OpenAs) -> None:
    page = open_as("official", f"/dwellings/{HOME}")
    presence = page.get_by_test_id("presence")
    expect(presence.get_by_role("img")).to_have_attribute("aria-label", re.compile("未知 1[01] 天"))
    presence.get_by_role("button", name="表格").click()
    expect(presence.get_by_role("cell", name="未知（未覆盖）")).to_have_count(10)


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


def test_roles_see_their_own_menu(open_as: OpenAs) -> None:
    page = open_as("manager", "/cases")
    expect(page.get_by_role("main")).to_contain_text("没有权限")
    expect(page.get_by_role("menuitem", name="线索与核查")).to_have_count(0)
    expect(page.get_by_role("menuitem", name="楼盘表")).to_be_visible()


def test_english_by_a_switch(open_as: OpenAs) -> None:
    page = open_as("official", "/blocks")
    page.get_by_test_id("language").click()
    expect(page.get_by_role("heading", name="Dwellings", level=1)).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.reload()
    expect(page.get_by_test_id("legend")).to_contain_text("Under repair 1")


def test_beijing_time_in_a_new_york_browser(open_as: OpenAs) -> None:
    page = open_as("manager", "/")
    clock = page.get_by_test_id("clock")
    expect(clock).to_contain_text("北京时间")
    shown = clock.locator("time").inner_text()
    there = datetime.strptime(shown, "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    assert abs((datetime.now(UTC) - there).total_seconds()) < 60, f"the clock says {shown}"


def test_a_failing_answer_says_so_and_can_be_retried(open_as: OpenAs, context: object) -> None:
    broken = {"error": {"code": "internal", "message": "系统内部错误，请稍后重试。", "request_id": "req-4711"}}
    context.route("**/api/v1/estates/*/doors", lambda route: route.fulfill(status=500, json=broken))  # type: ignore[attr-defined]
    page = open_as("manager", "/")
    doors = page.get_by_test_id("doors")
    expect(doors).to_contain_text("req-4711", timeout=15_000)
    context.unroute("**/api/v1/estates/*/doors")  # type: ignore[attr-defined]
    doors.get_by_role("button", name="重试").click()
    expect(doors).to_contain_text("北门人行门")


def test_no_accessibility_violation(open_as: OpenAs, served: Served) -> None:
    page, found = open_as("admin", "/"), {}
    for path in PAGES:
        page.goto(served.url + path)
        expect(page.get_by_role("main").get_by_role("heading", level=1)).to_be_attached()
        expect(page.locator("[aria-busy=true]")).to_have_count(0)
        if problems := violations(page):
            found[path] = problems
    assert not found, f"axe-core: {found}"


def test_leads_have_no_accessibility_violation(open_as: OpenAs) -> None:
    page = open_as("official", "/cases")
    expect(page.get_by_test_id("case")).to_have_count(1)
    assert not violations(page), str(violations(page))
    page.get_by_test_id("case").get_by_role("link").click()
    expect(page.get_by_test_id("reasons")).to_be_visible()
    assert not violations(page), str(violations(page))


def test_two_tabs_share_one_stream(open_as: OpenAs, served: Served) -> None:
    first, second = open_as("manager", "/"), open_as("manager", "/")
    live(first)
    live(second)
    served.passes(1, AccessOutcome.TAKEN)
    for page in (first, second):
        expect(page.get_by_test_id("pass").first).to_contain_text("已通过")
    assert served.hub.live.clients == 1, "each tab opened a stream of its own"


def test_the_session_that_ended_leads_to_sign_in(open_as: OpenAs, served: Served) -> None:
    page = open_as("manager", "/")
    live(page)
    page.context.clear_cookies()
    page.get_by_role("menuitem", name="楼盘表").click()
    expect(page.get_by_label("用户名")).to_be_visible()
    expect(page.get_by_text("登录已失效")).to_be_visible()
    assert TOKEN not in page.content()
