# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which weights a graph was written for: the graph says so, and beside others it is refused.

A graph reads its weights by their places in the checkpoint's file, and small ones are worked into
it. Beside weights that were trained further it would load and give wrong answers.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

from vljepa_ros.errors import CheckpointError
from vljepa_ros.inference.sealed_file import file_digest

KEY = 'vljepa_ros.weights_sha256'  # among the graph's metadata
# As protocol buffers write the pair: the key, then the tag and the length of its value.
_WRITTEN = re.compile(re.escape(KEY.encode()) + rb'\x12\x40([0-9a-f]{64})')


def weights_digest(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file of weights, read once as long as it is the same.

    Raises:
        OSError: it cannot be read.
    """
    state = path.stat()
    return _digest(path, state.st_size, state.st_mtime_ns)


@functools.lru_cache(maxsize=32)
def _digest(path: Path, size: int, mtime_ns: int) -> str:
    return file_digest(path)


def check_weights(graph: Path, digest: str) -> None:
    """Check that a graph was written for weights.

    Args:
        graph: its ONNX file.
        digest: SHA-256 of the file of weights beside it.

    Raises:
        CheckpointError: it was written for others, or does not say for which.
    """
    found = _WRITTEN.search(graph.read_bytes())
    if found is not None and found[1].decode() == digest:
        return
    reason = 'was written for other weights than' if found else 'does not say that it belongs to'
    raise CheckpointError(
        f'{graph} {reason} those beside it, so its answers would be wrong. Write it again with: '
        f'vljepa export {graph.parent}'
    )
