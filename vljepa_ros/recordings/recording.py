# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What every recording offers, whatever it is stored in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from vljepa_ros.stream.image_ops import Picture


@dataclass(frozen=True)
class RecordedTopic:
    """A topic: its name in full, the type of its messages, and how many there are."""

    name: str
    kind: str
    count: int


@dataclass(frozen=True, eq=False)
class RecordedImage:
    """An image, not decoded yet.

    Attributes:
        topic: where it came from.
        logged_ns: when it was recorded, in nanoseconds.
        stamp_ns: when it was taken, by its header; `logged_ns` where that has no stamp.
        frame_id: of its header.
        read: the least shorter side that is needed, 0 for all of it, → the picture, which may be
            smaller than it was; raises ImageError.
    """

    topic: str
    logged_ns: int
    stamp_ns: int
    frame_id: str
    read: Callable[[int], Picture]


@dataclass(frozen=True, eq=False)
class RecordedEmbedding:
    """An embedding: unit vector float32 [D], times in nanoseconds, the rest as in the message."""

    logged_ns: int
    stamp_ns: int
    frame_id: str
    camera: str
    query: str
    model_id: str
    clip_start_ns: int
    clip_end_ns: int
    vector: np.ndarray

    @property
    def moment_ns(self) -> int:
        """What it stands for: the middle of its clip."""
        return (self.clip_start_ns + self.clip_end_ns) // 2


@dataclass(frozen=True)
class RecordedEvent:
    """An event as in the message: phase STARTED or ENDED, source DECODER or NEAREST."""

    logged_ns: int
    stamp_ns: int
    frame_id: str
    id: str
    phase: str
    start_ns: int
    end_ns: int
    text: str
    score: float
    source: str
    change: float
    camera: str
    query: str
    model_id: str


@dataclass(frozen=True)
class RecordedAlert:
    """An alert as in the message: phase FIRED or CLEARED, times in nanoseconds."""

    logged_ns: int
    stamp_ns: int
    frame_id: str
    id: str
    phase: str
    rule: str
    text: str
    severity: str
    since_ns: int
    score: float
    camera: str
    query: str
    model_id: str


class Recording(Protocol):
    """Images, embeddings, events and alerts by time; each can be read again and again.

    Attributes:
        path: where it is.
        topics: those that hold images, embeddings, events or alerts.
        problems: what could not be read, in sentences; it grows while the recording is read.
    """

    path: Path
    topics: tuple[RecordedTopic, ...]
    problems: list[str]

    def images(self, topics: Collection[str] = ()) -> Iterator[RecordedImage]:
        """Yield the images of some topics; of all, where none is named."""

    def embeddings(self) -> Iterator[RecordedEmbedding]:
        """Yield the embeddings."""

    def events(self) -> Iterator[RecordedEvent]:
        """Yield the events."""

    def alerts(self) -> Iterator[RecordedAlert]:
        """Yield the alerts of rules."""

    def close(self) -> None:
        """Close its files."""
