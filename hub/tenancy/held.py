"""What a source's brake holds back, household by household, as the page shows it (no names), and the two persons who decide.

A decision stands for exactly the set that was shown: when the feed says something else it is void. Until then additions go on.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import select

from hub.db import UnitOfWork
from hub.errors import Conflict
from hub.second_person import require_other_named
from hub.tables import Block, Dwelling, SourceState
from hub.tenancy.changes import ChangeSet, HeldHousehold
from hub.tenancy.reasons import zh

PASSABLE = ("mass_removal", "identifiers_changed", "identity_unclear", "other_source")
"""What two persons may let pass household by household."""
SHORT_FEED = ("empty_feed", "half_feed", "shrunken_feed")
"""What they may accept as it is: what is missing keeps its access all the same."""
STANDS = timedelta(hours=24)  # a word that is not followed by the second person's within a day is void
CHANGED_ZH = "暂停的内容已经变化，与您看到的不同。请刷新页面，重新逐户核对。"
SAME_PERSON_ZH = "须由另一位有权限的人员确认或拒绝，不能由发起人本人办理。"
_FRESH = {"asked_by": "", "asked_at": None, "refused_by": "", "refused_at": None, "refused_reason": ""}


def held_set(changes: ChangeSet) -> str:
    """Names exactly what the brake holds: the same households losing the same for the same reason. Empty: nothing held."""
    if not changes.refused:
        return ""
    content = (changes.refused, sorted((h.tenancy, mark_of(h)) for h in changes.held))
    return hashlib.sha256(msgspec.json.encode(content)).hexdigest()[:32]


def mark_of(household: HeldHousehold) -> str:
    """Names what one household loses: all of it, or these members; or what it is to be called."""
    content = (household.reason, household.left, household.losses, household.becomes, household.people)
    return hashlib.sha256(msgspec.json.encode(content)).hexdigest()[:16]


def confirm(uow: UnitOfWork, state: SourceState, shown: str) -> int | None:
    """The first person asks (None), the second, who is another, lets exactly these pass: how many households.

    `shown`: the `set` each of them saw. Whoever only started the run has seen nothing yet and is nobody's first.
    Raises Conflict.
    """
    held = _open(state, shown)
    asked = _asked(held, uow.now)
    if not asked:
        state.held = {**held, "asked_by": uow.actor, "asked_at": uow.now.isoformat()}
        uow.record("tenancy.held_asked", state.source, set=shown)
        return None
    require_other_named(uow.session, asked, uow.actor, uow.now)
    return release(uow, state, uow.actor, uow.now)


def refuse(uow: UnitOfWork, state: SourceState, shown: str) -> None:
    """By another than who asked: nothing of the set is removed, for as long as the source says just this."""
    held = _open(state, shown)
    if _asked(held, uow.now) == uow.actor:
        raise Conflict(SAME_PERSON_ZH, "same_person")
    state.held = {**held, "refused_by": uow.actor, "refused_at": uow.now.isoformat(), "refused_reason": uow.reason}
    state.detail = {key: value for key, value in state.detail.items() if key != "release"}
    uow.record("tenancy.held_refused", state.source, set=shown)


def _open(state: SourceState, shown: str) -> dict[str, Any]:
    if state.held is None or not state.held.get("set"):
        raise Conflict("没有等待放行的内容，可能已被处理。请刷新页面。")
    if state.held["set"] != shown:
        raise Conflict(CHANGED_ZH, "held_changed")
    if state.held.get("refused_by"):
        raise Conflict("这批变更已被拒绝。数据源更正后会重新显示。", "held_refused")
    return state.held


def _asked(held: dict[str, Any], now: datetime) -> str:
    """Who asked for this set within a day."""
    at = held.get("asked_at")
    return str(held.get("asked_by", "")) if at and datetime.fromisoformat(str(at)) > now - STANDS else ""


def release(uow: UnitOfWork, state: SourceState, actor: str, at: datetime) -> int:
    """The next run lets the households held now pass, these and no others. How many."""
    held = state.held or {}
    keys = [h["tenancy"] for h in held.get("households", ()) if h["reason"] in PASSABLE]
    feed = held.get("reason") in SHORT_FEED
    marks = {key: mark for key, mark in held.get("marks", {}).items() if key in keys}
    state.detail = {
        **state.detail,
        "release": {
            "by": actor,
            "at": at.isoformat(),
            "keys": keys,
            "feed": feed,
            "set": held.get("set", ""),
            "marks": marks,
        },
        "full_wanted": True,
    }
    uow.record("tenancy.held_released", state.source, tenancies=keys, feed=feed)
    return len(keys)


def stands(release: dict[str, Any], changes: ChangeSet, now: datetime) -> bool:
    """Whether a release is for what the brake holds now, and not too old.

    Every household that was shown must still lose just that. One that came since is not covered: the brake judges it alone.
    """
    if datetime.fromisoformat(str(release["at"])) <= now - STANDS:
        return False
    if release.get("feed"):
        return bool(release.get("set", "") == held_set(changes))
    marks = {h.tenancy: mark_of(h) for h in changes.held}
    return all(marks.get(key) == mark for key, mark in release.get("marks", {}).items())


def covered(release: dict[str, Any], changes: ChangeSet, now: datetime) -> frozenset[str]:
    """Of a push, which tells only a part: the held households that two persons let pass, losing just what was shown."""
    if not release or datetime.fromisoformat(str(release["at"])) <= now - STANDS:
        return frozenset()
    marks = release.get("marks", {})
    return frozenset(h.tenancy for h in changes.held if marks.get(h.tenancy) == mark_of(h))


def merged(before: dict[str, Any] | None, now: dict[str, Any] | None, settled: frozenset[str]) -> dict[str, Any] | None:
    """What pushes hold, one after the other: the earlier ones not settled since, with those of this push."""
    if before is None:
        return now
    fresh = {h["tenancy"] for h in now["households"]} if now else set()
    kept = [h for h in before["households"] if h["tenancy"] not in settled | fresh]
    households = [*kept, *(now["households"] if now else [])]
    if not households:
        return None
    old = {key: mark for key, mark in before.get("marks", {}).items() if key not in settled | fresh}
    marks = old | (now["marks"] if now else {})
    which = hashlib.sha256(msgspec.json.encode(sorted(marks.items()))).hexdigest()[:32] if marks else ""
    if marks == before.get("marks", {}):
        return {**before, "households": households, "removals": len(households)}
    base = now or {**before, **_FRESH}
    return {**base, "households": households, "removals": len(households), "marks": marks, "set": which}


def held_json(uow: UnitOfWork, source: str, changes: ChangeSet, before: dict[str, Any] | None) -> dict[str, Any] | None:
    """{source, at, reason, reason_zh, removals, households: [{tenancy, dwelling_id, …, reason, reason_zh}], set, asked_by, …}.

    None: nothing is held. `at` stays the time at which this reason first held something; what people said of it stays while
    it is the same `set`.
    """
    households = [*changes.held, *(h for h in changes.incomplete if h.tenancy not in {c.tenancy for c in changes.held})]
    if not households and not changes.refused:
        return None
    reason = changes.refused or households[0].reason
    same = before is not None and before["reason"] == reason
    which = held_set(changes)
    said = {key: before.get(key, _FRESH[key]) for key in _FRESH} if before and before.get("set") == which else _FRESH
    return {
        "source": source,
        "at": before["at"] if same and before else uow.now.isoformat(),
        "reason": reason,
        "reason_zh": zh(reason),
        "removals": len(households),
        "households": _households(uow, households),
        "set": which,
        "marks": {h.tenancy: mark_of(h) for h in changes.held},
        **said,
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
            "leaving": len(h.left) if h.left and "ended" not in h.losses else h.members if "ended" in h.losses else 0,
            "losses": list(h.losses),
            "becomes": h.becomes,
            "people": [list(pair) for pair in h.people],
            "of_source": h.of_source,
            "reason": h.reason,
            "reason_zh": zh(h.reason),
        }
        for h in households
        if h.dwelling_code in place
    ]
