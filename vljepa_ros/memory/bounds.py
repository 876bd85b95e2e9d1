# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How much a memory keeps: the oldest tables go first."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.memory.lance.catalog import Catalog
from vljepa_ros.memory.lance.database import Database, folder_bytes
from vljepa_ros.memory.lance.table import Table
from vljepa_ros.stream.stamps import SECOND_NS

DAY_NS = 86_400 * SECOND_NS
LEAST_BYTES = 32_000_000
# A table is the least that is forgotten at once: so much of a bound.
SHARE = 8
MOST_ROWS = 524_288


@dataclass(frozen=True)
class Bounds:
    """What is kept.

    Attributes:
        max_age_days: since a row was written, by the wall clock; recordings of last year stay,
            and so do those of a simulation that begins at 0.
        max_bytes: on the disk, all files of the memory together.
    """

    max_age_days: float = 30.0
    max_bytes: int = 4_000_000_000

    def __post_init__(self) -> None:
        """Reject values outside their ranges."""
        if not 0.0 < self.max_age_days < math.inf:
            raise ConfigurationError(
                f'max_age_days is {self.max_age_days}; allowed is more than 0 and finite'
            )
        if self.max_bytes < LEAST_BYTES:
            raise ConfigurationError(
                f'max_bytes is {self.max_bytes}; allowed is at least {LEAST_BYTES}'
            )

    @property
    def oldest_ns(self) -> int:
        """When what is kept was written at the earliest, by the wall clock."""
        return time.time_ns() - int(self.max_age_days * DAY_NS)

    def is_full(self, table: Table, *, rows: int) -> bool:
        """Return whether a table that is being filled is large or old enough to be the last."""
        age_ns = time.time_ns() - table.name.created_ns
        return (
            rows >= MOST_ROWS
            or age_ns * SHARE >= self.max_age_days * DAY_NS
            or table.size * SHARE >= self.max_bytes
        )


class Keeping:
    """Removes what is outside the bounds."""

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        bounds: Bounds,
        *,
        on_drop: Callable[[Table], None],
    ) -> None:
        """Create it.

        Args:
            database: which.
            catalog: its tables.
            bounds: what is kept.
            on_drop: is told of a table before it goes.
        """
        self._database, self._catalog, self._bounds = database, catalog, bounds
        self._on_drop = on_drop
        self._sizes: dict[str, int] = {}
        self.used_bytes = 0

    def enforce(self, *, beside_bytes: int, changing: Collection[str]) -> None:
        """Remove the oldest tables until the rest is within the bounds.

        Args:
            beside_bytes: what the memory takes outside its tables.
            changing: names of the tables that grow.

        Raises:
            StoreError: the database cannot be reached.
        """
        oldest_ns = self._bounds.oldest_ns
        tables = self._catalog.all
        kept = []
        for table in tables:
            # A table that was begun since is young in any case.
            if table.name.created_ns < oldest_ns and table.newest_written_ns() < oldest_ns:
                self._drop(table)
            else:
                kept.append(table)
        damaged = [(path, folder_bytes(path)) for path in self._database.damaged()]
        sizes = {table: self._size(table, changing) for table in kept}
        total = beside_bytes + sum(size for _, size in damaged) + sum(sizes.values())
        while total > self._bounds.max_bytes and damaged:
            path, size = damaged.pop(0)
            shutil.rmtree(path, ignore_errors=True)
            total -= size
        for table in kept:
            if total <= self._bounds.max_bytes:
                break
            self._drop(table)
            total -= sizes[table]
        self.used_bytes = total

    def forget_size(self, table: Table) -> None:
        """Note that a table that does not grow has changed all the same."""
        self._sizes.pop(table.name.text, None)

    def _size(self, table: Table, changing: Collection[str]) -> int:
        name = table.name.text
        if name in changing or name not in self._sizes:
            self._sizes[name] = table.size
        return self._sizes[name]

    def _drop(self, table: Table) -> None:
        self._on_drop(table)
        self._sizes.pop(table.name.text, None)
        self._catalog.drop(table)
