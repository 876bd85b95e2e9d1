# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Node parameters as tables: one entry declares, checks, describes and documents a parameter."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter

from vljepa_ros.errors import ConfigurationError

Value = bool | int | float | str | list[str]


class Change(enum.Enum):
    """When a parameter may be changed; the value says it in words."""

    ANY_TIME = 'at any time'
    UNCONFIGURED = 'while the node is unconfigured'
    START = 'only at start'


@dataclass(frozen=True)
class Parameter:
    """One parameter of a node.

    Attributes:
        name: its ROS name.
        default: its default; also fixes its type.
        description: one sentence, unit included.
        minimum: least allowed number.
        maximum: greatest allowed number.
        choices: allowed texts; empty allows all.
        change: when it may be changed.
        may_be_empty: whether a list may hold nothing.
    """

    name: str
    default: Value
    description: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    change: Change = Change.ANY_TIME
    may_be_empty: bool = False

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        if self.choices:
            return 'one of ' + ', '.join(repr(choice) for choice in self.choices)
        if isinstance(self.default, bool):
            return 'true or false'
        if isinstance(self.default, str):
            return 'a text'
        if isinstance(self.default, list):
            count = 'any number of' if self.may_be_empty else 'one or more'
            return f'a list of {count} texts, none of them empty'
        noun = 'a whole number' if isinstance(self.default, int) else 'a number'
        if self.minimum is not None and self.maximum is not None:
            return f'{noun} from {self.minimum:g} to {self.maximum:g}'
        if self.minimum is not None:
            return f'{noun} of at least {self.minimum:g}'
        return noun

    def validate(self, value: Any) -> Value:
        """Return the value in the type of the default.

        A whole number passes as a number, and a text as a list of one.

        Raises:
            ConfigurationError: the value is not allowed; the sentence says what is.
        """
        wanted = type(self.default)
        if wanted is float and type(value) is int:
            value = float(value)
        if wanted is list and isinstance(value, str):
            value = [value]
        # ROS has many types of lists; an empty one comes as bytes.
        good = type(value) is wanted or (wanted is list and isinstance(value, (bytes, Sequence)))
        if good and wanted is list:
            value = list(value)
            good = all(isinstance(item, str) and item.strip() for item in value)
            good = good and (bool(value) or self.may_be_empty)
        if good and wanted is float:
            good = math.isfinite(value)
        if good and self.choices:
            good = value in self.choices
        if good and self.minimum is not None:
            good = value >= self.minimum
        if good and self.maximum is not None:
            good = value <= self.maximum
        if not good:
            raise ConfigurationError(
                f'{self.name} is {value!r}, which is not allowed; allowed is {self.allowed}'
            )
        return value

    def descriptor(self) -> ParameterDescriptor:
        """Return what `ros2 param describe` shows."""
        descriptor = ParameterDescriptor(
            name=self.name,
            description=self.description,
            additional_constraints=f'Allowed is {self.allowed}. Can be set {self.change.value}.',
            read_only=self.change is Change.START,
            # The type is checked by `validate`, which takes 5 for 5.0 and explains refusals.
            dynamic_typing=True,
        )
        if self.minimum is not None and self.maximum is not None:
            if isinstance(self.default, float):
                limits = FloatingPointRange(
                    from_value=float(self.minimum), to_value=float(self.maximum)
                )
                descriptor.floating_point_range = [limits]
            else:
                descriptor.integer_range = [
                    IntegerRange(from_value=int(self.minimum), to_value=int(self.maximum), step=1)
                ]
        return descriptor


class Parameters:
    """The declared parameters of one node.

    A wrong value in a launch or parameter file must not end the process: the parameter keeps its
    default, `problems` holds the sentence, and configuring fails with it until it is set rightly.
    """

    def __init__(
        self,
        node: Node,
        table: Sequence[Parameter],
        *,
        is_configured: Callable[[], bool],
        check_together: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> None:
        """Declare the table.

        Args:
            node: the node that gets the parameters.
            table: the parameters.
            is_configured: whether parameters of `Change.UNCONFIGURED` are locked now.
            check_together: raises ConfigurationError if values do not fit each other.
        """
        self.problems: dict[str, str] = {}
        self._node = node
        self._table = {parameter.name: parameter for parameter in table}
        self._is_configured = is_configured
        self._check_together = check_together
        self._declaring = True
        node.add_on_set_parameters_callback(self._on_set)
        for parameter in table:
            self._declare(parameter)
        self._declaring = False

    def require_valid(self) -> None:
        """Raise ConfigurationError if a start value was refused or values contradict."""
        if self.problems:
            raise ConfigurationError('; '.join(self.problems.values()))
        if self._check_together is not None:
            self._check_together(self.values())

    def values(self) -> dict[str, Any]:
        """Return all values by name."""
        return {name: self[name] for name in self._table}

    def __getitem__(self, name: str) -> Any:
        """Return a value in the type of its default."""
        return self._table[name].validate(self._node.get_parameter(name).value)

    def _declare(self, parameter: Parameter) -> None:
        try:
            self._node.declare_parameter(parameter.name, parameter.default, parameter.descriptor())
        except (InvalidParameterTypeException, InvalidParameterValueException) as error:
            self._node.declare_parameter(
                parameter.name, parameter.default, parameter.descriptor(), ignore_override=True
            )
            self.problems[parameter.name] = f'Parameter {parameter.name} at start: {error}'

    def _on_set(self, changes: list[RosParameter]) -> SetParametersResult:
        known = [change for change in changes if change.name in self._table]
        try:
            new = {change.name: self._checked(change) for change in known}
            if new and not self._declaring and self._check_together is not None:
                self._check_together({**self.values(), **new})
        except ConfigurationError as error:
            return SetParametersResult(successful=False, reason=str(error))
        if not self._declaring:
            for name in new:
                self.problems.pop(name, None)
        return SetParametersResult(successful=True)

    def _checked(self, change: RosParameter) -> Value:
        parameter = self._table[change.name]
        value = parameter.validate(change.value)
        locked = parameter.change is Change.UNCONFIGURED and not self._declaring
        if locked and self._is_configured():
            raise ConfigurationError(
                f'{parameter.name} can be set only while the node is unconfigured; first clean '
                f'up: ros2 lifecycle set {self._node.get_fully_qualified_name()} cleanup'
            )
        return value


def describe_tables(tables: Mapping[str, Sequence[Parameter]]) -> str:
    """Return the page that documents the parameters of each node, in Markdown."""
    lines = [
        '# Parameters',
        '',
        'Written by `vljepa docs` from the tables that declare the parameters. '
        '`ros2 param describe` shows the same texts.',
    ]
    for node, table in tables.items():
        lines += ['', f'## {node}', '', '| name | default | allowed | can be set | meaning |']
        lines += ['|---|---|---|---|---|']
        for entry in table:
            lines.append(
                f'| `{entry.name}` | `{_literal(entry.default)}` | {entry.allowed} | '
                f'{entry.change.value} | {entry.description} |'
            )
    return '\n'.join(lines) + '\n'


def _literal(value: Value) -> str:
    """Return a value as YAML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return '[' + ', '.join(value) + ']'
    return f"'{value}'" if value == '' else str(value)
