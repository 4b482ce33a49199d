"""Which fonts a report is set in: one with everyday Chinese, and one for the rare characters of names (CJK Extension A to F).

They come from the system (`fonts-wqy-microhei` or `fonts-noto-cjk`, and `fonts-hanazono`); only the glyphs used are embedded.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont

FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts")
MAIN = (
    "wqy-microhei.ttc",
    "NotoSansCJK-Regular.ttc",
    "NotoSansSC-Regular.*",
    "SourceHanSansSC-Regular.*",
    "wqy-zenhei.ttc",
)
RARE = ("HanaMinA.ttf", "HanaMinB.ttf", "BabelStoneHan.ttf")


class NoFont(RuntimeError):
    """No Chinese font is installed: install `fonts-wqy-microhei`, or name folders of fonts in ESTATE_FONTS."""


@dataclass(frozen=True, slots=True)
class Font:
    """`family` as the typesetter names it. `covers`: code points it has a glyph for."""

    file: Path
    family: str
    covers: frozenset[int]


def folders() -> tuple[Path, ...]:
    """`ESTATE_FONTS` (folders, separated as in PATH), then the system's."""
    named = os.environ.get("ESTATE_FONTS", "").split(os.pathsep)
    return tuple(path for text in (*named, *FOLDERS) if text and (path := Path(text)).is_dir())


def fonts() -> tuple[Font, ...]:
    """The main font, then those for rare characters. Raises NoFont without a main one."""
    return _found(folders())


@cache
def _found(where: tuple[Path, ...]) -> tuple[Font, ...]:
    main = next(_files(where, MAIN), None)
    if main is None:
        raise NoFont(
            "no Chinese font is installed: install fonts-wqy-microhei, or name folders of fonts in ESTATE_FONTS"
        )
    return tuple(_font(file) for file in (main, *_files(where, RARE)))


def _files(where: Iterable[Path], patterns: Iterable[str]) -> Iterator[Path]:
    """Of each pattern the first file found."""
    for pattern in patterns:
        found = next((file for folder in where for file in sorted(folder.rglob(pattern))), None)
        if found is not None:
            yield found


def _font(file: Path) -> Font:
    with TTFont(file, fontNumber=0, lazy=True) as font:
        family = font["name"].getBestFamilyName() or file.stem
        return Font(file, family, frozenset(font.getBestCmap()))


def drawable(text: str, have: Iterable[Font]) -> str:
    """The text with every character that no font has a glyph for written as its code point, so that none is lost."""
    covers = [font.covers for font in have]
    return "".join(
        c if c in "\n\t" or any(ord(c) in covered for covered in covers) else f"〔U+{ord(c):04X}〕" for c in text
    )
