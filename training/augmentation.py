# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Varies pictures without changing what they show."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

MAX_SHIFT_PX = 6.0
MAX_ZOOM = 0.08


@dataclass(frozen=True)
class View:
    """A crop of the picture: the same for all frames of a clip.

    Attributes:
        matrix: float64 [2, 3], from places in the old picture to places in the new one.
        mirrored: left and right have changed places.
    """

    matrix: np.ndarray
    mirrored: bool

    def frame(self, frame: np.ndarray) -> np.ndarray:
        """Cut out a frame uint8 [H, W, 3]."""
        size = (frame.shape[1], frame.shape[0])
        return np.asarray(
            cv2.warpAffine(frame, self.matrix, size, borderMode=cv2.BORDER_REPLICATE)
        )

    def places(self, places: np.ndarray) -> None:
        """Move u and v (and scale the radius, if any) of [..., 2 or 3] in place."""
        places[..., 0] = self.matrix[0, 0] * places[..., 0] + self.matrix[0, 2]
        places[..., 1] = self.matrix[1, 1] * places[..., 1] + self.matrix[1, 2]
        if places.shape[-1] == 3:
            places[..., 2] *= self.matrix[1, 1]


def draw_view(rng: np.random.Generator, *, size: int, mirror: bool = True) -> View:
    """Draw a shift, a zoom and, if allowed, a mirroring of pictures of side `size`."""
    zoom = 1.0 + rng.uniform(-MAX_ZOOM, MAX_ZOOM)
    mirrored = bool(mirror and rng.random() < 0.5)
    across = -zoom if mirrored else zoom
    middle = (size - 1) / 2
    shift = rng.uniform(-MAX_SHIFT_PX, MAX_SHIFT_PX, size=2)
    matrix = np.array(
        [
            [across, 0.0, middle - across * middle + shift[0]],
            [0.0, zoom, middle - zoom * middle + shift[1]],
        ]
    )
    return View(matrix, mirrored)


def augment_colours(frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Vary brightness, contrast, white balance and noise of clips uint8 [B, T, H, W, 3].

    The white balance moves little: red must not become orange.
    """
    levels = np.arange(256, dtype=np.float32)[:, None]
    # One noise picture, cut out at another place for each frame: drawing it anew takes too long.
    height, width = frames.shape[2:4]
    grain = rng.standard_normal((height + 64, width + 64, 3), dtype=np.float32)
    out = np.empty_like(frames)
    for clip, result in zip(frames, out, strict=True):
        gain = rng.uniform(0.78, 1.22) * rng.uniform(0.95, 1.05, 3)
        table = np.clip(levels * gain + rng.uniform(-16.0, 16.0), 0.0, 255.0).astype(np.uint8)
        noise = (grain * rng.uniform(0.0, 6.0)).astype(np.int16)
        for index, frame in enumerate(clip):
            toned = cv2.LUT(frame, table.reshape(1, 256, 3))
            top, left = rng.integers(0, 64, 2)
            patch = np.ascontiguousarray(noise[top : top + height, left : left + width])
            cv2.add(toned, patch, dst=result[index], dtype=cv2.CV_8U)
    return out
