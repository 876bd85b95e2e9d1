# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is looked for in a memory, and what is found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.memory.row import Kind, Row, unit_vector

MAX_LIMIT = 100


@dataclass(frozen=True)
class Search:
    """What is looked for.

    Attributes:
        vector: [D], of any length but 0.
        model_id: of the model that made the vector; rows of other models cannot be compared.
        camera: only this one; empty for all.
        query: only vectors that answer this; empty for all.
        since_ns: only what lasted until then or longer; None for all.
        until_ns: only what had begun by then; None for all.
        kinds: what is searched.
        limit: moments at most, 1 to 100.
        min_score: moments of a lower score are left out; None for all.
        newest_first: the newest moments instead of the best, of those with `min_score`; without
            it, of those that are about as good as the best.
    """

    vector: np.ndarray
    model_id: str
    camera: str = ''
    query: str = ''
    since_ns: int | None = None
    until_ns: int | None = None
    kinds: tuple[Kind, ...] = (Kind.EMBEDDING, Kind.EVENT)
    limit: int = 10
    min_score: float | None = None
    newest_first: bool = False

    def __post_init__(self) -> None:
        """Check it; raises ConfigurationError or StreamError."""
        if not 1 <= self.limit <= MAX_LIMIT:
            raise ConfigurationError(f'limit is {self.limit}; allowed is 1 to {MAX_LIMIT}')
        if self.min_score is not None and not -1.0 <= self.min_score <= 1.0:
            raise ConfigurationError(
                f'min_score is {self.min_score}; it is a cosine, allowed is -1 to 1'
            )
        since_ns, until_ns = self.since_ns, self.until_ns
        if since_ns is not None and until_ns is not None and since_ns > until_ns:
            raise ConfigurationError(
                f'since ({since_ns} ns) is after until ({until_ns} ns); swap them'
            )
        object.__setattr__(self, 'vector', unit_vector(self.vector))

    @property
    def where(self) -> str:
        """The condition in SQL; empty if every row passes."""
        terms = [
            f"{name} = '{text.replace(chr(39), 2 * chr(39))}'"
            for name, text in (('camera', self.camera), ('query', self.query))
            if text
        ]
        if self.since_ns is not None:
            terms.append(f'end_ns >= {self.since_ns}')
        if self.until_ns is not None:
            terms.append(f'start_ns <= {self.until_ns}')
        return ' AND '.join(terms)

    def passes(self, row: Row) -> bool:
        """Return whether a row is searched."""
        return (
            row.model_id == self.model_id
            and row.kind in self.kinds
            and len(row.vector) == len(self.vector)
            and self.camera in ('', row.camera)
            and self.query in ('', row.query)
            and (self.since_ns is None or row.end_ns >= self.since_ns)
            and (self.until_ns is None or row.start_ns <= self.until_ns)
        )


@dataclass(frozen=True, eq=False)
class Hit:
    """A moment that was found.

    Attributes:
        score: cosine with what was looked for, -1 to 1.
        kind: of the row that fits best.
        camera: which one.
        start_ns: first moment at which the camera's rows fit about as well.
        end_ns: last moment.
        stamp_ns: of the newest image of the row that fits best.
        middle_ns: the moment that this row stands for.
        text: the event at that time in words; may be empty.
        text_score: of the text, and `source`, as in SemanticEvent.msg.
        thumbnail: a JPEG of the row that fits best; may be empty.
        query: what the row answers.
        event_id: of the event; may be empty.
        recording: what the row was read from; empty for live cameras.
    """

    score: float
    kind: Kind
    camera: str
    start_ns: int
    end_ns: int
    stamp_ns: int
    middle_ns: int
    text: str
    text_score: float
    source: str
    thumbnail: bytes
    query: str
    event_id: str
    recording: str
