"""(P) How long each kind of record is kept, and why: data with its legal anchor, read once."""

from __future__ import annotations

import json
from datetime import date, timedelta
from functools import cache
from importlib import resources

from pydantic import BaseModel, ConfigDict, Field


class Period(BaseModel):
    """`days` are the shortest that the purpose needs; `basis` says which purpose and law."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    key: str
    title_zh: str
    days: int = Field(ge=1, le=3650)
    basis: str = Field(min_length=8)

    def before(self, today: date) -> date:
        """What is older than this day has had its time."""
        return today - timedelta(days=self.days)


@cache
def periods() -> dict[str, Period]:
    """By key, in the order of the file."""
    text = (resources.files("hub.privacy") / "periods.json").read_text(encoding="utf-8")
    found = [Period.model_validate(one) for one in json.loads(text)]
    return {one.key: one for one in found}
