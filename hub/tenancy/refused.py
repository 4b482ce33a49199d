"""Refused rows of a source: kept with their reason until the row comes again and is taken. None is lost."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import delete, insert, select

from hub.db import UnitOfWork
from hub.tables import SourceRow
from hub.tenancy.records import RefusedRow


def keep(uow: UnitOfWork, source: str, refused: Iterable[RefusedRow], seen: Collection[str] | None) -> int:
    """`seen`: keys of the records just read (None: all there are). Their earlier refusals go, today's are kept.

    A row refused before for the same reason stays as it is, with the time it was first seen. How many are new.
    """
    now = {(row.key, row.reason): row for row in refused}
    held: dict[tuple[str, str], int] = {}
    for row_id, key, reason in uow.session.execute(
        select(SourceRow.id, SourceRow.key, SourceRow.reason).where(SourceRow.source == source)
    ):
        if seen is None or key.split("/")[0] in seen or (key, reason) in now:
            held[(key, reason)] = row_id
    if gone := [row_id for which, row_id in held.items() if which not in now]:
        uow.session.execute(delete(SourceRow).where(SourceRow.id.in_(gone)))
    rows = [
        {
            "source": source,
            "key": row.key,
            "reason": row.reason,
            "raw": {**row.raw, **({"detail": row.detail} if row.detail else {})},
            "seen_at": uow.now,
        }
        for which, row in now.items()
        if which not in held
    ]
    if rows:
        uow.session.execute(insert(SourceRow), rows)
        uow.record("tenancy.rows_refused", source, count=len(rows), reasons=sorted({str(r["reason"]) for r in rows}))
    return len(rows)
