"""How right the rules are, whether records can be trusted, and what a lead says in English. In a browser."""

from __future__ import annotations

import re
from datetime import timedelta

from playwright.sync_api import Route, expect
from sqlalchemy import select, update
from web_estate import HOME, TERMINAL, TODAY, Served
from web_support import OpenAs, violations

from hub.tables import AccessPoint, AskingWeek, CaseEntry, CaseFile, Coverage, DoorDay, Finding

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def _closed(served: Served, number: int, outcome: str) -> None:
    """A case of rule S2 that people looked into and closed some weeks ago."""
    hub = served.hub
    with hub.db.unit_of_work("test", "a closed case", now=hub.now()) as uow:
        at = uow.now - timedelta(days=30, minutes=number)
        said = [{"on": (at - timedelta(days=20)).date().isoformat(), "rule": "S2", "stage": "yellow", "fitted": 0.2}]
        common = {"estate_id": "E001", "dwelling_id": HOME, "kind": "sublet", "stage": "yellow"}
        uow.session.add(
            CaseFile(
                id=f"old-{number}", number=f"E001-2025-{number:04d}", state=outcome, outcome=outcome,
                opened_at=at - timedelta(days=20), closed_at=at, **common,
            )
        )  # fmt: skip
        uow.session.flush()
        uow.session.add(
            Finding(
                id=f"old-{number}", case_id=f"old-{number}", rule="S2", rule_version="1", policy_version="national 1",
                families=[], window_from=at.date(), window_to=at.date(), coverage=1.0, because=[], against=[], refuted_by=[],
                evidence=[], inputs_hash="", stated=said, opened_at=at, updated_at=at, closed_at=at, **common,
            )
        )  # fmt: skip
        uow.session.add(CaseEntry(case_id=f"old-{number}", at=at, actor="x", action="visited"))


def test_rule_records_empty_failing_and_full(open_as: OpenAs, served: Served) -> None:
    page = open_as("official", "/cases")
    page.get_by_role("link", name="各规则在已结案件中的准确率").click()
    panel = page.get_by_test_id("rule-records")
    expect(panel).to_contain_text("还没有经人核查的已结案件")
    for number in range(25):
        _closed(served, number, "dismissed")

    def fail(route: Route) -> None:
        route.fulfill(status=500, content_type="text/html", body="")

    page.route("**/api/v1/rule-records", fail)
    page.reload()
    expect(panel.get_by_role("alert")).to_be_visible()
    page.unroute("**/api/v1/rule-records")
    panel.get_by_role("button", name="重试").click()
    row = panel.get_by_test_id("rule-record")
    expect(row).to_have_attribute("data-held", "true")
    expect(row).to_contain_text("暂降一级")
    expect(row).to_contain_text("25")
    assert not violations(page), str(violations(page))
    page.get_by_test_id("language").click()
    expect(row).to_contain_text("held back by one stage")
    assert not CHINESE.search(panel.inner_text()), panel.inner_text()


def test_the_rules_page_says_when_questions_start_with_the_likeliest(open_as: OpenAs, served: Served) -> None:
    hub = served.hub
    with hub.db.unit_of_work("test", "a stock that can bear few", now=hub.now()) as uow:
        uow.session.add(AskingWeek(monday=TODAY - timedelta(days=TODAY.weekday()), above=0.41, begun=30, most=10))
        said = [{"on": TODAY.isoformat(), "rule": "S1", "stage": "yellow", "fitted": 0.3}]
        uow.session.add(
            Finding(
                id="waits", estate_id="E001", dwelling_id=HOME, kind="sublet", stage="note", rule="S1", rule_version="1",
                policy_version="national 1", families=[], window_from=TODAY, window_to=TODAY, coverage=1.0, because=[],
                against=[], refuted_by=[], evidence=[], inputs_hash="", stated=said, peak=0.3, waits=True, opened_at=uow.now,
                updated_at=uow.now,
            )
        )  # fmt: skip
    page = open_as("official", "/settings?tab=rules")
    panel = page.get_by_test_id("rule-records")
    expect(panel.get_by_test_id("asking")).to_contain_text("近120日新线索30条，至多询问10条")
    expect(panel.get_by_test_id("asking")).to_contain_text("可能性高于41.0%的，另有1条暂只作记录")
    expect(panel).to_contain_text("还没有经人核查的已结案件")
    assert not violations(page), str(violations(page))
    page.get_by_test_id("language").click()
    expect(panel.get_by_test_id("asking")).to_contain_text("1 more are only noted for now")
    assert not CHINESE.search(panel.inner_text()), panel.inner_text()


def test_a_reason_for_one_pack_is_not_offered_for_the_next_and_packs_have_english_names(look_as: OpenAs) -> None:
    page = look_as("admin", "/settings?tab=policy")
    packs = page.get_by_test_id("pack")
    expect(packs.first).to_contain_text("北京")
    page.get_by_test_id("language").click()
    expect(packs.first).to_contain_text("Beijing")
    dialog = page.get_by_role("dialog")
    packs.filter(has_text="Beijing").get_by_role("button", name="Use").click()
    expect(dialog).to_contain_text("Use: Beijing")
    dialog.locator("textarea").fill("Approved for Beijing")
    dialog.get_by_role("button", name="Cancel").click()
    packs.filter(has_text="Xiamen").get_by_role("button", name="Use").click()
    expect(dialog).to_contain_text("Use: Xiamen")
    expect(dialog.locator("textarea")).to_have_value("")


