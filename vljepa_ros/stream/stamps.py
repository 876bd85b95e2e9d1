# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Stamps are whole nanoseconds: seconds as a float do not resolve the time of a wall clock."""

from __future__ import annotations

SECOND_NS = 1_000_000_000
