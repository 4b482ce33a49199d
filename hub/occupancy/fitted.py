"""The fitted model as a file of this package, read once."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

from hub.occupancy.likely import Model


@cache
def model() -> Model:
    """What likely.json holds (fitted by `tools.fit_likely`)."""
    return Model.read(json.loads((resources.files("hub.occupancy") / "likely.json").read_text(encoding="utf-8")))
