"""An edge box joins: a one-time token against a certificate, a secret and a place on the broker. It renews, and it goes."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from device_drivers.contract.edge_http import EnrolReply, EnrolRequest, RenewReply
from hub.auth import token_hash
from hub.db import HELD
from hub.dynsec import BrokerAdmin, BrokerRefused
from hub.errors import ApiError, BadRequest, Conflict
from hub.estate import coverage
from hub.ids import random_text
from hub.keys import BadCertificateRequest, IssuedCertificate
from hub.services import Hub
from hub.tables import Edge, EnrolmentToken, Estate

TOKEN_LIFE = timedelta(minutes=30)
KEPT_BEFORE = 2


def add_edge(hub: Hub, estate_id: str, name: str, actor: str) -> str:
    """The new edge's id (`edge-` and 8 characters: it is the CN, the broker user and a topic level). LookupError."""
    with hub.db.unit_of_work(actor, "add edge", estate_id=estate_id, now=hub.now()) as uow:
        if uow.session.get(Estate, estate_id) is None:
            raise LookupError(f"there is no estate {estate_id!r}")
        edge = Edge(id=f"edge-{random_text(8)}", estate_id=estate_id, name=name)
        uow.session.add(edge)
        uow.record("edge.added", edge.id, name=name)
        return edge.id


def remove_edge(hub: Hub, edge_id: str, actor: str, reason: str) -> None:
    """The box is out: its secret ends here, its certificate is revoked, the server takes it off the broker. LookupError.

    Its devices and what it saw stay; a new enrolment brings a box back in its place.
    """
    with hub.db.unit_of_work(actor, reason, now=hub.now()) as uow:
        edge = uow.session.get(Edge, edge_id, with_for_update=HELD)
        if edge is None:
            raise LookupError(f"there is no edge {edge_id!r}")
        uow.estate_id = edge.estate_id
        hub.keys.revoke(*_serials(edge))
        if edge.online:
            coverage.edge_lost(uow.session, edge.id, edge.estate_id, uow.now)
            edge.online, edge.state_since = False, uow.now
        edge.secret_hash = edge.enrolled_at = None
        uow.session.execute(delete(EnrolmentToken).where(EnrolmentToken.edge_id == edge_id))
        uow.record("edge.removed", edge_id, certificate=edge.certificate_serial)


def removed_edges(session: Session) -> list[tuple[str, str]]:
    """(edge, serial of its revoked certificate) of boxes that were taken out and have not enrolled again."""
    query = select(Edge.id, Edge.certificate_serial).where(Edge.secret_hash.is_(None))
    return [(id, serial) for id, serial in session.execute(query) if serial]


def enrolment_token(hub: Hub, edge_id: str, actor: str) -> tuple[str, datetime]:
    """(token, until when): one use, 30 minutes. Raises LookupError."""
    token = random_text(32)
    with hub.db.unit_of_work(actor, "enrolment token", now=hub.now()) as uow:
        edge = uow.session.get(Edge, edge_id)
        if edge is None:
            raise LookupError(f"there is no edge {edge_id!r}")
        uow.estate_id = edge.estate_id
        expires_at = uow.now + TOKEN_LIFE
        uow.session.add(EnrolmentToken(token_hash=token_hash(token), edge_id=edge_id, expires_at=expires_at))
        uow.record("edge.token", edge_id, expires_at=expires_at.isoformat())
    return token, expires_at


def enrol(hub: Hub, admin: BrokerAdmin | None, request: EnrolRequest, https_url: str) -> EnrolReply:
    """403 for a token that is unknown, used or too old; the same word for each. 409 for a box that was another edge: nothing of
    either is touched. 503 while the broker is away. What the box before it had in its place is good no more.
    """
    secret = secrets.token_urlsafe(32)
    with hub.db.unit_of_work("enrolment", "edge enrols", now=hub.now()) as uow:
        taken = uow.session.execute(
            update(EnrolmentToken)
            .where(
                EnrolmentToken.token_hash == token_hash(request.token),
                EnrolmentToken.used_at.is_(None),
                EnrolmentToken.expires_at > uow.now,
            )
            .values(used_at=uow.now)
            .returning(EnrolmentToken.edge_id)
        ).scalar()
        if taken is None:
            raise ApiError(403, "token", "登记口令无效、已使用或已过期，请在管理页重新生成。")
        if request.edge not in ("", taken):
            raise Conflict("这个登记口令是给另一台边缘机的，请在管理页为这台边缘机生成口令。", "edge")
        edge = uow.session.get_one(Edge, taken, with_for_update=HELD)
        issued = _signed(hub, edge, request.csr)
        before = _serials(edge)
        edge.certificates_before = []
        edge.enrolled_at, edge.certificate_serial, edge.secret_hash = uow.now, issued.serial, token_hash(secret)
        edge.certificate_until = issued.until
        uow.estate_id = edge.estate_id
        uow.record("edge.enrolled", edge.id, certificate=issued.serial)
        try:
            if admin is None:
                raise BrokerRefused("the broker link has not started")
            admin.add_edge(edge.id, secret)  # inside: a box the broker does not know must not burn its token
        except BrokerRefused as error:
            raise ApiError(503, "broker", f"消息服务暂不可用（{error}），请稍后重试。") from error
        hub.keys.revoke(*before)  # inside as well: what the row no longer names nobody would ever revoke
    return EnrolReply(
        edge=edge.id,
        estate=edge.estate_id,
        certificate=issued.pem,
        ca=hub.keys.ca_pem,
        signing_key=base64.b64encode(hub.keys.public_key).decode(),
        secret=secret,
        mqtt_host=hub.config.broker_host,
        mqtt_port=hub.config.broker_port,
        https_url=https_url,
    )


def renew(hub: Hub, edge_id: str, csr: str) -> RenewReply:
    """A new certificate for a box that came in with its present one. The one before stays good until it ends: a box that never
    got this answer asks again. Of those that were asked for again and again the last two stay good.
    """
    with hub.db.unit_of_work(f"edge:{edge_id}", "certificate renewed", now=hub.now()) as uow:
        edge = uow.session.get_one(Edge, edge_id, with_for_update=HELD)
        issued = _signed(hub, edge, csr)
        old = _serials(edge)
        edge.certificate_serial, edge.certificate_until = issued.serial, issued.until
        edge.certificates_before = old[:KEPT_BEFORE]
        uow.estate_id = edge.estate_id
        uow.record("edge.certificate", edge.id, certificate=issued.serial, until=issued.until.isoformat())
        hub.keys.revoke(*old[KEPT_BEFORE:])
    return RenewReply(issued.pem)


def _signed(hub: Hub, edge: Edge, csr: str) -> IssuedCertificate:
    try:
        return hub.keys.sign_edge_csr(csr, edge.id)
    except BadCertificateRequest as error:
        raise BadRequest(f"证书申请不可用：{error}。请重新运行 estate-edge enrol。") from error


def _serials(edge: Edge) -> list[str]:
    """Of all certificates of the box that may be good, the newest first."""
    return [*([edge.certificate_serial] if edge.certificate_serial else []), *edge.certificates_before]
