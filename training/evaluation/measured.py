# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a task returns: its scores, those of its baselines, and the samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from training.evaluation.intervals import Score

Key = TypeVar('Key', bound=Hashable)


@dataclass
class Measured:
    """Scores of one task.

    Attributes:
        scores: 'metric' or 'metric:baseline' -> score.
        raw: metric -> the samples as columns of equal length.
    """

    scores: dict[str, Score] = field(default_factory=dict)
    raw: dict[str, dict[str, list[object]]] = field(default_factory=dict)


def by_frequency(candidates: Sequence[Key], counts: Mapping[Key, float]) -> list[float]:
    """Return how likely each candidate is to be picked by 'take the most frequent one'.

    Ties share: where no candidate was ever counted, all are equally likely.
    """
    weights = [counts.get(candidate, 0.0) for candidate in candidates]
    best = max(weights)
    return [float(weight == best) / weights.count(best) for weight in weights]


def majority_share(answers: Sequence[Hashable]) -> float:
    """Return the share of the most frequent answer: what always giving it would score."""
    return max(Counter(answers).values(), default=0) / max(len(answers), 1)
