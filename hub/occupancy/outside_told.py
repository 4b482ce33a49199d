"""(P) How far a lead takes outside signs into account.

Such a sign never makes a lead out of nothing and never raises one's stage: it stands in its words, counts as a family of its
own, and where somebody was met at home, or the lease system is dealing with what explains it, it holds the lead at a question.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from hub.occupancy.finding import Evidence, Finding, Kind, Stage
from hub.occupancy.outside import BEFORE, SIGN_KINDS, Says, Sign, under_way


def with_signs(found: Finding, signs: Sequence[Sign], since: date = date.min) -> Finding:
    """The lead with what others say of its window. Its stage never rises by it. `since`: from when on the household lives there;
    what the lease system was dealing with before was another's."""
    near = [one for one in signs if _near(one, found) and _says(one, found.kind) is not Says.NOTHING]
    if not near:
        return found
    because, against = list(found.because), list(found.against)
    families, stage = list(found.families), found.stage
    for sign in sorted(near, key=lambda one: (one.first, one.id)):
        kind, says = SIGN_KINDS[sign.kind], _says(sign, found.kind)
        text = f"{sign.first:%Y-%m-%d}：{kind.label_zh}{'（匿名）' if sign.anonymous else ''}。"
        if says is Says.FOR:
            because.append(text)
            if not sign.anonymous and kind.family not in families:
                families.append(kind.family)
            against += [f"{text[:-1]}，但{kind.innocent}。"] if kind.innocent else []
        elif says is Says.EXPLAINS:
            against.append(f"{text[:-1]}：{kind.innocent}。")
            if sign.first >= since and under_way(sign, found.window_to) and stage in (Stage.ORANGE, Stage.RED):
                against.append("租约系统正在办理的事项尚未结束，办结前只作询问。")
                stage = Stage.YELLOW
        elif sign.first >= found.window_from:
            against.append(f"{text[:-1]}，与线索不符，须先核实；在此之前只作询问。")
            stage = Stage.YELLOW if stage in (Stage.ORANGE, Stage.RED) else stage
    evidence = [Evidence("outside", one.id, SIGN_KINDS[one.kind].label_zh, one.first) for one in near]
    return replace(
        found,
        stage=stage,
        because=tuple(because),
        against=tuple(dict.fromkeys(against)),
        families=tuple(families),
        evidence=(*found.evidence, *evidence),
        inputs_hash=_hash(found.inputs_hash, near),
    )


def _near(sign: Sign, found: Finding) -> bool:
    lately = sign.first <= found.window_to and (sign.last or sign.first) >= found.window_from - BEFORE
    return lately or under_way(sign, found.window_to)


def _says(sign: Sign, kind: Kind) -> Says:
    known = SIGN_KINDS.get(sign.kind)
    if known is None:
        return Says.NOTHING
    if kind in (Kind.VACANCY, Kind.NOT_MOVED_IN):
        return known.vacancy
    return known.sublet if kind is Kind.SUBLET else Says.NOTHING


def _hash(before: str, signs: Iterable[Sign]) -> str:
    if not before:
        return ""
    return hashlib.sha256("|".join([before, *sorted(repr(one) for one in signs)]).encode()).hexdigest()
