# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The pictures of a part of a video, with PyAV, and those that a camera of another rate shows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vljepa_ros.errors import ImageError, MissingDependencyError
from vljepa_ros.stream.video_source import VideoSource

ROUNDING_S = 1e-3  # moments in a video are rounded


def at_rate(
    frames: Iterator[tuple[float, np.ndarray]], *, fps: float, start_s: float
) -> Iterator[tuple[float, np.ndarray]]:
    """Yield for each moment `start_s + k / fps` the latest picture, as a camera would show it."""
    count = 0
    last: np.ndarray | None = None
    last_s = -math.inf
    for time_s, image in frames:
        while last is not None and start_s + count / fps < time_s - ROUNDING_S:
            yield start_s + count / fps, last
            count += 1
        last, last_s = image, time_s
    while last is not None and start_s + count / fps <= last_s + ROUNDING_S:
        yield start_s + count / fps, last
        count += 1


def decode(video: Path, start_s: float, end_s: float) -> Iterator[tuple[float, np.ndarray]]:
    """Yield moment and picture (RGB uint8 [H, W, 3]) of a part of a video.

    Raises:
        ImageError: it cannot be decoded.
        MissingDependencyError: PyAV is not installed.
    """
    if video.is_dir():
        for frame in VideoSource(video):
            if start_s <= frame.time_s <= end_s:
                yield frame.time_s, frame.image
        return
    try:
        import av
    except ImportError as error:
        raise MissingDependencyError(
            "Reading videos needs the library 'av' (PyAV). Install it with: pip install av"
        ) from error
    try:
        with av.open(str(video)) as container:
            if not container.streams.video:
                raise ImageError(f'{str(video)!r} has no video stream')
            stream = container.streams.video[0]
            stream.thread_type = 'AUTO'
            base = stream.time_base
            first = float((stream.start_time or 0) * base) if base else 0.0
            if start_s > 0.0 and base:
                container.seek(int((start_s + first) / base), stream=stream)
            half = 0.5 / float(stream.average_rate) if stream.average_rate else 0.0
            for decoded in container.decode(stream):
                time_s = (decoded.time or 0.0) - first
                if time_s > end_s - half:  # an episode's end is the next one's first frame
                    return
                if time_s >= start_s - half:
                    yield time_s, decoded.to_ndarray(format='rgb24')
    except av.FFmpegError as error:
        raise ImageError(f'{str(video)!r} cannot be decoded: {error}') from error
