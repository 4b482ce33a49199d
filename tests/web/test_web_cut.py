"""What is not lost, and what is said, when the network, a session or a hand slips in the midst of something."""

from __future__ import annotations

import io
from typing import Any

import pikepdf
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import select, update
from test_web_devices import pick
from web_estate import PASSWORD, Served
from web_support import OpenAs, live, violations

from hub import auth
from hub.tables import CaseFile, UserSession

WORDS = "已电话核实：承租人住院三周，子女代为照看房屋，附住院证明。"


def a_case(served: Served) -> str:
    with served.hub.db.reading() as session:
        return session.scalars(select(CaseFile.id)).one()


def decision(page: Page, opinion: str = WORDS) -> Any:
    """The form of a step, with the opinion typed."""
    page.get_by_test_id("decision").get_by_role("button", name="转复核").click()
    field = page.get_by_role("dialog").locator("textarea").last
    field.fill(opinion)
    return field


def press(page: Page) -> None:
    """The dialog's main button: sent, not pressed, as the stream may have told the page before that the session is over."""
    page.locator(".ant-modal .ant-btn-primary").dispatch_event("click")


def choose_reason(page: Page) -> None:
    page.get_by_role("dialog").get_by_role("combobox", name="事由").click()
    page.locator(".ant-select-dropdown:not(.ant-select-dropdown-hidden)").get_by_title(
        "R_DATA 转数据复核", exact=True
    ).click()


def test_signing_out_while_the_network_is_gone_signs_out_when_it_is_back(
    open_as: OpenAs, context: BrowserContext
) -> None:
    """Who leaves a desk's computer must not stay signed in for whoever comes next."""
    page = open_as("manager", "/")
    context.route("**/api/v1/session", lambda route: route.abort())
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_role("alert")).to_contain_text("服务器还不知道")
    assert not violations(page), str(violations(page))
    context.unroute("**/api/v1/session")
    page.reload()
    expect(page.get_by_label("用户名")).to_be_visible()
    expect(page.get_by_role("button", name="退出登录")).to_have_count(0)
    assert page.evaluate("fetch('/api/v1/me').then((r) => r.status)") == 401, "the hub knows as well"


def test_what_nobody_answered_is_not_said_to_be_tried_again(
    open_as: OpenAs, context: BrowserContext, served: Served
) -> None:
    page = open_as("official", f"/cases/{a_case(served)}")
    context.route("**/decisions", lambda route: route.abort())
    decision(page)
    dialog = page.get_by_role("dialog")
    choose_reason(page)
    dialog.get_by_role("button", name="提交").click()
    expect(dialog.get_by_role("alert")).to_contain_text("不知道是否已经办成")
    expect(dialog).not_to_contain_text("自动重试")


def test_a_page_that_cannot_be_read_without_a_network_says_so(open_as: OpenAs, context: BrowserContext) -> None:
    page = open_as("manager", "/")
    expect(page.get_by_test_id("kpi")).to_be_visible()
    context.set_offline(True)
    page.get_by_role("menuitem", name="工作人员").click()
    expect(page.get_by_role("main").get_by_role("alert").first).to_contain_text("连不上服务器")
    context.set_offline(False)
    page.get_by_role("main").get_by_role("button", name="重试").first.click()
    expect(page.get_by_role("main").get_by_role("alert")).to_have_count(0)


def test_a_click_beside_a_form_and_escape_lose_no_words(open_as: OpenAs, served: Served) -> None:
    page = open_as("official", f"/cases/{a_case(served)}")
    field = decision(page)
    page.mouse.click(5, 450)
    expect(field).to_have_value(WORDS)
    page.keyboard.press("Escape")
    expect(field).to_have_value(WORDS)
    page.get_by_role("dialog").get_by_role("button", name="取消").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_what_is_shown_once_goes_by_its_button_alone(open_as: OpenAs) -> None:
    page = open_as("admin", "/settings?tab=users")
    page.get_by_role("button", name="official 的登录链接").click()
    link = page.get_by_test_id("handover")
    expect(link).to_contain_text("/signin/")
    page.keyboard.press("Escape")
    page.mouse.click(5, 450)
    expect(link).to_be_visible()
    page.get_by_role("button", name="关闭").last.click()
    expect(link).to_have_count(0)


