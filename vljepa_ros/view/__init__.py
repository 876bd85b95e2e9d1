# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a camera's picture looks like with the words and the change curve; no ROS."""
