# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads a tree of dataclasses from the mappings of a JSON file."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, TypeVar

from vljepa_ros.errors import ConfigurationError

ConfigT = TypeVar('ConfigT')


def read_dataclass(cls: type[ConfigT], values: Any, where: str) -> ConfigT:
    """Build a dataclass, and the dataclasses in its fields, from mappings.

    Args:
        cls: the dataclass.
        values: a mapping with exactly its fields.
        where: how messages name the place of `values`.

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
    missing = sorted(set(hints) - set(values))
    if missing:
        # A default would be a guess: the weights were trained with one certain value.
        raise ConfigurationError(f'{where} lacks the keys {missing}')
    return cls(**{key: _value(hints[key], values[key], f'{where}.{key}') for key in values})


def _value(hint: Any, value: Any, where: str) -> Any:
    origin = typing.get_origin(hint)
    if origin is types.UnionType:
        hint = next(option for option in typing.get_args(hint) if option is not type(None))
        if value is None:
            return None
    if dataclasses.is_dataclass(hint):
        return read_dataclass(typing.cast('type[Any]', hint), value, where)
    if origin is tuple:
        if not isinstance(value, (list, tuple)) or len(value) != len(typing.get_args(hint)):
            raise ConfigurationError(
                f'{where} must be a list of {len(typing.get_args(hint))} numbers, not {value!r}'
            )
        return tuple(_value(float, item, where) for item in value)
    if origin is dict:
        if not isinstance(value, dict):
            raise ConfigurationError(f'{where} must be a mapping of texts, not {value!r}')
        return {key: _value(str, item, f'{where}.{key}') for key, item in value.items()}
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise ConfigurationError(f'{where} must be of type {hint.__name__}, not {value!r}')
    return value
