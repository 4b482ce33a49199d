"""The report of a pack as PDF/A-2a, set by Typst: tagged, fonts embedded, the same bytes for the same values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from typing import Any, Literal

import typst

from hub.evidence.fonts import drawable, fonts

STANDARD: Literal["a-2a"] = "a-2a"
TEMPLATE = "report.typ"


class ReportFailed(RuntimeError):
    """The typesetter could not set the report; the text says why."""


def pdf(values: Mapping[str, Any], made_at: datetime) -> bytes:
    """`values`: as `wording.report` makes them. Raises NoFont, ReportFailed."""
    have = fonts()
    data = _drawable({**values, "fonts": []}, have) | {"fonts": [font.family for font in have]}
    folders = sorted({font.file.parent for font in have})
    try:
        compiler: Any = typst.Compiler(  # type: ignore[misc]  # its stub has a type variable that nothing binds
            files("hub.evidence").joinpath(TEMPLATE).read_bytes(),
            font_paths=[str(folder) for folder in folders],
            ignore_system_fonts=True,
            sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        )
        made = compiler.compile(format="pdf", pdf_standards=[STANDARD], timestamp=int(made_at.timestamp()))
    except typst.TypstError as error:
        raise ReportFailed(f"the report cannot be set: {error}") from error
    if not isinstance(made, bytes):
        raise ReportFailed("the typesetter gave no PDF")
    return made


def _drawable(value: Any, have: Any) -> Any:
    if isinstance(value, str):
        return drawable(value, have)
    if isinstance(value, Mapping):
        return {key: _drawable(one, have) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_drawable(one, have) for one in value]
    return value
