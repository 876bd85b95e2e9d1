# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Compute threads: how many there may be, and how they wait.

OpenMP's threads busy-wait by default. Beside other busy processes, as ROS nodes are, that slows
the model by a factor of 40; passive waiting costs next to nothing.
"""

from __future__ import annotations

import os


def usable_cores() -> int:
    """Return how many cores this process may use; fewer than there are in some containers."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        return os.cpu_count() or 1


def wait_passively() -> None:
    """Ask OpenMP to sleep while it waits, unless the user has chosen otherwise.

    Has an effect only before torch is imported.
    """
    os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
