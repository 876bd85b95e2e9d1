# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The paper's controlled comparison (arXiv 2512.10942, §4.5), ablations, and X-Encoders."""
