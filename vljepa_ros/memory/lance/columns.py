# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rows ↔ Arrow tables."""

from __future__ import annotations

import functools
import hashlib
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from vljepa_ros.memory.lance.library import pyarrow as pa
from vljepa_ros.memory.row import Key, Kind, Row

TEXTS = ('camera', 'query', 'text', 'source', 'event_id', 'phase', 'recording')
TIMES = ('stamp_ns', 'start_ns', 'end_ns')
# Numbers that stand for texts: reading the texts of every row that a search looks at would take a
# third of its time.
STREAM, EVENT = 'stream', 'event'
ENDED = 'ENDED'
MODEL_ID = b'model_id'


def schema_of(key: Key) -> pa.Schema:
    """Return the columns of a key's tables."""
    fields = [
        ('id', pa.int64()),
        ('written_ns', pa.int64()),
        *((name, pa.int64()) for name in (*TIMES, STREAM, EVENT)),
        *((name, pa.string()) for name in TEXTS),
        ('score', pa.float32()),
        # Half precision changes a cosine by less than 1e-3 and halves the disk.
        ('vector', pa.list_(pa.float16(), key.dim)),
        ('thumbnail', pa.large_binary()),
    ]
    return pa.schema(fields, metadata={MODEL_ID: key.model_id.encode()})


def to_arrow(key: Key, rows: Mapping[int, Row]) -> pa.Table:
    """Return rows of one key, by their ids, as a table."""
    vectors = np.stack([row.vector for row in rows.values()]).astype(np.float16)
    columns: dict[str, Any] = {
        'id': list(rows),
        'written_ns': [time.time_ns()] * len(rows),
        'score': [row.score for row in rows.values()],
        'vector': pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), key.dim),
        'thumbnail': [row.thumbnail for row in rows.values()],
    }
    for name in (*TIMES, *TEXTS):
        columns[name] = [getattr(row, name) for row in rows.values()]
    columns[STREAM] = [stream_of(row) for row in rows.values()]
    columns[EVENT] = [event_of(row) for row in rows.values()]
    schema = schema_of(key)
    return pa.table({name: columns[name] for name in schema.names}, schema=schema)


def stream_of(row: Row) -> int:
    """Return a number that is the same for all rows of one camera and recording."""
    return number_of(f'{row.camera}\0{row.recording}')


def event_of(row: Row) -> int:
    """Return the number of an event; 0 for an embedding.

    It is the same for all rows of an event but for the last bit: 1 if the event has ended.
    """
    if row.kind is Kind.EMBEDDING:
        return 0
    return 2 * (number_of(row.event_id) >> 1) + (row.phase == ENDED)


@functools.lru_cache(maxsize=4096)
def number_of(text: str) -> int:
    """Return a number of 63 bits for a text; those of two texts are never the same in practice."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], 'big') >> 1
