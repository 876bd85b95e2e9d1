# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is used of LanceDB: its one importer, so that its lack is one clear error."""

import os
import sys

from vljepa_ros.errors import MissingDependencyError

# Lance writes its own warnings to the process's output; ours come as errors.
os.environ.setdefault('LANCE_LOG', 'error')

try:
    import lancedb
    import pyarrow
    from lancedb.index import Bitmap, BTree, IvfSq
except ImportError as error:
    raise MissingDependencyError(
        f'The memory needs the library lancedb, which cannot be imported ({error}). Install it '
        f'with: {sys.executable} -m pip install "lancedb>=0.40"'
    ) from error

__all__ = ['BTree', 'Bitmap', 'IvfSq', 'lancedb', 'pyarrow']
