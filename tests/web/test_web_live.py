"""The live page in a browser, on the real hub."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from patience import PATIENCE_S
from playwright.sync_api import BrowserContext, expect
from web_estate import EDGE, Served
from web_support import OpenAs, live

from device_drivers.contract.words import AccessOutcome
from hub.tables import Edge


def test_a_pass_shows_at_once(open_as: OpenAs, served: Served) -> None:
    page = open_as("manager", "/")
    live(page)
    expect(page.get_by_test_id("pass")).to_have_count(4)
    served.passes(1, AccessOutcome.TAKEN)
    newest = page.get_by_test_id("pass").first
    expect(newest).to_contain_text("已通过")
    expect(newest).to_contain_text("1号楼-0201 · 成员1")
    expect(newest).to_contain_text("北门 进")


def test_the_feed_holds_still_while_read(open_as: OpenAs, served: Served) -> None:
    page = open_as("manager", "/")
    live(page)
    expect(page.get_by_test_id("pass")).to_have_count(4)
    page.get_by_test_id("pass").first.hover()
    served.passes(2)
    expect(page.get_by_test_id("new-events")).to_have_text("2 条新事件")
    expect(page.get_by_test_id("pass")).to_have_count(4)
    page.get_by_test_id("new-events").click()
    expect(page.get_by_test_id("pass")).to_have_count(6)


def test_what_a_device_refuses_is_said_in_words(look_as: OpenAs) -> None:
    page = look_as("manager", "/")
    truth = page.get_by_test_id("truth")
    expect(truth).to_contain_text("应有 2 · 已确认 1 · 1 个被拒")
    expect(truth).to_contain_text("照片")


def test_a_certificate_that_nobody_renews_is_said_in_time(open_as: OpenAs, served: Served) -> None:
    def ends_in(days: int) -> None:
        with served.hub.db.unit_of_work("test", "certificate", audit=False) as uow:
            edge = uow.session.get_one(Edge, EDGE)
            edge.secret_hash, edge.certificate_until = "x", served.hub.now() + timedelta(days=days)

    ends_in(40)
    page = open_as("manager", "/")
    live(page)
    panel = page.get_by_test_id("edges")
    expect(panel).to_contain_text("在线")
    expect(panel).not_to_contain_text("证书")
    ends_in(10)
    page.reload()
    expect(panel).to_contain_text("尚未自动续期")
    ends_in(-1)
    page.reload()
    expect(panel).to_contain_text("estate-edge enrol --again")
    page.get_by_role("button", name="English").click()
    expect(panel).to_contain_text("doors go on")


def test_a_box_whose_disk_takes_nothing_is_said(open_as: OpenAs, served: Served) -> None:
    page = open_as("manager", "/")
    live(page)
    panel = page.get_by_test_id("edges")
    expect(panel).not_to_contain_text("磁盘")
    served.edge(online=True, disk_writes=False, clock_trusted=False)
    expect(panel).to_contain_text("磁盘不能写入")
    expect(panel).to_contain_text("时间不可信")
    page.get_by_role("button", name="English").click()
    expect(panel).to_contain_text("its disk takes nothing: doors go on")
    served.edge(online=True)
    expect(panel).not_to_contain_text("disk")


def test_an_edge_that_goes_takes_certainty_with_it(open_as: OpenAs, served: Served) -> None:
    page = open_as("manager", "/")
    live(page)
    expect(page.get_by_test_id("doors").locator("li").first).to_have_attribute("data-known", "true")
    served.edge(online=False)
    expect(page.get_by_test_id("edge-banner")).to_contain_text("离线")
    expect(page.get_by_test_id("doors").locator("li").first).to_have_attribute("data-known", "false")
    expect(page.get_by_test_id("truth")).to_contain_text("设备现状未知")
    served.edge(online=True)
    expect(page.get_by_test_id("edge-banner")).to_have_count(0)


def test_the_server_restarts_and_the_page_comes_back(
    open_as: OpenAs, served: Served, wait_until: Callable[..., object]
) -> None:
    page = open_as("manager", "/")
    live(page)
    served.stop()
    expect(page.get_by_test_id("link")).to_have_attribute("data-state", "reconnecting")
    expect(page.get_by_test_id("gap")).to_have_count(1)
    expect(page.get_by_test_id("feed")).to_contain_text("数据截至")
    served.start(wait_until)
    served.passes(1, AccessOutcome.NOT_TAKEN)  # while nobody looks
    expect(page.get_by_test_id("link")).to_have_attribute("data-state", "live")
    expect(page.get_by_test_id("gap")).to_contain_text("连接中断")
    expect(page.get_by_test_id("pass").first).to_contain_text("未通过")


def test_a_server_that_takes_the_question_and_never_answers_is_asked_again(
    open_as: OpenAs, served: Served, wait_until: Callable[..., object]
) -> None:
    """As a hub that lost its power, or a middle box: no error ever comes, and the page would wait for ever."""
    page = open_as("manager", "/")
    live(page)
    served.stop()
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", served.port)) as silent:
        silent.settimeout(PATIENCE_S)
        while not taken or b"text/event-stream" not in taken[-1].recv(65_536):
            taken.append(silent.accept()[0])
    served.start(wait_until)
    expect(page.get_by_test_id("link")).to_have_attribute("data-state", "live")
    for one in taken:
        one.close()


def test_beijing_time_in_a_new_york_browser(look_as: OpenAs) -> None:
    page = look_as("manager", "/")
    clock = page.get_by_test_id("clock")
    expect(clock).to_contain_text("北京时间")
    shown = clock.locator("time").inner_text()
    there = datetime.strptime(shown, "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    assert abs((datetime.now(UTC) - there).total_seconds()) < 60, f"the clock says {shown}"


# Doors fail whoever asks, but for what is asked because of a click: the page asks by itself, too, and would be well before it.
FAILS_UNLESS_ASKED = """
let clicked = -Infinity;
addEventListener("click", () => { clicked = performance.now(); }, true);
const ask = window.fetch;
window.fetch = (what, how) => {
  const path = new URL(what instanceof Request ? what.url : what, location.href).pathname;
  if (!/^.api.v1.estates.[^/]+.doors$/.test(path) || performance.now() - clicked < 5000) return ask(what, how);
  const error = {code: "internal", message: "系统内部错误，请稍后重试。", request_id: "req-4711"};
  return Promise.resolve(new Response(JSON.stringify({error}), {status: 500, headers: {"content-type": "application/json"}}));
};
"""


def test_a_failing_answer_says_so_and_can_be_retried(look_as: OpenAs, look_context: BrowserContext) -> None:
    look_context.add_init_script(FAILS_UNLESS_ASKED)
    doors = look_as("manager", "/").get_by_test_id("doors")
    expect(doors).to_contain_text("req-4711")
    doors.get_by_role("button", name="重试").click()
    expect(doors).to_contain_text("北门人行门")


def test_two_tabs_share_one_stream(open_as: OpenAs, served: Served) -> None:
    first, second = open_as("manager", "/"), open_as("manager", "/")
    live(first)
    live(second)
    served.passes(1, AccessOutcome.TAKEN)
    for page in (first, second):
        expect(page.get_by_test_id("pass").first).to_contain_text("已通过")
    assert served.hub.live.clients == 1, "each tab opened a stream of its own"
