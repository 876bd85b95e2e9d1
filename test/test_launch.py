# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The table of start arguments, and the launch file that is made from it."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from vljepa_ros.errors import ConfigurationError, MissingDependencyError
from vljepa_ros.launch_arguments import (
    ALL_NODES,
    ARGUMENTS,
    MODEL_NODES,
    description_of,
    parameter_overrides,
    pipeline_arguments,
)
from vljepa_ros.process_environment import TRANSPORT, missing_environment

ROOT = Path(__file__).parents[1]
PARAMS_FILE = str(ROOT / 'config' / 'perception.yaml')
PLAIN = ['--ros-args', '-r', '__ns:=/vljepa', '--log-level', 'info', '--params-file', PARAMS_FILE]


def test_defaults_leave_everything_to_the_parameter_file():
    assert pipeline_arguments({}) == PLAIN
    assert parameter_overrides({}) == {}


@pytest.mark.parametrize(
    ('values', 'expected'),
    [
        (
            {'image': '/camera/image_raw'},
            dict.fromkeys(
                ('perception', 'event', 'recorder', 'memory'), {'image': ['/camera/image_raw']}
            ),
        ),
        (
            {'image': '/front/image, /rear/image', 'camera': 'front,rear'},
            {
                **dict.fromkeys(
                    ('perception', 'event', 'memory'),
                    {'image': ['/front/image', '/rear/image'], 'camera': ['front', 'rear']},
                ),
                'recorder': {'image': ['/front/image', '/rear/image']},
            },
        ),
        ({'rate_hz': '2'}, {'perception': {'rate_hz': 2.0}}),
        (
            {'queries': 'caption, What is red?'},
            {
                'perception': {'queries': ['caption', 'What is red?']},
                'event': {'queries': ['caption', 'What is red?']},
            },
        ),
        ({'model': '1234'}, dict.fromkeys(MODEL_NODES, {'model': '1234'})),
        ({'threads': '2'}, dict.fromkeys(MODEL_NODES, {'threads': 2})),
        ({'autostart': 'false'}, dict.fromkeys(ALL_NODES, {'autostart': False})),
        ({'use_sim_time': 'true'}, dict.fromkeys(ALL_NODES, {'use_sim_time': True})),
        ({'video': '/a.mp4', 'loop': 'false'}, {'camera': {'video': '/a.mp4', 'loop': False}}),
        (
            {'record': 'true', 'clip_folder': '/clips'},
            {'recorder': {'clip_folder': '/clips'}},
        ),
        (
            {'memory': 'true', 'memory_uri': 's3://robots/memory'},
            {'memory': {'memory_uri': 's3://robots/memory'}},
        ),
    ],
)
def test_given_values_become_typed_parameters(values, expected):
    assert parameter_overrides(values) == expected
    command = pipeline_arguments(values)
    assert json.loads(command[command.index('--parameters') + 1]) == expected
    assert command[-len(PLAIN) :] == PLAIN
    assert ('--with-camera' in command) == ('video' in values)
    assert ('--with-recorder' in command) == ('record' in values)
    assert ('--with-memory' in command) == ('memory' in values)


@pytest.mark.parametrize('namespace', ['robot/vljepa', '/robot/vljepa', '/robot/vljepa/'])
def test_a_namespace_may_be_written_in_every_way(namespace):
    assert '__ns:=/robot/vljepa' in pipeline_arguments({'namespace': namespace})


@pytest.mark.parametrize(
    ('values', 'named'),
    [
        ({'rate': '5'}, "Unknown arguments .'rate'.; allowed are .*'rate_hz'"),
        ({'rate_hz': 'fast'}, "rate_hz is 'fast'; allowed is a number"),
        ({'threads': '1.5'}, "threads is '1.5'; allowed is a whole number"),
        ({'autostart': 'yes'}, "autostart is 'yes'; allowed is 'true', 'false'"),
        ({'log_level': 'loud'}, "log_level is 'loud'; allowed is 'debug'"),
        ({'params_file': '/nowhere.yaml'}, "no file '/nowhere.yaml'"),
    ],
)
def test_wrong_values_name_what_is_allowed(values, named):
    with pytest.raises(ConfigurationError, match=named):
        pipeline_arguments(values)


