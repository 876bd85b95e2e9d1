# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where a memory is: a folder, an object store, or a server of LanceDB."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

SERVER = 'db://'
JOURNAL = 'journal.sqlite3'


@dataclass(frozen=True)
class Location:
    """A URI, taken apart.

    Attributes:
        uri: what LanceDB connects to, without options.
        folder: the folder on this machine; None for a store or a server.
        options: what was given behind the question mark: of a server `host_override`, `region`;
            of a store what LanceDB calls its storage options, such as `endpoint`.
    """

    uri: str
    folder: Path | None
    options: dict[str, str]

    @property
    def is_server(self) -> bool:
        """Whether a server of LanceDB answers; it makes its indices itself."""
        return self.uri.startswith(SERVER)

    @property
    def journal(self) -> Path:
        """The journal's file: in the folder, or for other memories among this user's files."""
        if self.folder is not None:
            return self.folder / JOURNAL
        base = Path(os.environ.get('XDG_STATE_HOME') or Path.home() / '.local' / 'state')
        digest = hashlib.sha256(self.uri.encode()).hexdigest()[:16]
        return base / 'vljepa_ros' / 'memory' / digest / JOURNAL


def locate(uri: str) -> Location:
    """Return where a memory is.

    Args:
        uri: a path, `~` for the home folder; or `s3://bucket/path`, `gs://…`, `az://…`; or
            `db://name` for a server. Options follow a question mark, as in
            `db://robots?host_override=https://lancedb.example.org`; keys and passwords are taken
            from the environment variables of the store, or LANCEDB_API_KEY.
    """
    if '://' not in uri or uri.startswith('file://'):
        folder = Path(uri.removeprefix('file://')).expanduser().absolute()
        return Location(str(folder), folder, {})
    address, _, options = uri.partition('?')
    return Location(address.rstrip('/'), None, dict(parse_qsl(options)))
