# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the model over the images of a recording, as the nodes do over those of cameras."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vljepa_ros.errors import ImageError
from vljepa_ros.inference import Engine
from vljepa_ros.recordings.recording import RecordedEmbedding, RecordedEvent, RecordedImage
from vljepa_ros.stream.changes.choice import detector
from vljepa_ros.stream.clip_buffer import Clip, ClipBuffer
from vljepa_ros.stream.segment_tracker import SegmentTracker, SegmentUpdate
from vljepa_ros.stream.stamp_grid import StampGrid
from vljepa_ros.stream.still_gate import StillGate
from vljepa_ros.stream.words import Words

RATE_HZ = 5.0
STILL_THRESHOLD = 3.0
DETECTOR = 'drift'


@dataclass
class _Camera:
    """One topic of images on its way to embeddings."""

    buffer: ClipBuffer
    grid: StampGrid
    gate: StillGate = field(default_factory=StillGate)
    vectors: np.ndarray | None = None  # [Q, D] of the last clip that was looked at


class Watcher:
    """Embeds images; where a view stands still, the last answers hold.

    Attributes:
        unusable: images that could not be decoded, and why the first could not.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        queries: Sequence[str] = ('caption',),
        rate_hz: float = RATE_HZ,
        still_threshold: float = STILL_THRESHOLD,
    ) -> None:
        """Create a watcher that has seen nothing.

        Args:
            engine: with X-Encoder and Predictor.
            queries: what is asked about each clip.
            rate_hz: embeddings a second, in the clock of the stamps.
            still_threshold: of `StillGate`.
        """
        self.unusable: list[str] = []
        self._engine, self._queries = engine, tuple(queries)
        self._rate_hz, self._threshold = rate_hz, still_threshold
        self._cameras: dict[str, _Camera] = {}

    def take(self, image: RecordedImage) -> list[RecordedEmbedding]:
        """Take the next image of its topic; return the embeddings that are due, one a query."""
        camera = self._cameras.setdefault(image.topic, self._new())
        try:
            camera.buffer.push(image.stamp_ns, image.read(camera.buffer.image_size))
        except ImageError as error:
            self.unusable.append(str(error))
            return []
        clip = camera.buffer.clip() if camera.grid.is_due(image.stamp_ns) else None
        if clip is None:
            return []
        return [
            RecordedEmbedding(
                logged_ns=image.logged_ns,
                stamp_ns=image.stamp_ns,
                frame_id=image.frame_id,
                camera=image.topic,
                query=query,
                model_id=self._engine.model_id,
                clip_start_ns=clip.first_stamp_ns,
                clip_end_ns=clip.last_stamp_ns,
                vector=vector,
            )
            for query, vector in zip(self._queries, self._answers(camera, clip), strict=True)
        ]

    def _new(self) -> _Camera:
        config = self._engine.config
        buffer = ClipBuffer(
            clip_frames=config.clip_frames,
            clip_fps=config.clip_fps,
            image_size=config.image_size,
        )
        return _Camera(buffer, StampGrid(self._rate_hz))

    def _answers(self, camera: _Camera, clip: Clip) -> np.ndarray:
        still = camera.gate.is_still(clip, threshold=self._threshold)
        if camera.vectors is None or not still:
            features: Any = self._engine.encode(clip.frames[None])
            camera.vectors = self._engine.predict(features, self._queries)[0]
        return camera.vectors


def events_of(
    embeddings: Iterable[RecordedEmbedding], engine: Engine, *, detector_name: str = DETECTOR
) -> Iterator[RecordedEvent]:
    """Yield the events of a stream of embeddings, each as soon as it is sure.

    Args:
        embeddings: of any cameras and queries, in the order of time.
        engine: with the Y-Decoder.
        detector_name: what finds the changes.
    """
    finder = EventFinder(engine, detector_name=detector_name)
    for embedding in embeddings:
        yield from finder.take(embedding)
    yield from finder.flush()


class EventFinder:
    """Finds the events of streams of embeddings, each as soon as it is sure."""

    def __init__(self, engine: Engine, *, detector_name: str = DETECTOR) -> None:
        """Begin without any stream.

        Args:
            engine: with the Y-Decoder.
            detector_name: what finds the changes.
        """
        self._words, self._detector_name = Words(engine), detector_name
        self._streams: dict[tuple[str, str], tuple[SegmentTracker, RecordedEmbedding]] = {}

    def take(self, embedding: RecordedEmbedding) -> Iterator[RecordedEvent]:
        """Take the next embedding of its camera and query; yield what it has ended and started."""
        key = embedding.camera, embedding.query
        known = self._streams.get(key)
        tracker = known[0] if known else SegmentTracker(detector(self._detector_name))
        self._streams[key] = tracker, embedding
        for update in tracker.update(embedding.moment_ns, embedding.vector):
            yield _event(update, embedding, self._words)

    def flush(self) -> Iterator[RecordedEvent]:
        """Yield the ends of what goes on."""
        for tracker, last in self._streams.values():
            for update in tracker.flush():
                yield _event(update, last, self._words)


def _event(update: SegmentUpdate, newest: RecordedEmbedding, words: Words) -> RecordedEvent:
    said = words.say(update)
    return RecordedEvent(
        logged_ns=newest.logged_ns,
        stamp_ns=newest.stamp_ns,
        frame_id=newest.frame_id,
        id=f'{newest.camera}-{newest.query}-{update.segment_id}',
        phase=update.phase.name,
        start_ns=update.start_ns,
        end_ns=update.end_ns,
        text=said.text,
        score=said.score,
        source=said.source.name,
        change=update.change,
        camera=newest.camera,
        query=newest.query,
        model_id=newest.model_id,
    )
