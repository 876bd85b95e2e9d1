# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Measurements; each writes a JSON file with the machine, the versions and the raw samples."""
