"""Policy packs as files of this package: read once, checked against the schema, refused with the file's name."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

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
            pack = parse_pack(file.read_text(encoding="utf-8-sig"), file.name)
            found[pack.name] = pack
    return found


def parse_pack(text: str, name: str) -> PolicyPack:
    """A pack from its JSON text; `name` is the file's, for the error and to agree with the pack's own."""
    if name == CALENDAR_FILE:
        raise PolicyPackInvalid(f"{name}: this file holds the dates of Spring Festival; a pack needs another name")
    try:
        pack = PolicyPack.model_validate_json(text, strict=True)
    except ValidationError as error:
        wrong = [f"  {_wrong(one)}" for one in error.errors(include_url=False, include_input=False)]
        raise PolicyPackInvalid("\n".join([f"{name}: {len(wrong)} wrong", *wrong])) from error
    if twice := _twice(text):
        wrong = [f"  {where}: stands there twice; which of the two is meant?" for where in twice]
        raise PolicyPackInvalid("\n".join([f"{name}: {len(wrong)} wrong", *wrong]))
    if f"{pack.name}.json" != name:
        raise PolicyPackInvalid(f"{name}: holds the pack {pack.name!r}; the file must be {pack.name}.json")
    return pack


def read_pack(file: Path) -> PolicyPack:
    """A pack from a file that need not be installed. Raises PolicyPackInvalid."""
    try:
        return parse_pack(file.read_text(encoding="utf-8-sig"), file.name)
    except UnicodeDecodeError as error:
        raise PolicyPackInvalid(f"{file.name}: this is no text in UTF-8; save it as UTF-8") from error
    except OSError as error:
        raise PolicyPackInvalid(f"{file}: cannot be read: {error.strerror}; name a pack file") from error


class _Object(list[tuple[str, Any]]):
    """A JSON object as it is written; a dict would keep the last of two fields of one name."""


def _twice(text: str) -> list[str]:
    """Paths of fields that stand more than once in their part."""
    return list(_repeated(json.loads(text, object_pairs_hook=_Object, parse_int=str), ()))


def _repeated(part: object, path: tuple[int | str, ...]) -> Iterator[str]:
    if isinstance(part, _Object):
        counts = Counter(name for name, _value in part)
        yield from (".".join(map(str, (*path, name))) for name, count in counts.items() if count > 1)
    inside = part if isinstance(part, _Object) else enumerate(part) if isinstance(part, list) else ()
    for name, value in inside:
        yield from _repeated(value, (*path, name))


def _wrong(one: Mapping[str, Any]) -> str:
    """One field, and what is allowed there."""
    where, what = ".".join(map(str, one["loc"])) or "the file", one["msg"].removeprefix("Value error, ")
    if one["type"] == "extra_forbidden":
        what = f"there is no such field; allowed: {', '.join(_fields(one['loc'][:-1]))}"
    return f"{where}: {what}"


def _fields(path: tuple[int | str, ...]) -> list[str]:
    """Names of the fields of a part of a pack."""
    part: type[BaseModel] = PolicyPack
    for name in path:
        if isinstance(name, str):
            kind = part.model_fields[name].annotation
            part = next(
                (of for of in (kind, *get_args(kind)) if isinstance(of, type) and issubclass(of, BaseModel)), part
            )
    return sorted(part.model_fields)


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
