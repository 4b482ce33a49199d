"""Access that can be proved, at the console: lists in step, passes, the counter, the second person. On the real hub."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select
from test_web_devices import pick
from web_estate import ESTATE, HOME, TERMINAL, TOKEN, TOKEN_2, Served, report
from web_support import OpenAs, live, violations

from hub import quota
from hub.access import desk
from hub.access.pass_rules import PassRequest
from hub.access.publish import publish
from hub.tables import AccessPass, CommandRow, Consent, CredentialRow, HeldAction


def end_access(served: Served, token: str, ago: timedelta = timedelta()) -> None:
    """At the holder's own request; published, and not yet confirmed by any device."""
    served.hub.now = lambda: datetime.now(UTC) - ago
    with served.hub.db.unit_of_work("manager", "本人申请", estate_id=ESTATE, now=served.hub.now()) as uow:
        desk.perform(uow, served.hub.keys, ESTATE, desk.OwnRequest(token))
    publish(served.hub)
    del served.hub.now


def issue(served: Served, kind: str = "visitor", days: int = 1) -> str:
    now = datetime.now(UTC)
    request = PassRequest(kind, now - timedelta(minutes=1), now + timedelta(days=days), HOME)
    with served.hub.db.unit_of_work("manager", "亲友来访", estate_id=ESTATE, now=now) as uow:
        done = desk.perform(uow, served.hub.keys, ESTATE, desk.IssuePass(request, "qr", visitor="陈小明"))
    publish(served.hub)
    return done.subject


def test_green_only_for_what_was_read_back(open_as: OpenAs, served: Served) -> None:
    page = open_as("manager", "/sync")
    live(page)
    row = page.get_by_test_id("sync-device")
    expect(row).to_have_attribute("data-state", "refusals")
    expect(page.get_by_test_id("refused-persons")).to_contain_text("照片中未检测到人脸，请重新拍照。")
    report(served.hub, confirmed=2, refused=())
    expect(row).to_have_attribute("data-state", "in_step")
    expect(row).to_contain_text("与名单一致")
    report(served.hub, confirmed=0, assumed=2, refused=(), read_back=False)
    expect(row).to_have_attribute("data-state", "unknown")
    expect(row).not_to_contain_text("与名单一致")
    expect(row).to_contain_text("不能算一致")
    assert not violations(page), str(violations(page))


def test_an_unconfirmed_removal_is_on_the_first_screen_and_turns_red(open_as: OpenAs, served: Served) -> None:
    end_access(served, TOKEN, ago=timedelta(seconds=90))
    end_access(served, TOKEN_2)
    page = open_as("manager", "/")
    oldest = page.get_by_test_id("kpi").get_by_test_id("waiting")
    expect(oldest).to_have_attribute("data-late", "true")
    expect(oldest).to_contain_text("1 分")
    oldest.click()
    rows = page.get_by_test_id("removal")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("1号楼-0201 · 成员1")
    expect(rows.first.get_by_test_id("waiting")).to_have_attribute("data-late", "true")
    expect(rows.last.get_by_test_id("waiting")).to_have_attribute("data-late", "false")
    served.edge(online=False)
    expect(rows.first).to_contain_text("网关离线")
    served.edge(online=True)
    report(served.hub, confirmed=0, refused=())
    expect(page.get_by_test_id("removals")).to_contain_text("没有等待确认的撤权")


def test_a_device_is_read_back_on_demand(open_as: OpenAs, served: Served) -> None:
    page = open_as("manager", "/sync")
    page.get_by_role("button", name="立即回读: 北门人脸终端").click()
    expect(page.get_by_test_id("read-back")).to_have_attribute("data-outcome", "")
    with served.hub.db.reading() as session:
        command = session.scalars(select(CommandRow)).one()
    assert (command.kind, command.device_id) == ("read_back", TERMINAL)


def test_a_person_is_shown_on_each_device(look_as: OpenAs) -> None:
    page = look_as("official", f"/dwellings/{HOME}")
    first = page.get_by_test_id("member").first
    expect(first.get_by_test_id("on-devices")).to_contain_text("1 台设备中 1 台已确认，自")
    first.get_by_role("button", name="逐台查看").click()
    expect(page.get_by_test_id("person-devices")).to_contain_text("北门人脸终端")
    assert not violations(page), str(violations(page))


