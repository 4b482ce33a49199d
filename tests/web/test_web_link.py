"""The page of a sign-in link, before anybody is signed in."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, expect
from web_estate import Served
from web_support import enter_by, violations

from hub import auth


@pytest.mark.parametrize("width", [390, 1280])
def test_a_link_opened_twice_is_there_until_its_button_is_pressed(
    context: BrowserContext, served: Served, width: int
) -> None:
    link = served.url + auth.make_sign_in_link(served.hub, "official")
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(link)
    page.reload()
    button = page.get_by_role("button", name="登录")
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not violations(page), str(violations(page))
    button.click()
    expect(page.get_by_role("button", name="退出登录")).to_be_visible()
    assert page.url == f"{served.url}/"


def test_a_used_link_says_what_to_do(context: BrowserContext, served: Served) -> None:
    link = served.url + auth.make_sign_in_link(served.hub, "official")
    page = context.new_page()
    enter_by(page, link)
    expect(page.get_by_role("button", name="退出登录")).to_be_visible()
    page.goto(link)
    expect(page.get_by_role("heading", name="登录链接已失效")).to_be_visible()
    assert not violations(page), str(violations(page))
    page.get_by_role("link", name="进入首页").click()
    expect(page.get_by_role("button", name="退出登录")).to_be_visible()


def test_a_double_click_signs_in(context: BrowserContext, served: Served) -> None:
    """The second press found the link used, and the answer to the first was dropped."""
    page = context.new_page()
    page.goto(served.url + auth.make_sign_in_link(served.hub, "official"))
    page.get_by_role("button", name="登录").dblclick()
    expect(page.get_by_role("button", name="退出登录")).to_be_visible()
