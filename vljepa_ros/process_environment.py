# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The environment variables that every process with nodes starts with.

No ROS here: they must be set before it is imported.
"""

from __future__ import annotations

import os

# What a program that does not set the variable sends to a node without it goes through shared
# memory, which holds less than an image; over UDP the node's own, larger buffers take it.
# (LARGE_DATA is as fast, but whoever does not set it neither hears such a node nor is heard.)
TRANSPORT_VARIABLE = 'FASTDDS_BUILTIN_TRANSPORTS'
TRANSPORT = 'UDPv4?sockets_size=4MB'


def missing_environment() -> dict[str, str]:
    """Return the environment variables that the processes need and that the user has not set."""
    # OpenMP's spinning threads slow the model by a factor of 40 on busy cores.
    wanted = {'OMP_WAIT_POLICY': 'PASSIVE'}
    if os.environ.get('ROS_DISTRO') != 'humble':  # its Fast DDS knows no options of a transport
        wanted[TRANSPORT_VARIABLE] = TRANSPORT
    return {name: value for name, value in wanted.items() if name not in os.environ}
