# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Goes through tables, and through rows that are not in a table yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any, TypeVar

import numpy as np

from vljepa_ros.errors import StoreError
from vljepa_ros.memory.event_texts import with_event_texts
from vljepa_ros.memory.lance.catalog import Catalog
from vljepa_ros.memory.lance.columns import TEXTS, event_of, stream_of
from vljepa_ros.memory.lance.table import Table
from vljepa_ros.memory.moments import AS_GOOD, Candidate, Moment, to_moments
from vljepa_ros.memory.row import Kind, Row
from vljepa_ros.memory.search import Hit, Search

Result = TypeVar('Result')

# Rows asked of each table: some for every moment, since a moment has many rows. Where they are
# too few moments, more are asked for.
ROWS_A_MOMENT, LEAST_ROWS, MOST_ROWS = 8, 50, 5000
MORE = 5
SHOWN = (*TEXTS, 'score', 'thumbnail')


class Searcher:
    """Searches a catalog's tables side by side."""

    def __init__(self, catalog: Catalog, executor: Executor) -> None:
        """Create it.

        Args:
            catalog: the tables.
            executor: runs one search a table.
        """
        self._catalog, self._executor = catalog, executor

    def search(self, search: Search, waiting: Mapping[int, Row]) -> list[Hit]:
        """Return the moments that fit best, in the order that is asked for.

        Args:
            search: what is looked for.
            waiting: rows that are not in a table yet, by id.

        Raises:
            StoreError: the database cannot be reached.
        """
        moments = self._moments(search, waiting)
        shown = self._shown([moment.best for moment in moments], waiting)
        # A table that was damaged or dropped meanwhile shows nothing.
        hits = [_hit(moment, shown[moment.best]) for moment in moments if moment.best in shown]
        return with_event_texts(
            hits,
            rows=[row for row in waiting.values() if row.model_id == search.model_id],
            tables=self._catalog.of(search.model_id, (Kind.EVENT,), len(search.vector)),
            read=self._read,
        )

    def _moments(self, search: Search, waiting: Mapping[int, Row]) -> list[Moment]:
        rows = max(LEAST_ROWS, ROWS_A_MOMENT * search.limit)
        while True:
            found, cut_short = self.nearest(search, waiting, rows=rows)
            moments = to_moments(
                found,
                limit=len(found) if search.newest_first else search.limit,
                least_score=_least_score(search, found),
            )
            # The newest may be among those that fit a little less.
            is_enough = len(moments) >= search.limit and not search.newest_first
            if is_enough or not cut_short or rows >= MOST_ROWS:
                break
            rows = min(rows * MORE, MOST_ROWS)
        if search.newest_first:
            moments.sort(key=lambda moment: -moment.end_ns)
        return moments[: search.limit]

    def nearest(
        self, search: Search, waiting: Mapping[int, Row], *, rows: int
    ) -> tuple[list[Candidate], bool]:
        """Return the nearest rows of each table, and whether any table has more that matter.

        Args:
            search: what is looked for.
            waiting: rows that are not in a table yet, by id; all are returned.
            rows: how many of each table at most.
        """
        tables = self._catalog.of(search.model_id, search.kinds, len(search.vector))

        def ask(table: Table) -> tuple[list[Candidate], bool]:
            found = table.nearest(search.vector, limit=rows, where=search.where)
            good = _good_enough(search, found)
            is_cut_short = found.num_rows >= rows and good.num_rows == found.num_rows
            return _candidates(table, good), is_cut_short

        def part(table: Table) -> tuple[list[Candidate], bool]:
            nothing: tuple[list[Candidate], bool] = ([], False)
            return self._read(table, ask, nothing)

        results = list(self._executor.map(part, tables))
        fresh = _nearest_waiting(search, waiting)
        found = [*fresh, *(item for result, _ in results for item in result)]
        return found, any(is_cut_short for _, is_cut_short in results)

    def _read(self, table: Table, read: Callable[[Table], Result], nothing: Result) -> Result:
        """Read from a table; once more if it has changed, not at all if it is damaged or gone."""
        try:
            return read(table)
        except StoreError as error:
            if not self._catalog.examine(table, error):
                return nothing
        return read(table)

    def _shown(
        self, rows: Sequence[Candidate], waiting: Mapping[int, Row]
    ) -> dict[Candidate, Mapping[str, Any]]:
        """Return what is shown of rows."""
        wanted: dict[Table, list[Candidate]] = {}
        shown: dict[Candidate, Mapping[str, Any]] = {}
        for row in rows:
            if row.table is not None:
                wanted.setdefault(row.table, []).append(row)
            else:
                shown[row] = {name: getattr(waiting[row.number], name) for name in SHOWN}

        def take(table: Table) -> dict[int, dict[str, Any]]:
            numbers = [row.number for row in wanted[table]]
            nothing: dict[int, dict[str, Any]] = {}
            return self._read(table, lambda one: one.take(numbers, SHOWN), nothing)

        for table, taken in zip(wanted, self._executor.map(take, wanted), strict=True):
            shown |= {row: taken[row.number] for row in wanted[table] if row.number in taken}
        return shown


def _least_score(search: Search, found: Sequence[Candidate]) -> float:
    if search.min_score is not None:
        return search.min_score
    best = max((candidate.score for candidate in found), default=0.0)
    return best - AS_GOOD if search.newest_first else -1.0


def _good_enough(search: Search, found: Any) -> Any:
    """Leave out the rows of a table's answer that can be in no moment.

    A moment that is good enough has rows that are worse by AS_GOOD.
    """
    if not found.num_rows or (search.min_score is None and not search.newest_first):
        return found
    scores = 1.0 - found['_distance'].to_numpy()
    least = search.min_score
    if least is None:
        least = float(scores.max()) - AS_GOOD
    return found.filter(scores >= least - AS_GOOD)


def _nearest_waiting(search: Search, waiting: Mapping[int, Row]) -> list[Candidate]:
    rows = {number: row for number, row in waiting.items() if search.passes(row)}
    if not rows:
        return []
    scores = np.stack([row.vector for row in rows.values()]) @ search.vector
    return [
        Candidate(
            score=float(score),
            kind=row.kind,
            stream=stream_of(row),
            event=event_of(row),
            stamp_ns=row.stamp_ns,
            start_ns=row.start_ns,
            end_ns=row.end_ns,
            table=None,
            number=number,
        )
        for score, (number, row) in zip(scores, rows.items(), strict=True)
    ]


def _candidates(table: Table, found: Any) -> list[Candidate]:
    """Return the rows of an answer of `Table.nearest`."""
    return [
        Candidate(
            score=1.0 - row.pop('_distance'),
            kind=table.name.kind,
            table=table,
            number=row.pop('_rowid'),
            **row,
        )
        for row in found.to_pylist()
    ]


def _hit(moment: Moment, shown: Mapping[str, Any]) -> Hit:
    best = moment.best
    return Hit(
        score=best.score,
        kind=best.kind,
        start_ns=moment.start_ns,
        end_ns=moment.end_ns,
        stamp_ns=best.stamp_ns,
        middle_ns=(best.start_ns + best.end_ns) // 2,
        camera=shown['camera'],
        query=shown['query'],
        text=shown['text'],
        text_score=float(shown['score']),
        source=shown['source'],
        event_id=shown['event_id'],
        recording=shown['recording'],
        thumbnail=bytes(shown['thumbnail']),
    )
