# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cumulative sum (Page 1954) of the distances from the segment's mean."""

from __future__ import annotations

from dataclasses import dataclass

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.stream.changes.change import cosine_distance
from vljepa_ros.stream.changes.detector import CommonConfig, SegmentDetector
from vljepa_ros.stream.changes.segment_window import SegmentWindow


@dataclass(frozen=True)
class CusumConfig:
    """Settings of `CusumDetector`.

    Attributes:
        allowance: cosine distance from the segment's mean that is usual within it, in (0, 2).
        threshold: sum of the distances above it that makes a change, > 0.
    """

    allowance: float = 0.15
    threshold: float = 0.6

    def __post_init__(self) -> None:
        """Reject values outside their ranges."""
        if not 0.0 < self.allowance < 2.0 or not self.threshold > 0.0:
            raise ConfigurationError(
                f'allowance {self.allowance} must lie in (0, 2), threshold {self.threshold} '
                'must be > 0'
            )


class CusumDetector(SegmentDetector):
    """Adds up how much further than usual the samples are from the segment's mean."""

    def __init__(
        self, config: CusumConfig | None = None, common: CommonConfig | None = None
    ) -> None:
        """Create a detector that has seen nothing."""
        super().__init__(common)
        self.config = config or CusumConfig()
        self._sum, self._suspects = 0.0, 0

    def _begin(self, window: SegmentWindow) -> None:
        self._sum, self._suspects = 0.0, 0

    def _find(self, window: SegmentWindow, strictness: float) -> int:
        config = self.config
        suspects = min(self._suspects + 1, window.held, window.count - 1)
        distance = cosine_distance(window.without_newest(suspects), window.newest(1)[0])
        self._sum = max(0.0, self._sum + distance - config.allowance * strictness)
        self._suspects = suspects if self._sum > 0.0 else 0
        self._evidence = self._sum / (config.threshold * strictness)
        return self._suspects if self._evidence > 1.0 else 0
