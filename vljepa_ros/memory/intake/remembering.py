# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From streams of embeddings and events to rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from vljepa_ros.errors import StreamError
from vljepa_ros.memory.intake.means import RunningMeans
from vljepa_ros.memory.intake.thinning import Thinning, ThinningConfig
from vljepa_ros.memory.row import Kind, Row

ENDED = 'ENDED'
# Their names come from the network; the one that was silent longest is forgotten.
MOST_STREAMS = 64


class Sink(Protocol):
    """What takes rows, such as `Memory`."""

    def write(self, row: Row) -> int:
        """Remember a row; return its id."""

    def rewrite(self, number: int, row: Row) -> bool:
        """Replace a row; return False if it is too late for that."""


@dataclass(frozen=True)
class SeenEvent:
    """An event that has started or ended; fields as in `Row`."""

    model_id: str
    camera: str
    query: str
    stamp_ns: int
    start_ns: int
    end_ns: int
    text: str
    score: float
    source: str
    event_id: str
    phase: str
    recording: str = ''


@dataclass
class _Stream:
    """One camera, query, model and recording."""

    thinning: Thinning = field(default_factory=Thinning)
    means: RunningMeans = field(default_factory=RunningMeans)
    row_number: int = 0
    event: Row | None = None  # the one that goes on
    event_number: int = 0


class Remembering:
    """Writes what is worth it into a memory; one thread at a time."""

    def __init__(self, sink: Sink) -> None:
        """Create it.

        Args:
            sink: takes the rows.
        """
        self._sink = sink
        self._streams: dict[tuple[str, ...], _Stream] = {}

    def embedding(
        self,
        sample: Row,
        config: ThinningConfig,
        *,
        thumbnail: Callable[[], bytes] = lambda: b'',
    ) -> bool:
        """Take the next embedding of a stream.

        Args:
            sample: as a row, without a thumbnail.
            config: what is kept.
            thumbnail: makes one; is called for what is kept only.

        Returns:
            Whether it is kept as a row.

        Raises:
            StoreError: it cannot be written.
        """
        stream = self._stream(sample.camera, sample.query, sample.model_id, sample.recording)
        stream.means.add((sample.start_ns + sample.end_ns) // 2, sample.vector)
        thinning, last = stream.thinning, stream.thinning.row
        is_new = thinning.take(sample, config)
        if not is_new:
            if thinning.row is last or thinning.row is None:
                return False
            if self._sink.rewrite(stream.row_number, thinning.row):
                self._lengthen_event(stream, sample)
                return False
        # Or it is too late to lengthen the last one, and what lasts needs a row of its own.
        thinning.row = replace(sample, thumbnail=thumbnail())
        stream.row_number = self._sink.write(thinning.row)
        self._lengthen_event(stream, sample)
        return True

    def event(self, event: SeenEvent, *, thumbnail: Callable[[], bytes] = lambda: b'') -> None:
        """Take an event; the same id twice is one row, with the mean of the event's embeddings.

        Args:
            event: what has started or ended.
            thumbnail: makes one; is called at the start.

        Raises:
            StreamError: neither its start nor any of its embeddings was seen.
            StoreError: it cannot be written.
        """
        stream = self._stream(event.camera, event.query, event.model_id, event.recording)
        started = stream.event
        if started is not None and started.event_id != event.event_id:
            started = None
        mean = stream.means.mean(event.start_ns, event.end_ns)
        if mean is None and started is not None:
            mean = started.vector  # time has jumped back since, and the means with it
        if mean is None:
            raise StreamError(
                f'The event {event.event_id!r} of camera {event.camera!r} is not remembered: none '
                'of its embeddings has come in. Is the memory active as long as the event node?'
            )
        if started is not None:
            row = _row(event, mean, started.thumbnail)
            if not self._sink.rewrite(stream.event_number, row):
                stream.event_number = self._sink.write(row)
        else:
            row = _row(event, mean, thumbnail())
            stream.event_number = self._sink.write(row)
        stream.event = None if event.phase == ENDED else row

    def _lengthen_event(self, stream: _Stream, sample: Row) -> None:
        """Let an event that has not ended reach until now, so that a search finds it."""
        event = stream.event
        end_ns = (sample.start_ns + sample.end_ns) // 2
        if event is None or end_ns <= event.end_ns:
            return
        longer = replace(event, end_ns=end_ns)
        if self._sink.rewrite(stream.event_number, longer):
            stream.event = longer

    def _stream(self, *name: str) -> _Stream:
        stream = self._streams.pop(name, None) or _Stream()
        self._streams[name] = stream  # the newest is last
        if len(self._streams) > MOST_STREAMS:
            self._streams.pop(next(iter(self._streams)))
        return stream


def _row(event: SeenEvent, vector: np.ndarray, thumbnail: bytes) -> Row:
    return Row(kind=Kind.EVENT, vector=vector, thumbnail=thumbnail, **vars(event))
