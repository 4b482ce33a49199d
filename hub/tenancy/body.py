"""(P) A body as JSON, also from systems that begin it with a byte order mark, write GBK, or write NaN where JSON has no word.

An object that says one thing twice (`"state": "active", "state": "ended"`) is a `Twice`: which of them holds nobody knows.
"""

from __future__ import annotations

import json
import re

import msgspec

_MARKS = (  # UTF-32 before UTF-16, whose mark is the beginning of its own
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_CHARSET = re.compile(r"charset\s*=\s*\"?\s*(gbk|gb2312|gb18030)\b", re.IGNORECASE)
_NO_NUMBER = re.compile(rb"\b(NaN|Infinity)\b")


LONGEST_INT = 300  # digits; Python refuses to read more than some thousands


class Twice(dict[str, object]):
    """An object with one key twice."""


class NoJson(ValueError):
    """Not JSON, or nested deeper than anything that means something."""


def decoded(content: bytes, content_type: str = "") -> object:
    """Raises NoJson."""
    try:
        plain = _utf8(content, content_type)
        found = json.loads(plain, object_pairs_hook=_object, parse_int=_whole, parse_constant=str)
        if b"\\u" in plain or _NO_NUMBER.search(plain):
            msgspec.json.encode(found)  # half a character is none
        else:
            msgspec.json.decode(plain, type=msgspec.Raw)
        return found
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise NoJson(f"{type(error).__name__}: {error}") from error


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Twice(found)


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= LONGEST_INT else digits


def _utf8(content: bytes, content_type: str) -> bytes:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            rest = content[len(mark) :]
            return rest if encoding == "utf-8" else rest.decode(encoding).encode()
    if _CHARSET.search(content_type):
        return content.decode("gb18030").encode()
    content.decode()
    return content