def test_a_pass_is_issued_shown_once_and_ended(open_as: OpenAs, served: Served) -> None:
    page = open_as("manager", "/passes")
    expect(page.get_by_test_id("passes")).to_contain_text("还没有通行证")
    page.get_by_role("button", name="办理通行证").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="办理通行证").click()
    expect(dialog.get_by_role("alert")).to_contain_text("请选择接待的房屋")
    pick(page, "接待房屋", "1号楼 0201")
    dialog.get_by_role("button", name="3 天").click()
    dialog.get_by_label("原因", exact=True).fill("亲友来访，住户已电话确认")
    assert not violations(page), str(violations(page))
    dialog.get_by_role("button", name="办理通行证").click()
    link = page.get_by_test_id("pass-link").inner_text()
    assert link.startswith(f"{served.url}/pass#"), f"the link to hand over is {link!r}"
    expect(page.get_by_test_id("pass-card").locator("svg")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="关闭").last.click()
    expect(page.get_by_test_id("pass-row")).to_have_count(1)
    assert link not in page.content(), "the link can be seen again after it was handed over"
    with served.hub.db.reading() as session:
        row = session.scalars(select(AccessPass)).one()
        credential = session.get_one(CredentialRow, row.token)
    assert row.reason == "亲友来访，住户已电话确认"
    assert credential.valid_to
    assert credential.valid_from
    assert credential.valid_to - credential.valid_from == timedelta(days=3)
    page.get_by_role("button", name="查看").click()
    page.get_by_role("button", name="终止通行证").click()
    page.get_by_label("接待住户收回").check()
    page.get_by_role("dialog").last.get_by_label("原因", exact=True).fill("客人已离开")
    page.get_by_role("dialog").last.get_by_role("button", name="终止通行证").click()
    expect(page.get_by_test_id("pass-row")).to_have_count(0)


def test_passes_are_found_and_renewed(open_as: OpenAs, served: Served) -> None:
    issue(served)
    carer = issue(served, "carer", 30)
    page = open_as("manager", "/passes")
    expect(page.get_by_test_id("pass-row")).to_have_count(2)
    expect(page.get_by_test_id("pass-row").first).to_contain_text("陈*明")
    pick(page, "类型", "护理")
    expect(page.get_by_test_id("pass-row")).to_have_count(1)
    page.get_by_role("button", name="查看").click()
    page.get_by_role("button", name="续期").click()
    dialog = page.get_by_role("dialog").last
    dialog.get_by_label("原因", exact=True).fill("护理协议续签")
    dialog.get_by_role("button", name="续期").click()
    expect(page.get_by_test_id("pass-detail")).to_contain_text("已续期次数")
    with served.hub.db.reading() as session:
        credential = session.get_one(CredentialRow, session.get_one(AccessPass, carer).token)
    assert credential.valid_to
    assert credential.valid_to > datetime.now(UTC) + timedelta(days=80)


def test_a_resident_withdraws_a_consent_and_ends_and_restores_his_access(open_as: OpenAs, served: Served) -> None:
    page = open_as("manager", "/counter")
    pick(page, "选择房屋", "1号楼 0201")
    member = page.get_by_test_id("counter-member").first
    member.get_by_role("button", name="撤回同意: 人脸开门").click()
    expect(page.get_by_role("dialog")).to_contain_text("其他开门方式不受影响")
    reasoned(page, "本人当面撤回", "撤回同意")
    expect(member).to_contain_text("人脸开门 未同意")
    with served.hub.db.reading() as session:
        assert session.get_one(Consent, "consent-1").withdrawn_at is not None
    member.get_by_role("button", name="本人申请停用").click()
    reasoned(page, "本人搬去与子女同住", "本人申请停用")
    member.get_by_role("button", name="恢复通行").click()
    reasoned(page, "本人要求恢复", "恢复通行")
    expect(member.get_by_role("button", name="恢复通行")).to_have_count(0)


def test_a_lost_card_is_reported(open_as: OpenAs, served: Served) -> None:
    page = open_as("manager", f"/counter?dwelling={HOME}")
    page.get_by_test_id("counter-member").first.get_by_role("button", name="挂失换卡").click()
    expect(page.get_by_role("radio", name="****781")).to_be_checked()
    page.get_by_label("新卡号").fill("7654321")
    reasoned(page, "住户报失，已核对身份证", "挂失换卡")
    with served.hub.db.reading() as session:
        assert session.get_one(CredentialRow, TOKEN).state == "ended"
    assert not violations(page), str(violations(page))


