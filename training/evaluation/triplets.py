# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Does the Y-Encoder put two phrasings of one meaning closer than a text that means another?

As in arXiv 2512.10942, §4.7: a triplet is right if sim(p1, p2) beats sim(p1, n) and sim(p2, n).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.evaluation.captions import tokens
from training.evaluation.intervals import exact, rate_score
from training.evaluation.measured import Measured
from training.world.language import Triplet


def score_triplets(embeddings: np.ndarray, triplets: Sequence[Triplet]) -> Measured:
    """Score triplets, overall and for each kind of difference.

    Args:
        embeddings: unit vectors float32 [N, 3, D] of (positive 1, positive 2, negative).
        triplets: N.
    """
    right = are_right(embeddings)
    # Blind to meaning: the share of words that two texts have in common.
    words = np.array([word_overlaps(triplet) for triplet in triplets]).reshape(-1, 3)
    overlap = (words[:, 0] > words[:, 1]) & (words[:, 0] > words[:, 2])
    kinds = list(dict.fromkeys(triplet.kind for triplet in triplets))
    result = Measured()
    for name, kind in [('triplets', None), *((f'triplets_{kind}', kind) for kind in kinds)]:
        rows = [r for r, triplet in enumerate(triplets) if kind in (None, triplet.kind)]
        result.scores[name] = rate_score(right[rows], rows)
        # Of three similarities in random order the wanted one is the greatest in a third.
        result.scores[f'{name}:chance'] = exact(1.0 / 3.0)
        result.scores[f'{name}:blind'] = rate_score(overlap[rows], rows)
    result.raw['triplets'] = {
        'kind': [triplet.kind for triplet in triplets],
        'right': [int(value) for value in right],
    }
    return result


def are_right(embeddings: np.ndarray) -> np.ndarray:
    """Return bool [N] for unit vectors [N, 3, D]."""
    first, second, other = np.moveaxis(embeddings, 1, 0)
    same = (first * second).sum(-1)
    return np.asarray((same > (first * other).sum(-1)) & (same > (second * other).sum(-1)))


def word_overlaps(triplet: Triplet) -> tuple[float, float, float]:
    """Return the Jaccard overlaps of words: (p1, p2), (p1, n), (p2, n)."""
    texts = (triplet.positive1, triplet.positive2, triplet.negative)
    first, second, other = (set(tokens(text).split()) for text in texts)

    def jaccard(one: set[str], two: set[str]) -> float:
        return len(one & two) / max(len(one | two), 1)

    return jaccard(first, second), jaccard(first, other), jaccard(second, other)
