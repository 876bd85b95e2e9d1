# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which recordings a memory has been filled from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from vljepa_ros.errors import StoreDamagedError, StoreError
from vljepa_ros.memory.lance.database import Database, explained, is_elsewhere
from vljepa_ros.memory.lance.library import pyarrow as pa

TABLE = 'recordings'
SCHEMA = pa.schema(
    [('recording', pa.string()), ('version', pa.string()), ('finished', pa.bool_())]
)


class Recordings:
    """A table of names; the last line of a recording holds."""

    def __init__(self, database: Database) -> None:
        """Open the table, creating it.

        Raises:
            StoreDamagedError: it could not be read any more; it has been set aside.
            StoreError: the place cannot be reached.
        """
        try:
            with explained('The recordings of the memory cannot be listed'):
                self._handle: Any = database.table(TABLE, SCHEMA)
                lines = self._handle.to_arrow().to_pylist()
        except StoreError as error:
            if isinstance(error.__cause__, Exception) and is_elsewhere(error.__cause__):
                raise
            raise StoreDamagedError(f'{error}. {database.set_aside(TABLE)}') from error
        # The version of what is there as a whole; None of what has been begun only.
        self._versions: dict[str, str | None] = {}
        for line in lines:
            version = line['version'] if line['finished'] else None
            self._versions[line['recording']] = version

    def has(self, recording: str, version: str) -> bool:
        """Return whether a version of a recording is there as a whole."""
        return self._versions.get(recording) == version

    def may_have_rows(self, recording: str) -> bool:
        """Return whether any rows of a recording may be there."""
        return recording in self._versions

    def begin(self, recordings: Iterable[str]) -> None:
        """Note that rows of recordings come; raises StoreError."""
        self._add(dict.fromkeys(recordings))

    def finish(self, versions: Mapping[str, str]) -> None:
        """Note that all rows of recordings, by their versions, are there; raises StoreError."""
        self._add(versions)

    def _add(self, versions: Mapping[str, str | None]) -> None:
        if not versions:
            return
        lines = [
            {'recording': recording, 'version': version or '', 'finished': version is not None}
            for recording, version in versions.items()
        ]
        with explained('The recordings of the memory cannot be written'):
            self._handle.add(pa.Table.from_pylist(lines, schema=SCHEMA))
        self._versions.update(versions)
