# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A database of LanceDB: its tables are created, opened, dropped and set aside here."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vljepa_ros.errors import StoreDamagedError, StoreError, StoreFullError
from vljepa_ros.memory.lance.library import lancedb
from vljepa_ros.memory.lance.location import Location
from vljepa_ros.memory.lance.table_name import TableName, parse_name

# LanceDB would take 6 GB for indices and 1 GB for metadata.
INDEX_CACHE_BYTES = 512_000_000
METADATA_CACHE_BYTES = 128_000_000
PAGE = 1000
SUFFIX = '.lance'
DAMAGED, DROPPED = 'damaged', '.dropped'
# EFBIG, ENOSPC and EDQUOT, as Rust writes them.
FULL = ('os error 27)', 'os error 28)', 'os error 122)', 'No space left', 'quota exceeded')
# What a damaged table cannot be the reason of: the machine, the network, rights.
ELSEWHERE = (
    *('os error', 'timed out', 'timeout', 'connect', 'retries', 'retry', 'denied', 'Unauthorized'),
    *('dns', 'HTTP', 'http'),
)


class Database:
    """The tables of one memory."""

    def __init__(self, location: Location) -> None:
        """Connect.

        Raises:
            StoreError: the place cannot be reached or written.
        """
        self.location = location
        options: dict[str, Any] = dict(location.options)
        if not location.is_server:
            options = {'storage_options': options} if options else {}
            options['session'] = lancedb.Session(
                index_cache_size_bytes=INDEX_CACHE_BYTES,
                metadata_cache_size_bytes=METADATA_CACHE_BYTES,
            )
        with explained(f'The memory {location.uri!r} cannot be opened'):
            if location.folder is not None:
                location.folder.mkdir(parents=True, exist_ok=True)
            self._connection = lancedb.connect(location.uri, **options)

    def names(self) -> list[TableName]:
        """Return the names of the memory's tables, the oldest first; raises StoreError."""
        found: list[str] = []
        token = None
        with explained('The tables of the memory cannot be listed'):
            while True:
                page = self._connection.list_tables(page_token=token, limit=PAGE)
                found += page.tables
                token = page.page_token
                if not token:
                    break
        parsed = [name for text in found if (name := parse_name(text)) is not None]
        complete = [name for name in parsed if self._is_complete(name.text)]
        return sorted(complete, key=lambda name: (name.created_ns, name.text))

    def create(self, name: str, rows: Any, schema: Any) -> Any:
        """Create a table with its first rows, all or none; return it.

        Args:
            name: of the table.
            rows: an Arrow table, or a reader of batches.
            schema: the columns.

        Raises:
            StoreError: it cannot be written.
        """
        with explained('The memory cannot be written'):
            return self._connection.create_table(name, data=rows, schema=schema)

    def table(self, name: str, schema: Any) -> Any:
        """Return a table that is no table, creating it empty; raises StoreError."""
        with explained(f'The table {name!r} of the memory cannot be opened'):
            return self._connection.create_table(name, schema=schema, exist_ok=True)

    def open(self, name: str) -> Any:
        """Open a table.

        Raises:
            StoreDamagedError: it cannot be read any more.
            StoreError: the place cannot be reached.
        """
        with explained(f'The table {name!r} of the memory cannot be opened'):
            try:
                return self._connection.open_table(name)
            except Exception as error:
                if is_elsewhere(error):
                    raise
                raise StoreDamagedError(
                    f'The table {name!r} of the memory is damaged: {first_line(error)}'
                ) from error

    def has(self, name: str) -> bool:
        """Return whether a table is there; raises StoreError."""
        return any(known.text == name for known in self.names())

    def drop(self, name: str) -> None:
        """Remove a table and free its disk; one that is gone already is no error."""
        folder = self.folder_of(name)
        with explained(f'The table {name!r} of the memory cannot be removed'):
            if folder is None:
                with contextlib.suppress(ValueError):  # it is gone
                    self._connection.drop_table(name)
            elif folder.exists():
                # Gone at once, even if the process ends while the files are being removed.
                grave = folder.with_name(f'{name}{DROPPED}')
                folder.rename(grave)
                shutil.rmtree(grave, ignore_errors=True)

    def set_aside(self, name: str) -> str:
        """Take a damaged table out of the memory; return what became of it, in a sentence."""
        folder = self.folder_of(name)
        if folder is None:
            return 'It is left out; remove it from the store'
        aside = folder.parent / DAMAGED / f'{name}-{time.time_ns()}'
        with explained(f'The damaged table {name!r} cannot be set aside'):
            aside.parent.mkdir(exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                folder.rename(aside)
        return f'It was set aside as {str(aside)!r}, and the rest of the memory goes on'

    def damaged(self) -> list[Path]:
        """Return what has been set aside, the oldest first."""
        folder = self.location.folder
        if folder is None or not (folder / DAMAGED).is_dir():
            return []
        return sorted((folder / DAMAGED).iterdir(), key=lambda path: path.name.rsplit('-', 1)[-1])

    def _is_complete(self, name: str) -> bool:
        """Return whether a table has a version: one that is being created has none yet."""
        folder = self.folder_of(name)
        return folder is None or any((folder / '_versions').glob('*.manifest'))

    def clear_graves(self) -> None:
        """Remove what a process that ended while it dropped tables has left."""
        if self.location.folder is not None:
            for grave in self.location.folder.glob(f'*{DROPPED}'):
                shutil.rmtree(grave, ignore_errors=True)

    def folder_of(self, name: str) -> Path | None:
        """Return a table's folder; None if it is not on this machine."""
        folder = self.location.folder
        return None if folder is None else folder / f'{name}{SUFFIX}'


def is_elsewhere(error: Exception) -> bool:
    """Return whether an error comes from the machine or the network, not from a damaged file."""
    if isinstance(error, OSError):
        return True
    text = str(error)
    return any(sign in text for sign in ELSEWHERE)


def first_line(error: BaseException) -> str:
    """Return the part of an error of Lance that tells something."""
    text = str(error).partition('\n')[0]
    return text.partition(', /')[0].removeprefix('lance error: ') or type(error).__name__


@contextlib.contextmanager
def explained(sentence: str) -> Iterator[None]:
    """Raise LanceDB's errors, which are of many types, as our own.

    Raises:
        StoreFullError: the disk is full.
        StoreError: anything else.
    """
    try:
        yield
    except StoreError:
        raise
    except Exception as error:
        if any(sign in str(error) for sign in FULL):
            raise StoreFullError(f'{sentence}: the disk is full. Make room') from error
        raise StoreError(f'{sentence}: {first_line(error)}') from error


def folder_bytes(folder: Path) -> int:
    """Return what a folder takes on the disk; files that vanish meanwhile count nothing."""
    total = 0
    for path, _, files in os.walk(folder):
        for file in files:
            with contextlib.suppress(OSError):
                total += os.stat(os.path.join(path, file)).st_size
    return total


def sync_files(folder: Path, *, since_ns: int) -> None:
    """Have the disk take the files that were written since a moment of the wall clock.

    Lance leaves that to the system, which may take half a minute.
    """
    for path, _, files in os.walk(folder):
        recent = [
            os.path.join(path, file)
            for file in files
            if os.stat(os.path.join(path, file)).st_mtime_ns >= since_ns
        ]
        for target in [*recent, path] if recent else ():
            number = os.open(target, os.O_RDONLY)
            try:
                os.fsync(number)
            finally:
                os.close(number)
