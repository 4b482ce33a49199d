"""(P) Values of a pack as JSON, and personal data in it as everybody may see it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from hub.masking import mask_card, mask_name


def when(at: datetime | None) -> str | None:
    """To the microsecond in UTC, as the log and the audit trail hash it."""
    return at.astimezone(UTC).isoformat(timespec="microseconds") if at else None


def plain(value: Any) -> Any:
    """Dates and times as text; the rest as it is."""
    if isinstance(value, datetime):
        return when(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


POINTS = "·•・‧∙⋅．."
"""Between the parts of a name (GB/T 15834 asks for the first): keyboards write others."""


@cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile("".join(rf"\s?[{re.escape(POINTS)}]\s?" if one in POINTS else re.escape(one) for one in name))


@dataclass(frozen=True, slots=True)
class Mask:
    """`names`: of the household, longest first. An unmasked pack has none."""

    names: tuple[str, ...]
    active: bool

    @staticmethod
    def over(names: Iterable[str], active: bool) -> Mask:
        known = {name.strip() for name in names if len(name.strip()) > 1}
        return Mask(tuple(sorted(known, key=lambda name: (-len(name), name))), active)

    def name(self, name: str) -> str:
        return mask_name(name) if self.active else name

    def token(self, token: str) -> str:
        return mask_card(token) if self.active else token

    def text(self, text: str) -> str:
        """Free text with the household's names masked, however the point between their parts is written."""
        if self.active:
            for name in self.names:
                text = _pattern(name).sub(mask_name(name), text)
        return text

    def data(self, value: Any) -> Any:
        """All text in it."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self.data(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.data(one) for one in value]
        return value
