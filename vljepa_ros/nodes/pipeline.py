# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""perception, event and world_model in one process around one model; others if asked."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from rclpy.parameter import Parameter
from rclpy.utilities import remove_ros_args

from vljepa_ros.nodes.camera_node import CameraNode
from vljepa_ros.nodes.engine_host import EngineHost
from vljepa_ros.nodes.event_node import EventNode
from vljepa_ros.nodes.lifecycle import ManagedNode
from vljepa_ros.nodes.memory_node import MemoryNode
from vljepa_ros.nodes.perception_node import PerceptionNode
from vljepa_ros.nodes.recorder_node import RecorderNode
from vljepa_ros.nodes.runner import run
from vljepa_ros.nodes.world_model_node import WorldModelNode


def main(args: Sequence[str] | None = None) -> None:
    """Run all nodes until a signal."""
    argv = sys.argv if args is None else ['pipeline', *args]
    parser = argparse.ArgumentParser(prog='pipeline', description=__doc__)
    parser.add_argument('--with-camera', action='store_true', help='also run the node camera')
    parser.add_argument('--with-recorder', action='store_true', help='also run the node recorder')
    parser.add_argument('--with-memory', action='store_true', help='also run the node memory')
    parser.add_argument(
        '--parameters',
        type=json.loads,
        default={},
        metavar='JSON',
        help='parameters by node, which win over files: {"perception": {"rate_hz": 2.0}}',
    )
    options = parser.parse_args(remove_ros_args(argv)[1:])
    host = EngineHost()

    def overrides(node: str) -> dict[str, Any]:
        values = options.parameters.get(node, {})
        return {'parameter_overrides': [Parameter(name, value=values[name]) for name in values]}

    def create() -> list[ManagedNode]:
        nodes: list[ManagedNode] = [
            PerceptionNode(host=host, **overrides('perception')),
            EventNode(host=host, **overrides('event')),
            WorldModelNode(host=host, **overrides('world_model')),
        ]
        # Behind the event node: when all are stopped in turn, they still get the last event.
        if options.with_recorder:
            nodes.append(RecorderNode(**overrides('recorder')))
        if options.with_memory:
            nodes.append(MemoryNode(host=host, **overrides('memory')))
        if options.with_camera:
            camera = CameraNode(**overrides('camera'))
            camera.start_after(list(nodes))  # so that the others see its first frame
            nodes.append(camera)
        return nodes

    run(create, args=argv[1:])
    host.close()


if __name__ == '__main__':
    main()
