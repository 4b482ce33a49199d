"""To the lease system, at least once: written in the unit of work that decided it, signed, sent until it is answered.

Where to: `lease.json` in the hub's directory, `{"url": "http://…/api/inbox", "api_key_file": "lease.key", "timeout_s": 10}`.
"""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from pathlib import Path

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.db import UnitOfWork
from hub.deadline import within
from hub.jobs import Job
from hub.lease.feed import FeedMessage
from hub.services import Hub
from hub.tables import OutboxMessage
from hub.trust import trusted

CONFIG_FILE = "lease.json"
JOB = "lease.deliver"
BATCH = 100
LONGEST_WAIT = timedelta(minutes=5)
TRANSPORT_ERRORS = (httpx.HTTPError, httpx.InvalidURL)
WHOLE = 3  # times its timeout may an exchange take in all
ANSWER_BYTES = 4096  # so much of an answer is looked at
WEB_PAGE = ("<!doctype html", "<html")  # whatever its type is said to be: many systems call everything text/html


class LeaseSystem(BaseModel):
    """The lease system's inbox. `api_key_file`: the key it asks for as `X-Api-Key`, path relative to the hub's directory."""

    model_config = ConfigDict(extra="forbid")
    url: str = Field(pattern=r"^https?://")
    timeout_s: float = Field(default=10, gt=0, le=120)
    api_key_file: str | None = None


class LeaseConfigInvalid(ValueError):
    """`lease.json` cannot be used: correct it; messages wait meanwhile."""


def lease_system(directory: Path) -> LeaseSystem | None:
    """The configured inbox, or None when there is none yet."""
    file = directory / CONFIG_FILE
    try:
        return LeaseSystem.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise LeaseConfigInvalid(f"{file}: {error}") from error


def enqueue(uow: UnitOfWork, message: FeedMessage) -> bool:
    """Keep a message with the change that caused it. False when it is there already: said once is enough."""
    if uow.session.get(OutboxMessage, message.id) is not None:
        return False
    uow.session.add(
        OutboxMessage(
            id=message.id,
            kind=message.kind,
            subject=message.subject,
            body=message.body,
            created_at=uow.now,
            next_attempt_at=uow.now,
        )
    )
    uow.session.flush()
    uow.record("outbox.added", message.id, kind=message.kind)
    return True


def wait_after(attempts: int) -> timedelta:
    """1, 2, 4 … seconds, at most five minutes."""
    return min(timedelta(seconds=2 ** min(attempts - 1, 20)), LONGEST_WAIT)


def deliver(hub: Hub) -> str:
    """Job: send what is due. A line that is down ends the run; a refused message does not stop the others."""
    system = lease_system(hub.config.dir)
    with hub.db.reading() as session:
        due = _due(session, hub.now())
        waiting = session.scalar(
            select(func.count()).select_from(OutboxMessage).where(OutboxMessage.delivered_at.is_(None))
        )
    if system is None:
        return f"no lease system configured ({CONFIG_FILE}); {waiting or 0} messages wait"
    sent = failed = 0
    key, trust = _key_header(hub.config.dir, system), trusted(trust_env=True)
    with httpx.Client(timeout=system.timeout_s, headers=key, verify=trust) as client:
        for message in due:
            error, line_down = _post(hub, client, system.url, message)
            _remember(hub, message.id, error)
            sent, failed = sent + (error is None), failed + (error is not None)
            if line_down:
                break
    return f"{sent} delivered, {failed} failed, {(waiting or 0) - sent} wait"


def _key_header(directory: Path, system: LeaseSystem) -> dict[str, str]:
    if system.api_key_file is None:
        return {}
    file = directory / system.api_key_file
    try:
        return {"X-Api-Key": file.read_text().strip()}
    except OSError as error:
        raise LeaseConfigInvalid(f"the lease system's key cannot be read: {error}") from error


def _due(session: Session, now: datetime) -> list[OutboxMessage]:
    """What waits longest for its turn first: those that are refused again and again are not before what was never sent."""
    rows = session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.delivered_at.is_(None), OutboxMessage.next_attempt_at <= now)
        .order_by(OutboxMessage.next_attempt_at, OutboxMessage.created_at, OutboxMessage.id)
        .limit(BATCH)
    )
    return list(rows)


def _post(hub: Hub, client: httpx.Client, url: str, message: OutboxMessage) -> tuple[str | None, bool]:
    """(error or None, whether the line is down)."""
    body = message.body.encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Accept-Encoding": "identity",  # what it begins with is looked at
        "X-Signature": base64.b64encode(hub.keys.sign(body)).decode(),
        "X-Key-Id": hub.keys.key_id,
        "Idempotency-Key": message.id,
    }
    patience = client.timeout.read or LONGEST_WAIT.total_seconds()
    try:
        with (
            within(client, WHOLE * patience) as watched,
            client.stream("POST", url, content=body, headers=headers, extensions=watched) as answer,
        ):
            text = _beginning(answer)
    except TRANSPORT_ERRORS as error:
        return _storable(unreached(error, client.timeout.read)), True
    if answer.is_success and text.lstrip("\ufeff \t\r\n").lower().startswith(WEB_PAGE):
        return _storable(a_page(text[:200])), False
    return None if answer.is_success else _storable(refused(answer.status_code, text[:200])), False


def _beginning(answer: httpx.Response) -> str:
    """Of an answer of any length and coding."""
    found = b""
    for part in answer.iter_raw(ANSWER_BYTES):
        found += part
        if len(found) >= ANSWER_BYTES:
            break
    return found.decode("utf-8", "replace")


def _storable(text: str) -> str:
    return text.replace("\0", "\ufffd")[:300]


def unreached(error: Exception, seconds: float | None) -> str:
    """Why a message did not arrive, and what to look at (zh-CN); the library's own words stand behind it."""
    own = f"{type(error).__name__}: {error}"
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return f"连接不上租赁系统，请检查其地址、网络和证书（{own}）。"
    if isinstance(error, httpx.TimeoutException):
        return f"租赁系统在{seconds or 0:g}秒内没有答复（{own}）。"
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol | httpx.TooManyRedirects):
        return f"租赁系统的地址不能用，请更正 {CONFIG_FILE}（{own}）。"
    return f"与租赁系统的连接中断（{own}）。"


def refused(status: int, text: str) -> str:
    """What the lease system answered (zh-CN)."""
    if status in (401, 403):
        return f"租赁系统不认可本系统的密钥或签名，请与其管理员核对（HTTP {status}：{text}）。"
    if status >= 500:
        return f"租赁系统自身出错（HTTP {status}：{text}）。"
    return f"租赁系统没有收下，请与其管理员核对内容（HTTP {status}：{text}）。"


def a_page(text: str) -> str:
    """Something before the lease system answered for it (zh-CN): nobody says that the message was taken."""
    return f"租赁系统以网页作答（可能在维护，或前面有代理要求登录），消息未被确认（{text}）。"


def _remember(hub: Hub, id: str, error: str | None) -> None:
    with hub.db.unit_of_work("system", "lease delivery", now=hub.now(), audit=False) as uow:
        row = uow.session.get_one(OutboxMessage, id)
        row.attempts += 1
        row.last_error = error or ""
        if error is None:
            row.delivered_at = uow.now
        else:
            row.next_attempt_at = uow.now + wait_after(row.attempts)


JOBS: tuple[Job, ...] = (Job(JOB, 5.0, deliver),)
