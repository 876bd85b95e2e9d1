# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a camera does to a picture: white balance, gamma, blur, noise and JPEG."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Sensor:
    """One camera; the defaults leave the picture as it is.

    Attributes:
        balance: Gains of red, green and blue. They stay within 7 %, so that no colour name turns
            into another (a test draws all of them).
        gamma: Exponent of the brightness, 1 = unchanged.
        blur_px: Standard deviation of the blur at a picture height of 128 pixels.
        noise: Standard deviation of the noise, in steps of the 255 brightness values.
        jpeg_quality: 1..100, or None for no compression.
        seed: Of the noise.
    """

    balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    gamma: float = 1.0
    blur_px: float = 0.0
    noise: float = 0.0
    jpeg_quality: int | None = None
    seed: int = 0

    def _curves(self) -> NDArray[np.uint8]:
        """Lookup table [256, 1, 3] of white balance and gamma."""
        steps = np.arange(256)[:, None] / 255.0 * np.array(self.balance)
        values = np.clip(steps, 0.0, 1.0) ** self.gamma * 255.0
        return np.rint(values).astype(np.uint8)[:, None]

    def apply(self, frame: NDArray[np.uint8], index: int) -> NDArray[np.uint8]:
        """Return the picture as this camera delivers it.

        Args:
            frame: uint8 [H, W, 3] RGB; it is not changed.
            index: Number of the frame; each has its own noise, the same in every call.
        """
        if self == Sensor(seed=self.seed):
            return frame
        picture: NDArray = cv2.LUT(frame, self._curves())
        if self.blur_px > 0.0:
            picture = cv2.GaussianBlur(picture, (0, 0), self.blur_px * frame.shape[0] / 128.0)
        if self.noise > 0.0:
            rng = np.random.default_rng([self.seed, index])
            grain = rng.standard_normal(picture.shape, dtype=np.float32) * np.float32(self.noise)
            picture = np.clip(np.rint(picture + grain), 0, 255).astype(np.uint8)
        if self.jpeg_quality is not None:
            # Which channel is called red matters to the colour transform, so go by OpenCV's order.
            swapped = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
            _, data = cv2.imencode('.jpg', swapped, [cv2.IMWRITE_JPEG_QUALITY, self.jpeg_quality])
            decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
            picture = cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)
        return np.ascontiguousarray(picture, dtype=np.uint8)


def draw_sensor(rng: np.random.Generator, *, unseen: bool) -> Sensor:
    """Draw the camera of an episode; four in ten of those in training are perfect.

    Args:
        rng: Source of randomness.
        unseen: Take a camera noisier, softer or of another gamma than any in training.
    """
    seed = int(rng.integers(2**31))
    perfect = rng.random() < 0.4
    warm, green = float(rng.uniform(-0.04, 0.04)), float(rng.uniform(0.985, 1.015))
    gamma = float(np.exp(rng.uniform(-0.13, 0.13)))
    blur = float(rng.uniform(0.3, 0.55)) if rng.random() < 0.5 else 0.0
    noise = float(rng.uniform(0.5, 5.0)) if rng.random() < 0.7 else 0.0
    quality = int(rng.integers(70, 96)) if rng.random() < 0.6 else None
    if unseen:
        warm = (1 if warm > 0 else -1) * float(rng.uniform(0.045, 0.065))
        gamma = float(np.exp((1 if gamma > 1 else -1) * rng.uniform(0.15, 0.21)))
        blur = float(rng.uniform(0.6, 0.75)) if blur else 0.0
        noise = float(rng.uniform(5.5, 8.0))
        quality = int(rng.integers(50, 68)) if quality else None
    elif perfect:
        return Sensor(seed=seed)
    return Sensor(
        balance=(1.0 + warm, green, 1.0 - warm), gamma=gamma, blur_px=blur, noise=noise,
        jpeg_quality=quality, seed=seed,
    )  # fmt: skip
