# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cuts the clips that a manifest names out of a video, as a camera stream would show them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.evaluation.manifest_file import Line
from training.evaluation.test_set import View
from vljepa_ros.errors import ConfigurationError
from vljepa_ros.stream.image_ops import to_model_view
from vljepa_ros.stream.video_source import VideoSource

# A long part is covered by so many clips at most; their embeddings are averaged.
MAX_CLIPS = 8


class VideoFrames:
    """The frames of one video that its lines need, at the clip's rate and the model's size."""

    def __init__(self, path: Path, lines: Sequence[Line], view: View) -> None:
        """Decode the video once.

        Args:
            path: video file or folder of images.
            lines: those of the manifest that name it; the frames of all are kept in memory.
            view: what the model wants.

        Raises:
            ResourceNotFoundError: there is no such video.
            ImageError: it cannot be decoded.
        """
        self._view = view
        frames, times = [], []
        last = max(max(line.end_s, line.goal_s) for line in lines)
        for frame in VideoSource(path, rate_hz=view.fps):
            # One frame past the end, as a moment between two frames takes the later one too.
            if frame.time_s > last + 1.0 / view.fps:
                break
            frames.append(to_model_view(frame.image, view.size))
            times.append(frame.time_s)
        self._frames, self._times_s = np.stack(frames), np.array(times)

    @property
    def end_s(self) -> float:
        """Moment of the last frame that was decoded."""
        return float(self._times_s[-1])

    def clips(self, line: Line) -> np.ndarray:
        """Return the clips of a line's part, uint8 [K, T, S, S, 3].

        A part that is long enough gives clips at the model's rate, spread evenly over it and
        without overlap while they are fewer than `MAX_CLIPS`. A shorter one gives one clip, its
        frames spread evenly over the part.

        Raises:
            ConfigurationError: the part begins after the video's end.
        """
        inside = (self._times_s >= line.start_s - 1e-6) & (self._times_s <= line.end_s + 1e-6)
        rows = np.flatnonzero(inside)
        if not len(rows):
            raise ConfigurationError(
                f'no frame lies in {line.start_s:g} to {line.end_s:g} s; the video ends at '
                f'{self.end_s:.2f} s'
            )
        return self._frames[spread_clips(rows, self._view.clip_frames)]

    def transition(self, line: Line) -> np.ndarray:
        """Return the pictures before and after the action as a clip, uint8 [T, S, S, 3].

        Raises:
            ConfigurationError: the initial moment lies after the video's end.
        """
        if line.initial_s > self.end_s + 1e-6:
            raise ConfigurationError(
                f'initial_s is {line.initial_s:g}; the video ends at {self.end_s:.2f} s'
            )
        ends = [int(np.abs(self._times_s - at).argmin()) for at in (line.initial_s, line.goal_s)]
        if np.isinf(line.goal_s):
            ends[1] = len(self._times_s) - 1
        later = self._view.clip_frames // 2
        return self._frames[np.repeat(ends, [self._view.clip_frames - later, later])]


def spread_clips(rows: np.ndarray, length: int) -> np.ndarray:
    """Spread clips of `length` frames evenly over frame numbers [N]; return int64 [K, length]."""
    if len(rows) < length:
        return rows[np.linspace(0, len(rows) - 1, length).round().astype(int)][None]
    count = min(MAX_CLIPS, max(1, len(rows) // length))
    space = len(rows) - length
    starts = np.linspace(0, space, count) if count > 1 else np.array([space / 2])
    return rows[starts.round().astype(int)[:, None] + np.arange(length)]
