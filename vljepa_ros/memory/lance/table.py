# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One table of a memory: rows of one kind and model, written one after another."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from vljepa_ros.errors import StoreDamagedError
from vljepa_ros.memory.lance.columns import EVENT, STREAM, TIMES, schema_of
from vljepa_ros.memory.lance.database import Database, explained, folder_bytes, sync_files
from vljepa_ros.memory.lance.library import Bitmap, BTree, IvfSq
from vljepa_ros.memory.lance.table_name import TableName, parse_name
from vljepa_ros.memory.row import Key

VECTOR_INDEX = 'vector_idx'
# Measured over a million clustered vectors, see docs/memory.md: 8 bits a number keep the order of
# vectors that hardly differ, as those of a camera do, where product quantisation loses it.
ROWS_A_PARTITION = 4096
PARTITIONS_SEARCHED = 24
REFINED = 2
TRAINING_ROUNDS, TRAINING_SAMPLES = 8, 32
# Fewer rows than that are compared one by one: 13 ms of a core, and nothing is missed.
COMPARED_ROWS = 32_768
FOUND = (*TIMES, STREAM, EVENT)


class Table:
    """A table that is open."""

    def __init__(self, database: Database, name: TableName, handle: Any) -> None:
        """Wrap a table.

        Raises:
            StoreDamagedError: its columns are not those of a memory.
            StoreError: it cannot be read.
        """
        self.name = name
        self._database, self._handle = database, handle
        with explained(f'The table {name.text!r} of the memory cannot be read'):
            schema = handle.schema
        missing = set(FOUND) - set(schema.names)
        if missing:
            raise StoreDamagedError(
                f'The table {name.text!r} of the memory is damaged: it has no {sorted(missing)}'
            )

    @property
    def rows(self) -> int:
        """How many it holds."""
        with self._explained('read'):
            return int(self._handle.count_rows())

    @property
    def unindexed(self) -> int:
        """How many of them a search compares one by one."""
        with self._explained('read'):
            if VECTOR_INDEX not in {index.name for index in self._handle.list_indices()}:
                return int(self._handle.count_rows())
            return int(self._handle.index_stats(VECTOR_INDEX).num_unindexed_rows)

    @property
    def size(self) -> int:
        """What it takes, in bytes; for a store or server what LanceDB counts."""
        folder = self._database.folder_of(self.name.text)
        if folder is not None:
            return folder_bytes(folder)
        with self._explained('read'):
            return int(self._handle.stats()['total_bytes'])

    def newest_written_ns(self) -> int:
        """Return when its last row was written, by the wall clock."""
        with self._explained('read'):
            if not self._handle.count_rows():
                return self.name.created_ns
            return int(self.last_row(['written_ns'])['written_ns'])

    def last_row(self, columns: Sequence[str]) -> dict[str, Any]:
        """Return columns of the row that was written last; raises StoreError."""
        with self._explained('read'):
            last = self._handle.count_rows() - 1
            if last < 0:
                return dict.fromkeys(columns)
            found = self._handle.take_offsets([last]).select(list(columns)).to_arrow()
        return dict(found.to_pylist()[0])

    def add(self, rows: Any) -> None:
        """Append an Arrow table of rows, all or none.

        Raises:
            StoreError: nothing was written.
        """
        begun_ns = time.time_ns()
        with self._explained('written'):
            self._handle.add(rows)
        self.sync(since_ns=begun_ns)

    def sync(self, *, since_ns: int) -> None:
        """Have the disk take what was written since a moment; raises StoreError."""
        folder = self._database.folder_of(self.name.text)
        if folder is not None:
            with self._explained('written'):
                # The clock of the files is a few milliseconds behind.
                sync_files(folder, since_ns=since_ns - 1_000_000_000)

    def known(self, numbers: Sequence[int]) -> set[int]:
        """Return which of some ids it holds already."""
        listed = ', '.join(map(str, numbers))
        with self._explained('read'):
            found = self._handle.search().where(f'id IN ({listed})').select(['id']).to_arrow()
        return set(found['id'].to_pylist())

    def delete(self, where: str) -> None:
        """Delete rows; raises StoreError."""
        with self._explained('written'):
            self._handle.delete(where)

    def nearest(self, vector: np.ndarray, *, limit: int, where: str = '') -> Any:
        """Return the rows whose vectors are nearest, as an Arrow table.

        Args:
            vector: float32 [D].
            limit: how many at most.
            where: a condition in SQL; empty for all rows.

        Returns:
            FOUND, `_distance` (1 − cosine) and `_rowid`, the nearest first.
        """
        with self._explained('read'):
            query = (
                self._handle.search(vector, vector_column_name='vector')
                .metric('cosine')
                .limit(limit)
                .select([*FOUND, '_distance'])
                .with_row_id(True)
            )
            if not where:
                return query.nprobes(PARTITIONS_SEARCHED).refine_factor(REFINED).to_arrow()
            query = query.where(where)
            if self._handle.count_rows(where) <= COMPARED_ROWS:
                return query.bypass_vector_index().to_arrow()
            # What passes is spread over more partitions than those nearest.
            every = max(1, self._handle.count_rows() // ROWS_A_PARTITION)
            return query.nprobes(every).refine_factor(REFINED).to_arrow()

    def take(self, row_ids: Sequence[int], columns: Sequence[str]) -> dict[int, dict[str, Any]]:
        """Return columns of rows by their `_rowid`."""
        with self._explained('read'):
            query = self._handle.take_row_ids(list(row_ids)).select(list(columns))
            found = query.with_row_id().to_arrow().to_pylist()
        return {row['_rowid']: row for row in found}

    def select(self, where: str, columns: Sequence[str], *, limit: int) -> list[dict[str, Any]]:
        """Return columns of the rows for which a condition in SQL holds."""
        with self._explained('read'):
            query = self._handle.search().where(where).select(list(columns)).limit(limit)
            return list(query.to_arrow().to_pylist())

    def batches(self) -> Iterator[Any]:
        """Yield all rows as Arrow batches; raises StoreError."""
        with self._explained('read'):
            yield from self._handle.search().to_batches(batch_size=4096)

    def recordings(self) -> set[str]:
        """Return the names of the recordings that its rows are from; raises StoreError."""
        found: set[str] = set()
        with self._explained('read'):
            for batch in self._handle.search().select(['recording']).to_batches():
                found |= set(batch['recording'].to_pylist())
        return found - {''}

    def refresh(self) -> None:
        """See what other processes have changed; raises StoreError."""
        with self._explained('read'):
            self._handle.checkout_latest()

    def build_index(self) -> None:
        """Index all rows; takes seconds to minutes, during which others read and write."""
        partitions = max(1, self.rows // ROWS_A_PARTITION)
        vectors = IvfSq(
            distance_type='cosine',
            num_partitions=partitions,
            max_iterations=TRAINING_ROUNDS,
            sample_rate=TRAINING_SAMPLES,
        )
        with self._explained('indexed'):
            self._handle.create_index('vector', config=vectors, replace=True, name=VECTOR_INDEX)
            for column in ('start_ns', 'end_ns'):
                self._handle.create_index(column, config=BTree(), replace=True)
            for column in ('camera', 'query'):
                self._handle.create_index(column, config=Bitmap(), replace=True)

    def tidy(self) -> None:
        """Put many small files together and remove old versions; raises StoreError.

        Who has the table open reads an old version, which is gone then, until `refresh`.
        """
        with self._explained('tidied'), warnings.catch_warnings():
            warnings.simplefilter('ignore')  # it says the same
            self._handle.optimize(cleanup_older_than=timedelta(0))

    def _explained(self, verb: str) -> Any:
        return explained(f'The table {self.name.text!r} of the memory cannot be {verb}')


def open_table(database: Database, name: TableName) -> Table:
    """Open a table; raises StoreDamagedError or StoreError."""
    return Table(database, name, database.open(name.text))


def create_table(database: Database, name: str, key: Key, rows: Any) -> Table:
    """Create a table with its first rows, all or none.

    Args:
        database: where.
        name: from `new_name`.
        key: of the rows.
        rows: an Arrow table.

    Raises:
        StoreError: it cannot be written.
    """
    parsed = parse_name(name)
    assert parsed is not None
    begun_ns = time.time_ns()
    table = Table(database, parsed, database.create(name, rows, schema_of(key)))
    table.sync(since_ns=begun_ns)
    return table
