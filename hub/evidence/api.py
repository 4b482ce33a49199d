"""Evidence packs to download, and the papers of devices that the law asks for."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, File, Form, Response, UploadFile
from pydantic import BaseModel, Field
from sqlalchemy import select

from hub import caselog
from hub.auth import Principal, hub_of, in_scope, require
from hub.cases.devices import KINDS_ZH, papers_for
from hub.cases.known import latest_finding
from hub.errors import ApiError, BadRequest, Forbidden, NotFound
from hub.evidence.bundle import sha256
from hub.evidence.fonts import NoFont
from hub.evidence.pack import make
from hub.evidence.reviews import BadPaper, add_paper, names_of
from hub.services import Hub
from hub.tables import CaseFile, DeviceReview

router = APIRouter(prefix="/api/v1", tags=["evidence"])
TheHub = Annotated[Hub, Depends(hub_of)]
Viewer = Annotated[Principal, Depends(require("case.view"))]
Official = Annotated[Principal, Depends(require("case.decide"))]
MEDIA = {"zip": "application/zip", "pdf": "application/pdf"}
NO_FONT_ZH = "服务器没有中文字体，无法生成报告。请管理员安装 fonts-wqy-microhei 后重试。"
MOST_BYTES = 4 * 1024 * 1024


class PackWish(BaseModel):
    """`unmasked`: with full names; needs a reason, which goes to the audit trail."""

    form: Literal["zip", "pdf"]
    unmasked: bool = False
    reason: str = Field("", max_length=500)


class PaperItem(BaseModel):
    id: str
    kind: str
    kind_zh: str
    number: str
    note: str
    valid_from: date
    valid_until: date | None
    file_name: str
    sha256: str
    reviewer: str
    at: datetime


class DevicePapersItem(BaseModel):
    """`missing`: kinds of papers without which the device's records are no evidence (Administrative Penalty Law art. 41)."""

    device_id: str
    device_name: str
    papers: list[PaperItem]
    missing: list[str]
    same_reviewer: bool
    complete: bool


class CasePapers(BaseModel):
    """`public_key`: the hub's, hex; whoever verifies a pack compares it."""

    devices: list[DevicePapersItem]
    kinds: dict[str, str]
    public_key: str


@router.post("/cases/{case_id}/evidence", response_class=Response)
def make_pack(case_id: str, wish: PackWish, hub: TheHub, principal: Viewer) -> Response:
    """The pack of a case as it stands now; who took it, and its digest, stand in the case's log and the audit trail."""
    name, content = take_pack(hub, principal, case_id, wish)
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}", "Cache-Control": "no-store"}
    return Response(content, media_type=MEDIA[wish.form], headers=headers)


def take_pack(hub: Hub, principal: Principal, case_id: str, wish: PackWish) -> tuple[str, bytes]:
    """(file name, content). Who took it stands in the case's log. Raises ApiError."""
    reason = wish.reason.strip()
    if not principal.may("case.view"):
        raise Forbidden
    if wish.unmasked and not (principal.may("person.reveal") and principal.may("case.decide")):
        raise Forbidden
    if wish.unmasked and len(reason) < 4:
        raise BadRequest("生成含完整个人信息的证据包，请写明用途（至少4个字），它会记入审计日志。", "reason_needed")
    with hub.db.reading() as session:
        case = _case(session.get(CaseFile, case_id), principal)
        estate_id = case.estate_id
        try:
            pack = make(hub, session, case, principal.display_name, masked=not wish.unmasked)
        except NoFont as error:
            raise ApiError(503, "no_font", NO_FONT_ZH) from error
    content = pack.zip if wish.form == "zip" else pack.pdf
    with hub.db.unit_of_work(principal.id, reason or "evidence pack", estate_id=estate_id, now=hub.now()) as uow:
        uow.session.scalars(select(CaseFile.id).where(CaseFile.id == case_id).with_for_update()).one()
        told = {"form": wish.form, "sha256": sha256(content), "masked": not wish.unmasked}
        caselog.append(uow, case_id, principal.id, "pack_made", opinion=reason, data=told)
        uow.record("case.pack_made", case_id, **told)
    return f"{pack.number}{'-unmasked' if wish.unmasked else ''}.{wish.form}", content


@router.get("/cases/{case_id}/papers")
def case_papers(case_id: str, hub: TheHub, principal: Viewer) -> CasePapers:
    """The papers of the devices whose records the case rests on, and what is missing."""
    with hub.db.reading() as session:
        case = _case(session.get(CaseFile, case_id), principal)
        finding = latest_finding(session, case.id)
        papers = papers_for(session, finding) if finding else []
        names = names_of(session, [one.device_id for one in papers])
        return CasePapers(
            devices=[
                DevicePapersItem(
                    device_id=one.device_id,
                    device_name=names[one.device_id],
                    papers=[_item(paper) for paper in one.papers],
                    missing=list(one.missing),
                    same_reviewer=one.same_reviewer,
                    complete=one.complete,
                )
                for one in papers
            ],
            kinds=KINDS_ZH,
            public_key=hub.keys.public_key.hex(),
        )


@router.post("/devices/{device_id}/papers", status_code=201)
def add_device_paper(
    device_id: str,
    hub: TheHub,
    principal: Official,
    kind: Annotated[str, Form(max_length=20)],
    number: Annotated[str, Form(max_length=100)],
    valid_from: Annotated[date, Form()],
    valid_until: Annotated[date | None, Form()] = None,
    note: Annotated[str, Form(max_length=1000)] = "",
    file: Annotated[UploadFile | None, File()] = None,
) -> PaperItem:
    """A certificate, photo of the sign, proof of publication, or review of a device, by the person who is signed in."""
    content = file.file.read(MOST_BYTES + 1) if file else None
    if content is not None and len(content) > MOST_BYTES:
        raise BadRequest("附件不能超过 4 MB。请压缩后重新上传。", "too_large")
    with hub.db.unit_of_work(principal.id, "paper of a device", now=hub.now()) as uow:
        try:
            row = add_paper(
                uow,
                principal,
                device_id,
                DeviceReview(
                    kind=kind, number=number.strip(), note=note.strip(), valid_from=valid_from, valid_until=valid_until,
                    file_name=(file.filename or "file") if file else "", file=content,
                ),
            )  # fmt: skip
        except BadPaper as error:
            raise BadRequest(error.message, "bad_paper") from error
        return _item(row)


@router.get("/device-papers/{paper_id}/file", response_class=Response)
def paper_file(paper_id: str, hub: TheHub, principal: Viewer) -> Response:
    with hub.db.reading() as session:
        row = session.get(DeviceReview, paper_id)
        if row is None or row.file is None:
            raise NotFound
        in_scope(principal, row.estate_id)
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(row.file_name)}"}
        return Response(row.file, media_type=row.media_type, headers={**headers, "X-Content-Type-Options": "nosniff"})


def _case(case: CaseFile | None, principal: Principal) -> CaseFile:
    if case is None:
        raise NotFound
    in_scope(principal, case.estate_id)
    return case


def _item(row: DeviceReview) -> PaperItem:
    return PaperItem(
        id=row.id,
        kind=row.kind,
        kind_zh=KINDS_ZH[row.kind],
        number=row.number,
        note=row.note,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        file_name=row.file_name,
        sha256=row.sha256,
        reviewer=row.reviewer,
        at=row.at,
    )
