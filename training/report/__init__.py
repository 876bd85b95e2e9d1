# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the measured numbers into README, the pages of docs/ and the models' cards."""
