"""Trials of policy packs: asked for by a person, played by a job, kept with who asked, read on the settings page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from hub.errors import BadRequest, Conflict
from hub.ids import new_id
from hub.occupancy.outcomes import NO_OUTCOMES, Outcomes
from hub.occupancy.policy import PolicyPackUnknown, pack_named, packs
from hub.occupancy.try_pack import NoHistory, try_pack
from hub.services import Hub
from hub.tables import PolicyTrial

JOB = "policy.trial"
KEPT = 20
"""Trials kept an estate."""

LONGEST = timedelta(hours=2)
"""A trial not finished by then has failed: a new one may be asked for."""

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"


def ask(hub: Hub, estate_id: str, pack: str, actor: str) -> str:
    """The trial's id. Raises BadRequest for an unknown pack, Conflict while one is being played for this estate."""
    if pack not in packs():
        raise BadRequest("没有这个政策包，请从列表中选择。")
    with hub.db.unit_of_work(actor, f"试用政策包 {pack}", estate_id=estate_id, now=hub.now()) as uow:
        under_way = select(PolicyTrial.id).where(
            PolicyTrial.estate_id == estate_id,
            PolicyTrial.state.in_((WAITING, RUNNING)),
            PolicyTrial.asked_at > uow.now - LONGEST,
        )
        if uow.session.scalar(under_way) is not None:
            raise Conflict("这个小区已有一次试算正在进行，请等它完成。", "trial_running")
        row = PolicyTrial(
            id=new_id("trial"),
            estate_id=estate_id,
            pack=pack,
            pack_version=packs()[pack].version,
            asked_by=actor,
            asked_at=uow.now,
        )
        uow.session.add(row)
        uow.record("policy.trial_asked", row.id, pack=pack)
        old = select(PolicyTrial.id).where(PolicyTrial.estate_id == estate_id)
        old = old.order_by(PolicyTrial.asked_at.desc(), PolicyTrial.id).offset(KEPT)
        uow.session.execute(delete(PolicyTrial).where(PolicyTrial.id.in_(list(uow.session.scalars(old)))))
    hub.signal(JOB)
    return row.id


def play(hub: Hub, outcomes: Callable[[], Outcomes] = lambda: NO_OUTCOMES) -> str:
    """The trials that wait, oldest first; one that a restart cut short is played again. `outcomes`: asked for if there is one."""
    late = update(PolicyTrial).where(
        PolicyTrial.state.in_((WAITING, RUNNING)), PolicyTrial.asked_at <= hub.now() - LONGEST
    )
    with hub.db.unit_of_work("system", "policy trial", now=hub.now(), audit=False) as uow:
        uow.session.execute(late.values(state=FAILED, error="试算未能完成，请重新试算。", finished_at=uow.now))
    played = 0
    while (row := _next(hub)) is not None:
        _play(hub, row.id, row.estate_id, row.pack, outcomes())
        played += 1
    return f"{played} trials played"


def _next(hub: Hub) -> PolicyTrial | None:
    with hub.db.reading() as session:
        waiting = select(PolicyTrial).where(PolicyTrial.state.in_((WAITING, RUNNING)))
        return session.scalars(waiting.order_by(PolicyTrial.asked_at, PolicyTrial.id)).first()


def _play(hub: Hub, id: str, estate_id: str, pack: str, outcomes: Outcomes) -> None:
    def tell(done: int, total: int) -> None:
        _keep(hub, id, state=RUNNING, done=done, total=total)

    tell(0, 0)
    try:
        result = try_pack(hub.db, estate_id, pack_named(pack), hub.now(), tell, outcomes)
    except NoHistory:
        _keep(hub, id, state=FAILED, error="小区还没有可用的观测记录，无法试算。", finished_at=hub.now())
    except PolicyPackUnknown:
        _keep(hub, id, state=FAILED, error="政策包已不在本机，请重新选择。", finished_at=hub.now())
    else:
        _keep(hub, id, state=DONE, result=result, finished_at=hub.now())


def _keep(hub: Hub, id: str, **values: object) -> None:
    with hub.db.unit_of_work("system", "policy trial", now=hub.now(), audit=False) as uow:
        uow.session.execute(update(PolicyTrial).where(PolicyTrial.id == id).values(**values))


def newest_done(session: Session, estate_id: str, pack: str) -> str | None:
    """The latest finished trial of this pack's present version here: what the audit trail of its putting in force names."""
    mine = select(PolicyTrial.id).where(
        PolicyTrial.estate_id == estate_id,
        PolicyTrial.pack == pack,
        PolicyTrial.pack_version == packs()[pack].version,
        PolicyTrial.state == DONE,
    )
    return session.scalar(mine.order_by(PolicyTrial.asked_at.desc()).limit(1))
