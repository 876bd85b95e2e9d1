# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the events at the times of embeddings said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from vljepa_ros.memory.lance.table import Table
from vljepa_ros.memory.row import Kind, Row
from vljepa_ros.memory.search import Hit

SAME = ('camera', 'query', 'recording')
COLUMNS = (*SAME, 'start_ns', 'end_ns', 'text', 'score', 'source', 'event_id', 'phase')
MOST_EVENTS = 1000

Events = list[dict[str, Any]]
# Reads from a table; returns the last argument if it cannot be read.
Read = Callable[[Table, Callable[[Table], Events], Events], Events]


def with_event_texts(
    hits: Sequence[Hit], *, rows: Iterable[Row], tables: Sequence[Table], read: Read
) -> list[Hit]:
    """Return hits with words, where there was an event at their time.

    Args:
        hits: events among them have words of their own.
        rows: rows that are not in a table yet.
        tables: the tables of events.
        read: reads from a table.
    """
    moments = {hit.middle_ns for hit in hits if hit.kind is Kind.EMBEDDING}
    if not moments:
        return list(hits)
    events = [
        {name: getattr(row, name) for name in COLUMNS} for row in rows if row.kind is Kind.EVENT
    ]
    where = ' OR '.join(f'(start_ns <= {at} AND end_ns >= {at})' for at in sorted(moments))
    for table in tables:
        events += read(table, lambda one: one.select(where, COLUMNS, limit=MOST_EVENTS), [])
    events.sort(key=lambda event: event['phase'])  # ENDED comes first, and says it better
    return [_with_text(hit, events) for hit in hits]


def _with_text(hit: Hit, events: Events) -> Hit:
    if hit.kind is Kind.EVENT:
        return hit
    for event in events:
        same = all(event[name] == getattr(hit, name) for name in SAME)
        if same and event['start_ns'] <= hit.middle_ns <= event['end_ns']:
            return replace(
                hit,
                text=event['text'],
                text_score=event['score'],
                source=event['source'],
                event_id=event['event_id'],
            )
    return hit
