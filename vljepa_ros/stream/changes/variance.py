# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Variance within a sliding window, which arXiv 2512.10942 (§3.3) suggests for streams."""

from __future__ import annotations

from dataclasses import dataclass

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.stream.changes.detector import CommonConfig, SegmentDetector
from vljepa_ros.stream.changes.segment_window import WINDOW, SegmentWindow


@dataclass(frozen=True)
class VarianceConfig:
    """Settings of `VarianceDetector`.

    Attributes:
        threshold: mean squared distance of the window's unit vectors from their mean, in (0, 1),
            above which the window lies across a border.
        release: share of `threshold` below which it must have come before the next change.
        samples: length of the window.
    """

    threshold: float = 0.15
    release: float = 0.6
    samples: int = 6

    def __post_init__(self) -> None:
        """Reject values outside their ranges."""
        if not 0.0 < self.threshold < 1.0 or not 0.0 < self.release <= 1.0:
            raise ConfigurationError(
                f'threshold {self.threshold} must lie in (0, 1), release {self.release} in (0, 1]'
            )
        if not 2 <= self.samples <= WINDOW:
            raise ConfigurationError(f'samples is {self.samples}; use 2 to {WINDOW}')


class VarianceDetector(SegmentDetector):
    """Finds a change in the middle of a window whose samples differ."""

    def __init__(
        self, config: VarianceConfig | None = None, common: CommonConfig | None = None
    ) -> None:
        """Create a detector that has seen nothing."""
        super().__init__(common)
        self.config = config or VarianceConfig()
        self._armed = True

    def reset(self) -> None:
        """Forget the stream."""
        super().reset()
        self._armed = True

    def _begin(self, window: SegmentWindow) -> None:
        self._armed = window.count == 1

    def _find(self, window: SegmentWindow, strictness: float) -> int:
        config = self.config
        self._evidence = 0.0
        if window.held < config.samples:
            return 0
        mean = window.newest(config.samples).mean(axis=0)
        variance = 1.0 - float(mean @ mean)
        threshold = config.threshold * strictness
        self._armed = self._armed or variance < config.release * threshold
        if not self._armed:
            return 0
        self._evidence = variance / threshold
        return config.samples // 2 if self._evidence > 1.0 else 0
