# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the detectors share: the present segment, its end, and the pace of changes."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.stream.changes.change import Change, check_embedding, cosine_distance
from vljepa_ros.stream.changes.pace import Pace, PaceConfig
from vljepa_ros.stream.changes.segment_window import SegmentWindow
from vljepa_ros.stream.stamps import SECOND_NS


@dataclass(frozen=True)
class CommonConfig:
    """Settings of every detector.

    Attributes:
        sensitivity: divides the detector's thresholds: 2 finds changes of half the size.
        blur_s: samples nearer than this to a border see both sides of it, since a sample sees a
            whole clip: they count for no segment's mean, and a second border so near to the first
            one only moves the samples that count.
        pace: how often changes may come.
    """

    sensitivity: float = 1.0
    blur_s: float = 0.4
    pace: PaceConfig = PaceConfig()

    def __post_init__(self) -> None:
        """Reject values outside their ranges."""
        if not 0.0 < self.sensitivity < math.inf:
            raise ConfigurationError(f'sensitivity is {self.sensitivity}; use more than 0')
        if not 0.0 <= self.blur_s < math.inf:
            raise ConfigurationError(f'blur_s is {self.blur_s}; use 0 or more')


class SegmentDetector(ABC):
    """A detector that looks at the present segment's newest samples.

    A subclass says where in them a new meaning begins.
    """

    def __init__(self, common: CommonConfig | None = None) -> None:
        """Create a detector that has seen nothing."""
        self.common = common or CommonConfig()
        self._window: SegmentWindow | None = None
        self._pace = Pace(self.common.pace)
        self._evidence = 0.0

    @property
    def segment_mean(self) -> np.ndarray | None:
        """Mean [D], not normalised, of the present segment's samples; None before the first."""
        return None if self._window is None else self._window.mean

    @property
    def evidence(self) -> float:
        """How near the newest sample is to a change: 0 is far, from 1 on it is one."""
        return self._evidence

    def configure(self, common: CommonConfig) -> None:
        """Change the settings from the next sample on; what has been seen stays."""
        self.common = common
        self._pace.config = common.pace

    def reset(self) -> None:
        """Forget the stream."""
        self._window = None
        self._pace = Pace(self.common.pace)
        self._evidence = 0.0

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
        window = self._window
        check_embedding(embedding, known=None if window is None else window.total)
        if window is None:
            self._window = SegmentWindow(stamp_ns, embedding)
            self._begin(self._window)
            self._pace.note(stamp_ns)
            return Change(stamp_ns, stamp_ns, 0.0)
        window.add(stamp_ns, embedding)
        strictness = self._pace.strictness(stamp_ns)
        too_early = math.isinf(strictness)  # what is suspected now may be a change later
        usual = (1.0 if too_early else strictness) / self.common.sensitivity
        count = min(self._find(window, usual), window.held, window.count - 1)
        if too_early:
            return None
        if count < 1:
            return self._cut(window, 1, stamp_ns) if self._pace.is_overdue(stamp_ns) else None
        border_ns = int(window.stamps(count)[0])
        if border_ns - window.start_ns < self.common.blur_s * SECOND_NS:
            window.forget_but_newest(count)  # the last change was not over yet
            self._begin(window)
            return None
        return self._cut(window, count, stamp_ns)

    def _cut(self, window: SegmentWindow, count: int, stamp_ns: int) -> Change:
        before = window.split(count, blur_ns=round(self.common.blur_s * SECOND_NS))
        self._pace.note(stamp_ns)
        self._begin(window)
        return Change(window.start_ns, stamp_ns, cosine_distance(before, window.total), before)

    @abstractmethod
    def _find(self, window: SegmentWindow, strictness: float) -> int:
        """Return how many of the newest samples are of a new meaning; 0 if none are yet.

        Sets `_evidence`.

        Args:
            window: the present segment with at least two samples.
            strictness: what the thresholds are multiplied by.
        """

    def _begin(self, window: SegmentWindow) -> None:  # noqa: B027 - most have nothing to do
        """Note that a segment has begun."""
