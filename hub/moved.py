"""What decides who may pass, and moved since the last publication: noted in the unit of work that moved it.

`access.publish` then looks at these and no others; a note that somebody forgot is made good by the sweep of the whole estate.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from hub.db import UnitOfWork
from hub.right_of_way import RightOfWay
from hub.tables import AccessMoved

PASSES = "passes"  # passes and roles of the estate: few enough to be looked at together
EVERYTHING = "*"
JOBS = ("access.revoke", "access.publish")


class Signals(Protocol):
    right_of_way: RightOfWay

    def signal(self, job: str) -> None: ...


def tenancies(uow: UnitOfWork, estate_id: str, tenancy_ids: Iterable[str], *, ends: bool = False) -> None:
    """Tenancies (our ids) whose members, consents or cards changed. `ends`: somebody may lose access by it."""
    for tenancy_id in tenancy_ids:
        note(uow, estate_id, f"tenancy:{tenancy_id}", ends=ends)


def note(uow: UnitOfWork, estate_id: str, subject: str, *, ends: bool = False) -> None:
    uow.session.add(AccessMoved(estate_id=estate_id, subject=subject, ends=ends, at=uow.now))


def tell(hub: Signals) -> None:
    """After the commit: revocations first, they wait for nothing."""
    hub.right_of_way.take()
    for job in JOBS:
        hub.signal(job)
