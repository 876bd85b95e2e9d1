# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Says when a clip shows what an earlier one showed, so that the model need not look again."""

from __future__ import annotations

import cv2
import numpy as np

from vljepa_ros.stream.clip_buffer import Clip
from vljepa_ros.stream.stamps import SECOND_NS

# The noise of a camera vanishes in the mean of a block; what moves changes some block.
BLOCK_PX = 8
# What the gate overlooks is overlooked for so long at most.
REFRESH_NS = 5 * SECOND_NS


class StillGate:
    """Compares clips with the last one that was let through.

    Two clips count as the same if in no frame any block of 8 × 8 pixels has a mean, in red, green
    or blue, that differs by more than the threshold. Since the earlier clip stays the measure
    until another one is let through, slow changes add up and are seen.
    """

    def __init__(self) -> None:
        """Create a gate that has seen no clip."""
        self._blocks: np.ndarray | None = None
        self._stamp_ns = 0

    def is_still(self, clip: Clip, *, threshold: float) -> bool:
        """Take the next clip.

        Args:
            clip: of the same size as the ones before.
            threshold: in steps of 8-bit pixels, 0 to 255; with 0 no clip is still.

        Returns:
            Whether it shows the same as the last one that was not still, and that one is not older
            than `REFRESH_NS`.
        """
        if threshold <= 0.0:
            self._blocks = None
            return False
        blocks = _block_means(clip.frames)
        age_ns = clip.last_stamp_ns - self._stamp_ns
        if self._blocks is not None and 0 <= age_ns < REFRESH_NS:
            difference = int(np.abs(blocks - self._blocks).max())
            if difference <= threshold:
                return True
        self._blocks, self._stamp_ns = blocks, clip.last_stamp_ns
        return False

    def forget(self) -> None:
        """Have the next clip let through."""
        self._blocks = None


def _block_means(frames: np.ndarray) -> np.ndarray:
    """Return the means of blocks, int16 [T, ceil(S/8), ceil(S/8), 3], of frames [T, S, S, 3]."""
    side = -(-frames.shape[1] // BLOCK_PX)
    means = [cv2.resize(frame, (side, side), interpolation=cv2.INTER_AREA) for frame in frames]
    return np.stack(means).astype(np.int16)
