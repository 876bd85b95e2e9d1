# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Messages of recordings, made without ROS, for the tests of what is recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rosbags', reason='recordings need rosbags: make test')

from vljepa_ros.recordings import messages  # noqa: E402
from vljepa_ros.recordings.clip_config import ClipConfig  # noqa: E402
from vljepa_ros.recordings.clip_folder import ClipFolder  # noqa: E402
from vljepa_ros.recordings.clip_recorder import ClipRecorder  # noqa: E402
from vljepa_ros.recordings.ring import Record, Topic  # noqa: E402
from vljepa_ros.stream.encoded_images import encode_jpeg  # noqa: E402
from vljepa_ros.stream.image_ops import Picture  # noqa: E402
from vljepa_ros.stream.stamps import SECOND_NS  # noqa: E402

START_NS = 1_700_000_000 * SECOND_NS
IMAGES = Topic('/camera/image_raw/compressed', messages.COMPRESSED_IMAGE)
RAW_IMAGES = Topic('/camera/image_raw', messages.IMAGE)
EMBEDDINGS = Topic('/vljepa/embedding', messages.EMBEDDING)
EVENTS = Topic('/vljepa/events', messages.EVENT, latched=True)
MODEL_ID = 'tiny@0123456789ab'


def at(seconds: float) -> int:
    """Return a moment of the tests' time in nanoseconds."""
    return START_NS + round(seconds * SECOND_NS)


def picture(seconds: float, *, side: int = 48) -> np.ndarray:
    """Return RGB [side, 4/3 side, 3] whose grey says when it was taken: 2 steps a second."""
    grey = round(20 + 2 * seconds)
    return np.full((side, side * 4 // 3, 3), grey, dtype=np.uint8)


def image(seconds: float, *, side: int = 48, frame_id: str = 'lens') -> Record:
    """Return a JPEG."""
    data = encode_jpeg(Picture(picture(seconds, side=side)), quality=95)
    value = messages.message(
        messages.COMPRESSED_IMAGE,
        header=messages.header(at(seconds), frame_id),
        format='jpeg',
        data=np.frombuffer(data, dtype=np.uint8),
    )
    return _record(IMAGES, seconds, value)


def raw_image(seconds: float, *, encoding: str = 'rgb8') -> Record:
    """Return an image as rows of pixels."""
    pixels = picture(seconds)
    value = messages.message(
        messages.IMAGE,
        header=messages.header(at(seconds), 'lens'),
        height=pixels.shape[0],
        width=pixels.shape[1],
        encoding=encoding,
        is_bigendian=0,
        step=pixels.shape[1] * 3,
        data=pixels.ravel(),
    )
    return _record(RAW_IMAGES, seconds, value)


def embedding(seconds: float, vector: np.ndarray, *, camera: str = 'camera') -> Record:
    """Return an embedding of a clip of 1.4 s, as unit vector."""
    value = messages.message(
        messages.EMBEDDING,
        header=messages.header(at(seconds), 'lens'),
        camera=camera,
        query='caption',
        model_id=MODEL_ID,
        clip_start=messages.time(at(seconds - 1.4)),
        clip_end=messages.time(at(seconds)),
        normalized=True,
        data=(vector / np.linalg.norm(vector)).astype(np.float32),
    )
    return _record(EMBEDDINGS, seconds, value)


def event(
    seconds: float,
    segment: str,
    phase: str,
    *,
    start: float,
    end: float | None = None,
    text: str = 'the robot opens the drawer',
    camera: str = 'camera',
) -> Record:
    """Return STARTED or ENDED of a segment."""
    value = messages.message(
        messages.EVENT,
        header=messages.header(at(seconds), 'lens'),
        id=segment,
        phase={'STARTED': 1, 'ENDED': 2}[phase],
        start=messages.time(at(start)),
        end=messages.time(at(seconds if end is None else end)),
        text=text,
        score=0.75,
        source=1,
        change=0.5,
        camera=camera,
        query='caption',
        model_id=MODEL_ID,
    )
    return _record(EVENTS, seconds, value)


def _record(topic: Topic, seconds: float, value: object) -> Record:
    return Record(topic, at(seconds), messages.serialize(topic.kind, value))


class Recorder:
    """A recorder on a folder, fed with a camera of 10 Hz whose picture says the time."""

    def __init__(
        self, folder: Path, config: ClipConfig | None = None, *, quota_bytes: int = 10**9
    ) -> None:
        self.problems: list[str] = []
        self.clips: list[Path] = []
        self.said: list[str] = []
        self.folder = ClipFolder(folder, quota_bytes=quota_bytes, say=self.said.append)
        self.recorder = ClipRecorder(
            self.folder,
            config or ClipConfig(),
            on_clip=self.clips.append,
            on_problem=self.problems.append,
        )
        self.seconds = 0.0
        self._frames = 0

    def play(
        self, until: float, *, make: Callable[[float], Record] = image, offset: float = 0.0
    ) -> None:
        """Feed images until a moment; `offset` shifts the clock."""
        while self._frames / 10 < until:
            self.recorder.add(make(offset + self._frames / 10))
            self._frames += 1

    def started(self, seconds: float, segment: str, *, age: float = 1.0) -> None:
        record = event(seconds, segment, 'STARTED', start=seconds - age)
        self.recorder.started(segment, record, age_s=age)

    def ended(self, seconds: float, segment: str, *, age: float = 1.0) -> None:
        record = event(seconds, segment, 'ENDED', start=0.0, end=seconds - age)
        self.recorder.ended(segment, record, age_s=age)

    def close(self) -> None:
        self.recorder.close()
        self.folder.close()
