# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Open-vocabulary classification: which of all action phrases is nearest to the prediction?

Used for what a clip shows (query 'caption') and for what comes after it (query 'next'). Colours
are no part of the labels, so a label is an action with a kind of object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from training.evaluation.intervals import exact, rate_score
from training.evaluation.measured import Measured, by_frequency, majority_share

Label = tuple[str, str | None]  # action, kind


def score_classification(
    name: str,
    predicted: np.ndarray,
    truth: Sequence[Label],
    *,
    episodes: Sequence[int],
    labels: Sequence[Label],
    label_embeddings: np.ndarray,
    prior: Mapping[Label, float],
) -> Measured:
    """Score top-1.

    Args:
        name: of the metric.
        predicted: unit vectors float32 [N, D].
        truth: the right label of each.
        episodes: where each comes from.
        labels: all L labels.
        label_embeddings: unit vectors float32 [L, D] of their phrases.
        prior: how often training shows each label; the blind baseline always gives the most
            frequent one.
    """
    chosen = (predicted @ label_embeddings.T).argmax(-1)
    right = [labels[index] == true for index, true in zip(chosen, truth, strict=True)]
    blind = dict(zip(labels, by_frequency(labels, prior), strict=True))
    result = Measured()
    result.scores[name] = rate_score(right, episodes)
    result.scores[f'{name}:chance'] = exact(1.0 / len(labels))
    result.scores[f'{name}:majority'] = exact(majority_share(truth))
    result.scores[f'{name}:blind'] = rate_score([blind.get(t, 0.0) for t in truth], episodes)
    result.raw[name] = {
        'episode': list(episodes),
        'truth': [in_words(true) for true in truth],
        'answer': [in_words(labels[index]) for index in chosen],
    }
    return result


def in_words(label: Label) -> str:
    """Return a label for a reader."""
    return ' '.join(part for part in label if part)
