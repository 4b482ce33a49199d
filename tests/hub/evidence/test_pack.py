"""The pack of a case: what is in it, what is masked, that it is PDF/A, who may take it, and that it proves itself."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from sqlalchemy import select, update

from hub import caselog
from hub.cases.devices import devices_of
from hub.evidence import fonts
from hub.evidence.collect import mask_of
from hub.evidence.pack import make
from hub.evidence.verify import verify
from hub.occupancy.served import take_over
from hub.services import Hub
from hub.tables import AccessPoint, AuditRow, CaseEntry, CaseFile, Device, DeviceReview, Finding

RARE = "张𫍯𠮷"
PAPERS = ("approval", "sign", "location", "technical", "legal")


def _make(hub: Hub, case: str, *, masked: bool = True) -> Any:
    with hub.db.reading() as session:
        return make(hub, session, session.get_one(CaseFile, case), "王审核", masked=masked)


def _files(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        assert opened.testzip() is None, "any zip program reads it"
        return {name: opened.read(name) for name in opened.namelist()}


def _text(pdf: bytes) -> str:
    """The text of the pages, from each font's own table of characters: what a reader can search and copy."""
    found = []
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        tables = {}
        for page in opened.pages:
            for name, font in page.resources.get("/Font", {}).items():
                tables[name] = _unicode(bytes(font.ToUnicode.read_bytes()).decode())
            current: dict[str, str] = {}
            for operands, operator in pikepdf.parse_content_stream(page):
                if str(operator) == "Tf":
                    current = tables[str(operands[0])]
                parts = operands[0] if str(operator) == "TJ" else operands if str(operator) == "Tj" else ()
                for part in parts:
                    if isinstance(part, pikepdf.String):
                        codes = bytes(part).hex()
                        found += [current.get(codes[i : i + 4], "?") for i in range(0, len(codes), 4)]
    return "".join(found)


def _unicode(table: str) -> dict[str, str]:
    found = {}
    for line in table.splitlines():
        parts = [part.strip("<>") for part in line.split()]
        if len(parts) == 2 and line.startswith("<"):
            found[parts[0].lower()] = bytes.fromhex(parts[1]).decode("utf-16-be")
    return found


def test_the_bundle_holds_everything_and_proves_itself(hub: Hub, case: str) -> None:
    pack = _make(hub, case)
    verdict = verify(pack.zip, hub.keys.public_key)
    assert verdict.problems == ()
    assert verdict.pinned
    found = _files(pack.zip)
    assert list(found)[:3] == ["manifest.json", "signature.json", "report.pdf"]
    names = ("case", "finding", "days", "meters", "devices", "log", "audit", "messages", "about")
    assert {f"{name}.json" for name in names} | {"README.txt"} <= set(found)
    finding = json.loads(found["finding.json"])
    assert (finding["rule"], finding["rule_version"], finding["policy_version"]) == ("S1", "2026.2", "national 1")
    assert finding["against"] == ["本户平时有亲属常来。"]
    assert finding["policy"]["name"] == "national"
    assert len(json.loads(found["days.json"])) == 60
    assert set(json.loads(found["days.json"])[0]) == {"day", "state", "coverage"}, "no person, no hour"
    devices = {one["id"]: one for one in json.loads(found["devices.json"])}
    assert devices["E001.face-g1"]["coverage"][0]["state"] == "down"
    assert [one["kind"] for one in devices["E001.face-g1"]["missing"]] == list(PAPERS)
    assert json.loads(found["log.json"])["holds"]
    assert json.loads(found["audit.json"])["rows"]


def test_names_are_masked_unless_asked_for(hub: Hub, case: str) -> None:
    for name, content in _files(_make(hub, case).zip).items():
        assert RARE not in content.decode("utf-8", "replace"), name
        assert b"tok-abcdef123456" not in content, "nor whole numbers of credentials"
    log = json.loads(_files(_make(hub, case).zip)["log.json"])["entries"]
    assert [entry["masked"] for entry in log] == [False, True]
    assert log[1]["opinion"] == "电话联系张*𠮷未接通"
    whole = _make(hub, case, masked=False)
    assert verify(whole.zip).holds
    found = _files(whole.zip)
    assert RARE in found["case.json"].decode()
    assert not any(entry["masked"] for entry in json.loads(found["log.json"])["entries"])
    with hub.db.reading() as session:
        assert mask_of(session, session.get_one(CaseFile, case), True).text("李明") == "李明", "only the household's"


