# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is worked out once for a machine and kept: which backend is the fastest, built engines."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

VARIABLE = 'VLJEPA_CACHE'


def cache_folder() -> Path:
    """Return `$VLJEPA_CACHE`, by default a folder below `$XDG_CACHE_HOME` or `~/.cache`."""
    if own := os.environ.get(VARIABLE):
        return Path(own)
    base = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    return Path(base) / 'vljepa_ros' / 'inference'


def writing_problem() -> str:
    """Return why nothing can be kept, by writing a small file; empty where it can."""
    path = cache_folder() / '.tried'
    try:
        write_atomically(path, b'tried')
        path.unlink()
    except OSError as error:
        return str(error)
    return ''


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all.

    Raises:
        OSError: the folder cannot be written, or the disk is full; nothing is left behind.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f'.{path.name}.')
    partial = Path(name)  # readable by its owner only
    try:
        with os.fdopen(number, 'wb') as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
