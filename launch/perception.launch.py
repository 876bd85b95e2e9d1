# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Starts perception, event and world_model in one process around one model.

On a live camera: ros2 launch vljepa_ros perception.launch.py image:=/camera/image_raw
All arguments: ros2 launch vljepa_ros perception.launch.py --show-args
"""

from __future__ import annotations

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    OpaqueFunction,
    SetEnvironmentVariable,
)
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from vljepa_ros.launch_arguments import ARGUMENTS, description_of, pipeline_arguments
from vljepa_ros.process_environment import missing_environment
from vljepa_ros.rviz import rviz_command


def start_pipeline(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Return the process of the nodes, and rviz2 if it is wanted.

    The first gets no `name`, which would rename every node in it.
    """
    values = {
        argument.name: LaunchConfiguration(argument.name).perform(context)
        for argument in ARGUMENTS
    }
    viewer = rviz_command(values)
    return [
        Node(
            package='vljepa_ros',
            executable='pipeline',
            output='screen',
            arguments=pipeline_arguments(values),
        ),
        *([ExecuteProcess(cmd=viewer, output='log')] if viewer else []),
    ]


def generate_launch_description() -> LaunchDescription:
    """Return what `ros2 launch` runs."""
    variables = [
        SetEnvironmentVariable(name, value) for name, value in missing_environment().items()
    ]
    arguments = [
        DeclareLaunchArgument(
            argument.name,
            default_value=argument.default,
            description=description_of(argument),
            choices=list(argument.choices) or None,
        )
        for argument in ARGUMENTS
    ]
    return LaunchDescription([*variables, *arguments, OpaqueFunction(function=start_pipeline)])
