# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Files that are read only whole and only for what they were written for.

Such a file is: a magic, the SHA-256 of what it was made from, the SHA-256 of its content, the
content. A program would run what it holds, so a file that was cut, damaged, or made for something
else is as good as none.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from vljepa_ros.inference.cache import write_atomically

MAGIC = b'vljepa_ros sealed file 1\n'
DIGEST = hashlib.sha256().digest_size


def write_sealed(path: Path, key: str, content: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all.

    Args:
        path: the file.
        key: hexadecimal SHA-256 of what the content depends on.
        content: of any length.

    Raises:
        OSError: the folder cannot be written, or the disk is full; nothing is left behind.
    """
    head = MAGIC + bytes.fromhex(key) + hashlib.sha256(content).digest()
    write_atomically(path, head + content)


def read_sealed(path: Path, key: str) -> bytes | None:
    """Return the content of a file, None where it is not there or not what it should be."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    first = len(MAGIC) + 2 * DIGEST
    content = memoryview(data)[first:]
    head = MAGIC + bytes.fromhex(key) + hashlib.sha256(content).digest()
    return bytes(content) if data[:first] == head else None


def file_digest(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def digest_of(parts: object) -> str:
    """Return the hexadecimal SHA-256 of plain values, whatever the order of dictionaries."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
