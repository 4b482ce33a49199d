"""Mints the codes that phones show, for the lease system's app and for the page of a pass."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from device_drivers.contract import qr
from hub.auth import token_hash
from hub.errors import ApiError, Conflict, NotFound
from hub.services import Hub
from hub.tables import CredentialRow, Estate, PassLink, Person, Tenancy

BURST, EVERY_S = 6, 5.0  # codes at once, then one every so often: a page renews every 30 s, on a few phones
KEYS_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Minted:
    """`text` is what the QR code says; a page asks for the next one after `renew_after_s`."""

    text: str
    label: str
    estate: str
    issued_at: datetime
    renew_after_s: int
    expires_at: datetime
    valid_from: datetime | None
    valid_to: datetime | None


@dataclass(slots=True)
class Limiter:
    """`BURST` at once for a key, then one every `EVERY_S`. Bounded: the keys used longest ago are forgotten."""

    clock: Callable[[], float] = time.monotonic
    _full_at: dict[str, float] = field(default_factory=dict)

    def take(self, key: str) -> bool:
        now = self.clock()
        full_at = max(self._full_at.pop(key, 0.0), now)
        if full_at - now > (BURST - 1) * EVERY_S:
            self._full_at[key] = full_at
            return False
        self._full_at[key] = full_at + EVERY_S
        while len(self._full_at) > KEYS_KEPT:
            self._full_at.pop(next(iter(self._full_at)))
        return True


TOO_MANY = ApiError(429, "too_many", "刷新太频繁，请稍后再试。")


def of_link(hub: Hub, limiter: Limiter, secret: str, address: str) -> Minted:
    """For who holds the secret of a link. 404 alike for a wrong secret and a pass that ended."""
    hashed = token_hash(secret)
    if not limiter.take(f"link:{hashed}"):
        raise TOO_MANY
    with hub.db.reading() as session:
        link = session.get(PassLink, hashed)
        row = session.get(CredentialRow, link.token) if link else None
        if row is None and not limiter.take(f"address:{address}"):
            raise TOO_MANY
        if row is None or row.state != "active":
            raise NotFound("这个通行链接无效或已终止，请联系为您办理的服务台或住户。")
        return _mint(hub, session, row)


def of_member(hub: Hub, limiter: Limiter, tenancy: str, person: str) -> Minted:
    """For the lease system's app: by its own ids of tenancy and person, both of one source.

    Raises Conflict where two sources use these numbers for two people: a code opens somebody's home, so nobody guesses whose.
    """
    if not limiter.take(f"member:{tenancy}/{person}"):
        raise TOO_MANY
    with hub.db.reading() as session:
        rows = session.execute(
            select(CredentialRow, func.coalesce(Person.same_as, Person.id))
            .join(Tenancy, Tenancy.id == CredentialRow.tenancy_id)
            .join(Person, Person.id == CredentialRow.person_id)
            .where(Tenancy.source_id == tenancy, Person.source_id == person, Person.source == Tenancy.source)
            .where(CredentialRow.state == "active")
            .order_by(CredentialRow.created_at.desc())
        ).all()
        if not rows:
            raise NotFound("此人在该租约下没有有效的通行凭证。")
        if len({human for _, human in rows}) > 1:
            raise Conflict("两个租约来源使用了相同的编号，无法确定是哪一位：请联系技术人员。", "several_sources")
        return _mint(hub, session, rows[0][0])


def _mint(hub: Hub, session: Session, row: CredentialRow) -> Minted:
    now = hub.now().replace(microsecond=0)
    if row.valid_to is not None and row.valid_to <= now:
        raise NotFound("这个通行链接无效或已终止，请联系为您办理的服务台或住户。")
    if row.valid_from is not None and row.valid_from > hub.now():
        local = row.valid_from.astimezone(ZoneInfo(session.get_one(Estate, row.estate_id).time_zone))
        raise Conflict(f"通行证尚未生效，{local:%m月%d日 %H:%M}起可用。", "not_yet_valid")
    code = qr.Code(row.token, secrets.token_bytes(8), now)
    return Minted(
        text=qr.mint(code, row.estate_id, hub.keys.sign),
        label=row.label,
        estate=session.get_one(Estate, row.estate_id).name,
        issued_at=code.issued_at,
        renew_after_s=qr.RENEW_S,
        expires_at=code.expires_at,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
    )
