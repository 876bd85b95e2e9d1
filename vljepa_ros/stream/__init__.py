# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What happens over time: frames → clips, embeddings → segments. No ROS, no torch."""
