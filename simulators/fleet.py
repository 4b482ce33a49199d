"""(P) Many devices from a short list: `[{"kind", "code", "config", "count"}]`, `{n}` in a text is the device's number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec


class Several(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`count` devices of one kind; `{n}` in `code` and in every text of `config` becomes 0, 1, 2 …"""

    kind: str
    code: str
    config: dict[str, Any] = {}
    count: int = 1


def parse_fleet(text: bytes | str) -> list[tuple[str, str, dict[str, Any]]]:
    """(kind, code, config) of each device. ValueError: the list does not fit, or two devices have one code."""
    found = list(_each(msgspec.json.decode(text, type=list[Several])))
    codes = [code for _kind, code, _config in found]
    if twice := next((code for code in codes if codes.count(code) > 1), None):
        raise ValueError(f"two devices with the code {twice!r}: put {{n}} into `code`")
    return found


def _each(given: Sequence[Several]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for one in given:
        for number in range(one.count):
            config = {"host": "127.0.0.1", "port": 0, **_numbered(one.config, number)}
            yield one.kind, _numbered(one.code, number), config


def _numbered(value: Any, number: int) -> Any:
    if isinstance(value, str):
        return value.replace("{n}", str(number))
    if isinstance(value, dict):
        return {key: _numbered(one, number) for key, one in value.items()}
    return [_numbered(one, number) for one in value] if isinstance(value, list) else value
