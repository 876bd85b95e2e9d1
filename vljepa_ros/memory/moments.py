# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From rows that were found to moments: a search must not return ten rows of one second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vljepa_ros.memory.lance.table import Table
from vljepa_ros.memory.row import Kind
from vljepa_ros.stream.stamps import SECOND_NS

# Rows of a camera that are no further apart than this are one moment.
GAP_NS = 5 * SECOND_NS
# Rows that fit as well as the best of a moment, but for this cosine, say how long it lasted.
AS_GOOD = 0.05


@dataclass(frozen=True)
class Candidate:
    """A row that was found.

    Attributes:
        score: cosine, -1 to 1.
        kind: of the row.
        stream: number of its camera and recording.
        event: number of its event, odd if that has ended; 0 for an embedding.
        stamp_ns: of the newest image.
        start_ns: first moment.
        end_ns: last moment.
        table: the table that holds it; None for a row that is not in a table yet.
        number: in the table the row's `_rowid`, else its id.
    """

    score: float
    kind: Kind
    stream: int
    event: int
    stamp_ns: int
    start_ns: int
    end_ns: int
    table: Table | None
    number: int


@dataclass(frozen=True)
class Moment:
    """A time of one camera.

    Attributes:
        best: the row that fits best.
        start_ns: first moment at which rows fit as well.
        end_ns: last moment.
    """

    best: Candidate
    start_ns: int
    end_ns: int


def to_moments(
    candidates: Sequence[Candidate], *, limit: int, least_score: float = -1.0
) -> list[Moment]:
    """Merge rows into moments.

    The best row of a camera and recording makes a moment, with the rows beside it that fit about
    as well; all rows within GAP_NS of the moment belong to it. Then comes the best of those that
    are left. Two events are two moments, however near; of one event there may be two rows.

    Args:
        candidates: in any order.
        limit: how many moments at most.
        least_score: moments whose best row has less are left out.

    Returns:
        The moments, the best first.
    """
    streams: dict[int, list[Candidate]] = {}
    for candidate in candidates:
        streams.setdefault(candidate.stream, []).append(candidate)
    found = [moment for rows in streams.values() for moment in _moments(rows, limit, least_score)]
    found.sort(key=lambda moment: (-moment.best.score, -moment.end_ns))
    return found[:limit]


def _moments(rows: list[Candidate], limit: int, least_score: float) -> list[Moment]:
    """Return the moments of one stream, the best first."""
    # Of an event's rows the one of its end says more.
    ended = {one.event for one in rows if one.event % 2}
    rows = [one for one in rows if one.event % 2 or one.event + 1 not in ended]
    rows.sort(key=lambda one: one.start_ns)
    starts = np.array([one.start_ns for one in rows])
    ends = np.array([one.end_ns for one in rows])
    scores = np.array([one.score for one in rows])
    events = np.array([one.event // 2 for one in rows])
    left = np.ones(len(rows), dtype=bool)
    moments: list[Moment] = []
    while left.any() and len(moments) < limit:
        at = int(np.argmax(np.where(left, scores, -np.inf)))
        best = rows[at]
        if best.score < least_score:
            break
        start_ns, end_ns = best.start_ns, best.end_ns
        if best.kind is Kind.EMBEDDING:
            good = left & (events == 0) & (scores >= best.score - AS_GOOD)
            start_ns, end_ns = _stretch(starts[good], ends[good], start_ns)
        moments.append(Moment(best, start_ns, end_ns))
        near = (starts <= end_ns + GAP_NS) & (ends >= start_ns - GAP_NS)
        if best.kind is Kind.EVENT:
            near &= (events == 0) | (events == best.event // 2)
        left &= ~near
        left[at] = False
    return moments


def _stretch(starts: np.ndarray, ends: np.ndarray, at_ns: int) -> tuple[int, int]:
    """Return first and last moment of the rows that follow each other without a gap.

    Args:
        starts: of the rows, ascending.
        ends: of the rows.
        at_ns: the start of one of them, which lies within.
    """
    reached = np.maximum.accumulate(ends)
    begins = np.flatnonzero(np.append(True, starts[1:] > reached[:-1] + GAP_NS))
    group = int(np.searchsorted(starts[begins], at_ns, side='right')) - 1
    first = begins[group]
    last = begins[group + 1] if group + 1 < len(begins) else len(starts)
    return int(starts[first]), int(ends[first:last].max())
