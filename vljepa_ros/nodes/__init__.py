# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Thin ROS shells around model, stream and world; the only part that speaks to a ROS graph."""

# Before any other import of a node: missing interfaces are then one clear error.
import vljepa_ros.interfaces  # noqa: F401
