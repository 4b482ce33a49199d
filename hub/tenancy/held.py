"""What a source's brake holds back, household by household, as the page shows it. No names."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from hub.db import UnitOfWork
from hub.tables import Block, Dwelling
from hub.tenancy.diff import ChangeSet, HeldHousehold
from hub.tenancy.reasons import zh


def held_json(uow: UnitOfWork, source: str, changes: ChangeSet, before: dict[str, Any] | None) -> dict[str, Any] | None:
    """{source, at, reason, reason_zh, removals, households: [{tenancy, dwelling_id, …, reason, reason_zh}]} or None.

    `at` stays the time at which this reason first held something.
    """
    households = [*changes.held, *(h for h in changes.incomplete if h.tenancy not in {c.tenancy for c in changes.held})]
    if not households and not changes.refused:
        return None
    reason = changes.refused or households[0].reason
    same = before is not None and before["reason"] == reason
    return {
        "source": source,
        "at": before["at"] if same and before else uow.now.isoformat(),
        "reason": reason,
        "reason_zh": zh(reason),
        "removals": len(households),
        "households": _households(uow, households),
    }


def _households(uow: UnitOfWork, households: list[HeldHousehold]) -> list[dict[str, Any]]:
    rows = uow.session.execute(
        select(Dwelling.code, Dwelling.id, Dwelling.number, Dwelling.estate_id, Block.name)
        .join(Block, Block.id == Dwelling.block_id)
        .where(Dwelling.code.in_(sorted({h.dwelling_code for h in households})))
    )
    place = {code: (dwelling, number, estate, block) for code, dwelling, number, estate, block in rows}
    return [
        {
            "tenancy": h.tenancy,
            "dwelling_id": place[h.dwelling_code][0],
            "dwelling_code": h.dwelling_code,
            "dwelling_number": place[h.dwelling_code][1],
            "estate_id": place[h.dwelling_code][2],
            "block_name": place[h.dwelling_code][3],
            "members": h.members,
            "leaving": len(h.left) or h.members,
            "reason": h.reason,
            "reason_zh": zh(h.reason),
        }
        for h in households
        if h.dwelling_code in place
    ]
