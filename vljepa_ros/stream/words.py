# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Puts segments into words, by the Y-Decoder where that is worth it, else by known phrases."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from vljepa_ros.errors import CheckpointError, ConfigurationError
from vljepa_ros.inference import DecodedText, Engine
from vljepa_ros.stream.segment_tracker import Phase, SegmentUpdate

STARTED_TEXTS = ('decoder', 'nearest')


class Source(enum.Enum):
    """Where a text comes from; scores of different sources cannot be compared."""

    DECODER = 1
    NEAREST = 2


@dataclass(frozen=True)
class WordsConfig:
    """Settings of `Words`.

    Attributes:
        min_score: score in [0, 1] below which a written text is not trusted, and the nearest
            known phrase is taken.
        started: what says how a segment starts, one of STARTED_TEXTS. `nearest` spares half of
            the calls of the Y-Decoder: only what is over is put into words by it.
    """

    min_score: float = 0.0
    started: str = 'decoder'

    def __post_init__(self) -> None:
        """Reject values outside their ranges."""
        if not 0.0 <= self.min_score <= 1.0:
            raise ConfigurationError(f'min_score is {self.min_score}; use 0 to 1')
        if self.started not in STARTED_TEXTS:
            raise ConfigurationError(
                f'started is {self.started!r}; use one of {", ".join(STARTED_TEXTS)}'
            )


@dataclass(frozen=True)
class Said:
    """A text with its score and source; whether the Y-Decoder was asked for it."""

    text: str
    score: float
    source: Source
    decoded: bool


class Words:
    """Says what segments mean. A model without a phrase bank has only its Y-Decoder."""

    def __init__(self, engine: Engine, config: WordsConfig | None = None) -> None:
        """Use an engine that can decode."""
        self._engine = engine
        self.config = config or WordsConfig()
        self._has_bank = True

    def say(self, update: SegmentUpdate) -> Said:
        """Put a segment that has started or ended into words.

        A segment whose nearest phrase says that nothing happens is not decoded.

        Raises:
            EngineError: the Y-Decoder failed.
        """
        near = self._nearest(update)
        known = near is not None and (
            near.text in self._engine.config.quiet_texts
            or (update.phase is Phase.STARTED and self.config.started == 'nearest')
        )
        if near is not None and known:
            return Said(near.text, near.score, Source.NEAREST, decoded=False)
        written = self._engine.decode(update.embedding[None])[0]
        if near is not None and written.score < self.config.min_score:
            return Said(near.text, near.score, Source.NEAREST, decoded=True)
        return Said(written.text, written.score, Source.DECODER, decoded=True)

    def _nearest(self, update: SegmentUpdate) -> DecodedText | None:
        if not self._has_bank:
            return None
        try:
            return self._engine.nearest(update.embedding[None])[0]
        except CheckpointError:
            self._has_bank = False
            return None