def test_the_report_is_pdf_a_with_its_fonts(hub: Hub, case: str, clock: Any) -> None:
    clock.pass_(microseconds=7)
    report = _make(hub, case, masked=False).pdf
    assert verify(report, hub.keys.public_key).problems == ()
    with pikepdf.open(io.BytesIO(report)) as opened:
        assert opened.check_pdf_syntax() == []
        with opened.open_metadata() as meta:
            assert (meta["pdfaid:part"], meta["pdfaid:conformance"]) == ("2", "A")
        (intent,) = opened.Root.OutputIntents
        assert intent.S == "/GTS_PDFA1"
        assert intent.DestOutputProfile.read_bytes()[36:40] == b"acsp", "an ICC profile"
        assert opened.Root.MarkInfo.Marked
        assert opened.Root.Lang == "zh-CN"
        assert "/Encrypt" not in opened.trailer
        assert "/JavaScript" not in opened.Root.get("/Names", {})
        embedded = set()
        for one in opened.objects:
            if isinstance(one, pikepdf.Dictionary) and one.get("/Type") == "/FontDescriptor":
                assert any(key in one for key in ("/FontFile", "/FontFile2", "/FontFile3")), one.FontName
                embedded.add(str(one.FontName)[8:])
    assert len(embedded) >= 2, "everyday characters and rare ones come from two fonts"
    text = _text(report)
    assert RARE in text, "a rare name is drawn, searched and copied"
    for words in ("线索不是结论", "对当事人有利的情况", "行政处罚法第四十一条", "未经审核，不得作为认定依据"):
        assert words in text
    assert "?" not in text.replace("？", "")


def test_a_character_that_no_font_has_is_named_and_not_lost(hub: Hub, case: str) -> None:
    assert fonts.drawable("张\U0003ffff", fonts.fonts()) == "张〔U+3FFFF〕"


