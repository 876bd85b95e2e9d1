# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From streams of embeddings and events to the rows that are worth keeping."""
