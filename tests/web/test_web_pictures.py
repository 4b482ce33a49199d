"""A picture at a pass in a browser: when it was taken and by what that is known stand beside it; an old one is never new."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import expect
from sqlalchemy import select
from web_estate import EDGE, Served
from web_support import OpenAs, violations

from device_drivers.contract.events import Event, FaceCheck
from device_drivers.contract.messages import EventBatch
from device_drivers.contract.words import FaceOutcome, PictureProof
from hub.events.ingest import Ingest
from hub.tables import Estate, EventRow, Snapshot
from simulators.face_pictures import snapshot

SHOTS = (
    (PictureProof.DEVICE_TIME, timedelta(seconds=1)),
    (PictureProof.STREAM, timedelta(minutes=-40)),
    (PictureProof.NONE, timedelta(seconds=1)),
)


def photograph(served: Served) -> list[int]:
    """The three newest passes get a picture each: a fresh one, an old one, and one that proves nothing. Their numbers."""
    hub = served.hub
    with hub.db.unit_of_work("test", "pictures", now=hub.now()) as uow:
        query = select(EventRow).where(EventRow.kind == "access").order_by(EventRow.at.desc(), EventRow.seq.desc())
        rows = uow.session.scalars(query.limit(len(SHOTS))).all()
        for row, (proof, after) in zip(rows, SHOTS, strict=True):
            jpeg = snapshot(f"{row.seq}")
            digest = hashlib.sha256(jpeg).hexdigest()
            file = hub.config.dir / "snapshots" / digest[:2] / f"{digest}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(jpeg)
            uow.session.add(
                Snapshot(
                    sha256=digest, estate_id=row.estate_id, edge_id=row.edge_id, epoch=row.epoch, of_seq=row.seq,
                    taken_at=row.received_at + after, received_at=row.received_at, size=len(jpeg),
                    file=str(file.relative_to(hub.config.dir)), proof=proof.value,
                )
            )  # fmt: skip
        return [row.seq for row in rows]


def test_a_picture_says_how_fresh_it_is_and_an_old_one_is_never_shown_as_new(
    open_as: OpenAs, served: Served, tmp_path: Path
) -> None:
    served.passes(3)
    newest = photograph(served)[0]
    served.seq += 1
    look = FaceCheck(FaceOutcome.DIFFERENT, "E001.G1-IN", newest, "E001.face-g1", None)
    line = Event(served.seq, "E001.face-g1", served.hub.now(), look)
    Ingest(served.hub).take(EDGE, "epoch-1", [EventBatch("epoch-1", served.seq, (line,))])

    page = open_as("manager", "/events")
    marks = page.get_by_test_id("event").filter(has=page.locator("button.thumb")).get_by_test_id("freshness")
    expect(marks).to_have_count(3)
    fresh, old, unproved = (marks.nth(n) for n in range(3))
    expect(fresh).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))
    expect(fresh).to_have_class("freshness")
    expect(fresh).to_have_attribute("title", re.compile("照片自带摄像机时间"))
    expect(old).to_have_text("旧照片，不是当时的画面")
    expect(old).to_have_class("freshness warn")
    expect(unproved).to_have_text("不能证明是当时拍摄")
    expect(page.locator("button.thumb.doubtful")).to_have_count(2)
    expect(page.get_by_test_id("face").first).to_contain_text("仅供核实，不影响通行")
    page.screenshot(path=tmp_path / "pictures.png")

    page.locator("button.thumb.doubtful").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_test_id("freshness")).to_contain_text("旧照片，不是当时的画面 · 拍摄于")
    expect(dialog.get_by_test_id("freshness")).to_contain_text("边缘机时钟")
    expect(dialog.locator("img.picture")).to_be_visible()
    assert violations(page) == []
    page.screenshot(path=tmp_path / "picture_open.png")


def test_the_live_page_says_it_too(open_as: OpenAs, served: Served) -> None:
    photograph(served)
    page = open_as("manager", "/")
    expect(page.get_by_test_id("freshness")).to_have_count(3)
    expect(page.get_by_text("旧照片，不是当时的画面")).to_have_count(1)


def test_face_checks_are_switched_on_with_a_reason_and_only_after_the_assessment(
    open_as: OpenAs, served: Served
) -> None:
    page = open_as("admin", "/settings")
    beside = page.get_by_test_id("switch-face_checks")
    expect(beside).to_contain_text("未启用")

    def order() -> None:
        beside.get_by_role("button").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("textbox").fill("居民会议同意试用")
        dialog.locator(".ant-btn-primary").click()

    order()
    expect(page.get_by_role("dialog")).to_contain_text("先完成影响评估并启用人脸登记")
    page.keyboard.press("Escape")
    with served.hub.db.unit_of_work("test", "assessed", now=served.hub.now()) as uow:
        uow.session.get_one(Estate, "E001").policy = {"face_enrolment": True, "pia_id": "PIA-1"}
    page.reload()
    order()
    expect(beside).to_contain_text("已启用")
    expect(page.get_by_test_id("switch-face_requests")).to_contain_text("未启用")
    assert violations(page) == []
