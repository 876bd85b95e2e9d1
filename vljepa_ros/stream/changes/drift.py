# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cosine drift from the segment's running mean, with hysteresis and confirmation."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.stream.changes.change import cosine_distance
from vljepa_ros.stream.changes.detector import CommonConfig, SegmentDetector
from vljepa_ros.stream.changes.segment_window import WINDOW, SegmentWindow
from vljepa_ros.stream.stamps import SECOND_NS


@dataclass(frozen=True)
class DriftConfig:
    """Settings of `DriftDetector`.

    Attributes:
        threshold: cosine distance from the segment's mean above which a sample may belong to a
            new meaning, in (0, 2).
        release: share of `threshold` below which it certainly belongs to the old one, in (0, 1].
        confirm_s: how long a new meaning must last to be sure, in seconds; with 0 a single
            strange sample is a change.
    """

    threshold: float = 0.3
    release: float = 0.9
    confirm_s: float = 0.4

    def __post_init__(self) -> None:
        """Reject values outside their ranges."""
        good = 0.0 < self.threshold < 2.0 and 0.0 < self.release <= 1.0
        if not good or not 0.0 <= self.confirm_s < math.inf:
            raise ConfigurationError(
                f'threshold {self.threshold} must lie in (0, 2), release {self.release} in (0, 1] '
                f'and confirm_s {self.confirm_s} must be >= 0'
            )


class DriftDetector(SegmentDetector):
    """A sample far from the segment's mean opens a suspicion, which must last.

    It becomes a change when the samples since then agree with each other for `confirm_s`, and is
    dropped as soon as one is near the old mean again: a single strange sample makes no event.
    """

    def __init__(
        self, config: DriftConfig | None = None, common: CommonConfig | None = None
    ) -> None:
        """Create a detector that has seen nothing."""
        super().__init__(common)
        self.config = config or DriftConfig()
        self._suspects = 0

    def _begin(self, window: SegmentWindow) -> None:
        self._suspects = 0

    def _find(self, window: SegmentWindow, strictness: float) -> int:
        config = self.config
        suspects = min(self._suspects + 1, window.held, window.count - 1)
        sample = window.newest(1)[0]
        distance = cosine_distance(window.without_newest(suspects), sample)
        threshold = config.threshold * strictness
        limit = threshold * config.release if self._suspects else threshold
        self._evidence = 0.0
        if not distance > limit:
            self._suspects = 0
            return 0
        if suspects > 1:
            others = window.newest(suspects)[:-1].sum(axis=0)
            if cosine_distance(others, sample) > threshold:
                suspects = 1  # not the meaning that was suspected
        self._suspects = suspects
        stamps = window.stamps(suspects)
        lasted_s = (int(stamps[-1]) - int(stamps[0])) / SECOND_NS
        self._evidence = min(1.0, lasted_s / config.confirm_s) if config.confirm_s else 1.0
        sure = lasted_s >= config.confirm_s or suspects == WINDOW
        return suspects if sure else 0
