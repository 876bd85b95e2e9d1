# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sequential Ward: what it would cost to leave the newest samples in the segment.

Ward's method merges the two neighbouring segments whose merging adds least to the sum of squared
distances from the means: |A| |B| / (|A| + |B|) * |mean A - mean B|² (Ward 1963). arXiv 2512.10942
segments whole recordings so (§3.3). Here A is the present segment and B its newest samples, for
every length of B; the costliest B that costs more than a threshold is a new segment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.stream.changes.detector import CommonConfig, SegmentDetector
from vljepa_ros.stream.changes.segment_window import WINDOW, SegmentWindow


@dataclass(frozen=True)
class WardConfig:
    """Settings of `WardDetector`.

    Attributes:
        threshold: cost above which the newest samples are a segment of their own, > 0. Two samples
            at a right angle to a long segment cost 2 * 2 * most_before / (2 + most_before).
        least: samples that a new segment has at least.
        most_after: samples that a new segment has at most when it is found.
        most_before: as how many samples the old segment counts at most, so that a change is found
            as soon after a long segment as after a shorter one.
    """

    threshold: float = 1.0
    least: int = 2
    most_after: int = 16
    most_before: int = 8

    def __post_init__(self) -> None:
        """Reject values outside their ranges."""
        if not self.threshold > 0.0 or self.most_before < 1:
            raise ConfigurationError(
                f'threshold {self.threshold} must be > 0, most_before {self.most_before} >= 1'
            )
        if not 1 <= self.least <= self.most_after <= WINDOW:
            raise ConfigurationError(
                f'least {self.least} and most_after {self.most_after} must fulfil '
                f'1 <= least <= most_after <= {WINDOW}'
            )


class WardDetector(SegmentDetector):
    """Weighs every division of the present segment in two."""

    def __init__(
        self, config: WardConfig | None = None, common: CommonConfig | None = None
    ) -> None:
        """Create a detector that has seen nothing."""
        super().__init__(common)
        self.config = config or WardConfig()

    def _find(self, window: SegmentWindow, strictness: float) -> int:
        config = self.config
        most = min(config.most_after, window.held, window.count - 1)
        self._evidence = 0.0
        if most < config.least:
            return 0
        samples = window.newest(most)
        # Squared lengths of the sums of the newest 1, 2, … samples, from all their products, and
        # their products with the whole: faster than the sums [K, D] themselves.
        products = (samples @ samples.T)[::-1, ::-1].cumsum(axis=0).cumsum(axis=1)
        lengths = products.diagonal()[config.least - 1 :]
        shared = (samples @ window.total)[::-1].cumsum()[config.least - 1 :]
        after = np.arange(config.least, most + 1)
        before = window.count - after
        # |(total - tail) / before - tail / after|²
        share = 1.0 / before + 1.0 / after
        apart = (
            (window.total @ window.total) / before**2
            - 2.0 * share / before * shared
            + share**2 * lengths
        )
        weight = np.minimum(before, config.most_before)
        cost = weight * after / (weight + after) * apart
        best = int(cost.argmax())
        self._evidence = float(cost[best]) / (config.threshold * strictness)
        return int(after[best]) if self._evidence > 1.0 else 0
