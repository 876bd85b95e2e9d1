# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads a video file or a folder of images as timed frames."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from vljepa_ros.errors import ConfigurationError, ImageError, ResourceNotFoundError

IMAGE_SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.png', '.webp')
FOLDER_RATE_HZ = 30.0


@dataclass(frozen=True)
class Frame:
    """A picture, RGB uint8 [H, W, 3], and its time since the start of playing in seconds."""

    image: np.ndarray
    time_s: float


class VideoSource:
    """An endless or finite sequence of frames at a constant rate.

    With `rate_hz` the video keeps its speed: frames are left out or shown again, as a camera of
    that rate would see the same scene. In a folder every image is one frame.
    """

    def __init__(self, path: str | Path, *, rate_hz: float = 0.0, loop: bool = False) -> None:
        """Open the source and read its properties.

        Args:
            path: a video file that OpenCV can decode, or a folder of images, shown in the order
                of their names.
            rate_hz: frames a second to deliver; 0 takes the video's own rate, or 30 for a folder.
            loop: start again at the end, time running on.

        Raises:
            ResourceNotFoundError: there is no such file or folder.
            ImageError: it holds no frame that can be decoded.
            ConfigurationError: `rate_hz` is negative or not finite.
        """
        self.path = Path(path).expanduser()
        if not 0.0 <= rate_hz < math.inf:
            raise ConfigurationError(f'rate_hz is {rate_hz}; allowed is 0 (own rate) or more')
        if not self.path.exists():
            raise ResourceNotFoundError(
                f'There is no video file or folder of images {str(self.path)!r}'
            )
        self._loop = loop
        self._images = _images_of(self.path) if self.path.is_dir() else []
        own_rate_hz = FOLDER_RATE_HZ if self._images else _video_rate_hz(self.path)
        self.rate_hz = rate_hz or own_rate_hz
        # Every image of a folder is a frame, whatever the rate; a video keeps its speed.
        self._source_rate_hz = self.rate_hz if self._images else own_rate_hz

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames; time starts at 0.

        Raises:
            ImageError: a frame cannot be decoded.
        """
        count = 0
        start_s = 0.0
        while True:
            source_index = -1
            for source_index, image in enumerate(self._decode()):
                shown_until_s = start_s + (source_index + 1) / self._source_rate_hz
                while count / self.rate_hz < shown_until_s - 1e-9:
                    yield Frame(image, count / self.rate_hz)
                    count += 1
            if not self._loop or source_index < 0:
                return
            start_s += (source_index + 1) / self._source_rate_hz

    def _decode(self) -> Iterator[np.ndarray]:
        return _decode_images(self._images) if self._images else _decode_video(self.path)


def _images_of(folder: Path) -> list[Path]:
    files = (path for path in folder.iterdir() if path.is_file())
    images = sorted(path for path in files if path.suffix.lower() in IMAGE_SUFFIXES)
    if not images:
        raise ImageError(
            f'The folder {str(folder)!r} holds no image; looked for *{", *".join(IMAGE_SUFFIXES)}'
        )
    return images


def _decode_images(paths: list[Path]) -> Iterator[np.ndarray]:
    for path in paths:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            raise ImageError(f'The image {str(path)!r} cannot be decoded')
        yield np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _decode_video(path: Path) -> Iterator[np.ndarray]:
    capture = cv2.VideoCapture(str(path))
    try:
        while True:
            ok, image = capture.read()
            if not ok:
                return
            yield np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)
    finally:
        capture.release()


def _video_rate_hz(path: Path) -> float:
    capture = cv2.VideoCapture(str(path))
    try:
        ok, _ = capture.read()
        rate_hz = float(capture.get(cv2.CAP_PROP_FPS))
    finally:
        capture.release()
    if not ok or not 0.0 < rate_hz < 1000.0:
        raise ImageError(
            f'{str(path)!r} cannot be decoded as a video (no readable frame or frame rate). '
            'Convert it, for instance with: ffmpeg -i INPUT -c:v libx264 OUTPUT.mp4'
        )
    return rate_hz
