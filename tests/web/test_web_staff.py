"""Staff by role, hours, and the phone's page of a pass. In a browser, on the real hub."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from playwright.sync_api import BrowserContext, Page, Route, expect
from sqlalchemy import select
from test_web_devices import pick
from web_estate import ESTATE, HOME, Served
from web_support import OpenAs, violations

from hub.access import desk
from hub.access.pass_rules import PassRequest
from hub.tables import CredentialRow, RoleAssignment, ScheduleRow


def reasoned(page: Page, reason: str, button: str) -> None:
    dialog = page.get_by_role("dialog").last
    dialog.get_by_label("原因", exact=True).fill(reason)
    dialog.get_by_role("button", name=button, exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_hours_a_role_and_its_holder(open_as: OpenAs, served: Served) -> None:
    page = open_as("manager", "/staff?tab=hours")
    page.get_by_role("button", name="新设时段").click()
    page.get_by_label("名称", exact=True).fill("白班")
    reasoned(page, "保洁白班排班", "确认")
    expect(page.get_by_test_id("schedule")).to_contain_text("白班")
    page.get_by_role("tab", name="岗位").click()
    page.get_by_role("button", name="新设岗位").click()
    page.get_by_label("岗位名称").fill("保洁")
    pick(page, "时段", "白班")
    assert not violations(page), str(violations(page))
    reasoned(page, "新签保洁合同", "新设岗位")
    expect(page.get_by_test_id("role")).to_contain_text("周一至周五 08:00")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_test_id("role")).to_contain_text("Mon to Fri 08:00")
    page.get_by_role("button", name="中文").click()
    page.get_by_role("tab", name="工作人员").click()
    page.get_by_role("button", name="授予岗位").click()
    pick(page, "岗位", "保洁")
    page.get_by_label("人员姓名或工号").fill("周某")
    page.get_by_label("卡号", exact=True).fill("99887766")
    assert not violations(page), str(violations(page))
    reasoned(page, "新员工入职", "授予岗位")
    row = page.get_by_test_id("assignment")
    expect(row).to_contain_text("周某")
    expect(row).to_contain_text("****7766")
    page.get_by_role("button", name="收回: 周某").click()
    reasoned(page, "劳动合同到期", "收回")
    expect(row).to_have_count(0)
    with served.hub.db.reading() as session:
        assignment = session.scalars(select(RoleAssignment)).one()
        assert session.get_one(CredentialRow, assignment.token).state == "ended"
        assert session.scalars(select(ScheduleRow.name)).all() == ["白班"]


def link_of(served: Served, begins: timedelta = timedelta(minutes=-1)) -> tuple[str, str]:
    """(the pass, the secret of its link)"""
    now = datetime.now(UTC)
    request = PassRequest("visitor", now + begins, now + timedelta(days=1), HOME)
    with served.hub.db.unit_of_work("manager", "亲友来访", estate_id=ESTATE, now=now) as uow:
        done = desk.perform(uow, served.hub.keys, ESTATE, desk.IssuePass(request, "qr"))
    return done.subject, done.secret


def phone(context: BrowserContext, served: Served, secret: str) -> Page:
    page = context.new_page()
    page.set_viewport_size({"width": 390, "height": 844})
    page.clock.install()
    page.goto(f"{served.url}/pass#{secret}")
    return page


def test_a_phone_shows_a_code_that_changes_and_ends_with_the_pass(context: BrowserContext, served: Served) -> None:
    subject, secret = link_of(served)
    page = phone(context, served, secret)
    code = page.get_by_test_id("phone-code")
    expect(code).to_contain_text("青松公租房小区")
    first = code.get_attribute("data-code")
    assert first is not None
    assert first.startswith("EH1.")
    expect(page.get_by_test_id("countdown")).to_contain_text("秒后自动更新")
    assert not violations(page), str(violations(page))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "the page is wider than the phone"
    page.clock.fast_forward(31_000)
    expect(code).not_to_have_attribute("data-code", first)
    with served.hub.db.unit_of_work("manager", "交回", estate_id=ESTATE, now=datetime.now(UTC)) as uow:
        desk.perform(uow, served.hub.keys, ESTATE, desk.EndPass(subject, "own_request"))
    page.clock.fast_forward(31_000)
    expect(page.get_by_test_id("phone-note")).to_have_attribute("data-state", "over")
    expect(page.locator("svg")).to_have_count(0)
    assert not violations(page), str(violations(page))


def test_a_phone_without_a_network_says_how_long_its_code_is_good(context: BrowserContext, served: Served) -> None:
    page = phone(context, served, link_of(served)[1])
    expect(page.get_by_test_id("phone-code")).to_be_visible()
    context.set_offline(True)
    page.clock.fast_forward(31_000)
    expect(page.get_by_test_id("countdown")).to_contain_text("此码还可用")
    expect(page.locator("svg")).to_have_count(1)
    page.clock.fast_forward(31_000)
    expect(page.get_by_test_id("phone-note")).to_have_attribute("data-state", "expired")
    expect(page.locator("svg")).to_have_count(0)
    context.set_offline(False)
    page.clock.fast_forward(11_000)
    expect(page.get_by_test_id("phone-code")).to_be_visible()


def test_an_answer_cut_in_the_middle_is_asked_for_again(context: BrowserContext, served: Served) -> None:
    cut = iter([True])

    def answer(route: Route) -> None:
        """The first answer stops in the middle of its JSON, as one does when the phone leaves the network."""
        if next(cut, False):
            route.fulfill(status=200, content_type="application/json", body='{"text": "EH1.')
        else:
            route.continue_()

    context.route("**/api/v1/pass-qr", answer)
    page = phone(context, served, link_of(served)[1])
    expect(page.get_by_test_id("phone-note")).to_have_attribute("data-state", "expired")
    page.clock.fast_forward(2_500)
    expect(page.get_by_test_id("phone-code")).to_be_visible()


def test_a_phone_says_what_is_wrong_with_a_link(context: BrowserContext, served: Served) -> None:
    page = phone(context, served, link_of(served, begins=timedelta(hours=5))[1])
    expect(page.get_by_test_id("phone-note")).to_have_attribute("data-state", "early")
    expect(page.get_by_test_id("phone-note")).to_contain_text("起可用")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_test_id("phone-note")).to_contain_text("The pass is not valid yet; it works from")
    page.get_by_role("button", name="中文").click()
    page = phone(context, served, "short")
    expect(page.get_by_test_id("phone-note")).to_contain_text("链接不完整")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="The link is not complete")).to_be_visible()
