"""(P) The hub's Chinese sentences in English, by a phrase book (`*.json` here): template → template.

The Chinese sentence is the record: it is stored, hashed and signed. English is a help to read it, made from the same values. A
slot is `{name}` a number or share, `{name@}` a day, `{name:}` a time of day, `{name*}` any text, which is looked up in turn; a
name without an entry (of a door, a person) stays as it is. In English `{n|day|days}` is the word that goes with the number.
Sentences in a row, and what stands before a colon (`南门：…`), need no entry of their own.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

CHINESE = re.compile(r"[\u4e00-\u9fff]")
SLOT = re.compile(r"\{(\w+)([@:*]?)\}")
WORD = re.compile(r"\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}")
KINDS = {"": r"-?[\d.,]+%?", "@": r"\d{4}-\d{2}-\d{2}", ":": r"\d{2}:\d{2}", "*": r".*?"}
STOPS = {"。": ". ", "；": "; ", "、": ", ", "，": ", "}
MARKS = str.maketrans(STOPS)
ABOUT = re.compile(r"([^。；，、：\n]{1,80}?)(?:：|: )")
BETWEEN = {"\n": "\n", "。": " ", "；": "; "}
FILES = ("leads", "names", "cases", "access", "forms", "refusals", "reasons", "settings", "commands", "devices")


@dataclass(frozen=True, slots=True)
class Phrase:
    """`known`: how many characters of it stand fixed: the closer template goes first. `part`: its longest fixed piece."""

    pattern: re.Pattern[str]
    english: str
    known: int
    part: str


def template(chinese: str) -> re.Pattern[str]:
    """The pattern of one template. The full stop at its end may be there or not."""
    pieces, end = [], 0
    body = chinese.removesuffix("。")
    for slot in SLOT.finditer(body):
        pieces += [re.escape(body[end : slot.start()]), f"(?P<{slot[1]}>{KINDS[slot[2]]})"]
        end = slot.end()
    return re.compile("".join([*pieces, re.escape(body[end:]), "。?"]), re.DOTALL)


@cache
def book() -> dict[str, str]:
    """All templates, Chinese → English."""
    found: dict[str, str] = {}
    for name in FILES:
        text = (resources.files("hub.english") / f"{name}.json").read_text(encoding="utf-8")
        found |= json.loads(text)
    return found


@cache
def _phrases() -> tuple[Phrase, ...]:
    made = []
    for chinese, english in book().items():
        fixed = SLOT.split(chinese.removesuffix("。"))[::3]
        made.append(Phrase(template(chinese), english, sum(map(len, fixed)), max(fixed, key=len)))
    return tuple(sorted(made, key=lambda phrase: -phrase.known))


@lru_cache(maxsize=20_000)
def english(text: str) -> str:
    """The text in English; as it is where the book has no words for it, so that nothing is lost."""
    found = _known(text.strip())
    if found is None or not text.endswith("。"):
        return found or text
    return _stopped(f"{found[0].upper()}{found[1:]}")


def part(text: str) -> str:
    """A list or a fragment in English, piece by piece; a name stays as it is."""
    return _slot(text)


def in_english(texts: list[str]) -> list[str]:
    """Each of them."""
    return [english(text) for text in texts]


@lru_cache(maxsize=20_000)
def _known(text: str) -> str | None:
    """In English, or None when some sentence of it is not in the book."""
    if not CHINESE.search(text):
        return text
    return (
        _whole(text)
        or _split(text, "\n")
        or _split(text, "。")
        or _split(text, "；")
        or _named(text)
        or _whole(text, loose=True)
    )


def _whole(text: str, *, loose: bool = False) -> str | None:
    """By one template. Not `loose`: no value of it runs over the end of a sentence, so that two sentences of one template are
    not taken for one."""
    for phrase in _phrases():
        if phrase.part in text and (match := phrase.pattern.fullmatch(text)):
            values = match.groupdict()
            if loose or not any("。" in value[:-1] for value in values.values()):
                return _filled(phrase.english, values)
    return None


def _named(text: str) -> str | None:
    """A known sentence and, before it, what it is about: `南门：…`, `access_points: …`."""
    about = ABOUT.match(text)
    told = _known(text[about.end() :].strip()) if about else None
    return f"{_slot(about[1])}: {told}" if about and told else None


def _filled(told: str, values: dict[str, str]) -> str:
    """`{n}`: the value; `{n|day|days}`: the word that goes with one or with more."""

    def put(word: re.Match[str]) -> str:
        value = _slot(values[word[1]])
        return value if word[2] is None else word[2] if value == "1" else word[3]

    return WORD.sub(put, told)


def _split(text: str, stop: str) -> str | None:
    """Two known parts at a stop, the first as short as can be."""
    for at in re.finditer(f"{stop}(?=.)", text):
        head = _known(text[: at.end()] if stop == "。" else text[: at.start()])
        if head and (tail := _known(text[at.end() :])):
            return f"{_stopped(head) if stop == '。' else head}{BETWEEN[stop]}{tail}"
    return None


def _stopped(sentence: str) -> str:
    return sentence if sentence.endswith((".", "?")) else f"{sentence}."


def _slot(value: str) -> str:
    """A value inside a sentence: in words where they are known, piece by piece, else as it is."""
    value = value.strip()
    if not CHINESE.search(value):
        return value.translate(MARKS)
    if found := _known(value):
        return found.removesuffix(".")
    for stop in ("；", "，", "、"):
        if stop in value:
            return STOPS[stop].join(_slot(part) for part in value.split(stop))
    return value
