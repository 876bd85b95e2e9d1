# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A small picture of each segment."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice

import cv2

from vljepa_ros.errors import ImageError
from vljepa_ros.recordings.recording import RecordedImage, Recording
from vljepa_ros.report.content import Segment, Stream
from vljepa_ros.stream.encoded_images import encode_jpeg
from vljepa_ros.stream.image_ops import Picture

HEIGHT_PX = 160
# With more segments than this the pictures are smaller, so that the page stays one to open.
MANY_SEGMENTS = 400
SMALL_HEIGHT_PX = 90
QUALITY = 75
# Enough to tell which topic is which camera.
IMAGES_LOOKED_AT = 5000


def add_thumbnails(
    streams: Sequence[Stream], recording: Recording, seen: Iterable[tuple[str, int, str]]
) -> None:
    """Give each segment the image nearest to its middle.

    Args:
        streams: with their segments.
        recording: with the images.
        seen: cameras, with stamp and frame_id of an image of theirs, to tell which topic is which
            camera.
    """
    topic_of = _topics(recording, {stream.camera for stream in streams}, seen)
    height = HEIGHT_PX
    if sum(len(stream.segments) for stream in streams) > MANY_SEGMENTS:
        height = SMALL_HEIGHT_PX
    choices: dict[str, list[_Choice]] = defaultdict(list)
    for stream in streams:
        if stream.camera in topic_of:
            choices[topic_of[stream.camera]].append(_Choice(stream.segments, height))
    if not choices:
        return
    for image in recording.images(list(choices)):
        for choice in choices[image.topic]:
            choice.take(image)
    for choice in (choice for some in choices.values() for choice in some):
        choice.settle()


class _Choice:
    """Chooses the images of a stream's segments; it holds one image at a time."""

    def __init__(self, segments: Sequence[Segment], height: int) -> None:
        self._segments, self._height = segments, height
        self._starts = [segment.start_ns for segment in segments]
        self._best: tuple[Segment, RecordedImage] | None = None

    def take(self, image: RecordedImage) -> None:
        """Take the next image in time."""
        number = bisect_right(self._starts, image.stamp_ns) - 1
        if number < 0 or image.stamp_ns > self._segments[number].end_ns:
            return
        segment = self._segments[number]
        if self._best is not None and self._best[0] is not segment:
            self.settle()
        if segment.thumbnail is not None:
            return
        if self._best is None or _off(segment, image) < _off(segment, self._best[1]):
            self._best = segment, image
        else:  # the images go away from the middle again
            self.settle()

    def settle(self) -> None:
        """Keep the best image so far."""
        if self._best is not None:
            segment, image = self._best
            self._best = None
            try:
                segment.thumbnail = _thumbnail(image, self._height)
            except ImageError:
                segment.thumbnail = None


def _off(segment: Segment, image: RecordedImage) -> int:
    return abs(image.stamp_ns - (segment.start_ns + segment.end_ns) // 2)


def _thumbnail(image: RecordedImage, height: int) -> bytes:
    picture = image.read(height)
    rows, columns = picture.pixels.shape[:2]
    if rows > height:
        size = max(1, round(columns * height / rows)), height
        pixels = cv2.resize(picture.pixels, size, interpolation=cv2.INTER_AREA)
        shape = (*pixels.shape[:2], picture.pixels.shape[2])
        picture = Picture(pixels.reshape(shape), picture.channels)
    return encode_jpeg(picture, quality=QUALITY)


def _topics(
    recording: Recording, cameras: set[str], seen: Iterable[tuple[str, int, str]]
) -> dict[str, str]:
    """Return the topic of images of each camera, as far as that can be told.

    An embedding and an event carry the header of an image of their camera.
    """
    topics = [topic.name for topic in recording.topics if topic.kind.endswith(('Image', 'video'))]
    if len(topics) == 1:
        return dict.fromkeys(cameras, topics[0])
    found = {camera: camera for camera in cameras if camera in topics}
    unknown = cameras - set(found)
    if not unknown or not topics:
        return found
    cameras_at: dict[tuple[int, str], set[str]] = defaultdict(set)
    for camera, stamp_ns, frame_id in seen:
        if camera in unknown:
            cameras_at[stamp_ns, frame_id].add(camera)
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for image in islice(recording.images(), IMAGES_LOOKED_AT):
        for camera in cameras_at.get((image.stamp_ns, image.frame_id), ()):
            votes[camera][image.topic] += 1
    for camera, counted in votes.items():
        found[camera] = counted.most_common(1)[0][0]
    return found
