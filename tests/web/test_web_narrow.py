"""Phones, long names, a hub with nothing in it yet, and tabs that are not one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import update
from web_estate import ESTATE, HOME, Served
from web_support import OpenAs, enter_by, violations

from hub import auth
from hub.tables import Door, Estate, HubUser, Person

LONG = "市本级公共租赁住房青松苑（二期）东区第三组团人才公寓小区"
PAGES = (
    "/",
    "/blocks",
    "/doors",
    "/events",
    "/passes",
    f"/counter?dwelling={HOME}",
    f"/dwellings/{HOME}",
    "/devices",
    "/settings",
    "/account",
)


def test_no_page_is_wider_than_a_phone_whatever_names_are_long(open_as: OpenAs, served: Served) -> None:
    with served.hub.db.unit_of_work("test", "long names", audit=False) as uow:
        uow.session.execute(update(Estate).where(Estate.id == ESTATE).values(name=LONG))
        uow.session.execute(update(Door).values(name=f"{LONG}非机动车库人行门（常闭）"))
        uow.session.execute(update(Person).values(name="𠮷田䶮·阿不都克里木·买买提依明江"))
        uow.session.execute(update(HubUser).values(display_name="阿卜杜热合曼·阿不都克里木（东区服务站·夜班组）"))
    page = open_as("manager", "/")
    page.set_viewport_size({"width": 390, "height": 844})
    wide = []
    for path in PAGES:
        page.goto(served.url + path)
        expect(page.get_by_role("main").get_by_role("heading").first).to_be_visible()
        expect(page.get_by_role("main").locator("[aria-busy=true]")).to_have_count(0)
        if page.evaluate("document.documentElement.scrollWidth") > 390:
            wide.append(path)
    assert not wide, f"wider than the phone: {wide}"
    page.get_by_role("menuitem", name="设置").click()
    expect(page.get_by_role("heading", name="设置")).to_be_visible()


def test_a_tab_of_another_role_says_so_and_one_that_is_none_shows_the_first(look_as: OpenAs) -> None:
    page = look_as("official", "/settings?tab=users")
    expect(page.get_by_role("main")).to_contain_text("没有权限")
    assert not violations(page), str(violations(page))
    page.goto(page.url.replace("users", "none"))
    expect(page.get_by_role("tab", name="政策包")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_test_id("policy")).to_be_visible()


@pytest.fixture
def new_hub(
    dist: Path, tmp_path: Path, free_port: Callable[[], int], wait_until: Callable[..., object]
) -> Iterator[Served]:
    hub = Served(tmp_path, free_port())
    hub.start(wait_until)
    yield hub
    hub.stop()


def test_an_administrator_of_a_hub_without_an_estate_is_told_what_to_do(browser: Browser, new_hub: Served) -> None:
    for name, role in (("admin", "administrator"), ("official", "housing_official")):
        auth.add_user(new_hub.hub, name, name, role, [], None, "test")
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    enter_by(page, new_hub.url + auth.make_sign_in_link(new_hub.hub, "admin"))
    expect(page.get_by_role("main")).to_contain_text("estate-hub import-site")
    page.get_by_role("link", name="尚未设置密码").click()
    expect(page.get_by_role("button", name="保存密码")).to_be_visible()
    enter_by(page, new_hub.url + auth.make_sign_in_link(new_hub.hub, "official"))
    expect(page.get_by_role("main")).to_contain_text("请联系系统管理员")
    context.close()
