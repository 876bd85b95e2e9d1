# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Keeps waiting compute threads from spinning; must run before torch is imported.

OpenMP's threads busy-wait by default. Beside other busy processes, as ROS nodes are, that slows
the model by a factor of 40; passive waiting costs next to nothing.
"""

from __future__ import annotations

import os


def wait_passively() -> None:
    """Ask OpenMP to sleep while it waits, unless the user has chosen otherwise."""
    os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
