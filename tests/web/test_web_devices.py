"""A device, a user and an edge are added at the console. In a browser, on the real hub."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from playwright.sync_api import Page, expect
from web_estate import EDGE, ESTATE, TERMINAL, Served
from web_support import OpenAs, enter_by, live, violations

from device_drivers.contract.device import DeviceStatus
from device_drivers.contract.messages import DeviceReported
from device_drivers.contract.words import DeviceCondition
from hub.estate.coverage import Change, apply_changes
from hub.estate.devices import take_report
from hub.tables import AccessPoint, Device

WEST = f"{ESTATE}.west-1"


def pick(page: Page, what: str, choice: str) -> None:
    """One of an option list."""
    page.get_by_role("combobox", name=what).click()
    page.locator(".ant-select-dropdown:visible").get_by_title(choice).click()


def ask_to_add(page: Page, serial: str) -> None:
    page.get_by_role("button", name="添加设备").click()
    pick(page, "设备类型", "人脸门禁终端（MQTT）")
    page.get_by_label("设备名称").fill("西门人脸终端")
    page.get_by_label("设备编号").fill("west-1")
    page.get_by_label("设备序列号").fill(serial)
    page.get_by_role("button", name="添加并查看").click()


def look_at(served: Served, condition: DeviceCondition, detail: str = "", foreign: int = 0) -> None:
    """The edge reports what it found."""
    now = datetime.now(UTC)
    read = now if condition is DeviceCondition.ONLINE else None
    status = DeviceStatus(condition, now, read, detail=detail)
    take_report(served.hub, EDGE, DeviceReported(WEST, 0, "", status, foreign=foreign, read_back_at=read))


def device(served: Served) -> Device:
    with served.hub.db.reading() as session:
        return session.get_one(Device, WEST)


def confirm(page: Page, reason: str) -> None:
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("原因").fill(reason)
    dialog.get_by_role("button", name="确认").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_terminal_is_added_looked_at_mapped_and_put_into_service(open_as: OpenAs, served: Served) -> None:
    page = open_as("manager", "/devices")
    live(page)
    ask_to_add(page, "not a serial")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("设备序列号：“not a serial”格式不对")
    assert not violations(page), str(violations(page))
    page.get_by_label("设备序列号").fill("1306699")
    page.get_by_role("button", name="添加并查看").click()
    setup = page.get_by_test_id("setup")
    expect(setup).to_contain_text("未投入使用")
    expect(setup).to_contain_text("正在读取设备内容")
    look_at(served, DeviceCondition.OFFLINE, "terminal 1306699 does not answer")
    expect(setup).to_contain_text("请检查站号或设备序列号")
    expect(setup).to_contain_text("terminal 1306699 does not answer")
    look_at(served, DeviceCondition.ONLINE, foreign=12)
    expect(page.get_by_test_id("found")).to_contain_text("终端内已有 12 名非本系统人员")
    into_service = setup.get_by_role("button", name="投入使用")
    expect(into_service).to_be_disabled()
    setup.get_by_role("button", name="登记门").click()
    pick(page, "门", "＋ 新建一扇门")
    page.get_by_label("新门的名称").fill("西门人行门")
    page.get_by_label("启用日期").fill("2026-03-02")
    assert not violations(page), str(violations(page))
    page.get_by_role("dialog").get_by_role("button", name="保存").click()
    expect(setup).to_contain_text("西门人行门 进")
    setup.get_by_label("认可保留").check()
    setup.get_by_role("button", name="确定选择").click()
    confirm(page, "物业保洁人员，已逐个核对")
    assert (device(served).foreign_choice, device(served).remove_foreign) == ("adopt", False)
    assert not violations(page), str(violations(page))
    into_service.click()
    confirm(page, "西门改造完成")
    expect(page.get_by_test_id("setup")).to_contain_text("设备正在使用")
    assert device(served).in_service
    with served.hub.db.reading() as session:
        points = session.query(AccessPoint).filter(AccessPoint.device_id == WEST)
        assert [(p.name, p.in_service_since) for p in points] == [("西门人行门 进", date(2026, 3, 2))]
    page.get_by_role("button", name="停用").click()
    confirm(page, "设备送修")
    page.get_by_role("button", name="移除设备").click()
    confirm(page, "设备报废")
    expect(page.get_by_role("heading", name="设备", level=1)).to_be_visible()
    expect(page.get_by_text("西门人脸终端")).to_have_count(0)


def test_settings_are_changed_and_secrets_stay_unseen(open_as: OpenAs, served: Served) -> None:
    page = open_as("manager", "/devices")
    page.get_by_role("button", name="添加设备").click()
    pick(page, "设备类型", "ONVIF 摄像机")
    page.get_by_label("设备名称").fill("西门摄像机")
    page.get_by_label("设备编号").fill("west-1")
    for label, text in (("主机", "10.0.0.9"), ("用户名", "onvif"), ("密码", "wang-1234")):
        page.get_by_label(re.compile(f"^{label}")).fill(text)
    page.get_by_role("button", name="添加并查看").click()
    page.get_by_role("button", name="修改设置").click()
    assert "wang-1234" not in page.content()
    page.get_by_label(re.compile("^主机")).fill("10.0.0.10")
    page.get_by_role("button", name="下一步").click()
    confirm(page, "摄像机换了地址")
    expect(page.get_by_test_id("config")).to_contain_text("10.0.0.10")
    kept = device(served).config
    assert (kept["host"], kept["password"]) == ("10.0.0.10", "wang-1234")


def test_what_a_device_says_of_itself_is_read_in_either_language(open_as: OpenAs, served: Served) -> None:
    said = "设备没有事件服务（移动、遮挡、输入不会上报），抓拍不受影响"
    now = datetime.now(UTC)
    changes = [Change("down", "edge_offline", now - timedelta(hours=3)), Change("down", said, now - timedelta(hours=2))]
    with served.hub.db.unit_of_work("test", "coverage", audit=False) as uow:
        apply_changes(uow.session, ESTATE, {TERMINAL: changes})
    page = open_as("manager", f"/devices/{TERMINAL}")
    live(page)
    status = DeviceStatus(DeviceCondition.FAULT, now, now, detail=f"{said}；no sign of life for 90 s")
    take_report(served.hub, EDGE, DeviceReported(TERMINAL, 0, "", status, reported_at=now + timedelta(seconds=5)))
    covered, facts = page.get_by_test_id("coverage"), page.locator("dl.facts").first
    expect(covered).to_contain_text("边缘机离线，期间情况未知")
    expect(facts).to_contain_text("90 秒没有任何消息")
    page.get_by_test_id("language").click()
    expect(covered).to_contain_text("The edge box was offline, so this time is unknown")
    expect(covered).to_contain_text("pictures can still be taken")
    expect(facts).to_contain_text("no sign of life for 90 s")
    assert not re.search(r"[\u4e00-\u9fff]", covered.inner_text() + facts.inner_text())


def test_a_user_comes_in_by_a_link(open_as: OpenAs, served: Served) -> None:
    page = open_as("admin", "/settings?tab=users")
    page.get_by_role("button", name="添加用户").click()
    page.get_by_label("用户名（登录用）").fill("auditor-2")
    page.get_by_label("姓名").fill("审计二科")
    pick(page, "角色", "审计员")
    page.get_by_role("dialog").get_by_role("button", name="添加用户").click()
    link = page.get_by_test_id("handover").inner_text()
    expect(page.get_by_role("dialog").last).to_contain_text("前有效")
    page.context.clear_cookies()
    enter_by(page, served.url + link[link.index("/signin/") :])
    expect(page.get_by_role("menuitem", name="线索与核查")).to_be_visible()


def test_an_edge_is_enrolled_by_a_command(open_as: OpenAs) -> None:
    page = open_as("manager", "/settings?tab=edges")
    expect(page.get_by_test_id("edge-boxes")).to_contain_text("小区网关")
    page.get_by_role("button", name="生成登记口令").click()
    expect(page.get_by_test_id("handover")).to_have_text(re.compile(r"^estate-edge enrol --hub \S+ --token \S+ --dir"))