def test_what_waits_is_decided_by_another_person(
    open_as: OpenAs, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quota, "spend", lambda *_: False)
    page = open_as("manager", f"/counter?dwelling={HOME}")
    for member in (0, 1):
        page.get_by_test_id("counter-member").nth(member).get_by_role("button", name="本人申请停用").click()
        reasoned(page, "本人到窗口提出", "本人申请停用")
    waiting = page.get_by_test_id("held-action")
    expect(waiting).to_have_count(2)
    expect(waiting.first).to_contain_text("您提出的，须由他人确认")
    expect(waiting.get_by_role("button", name="确认执行")).to_have_count(0)
    other = open_as("official", "/counter")
    waiting = other.get_by_test_id("held-action")
    expect(waiting.first).to_contain_text("manager 于")
    expect(waiting.first).to_contain_text("其他家庭成员不受影响")
    assert not violations(other), str(violations(other))
    waiting.first.get_by_role("button", name="不同意").click()
    reasoned(other, "未见本人签字", "确认")
    expect(waiting).to_have_count(1)
    waiting.first.get_by_role("button", name="确认执行").click()
    reasoned(other, "已与本人电话核对", "确认")
    expect(waiting).to_have_count(0)
    with served.hub.db.reading() as session:
        states = sorted(row.state for row in session.scalars(select(HeldAction)))
        assert states == ["confirmed", "refused"]
        assert session.get_one(CredentialRow, TOKEN_2).state == "ended", "the confirmed one was done"
        assert session.get_one(CredentialRow, TOKEN).state == "active", "the refused one was not"


def test_a_pass_that_a_second_person_confirms_is_handed_over(
    open_as: OpenAs, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its link is shown once: to whoever confirmed it, or nobody has it and the visitor stands at the gate."""
    monkeypatch.setattr(quota, "spend", lambda *_: False)
    page = open_as("manager", "/passes")
    page.get_by_role("button", name="办理通行证").click()
    pick(page, "接待房屋", "1号楼 0201")
    reasoned(page, "亲友来访，住户已电话确认", "办理通行证")
    other = open_as("official", "/counter")
    other.get_by_test_id("held-action").get_by_role("button", name="确认执行").click()
    dialog = other.get_by_role("dialog").last
    dialog.get_by_label("原因", exact=True).fill("已与住户电话核对")
    dialog.get_by_role("button", name="确认", exact=True).click()
    link = other.get_by_test_id("pass-link")
    expect(link).to_contain_text(f"{served.url}/pass#")
    other.keyboard.press("Escape")
    expect(link).to_be_visible()
    assert not violations(other), str(violations(other))
    other.get_by_role("dialog").get_by_role("button", name="关闭").last.click()
    expect(link).to_have_count(0)


def reasoned(page: Page, reason: str, button: str) -> None:
    """Types the reason into the open dialog, presses its button, waits until it is gone."""
    dialog = page.get_by_role("dialog").last
    dialog.get_by_label("原因", exact=True).fill(reason)
    dialog.get_by_role("button", name=button, exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_an_explanation_says_because_of_what(look_as: OpenAs) -> None:
    page = look_as("manager", "/explain")
    pick(page, "按房屋", "1号楼 0201")
    lines = page.get_by_test_id("explained-line")
    expect(lines).to_have_count(2)
    expect(lines.first).to_contain_text("T-000102")
    expect(lines.first).to_contain_text("北门")
    expect(lines.first.get_by_test_id("on-devices")).to_contain_text("已确认")


def test_a_person_and_a_door_are_explained(look_as: OpenAs) -> None:
    page = look_as("manager", f"/dwellings/{HOME}")
    page.get_by_test_id("member").nth(1).get_by_role("link", name="为什么能进、不能进").click()
    expect(page.get_by_test_id("person-summary")).to_contain_text("1 台设备中 0 台已确认")
    expect(page.get_by_test_id("why-not").first).to_contain_text("未同意刷脸")
    assert not violations(page), str(violations(page))
    page.get_by_text("门", exact=True).last.click()
    pick(page, "选择门", "北门人行门")
    explained = page.get_by_test_id("explained")
    expect(explained).to_contain_text("住户 2")
    expect(page.get_by_test_id("explained-line")).to_have_count(2)
    page.get_by_placeholder("房号、岗位或通行证类型").fill("成员1")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("explained-line")).to_have_count(1)
    assert not violations(page), str(violations(page))
