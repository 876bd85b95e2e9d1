# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One stream of embeddings (one camera, one query, one model) on its way to events."""

from __future__ import annotations

import time
import uuid

import numpy as np
from std_msgs.msg import Header

from vljepa_ros.interfaces import Embedding, SemanticEvent
from vljepa_ros.nodes.stamps import to_ns, to_stamp
from vljepa_ros.stream.changes.change import cosine_distance
from vljepa_ros.stream.changes.choice import detector
from vljepa_ros.stream.changes.detector import CommonConfig
from vljepa_ros.stream.segment_tracker import Phase, SegmentTracker, SegmentUpdate
from vljepa_ros.stream.words import Said, Source

PHASES = {Phase.STARTED: SemanticEvent.STARTED, Phase.ENDED: SemanticEvent.ENDED}
SOURCES = {Source.DECODER: SemanticEvent.DECODER, Source.NEAREST: SemanticEvent.NEAREST}


def vector_of(message: Embedding) -> np.ndarray:
    """Return the vector float32 [D] of an embedding."""
    return np.frombuffer(message.data, dtype=np.float32)


def moment_of(message: Embedding) -> int:
    """Return the moment that an embedding stands for, in nanoseconds: the middle of its clip."""
    return (to_ns(message.clip_start) + to_ns(message.clip_end)) // 2


class EmbeddingStream:
    """Follows the meaning of a stream and writes its event messages.

    Attributes:
        header: that of the newest embedding.
        received_s: when it came, by the monotonic clock.
        distance: of it to the mean of the present segment before it, in [0, 2].
    """

    def __init__(self, first: Embedding, *, detector_name: str) -> None:
        """Create a stream for a camera, a query and a model.

        Args:
            first: its first embedding, still to be taken.
            detector_name: of the change detector.
        """
        self.header = Header()
        self.received_s = time.monotonic()
        self.distance = 0.0
        self._camera, self._query, self._model_id = first.camera, first.query, first.model_id
        self._detector = detector(detector_name)
        self._tracker = SegmentTracker(self._detector)
        # Segments are counted within a stream; this makes their names unique over all.
        self._prefix = uuid.uuid4().hex[:12]

    def take(self, message: Embedding, config: CommonConfig) -> list[SegmentUpdate]:
        """Take the next embedding; return what has ended and started.

        Args:
            message: the embedding; it is finite and as long as the others.
            config: present settings of the change detector.
        """
        self.received_s = time.monotonic()
        self._detector.configure(config)
        mean, vector = self._detector.segment_mean, vector_of(message)
        self.distance = 0.0 if mean is None else cosine_distance(mean, vector)
        updates = self._tracker.update(moment_of(message), vector)
        self.header = message.header
        return updates

    def flush(self) -> list[SegmentUpdate]:
        """End the present segment."""
        return self._tracker.flush()

    def event(self, update: SegmentUpdate, header: Header, said: Said) -> SemanticEvent:
        """Return the message for an update.

        Args:
            update: what has happened.
            header: that of the newest embedding when it happened.
            said: the update's embedding in words.
        """
        return SemanticEvent(
            header=header,
            id=f'{self._prefix}-{update.segment_id}',
            phase=PHASES[update.phase],
            start=to_stamp(update.start_ns),
            end=to_stamp(update.end_ns),
            text=said.text,
            score=said.score,
            source=SOURCES[said.source],
            change=update.change,
            camera=self._camera,
            query=self._query,
            model_id=self._model_id,
        )
