# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads the settings of a training run from a YAML file, with changes from the command line."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from training.run_config import RunConfig
from vljepa_ros.errors import ConfigurationError, ResourceNotFoundError
from vljepa_ros.model.config_reading import read_dataclass, require

SEEDED = ('pretraining', 'training', 'decoder', 'planning')


class _Loader(yaml.SafeLoader):
    """Reads 5e-5 as a number, as YAML 1.2 does."""


_Loader.add_implicit_resolver(
    'tag:yaml.org,2002:float', re.compile(r'^[-+]?\d+(\.\d*)?[eE][-+]?\d+$'), list('-+0123456789')
)


def read_run_config(path: Path, changes: Mapping[str, Any] | None = None) -> RunConfig:
    """Read and check a configuration.

    Args:
        path: of the YAML file.
        changes: values by dotted key, such as `training.steps`, that replace those of the file.

    Raises:
        ResourceNotFoundError: there is no such file.
        ConfigurationError: it is no YAML, or a key or a value is wrong.
    """
    if not path.is_file():
        raise ResourceNotFoundError(
            f'There is no configuration {str(path)!r}. Examples are in training/configs'
        )
    try:
        values = yaml.load(path.read_text(encoding='utf-8'), Loader=_Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f'{path} is not YAML: {error}') from error
    try:
        require(isinstance(values, dict), 'the file must hold a mapping of keys to values')
        for key, value in (changes or {}).items():
            _change(values, key.split('.'), value)
        return _checked(values)
    except ConfigurationError as error:
        raise ConfigurationError(f'{path}: {error}') from error


def parse_value(text: str) -> Any:
    """Read a value as the YAML file would hold it."""
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise ConfigurationError(f'{text!r} is not a YAML value: {error}') from error


def _change(values: dict[str, Any], keys: list[str], value: Any) -> None:
    for number, key in enumerate(keys[:-1]):
        values = values.setdefault(key, {})
        require(
            isinstance(values, dict), f'{".".join(keys[: number + 1])} must be a mapping of keys'
        )
    values[keys[-1]] = value


def _checked(values: dict[str, Any]) -> RunConfig:
    for name in SEEDED:
        section = values.get(name)
        require(
            not (isinstance(section, dict) and 'seed' in section),
            f'{name}.seed is not allowed; the one seed stands at the top',
        )
    config = read_dataclass(RunConfig, values, 'config', defaults=True)
    seeded = {
        name: dataclasses.replace(getattr(config, name), seed=config.seed) for name in SEEDED
    }
    return dataclasses.replace(config, **seeded)
