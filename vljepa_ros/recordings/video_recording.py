# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A video file or a folder of images as a recording."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from vljepa_ros.errors import ImageError
from vljepa_ros.recordings.recording import (
    RecordedAlert,
    RecordedEmbedding,
    RecordedEvent,
    RecordedImage,
    RecordedTopic,
)
from vljepa_ros.stream.image_ops import Picture
from vljepa_ros.stream.stamps import SECOND_NS
from vljepa_ros.stream.video_source import Frame, VideoSource

TOPIC = 'video'
KIND = 'video'
UNKNOWN = 0


class VideoRecording:
    """Images only; its time begins at 0. See `Recording`."""

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            ImageError: it holds no frame that can be decoded.
        """
        self.path = path
        self.problems: list[str] = []
        self.topics: tuple[RecordedTopic, ...] = (RecordedTopic(TOPIC, KIND, UNKNOWN),)
        self._source = VideoSource(path)

    def images(self, topics: Collection[str] = ()) -> Iterator[RecordedImage]:
        """Yield the frames."""
        if topics and TOPIC not in topics:
            return
        try:
            for frame in self._source:
                stamp_ns = round(frame.time_s * SECOND_NS)
                yield RecordedImage(TOPIC, stamp_ns, stamp_ns, '', _Reader(frame))
        except ImageError as error:
            if str(error) not in self.problems:
                self.problems.append(str(error))

    def embeddings(self) -> Iterator[RecordedEmbedding]:
        """Yield nothing."""
        return iter(())

    def events(self) -> Iterator[RecordedEvent]:
        """Yield nothing."""
        return iter(())

    def alerts(self) -> Iterator[RecordedAlert]:
        """Yield nothing."""
        return iter(())

    def close(self) -> None:
        """Do nothing: the file is open while it is read only."""


class _Reader:
    """Gives a frame."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def __call__(self, least_side: int) -> Picture:
        return Picture(self._frame.image)
