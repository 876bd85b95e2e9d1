# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Selective decoding, measured by the protocol of arXiv 2512.10942 (§4.6)."""
