# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A camera that sees little happen: a still picture with noise, and a video now and then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from vljepa_ros.stream.video_source import VideoSource

NOISE_FIELDS = 8


@dataclass(frozen=True, eq=False)
class QuietFrame:
    """A picture RGB uint8 [H, W, 3], its time in seconds, and whether something happens."""

    image: np.ndarray
    time_s: float
    busy: bool


class QuietCamera:
    """Plays a video at even intervals and holds its first or last picture in between.

    It is played forwards and backwards in turns, so that nothing jumps between two plays. Every
    picture has noise of its own, as that of a camera has.
    """

    def __init__(
        self, video: Path, *, rate_hz: float, seconds: float, plays: int, noise: float, seed: int
    ) -> None:
        """Read the video.

        Args:
            video: what happens.
            rate_hz: pictures a second.
            seconds: length of the stream.
            plays: how often something happens.
            noise: standard deviation in steps of 8-bit pixels.
            seed: of the noise.
        """
        self.rate_hz, self.seconds, self.plays = rate_hz, seconds, plays
        self._frames = [frame.image for frame in VideoSource(video, rate_hz=rate_hz)]
        height, width = self._frames[0].shape[:2]
        self._rng = np.random.default_rng(seed)
        self._fields = [
            self._rng.normal(0.0, noise, (height, width, 3)).round().astype(np.int16)
            for _ in range(NOISE_FIELDS)
        ]

    @property
    def busy_seconds(self) -> float:
        """How long something happens in all."""
        return self.plays * len(self._frames) / self.rate_hz

    def __iter__(self) -> Iterator[QuietFrame]:
        """Yield the pictures."""
        count = round(self.seconds * self.rate_hz)
        length = len(self._frames)
        # In the middle of equal parts of the stream.
        starts = [round((n + 0.5) * count / self.plays - length / 2) for n in range(self.plays)]
        for index in range(count):
            play = max(0, sum(start <= index for start in starts) - 1)
            at = index - starts[play]
            busy = 0 <= at < length
            at = min(max(at, 0), length - 1)
            picture = self._frames[length - 1 - at if play % 2 == 1 else at]
            yield QuietFrame(self._noisy(picture), index / self.rate_hz, busy)

    def _noisy(self, picture: np.ndarray) -> np.ndarray:
        field = self._fields[int(self._rng.integers(NOISE_FIELDS))]
        # Shifted anew for each picture, which is as good as new and much faster.
        shift = tuple(int(n) for n in self._rng.integers(0, picture.shape[:2]))
        noise = np.roll(field, shift, axis=(0, 1))
        return np.asarray(cv2.add(picture, noise, dtype=cv2.CV_8U))
