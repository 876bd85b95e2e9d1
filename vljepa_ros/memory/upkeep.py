# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What goes on behind a memory: rows go into tables, indices are built, the oldest rows go."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from vljepa_ros.errors import StoreError
from vljepa_ros.memory.bounds import Bounds, Keeping
from vljepa_ros.memory.journal import Journal
from vljepa_ros.memory.lance.catalog import Catalog
from vljepa_ros.memory.lance.columns import to_arrow
from vljepa_ros.memory.lance.database import Database
from vljepa_ros.memory.lance.index_builder import IndexBuilder, needs_index
from vljepa_ros.memory.lance.table import Table, create_table
from vljepa_ros.memory.lance.table_name import new_name
from vljepa_ros.memory.row import Key, Row
from vljepa_ros.memory.waiting import WaitingRows

# One commit to a table is a file: so many rows make files large enough to be left as they are.
ROWS_A_COMMIT = 4096
LONGEST_WAIT_S = 3600.0
# Others who look into a store or server see rows after a minute.
LONGEST_WAIT_ELSEWHERE_S = 60.0
# Of the bound, so that the journal and a table are small beside it.
COMMIT_SHARE = 32
BOUNDS_PERIOD_S = 60.0


class Upkeep:
    """Does what takes long; one thread calls it."""

    def __init__(
        self,
        uri: str,
        database: Database,
        catalog: Catalog,
        waiting: WaitingRows,
        journal: Callable[[], Journal],
        bounds: Bounds,
    ) -> None:
        """Take up the work where the last process left it.

        Args:
            uri: of the memory.
            database: that is behind it.
            catalog: its tables.
            waiting: rows that are not in a table yet.
            journal: gives the present journal.
            bounds: what is kept.

        Raises:
            StoreError: the database cannot be reached.
        """
        self._database, self._catalog, self._waiting = database, catalog, waiting
        self._journal, self._bounds = journal, bounds
        self._builder = IndexBuilder(uri)
        self._keeping = Keeping(database, catalog, bounds, on_drop=self._leave_head)
        # The tables that are being filled, and those whose index may be too old.
        self._heads = journal().heads()
        self._unsettled = {table.name.text for table in catalog.all}
        self._bounds_due_s = 0.0
        self._forget_arrived()
        database.clear_graves()

    @property
    def used_bytes(self) -> int:
        """What the memory took on the disk when the bounds were last looked after."""
        return self._keeping.used_bytes

    def flush(self, *, everything: bool = False) -> None:
        """Move rows that have waited long enough, or all, into tables; raises StoreError."""
        elsewhere = self._database.location.folder is None
        due = self._waiting.due(
            most_rows=1 if everything else ROWS_A_COMMIT,
            most_bytes=self._bounds.max_bytes // COMMIT_SHARE,
            longest_s=LONGEST_WAIT_ELSEWHERE_S if elsewhere else LONGEST_WAIT_S,
        )
        for key in due:
            self._flush(key)

    def build_indices(self) -> None:
        """Take up an index that has been built, and begin the next; raises StoreError."""
        if self._database.location.is_server:
            return
        done = self._builder.collect()
        if done is not None:
            done.refresh()
            self._keeping.forget_size(done)
        if self._builder.is_busy:
            return
        for name in sorted(self._unsettled):
            table = self._catalog.get(name)
            if table is None or not needs_index(table.rows, table.unindexed):
                self._unsettled.discard(name)
                continue
            self._builder.start(table, tidy=name not in self._heads.values())
            return

    def enforce_bounds(self) -> None:
        """Remove what is too much or too old, now and then; raises StoreError."""
        if time.monotonic() < self._bounds_due_s:
            return
        self._bounds_due_s = time.monotonic() + BOUNDS_PERIOD_S
        known = {table.name.text for table in self._catalog.all}
        self._catalog.refresh()
        self._unsettled |= {table.name.text for table in self._catalog.all} - known
        self._keeping.enforce(
            beside_bytes=self._journal().size, changing=set(self._heads.values())
        )

    def note_heads(self) -> None:
        """Write into a new journal what the last one held beside rows; raises StoreError."""
        for key, name in self._heads.items():
            self._journal().set_head(key, name)

    def close(self) -> None:
        """End what runs."""
        self._builder.close()

    def _flush(self, key: Key) -> None:
        rows = self._waiting.claim(key)
        if not rows:
            return
        arrived = False
        try:
            table = self._append(key, rows)
            arrived = True
        finally:
            self._waiting.release(rows, arrived=arrived)
        self._journal().remove(rows)
        self._unsettled.add(table.name.text)
        self._bounds_due_s = 0.0

    def _append(self, key: Key, rows: Mapping[int, Row]) -> Table:
        arrow = to_arrow(key, rows)
        table = self._catalog.get(self._heads.get(key, ''))
        if table is not None and self._bounds.is_full(table, rows=table.rows):
            self._leave_head(table)
        elif table is not None:
            table.add(arrow)
            return table
        # Known before it is there: a process that ends in between does not write rows twice.
        name = new_name(key)
        self._journal().set_head(key, name)
        self._heads[key] = name
        table = create_table(self._database, name, key, arrow)
        self._catalog.add(table)
        return table

    def _leave_head(self, table: Table) -> None:
        """Let the next rows go into a new table."""
        for key, name in list(self._heads.items()):
            if name == table.name.text:
                self._journal().set_head(key, '')
                del self._heads[key]
                self._keeping.forget_size(table)

    def _forget_arrived(self) -> None:
        """Forget rows that are in a table: the last process ended before it could."""
        rows = self._waiting.snapshot()
        for key, name in self._heads.items():
            table = self._catalog.get(name)
            numbers = [number for number, row in rows.items() if row.key == key]
            if table is None or not numbers:
                continue
            try:
                arrived = table.known(numbers)
            except StoreError as error:
                if not self._catalog.examine(table, error):
                    continue
                arrived = table.known(numbers)
            self._journal().remove(arrived)
            self._waiting.release(arrived, arrived=True)
