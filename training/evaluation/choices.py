# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Choosing among a few candidates: the nearest embedding wins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def nearest(predicted: np.ndarray, candidates: Sequence[np.ndarray]) -> list[int]:
    """Return for each prediction the number of its nearest candidate.

    Args:
        predicted: unit vectors float32 [N, D].
        candidates: N arrays of unit vectors float32 [C, D]; C may differ.
    """
    return [
        int((own @ vector).argmax()) for vector, own in zip(predicted, candidates, strict=True)
    ]


def most_central(candidates: Sequence[np.ndarray]) -> list[int]:
    """Return for each item the candidate that is most like all others, without any video.

    Where distractors are made by changing the right answer, it may give the answer away.
    """
    return [int((own @ own.T).sum(1).argmax()) for own in candidates]
