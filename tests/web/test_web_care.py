"""The care worker's page: calls to make and answer, opting out; nothing else is on the menu. And outside signs on a dwelling."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, expect
from sqlalchemy import delete, select
from web_estate import ESTATE, HOME, Served
from web_support import OpenAs, violations

from hub.tables import AuditRow, CareCall, CareWatch, OutsideSign, Person


def _shot(page: object, name: str) -> None:
    if folder := os.environ.get("ESTATE_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)  # type: ignore[attr-defined]


def _call(served: Served) -> None:
    now = datetime.now(UTC)
    with served.hub.db.unit_of_work("test", "a quiet day", audit=False) as uow:
        person = uow.session.scalars(select(Person.id)).first() or ""
        uow.session.add(
            CareWatch(
                id="watch-1", estate_id=ESTATE, dwelling_id=HOME, person_id=person, hours=24, contact="女儿 电话见档案",
                began_by="x", began_at=now - timedelta(days=9), state="ask", looked_at=now,
            )
        )  # fmt: skip
        uow.session.flush()
        since = now - timedelta(hours=25)
        uow.session.add(
            CareCall(
                id="care-1", watch_id="watch-1", estate_id=ESTATE, dwelling_id=HOME, opened_at=now, quiet_since=since
            )
        )


def test_a_call_is_made_and_answered(open_as: OpenAs, served: Served) -> None:
    _call(served)
    page = open_as("carer", "/")
    menu = page.get_by_role("navigation")
    expect(menu).to_contain_text("关怀探访")
    expect(menu).not_to_contain_text("线索")
    expect(page.get_by_text("断线重连")).to_have_count(0)
    expect(page.get_by_test_id("care-call")).to_contain_text("女儿")
    expect(page.get_by_test_id("care-call")).to_contain_text("1号楼 0201")
    _shot(page, "care")
    assert violations(page) == []
    page.get_by_test_id("care-call").get_by_role("button", name="记录探访").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox", name="结果").click()
    page.locator(".ant-select-dropdown:not(.ant-select-dropdown-hidden)").get_by_title("一切安好", exact=True).click()
    dialog.locator("textarea").last.fill("上门看过，一切安好")
    dialog.get_by_role("button").last.click()
    expect(page.get_by_test_id("care-call")).to_have_count(0)
    with served.hub.db.reading() as session:
        assert session.get_one(CareCall, "care-1").outcome == "fine"


def test_who_cannot_be_seen_is_not_passed_over(open_as: OpenAs, served: Served) -> None:
    """No call stands, and yet it would be wrong to say that nobody needs one."""
    _call(served)
    with served.hub.db.unit_of_work("test", "the meter is not read", audit=False) as uow:
        uow.session.execute(delete(CareCall))
        uow.session.get_one(CareWatch, "watch-1").state = "cannot_see"
    page = open_as("carer", "/")
    expect(page.get_by_test_id("care-watch")).to_contain_text("观测不到，不作判断")
    calls = page.locator("#care-calls, [data-testid=care-calls]").first
    expect(calls).to_contain_text("1 户无法判断")
    page.get_by_test_id("language").click()
    expect(calls).to_contain_text("of 1 more nothing can be said")
    _shot(page, "care-unseen")


def test_who_decides_cases_has_no_care_page_and_sees_outside_signs(open_as: OpenAs) -> None:
    page = open_as("official", f"/dwellings/{HOME}")
    expect(page.get_by_role("navigation")).not_to_contain_text("关怀")
    signs = page.get_by_test_id("outside-signs")
    expect(signs).to_contain_text("欠租是中性事实")
    _shot(page, "dwelling")
    page.get_by_test_id("language").click()
    expect(signs).to_contain_text("Outside signs")


def _choose(page: Page, kind: str) -> None:
    page.get_by_role("dialog").get_by_role("combobox", name="类别").click()
    page.locator(".ant-select-dropdown:visible").get_by_title(kind, exact=True).click()


def _record(page: Page, kind: str) -> None:
    _choose(page, kind)
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("日期").fill(datetime.now(UTC).date().isoformat())
    dialog.get_by_label("原因", exact=True).fill("来访者当面反映")


def _send(page: Page, signs: int) -> None:
    page.get_by_role("dialog").get_by_role("button").last.click()
    expect(page.get_by_test_id("outside-sign")).to_have_count(signs)


def test_what_was_told_of_one_sign_is_not_told_of_the_next(open_as: OpenAs, served: Served) -> None:
    """A named report was kept as an anonymous one, which counts less, and an advertisement with another's digest."""
    page = open_as("official", f"/dwellings/{HOME}")
    begin = page.get_by_test_id("outside-signs").get_by_role("button", name="记录所见所闻")
    begin.click()
    _record(page, "反映由他人居住")
    page.get_by_label("匿名").check()
    _send(page, 1)
    begin.click()
    _record(page, "反映长期无人居住")
    expect(page.get_by_label("匿名")).not_to_be_checked()
    _send(page, 2)
    begin.click()
    _record(page, "网上有该房屋的出租信息")
    page.get_by_label("所存副本").fill("a" * 64)
    _send(page, 3)
    begin.click()
    _record(page, "网上有该房屋的出租信息")
    expect(page.get_by_label("所存副本")).to_have_value("")


def test_a_tick_that_is_no_more_on_the_form_is_not_sent(open_as: OpenAs, served: Served) -> None:
    page = open_as("official", f"/dwellings/{HOME}")
    page.get_by_test_id("outside-signs").get_by_role("button", name="记录所见所闻").click()
    _record(page, "反映由他人居住")
    page.get_by_label("匿名").check()
    _choose(page, "网上有该房屋的出租信息")
    page.get_by_label("所存副本").fill("a" * 64)
    _send(page, 1)
    with served.hub.db.reading() as session:
        assert [(row.kind, row.anonymous) for row in session.scalars(select(OutsideSign))] == [("advert", False)]
        kept = session.scalars(select(AuditRow.reason).order_by(AuditRow.id.desc())).first()
    assert kept == "来访者当面反映", "the form says that how it is known goes to the audit log"
