# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Prediction error against what is usual in this stream (ESTimator, arXiv 2510.06855)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.stream.changes.change import cosine_distance
from vljepa_ros.stream.changes.detector import CommonConfig, SegmentDetector
from vljepa_ros.stream.changes.segment_window import SegmentWindow
from vljepa_ros.stream.stamps import SECOND_NS

FIRST_MEAN, FIRST_DEVIATION = 0.02, 0.02  # of the errors, before there are any


@dataclass(frozen=True)
class SurpriseConfig:
    """Settings of `SurpriseDetector`.

    Attributes:
        deviations: standard deviations above the usual error from which on an error is a change.
        floor: error in (0, 1) below which nothing is a change, however quiet the stream was.
        memory: share of the old statistics that a sample leaves, in (0, 1).
        smoothing: share of a new sample in the prediction of the next one, in (0, 1].
        gap_s: seconds without a large error after which the next one is another change.
    """

    deviations: float = 3.0
    floor: float = 0.03
    memory: float = 0.98
    smoothing: float = 0.5
    gap_s: float = 0.6

    def __post_init__(self) -> None:
        """Reject values outside their ranges."""
        good = self.deviations > 0.0 and 0.0 < self.floor < 1.0 and 0.0 < self.memory < 1.0
        if not good or not 0.0 < self.smoothing <= 1.0 or not 0.0 <= self.gap_s < math.inf:
            raise ConfigurationError(
                f'deviations {self.deviations} must be > 0, floor {self.floor} and memory '
                f'{self.memory} in (0, 1), smoothing {self.smoothing} in (0, 1], gap_s '
                f'{self.gap_s} >= 0'
            )


class SurpriseDetector(SegmentDetector):
    """Predicts each sample from those before it, and learns how large its errors usually are."""

    def __init__(
        self, config: SurpriseConfig | None = None, common: CommonConfig | None = None
    ) -> None:
        """Create a detector that has seen nothing."""
        super().__init__(common)
        self.config = config or SurpriseConfig()
        self._forget()

    def reset(self) -> None:
        """Forget the stream."""
        super().reset()
        self._forget()

    def _forget(self) -> None:
        self._prediction: np.ndarray | None = None
        self._mean, self._variance = FIRST_MEAN, FIRST_DEVIATION**2
        self._large_ns: int | None = None

    def _find(self, window: SegmentWindow, strictness: float) -> int:
        config = self.config
        sample, stamp_ns = window.newest(1)[0], int(window.stamps(1)[0])
        predicted = self._prediction if self._prediction is not None else window.newest(2)[0]
        self._prediction = config.smoothing * sample + (1.0 - config.smoothing) * predicted
        error = 0.5 * cosine_distance(predicted, sample)
        usual = self._mean + config.deviations * math.sqrt(self._variance)
        limit = max(config.floor, usual) * strictness
        self._learn(min(error, usual))
        self._evidence = error / limit
        if error <= limit:
            return 0
        quiet = self._large_ns is None or stamp_ns - self._large_ns > config.gap_s * SECOND_NS
        self._large_ns = stamp_ns
        return 1 if quiet else 0

    def _learn(self, error: float) -> None:
        kept, new = self.config.memory, 1.0 - self.config.memory
        self._mean = kept * self._mean + new * error
        self._variance = kept * self._variance + new * (error - self._mean) ** 2
