# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Actions and outcomes: what leads from one state to another. No ROS."""
