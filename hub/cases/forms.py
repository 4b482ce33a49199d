"""(P) What a step asks to be filled in, and whether it was. A name that no form has is refused: nothing travels unseen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

YES_NO = {"yes": "是", "no": "否"}


class Refused(Exception):
    """The step cannot be taken so; `message` is zh-CN and says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


class FieldKind(StrEnum):
    TEXT = "text"
    DATE = "date"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Field:
    """`most`: characters of a text. `when`: for a date, `past` (today or before), `future` (today or after) or any."""

    name: str
    label_zh: str
    kind: FieldKind = FieldKind.TEXT
    required: bool = True
    choices: Mapping[str, str] = field(default_factory=dict)
    most: int = 400
    when: str = ""
    help_zh: str = ""


def text(name: str, label_zh: str, *, required: bool = True, most: int = 400, help_zh: str = "") -> Field:
    return Field(name, label_zh, FieldKind.TEXT, required, most=most, help_zh=help_zh)


def day(name: str, label_zh: str, when: str = "", *, required: bool = True, help_zh: str = "") -> Field:
    return Field(name, label_zh, FieldKind.DATE, required, when=when, help_zh=help_zh)


def choice(name: str, label_zh: str, choices: Mapping[str, str], *, help_zh: str = "") -> Field:
    return Field(name, label_zh, FieldKind.CHOICE, choices=choices, help_zh=help_zh)


def yes_no(name: str, label_zh: str, *, help_zh: str = "") -> Field:
    return choice(name, label_zh, YES_NO, help_zh=help_zh)


def filled(fields: tuple[Field, ...], given: Mapping[str, object], today: date) -> dict[str, str]:
    """The values by name, trimmed; dates as `YYYY-MM-DD`. Raises `Refused` with the field that is wrong."""
    known = {one.name for one in fields}
    if strange := sorted(set(given) - known):
        raise Refused("unknown_field", f"这一步骤没有填写项“{strange[0][:40]}”。请刷新页面后重新填写。")
    found: dict[str, str] = {}
    for one in fields:
        raw = given.get(one.name)
        if raw is not None and not isinstance(raw, str):
            raise Refused("bad_field", f"“{one.label_zh}”的内容无法识别，请重新填写。")
        value = (raw or "").strip()
        if not value:
            if one.required:
                raise Refused("field_needed", f"请填写“{one.label_zh}”。")
            continue
        found[one.name] = _checked(one, value, today)
    return found


def _checked(one: Field, value: str, today: date) -> str:
    if one.kind is FieldKind.CHOICE and value not in one.choices:
        raise Refused("bad_field", f"请为“{one.label_zh}”选择列出的一项。")
    if one.kind is FieldKind.TEXT and len(value) > one.most:
        raise Refused("bad_field", f"“{one.label_zh}”不能超过{one.most}个字。")
    if one.kind is not FieldKind.DATE:
        return value
    try:
        chosen = date.fromisoformat(value)
    except ValueError:
        raise Refused("bad_field", f"“{one.label_zh}”不是日期，请按“2026-01-31”的格式填写。") from None
    if one.when == "past" and chosen > today:
        raise Refused("bad_field", f"“{one.label_zh}”不能晚于今天。")
    if one.when == "future" and chosen < today:
        raise Refused("bad_field", f"“{one.label_zh}”不能早于今天。")
    return chosen.isoformat()


def said(fields: tuple[Field, ...], values: Mapping[str, object]) -> list[tuple[Field, str]]:
    """(field, value as people read it), in the form's order."""
    return [
        (one, one.choices.get(str(values[one.name]), str(values[one.name]))) for one in fields if one.name in values
    ]
