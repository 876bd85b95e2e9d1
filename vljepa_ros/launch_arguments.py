# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The one table of start arguments, for the launch file and for `vljepa up`.

No ROS here: the table and what follows from it are plain Python.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.inference import BACKENDS, PRECISIONS
from vljepa_ros.resources import find_resource

PARAMS_FILE = 'config/perception.yaml'
MODEL_NODES = ('perception', 'event', 'world_model', 'memory')
ALL_NODES = (*MODEL_NODES, 'recorder', 'camera')


def flag(text: str) -> bool:
    """Parse 'true' or 'false'."""
    if text.lower() not in ('true', 'false'):
        raise ValueError(text)
    return text.lower() == 'true'


def texts(text: str) -> list[str]:
    """Parse texts that are separated by commas."""
    return [item.strip() for item in text.split(',') if item.strip()]


@dataclass(frozen=True)
class LaunchArgument:
    """One start argument.

    Attributes:
        name: as the user types it.
        description: one sentence.
        default: an empty one leaves the value to `params_file`.
        choices: allowed values; empty allows all.
        nodes: the nodes whose parameter of this name it sets; none for what concerns the whole
            process.
        parse: turns the text into the parameter's type; raises ValueError.
    """

    name: str
    description: str
    default: str = ''
    choices: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    parse: Callable[[str], Any] = str


FLAG_CHOICES = ('', 'true', 'false')
CAMERA_NODES = ('perception', 'event', 'memory')  # they name cameras
IMAGE_NODES = (*CAMERA_NODES, 'recorder')

ARGUMENTS = (
    LaunchArgument(
        'image',
        "The cameras' image topics, separated by commas, such as /camera/image_raw.",
        nodes=IMAGE_NODES,
        parse=texts,
    ),
    LaunchArgument(
        'camera',
        "The cameras' names in embeddings and events, separated by commas, in the order of image.",
        nodes=CAMERA_NODES,
        parse=texts,
    ),
    LaunchArgument(
        'image_transport',
        'How the images come in: raw, or compressed (on <image>/compressed).',
        choices=('', 'raw', 'compressed'),
        nodes=IMAGE_NODES,
    ),
    LaunchArgument(
        'params_file',
        'YAML file with the parameters of all nodes; arguments that are given win over it.',
    ),
    LaunchArgument('namespace', 'Namespace of all nodes, topics and services.', default='/vljepa'),
    LaunchArgument(
        'model',
        "A shipped model's name, or the path of a checkpoint folder.",
        nodes=MODEL_NODES,
    ),
    LaunchArgument(
        'backend',
        'What runs the model.',
        choices=('', *BACKENDS),
        nodes=MODEL_NODES,
    ),
    LaunchArgument(
        'precision',
        'Precision that the model runs in.',
        choices=('', *PRECISIONS),
        nodes=MODEL_NODES,
    ),
    LaunchArgument(
        'device', 'Where the model runs: auto, cpu, cuda or cuda:N.', nodes=MODEL_NODES
    ),
    LaunchArgument(
        'threads',
        'Compute threads of the model on the CPU; 0 takes one a core.',
        nodes=MODEL_NODES,
        parse=int,
    ),
    LaunchArgument(
        'queries',
        "What is asked about each clip, separated by commas: names of the model's queries, or "
        'free questions. Changes of each answer become events.',
        nodes=('perception', 'event'),
        parse=texts,
    ),
    LaunchArgument(
        'rate_hz',
        "Embeddings a second, in the clock of the images' stamps.",
        nodes=('perception',),
        parse=float,
    ),
    LaunchArgument(
        'video',
        'A video file or a folder of images to play as the camera, published on image_raw in '
        'the namespace; empty for live cameras.',
        nodes=('camera',),
    ),
    LaunchArgument(
        'loop',
        'Play the video again and again.',
        choices=FLAG_CHOICES,
        nodes=('camera',),
        parse=flag,
    ),
    LaunchArgument(
        'record',
        'Keep the seconds around events as clips (node recorder).',
        default='false',
        choices=('true', 'false'),
    ),
    LaunchArgument('clip_folder', 'Where the clips go.', nodes=('recorder',)),
    LaunchArgument(
        'memory',
        'Remember embeddings and events on disk, and serve search (node memory; needs lancedb).',
        default='false',
        choices=('true', 'false'),
    ),
    LaunchArgument(
        'memory_uri',
        'Where the memory is: a folder, an object store or a server of LanceDB.',
        nodes=('memory',),
    ),
    LaunchArgument(
        'rviz',
        'Open rviz2 with the pictures, words and change curves.',
        default='false',
        choices=('true', 'false'),
    ),
    LaunchArgument(
        'rviz_frame',
        'Frame that rviz2 shows everything in, such as base_link. Empty: as in the shipped file, '
        'which is that of the shipped camera.',
    ),
    LaunchArgument(
        'use_sim_time',
        'Take the time from /clock, as with a recording.',
        choices=FLAG_CHOICES,
        nodes=ALL_NODES,
        parse=flag,
    ),
    LaunchArgument(
        'autostart',
        'Configure and activate the nodes by themselves.',
        choices=FLAG_CHOICES,
        nodes=ALL_NODES,
        parse=flag,
    ),
    LaunchArgument(
        'log_level',
        'Least severity of the log.',
        default='info',
        choices=('debug', 'info', 'warn', 'error', 'fatal'),
    ),
)


