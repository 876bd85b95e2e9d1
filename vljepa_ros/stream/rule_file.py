# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads rules from YAML.

rules:
  - name: drawer left open
    text: the drawer is open
    against: [the drawer is closed]
    threshold: 0.05
    dwell_s: 20
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from vljepa_ros.errors import ConfigurationError, MissingDependencyError
from vljepa_ros.stream.rules import Rule, check_rules

FIELDS = {field.name: field for field in dataclasses.fields(Rule)}
NUMBERS = {'threshold', 'release', 'dwell_s', 'clear_s'}


def read_rules(path: Path) -> list[Rule]:
    """Read a file.

    Raises:
        ConfigurationError: there is no such file, or it does not hold rules.
        MissingDependencyError: PyYAML is not installed.
    """
    try:
        text = path.expanduser().read_text(encoding='utf-8')
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f'The rules {str(path)!r} cannot be read: {error}') from error
    try:
        return parse_rules(text)
    except ConfigurationError as error:
        raise ConfigurationError(f'{path}: {error}') from error


def parse_rules(text: str) -> list[Rule]:
    """Read rules from a text.

    Raises:
        ConfigurationError: it is no YAML, or not a list of rules under `rules`; says which key of
            which rule is wrong, and what is allowed.
        MissingDependencyError: PyYAML is not installed.
    """
    try:
        import yaml
    except ImportError as error:
        raise MissingDependencyError(
            'Rules are YAML and need PyYAML: sudo apt install python3-yaml, or pip install pyyaml'
        ) from error
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigurationError(
            f'The rules are no YAML: {" ".join(str(error).split())}'
        ) from error
    if values is None:
        return []
    if not isinstance(values, dict) or set(values) != {'rules'}:
        raise ConfigurationError("Rules are a list under the key 'rules', and there is no other")
    rows = values['rules'] or []
    if not isinstance(rows, list):
        raise ConfigurationError("'rules' must be a list")
    rules = [_rule(number, row) for number, row in enumerate(rows, start=1)]
    check_rules(rules)
    return rules


def _rule(number: int, row: Any) -> Rule:
    if not isinstance(row, dict):
        raise ConfigurationError(f'Rule {number} must be keys with values, not {row!r}')
    who = f'Rule {number} ({row.get("name", "without a name")})'
    unknown = sorted(str(key) for key in row if key not in FIELDS)
    if unknown:
        raise ConfigurationError(
            f'{who} has unknown keys {unknown}; allowed are {", ".join(FIELDS)}'
        )
    row = {'threshold': 0.0, **row} if row.get('against') else row
    missing = [name for name in ('name', 'text', 'threshold') if name not in row]
    if missing:
        raise ConfigurationError(f'{who} lacks {", ".join(missing)}')
    return Rule(**{key: _value(who, key, value) for key, value in row.items()})


def _value(who: str, key: str, value: Any) -> Any:
    if key in NUMBERS:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ConfigurationError(f'{who}: {key} must be a number, not {value!r}')
        return float(value)
    if key == 'against':
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ConfigurationError(f'{who}: against must be a list of texts, not {value!r}')
        return tuple(texts)
    if not isinstance(value, str):
        raise ConfigurationError(f'{who}: {key} must be a text, not {value!r}')
    return value
