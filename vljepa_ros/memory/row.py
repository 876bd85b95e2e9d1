# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a memory holds: one row an embedding or event."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from vljepa_ros.errors import StreamError

LARGEST_STAMP_NS = 2**63 - 1


class Kind(enum.Enum):
    """What a row stands for; the value is written to disk."""

    EMBEDDING = 'embedding'
    EVENT = 'event'


@dataclass(frozen=True)
class Key:
    """Rows of one key can be compared with each other, and share tables.

    Attributes:
        kind: what they stand for.
        model_id: of the model that made the vectors.
        dim: D.
    """

    kind: Kind
    model_id: str
    dim: int


@dataclass(frozen=True, eq=False)
class Row:
    """One embedding, or one event with the mean of its embeddings.

    Attributes:
        kind: which of the two.
        model_id: of the model that made the vector.
        camera: name of the camera.
        query: what the vector answers.
        stamp_ns: of the newest image, in the clock of the camera.
        start_ns: first moment that the vector holds for: the clip's or event's first.
        end_ns: last moment.
        vector: float32 [D]; any length but 0, it is made 1.
        text: an event in words.
        score: of the text; see SemanticEvent.msg.
        source: of the text, 'DECODER' or 'NEAREST'.
        event_id: name of the event.
        phase: 'STARTED' or 'ENDED'.
        thumbnail: a small JPEG; may be empty.
        recording: what it was read from; empty for live cameras.
    """

    kind: Kind
    model_id: str
    camera: str
    query: str
    stamp_ns: int
    start_ns: int
    end_ns: int
    vector: np.ndarray
    text: str = ''
    score: float = 0.0
    source: str = ''
    event_id: str = ''
    phase: str = ''
    thumbnail: bytes = b''
    recording: str = ''

    def __post_init__(self) -> None:
        """Check it and make the vector's length 1.

        Raises:
            StreamError: the vector is not finite, 0 or not [D], or time runs backwards in it.
        """
        if not 0 <= self.start_ns <= self.end_ns <= LARGEST_STAMP_NS:
            raise StreamError(
                f'A row of camera {self.camera!r} lasts from {self.start_ns} to {self.end_ns} ns; '
                'its times must be 0 or more, and must not run backwards'
            )
        object.__setattr__(self, 'vector', unit_vector(self.vector))

    @property
    def key(self) -> Key:
        """Which rows it can be compared with."""
        return Key(self.kind, self.model_id, len(self.vector))


def unit_vector(vector: np.ndarray) -> np.ndarray:
    """Return a vector [D] as float32 of length 1.

    Raises:
        StreamError: it is not finite, 0 or not [D].
    """
    values = np.asarray(vector, dtype=np.float32)
    if values.ndim != 1 or not values.size:
        raise StreamError(f'A vector must be [D] with D ≥ 1, not {list(values.shape)}')
    length = float(np.linalg.norm(values.astype(np.float64)))
    if not np.isfinite(length) or not length:
        raise StreamError(
            'A vector cannot be remembered: it is 0 or holds NaN or infinity. Check the model'
        )
    return values / np.float32(length)
