"""Orders to doors at the console: looked at, given with a reason, answered door by door, never alone for a whole place."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from playwright.sync_api import APIResponse, Route, expect
from sqlalchemy import select
from web_estate import EDGE, Served, boards, told
from web_support import OpenAs, live, violations

from device_drivers.contract.messages import CommandResult
from device_drivers.contract.words import CommandOutcome, DoorMode
from hub.estate.commands import settle
from hub.occupancy.served import take_over
from hub.tables import AccessPoint, CommandOrder, CommandRow, Door

BEFORE_THE_MINUTE_MS = 40_000
"""Doors are read every minute anyway: what comes only then was lost before."""


def sent(served: Served, kind: str) -> CommandRow | None:
    with served.hub.db.reading() as session:
        return session.scalars(select(CommandRow).where(CommandRow.kind == kind)).first()


def confirmed_by(open_as: OpenAs, second: str, *names: str) -> None:
    """The second person looks, and confirms. `names`: what the order and its facts say."""
    other = open_as(second, "/counter")
    waiting = other.get_by_test_id("order")
    expect(waiting).to_contain_text(names[0] if names else "封锁")
    waiting.get_by_role("button", name="确认执行").click()
    expect(other.get_by_test_id("order-facts")).to_contain_text(names[-1] if names else "单元门")
    other.get_by_label("原因", exact=True).fill("已与值班经理核对")
    other.get_by_role("dialog").get_by_role("button", name="确认", exact=True).click()
    expect(waiting).to_have_count(0)


def test_a_door_is_locked_down_looked_at_first_and_answers(
    open_as: OpenAs, served: Served, wait_until: Callable[..., CommandRow]
) -> None:
    boards(served.hub)
    page = open_as("manager", "/doors")
    live(page)
    page.get_by_role("button", name="封锁: B1单元门").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="15 分钟").click()
    dialog.get_by_role("button", name="查看影响范围").click()
    facts = page.get_by_test_id("order-facts")
    expect(facts).to_contain_text("出门不受影响")
    expect(facts).to_contain_text("B1单元门")
    expect(facts).not_to_contain_text("B2单元门")
    expect(facts).to_contain_text("2 位住户将没有其他门可以回家")
    assert not violations(page), str(violations(page))
    assert sent(served, "lock_down") is None, "something was sent before anybody confirmed"
    page.get_by_role("button", name="提交第二人确认").click()  # it is the block's only entrance
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("原因")
    page.get_by_label("原因", exact=True).fill("门口打架，民警要求")
    page.get_by_role("button", name="提交第二人确认").click()
    expect(page.get_by_test_id("order")).to_have_attribute("data-state", "asked")
    assert sent(served, "lock_down") is None, "sent before a second person confirmed"
    confirmed_by(open_as, "admin")
    command = wait_until(lambda: sent(served, "lock_down"), "the order's command")
    settle(served.hub, EDGE, CommandResult(command.id, CommandOutcome.DONE, datetime.now(UTC)))
    expect(page.get_by_test_id("order-door")).to_have_attribute("data-outcome", "done")
    until = datetime.now(UTC) + timedelta(minutes=15)
    told(served.hub, "B1", mode=DoorMode.LOCKED_DOWN, until=until, actor="manager", reason="门口打架，民警要求")
    standing = page.get_by_test_id("standing")
    expect(standing).to_contain_text("已封锁：B1单元门")
    expect(standing).to_contain_text("出门不受影响")
    row = page.locator("[data-testid=door-row][data-mode=locked_down]")
    expect(row).to_contain_text("manager")
    expect(row.get_by_role("timer")).to_contain_text(re.compile("1[0-4] 分"))
    assert not violations(page), str(violations(page))
    page.get_by_role("menuitem", name="楼盘表").click()
    expect(page.get_by_test_id("standing")).to_be_visible()
    told(served.hub, "B1")
    expect(page.get_by_test_id("standing")).to_have_count(0)


def test_a_whole_estate_takes_a_second_person(open_as: OpenAs, served: Served) -> None:
    boards(served.hub)
    page = open_as("manager", "/doors")
    page.get_by_role("button", name="整栋或整个小区操作").click()
    page.get_by_role("dialog").get_by_role("button", name="查看影响范围").click()
    expect(page.get_by_role("dialog")).to_contain_text("须由另一位有权限的人员在 10 分钟内确认")
    page.get_by_label("原因", exact=True).fill("台风红色预警")
    page.get_by_role("button", name="提交第二人确认").click()
    order = page.get_by_test_id("order")
    expect(order).to_have_attribute("data-state", "asked")
    expect(order).to_contain_text("您提出的，须由他人确认")
    expect(order.get_by_role("button", name="确认执行")).to_have_count(0)
    assert sent(served, "lock_down") is None, "sent before a second person confirmed"
    confirmed_by(open_as, "admin", "封锁 · 整个小区的公共门", "B2单元门")
    with served.hub.db.reading() as session:
        row = session.scalars(select(CommandOrder)).one()
    assert (row.state, row.asked_name, row.decided_name) == ("issued", "manager", "admin")


def test_a_doors_days_of_service_are_written_down(open_as: OpenAs, served: Served) -> None:
    boards(served.hub)
    page = open_as("manager", "/doors")
    live(page)
    declare = page.get_by_role("button", name="登记: B2单元门")
    declare.click()
    dialog = page.get_by_role("dialog")
    since = dialog.get_by_label("启用日期").first
    expect(since).to_have_value("")
    since.fill("2026-02-03")
    dialog.get_by_label("停用日期").first.fill("2026-01-31")
    dialog.get_by_label("原因").fill("现场核对竣工单")
    assert not violations(page), str(violations(page))
    dialog.get_by_role("button", name="登记").click()
    expect(dialog.get_by_role("alert")).to_contain_text("停用日期不能早于启用日期")
    dialog.get_by_label("停用日期").first.fill("")
    dialog.get_by_role("button", name="登记").click()
    expect(dialog).to_have_count(0)
    with served.hub.db.reading() as session:
        doors = session.scalars(select(Door.id).where(Door.name == "B2单元门"))
        points = session.scalars(select(AccessPoint).where(AccessPoint.door_id.in_(doors.all()))).all()
        assert (date(2026, 2, 3), None) in {(one.in_service_since, one.in_service_until) for one in points}
    declare.click()
    expect(page.get_by_role("dialog").get_by_label("启用日期").first).to_have_value("2026-02-03")


def test_a_gate_that_stands_and_is_watched_by_nobody_says_so(open_as: OpenAs, served: Served) -> None:
    boards(served.hub)
    with served.hub.db.unit_of_work("test", "its terminal is stolen", now=served.hub.now()) as uow:
        point = uow.session.scalars(select(AccessPoint).where(AccessPoint.device_id.is_not(None))).first()
        assert point is not None
        take_over(uow.session, point, None, served.hub.now())
        point.in_service_until = None
        name = point.name
    page = open_as("manager", "/doors")
    live(page)
    expect(page.get_by_text(f"{name}：没有设备看着")).to_have_count(1)
    page.get_by_role("button", name="English").click()
    expect(page.get_by_text(f"{name}: no device watches it")).to_have_count(1)


def test_fire_is_on_every_page(open_as: OpenAs, served: Served) -> None:
    boards(served.hub)
    page = open_as("auditor", "/events")
    live(page)
    expect(page.get_by_test_id("standing")).to_have_count(0)
    told(served.hub, "B2", mode=DoorMode.LOCKED_OPEN, cause="fire")
    expect(page.get_by_test_id("standing")).to_contain_text("消防联动开门：B2单元门")


def test_a_fire_told_while_the_doors_are_being_read_is_not_undone_by_the_older_answer(
    open_as: OpenAs, served: Served
) -> None:
    """The list of doors was read before the fire and arrives after it: the page reads it again behind that."""
    boards(served.hub)
    page = open_as("manager", "/")
    live(page)
    held: list[tuple[Route, APIResponse]] = []
    page.route("**/estates/*/doors", lambda route: held.append((route, route.fetch())))
    page.reload()
    live(page)
    while not held:
        page.wait_for_timeout(50)
    expect(page.get_by_test_id("pass")).to_have_count(4)
    told(served.hub, "B2", mode=DoorMode.LOCKED_OPEN, cause="fire")
    served.passes()
    expect(page.get_by_test_id("pass")).to_have_count(5)  # what was told before it has arrived, too
    for route, answer in held:
        route.fulfill(response=answer)
    page.unroute("**/estates/*/doors")
    expect(page.get_by_test_id("standing")).to_contain_text("消防联动开门：B2单元门", timeout=BEFORE_THE_MINUTE_MS)
