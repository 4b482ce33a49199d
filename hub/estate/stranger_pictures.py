"""(P) Whether a picture of somebody who is nobody's resident may be kept, and how long: the policy's wish and the law's limit.

The law profile of a place is data (`law_profiles.json`): the hours it allows, and the clauses that say so. Nought refuses the
wish, with the clauses. Whatever is kept stays on the box: no upload, no comparison, no list; the refusal itself is an event.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

DATA = Path(__file__).with_name("law_profiles.json")
DEFAULT = "cn"


class LawProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`stranger_picture_hours`: the longest that the law of the place lets such a picture be kept; 0: not at all."""

    title: str
    stranger_picture_hours: int
    stranger_picture_clauses: tuple[str, ...]


@lru_cache
def profiles() -> dict[str, LawProfile]:
    return msgspec.json.decode(DATA.read_bytes(), type=dict[str, LawProfile])


def profile_of(policy: Mapping[str, Any], known: Mapping[str, LawProfile] | None = None) -> LawProfile:
    """An estate whose profile is not known has the strictest one."""
    known = known or profiles()
    return known.get(str(policy.get("law_profile") or DEFAULT)) or known[DEFAULT]


def refusal(policy: Mapping[str, Any], known: Mapping[str, LawProfile] | None = None) -> str:
    """Why a policy that keeps such pictures is not taken; empty where it keeps none, or may."""
    wanted = policy.get("stranger_picture_hours") or 0
    if not wanted:
        return ""
    law = profile_of(policy, known)
    clauses = "；".join(law.stranger_picture_clauses)
    if not law.stranger_picture_hours:
        return f"不能保存陌生人照片：{clauses}。拒绝通行的事实照常记录并计数。"
    if not policy.get("snapshots"):
        return "通行抓拍未启用，不能单独保存陌生人照片。"
    if wanted > law.stranger_picture_hours:
        return f"陌生人照片最多保存{law.stranger_picture_hours}小时：{clauses}。"
    return ""


def hours_of(policy: Mapping[str, Any], known: Mapping[str, LawProfile] | None = None) -> int:
    """What the edge is told. A policy that came past the check (an import, an older release) keeps nothing."""
    return 0 if refusal(policy, known) else int(policy.get("stranger_picture_hours") or 0)