def test_every_argument_is_described():
    for argument in ARGUMENTS:
        assert argument.description.endswith('.')
        if not argument.default:
            assert 'mpty' in description_of(argument), argument.name
        assert not argument.choices or argument.default in argument.choices


def test_every_argument_sets_parameters_that_exist():
    pytest.importorskip('rclpy', reason='needs ROS 2: make test, or source an installation')
    from vljepa_ros.nodes.tables import TABLES

    examples = {'threads': '1', 'rate_hz': '1.0', 'queries': 'caption'}
    for argument in ARGUMENTS:
        if argument.name == 'use_sim_time':  # every node has it from rclpy
            continue
        for node in argument.nodes:
            table = {parameter.name: parameter for parameter in TABLES[node]}
            parameter = table[argument.name]
            choices = [choice for choice in argument.choices if choice]
            for text in choices or [examples.get(argument.name, 'text')]:
                parameter.validate(argument.parse(text))
            if isinstance(parameter.default, str):
                assert tuple(choices) == parameter.choices


def test_the_shipped_parameter_file_holds_the_defaults():
    pytest.importorskip('rclpy', reason='needs ROS 2: make test, or source an installation')
    import yaml

    from vljepa_ros.nodes.tables import TABLES

    sections = yaml.safe_load(Path(PARAMS_FILE).read_text(encoding='utf-8'))
    for pattern, section in sections.items():
        nodes = TABLES if pattern == '/**' else [pattern.removeprefix('/**/')]
        for name, value in section['ros__parameters'].items():
            defaults = [
                parameter.default
                for node in nodes
                for parameter in TABLES[node]
                if parameter.name == name
            ]
            assert defaults, f'{pattern} {name}: no node has it'
            assert all(value == default for default in defaults), f'{pattern} {name}'


def test_the_environment_is_only_completed(monkeypatch):
    monkeypatch.delenv('FASTDDS_BUILTIN_TRANSPORTS', raising=False)
    monkeypatch.setenv('OMP_WAIT_POLICY', 'ACTIVE')
    monkeypatch.setenv('ROS_DISTRO', 'jazzy')
    assert missing_environment() == {'FASTDDS_BUILTIN_TRANSPORTS': TRANSPORT}
    monkeypatch.setenv('ROS_DISTRO', 'humble')
    assert missing_environment() == {}


def launch_description() -> Any:
    pytest.importorskip('launch_ros', reason='launch comes with a ROS installation only')
    module = runpy.run_path(str(ROOT / 'launch' / 'perception.launch.py'))
    return module['generate_launch_description']()


def test_the_launch_file_declares_every_argument():
    description = launch_description()
    declared = {item.name: item for item in description.get_launch_arguments()}
    assert set(declared) == {argument.name for argument in ARGUMENTS}
    for argument in ARGUMENTS:
        item = declared[argument.name]
        assert item.description.startswith(description_of(argument))  # launch adds the choices
        assert ''.join(part.text for part in item.default_value) == argument.default


def started(**values: str) -> list[list[str]]:
    """Return the commands that the launch file starts with argument values."""
    description = launch_description()
    from launch import LaunchContext
    from launch.actions import OpaqueFunction
    from launch.utilities import perform_substitutions

    context = LaunchContext()
    for item in description.get_launch_arguments():
        context.launch_configurations[item.name] = ''.join(p.text for p in item.default_value)
    context.launch_configurations.update(values)
    (action,) = [item for item in description.entities if isinstance(item, OpaqueFunction)]
    return [
        [perform_substitutions(context, part) for part in process.cmd]
        for process in action.execute(context)
    ]


def test_the_launch_file_starts_one_process_without_a_name():
    (command,) = started(rate_hz='2.0')
    assert command[1 : len(PLAIN) + 3] == pipeline_arguments({'rate_hz': '2.0'})
    assert not any('__node' in word for word in command)


def test_the_launch_file_opens_rviz(tmp_path, monkeypatch):
    launch_description()  # skips where there is no launch
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(MissingDependencyError, match='apt install ros-.*-rviz2'):
        started(rviz='true')
    program = tmp_path / 'rviz2'
    program.write_text('#!/bin/sh')
    program.chmod(0o755)
    _, viewer = started(rviz='true', rviz_frame='base_link')
    settings = str(ROOT / 'config' / 'vljepa.rviz')
    assert viewer == [str(program), '-d', settings, '-f', 'base_link']
