# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Builds the indices of tables in a process of its own, which gives way to all others.

python -m vljepa_ros.memory.lance.index_builder URI TABLE [--tidy]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from typing import IO

from vljepa_ros.errors import StoreError, VljepaError
from vljepa_ros.memory.lance.database import Database
from vljepa_ros.memory.lance.location import locate
from vljepa_ros.memory.lance.table import Table, open_table
from vljepa_ros.memory.lance.table_name import parse_name

# As many rows are compared one by one in 20 ms of a core; below that an index pays nothing.
LEAST_UNINDEXED = 32_768
# An index is always built for the whole table; so the table grows by that share in between.
GROWTH = 4
NICENESS = 10


def needs_index(rows: int, unindexed: int) -> bool:
    """Return whether too many rows of a table are not in its index."""
    return unindexed >= max(LEAST_UNINDEXED, rows // GROWTH)


class IndexBuilder:
    """Builds one index at a time, beside everything else."""

    def __init__(self, uri: str) -> None:
        """Create it for the memory at a URI."""
        self._uri = uri
        self._segment: Table | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether it has a table in hand; `collect` takes it."""
        return self._segment is not None

    def start(self, table: Table, *, tidy: bool) -> None:
        """Begin.

        Args:
            table: the table.
            tidy: whether nobody writes it any more, so that its files may be put together first.

        Raises:
            StoreError: no process can be started.
        """
        command = [sys.executable, '-m', __name__, self._uri, table.name.text]
        errors = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                [*command, '--tidy'] if tidy else command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env={**os.environ, 'PYTHONPATH': _own_paths(), 'PYTHONSAFEPATH': '1'},
            )
        except OSError as error:
            errors.close()
            raise StoreError(f'The index of the memory cannot be built: {error}') from error
        self._segment, self._errors = table, errors

    def collect(self) -> Table | None:
        """Return the table whose index has been built since, if any.

        Raises:
            StoreError: building failed; the table is searched without.
        """
        if self._process is None or self._process.poll() is None:
            return None
        table, status, reason = self._segment, self._process.returncode, self._last_line()
        self._forget()
        if status:
            raise StoreError(f'The index of the memory cannot be built: {reason or status}')
        return table

    def close(self) -> None:
        """End what is being built; the next start begins anew."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._forget()

    def _forget(self) -> None:
        if self._errors is not None:
            self._errors.close()
        self._segment = self._process = self._errors = None

    def _last_line(self) -> str:
        assert self._errors is not None
        self._errors.seek(0)
        lines = self._errors.read().decode(errors='replace').strip().splitlines()
        return lines[-1].strip() if lines else ''


def _own_paths() -> str:
    """Let the process find what this one finds, and not what lies in the working folder."""
    return os.pathsep.join(dict.fromkeys(path for path in sys.path if path))


def main() -> int:
    """Build an index; return the exit status."""
    parser = argparse.ArgumentParser(prog='indexing', description=__doc__)
    parser.add_argument('uri')
    parser.add_argument('table')
    parser.add_argument('--tidy', action='store_true', help='put its files together first')
    options = parser.parse_args()
    name = parse_name(options.table)
    if name is None:
        parser.error(f'{options.table!r} is none of the tables of a memory')
    os.nice(NICENESS)
    try:
        table = open_table(Database(locate(options.uri)), name)
        if options.tidy:
            table.tidy()
        table.build_index()
        if options.tidy:
            table.tidy()  # the index of before
    except VljepaError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
