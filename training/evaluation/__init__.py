# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Measures what a checkpoint understands: `vljepa eval`."""
