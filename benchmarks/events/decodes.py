# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""When a stream is put into words, and from which embedding: one list of decodes a policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from training.evaluation.streams import Stream
from vljepa_ros.stream.changes.detector import SegmentDetector
from vljepa_ros.stream.changes.offline import segments_of
from vljepa_ros.stream.segment_tracker import Phase, SegmentTracker
from vljepa_ros.stream.stamps import SECOND_NS


@dataclass(frozen=True)
class Decode:
    """One call of the decoder.

    Attributes:
        time_s: the centre of the frames that it rests on.
        embedding: unit vector [D].
    """

    time_s: float
    embedding: np.ndarray


@dataclass(frozen=True)
class Policy:
    """What a policy makes of a stream.

    Attributes:
        decodes: in the order of time.
        borders_s: moments at which it says that the meaning changes.
        delays_s: for each border how much later the newest frame was when that was sure.
    """

    decodes: list[Decode]
    borders_s: list[float]
    delays_s: list[float]


Quiet = Callable[[np.ndarray], bool]


def uniform(stream: Stream, rate_hz: float, *, pooled: bool) -> Policy:
    """Decode at equal distances: the sample in the middle, or the mean."""
    start, end = stream.centres_s[0], stream.centres_s[-1]
    edges = np.arange(start, end + 1e-6, 1.0 / rate_hz)
    parts = [
        np.flatnonzero((stream.centres_s >= low - 1e-6) & (stream.centres_s < high - 1e-6))
        for low, high in zip(edges, np.append(edges[1:], np.inf), strict=True)
    ]
    return _of_parts(stream, [part for part in parts if len(part)], pooled=pooled)


def offline(stream: Stream, count: int, *, pooled: bool, quiet: Quiet | None = None) -> Policy:
    """Decode each segment of Ward's method over the whole stream, count segments in all."""
    found = segments_of(stream.embeddings, count)
    rows = np.arange(len(stream.embeddings))
    return _of_parts(stream, [rows[part] for part in found], pooled=pooled, quiet=quiet)


def oracle(stream: Stream, *, pooled: bool) -> Policy:
    """Decode each true segment that is annotated, once."""
    parts = [
        np.flatnonzero((stream.centres_s >= one.start_s) & (stream.centres_s < one.end_s))
        for one in stream.segments
        if one.action != 'idle'
    ]
    return _of_parts(stream, [part for part in parts if len(part)], pooled=pooled)


def causal(
    stream: Stream,
    detector: SegmentDetector,
    *,
    pooled: bool,
    quiet: Quiet | None = None,
    both: bool = False,
) -> Policy:
    """Decode each segment that a detector finds, when it has ended.

    With `both` also when it has started, as the event node does unless `started_text` is
    `nearest`.
    """
    tracker = SegmentTracker(detector)
    updates = []
    for time_s, embedding in zip(stream.centres_s, stream.embeddings, strict=True):
        updates += tracker.update(round(time_s * SECOND_NS), embedding)
    updates += tracker.flush()
    decodes, borders, delays = [], [], []
    for update in updates:
        start_s, end_s = update.start_ns / SECOND_NS, update.end_ns / SECOND_NS
        started = update.phase is Phase.STARTED
        if started and update.change > 0.0:
            borders.append(start_s)
            delays.append(end_s - start_s)
        if started and not both:
            continue
        middle = int(np.abs(stream.centres_s - (start_s + end_s) / 2).argmin())
        embedding = update.embedding if pooled else stream.embeddings[middle]
        if quiet is None or not quiet(embedding):
            decodes.append(Decode((start_s + end_s) / 2, embedding))
    return Policy(decodes, borders, delays)


def _of_parts(
    stream: Stream, parts: Sequence[np.ndarray], *, pooled: bool, quiet: Quiet | None = None
) -> Policy:
    decodes = []
    for part in parts:
        vectors = stream.embeddings[part]
        chosen = vectors.mean(axis=0) if pooled else vectors[len(part) // 2]
        embedding = chosen / max(float(np.linalg.norm(chosen)), 1e-12)
        if quiet is None or not quiet(embedding):
            decodes.append(Decode(float(stream.centres_s[part].mean()), embedding))
    borders = [float(stream.centres_s[part[0]]) for part in parts[1:]]
    return Policy(decodes, borders, [0.0] * len(borders))
