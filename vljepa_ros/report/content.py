# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a report shows: segments of constant meaning, and how far each sample is from its own."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from vljepa_ros.recordings.recording import RecordedEmbedding, RecordedEvent

Key = tuple[str, str]  # camera, query


@dataclass(eq=False)
class Segment:
    """A time of constant meaning; as in the event that tells most about it.

    Attributes:
        mean: sum of its embeddings [D], None where none was recorded.
        thumbnail: a JPEG, None where no image of it was recorded.
    """

    id: str
    camera: str
    query: str
    model_id: str
    start_ns: int
    end_ns: int
    text: str
    score: float
    source: str
    change: float
    has_ended: bool
    mean: np.ndarray | None = None
    thumbnail: bytes | None = None


@dataclass(eq=False)
class Stream:
    """What one camera shows in answer to one query.

    Attributes:
        segments: in the order of time.
        moments_ns: of the embeddings.
        images_ns: stamps of the first and the last image that the embeddings are of.
        distances: of each embedding to the mean of its segment's embeddings before it, 0 to 2; of
            a segment's first one to the mean of the segment before.
    """

    camera: str
    query: str
    segments: list[Segment]
    moments_ns: list[int] = field(default_factory=list)
    images_ns: tuple[int, ...] = ()
    distances: list[float] = field(default_factory=list)


def streams_of(events: Iterable[RecordedEvent]) -> list[Stream]:
    """Return the segments that events tell of, one stream a camera and query.

    The text of ENDED, which is made from the whole segment, replaces that of STARTED.
    """
    segments: dict[str, Segment] = {}
    for event in events:
        known = segments.get(event.id)
        if known is not None and known.has_ended:
            continue  # a bag may hold an event twice
        segments[event.id] = Segment(
            id=event.id,
            camera=event.camera,
            query=event.query,
            model_id=event.model_id,
            start_ns=event.start_ns,
            end_ns=max(event.end_ns, event.start_ns),
            text=event.text,
            score=event.score,
            source=event.source,
            change=event.change,
            has_ended=event.phase == 'ENDED',
        )
    streams: dict[Key, Stream] = {}
    for segment in sorted(segments.values(), key=lambda item: item.start_ns):
        key = segment.camera, segment.query
        streams.setdefault(key, Stream(*key, [])).segments.append(segment)
    for stream in streams.values():
        _close(stream.segments)
    return [streams[key] for key in sorted(streams)]


def add_embeddings(
    streams: Sequence[Stream], embeddings: Iterable[RecordedEmbedding], problems: list[str]
) -> None:
    """Add curves and means.

    Args:
        streams: embeddings of others, and from before the first segment, are left out.
        embeddings: in the order of time.
        problems: takes what cannot be used.
    """
    by_key = {(stream.camera, stream.query): stream for stream in streams}
    starts = {
        key: [segment.start_ns for segment in stream.segments] for key, stream in by_key.items()
    }
    wrong = 0
    for embedding in embeddings:
        key = embedding.camera, embedding.query
        if key not in by_key:
            continue
        stream = by_key[key]
        number = bisect_right(starts[key], embedding.moment_ns) - 1
        if number < 0:  # of a segment that is not in the recording
            continue
        segment = stream.segments[number]
        if not _fits(embedding, segment):
            wrong += 1
            continue
        if segment.mean is None:
            before = stream.segments[number - 1].mean if number else None
            segment.mean = np.zeros(len(embedding.vector), dtype=np.float64)
        else:
            before = segment.mean
        stream.moments_ns.append(embedding.moment_ns)
        ends_ns = (*stream.images_ns, embedding.clip_start_ns, embedding.clip_end_ns)
        stream.images_ns = min(ends_ns), max(ends_ns)
        stream.distances.append(_distance(before, embedding.vector))
        segment.mean += embedding.vector
        if not segment.has_ended and number == len(stream.segments) - 1:
            segment.end_ns = max(segment.end_ns, embedding.moment_ns)
    if wrong:
        problems.append(
            f'{wrong} embeddings are left out: they are of another model than the events, or not '
            'finite'
        )


def _close(segments: Sequence[Segment]) -> None:
    """Have a segment whose end is not recorded end where the next one starts."""
    for segment, following in zip(segments, segments[1:], strict=False):
        if not segment.has_ended:
            segment.end_ns = following.start_ns


def _fits(embedding: RecordedEmbedding, segment: Segment) -> bool:
    length = len(embedding.vector) if segment.mean is None else len(segment.mean)
    same = embedding.model_id == segment.model_id and len(embedding.vector) == length
    return bool(same and length and np.isfinite(embedding.vector).all())


def _distance(mean: np.ndarray | None, vector: np.ndarray) -> float:
    if mean is None or len(mean) != len(vector):
        return 0.0
    norm = float(np.linalg.norm(mean) * np.linalg.norm(vector))
    return 1.0 - float(mean @ vector) / norm if norm > 0.0 else 0.0
