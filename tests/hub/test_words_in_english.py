"""What the hub says by code has English words in the console: else an added reason would be Chinese on an English page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hub.access import lawful
from hub.access.refusals import REFUSAL_ZH
from hub.english.own_words import REASONS_ZH
from hub.tenancy.fields import RELATION_ZH
from hub.tenancy.reasons import REASONS

FILE = Path(__file__).resolve().parents[2] / "web/src/i18n/en.reasons.ts"


LAW = dict.fromkeys(re.findall(r'LawPoint\(\s*"(\w+)"', Path(lawful.__file__).read_text(encoding="utf-8")), "")


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("reason", REASONS),
        ("refusal", REFUSAL_ZH),
        ("relation", RELATION_ZH),
        ("law", LAW),
        ("denial", REASONS_ZH),
    ],
)
def test_every_code_has_english_words(name: str, codes: dict[str, str]) -> None:
    text = FILE.read_text(encoding="utf-8").split(f"export const {name}: ", 1)[1].split("export const", 1)[0]
    told = dict(re.findall(r"(\w+): \"([^\"]+)\"", text))
    assert told.keys() == codes.keys()
    assert not [code for code, words in told.items() if re.search(r"[\u4e00-\u9fff]", words)]