def test_a_session_that_ends_in_the_midst_of_a_form_loses_no_words(context: BrowserContext, served: Served) -> None:
    page = context.new_page()
    page.goto(f"{served.url}/login")
    page.get_by_label("用户名").fill("official")
    page.get_by_label("密码", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()
    expect(page.get_by_role("button", name="退出登录")).to_be_visible()
    page.goto(f"{served.url}/cases/{a_case(served)}")
    field = decision(page)
    choose_reason(page)
    with served.hub.db.unit_of_work("test", "idle", audit=False) as uow:
        uow.session.execute(update(UserSession).values(ended_at=served.hub.now()))
    press(page)
    again = page.get_by_role("region", name="重新登录")
    expect(again).to_contain_text("登录已失效")
    expect(field).not_to_be_visible()
    assert not violations(page), str(violations(page))
    again.get_by_label("密码", exact=True).fill(PASSWORD)
    again.get_by_role("button", name="登录", exact=True).click()
    expect(field).to_have_value(WORDS)
    page.get_by_role("dialog").get_by_role("button", name="提交").click()
    expect(page.get_by_test_id("case-state")).to_have_attribute("data-state", "recheck_requested")


def test_who_came_by_a_link_goes_on_by_a_link_and_another_finds_nothing(
    open_as: OpenAs, context: BrowserContext, served: Served
) -> None:
    def ended() -> None:
        with served.hub.db.unit_of_work("test", "idle", audit=False) as uow:
            uow.session.execute(update(UserSession).values(ended_at=served.hub.now()))
        press(page)
        expect(page.get_by_role("region", name="重新登录")).to_be_visible()

    def follow(name: str) -> None:
        """In another tab of the browser."""
        answer = context.request.post(served.url + auth.make_sign_in_link(served.hub, name), max_redirects=0)
        assert answer.status == 303
        page.get_by_role("button", name="已用链接登录，继续").click()
        expect(page.get_by_role("region", name="重新登录")).to_have_count(0)

    page = open_as("manager", "/staff?tab=hours")
    page.get_by_role("button", name="新设时段").click()
    page.get_by_label("名称", exact=True).fill("白班")
    page.get_by_role("dialog").get_by_label("原因", exact=True).fill("保洁白班排班")
    ended()
    follow("manager")
    expect(page.get_by_label("名称", exact=True)).to_have_value("白班")
    live(page)
    ended()
    follow("auditor")
    expect(page.get_by_text("auditor-name")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_case_prints_what_is_on_its_page(open_as: OpenAs, served: Served) -> None:
    page = open_as("official", f"/cases/{a_case(served)}")
    expect(page.get_by_test_id("decision")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.get_by_test_id("decision")).to_be_visible()
    expect(page.get_by_role("navigation")).not_to_be_visible()


def test_a_pass_prints_on_one_sheet(open_as: OpenAs) -> None:
    page = open_as("manager", "/passes")
    page.get_by_role("button", name="办理通行证").click()
    pick(page, "接待房屋", "1号楼 0201")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("原因", exact=True).fill("亲友来访")
    dialog.get_by_role("button", name="办理通行证").click()
    card = page.get_by_test_id("pass-card")
    expect(card).to_be_visible()
    page.add_style_tag(content="#main { min-height: 4000px }")  # a long list behind it
    with pikepdf.open(io.BytesIO(page.pdf(format="A4"))) as printed:
        assert len(printed.pages) == 1, f"{len(printed.pages)} sheets"
    page.emulate_media(media="print")
    expect(card).to_be_visible()
    expect(page.get_by_test_id("pass-link")).not_to_be_visible()
    expect(page.get_by_test_id("passes")).not_to_be_visible()
    page.emulate_media(media="screen")
    page.keyboard.press("Escape")
    expect(card).to_be_visible()  # its number is shown once
