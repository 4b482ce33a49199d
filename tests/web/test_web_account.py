"""One's own password in the console, and what an administrator sees and does for who forgot it."""

from __future__ import annotations

from patience import PATIENCE_S
from playwright.sync_api import Browser, BrowserContext, Page, expect
from test_web_devices import pick
from web_estate import PASSWORD, Served
from web_support import OpenAs, enter_by, violations

from hub import auth

NEW = "a new 新的 password"


def type_twice(page: Page, fresh: str, again: str | None = None) -> None:
    page.get_by_label("新密码", exact=True).fill(fresh)
    page.get_by_label("再输一次新密码", exact=True).fill(fresh if again is None else again)
    page.get_by_role("button", name="保存密码").click()


def signed_in(page: Page, served: Served, name: str, password: str) -> None:
    page.set_default_timeout(
        1000 * PATIENCE_S
    )  # also where the page is of a browser context that the test opened itself
    page.goto(f"{served.url}/login")
    page.get_by_label("用户名").fill(name)
    page.get_by_label("密码", exact=True).fill(password)
    page.get_by_role("button", name="登录", exact=True).click()
    expect(page.get_by_role("button", name="退出登录")).to_be_visible()


def test_who_came_by_a_link_sets_a_password_and_signs_in_with_it(open_as: OpenAs, served: Served) -> None:
    page = open_as("manager", "/")
    page.get_by_role("link", name="尚未设置密码").click()
    panel = page.get_by_test_id("password")
    expect(panel).to_contain_text("您还没有密码")
    assert not violations(page), str(violations(page))
    type_twice(page, "short")
    expect(panel.get_by_text("至少 10 位").last).to_be_visible()
    type_twice(page, NEW, "another password")
    expect(panel).to_contain_text("两次输入的新密码不一致")
    type_twice(page, NEW)
    expect(panel.get_by_role("status")).to_contain_text("密码已保存")
    expect(page.get_by_role("link", name="尚未设置密码")).to_have_count(0)
    assert page.get_by_label("新密码", exact=True).input_value() == "", "it does not stay on the screen"
    page.get_by_role("button", name="退出登录").click()
    signed_in(page, served, "manager", NEW)


def test_changing_it_ends_the_sign_in_elsewhere(context: BrowserContext, browser: Browser, served: Served) -> None:
    page = context.new_page()
    signed_in(page, served, "official", PASSWORD)
    elsewhere = browser.new_context(locale="zh-CN")
    other = elsewhere.new_page()
    signed_in(other, served, "official", PASSWORD)
    page.get_by_role("link", name="我的账号").click()
    panel = page.get_by_test_id("password")
    page.get_by_label("当前密码").fill("not the password")
    type_twice(page, NEW)
    expect(panel.get_by_role("alert")).to_contain_text("当前密码不正确")
    page.get_by_role("button", name="English").click()
    expect(panel.get_by_role("alert")).to_contain_text("The current password is wrong")
    assert not violations(page), str(violations(page))
    page.get_by_role("button", name="中文").click()
    page.get_by_label("当前密码").fill(PASSWORD)
    type_twice(page, NEW)
    expect(panel.get_by_role("status")).to_contain_text("密码已保存")
    # sent, not pressed: the stream may have told the page before
    other.locator(".side .ant-menu-item", has_text="线索与核查").dispatch_event("click")
    expect(other.get_by_role("region", name="重新登录")).to_contain_text("登录已失效")
    signed_in(other, served, "official", NEW)
    elsewhere.close()


def test_the_page_fits_a_phone_and_goes_by_keyboard(open_as: OpenAs) -> None:
    page = open_as("auditor", "/account")
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_label("新密码", exact=True).focus()
    page.keyboard.type(NEW)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type(NEW)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("password").get_by_role("status")).to_contain_text("密码已保存")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "the page is wider than the phone"


def test_the_administrator_sees_who_is_locked_out_and_lets_them_in(open_as: OpenAs, served: Served) -> None:
    for _ in range(auth.MAX_FAILURES):
        try:
            auth.sign_in(served.hub, "official", "guess after guess")
        except auth.Unauthenticated:
            continue
    page = open_as("admin", "/settings?tab=users")
    row = page.get_by_role("row").filter(has_text="official-name")
    expect(row).to_contain_text("密码输错过多，锁定至")
    expect(page.get_by_role("row").filter(has_text="manager-name")).to_contain_text("尚未设置密码")
    row.get_by_role("button", name="official 的登录链接").click()
    path = page.get_by_test_id("handover").inner_text().partition("/signin/")[2]
    page.get_by_role("button", name="关闭").last.click()
    enter_by(page, f"{served.url}/signin/{path}")
    page.get_by_role("link", name="我的账号").click()
    expect(page.get_by_test_id("password")).to_contain_text("可以直接设置一次新密码")
    expect(page.get_by_label("当前密码")).to_have_count(0)
    type_twice(page, NEW)
    expect(page.get_by_test_id("password").get_by_role("status")).to_contain_text("密码已保存")
    expect(page.get_by_label("当前密码")).to_be_visible()


def test_a_user_whose_link_fails_is_there_all_the_same(open_as: OpenAs, context: BrowserContext) -> None:
    """The dialog stayed open, and pressed again it said that there is such a user already."""
    page = open_as("admin", "/settings?tab=users")
    context.route("**/sign-in-link", lambda route: route.abort())
    page.get_by_role("button", name="添加用户").click()
    page.get_by_label("用户名（登录用）").fill("wang")
    pick(page, "角色", "审计员")
    page.get_by_role("dialog").get_by_role("button", name="添加用户").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    users = page.get_by_test_id("users")
    expect(users.get_by_role("row").filter(has_text="wang")).to_be_visible()
    expect(users.get_by_role("alert")).to_contain_text("连不上服务器")


def test_a_link_that_cannot_be_made_says_so(open_as: OpenAs, context: BrowserContext) -> None:
    page = open_as("admin", "/settings?tab=users")
    context.route("**/sign-in-link", lambda route: route.abort())
    page.get_by_role("button", name="official 的登录链接").click()
    expect(page.get_by_test_id("users").get_by_role("alert")).to_contain_text("连不上服务器")