def test_without_a_chinese_font_it_says_what_to_install(
    hub: Hub, case: str, sign_in: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(fonts, "FOLDERS", ())
    monkeypatch.setenv("ESTATE_FONTS", str(tmp_path))
    answer = sign_in(hub, "housing_official").post(f"/api/v1/cases/{case}/evidence", json={"form": "pdf"})
    assert answer.status_code == 503
    assert "fonts-wqy-microhei" in answer.json()["error"]["message"]


def test_text_of_people_is_never_read_as_markup(hub: Hub, case: str) -> None:
    nasty = '#panic("x") #read("/etc/passwd") $ */ ] ) \\ _a_ `code` <b>'
    with hub.db.unit_of_work("test", "nasty", audit=False) as uow:
        uow.session.execute(update(CaseFile).values(number="E001-#[x]-1"))
        uow.session.add(CaseEntry(case_id=case, at=hub.now(), actor="x", action="note", opinion=nasty, data={}))
    text = _text(_make(hub, case).pdf)
    assert "#panic(" in text.replace("“", '"').replace("”", '"')
    assert "root:" not in text


def test_what_was_filled_in_at_a_step_is_said_in_the_report_as_on_the_form(hub: Hub, case: str) -> None:
    said = {"devices_sound": "yes", "register_current": "yes", "absence_checked": "no", "signals_hold": "yes"}
    with hub.db.unit_of_work("test", "a review", now=hub.now()) as uow:
        caselog.append(uow, case, "user-1", "reviewed", "", "已逐项核对", {"fields": said})
    text = _text(_make(hub, case).pdf)
    assert "已查离家报备、住院和调换办理记录：否" in text
    assert "期间门禁和表计设备正常、时钟准确：是" in text
    assert "Field" not in text, "how the program writes a form is no evidence"


def test_a_log_that_was_tampered_with_in_the_hub_shows_in_the_bundle(hub: Hub, case: str) -> None:
    with hub.db.unit_of_work("test", "around the door", audit=False) as uow:
        uow.session.execute(update(CaseEntry).where(CaseEntry.action == "opened").values(opinion="改写"))
    verdict = verify(_make(hub, case).zip, hub.keys.public_key)
    assert verdict.problems == ("log.json: entry 1 does not follow from the one before",)


def test_who_may_take_it_and_that_it_is_noted(hub: Hub, case: str, sign_in: Any, client_for: Any) -> None:
    path, ask = f"/api/v1/cases/{case}/evidence", {"form": "zip"}
    assert client_for(hub).post(path, json=ask).status_code == 401
    assert sign_in(hub, "estate_manager").post(path, json=ask).status_code == 403
    assert sign_in(hub, "housing_official", ["E002"]).post(path, json=ask).status_code == 404
    auditor, official = sign_in(hub, "auditor"), sign_in(hub, "housing_official")
    taken = auditor.post(path, json=ask)
    assert taken.status_code == 200
    assert verify(taken.content, hub.keys.public_key).holds
    assert taken.headers["cache-control"] == "no-store"
    whole = {**ask, "unmasked": True, "reason": "移送法院举证"}
    assert auditor.post(path, json=whole).status_code == 403
    assert official.post(path, json={**whole, "reason": " "}).status_code == 400
    pdf = official.post(path, json={**whole, "form": "pdf"})
    assert pdf.headers["content-type"] == "application/pdf"
    timeline = official.get(f"/api/v1/cases/{case}").json()["timeline"]
    assert [entry["action"] for entry in timeline][-2:] == ["pack_made", "pack_made"]
    assert timeline[-1]["opinion"] == "移送法院举证"
    with hub.db.reading() as session:
        made = [c for row in session.scalars(select(AuditRow)) for c in row.changes if c["what"] == "case.pack_made"]
    assert [one["masked"] for one in made] == [True, False]


def _paper(
    client: Any, kind: str, device: str = "E001.face-g1", file: bytes | None = b"%PDF-1.7 paper", **more: str
) -> Any:
    data = {"kind": kind, "number": f"{kind}-1", "valid_from": "2020-01-01", **more}
    return client.post(
        f"/api/v1/devices/{device}/papers", data=data, files={"file": ("证书.pdf", file)} if file else None
    )


def test_papers_of_devices_make_their_records_evidence(hub: Hub, case: str, sign_in: Any) -> None:
    one, two = sign_in(hub, "housing_official"), sign_in(hub, "housing_official")
    shown = one.get(f"/api/v1/cases/{case}/papers").json()
    assert shown["public_key"] == hub.keys.public_key.hex()
    for device in [item["device_id"] for item in shown["devices"]]:
        for kind in PAPERS:
            assert _paper(one, kind, device).status_code == 201
    devices = one.get(f"/api/v1/cases/{case}/papers").json()["devices"]
    assert all(item["missing"] == [] and item["same_reviewer"] and not item["complete"] for item in devices)
    for item in devices:
        assert _paper(two, "legal", item["device_id"]).status_code == 201
    devices = one.get(f"/api/v1/cases/{case}/papers").json()["devices"]
    assert all(item["complete"] for item in devices)
    with hub.db.reading() as session:
        reviewers = {row.reviewed_by for row in session.scalars(select(DeviceReview))}
    assert len(reviewers) == 2
    found = _files(_make(hub, case).zip)
    papers = [name for name in found if name.startswith("papers/")]
    assert len(papers) == 6 * len(devices)
    assert found[papers[0]] == b"%PDF-1.7 paper"
    paper = devices[0]["papers"][0]["id"]
    assert one.get(f"/api/v1/device-papers/{paper}/file").content == b"%PDF-1.7 paper"
    assert sign_in(hub, "housing_official", ["E002"]).get(f"/api/v1/device-papers/{paper}/file").status_code == 404


def _days_of(hub: Hub, case: str) -> tuple[dict[str, tuple[date, date]], date, date]:
    with hub.db.reading() as session:
        finding = session.scalars(select(Finding).where(Finding.case_id == case)).one()
        return devices_of(session, finding), finding.window_from, finding.window_to


def test_a_device_needs_papers_for_the_days_on_which_it_served(hub: Hub, case: str, sign_in: Any) -> None:
    devices, first, last = _days_of(hub, case)
    assert devices["E001.face-g1"] == (first, last)
    came, left = first + timedelta(days=20), first + timedelta(days=30)
    with hub.db.unit_of_work("test", "another gate", now=hub.now()) as uow:
        old = uow.session.get_one(Device, "E001.face-g1")
        uow.session.add(
            Device(
                id="E001.face-g2",
                **{column.key: getattr(old, column.key) for column in Device.__table__.columns if column.key != "id"},
            )
        )
        uow.session.flush()
        (point,) = uow.session.scalars(select(AccessPoint).where(AccessPoint.device_id == old.id)).all()
        take_over(uow.session, point, "E001.face-g2", _noon(left))
        point.in_service_since = came
    devices, *_ = _days_of(hub, case)
    assert devices["E001.face-g1"] == (came, left), "it was let go since: its records of the window are evidence still"
    assert devices["E001.face-g2"] == (left, last), "not the days on which another device stood there"
    official = sign_in(hub, "housing_official")
    day = {"valid_from": left.isoformat()}
    assert all(_paper(official, kind, "E001.face-g2", **day).status_code == 201 for kind in PAPERS)
    shown = official.get(f"/api/v1/cases/{case}/papers").json()["devices"]
    assert next(one for one in shown if one["device_id"] == "E001.face-g2")["missing"] == []
    with hub.db.unit_of_work("test", "it came after the window", now=hub.now()) as uow:
        uow.session.get_one(AccessPoint, point.id).in_service_since = last + timedelta(days=1)
    assert not {"E001.face-g1", "E001.face-g2"} & set(_days_of(hub, case)[0]), "no record of the window is theirs"


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)


