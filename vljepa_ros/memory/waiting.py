# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rows in memory until they are in a table: searched there, and safe in the journal."""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from vljepa_ros.errors import StoreFullError
from vljepa_ros.memory.row import Key, Row

# While the tables cannot be written: hours of a camera, some 100 MB with thumbnails.
MOST_ROWS = 32_768


class WaitingRows:
    """Rows by id; may be used by several threads."""

    def __init__(self, rows: Mapping[int, Row]) -> None:
        """Begin with what a journal held."""
        self.changed = threading.Condition()
        self._rows = dict(rows)
        self._since_s: dict[int, float] = dict.fromkeys(rows, time.monotonic())
        self._unsaved: set[int] = set()
        self._leaving: set[int] = set()
        # Unique over all runs, whatever the clock and the journal say.
        self._next = secrets.randbits(31) << 32

    def add(self, row: Row) -> int:
        """Take a row; return its id.

        Raises:
            StoreFullError: too many wait, since the tables cannot be written.
        """
        with self.changed:
            if len(self._rows) >= MOST_ROWS:
                raise StoreFullError(
                    f'Nothing more is remembered: {MOST_ROWS} rows wait until the memory can be '
                    'written again. Make room on the disk, or look after the network'
                )
            number = self._next
            self._next += 1
            self._put(number, row)
            self._since_s[number] = time.monotonic()
        return number

    def rewrite(self, number: int, row: Row) -> bool:
        """Replace a row; return False if it is in a table already, or on its way."""
        with self.changed:
            if number not in self._rows or number in self._leaving:
                return False
            self._put(number, row)
        return True

    def snapshot(self) -> dict[int, Row]:
        """Return all rows."""
        with self.changed:
            return dict(self._rows)

    def take_unsaved(self) -> dict[int, Row]:
        """Return the rows that are to be written into the journal now."""
        with self.changed:
            taken = {number: self._rows[number] for number in self._unsaved}
            self._unsaved.clear()
        return taken

    def put_back(self, numbers: Iterable[int]) -> None:
        """Note that rows could not be written into the journal."""
        with self.changed:
            self._unsaved |= set(numbers) & set(self._rows)
            self.changed.notify_all()

    @property
    def has_unsaved(self) -> bool:
        """Whether any row is to be written into the journal."""
        return bool(self._unsaved)

    def due(self, *, most_rows: int, most_bytes: int, longest_s: float) -> set[Key]:
        """Return the keys whose rows are to go into a table.

        Args:
            most_rows: that may wait.
            most_bytes: that their vectors and thumbnails may take.
            longest_s: that one may wait, in seconds.
        """
        counts: Counter[Key] = Counter()
        sizes: Counter[Key] = Counter()
        oldest_s = time.monotonic() - longest_s
        late = set()
        with self.changed:
            for number, row in self._rows.items():
                counts[row.key] += 1
                sizes[row.key] += row.vector.nbytes + len(row.thumbnail)
                if self._since_s[number] <= oldest_s:
                    late.add(row.key)
        many = {key for key in counts if counts[key] >= most_rows or sizes[key] >= most_bytes}
        return many | late

    def claim(self, key: Key) -> dict[int, Row]:
        """Return the rows of a key, which cannot be rewritten from now on."""
        with self.changed:
            claimed = {number: row for number, row in self._rows.items() if row.key == key}
            self._leaving |= set(claimed)
        return claimed

    def release(self, numbers: Collection[int], *, arrived: bool) -> None:
        """End a claim; forget the rows if they are in a table by now."""
        with self.changed:
            self._leaving -= set(numbers)
            if arrived:
                for number in numbers:
                    self._rows.pop(number, None)
                    self._since_s.pop(number, None)
                self._unsaved -= set(numbers)

    def _put(self, number: int, row: Row) -> None:
        self._rows[number] = row
        self._unsaved.add(number)
        self.changed.notify_all()
