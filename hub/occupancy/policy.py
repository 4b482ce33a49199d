"""Policy packs as files of this package: read once, checked against the schema, refused with the file's name."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

from pydantic import ValidationError

from hub.occupancy.pack import Calendar, PolicyPack

CALENDAR_FILE = "calendar.json"


class PolicyPackInvalid(ValueError):
    """A pack file does not fit the schema: correct the file."""


class PolicyPackUnknown(KeyError):
    """An estate names a pack that is not installed: choose one of `packs()`."""


@cache
def packs() -> dict[str, PolicyPack]:
    """All installed packs by name."""
    found: dict[str, PolicyPack] = {}
    folder = resources.files("hub.occupancy") / "policies"
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".json") and file.name != CALENDAR_FILE:
            pack = parse_pack(file.read_text(encoding="utf-8"), file.name)
            found[pack.name] = pack
    return found


def parse_pack(text: str, name: str) -> PolicyPack:
    """A pack from its JSON text; `name` is the file's, for the error and to agree with the pack's own."""
    try:
        pack = PolicyPack.model_validate(json.loads(text))
    except (json.JSONDecodeError, ValidationError) as error:
        raise PolicyPackInvalid(f"{name}: {error}") from error
    if f"{pack.name}.json" != name:
        raise PolicyPackInvalid(f"{name}: holds the pack {pack.name!r}; the file must be {pack.name}.json")
    return pack


def pack_named(name: str) -> PolicyPack:
    """The pack of this name."""
    try:
        return packs()[name]
    except KeyError:
        raise PolicyPackUnknown(name) from None


@cache
def calendar() -> Calendar:
    """Dates the pauses need."""
    text = (resources.files("hub.occupancy") / "policies" / CALENDAR_FILE).read_text(encoding="utf-8")
    return Calendar.model_validate_json(text)
