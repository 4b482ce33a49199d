"""The log of a case: entries are only ever added, each chained to the one before. The one place that writes them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from hub.db import UnitOfWork
from hub.tables import CaseEntry

CHAIN = "chain"
_json = msgspec.json.Encoder(order="sorted")


class AppendOnly(RuntimeError):
    """Somebody tried to change or remove an entry of a case."""


def append(
    uow: UnitOfWork,
    case_id: str,
    actor: str,
    action: str,
    reason_code: str = "",
    opinion: str = "",
    data: dict[str, Any] | None = None,
) -> CaseEntry:
    """Add an entry, whose hash also stands in the audit trail. The caller holds the case's row: two never follow the same one."""
    last = uow.session.scalar(
        select(CaseEntry).where(CaseEntry.case_id == case_id).order_by(CaseEntry.id.desc()).limit(1)
    )
    content = data or {}
    before = chain_of(last) if last is not None else ""
    link = entry_hash(before, case_id, uow.now, actor, action, reason_code, opinion, content)
    entry = CaseEntry(
        case_id=case_id,
        at=uow.now,
        actor=actor,
        action=action,
        reason_code=reason_code,
        opinion=opinion,
        data={**content, CHAIN: link},
    )
    uow.session.add(entry)
    uow.session.flush()
    uow.record("case.entry", case_id, entry=entry.id, action=action, hash=link)
    return entry


def entry_hash(
    before: str, case_id: str, at: datetime, actor: str, action: str, reason: str, opinion: str, data: dict[str, Any]
) -> str:
    """SHA-256 over the entry and the hash of the one before; times to the microsecond in UTC."""
    bare = {key: value for key, value in data.items() if key != CHAIN}
    when = at.astimezone(UTC).isoformat(timespec="microseconds")
    return hashlib.sha256(_json.encode((before, case_id, when, actor, action, reason, opinion, bare))).hexdigest()


def chain_of(entry: CaseEntry) -> str:
    """Entries of releases before the chain have none: the first chained one holds them by their content."""
    known = entry.data.get(CHAIN)
    return known if isinstance(known, str) else _own_hash(entry, "")


def _own_hash(entry: CaseEntry, before: str) -> str:
    return entry_hash(
        before, entry.case_id, entry.at, entry.actor, entry.action, entry.reason_code, entry.opinion, entry.data
    )


def first_broken(session: Session, case_id: str) -> int | None:
    """The id of the first entry that does not follow from the one before; None when the log holds."""
    before, chained = "", False
    for entry in session.scalars(select(CaseEntry).where(CaseEntry.case_id == case_id).order_by(CaseEntry.id)):
        link = entry.data.get(CHAIN)
        if link != _own_hash(entry, before) if link is not None else chained:
            return entry.id
        chained = chained or link is not None
        before = chain_of(entry)
    return None


@event.listens_for(CaseEntry, "before_update")
@event.listens_for(CaseEntry, "before_delete")
def _never(_mapper: Any, _connection: Any, entry: CaseEntry) -> None:
    raise AppendOnly(f"entry {entry.id} of case {entry.case_id}: the log of a case is only ever added to")
