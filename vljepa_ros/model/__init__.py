# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What VL-JEPA is: its four networks, their configuration, their checkpoints (PyTorch)."""
