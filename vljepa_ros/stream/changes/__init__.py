# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Detectors of changes of meaning: sample by sample, without the future, in constant time."""