def test_papers_that_are_none(hub: Hub, case: str, sign_in: Any) -> None:
    official = sign_in(hub, "housing_official")
    assert _paper(official, "rumour").status_code == 400
    assert _paper(official, "legal", number=" ").status_code == 400
    assert _paper(official, "legal", valid_until="2019-01-01").status_code == 400
    assert _paper(official, "legal", file=b"MZ executable").status_code == 400
    assert _paper(official, "legal", file=b"%PDF-" + bytes(4 * 1024 * 1024)).status_code == 400
    assert _paper(official, "legal", "nowhere").status_code == 404
    assert _paper(sign_in(hub, "auditor"), "legal").status_code == 403
    ended = _paper(official, "technical", valid_until="2026-01-01")
    assert ended.status_code == 201
    (device,) = [
        d for d in official.get(f"/api/v1/cases/{case}/papers").json()["devices"] if d["device_id"] == "E001.face-g1"
    ]
    assert "technical" in device["missing"], "a paper that ended before the window counts for nothing"


def test_who_fled_is_not_found_by_a_copy_of_the_file(hub: Hub, case: str) -> None:
    with hub.db.unit_of_work("a", "an answer", now=hub.now()) as uow:
        caselog.append(uow, case, "a", "answer", "IE11", "因家庭暴力离家，现住妇联安排处。")
        told = {"fields": {"victim": "yes", "measures": "联系妇联"}}
        caselog.append(uow, case, "a", "hardship", "", "电话了解到受胁迫。", told)
    masked, whole = _make(hub, case), _make(hub, case, masked=False)
    for name, content in _files(masked.zip).items():
        text = content.decode("utf-8", "replace")
        assert not any(word in text for word in ("IE11", "妇联", "胁迫。")), name
    assert verify(masked.zip).holds
    assert "妇联" in _files(whole.zip)["log.json"].decode()
