# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A bag as a recording: MCAP or SQLite, in one file or many, or a folder of clips."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vljepa_ros.errors import ImageError, RecordingError
from vljepa_ros.recordings.bag_parts import BagPart, Stored, close_all, note, open_parts
from vljepa_ros.recordings.messages import ALERT, COMPRESSED_IMAGE, EMBEDDING, EVENT, IMAGE, to_ns
from vljepa_ros.recordings.recording import (
    RecordedAlert,
    RecordedEmbedding,
    RecordedEvent,
    RecordedImage,
    RecordedTopic,
)
from vljepa_ros.stream.encoded_images import decode_image, plain_picture
from vljepa_ros.stream.image_ops import Picture

KINDS = (IMAGE, COMPRESSED_IMAGE, EMBEDDING, EVENT, ALERT)
PHASES = {1: 'STARTED', 2: 'ENDED'}
ALERT_PHASES = {1: 'FIRED', 2: 'CLEARED'}
SOURCES = {1: 'DECODER', 2: 'NEAREST'}


class BagRecording:
    """A recording in the form of ROS 2; see `Recording`."""

    def __init__(self, path: Path, bags: Sequence[Path]) -> None:
        """Open bags as one recording, in the order of time.

        Args:
            path: how the recording is called.
            bags: files, or folders with metadata.yaml.

        Raises:
            RecordingError: nothing of any of them can be read.
        """
        self.path = path
        self.problems: list[str] = []
        self._parts: list[BagPart] = []
        for bag in bags:
            try:
                self._parts += open_parts(bag, self.problems)
            except RecordingError as error:
                if len(bags) == 1:
                    raise
                note(self.problems, str(error))
        if not self._parts:
            raise RecordingError(' '.join(self.problems))
        self._parts.sort(key=lambda part: part.first_ns)
        counts: Counter[tuple[str, str]] = Counter()
        for part in self._parts:
            for topic in part.topics:
                if topic.kind in KINDS:
                    counts[topic.name, topic.kind] += topic.count
        self.topics = tuple(RecordedTopic(*key, count) for key, count in sorted(counts.items()))

    def images(self, topics: Collection[str] = ()) -> Iterator[RecordedImage]:
        """Yield the images of some topics; of all, where none is named."""
        for stored, message in self._messages((IMAGE, COMPRESSED_IMAGE), topics):
            yield RecordedImage(
                topic=stored.topic,
                logged_ns=stored.logged_ns,
                stamp_ns=to_ns(message.header.stamp) or stored.logged_ns,
                frame_id=message.header.frame_id,
                read=_Reader(message, stored.kind),
            )

    def embeddings(self) -> Iterator[RecordedEmbedding]:
        """Yield the embeddings."""
        for stored, message in self._messages((EMBEDDING,)):
            yield RecordedEmbedding(
                logged_ns=stored.logged_ns,
                stamp_ns=to_ns(message.header.stamp),
                frame_id=message.header.frame_id,
                camera=message.camera,
                query=message.query,
                model_id=message.model_id,
                clip_start_ns=to_ns(message.clip_start),
                clip_end_ns=to_ns(message.clip_end),
                vector=np.asarray(message.data, dtype=np.float32),
            )

    def events(self) -> Iterator[RecordedEvent]:
        """Yield the events."""
        for stored, message in self._messages((EVENT,)):
            yield RecordedEvent(
                logged_ns=stored.logged_ns,
                stamp_ns=to_ns(message.header.stamp),
                frame_id=message.header.frame_id,
                id=message.id,
                phase=PHASES.get(message.phase, str(message.phase)),
                start_ns=to_ns(message.start),
                end_ns=to_ns(message.end),
                text=message.text,
                score=float(message.score),
                source=SOURCES.get(message.source, str(message.source)),
                change=float(message.change),
                camera=message.camera,
                query=message.query,
                model_id=message.model_id,
            )

    def alerts(self) -> Iterator[RecordedAlert]:
        """Yield the alerts of rules."""
        for stored, message in self._messages((ALERT,)):
            yield RecordedAlert(
                logged_ns=stored.logged_ns,
                stamp_ns=to_ns(message.header.stamp),
                frame_id=message.header.frame_id,
                id=message.id,
                phase=ALERT_PHASES.get(message.phase, str(message.phase)),
                rule=message.rule,
                text=message.text,
                severity=message.severity,
                since_ns=to_ns(message.since),
                score=float(message.score),
                camera=message.camera,
                query=message.query,
                model_id=message.model_id,
            )

    def close(self) -> None:
        """Close its files."""
        close_all(self._parts)

    def _messages(
        self, kinds: Collection[str], topics: Collection[str] = ()
    ) -> Iterator[tuple[Stored, Any]]:
        """Yield the messages of types; those that cannot be read are counted and left out."""
        names = {topic.name for topic in self.topics if topic.kind in kinds}
        names = names & set(topics) if topics else names
        wrong: Counter[str] = Counter()
        reasons: dict[str, Exception] = {}
        for part in self._parts:
            for stored in part.stored(names):
                if stored.kind not in kinds:
                    continue
                try:
                    message = part.read(stored)
                except Exception as error:  # rosbags raises of many kinds
                    wrong[stored.topic] += 1
                    reasons.setdefault(stored.topic, error)
                    continue
                yield stored, message
        for topic, count in wrong.items():
            note(self.problems, f'{count} messages of {topic} cannot be read: {reasons[topic]}')


class _Reader:
    """Decodes the image of a message when it is asked to."""

    def __init__(self, message: Any, kind: str) -> None:
        self._message, self._kind = message, kind

    def __call__(self, least_side: int) -> Picture:
        message = self._message
        if self._kind == COMPRESSED_IMAGE:
            return decode_image(message.data.tobytes(), message.format, least_side=least_side)
        picture = plain_picture(
            message.data,
            height=message.height,
            width=message.width,
            encoding=message.encoding,
            step=message.step,
        )
        return _convert(message) if picture is None else picture


def _convert(message: Any) -> Picture:
    try:
        pixels = importlib.import_module('rosbags.image').message_to_cvimage(message, 'rgb8')
    except Exception as error:  # it is not installed, or does not know the encoding
        raise ImageError(
            f'An image in the encoding {message.encoding!r} cannot be converted ({error}). Other '
            'encodings than 8-bit colour and grey need: pip install rosbags-image'
        ) from error
    return Picture(np.asarray(pixels, dtype=np.uint8))
