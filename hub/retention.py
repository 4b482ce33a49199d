"""What has had its time is deleted: pictures by the estate's policy, ended sessions, used links, tokens and reveals."""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from sqlalchemy import delete, or_, select

from hub.clock import while_believed
from hub.db import UnitOfWork
from hub.jobs import Job
from hub.services import Hub
from hub.tables import EnrolmentToken, Estate, Reveal, SignInLink, Snapshot, UserSession

log = logging.getLogger(__name__)
DAY_S = 86_400.0
SNAPSHOT_DAYS = 7
ENDED_KEPT = timedelta(days=1)
STRAY_AGE_S = 86_400.0


@while_believed
def purge(hub: Hub) -> str:
    """Job, daily and at every start. Each deletion has its audit row."""
    with hub.db.reading() as session:
        estates = [(row.id, row.policy) for row in session.scalars(select(Estate).order_by(Estate.id))]
    pictures = sum(_pictures(hub, id, int(policy.get("snapshot_days") or SNAPSHOT_DAYS)) for id, policy in estates)
    strays = _strays(hub)
    with hub.db.unit_of_work("system", "retention", now=hub.now()) as uow:
        signs = _signs(uow)
        if any(signs.values()):
            uow.record("retention.signs", "many", **signs)
    return (
        f"{pictures} pictures, {strays} stray files, {sum(signs.values())} sessions, links, tokens and reveals deleted"
    )


def _pictures(hub: Hub, estate_id: str, days: int) -> int:
    """Files first: a row that is left without its file is taken by the next run, a file without its row by nobody."""
    with hub.db.unit_of_work("system", "retention of pictures", estate_id=estate_id, now=hub.now()) as uow:
        old = Snapshot.estate_id == estate_id, Snapshot.taken_at < uow.now - timedelta(days=days)
        rows = uow.session.scalars(select(Snapshot).where(*old)).all()
        for row in rows:
            (hub.config.dir / row.file).unlink(missing_ok=True)
        if rows:
            uow.session.execute(delete(Snapshot).where(*old))
            uow.record("snapshot.deleted", estate_id, count=len(rows), days=days)
    return len(rows)


def _strays(hub: Hub) -> int:
    """Files of an upload that was cut off before its row was kept."""
    young = time.time() - STRAY_AGE_S  # a file has the machine's time, whatever clock the hub has
    files = [f for f in (hub.config.dir / "snapshots").glob("*/*.jpg") if f.stat().st_mtime < young]
    if not files:
        return 0
    with hub.db.reading() as session:
        known = set(session.scalars(select(Snapshot.sha256)))
    strays = [file for file in files if file.stem not in known]
    for file in strays:
        file.unlink(missing_ok=True)
    return len(strays)


def _signs(uow: UnitOfWork) -> dict[str, int]:
    now = uow.now
    past = {
        "sessions": delete(UserSession).where(
            or_(UserSession.expires_at < now, UserSession.ended_at < now - ENDED_KEPT)
        ),
        "links": delete(SignInLink).where(SignInLink.expires_at < now),
        "tokens": delete(EnrolmentToken).where(or_(EnrolmentToken.expires_at < now, EnrolmentToken.used_at < now)),
        "reveals": delete(Reveal).where(Reveal.expires_at < now),
    }
    return {name: uow.session.execute(statement).rowcount for name, statement in past.items()}  # type: ignore[attr-defined]


JOBS = (Job("retention.purge", DAY_S, purge),)
