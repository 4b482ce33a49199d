"""A case on its page: forms with what must come first, two people, hardship, deadlines, papers and the pack. In a browser."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from playwright.sync_api import Page, expect
from sqlalchemy import select
from web_estate import Served
from web_support import OpenAs, violations

from hub.cases.reasons import INNOCENT
from hub.evidence.verify import verify
from hub.tables import CaseFile, DeviceReview

CHINA = ZoneInfo("Asia/Shanghai")


def _case(served: Served) -> str:
    with served.hub.db.reading() as session:
        return session.scalars(select(CaseFile.id)).one()


def _choose(page: Page, label: str, option: str) -> None:
    """By keys, as a clerk may: options of a closed list have no place on the screen."""
    box = page.get_by_role("dialog").get_by_role("combobox", name=label)
    box.click()
    page.locator(".ant-select-dropdown:not(.ant-select-dropdown-hidden)").get_by_title(option, exact=True).click()


def _submit(page: Page, opinion: str) -> None:
    dialog = page.get_by_role("dialog")
    dialog.locator("textarea").last.fill(opinion)
    dialog.get_by_role("button", name="提交").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_steps_of_a_case(open_as: OpenAs, served: Served) -> None:
    page = open_as("official", f"/cases/{_case(served)}")
    decision = page.get_by_test_id("decision")
    expect(page.get_by_test_id("timers")).to_contain_text("初筛")
    expect(page.get_by_test_id("timers")).to_contain_text("系统最多建议到约谈")
    expect(page.get_by_test_id("screening")).to_contain_text("尚未听取当事人说明")
    decision.get_by_text("尚不能办理").click()
    expect(page.get_by_test_id("blocked")).to_contain_text("先“转复核”")
    decision.get_by_role("button", name="转复核").click()
    _choose(page, "事由", "R_DATA 转数据复核")
    _submit(page, "核对设备和登记。")
    expect(page.get_by_test_id("case-state")).to_have_attribute("data-state", "recheck_requested")
    decision.get_by_role("button", name="数据复核结论").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="提交").click()
    expect(dialog.get_by_role("alert")).to_contain_text("期间门禁和表计设备正常")
    assert not violations(page), str(violations(page))
    for label in ("期间门禁和表计设备正常", "承租人、共住人", "已查离家报备", "线索所依据的数据成立"):
        _choose(page, label, "是")
    _submit(page, "设备正常，登记无误。")
    decision.get_by_role("button", name="请当事人说明").click()
    _choose(page, "联系方式", "电话")
    _submit(page, "您好，请问近期是否外出？")
    expect(page.get_by_test_id("case-state")).to_have_attribute("data-state", "asked")
    expect(page.get_by_test_id("timers")).to_contain_text("当事人说明")
    expect(page.get_by_test_id("timeline")).to_contain_text("电话")
    decision.get_by_role("button", name="困难情况筛查").click()
    for label in ("独居", "残疾人", "未成年人", "重病", "控制"):
        _choose(page, label, "有" if label == "残疾人" else "没有")
    _submit(page, "社区工作者上门了解。")
    expect(page.get_by_test_id("screening")).to_contain_text("残疾人")
    assert not violations(page), str(violations(page))
    expect(page.get_by_test_id("quiet-until")).to_have_count(0)
    decision.get_by_role("button", name="认定有正当理由").click()
    _choose(page, "事由", f"IE03 {INNOCENT['IE03']}")
    _submit(page, "住院证明已核实。")
    expect(page.get_by_test_id("case-state")).to_have_attribute("data-state", "good_cause")
    expect(page.get_by_test_id("timers")).not_to_contain_text("系统建议")
    with served.hub.db.reading() as session:
        until = session.scalars(select(CaseFile.quiet_until)).one().astimezone(CHINA).date()
    expect(page.get_by_test_id("quiet-until")).to_contain_text(f"{until}之前，只有结案后新出现的事实")
    assert not violations(page), str(violations(page))


def test_papers_and_the_pack(open_as: OpenAs, served: Served, tmp_path: Path) -> None:
    page = open_as("official", f"/cases/{_case(served)}")
    papers = page.get_by_test_id("device-papers").first
    expect(papers).to_contain_text("缺：")
    papers.get_by_role("button", name="补充材料").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="提交").click()
    expect(dialog.get_by_role("alert")).to_contain_text("请填写种类")
    _choose(page, "种类", "技术审核")
    dialog.get_by_label("编号或文号").fill("技审〔2026〕1号")
    dialog.get_by_label("有效期自").fill("2020-01-01")
    dialog.get_by_label("有效期自").press("Enter")
    file = tmp_path / "sign.png"
    file.write_bytes(b"\x89PNG\r\n\x1a\n")
    dialog.locator("input[type=file]").set_input_files(file)
    dialog.get_by_role("button", name="提交").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(papers).to_contain_text("技审〔2026〕1号")
    with served.hub.db.reading() as session:
        assert session.scalars(select(DeviceReview.file_name)).one() == "sign.png"
    for name, ending in (("可读报告", ".pdf"), ("机读证据包", ".zip")):
        with page.expect_download() as waiting:
            page.get_by_test_id("evidence-pack").get_by_role("button", name=name).click()
        assert waiting.value.suggested_filename.endswith(ending)
        assert verify(Path(waiting.value.path()).read_bytes(), served.hub.keys.public_key).holds
    page.get_by_role("button", name="含完整个人信息").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="确认").click()
    expect(dialog.get_by_role("alert")).to_contain_text("原因")
    dialog.locator("textarea").fill("移送法院举证")
    with page.expect_download() as waiting:
        dialog.get_by_role("button", name="确认").click()
    assert "unmasked" in waiting.value.suggested_filename
    expect(page.get_by_test_id("timeline")).to_contain_text("移送法院举证")


def test_late_ones_are_found(open_as: OpenAs, served: Served) -> None:
    page = open_as("official", "/cases")
    expect(page.get_by_test_id("case")).to_have_count(1)
    page.get_by_role("checkbox", name="只看逾期 0").click()
    expect(page.get_by_text("没有符合条件的线索")).to_be_visible()
    assert "late=true" in page.url


def test_an_auditor_reads_in_english(open_as: OpenAs, served: Served) -> None:
    page = open_as("auditor", f"/cases/{_case(served)}")
    page.get_by_test_id("language").click()
    expect(page.get_by_test_id("timers")).to_contain_text("at most an interview")
    expect(page.get_by_test_id("decision")).to_contain_text("not decide")
    expect(page.get_by_test_id("evidence-pack").get_by_role("button", name="With full names")).to_have_count(0)
    expect(page.get_by_role("button", name="Add a paper")).to_have_count(0)
    assert not violations(page), str(violations(page))
