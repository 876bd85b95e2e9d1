# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Keeps other processes of this machine out."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from vljepa_ros.errors import StoreError
from vljepa_ros.memory.lance.database import explained


@contextlib.contextmanager
def locked(path: Path, *, purpose: str, otherwise: str) -> Iterator[None]:
    """Hold a lock; it ends with the process, however that ends.

    Args:
        path: a file that is nothing but the lock.
        purpose: what cannot be done without the lock, in a sentence.
        otherwise: what to say where another process holds it.

    Raises:
        StoreError: another process holds it, or the file cannot be written.
    """
    with explained(purpose):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open('w')
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreError(otherwise) from error
        yield
