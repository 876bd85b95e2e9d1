# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Fills a memory from recordings: many rows at once, and each recording once."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable
from typing import Any

from vljepa_ros.errors import StoreDamagedError, StoreError
from vljepa_ros.memory.bounds import Bounds
from vljepa_ros.memory.lance.catalog import Catalog
from vljepa_ros.memory.lance.columns import to_arrow
from vljepa_ros.memory.lance.database import Database
from vljepa_ros.memory.lance.index_builder import needs_index
from vljepa_ros.memory.lance.location import locate
from vljepa_ros.memory.lance.recordings import Recordings
from vljepa_ros.memory.lance.table import Table, create_table
from vljepa_ros.memory.lance.table_name import new_name
from vljepa_ros.memory.lock import locked
from vljepa_ros.memory.row import Key, Row

ROWS_A_COMMIT = 16_384
# What an interrupted run has to do again at most, beside the recording it was at.
COMMIT_PERIOD_S = 30.0
LOCK = '.bulk_lock'


class BulkWriter:
    """Writes the rows of recordings into tables of its own, beside a `Memory` of the same URI.

    Example:
        with BulkWriter(uri) as writer:
            for path in paths:
                if not writer.has(path.name):
                    writer.begin(path.name)
                    ... writer.write(row) ...
                    writer.finish(path.name)
    """

    def __init__(
        self, uri: str, *, on_problem: Callable[[StoreError], None] = lambda error: None
    ) -> None:
        """Open a memory, creating it.

        Args:
            uri: see `locate`.
            on_problem: is told of damaged tables, which are set aside.

        Raises:
            MissingDependencyError: lancedb is not installed.
            StoreError: the memory cannot be reached or written, or another process of this
                machine fills it.
        """
        location = locate(uri)
        with contextlib.ExitStack() as opened:
            opened.enter_context(
                locked(
                    location.journal.with_name(LOCK),
                    purpose=f'The memory {location.uri!r} cannot be written',
                    otherwise=f'Another process fills the memory {location.uri!r} from '
                    'recordings. Wait for it, or give another uri',
                )
            )
            self._database = Database(location)
            self._catalog = Catalog(self._database, on_problem=on_problem)
            self._recordings = self._open_recordings(on_problem)
            self._kept_open = opened.pop_all()
        self._next = secrets.randbits(31) << 32
        self._begun: set[str] = set()
        self._noted: set[str] = set()
        self._done: dict[str, str] = {}
        self._rows: dict[Key, dict[int, Row]] = {}
        self._count = 0
        self._is_broken = False
        self._committed_s = time.monotonic()
        self._heads: dict[Key, Table] = {}
        self._written: dict[str, Table] = {}

    def has(self, recording: str, version: str = '') -> bool:
        """Return whether a recording is in the memory as a whole.

        Args:
            recording: its name.
            version: of the recording, or of what was made of it; another one does not count.
        """
        return self._recordings.has(recording, version)

    def begin(self, recording: str) -> None:
        """Take rows of a recording from now on.

        What an interrupted run, or another version, has left of it is removed, so that it is not
        there twice.

        Args:
            recording: its name, the same in every run; rows have it as `recording`.

        Raises:
            StoreError: the memory cannot be written.
        """
        if self._recordings.may_have_rows(recording):
            quoted = recording.replace("'", "''")
            for table in self._catalog.all:
                table.delete(f"recording = '{quoted}'")
        self._begun.add(recording)

    def write(self, row: Row) -> None:
        """Take a row of a recording that has begun.

        Raises:
            StoreError: it has not, or the memory cannot be written.
        """
        if row.recording not in self._begun:
            raise StoreError(
                f'A row of the recording {row.recording!r} came, which has not begun; call '
                '`begin` first'
            )
        self._rows.setdefault(row.key, {})[self._next] = row
        self._next += 1
        self._count += 1
        if self._count >= ROWS_A_COMMIT:
            self._commit()

    def finish(self, recording: str, version: str = '') -> None:
        """Note that all rows of a recording have come; raises StoreError."""
        self._begun.discard(recording)
        self._done[recording] = version
        if time.monotonic() - self._committed_s >= COMMIT_PERIOD_S:
            self._commit()

    def abandon(self, recording: str) -> None:
        """Forget a recording that has begun; the next run removes what is there already."""
        self._begun.discard(recording)
        for rows in self._rows.values():
            for number in [one for one, row in rows.items() if row.recording == recording]:
                del rows[number]

    def close(self, *, index: bool = True) -> None:
        """Write what has come, and end.

        Args:
            index: whether to put the files of what was written together and to build indices,
                which takes seconds to minutes; a `Memory` that is open there does it else.

        Raises:
            StoreError: the memory cannot be written, or an index cannot be built; the tables are
                searched without.
        """
        with self._kept_open:
            if self._is_broken:
                return
            self._commit()
            for table in self._written.values() if index else ():
                table.tidy()
                if needs_index(table.rows, table.unindexed):
                    table.build_index()
                    table.tidy()  # the versions before

    def __enter__(self) -> BulkWriter:
        """Return the writer."""
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Close it, without indices after an error."""
        self.close(index=kind is None)

    def _open_recordings(self, on_problem: Callable[[StoreError], None]) -> Recordings:
        try:
            return Recordings(self._database)
        except StoreDamagedError as error:
            on_problem(error)
        # Which recordings are there as a whole is not known any more: all are indexed anew.
        recordings = Recordings(self._database)
        recordings.begin({name for table in self._catalog.all for name in table.recordings()})
        return recordings

    def _commit(self) -> None:
        """Write all rows, and then that their recordings are finished."""
        self._is_broken = True  # until it is done: what is written in part is not finished
        rows, self._rows, self._count = self._rows, {}, 0
        new = {row.recording for part in rows.values() for row in part.values()} - self._noted
        self._recordings.begin(new)
        self._noted |= new
        for key, part in rows.items():
            if part:
                self._append(key, part)
        self._recordings.finish(self._done)
        self._done = {}
        self._committed_s = time.monotonic()
        self._is_broken = False

    def _append(self, key: Key, rows: dict[int, Row]) -> None:
        arrow = to_arrow(key, rows)
        table = self._heads.get(key) or self._newest_table(key)
        if table is None or Bounds().is_full(table, rows=table.rows):
            table = create_table(self._database, new_name(key), key, arrow)
            self._catalog.add(table)
        else:
            table.add(arrow)
        self._heads[key] = table
        self._written[table.name.text] = table

    def _newest_table(self, key: Key) -> Table | None:
        """Return the table that the last run has filled: a search goes through all tables."""
        for table in reversed(self._catalog.all):
            if table.name.holds(key) and table.last_row(['recording'])['recording']:
                return table
        return None
