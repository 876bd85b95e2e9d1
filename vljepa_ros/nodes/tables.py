# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parameter tables of all nodes."""

from __future__ import annotations

from vljepa_ros.nodes import (
    camera_node,
    event_parameters,
    memory_parameters,
    perception_node,
    recorder_parameters,
    world_model_node,
)
from vljepa_ros.nodes.parameters import describe_tables

TABLES = {
    'perception': perception_node.PARAMETERS,
    'event': event_parameters.PARAMETERS,
    'world_model': world_model_node.PARAMETERS,
    'recorder': recorder_parameters.PARAMETERS,
    'memory': memory_parameters.PARAMETERS,
    'camera': camera_node.PARAMETERS,
}


def parameters_page() -> str:
    """Return docs/parameters.md."""
    return describe_tables(TABLES)
