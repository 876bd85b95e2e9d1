# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which frames of an episode make up a clip.

Every function returns frame numbers int64 [T], or None where the episode has no such clip.
"""

from __future__ import annotations

import numpy as np

from training.world.symbols import Segment

# A clip shows the segment that fills at least this share of it.
MIN_SEGMENT_SHARE = 0.6


def segment_clip(times_s: np.ndarray, segment: Segment, length: int) -> np.ndarray | None:
    """Return the clip in the middle of a segment, if the segment fills enough of it.

    One clip a segment: further ones would show almost the same frames.
    """
    if len(times_s) < length:
        return None
    middles = (times_s[: len(times_s) - length + 1] + times_s[length - 1 :]) / 2
    first = int(np.abs(middles - (segment.start_s + segment.end_s) / 2).argmin())
    frames = first + np.arange(length)
    inside = (times_s[frames] >= segment.start_s) & (times_s[frames] < segment.end_s)
    return frames if inside.mean() >= MIN_SEGMENT_SHARE else None


def clip_until(times_s: np.ndarray, end_s: float, length: int) -> np.ndarray | None:
    """Return the clip whose last frame is the last one that is not after a moment."""
    last = int(np.searchsorted(times_s, end_s + 1e-6, side='right')) - 1
    return np.arange(last - length + 1, last + 1) if last >= length - 1 else None


def transition_frames(times_s: np.ndarray, segment: Segment, length: int) -> np.ndarray | None:
    """Return a clip of two frames, each repeated: just before a segment and just after it.

    Of an odd length the frame before gets the larger half, as in
    `vljepa_ros.world.action_inference.transition_clip`.
    """
    before = np.flatnonzero(times_s <= segment.start_s + 1e-6)
    after = np.flatnonzero(times_s >= segment.end_s - 1e-6)
    if not len(before) or not len(after):
        return None
    later = length // 2
    return np.repeat([before[-1], after[0]], [length - later, later])
