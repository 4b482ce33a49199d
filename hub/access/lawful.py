"""(P) What a set-up must never be: a door that only a face opens (人脸识别办法 art. 10; 法释〔2021〕15号 art. 10)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

FACE = "face"
FACE_ONLY_ZH = "这扇门只能刷脸开启：须同时提供刷卡等其他方式（人脸识别不得作为唯一验证方式）。"


def face_only_doors(points: Iterable[tuple[str, str, Iterable[str]]]) -> list[str]:
    """`points`: (door code, side `in` or `out`, identifier types its device accepts). The doors a face alone opens, sorted.

    Only sides on which somebody identifies himself count; a side whose device accepts nothing (an exit button) does not.
    A second reader on the same side with another way in makes the door lawful.
    """
    ways: dict[tuple[str, str], set[str]] = {}
    for door, side, accepted in points:
        ways.setdefault((door, side), set()).update(accepted)
    return sorted({door for (door, _), accepted in ways.items() if accepted == {FACE}})


def accepted_identifiers(capabilities: Mapping[str, object]) -> frozenset[str]:
    """The identifier types of a driver's capabilities as an edge's catalogue tells them.

    `identifiers` and `edge_identifiers`; an older edge tells neither, then what `cards` and `photos` say.
    """
    told = [capabilities.get(name) for name in ("identifiers", "edge_identifiers")]
    if found := frozenset(str(one) for some in told if isinstance(some, list | tuple) for one in some):
        return found
    return frozenset(name for name, flag in (("card", "cards"), (FACE, "photos")) if capabilities.get(flag))
