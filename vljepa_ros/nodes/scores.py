# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Ranked texts as messages."""

from __future__ import annotations

from collections.abc import Sequence

from vljepa_ros.interfaces import ScoredText
from vljepa_ros.world.action_inference import ScoredCandidate


def scored_texts(ranked: Sequence[ScoredCandidate]) -> list[ScoredText]:
    """Return ranked texts as messages, in the same order."""
    return [ScoredText(text=item.text, score=item.score) for item in ranked]
