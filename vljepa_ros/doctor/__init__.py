# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa doctor`: what this machine has, and what to do about what is missing.

One module per area of checks. A check yields findings; whatever it imports that may be missing or
broken is imported in a child process.
"""
