"""One pack of a case: collected, set, sealed, signed. What was made is noted in the case's log by its digest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from hub.cases.known import latest_finding
from hub.evidence import collect, seal, wording
from hub.evidence.archive import Entry
from hub.evidence.bundle import bundle, canonical, fingerprint, manifest_of
from hub.evidence.logcheck import missing_entries
from hub.evidence.report import pdf
from hub.keys import Keys
from hub.services import Hub
from hub.tables import CaseFile, DeviceReview

README = """\
本证据包由 estate-hub 生成。校验方法（离线）：  estate-hub verify-evidence 本文件  --key 公钥
manifest.json 列出每个文件的摘要并逐一相链，signature.json 是对它的 Ed25519 签名；report.pdf 为可读版本，自带校验。
This bundle was made by estate-hub. To verify it off-line:  estate-hub verify-evidence FILE  --key PUBLIC-KEY
"""


@dataclass(frozen=True, slots=True)
class Pack:
    """`zip` holds everything, the sealed `pdf` too."""

    number: str
    zip: bytes
    pdf: bytes


def make(hub: Hub, session: Session, case: CaseFile, made_by: str, *, masked: bool) -> Pack:
    """Reads only. Raises NoFont, ReportFailed."""
    about = {
        "case": case.number,
        "estate": case.estate_id,
        "made_at": hub.now().isoformat(timespec="seconds"),
        "made_by": made_by,
        "masked": masked,
        "state": case.state,
    }
    told = collected(session, case, masked)
    told["about"] = about
    entries = [Entry("README.txt", README.encode())]
    entries += [Entry(f"{name}.json", canonical(value)) for name, value in told.items()]
    entries += _files(session, case)
    about["data_root"] = manifest_of(entries, {})["root"]
    report = sealed(hub.keys, told, about, hub)
    packed = bundle([Entry("report.pdf", report), *entries], about, hub.keys.sign, hub.keys.public_key)
    return Pack(case.number, packed, report)


def collected(session: Session, case: CaseFile, masked: bool) -> dict[str, Any]:
    """The JSON of the bundle by file name without ending."""
    mask = collect.mask_of(session, case, masked)
    finding = latest_finding(session, case.id)
    papers = collect.papers_of_case(session, finding) if finding else []
    log, audit = collect.log_json(session, case, mask), collect.audit_json(session, case, mask)
    log["holds"] = log["holds"] and not missing_entries(log["entries"], audit["rows"])
    return {
        "case": collect.case_json(session, case, mask),
        "finding": collect.finding_json(session, case, mask),
        "days": collect.days_json(session, finding) if finding else [],
        "meters": collect.meters_json(session, finding) if finding else [],
        "devices": collect.devices_json(session, case, finding, papers) if finding else [],
        "log": log,
        "audit": audit,
        "messages": collect.messages_json(session, case, mask),
    }


def _files(session: Session, case: CaseFile) -> list[Entry]:
    finding = latest_finding(session, case.id)
    papers = collect.papers_of_case(session, finding) if finding else []
    return [Entry(_name(one), one.file) for one in collect.files_of(session, papers) if one.file]


def _name(one: DeviceReview) -> str:
    return f"papers/{one.id}-{re.sub(r'[^A-Za-z0-9._-]', '_', one.file_name)[-60:]}"


def sealed(keys: Keys, told: dict[str, Any], about: dict[str, Any], hub: Hub) -> bytes:
    """The report, with the root of the data it was set from printed on it and in its seal."""
    proof = {
        "数据根摘要": about["data_root"],
        "签名公钥指纹": fingerprint(keys.public_key),
        "办理记录校验": "完整" if told["log"]["holds"] else "不完整：记录与校验值不符",
        "生成人": about["made_by"],
        "审计记录": f"{len(told['audit']['rows'])} 条",
    }
    now = hub.now()
    return seal.seal(pdf(wording.report(told, now, proof), now), about, keys.sign, keys.public_key)
