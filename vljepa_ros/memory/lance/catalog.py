# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The tables of a memory that are open, and what becomes of damaged ones."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection

from vljepa_ros.errors import StoreDamagedError, StoreError
from vljepa_ros.memory.lance.database import Database, is_elsewhere
from vljepa_ros.memory.lance.table import Table, open_table
from vljepa_ros.memory.lance.table_name import short_model
from vljepa_ros.memory.row import Kind

Problem = Callable[[StoreError], None]


class Catalog:
    """Keeps every table of a database open; may be used by several threads."""

    def __init__(self, database: Database, *, on_problem: Problem) -> None:
        """Open all tables.

        Args:
            database: which.
            on_problem: is told of a table that was set aside.

        Raises:
            StoreError: the database cannot be reached.
        """
        self._database, self._on_problem = database, on_problem
        self._lock = threading.Lock()
        self._tables: dict[str, Table] = {}
        self.refresh()

    def refresh(self) -> None:
        """See what others have created, written and removed; raises StoreError."""
        names = self._database.names()
        with self._lock:
            known = dict(self._tables)
        opened: dict[str, Table] = {}
        for name in names:
            try:
                table = known.get(name.text)
                if table is None:
                    table = open_table(self._database, name)
                else:
                    with contextlib.suppress(StoreError):  # a search finds out why
                        table.refresh()
                opened[name.text] = table
            except StoreDamagedError as error:
                self._set_aside(name.text, error)
        with self._lock:
            self._tables = opened

    @property
    def all(self) -> list[Table]:
        """All tables, the oldest first."""
        with self._lock:
            return sorted(self._tables.values(), key=lambda one: one.name.created_ns)

    def of(self, model_id: str, kinds: Collection[Kind], dim: int) -> list[Table]:
        """Return the tables that a search goes through."""
        model = short_model(model_id)
        return [
            table
            for table in self.all
            if table.name.kind in kinds and (table.name.model, table.name.dim) == (model, dim)
        ]

    def get(self, name: str) -> Table | None:
        """Return a table by its name, if it is there."""
        with self._lock:
            return self._tables.get(name)

    def add(self, table: Table) -> None:
        """Take up a table that was created."""
        with self._lock:
            self._tables[table.name.text] = table

    def drop(self, table: Table) -> None:
        """Remove a table and free its disk; raises StoreError."""
        with self._lock:
            self._tables.pop(table.name.text, None)
        self._database.drop(table.name.text)

    def examine(self, table: Table, error: StoreError) -> bool:
        """Find out why a table could not be read.

        Args:
            table: the table.
            error: what reading it raised.

        Returns:
            True if it may be tried again; False if the table is gone, or damaged and set aside.

        Raises:
            StoreError: the machine or the network is the reason; `error` itself.
        """
        name = table.name.text
        cause = error.__cause__
        if isinstance(cause, Exception) and is_elsewhere(cause):
            raise error
        with self._lock:
            if self._tables.get(name) is not table:
                return False
        if not self._database.has(name):
            with self._lock:
                self._tables.pop(name, None)
            return False
        try:
            table.refresh()
            # Reads all that a search needs, so that what is damaged is told from what is old.
            for _ in table.batches():
                pass
        except StoreError as again:
            if isinstance(again.__cause__, Exception) and is_elsewhere(again.__cause__):
                raise
            self._set_aside(name, StoreDamagedError(f'{again}'))
            return False
        return True

    def _set_aside(self, name: str, error: StoreDamagedError) -> None:
        with self._lock:
            self._tables.pop(name, None)
        self._on_problem(StoreDamagedError(f'{error}. {self._database.set_aside(name)}'))
