# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Turns a stream of embeddings into segments of constant meaning, each started and ended once."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from vljepa_ros.stream.changes.change import Change, ChangeDetector, check_embedding


class Phase(enum.Enum):
    """STARTED: a new meaning is sure. ENDED: the segment is over."""

    STARTED = 1
    ENDED = 2


@dataclass(frozen=True)
class SegmentUpdate:
    """A segment that has just started or ended.

    Attributes:
        phase: which of the two.
        segment_id: counts from 0; both phases of one segment share it.
        start_ns: stamp of the segment's first sample.
        end_ns: while STARTED the stamp of the newest sample. ENDED: the stamp of the next
            segment's first sample, so no gap is left; of its own last one if the stream ended.
        embedding: unit vector float32 [D]: the mean of the samples since the change (STARTED) or
            of the whole segment (ENDED).
        change: cosine distance to the segment before, in [0, 2]; 0 for the first one.
    """

    phase: Phase
    segment_id: int
    start_ns: int
    end_ns: int
    embedding: np.ndarray
    change: float


class SegmentTracker:
    """Follows one stream (one camera, one query, one model) through a change detector."""

    def __init__(self, detector: ChangeDetector) -> None:
        """Create a tracker that owns `detector`."""
        self._detector = detector
        self._change: Change | None = None
        self._segment_id = -1
        self._last_ns = 0

    def update(self, stamp_ns: int, embedding: np.ndarray) -> list[SegmentUpdate]:
        """Take the next sample; time that jumps backwards ends the segment and starts anew.

        Args:
            stamp_ns: stamp in nanoseconds.
            embedding: unit vector [D].

        Returns:
            Nothing while the meaning lasts; else what ended and what started, in this order.

        Raises:
            StreamError: a vector of another length or not finite; the state is unchanged.
        """
        # Before the flush: a vector that is refused must not end the segment.
        check_embedding(embedding, known=self._detector.segment_mean)
        updates = self.flush() if self._change is not None and stamp_ns < self._last_ns else []
        change = self._detector.update(stamp_ns, embedding)
        if change is not None:
            if self._change is not None and change.before is not None:
                # No gap is left: the old segment ends where the new one starts.
                updates.append(self._segment(Phase.ENDED, change.start_ns, change.before))
            self._change = change
            self._segment_id += 1
            opening = self._detector.segment_mean
            assert opening is not None
            updates.append(self._segment(Phase.STARTED, stamp_ns, opening))
        self._last_ns = stamp_ns
        return updates

    def flush(self) -> list[SegmentUpdate]:
        """End the present segment, as at the end of a recording, and forget the stream."""
        mean = self._detector.segment_mean
        ended = []
        if self._change is not None and mean is not None:
            ended.append(self._segment(Phase.ENDED, self._last_ns, mean))
        self._detector.reset()
        self._change = None
        return ended

    def _segment(self, phase: Phase, end_ns: int, mean: np.ndarray) -> SegmentUpdate:
        assert self._change is not None
        unit = mean / max(float(np.linalg.norm(mean)), 1e-12)
        return SegmentUpdate(
            phase=phase,
            segment_id=self._segment_id,
            start_ns=self._change.start_ns,
            end_ns=end_ns,
            embedding=unit.astype(np.float32),
            change=self._change.distance,
        )
