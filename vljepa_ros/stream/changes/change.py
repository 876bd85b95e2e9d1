# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A change of meaning, and what every detector of changes offers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from vljepa_ros.errors import StreamError


@dataclass(frozen=True)
class Change:
    """A change that is now sure.

    Attributes:
        start_ns: stamp of the first sample of the new meaning.
        detected_ns: stamp of the sample that made it sure.
        distance: cosine distance between the meanings before and after, in [0, 2]; 0 for the
            first segment of a stream.
        before: mean [D], not normalised, of the segment that has ended; None for the first.
    """

    start_ns: int
    detected_ns: int
    distance: float
    before: np.ndarray | None = field(default=None, compare=False)


class ChangeDetector(Protocol):
    """What every detector offers; constant time and memory a sample."""

    def update(self, stamp_ns: int, embedding: np.ndarray) -> Change | None:
        """Take the next unit vector [D]; return a change if one is sure now.

        Raises:
            StreamError: the vector has another length than the last one, or is not finite; the
                state is unchanged.
        """

    @property
    def segment_mean(self) -> np.ndarray | None:
        """Mean [D], not normalised, of the present segment's samples; None before the first."""

    @property
    def evidence(self) -> float:
        """How near the newest sample is to a change: 0 is far, from 1 on it is one."""

    def reset(self) -> None:
        """Forget the stream."""


def check_embedding(embedding: np.ndarray, *, known: np.ndarray | None) -> None:
    """Check a stream's next vector.

    Args:
        embedding: what should be a finite vector [D].
        known: a vector of the same stream, None before the first.

    Raises:
        StreamError: it has another shape, or holds NaN or infinity.
    """
    if embedding.ndim != 1 or (known is not None and len(embedding) != len(known)):
        raise StreamError(
            f'An embedding of shape {list(embedding.shape)} came into a stream of vectors of '
            f'length {"D" if known is None else len(known)}; use one model for one stream'
        )
    if not np.isfinite(embedding).all():
        raise StreamError('An embedding holds NaN or infinity; it was left out')


def cosine_distance(one: np.ndarray, other: np.ndarray) -> float:
    """Return 1 - cosine of two vectors [D], in [0, 2]; 1 if one of them is zero."""
    norms = float(one @ one) * float(other @ other)
    return 1.0 - float(one @ other) / max(norms**0.5, 1e-12)