def description_of(argument: LaunchArgument) -> str:
    """Return the description, with what an empty value means."""
    if argument.nodes and argument.name != 'video':
        return f'{argument.description} Empty: as in params_file.'
    if argument.name == 'params_file':
        return f'{argument.description} Empty: the shipped {PARAMS_FILE}.'
    return argument.description


def pipeline_arguments(values: Mapping[str, str]) -> list[str]:
    """Return the command line of the pipeline process for argument values.

    Args:
        values: texts by argument name; a missing one has its default.

    Raises:
        ConfigurationError: an unknown name, or a value that is not allowed.
        ResourceNotFoundError: the shipped parameter file is missing.
    """
    values = _complete(values)
    namespace = '/' + values['namespace'].strip('/')
    params_file = Path(values['params_file'] or find_resource(PARAMS_FILE)).expanduser()
    if not params_file.is_file():
        raise ConfigurationError(f'params_file: there is no file {str(params_file)!r}')
    command = ['--with-camera'] if values['video'] else []
    command += ['--with-recorder'] if values['record'] == 'true' else []
    command += ['--with-memory'] if values['memory'] == 'true' else []
    overrides = parameter_overrides(values)
    if overrides:
        command += ['--parameters', json.dumps(overrides)]
    command += ['--ros-args', '-r', f'__ns:={namespace}', '--log-level', values['log_level']]
    return [*command, '--params-file', str(params_file)]


def parameter_overrides(values: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return the node parameters that given arguments set, by node.

    Raises:
        ConfigurationError: an unknown name, or a value that is not allowed.
    """
    values = _complete(values)
    overrides: dict[str, dict[str, Any]] = {}
    for argument in ARGUMENTS:
        if not argument.nodes or not values[argument.name]:
            continue
        try:
            value = argument.parse(values[argument.name])
        except ValueError as error:
            kind = {int: 'a whole number', float: 'a number', flag: 'true or false'}
            raise ConfigurationError(
                f'{argument.name} is {values[argument.name]!r}; allowed is '
                f'{kind.get(argument.parse, "a text")}'
            ) from error
        for node in argument.nodes:
            overrides.setdefault(node, {})[argument.name] = value
    return overrides


def _complete(values: Mapping[str, str]) -> dict[str, str]:
    table = {argument.name: argument for argument in ARGUMENTS}
    unknown = sorted(set(values) - set(table))
    if unknown:
        raise ConfigurationError(f'Unknown arguments {unknown}; allowed are {sorted(table)}')
    full = {name: values.get(name, argument.default) for name, argument in table.items()}
    for name, argument in table.items():
        if argument.choices and full[name] not in argument.choices:
            allowed = ', '.join(repr(choice) for choice in argument.choices if choice)
            raise ConfigurationError(f'{name} is {full[name]!r}; allowed is {allowed}')
    return full
