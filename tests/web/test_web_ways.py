"""Ways in at the counter and what the law says of the doors: PIN, identity card, a face taken back; hours, rules, an upload."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Route, expect
from sqlalchemy import delete, select
from test_web_devices import pick
from web_estate import ESTATE, HOME, TOKEN, Served
from web_support import OpenAs, violations

from hub.access.publish import publish
from hub.tables import (
    AccessChange,
    Consent,
    CredentialIdentifierRow,
    Door,
    Estate,
    HouseholdMember,
    HubUser,
    ScheduleRow,
)
from hub.tenancy.reasons import zh


def change(served: Served, what: Any) -> None:
    with served.hub.db.unit_of_work("test", "change", audit=False) as uow:
        what(uow.session)


def test_a_member_gets_a_pin_shown_once_and_opens_by_identity_card(open_as: OpenAs, served: Served) -> None:
    page = open_as("manager", f"/counter?dwelling={HOME}")
    member = page.get_by_test_id("counter-member").first
    member.get_by_role("button", name="发开门密码").click()
    page.get_by_role("dialog").get_by_label("原因", exact=True).fill("本人当面申请")
    page.get_by_role("dialog").get_by_role("button", name="发开门密码").click()
    expect(page.get_by_test_id("member-pin")).to_be_visible()
    shown = page.get_by_test_id("member-pin").inner_text().replace(" ", "")
    assert len(shown) == 7
    assert shown.isdigit()
    assert not violations(page), str(violations(page))
    page.get_by_role("dialog").last.get_by_role("button", name="确定").click()
    publish(served.hub)
    page.reload()
    again = page.get_by_test_id("counter-member").first
    expect(again.get_by_role("button", name="取消开门密码")).to_be_visible()
    assert shown not in page.content(), "shown once"
    again.get_by_role("button", name="身份证开门", exact=False).first.click()
    dialog = page.get_by_role("dialog").last
    dialog.get_by_label("原因", exact=True).fill("本人自愿选择")
    dialog.get_by_role("button", name="身份证开门").click()
    expect(dialog).to_contain_text("请填写18位身份证号")


def test_who_takes_back_his_only_way_in_has_his_phone_at_once(open_as: OpenAs, served: Served) -> None:
    def only_a_face(session: Any) -> None:
        session.execute(delete(CredentialIdentifierRow).where(CredentialIdentifierRow.token == TOKEN))
        session.add(CredentialIdentifierRow(id="face-1", token=TOKEN, type="face", value=""))
        session.get_one(HouseholdMember, "member-1").offered = {"cards": [], "photo": {"url": "u", "sha256": "0" * 64}}

    change(served, only_a_face)
    page = open_as("manager", f"/counter?dwelling={HOME}")
    page.get_by_test_id("counter-member").first.get_by_role("button", name="撤回同意: 人脸开门").click()
    dialog = page.get_by_role("dialog").last
    dialog.get_by_label("原因", exact=True).fill("本人当面撤回")
    dialog.get_by_role("button", name="撤回同意").click()
    expect(page.get_by_test_id("other-way")).to_contain_text("已同时生成手机通行链接")
    expect(page.get_by_test_id("pass-link")).to_contain_text("/pass#")
    assert not violations(page), str(violations(page))


def card_and_face(session: Any) -> None:
    session.add(CredentialIdentifierRow(id="face-1", token=TOKEN, type="face", value=""))
    session.get_one(HouseholdMember, "member-1").offered = {
        "cards": ["3456781"],
        "photo": {"url": "u", "sha256": "0" * 64},
    }


def lost(page: Any) -> None:
    page.get_by_test_id("counter-member").first.get_by_role("button", name="挂失换卡").click()
    dialog = page.get_by_role("dialog").last
    dialog.get_by_label("原因", exact=True).fill("本人当面挂失")
    dialog.get_by_role("button", name="挂失换卡").click()


def test_whom_a_lost_card_leaves_with_the_face_alone_has_his_phone_at_once(open_as: OpenAs, served: Served) -> None:
    change(served, card_and_face)
    page = open_as("manager", f"/counter?dwelling={HOME}")
    lost(page)
    expect(page.get_by_test_id("other-way")).to_contain_text("除刷脸外")
    expect(page.get_by_test_id("pass-link")).to_contain_text("/pass#")
    expect(page.get_by_role("dialog").last).not_to_contain_text("访客")
    assert not violations(page), str(violations(page))


def test_the_link_of_what_a_second_person_confirms_is_shown_to_him(open_as: OpenAs, served: Served) -> None:
    change(served, card_and_face)

    def the_hour_is_spent(session: Any) -> None:
        manager = session.scalars(select(HubUser.id).where(HubUser.name == "manager")).one()
        session.add(AccessChange(who=manager, at=served.hub.now(), what="pass.issue", count=20))

    change(served, the_hour_is_spent)
    page = open_as("manager", f"/counter?dwelling={HOME}")
    lost(page)
    expect(page.get_by_test_id("held-action")).to_contain_text("挂失")
    second = open_as("official", "/counter")
    second.get_by_test_id("held-action").get_by_role("button", name="确认").click()
    dialog = second.get_by_role("dialog").last
    dialog.get_by_label("原因", exact=True).fill("已核对本人证件")
    dialog.locator(".ant-btn-primary").click()
    expect(second.get_by_test_id("pass-link")).to_contain_text("/pass#")


def test_the_counter_names_who_lost_the_only_way_in_elsewhere(open_as: OpenAs, served: Served) -> None:
    def taken_back(session: Any) -> None:
        session.execute(delete(CredentialIdentifierRow).where(CredentialIdentifierRow.token == TOKEN))
        session.get_one(HouseholdMember, "member-1").offered = {"cards": [], "photo": None}
        session.get_one(Consent, "consent-1").withdrawn_at = served.hub.now()

    page = open_as("manager", "/counter")
    expect(page.get_by_text("没有等待确认的事项")).to_be_visible()
    expect(page.get_by_test_id("needs-way")).to_have_count(0)
    change(served, taken_back)
    page.reload()
    expect(page.get_by_test_id("needs-way")).to_contain_text("撤回了刷脸同意")
    assert not violations(page), str(violations(page))
    page.get_by_test_id("needs-way").get_by_role("link").click()
    expect(page.get_by_test_id("counter-member").first).to_be_visible()


def test_what_the_law_says_and_the_hours_of_an_amenity(open_as: OpenAs, served: Served) -> None:
    def laundry(session: Any) -> None:
        session.add(Door(id="E001.A1", estate_id=ESTATE, code="A1", name="洗衣房", scope="amenity", egress="none"))
        session.add(
            ScheduleRow(
                id="sch-1", estate_id=ESTATE, name="白天", special_days=[], changed_by="manager",
                changed_at=served.hub.now(), ranges=[{"weekdays": [1, 2, 3], "start": "08:00:00", "end": "20:00:00"}],
            )
        )  # fmt: skip

    change(served, laundry)
    page = open_as("manager", "/doors")
    refused = page.get_by_test_id("law-item").filter(has_text="洗衣房").first
    expect(refused).to_have_attribute("data-refused", "true")
    expect(refused).to_contain_text("必须改正")
    expect(refused).to_contain_text("请")
    page.get_by_role("button", name="开放时段: 洗衣房").click()
    pick(page, "开放时段", "白天")
    dialog = page.get_by_role("dialog").last
    dialog.get_by_label("原因", exact=True).fill("夜间噪声扰民")
    dialog.locator(".ant-btn-primary").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_test_id("door-row").filter(has_text="洗衣房")).to_contain_text("08:00")
    assert not violations(page), str(violations(page))


def test_the_rules_of_the_estate_are_changed_with_a_reason(open_as: OpenAs, served: Served) -> None:
    page = open_as("admin", "/settings?tab=policy")
    page.get_by_role("button", name="修改小区规则").click()
    dialog = page.get_by_role("dialog").last
    dialog.get_by_label("影响评估编号").fill("PIA-2026-07")
    dialog.get_by_label("封锁、常开的默认时长（分钟）").fill("2000")
    dialog.get_by_label("原因", exact=True).fill("评估已完成")
    dialog.locator(".ant-btn-primary").click()
    expect(dialog).to_contain_text("时长须为")
    dialog.get_by_label("封锁、常开的默认时长（分钟）").fill("60")
    dialog.locator(".ant-btn-primary").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_test_id("estate-rules")).to_contain_text("PIA-2026-07")
    with served.hub.db.reading() as session:
        policy = session.get_one(Estate, ESTATE).policy
    assert (policy["pia_id"], policy["mode_default_s"]) == ("PIA-2026-07", 3600)
    assert not violations(page), str(violations(page))


def test_a_long_upload_says_how_far_it_is(open_as: OpenAs, served: Served) -> None:
    page = open_as("official", "/tenancy")
    waiting: list[Route] = []
    page.route("**/tenancy/upload?*", lambda route: waiting.append(route))
    page.route(
        "**/tenancy/upload/progress?*",
        lambda route: route.fulfill(json={"stage": "checking", "done": 1200, "total": 5000}),
    )
    page.get_by_label("选择文件").set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": b"x"})
    page.get_by_role("button", name="试算").click()
    bar = page.get_by_test_id("upload-progress")
    expect(bar).to_contain_text("正在核对每一行 1,200 / 5,000 行")
    assert not violations(page), str(violations(page))
    waiting[0].fulfill(
        json={
            "accepted": 5000, "refused": [], "changes": {"new": 0, "changed": 9, "ended": 0, "unchanged": 0},
            "held": None, "waiting": "held-1", "applied": False,
            "noted": [{"row": 7, "reason": "expected_bad", "reason_zh": zh("expected_bad"), "detail": "三口"}],
        }
    )  # fmt: skip
    expect(bar).to_have_count(0)
    expect(page.get_by_test_id("upload-result")).to_contain_text("转给第二人确认")
    expect(page.get_by_test_id("upload-noted")).to_contain_text("第 7 行: 核定人数不是合理的整数，未采用")
    expect(page.get_by_test_id("upload-noted")).to_contain_text("三口")
