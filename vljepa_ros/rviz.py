# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The window of rviz2 that `rviz:=true` opens."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

from vljepa_ros.errors import MissingDependencyError
from vljepa_ros.resources import find_resource

SETTINGS = 'config/vljepa.rviz'
NAMESPACE, TOPICS = '/vljepa', ('events/image', 'events/markers')  # as in the settings


def rviz_command(values: Mapping[str, str]) -> list[str]:
    """Return the command that opens rviz2, or nothing if it is not wanted.

    Args:
        values: of the start arguments `rviz`, `rviz_frame` and `namespace`, as texts.

    Raises:
        MissingDependencyError: rviz2 is not installed.
        ResourceNotFoundError: the shipped settings are missing.
    """
    if values['rviz'] != 'true':
        return []
    program = shutil.which('rviz2')
    if program is None:
        distro = os.environ.get('ROS_DISTRO') or '$ROS_DISTRO'
        raise MissingDependencyError(
            'rviz is true, but rviz2 is not installed or not on the path. Install it with `sudo '
            f'apt install ros-{distro}-rviz2` and source the installation, or leave rviz out'
        )
    command = [program, '-d', str(find_resource(SETTINGS))]
    if values['rviz_frame']:
        command += ['-f', values['rviz_frame']]
    namespace = '/' + values['namespace'].strip('/')
    if namespace != NAMESPACE:
        command.append('--ros-args')
        for topic in TOPICS:
            command += ['-r', f'{NAMESPACE}/{topic}:={namespace.rstrip("/")}/{topic}']
    return command