def test_integrity_names_devices_and_sources(open_as: OpenAs, served: Served) -> None:
    page = open_as("auditor", "/settings?tab=integrity")
    expect(page.get_by_test_id("integrity-data")).to_be_visible()
    with served.hub.db.unit_of_work("test", "a terminal is off", now=served.hub.now()) as uow:
        uow.session.execute(update(Coverage).where(Coverage.device_id == TERMINAL).values(to_at=uow.now))
        down = {"state": "down", "reason": "offline", "from_at": uow.now - timedelta(hours=2)}
        uow.session.add(Coverage(estate_id="E001", device_id=TERMINAL, **down))
        doors = uow.session.scalars(select(AccessPoint.door_id).where(AccessPoint.device_id == TERMINAL).distinct())
        uow.session.add_all(DoorDay(door_id=door, day=TODAY - timedelta(days=3), unheard=True) for door in doors)
    page.reload()
    row = page.get_by_test_id("integrity-entrances").locator("[data-rule=D1]").first
    expect(row).to_contain_text("离线或停用")
    assert not violations(page), str(violations(page))
    page.get_by_test_id("language").click()
    expect(row).to_contain_text("offline or out of service")
    row.get_by_role("link").click()
    assert f"/devices/{TERMINAL}" in page.url
    expect(page.get_by_text("Says it works but recorded nobody: taken as not observable")).to_be_visible()
    # 20 days, but for the silent one; each three quarters of an hour that a suite takes are a tenth of a percent
    expect(page.get_by_text(re.compile(r"Observable 63\.\d% of the last 30 days"))).to_be_visible()
    official = open_as("official", "/settings?tab=integrity")
    expect(official.get_by_role("tab", name="Can the records be trusted")).to_have_count(0)
    expect(official.get_by_test_id("integrity-data")).to_have_count(0)


def _lead(served: Served) -> str:
    """The furnished lead, with sentences as detection writes them."""
    hub = served.hub
    with hub.db.unit_of_work("test", "a lead in detection's own words", now=hub.now()) as uow:
        row = uow.session.scalars(select(Finding).where(Finding.case_id.is_not(None))).first()
        assert row is not None
        row.because = ["登记人员已有87个可观测日未被识别到，最后一次为2026-08-30。"]
        row.against = ["本户以前也曾离家40日后返回。"]
        row.refuted_by = ["入户核查确认登记人员实际居住。"]
        row.observed, row.threshold = "未见87日；近30日内使用26日", "180日"
        row.evidence = [
            {"kind": "day", "ref": "2026-08-30", "text_zh": "此前最后一个识别到登记人员的日期。", "day": "2026-08-30"}
        ]
        return str(row.case_id)


def test_a_lead_says_why_in_english(open_as: OpenAs, served: Served) -> None:
    page = open_as("official", f"/cases/{_lead(served)}")
    reasons, against = page.get_by_test_id("reasons"), page.get_by_test_id("against")
    expect(reasons).to_contain_text("登记人员已有87个可观测日")
    page.get_by_test_id("language").click()
    expect(reasons).to_contain_text(
        "The registered members were not recognised on 87 observable days, last on 2026-08-30."
    )
    expect(against).to_contain_text("was away for 40 days before and came back")
    entry = page.get_by_test_id("entry").first
    expect(entry).to_contain_text("the system")
    for panel in (reasons, against, entry):
        assert not CHINESE.search(panel.inner_text()), panel.inner_text()
    page.get_by_test_id("decision").get_by_text("Not yet").click()
    blocked = page.get_by_test_id("blocked")
    expect(blocked).to_contain_text("Have it rechecked first")
    page.locator("button[data-action=answer]").click()
    form = page.get_by_role("dialog")
    expect(form).to_contain_text("it counts as a declared absence")
    assert not CHINESE.search(form.inner_text()), form.inner_text()
    form.get_by_role("button", name="Cancel").click()
    assert not CHINESE.search(blocked.inner_text()), blocked.inner_text()
    page.get_by_role("link", name="Leads").or_(page.get_by_role("menuitem", name="Leads")).first.click()
    expect(page.get_by_test_id("case").first).to_contain_text("not recognised on 87 observable days")


def test_why_somebody_may_pass_in_english(open_as: OpenAs, served: Served) -> None:
    page = open_as("official", f"/explain?dwelling={HOME}")
    line = page.get_by_test_id("explained-line").first
    expect(line).to_contain_text("租约")
    page.get_by_test_id("language").click()
    expect(line).to_contain_text("tenancy")
    expect(line).to_contain_text("at all hours")
    for told in line.get_by_test_id("on-devices").locator("li").all_inner_texts():
        assert not CHINESE.search(told.partition(": ")[2]), f"only the device's name stays: {told}"
