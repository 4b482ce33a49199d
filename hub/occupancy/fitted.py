"""What was fitted and measured beforehand, as files of this package, read once."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

from hub.occupancy.likely import Model
from hub.occupancy.outcomes import OTHERS, VACANCY


@cache
def fixed_chances() -> dict[str, float]:
    """`RULE stage` → chance that such a rule states before any inspection, with its source (chances.json)."""
    text = (resources.files("hub.occupancy") / "chances.json").read_text(encoding="utf-8")
    chances: dict[str, float] = json.loads(text)["chances"]
    return chances


def marks() -> dict[str, tuple[float, float, float]]:
    """Family → the chances from which on the fitted model asks, visits, and makes a file."""
    of = {OTHERS: model().others_tiers, VACANCY: model().vacancy_tiers}
    return {family: (tiers.yellow, tiers.orange, tiers.red) for family, tiers in of.items()}


@cache
def model() -> Model:
    """What likely.json holds (fitted by `tools.fit_others`, `tools.fit_vacancy`)."""
    return Model.read(json.loads((resources.files("hub.occupancy") / "likely.json").read_text(encoding="utf-8")))
