# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Decides, sample by sample and without the future, when the meaning of a stream has changed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from vljepa_ros.errors import ConfigurationError, StreamError
from vljepa_ros.stream.stamps import SECOND_NS


@dataclass(frozen=True)
class Change:
    """A change that is now sure.

    Attributes:
        start_ns: stamp of the first sample of the new meaning.
        detected_ns: stamp of the sample that made it sure.
        distance: cosine distance between the meanings before and after, in [0, 2]; 0 for the
            first segment of a stream.
    """

    start_ns: int
    detected_ns: int
    distance: float


class ChangeDetector(Protocol):
    """What every detector offers; constant time and memory a sample."""

    def update(self, stamp_ns: int, embedding: np.ndarray) -> Change | None:
        """Take the next unit vector [D]; return a change if one is sure now."""

    @property
    def segment_mean(self) -> np.ndarray | None:
        """Mean [D], not normalised, of the present segment's samples; None before the first."""

    def reset(self) -> None:
        """Forget the stream."""


@dataclass(frozen=True)
class DriftConfig:
    """Settings of `DriftDetector`.

    Attributes:
        threshold: cosine distance from the segment's mean above which a sample may belong to a
            new meaning, in (0, 2).
        release: distance below which it certainly belongs to the old one, in (0, threshold].
        confirm_s: how long a new meaning must last to be sure, in seconds; with 0 a single
            strange sample is a change.
    """

    threshold: float = 0.3
    release: float = 0.27
    confirm_s: float = 0.4

    def __post_init__(self) -> None:
        """Reject values outside their ranges."""
        ordered = 0.0 < self.release <= self.threshold < 2.0
        if not ordered or not 0.0 <= self.confirm_s < math.inf:
            raise ConfigurationError(
                f'release {self.release} and threshold {self.threshold} must fulfil '
                f'0 < release <= threshold < 2, and confirm_s {self.confirm_s} must be >= 0'
            )


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


class _Mean:
    """Running sum of unit vectors and the stamp of the first."""

    def __init__(self, stamp_ns: int, embedding: np.ndarray) -> None:
        self.start_ns = stamp_ns
        self.total = embedding.astype(np.float64)
        self.count = 1

    def add(self, embedding: np.ndarray) -> None:
        self.total += embedding
        self.count += 1

    def distance(self, embedding: np.ndarray) -> float:
        norm = float(np.linalg.norm(self.total) * np.linalg.norm(embedding))
        return 1.0 - float(self.total @ embedding) / max(norm, 1e-12)


class DriftDetector:
    """Cosine drift from the running segment mean, with hysteresis and confirmation.

    A sample far from the segment's mean opens a suspicion. The suspicion becomes a change when
    the samples since then agree with each other for `confirm_s`; it is dropped as soon as a sample
    is near the old mean again. A single strange sample therefore makes no event.
    """

    def __init__(self, config: DriftConfig | None = None) -> None:
        """Create a detector that has seen nothing."""
        self.config = config or DriftConfig()
        self._segment: _Mean | None = None
        self._suspect: _Mean | None = None

    @property
    def segment_mean(self) -> np.ndarray | None:
        """Mean [D], not normalised, of the present segment's samples; None before the first."""
        return None if self._segment is None else self._segment.total / self._segment.count

    def reset(self) -> None:
        """Forget the stream."""
        self._segment = self._suspect = None

    def update(self, stamp_ns: int, embedding: np.ndarray) -> Change | None:
        """Take the next sample.

        Args:
            stamp_ns: its stamp in nanoseconds, not before the last one.
            embedding: vector [D].

        Returns:
            The change that this sample makes sure, if any; the first sample is one.

        Raises:
            StreamError: the vector has another length than the last one, or is not finite; the
                state is unchanged.
        """
        check_embedding(embedding, known=None if self._segment is None else self._segment.total)
        if self._segment is None:
            self._segment = _Mean(stamp_ns, embedding)
            return Change(stamp_ns, stamp_ns, 0.0)
        distance = self._segment.distance(embedding)
        if distance < self.config.release or (
            self._suspect is None and distance <= self.config.threshold
        ):
            self._suspect = None
            self._segment.add(embedding)
            return None
        if self._suspect is None or self._suspect.distance(embedding) > self.config.threshold:
            self._suspect = _Mean(stamp_ns, embedding)
        else:
            self._suspect.add(embedding)
        if stamp_ns - self._suspect.start_ns < self.config.confirm_s * SECOND_NS:
            return None
        before, self._segment, self._suspect = self._segment, self._suspect, None
        return Change(self._segment.start_ns, stamp_ns, before.distance(self._segment.total))
