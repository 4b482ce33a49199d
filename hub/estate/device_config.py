"""(P) A device's settings against the JSON Schema its edge announced: what is wrong in words, and secrets kept unseen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

MASK = "******"
"""What the API shows in place of a secret. Sent back, it means: leave the secret as it is."""
EXTRA = frozenset({"cards"})  # set-up facts that no driver reads: `cards` false says that its card reader is not in use
TYPES_ZH = {
    "string": "文字",
    "integer": "整数",
    "number": "数字",
    "boolean": "是或否",
    "array": "列表",
    "object": "一组设置",
    "null": "空",
}
Path = tuple[str | int, ...]


def problems(schema: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    """One zh line a field that is wrong, named as the form names it; empty when the settings fit."""
    from jsonschema import Draft202012Validator  # here: few starts of the hub come to check a device's settings
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(schema)
        errors = sorted(
            Draft202012Validator(schema).iter_errors(config),
            key=lambda error: [str(part) for part in error.absolute_path],
        )
    except SchemaError as error:
        return [f"边缘机公布的设置说明有误，无法核对（{error.message}）。请升级边缘机。"]
    lines = [line for error in errors for line in _lines(schema, error)]
    known = schema.get("properties", {}).keys() | EXTRA
    return lines + [f"{name}：没有这个设置项，请删去或检查拼写。" for name in sorted(config.keys() - known)]


def _lines(schema: Mapping[str, Any], error: ValidationError) -> Iterator[str]:
    path: Path = tuple(error.absolute_path)
    if error.validator == "required":
        rule: Any = error.validator_value
        present: Any = error.instance
        missing = [name for name in rule if name not in present]
        yield from (f"{title(schema, (*path, name))}：必填。" for name in missing)
        return
    yield f"{title(schema, path)}：{_why(error)}"


def _why(error: ValidationError) -> str:
    rule: Any = error.validator_value
    shown = "" if isinstance(error.instance, dict | list) else f"“{str(error.instance)[:60]}”"
    match error.validator:
        case "enum":
            return f"{shown}不在可选范围内，可选：{'、'.join(str(value) for value in rule)}。"
        case "type":
            names = [rule] if isinstance(rule, str) else list(rule)
            return f"应为{'或'.join(TYPES_ZH.get(name, str(name)) for name in names)}，不能是{shown or '这种内容'}。"
        case "pattern":
            return f"{shown}格式不对，应符合 {rule}。"
        case "minimum":
            return f"不能小于 {rule}。"
        case "maximum":
            return f"不能大于 {rule}。"
        case "exclusiveMinimum":
            return f"必须大于 {rule}。"
        case "minLength":
            return "必填。" if rule == 1 else f"至少 {rule} 个字符。"
        case "minItems":
            return f"至少要有 {rule} 项。"
        case _:
            return f"{shown}不符合要求（{error.validator}）。"


def title(schema: Mapping[str, Any], path: Path) -> str:
    """The field's name on the form (`表计 第2项 站号`); where the schema gives none, its key."""
    names: list[str] = []
    here: Mapping[str, Any] = schema
    for part in path:
        here = _resolved(schema, here)
        if isinstance(part, int):
            names.append(f"第{part + 1}项")
            here = here.get("items", {})
        else:
            here = here.get("properties", {}).get(part, {})
            names.append(str(here.get("title", part)))
    return " ".join(names) or "设置"


def _resolved(schema: Mapping[str, Any], here: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = str(here.get("$ref", ""))
    if not reference.startswith("#/$defs/"):
        return here
    found: Mapping[str, Any] = schema.get("$defs", {}).get(reference.removeprefix("#/$defs/"), {})
    return found


def with_kept_secrets(new: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """`new`, where a masked value stands for the one in `old`. A mask with nothing behind it is dropped: it is no secret."""
    merged: dict[str, Any] = {}
    for key, value in new.items():
        if value == MASK:
            if key in old:
                merged[key] = old[key]
        elif isinstance(value, dict) and isinstance(old.get(key), dict):
            merged[key] = with_kept_secrets(value, old[key])
        else:
            merged[key] = value
    return merged
