# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rows on their way into the tables, kept by SQLite against a crash or a power cut.

A table of LanceDB grows by a file and a version with every commit: one a second would bury it.
SQLite takes a commit a second for years, and the tables get thousands of rows at once.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from vljepa_ros.errors import StoreDamagedError, StoreError, StoreFullError
from vljepa_ros.memory.row import Key, Kind, Row

LAYOUT = 1
FIELDS = (
    *('model_id', 'camera', 'query', 'stamp_ns', 'start_ns', 'end_ns'),
    *('text', 'score', 'source', 'event_id', 'phase', 'thumbnail', 'recording'),
)
COLUMNS = ', '.join(('id', 'kind', 'vector', *FIELDS))
CREATE = f"""
CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, {COLUMNS.removeprefix('id, ')});
CREATE TABLE IF NOT EXISTS heads (
    kind TEXT, model_id TEXT, dim INTEGER, name TEXT, PRIMARY KEY (kind, model_id, dim)
);
"""
PUT = f'INSERT OR REPLACE INTO rows ({COLUMNS}) VALUES ({", ".join("?" * (3 + len(FIELDS)))})'
FILES = ('', '-wal', '-shm')  # what SQLite adds to the name


class Journal:
    """A file of rows, and of the names of the tables that are being filled.

    Several threads may use it.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, creating it.

        Raises:
            StoreDamagedError: it is no journal any more.
            StoreError: it cannot be written.
        """
        self.path = path
        self._lock = threading.RLock()
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    @property
    def size(self) -> int:
        """What it takes on the disk, in bytes."""
        return sum(file.stat().st_size for file in _files(self.path) if file.exists())

    def rows(self) -> dict[int, Row]:
        """Return all rows by id, in the order of their stamps.

        Raises:
            StoreDamagedError: the file is damaged.
        """
        with self._explained():
            found = self._connection.execute(f'SELECT {COLUMNS} FROM rows ORDER BY stamp_ns, id')
            return {number: _row(values) for number, *values in found}

    def put(self, rows: Mapping[int, Row]) -> None:
        """Add rows, or replace those of the same ids; all or none.

        Raises:
            StoreError: nothing was written.
        """
        with self._transaction() as connection:
            connection.executemany(PUT, (_values(number, row) for number, row in rows.items()))

    def remove(self, numbers: Iterable[int]) -> None:
        """Remove rows by their ids; raises StoreError."""
        with self._transaction() as connection:
            connection.executemany('DELETE FROM rows WHERE id = ?', ((n,) for n in numbers))

    def heads(self) -> dict[Key, str]:
        """Return the names of the tables that are being filled; raises StoreError."""
        with self._explained():
            found = self._connection.execute('SELECT kind, model_id, dim, name FROM heads')
            return {Key(Kind(kind), model, dim): name for kind, model, dim, name in found}

    def set_head(self, key: Key, name: str) -> None:
        """Note which table is being filled; an empty name is none. Raises StoreError."""
        values = (key.kind.value, key.model_id, key.dim)
        with self._transaction() as connection:
            connection.execute('DELETE FROM heads WHERE kind=? AND model_id=? AND dim=?', values)
            if name:
                connection.execute('INSERT INTO heads VALUES (?, ?, ?, ?)', (*values, name))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _prepare(self) -> None:
        execute = self._connection.execute
        execute('PRAGMA journal_mode=WAL')
        execute('PRAGMA synchronous=FULL')  # the power may be cut, too
        (layout,) = execute('PRAGMA user_version').fetchone()
        if layout not in (0, LAYOUT):
            raise StoreError(
                f'{str(self.path)!r} was written by another version of this package (layout '
                f'{layout}; this version reads {LAYOUT}). Use that version, or another uri'
            )
        (verdict,) = execute('PRAGMA quick_check(1)').fetchone()
        if verdict != 'ok':
            raise StoreDamagedError(f'{str(self.path)!r} is damaged: {verdict}')
        self._connection.executescript(CREATE)
        execute(f'PRAGMA user_version={LAYOUT}')

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._explained():
            self._connection.execute('BEGIN IMMEDIATE')
            try:
                yield self._connection
                self._connection.execute('COMMIT')
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute('ROLLBACK')
                raise

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Raise SQLite's errors as our own; one thread after another."""
        try:
            with self._lock:
                yield
        except sqlite3.DatabaseError as error:
            sentence = f'{str(self.path)!r}: {error}'
            if 'full' in str(error):
                raise StoreFullError(f'The disk is full: {sentence}. Make room') from error
            if isinstance(error, sqlite3.OperationalError):
                raise StoreError(
                    f'The memory cannot be written: {sentence}. Is there room on the disk, and '
                    'may this user write there?'
                ) from error
            raise StoreDamagedError(f'The journal of the memory is damaged: {sentence}') from error
        except (ValueError, TypeError) as error:  # what no journal holds
            raise StoreDamagedError(
                f'The journal of the memory is damaged: {str(self.path)!r}: {error}'
            ) from error
        except OSError as error:
            raise StoreError(f'The memory cannot be written: {error}') from error


def open_journal(path: Path) -> tuple[Journal, str]:
    """Open a journal; set a damaged one aside and begin a new one.

    Returns:
        The journal, and what became of the damaged one in a sentence; empty if there is none.

    Raises:
        StoreError: it cannot be written.
    """
    journal = None
    try:
        journal = Journal(path)
        journal.rows()
        journal.heads()
        return journal, ''
    except StoreDamagedError as error:
        if journal is not None:
            journal.close()
        sentence = f'{error}. {set_aside(path)}'
        return Journal(path), sentence


def set_aside(path: Path) -> str:
    """Give a damaged journal another name; return which, in a sentence."""
    name = path.with_name(f'{path.name}.damaged-{time.time_ns()}')
    for file, suffix in zip(_files(path), FILES, strict=True):
        with contextlib.suppress(FileNotFoundError):
            file.rename(f'{name}{suffix}')
    return f'It was set aside as {str(name)!r}, and a new one was begun'


def _files(path: Path) -> list[Path]:
    return [Path(f'{path}{suffix}') for suffix in FILES]


def _values(number: int, row: Row) -> tuple[object, ...]:
    vector = row.vector.astype(np.float32).tobytes()
    return (number, row.kind.value, vector, *(getattr(row, name) for name in FIELDS))


def _row(values: list[object]) -> Row:
    kind, vector, *fields = values
    if not isinstance(vector, bytes):
        raise ValueError('a row without a vector')
    return Row(
        kind=Kind(kind),
        vector=np.frombuffer(vector, dtype=np.float32),
        **dict(zip(FIELDS, fields, strict=True)),  # type: ignore[arg-type]
    )
