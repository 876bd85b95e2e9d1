# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Trees of dataclasses: read from and written to the mappings of a file, and checked."""

from __future__ import annotations

import copy
import dataclasses
import math
import types
import typing
from typing import Any, Literal, TypeVar

from vljepa_ros.errors import ConfigurationError

ConfigT = TypeVar('ConfigT')

# Metadata of a field that older files lack. Its default is what those models were trained with,
# and a value equal to it is not written, so that older files and their identity stay as they are.
ADDED_LATER = {'added_later': True}


def require(condition: bool, message: str) -> None:
    """Raise a ConfigurationError with this message unless the condition holds."""
    if not condition:
        raise ConfigurationError(message)


def require_positive(config: Any, where: str) -> None:
    """Raise a ConfigurationError if a number of the dataclass is not positive and finite."""
    for item in dataclasses.fields(config):
        value = getattr(config, item.name)
        if isinstance(value, (int, float)):
            require(
                0 < value < math.inf,
                f'{where}{item.name} is {value}; it must be positive and finite',
            )


def write_dataclass(config: Any) -> dict[str, Any]:
    """Return a dataclass, and the dataclasses in its fields, as the mappings of a JSON file."""
    values = {}
    for item in dataclasses.fields(config):
        value = getattr(config, item.name)
        if item.metadata == ADDED_LATER and value == item.default:
            continue
        values[item.name] = (
            write_dataclass(value) if dataclasses.is_dataclass(value) else copy.deepcopy(value)
        )
    return values


def read_dataclass(
    cls: type[ConfigT], values: Any, where: str, *, defaults: bool = False
) -> ConfigT:
    """Build a dataclass, and the dataclasses in its fields, from mappings.

    A field may be one of several dataclasses; then each has a field `architecture` with a
    `Literal` type, and the value of that key chooses, the first dataclass where it is absent.

    Args:
        cls: the dataclass.
        values: a mapping with exactly its fields; those `ADDED_LATER` may be absent.
        where: how messages name the place of `values`.
        defaults: absent keys take the defaults of their fields. Not for the configuration of
            weights, which were trained with one certain value.

    Raises:
        ConfigurationError: a key is unknown or missing, or a value has the wrong type.
    """
    if not isinstance(values, dict):
        raise ConfigurationError(f'{where} must be a mapping, not {type(values).__name__}')
    hints = typing.get_type_hints(cls)
    unknown = sorted(set(values) - set(hints))
    if unknown:
        raise ConfigurationError(
            f'{where} has unknown keys {unknown}; allowed are {sorted(hints)}. '
            'The file may belong to a newer version of vljepa_ros.'
        )
    fields = dataclasses.fields(typing.cast(Any, cls))
    needed = {item.name for item in fields if item.metadata != ADDED_LATER}
    if defaults:
        needed &= {item.name for item in fields if _has_no_default(item)}
    missing = needed - set(values)
    if missing:
        raise ConfigurationError(f'{where} lacks the keys {sorted(missing)}')
    return cls(
        **{
            key: _value(hints[key], values[key], f'{where}.{key}', defaults=defaults)
            for key in values
        }
    )


def _has_no_default(item: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return item.default is missing and item.default_factory is missing


def _value(hint: Any, value: Any, where: str, *, defaults: bool) -> Any:
    origin = typing.get_origin(hint)
    if origin is types.UnionType:
        options = typing.get_args(hint)
        if value is None and type(None) in options:
            return None
        hint = _option([item for item in options if item is not type(None)], value, where)
    if dataclasses.is_dataclass(hint):
        return read_dataclass(typing.cast('type[Any]', hint), value, where, defaults=defaults)
    if hint == tuple[str, ...]:
        if not isinstance(value, (list, tuple)) or not all(isinstance(v, str) for v in value):
            raise ConfigurationError(f'{where} must be a list of texts, not {value!r}')
        return tuple(value)
    if origin is tuple:
        if not isinstance(value, (list, tuple)) or len(value) != len(typing.get_args(hint)):
            raise ConfigurationError(
                f'{where} must be a list of {len(typing.get_args(hint))} numbers, not {value!r}'
            )
        return tuple(_value(float, item, where, defaults=defaults) for item in value)
    if origin is dict:
        if not isinstance(value, dict):
            raise ConfigurationError(f'{where} must be a mapping of texts, not {value!r}')
        return {
            key: _value(str, item, f'{where}.{key}', defaults=defaults)
            for key, item in value.items()
        }
    if origin is Literal:
        if value not in typing.get_args(hint):
            raise ConfigurationError(
                f'{where} is {value!r}; allowed is {list(typing.get_args(hint))}'
            )
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise ConfigurationError(f'{where} must be of type {hint.__name__}, not {value!r}')
    return value


def _option(options: list[Any], value: Any, where: str) -> Any:
    if len(options) == 1 or not isinstance(value, dict) or 'architecture' not in value:
        return options[0]
    names = {
        typing.get_args(typing.get_type_hints(item)['architecture'])[0]: item for item in options
    }
    name = value['architecture']
    if not isinstance(name, str) or name not in names:
        raise ConfigurationError(
            f'{where}.architecture is {name!r}; allowed are {sorted(names)}. '
            'The file may belong to a newer version of vljepa_ros.'
        )
    return names[name]
