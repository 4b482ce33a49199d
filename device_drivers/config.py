"""Driver settings: read from the wire's plain dict, and as a JSON Schema from which a form can be drawn."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from device_drivers.driver import ConfigError

C = TypeVar("C", bound=msgspec.Struct)


def read_config(config: dict[str, Any], kind: type[C]) -> C:
    """Unknown fields are ignored (a newer hub). Raises ConfigError with the field's path and what was expected."""
    try:
        return msgspec.convert(config, kind)
    except msgspec.ValidationError as error:
        raise ConfigError(str(error)) from error


def config_schema(kind: type[msgspec.Struct], choices: dict[str, list[str]] | None = None) -> dict[str, Any]:
    """JSON Schema of a config with its top object unfolded. `choices`: enumerations that come from data files."""
    whole = msgspec.json.schema(kind)
    definitions = dict(whole.get("$defs", {}))
    schema: dict[str, Any] = dict(definitions.pop(kind.__name__))
    properties = {name: dict(spec) for name, spec in schema["properties"].items()}
    for name, values in (choices or {}).items():
        properties[name]["enum"] = values
    schema["properties"] = properties
    if definitions:
        schema["$defs"] = definitions
    return schema
