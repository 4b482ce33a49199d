"""People and systems that use the hub."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, true
from sqlalchemy.orm import Mapped, mapped_column

from hub.tables.base import Base


class HubUser(Base):
    """Somebody who signs in. `role`: estate_manager, housing_official, care_worker, auditor, administrator."""

    __tablename__ = "hub_user"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str | None]
    disabled: Mapped[bool] = mapped_column(default=False)
    failed_attempts: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]


class UserEstate(Base):
    """The estates a user may see. Officials and auditors with no row see all of their hub; managers see only these."""

    __tablename__ = "user_estate"
    user_id: Mapped[str] = mapped_column(ForeignKey("hub_user.id"), primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), primary_key=True)


class UserSession(Base):
    """Only the hash of the cookie is kept. `let_in_by`: who made the link that opened it (a user's name, or `command line`); None
    when a password did, or once the link has served to set one."""

    __tablename__ = "user_session"
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("hub_user.id"), index=True)
    csrf: Mapped[str]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    address: Mapped[str] = mapped_column(default="")
    let_in_by: Mapped[str | None]


class SignInLink(Base):
    """`single_use`: gone when followed. The demo's are not: a page is opened more than once. `made_by`: a user's name, or
    `command line`; empty in rows of older releases."""

    __tablename__ = "sign_in_link"
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("hub_user.id"))
    expires_at: Mapped[datetime]
    single_use: Mapped[bool] = mapped_column(default=True, server_default=true())
    made_by: Mapped[str] = mapped_column(default="", server_default="")


class ApiKey(Base):
    """A system that calls us (the lease system): only the hash of its key is kept."""

    __tablename__ = "api_key"
    key_hash: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    role: Mapped[str] = mapped_column(default="lease_system")
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Reveal(Base):
    """A person's data shown unmasked to a user, with a reason, for 60 s."""

    __tablename__ = "reveal"
    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("hub_user.id"))
    dwelling_id: Mapped[str]
    reason_code: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]
    expires_at: Mapped[datetime]
