# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rows for the tests of the memory, and what a memory holds."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

pytest.importorskip('lancedb', reason='the memory needs lancedb')

from vljepa_ros.memory.memory import Memory  # noqa: E402
from vljepa_ros.memory.row import Kind, Row  # noqa: E402
from vljepa_ros.stream.stamps import SECOND_NS  # noqa: E402

MODEL = 'tiny@0123456789ab'
WIDTH = 16
START_NS = 1_000_000 * SECOND_NS


def meaning(index: int, *, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    """Return a vector; those of different indices have cosines near 0."""
    vector = np.random.default_rng(index).standard_normal(WIDTH)
    vector /= np.linalg.norm(vector)
    other = np.random.default_rng((index, seed)).standard_normal(WIDTH)
    return (vector + noise * other / np.linalg.norm(other)).astype(np.float32)


def row(second: float, vector: np.ndarray | None = None, **changes: Any) -> Row:
    """Return the row of a clip of a second that ends so many seconds after START_NS."""
    end_ns = START_NS + round(second * SECOND_NS)
    values: dict[str, Any] = {
        'kind': Kind.EMBEDDING,
        'model_id': MODEL,
        'camera': 'front',
        'query': 'caption',
        'stamp_ns': end_ns,
        'start_ns': end_ns - SECOND_NS,
        'end_ns': end_ns,
        'vector': meaning(0) if vector is None else vector,
    }
    return Row(**{**values, **changes})


def event(first: float, last: float, text: str, **changes: Any) -> Row:
    """Return the row of an event that has ended."""
    values: dict[str, Any] = {
        'kind': Kind.EVENT,
        'start_ns': START_NS + round(first * SECOND_NS),
        'text': text,
        'score': 0.75,
        'source': 'DECODER',
        'event_id': f'event-{first}',
        'phase': 'ENDED',
    }
    return row(last, **{**values, **changes})


def seconds(ns: int) -> float:
    """Return a time as seconds after START_NS."""
    return (ns - START_NS) / SECOND_NS


def stamps(memory: Memory) -> Counter[int]:
    """Return how often each stamp is in a memory, in tables or not."""
    found: Counter[int] = Counter(one.stamp_ns for one in memory._waiting.snapshot().values())
    for table in memory._catalog.all:
        rows = table.select('id IS NOT NULL', ['stamp_ns'], limit=10**6)
        found.update(one['stamp_ns'] for one in rows)
    return found
