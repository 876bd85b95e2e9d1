# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Training side of vljepa_ros: simulator, data, training and evaluation (not for robots)."""
