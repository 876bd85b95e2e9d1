# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Clips out of whole videos, cut as those of a camera."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from vljepa_ros.errors import StreamError
from vljepa_ros.stream.clip_buffer import ClipBuffer
from vljepa_ros.stream.stamps import SECOND_NS
from vljepa_ros.stream.video_source import VideoSource


def clips_of(
    videos: Iterable[Path], *, clip_frames: int, clip_fps: float, image_size: int, count: int
) -> np.ndarray:
    """Return clips that are spread evenly over videos.

    Args:
        videos: video files or folders of images, one or more.
        clip_frames: frames of a clip, T.
        clip_fps: frames a second within a clip.
        image_size: side S of the frames in pixels.
        count: clips in all, fewer where the videos are short.

    Returns:
        Clips uint8 [N, T, S, S, 3], N ≥ 1; of neighbours no frame is in both.

    Raises:
        StreamError: no video is as long as a clip.
        VljepaError: a video cannot be read.
    """
    clips: list[np.ndarray] = []
    for video in videos:
        source = VideoSource(video)
        buffer = ClipBuffer(clip_frames=clip_frames, clip_fps=clip_fps, image_size=image_size)
        next_ns = buffer.span_ns
        for frame in source:
            stamp_ns = round(frame.time_s * SECOND_NS)
            buffer.push(stamp_ns, frame.image)
            clip = buffer.clip() if stamp_ns >= next_ns else None
            if clip is not None:
                clips.append(clip.frames)
                next_ns = stamp_ns + round(clip_frames / clip_fps * SECOND_NS)
    if not clips:
        raise StreamError(
            f'No video is as long as a clip ({(clip_frames - 1) / clip_fps:.2g} s); give a longer '
            'one'
        )
    chosen = np.unique(np.linspace(0, len(clips) - 1, min(count, len(clips))).round().astype(int))
    return np.stack([clips[index] for index in chosen])
