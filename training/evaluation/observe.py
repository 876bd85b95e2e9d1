# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs clips through a model: each clip is encoded once, whatever is asked about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar

import numpy as np

from training.evaluation.items import (
    Item,
    NextItem,
    QuestionItem,
    Request,
    SegmentItem,
    TransitionItem,
)
from vljepa_ros.errors import ConfigurationError
from vljepa_ros.inference import Engine

CLIPS_AT_ONCE = 16
Kind = TypeVar('Kind', SegmentItem, QuestionItem, NextItem, TransitionItem)


@dataclass(frozen=True)
class Answered(Generic[Kind]):
    """Items of one task and what the model predicts for them, unit vectors float32 [N, D]."""

    items: list[Kind]
    embeddings: np.ndarray

    def where(self, chosen: list[bool]) -> Answered[Kind]:
        """Return the chosen items."""
        items = [item for item, keep in zip(self.items, chosen, strict=True) if keep]
        return Answered(items, self.embeddings[np.array(chosen, bool)])


@dataclass(frozen=True)
class Observed:
    """The answers of all tasks."""

    segments: Answered[SegmentItem]
    questions: Answered[QuestionItem]
    nexts: Answered[NextItem]
    transitions: Answered[TransitionItem]


def observe(engine: Engine, requests: Iterable[Request]) -> Observed:
    """Encode all clips and answer all their queries."""
    items: list[Item] = []
    parts: list[np.ndarray] = []
    for request, answers in answer(engine, requests):
        items += request.items
        parts.append(answers)
    embeddings = np.concatenate(parts or [np.zeros((0, engine.config.embedding_dim), np.float32)])

    def pick(kind: type[Kind]) -> Answered[Kind]:
        rows = [row for row, item in enumerate(items) if isinstance(item, kind)]
        chosen: list[Any] = [items[row] for row in rows]
        return Answered(chosen, embeddings[np.array(rows, int)])

    return Observed(pick(SegmentItem), pick(QuestionItem), pick(NextItem), pick(TransitionItem))


def answer(engine: Engine, requests: Iterable[Request]) -> Iterator[tuple[Request, np.ndarray]]:
    """Yield each request, in order, with the answers float32 [Q, D] to its queries.

    A query that is too long for the model has NaN as its answer.
    """
    waiting = iter(requests)
    while batch := list(islice(waiting, CLIPS_AT_ONCE)):
        features = engine.encode(np.stack([request.clip for request in batch]))
        # Clips with the same queries are answered together.
        alike: dict[tuple[str, ...], list[int]] = {}
        for row, request in enumerate(batch):
            alike.setdefault(request.queries, []).append(row)
        answers: dict[int, np.ndarray] = {}
        for queries, rows in alike.items():
            predicted = _predict(engine, features[rows], queries)
            answers.update(zip(rows, predicted, strict=True))
        yield from ((request, answers[row]) for row, request in enumerate(batch))


def _predict(engine: Engine, features: Any, queries: Sequence[str]) -> np.ndarray:
    """Return the answers float32 [B, Q, D]; NaN to queries that are too long for the model."""
    try:
        return engine.predict(features, queries)
    except ConfigurationError:
        if len(queries) == 1:
            return np.full((len(features), 1, engine.config.embedding_dim), np.nan, np.float32)
    return np.concatenate([_predict(engine, features, [query]) for query in queries], axis=1)


def embed_texts(engine: Engine, texts: Iterable[str]) -> dict[str, np.ndarray]:
    """Embed texts, each different one once; return text -> unit vector float32 [D]."""
    different = list(dict.fromkeys(texts))
    found: dict[str, np.ndarray] = {}
    for start in range(0, len(different), 64):
        part = different[start : start + 64]
        found.update(zip(part, engine.embed_text(part), strict=True))
    return found
