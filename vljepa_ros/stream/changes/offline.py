# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Segments of a whole recording by Ward's method between neighbours (arXiv 2512.10942, §3.3)."""

from __future__ import annotations

import numpy as np

from vljepa_ros.errors import ConfigurationError, MissingDependencyError


def segments_of(embeddings: np.ndarray, count: int) -> list[slice]:
    """Divide a recording.

    Args:
        embeddings: unit vectors [N, D] in the order of time.
        count: how many segments, at least 1; fewer than N samples make no more than N.

    Returns:
        The segments in the order of time; together they are the recording.

    Raises:
        ConfigurationError: `count` is less than 1, or the recording is empty.
        MissingDependencyError: scikit-learn is not installed.
    """
    if count < 1 or len(embeddings) == 0:
        raise ConfigurationError(
            f'{count} segments of {len(embeddings)} embeddings; use 1 or more of each'
        )
    borders = merge_borders(embeddings)[: count - 1]
    edges = [0, *sorted(borders), len(embeddings)]
    return [slice(first, last) for first, last in zip(edges[:-1], edges[1:], strict=True)]


def merge_borders(embeddings: np.ndarray) -> list[int]:
    """Return all borders, the one that Ward's method keeps longest first.

    The first n - 1 of them divide the recording [N, D] in n segments; border i lies before
    sample i.
    """
    if len(embeddings) < 2:
        return []
    try:
        from sklearn.cluster import ward_tree
    except ImportError as error:
        raise MissingDependencyError(
            'Segments of recordings need scikit-learn: pip install scikit-learn'
        ) from error
    from scipy.sparse import diags_array

    size = len(embeddings)
    ones = np.ones(size - 1)
    neighbours = diags_array([ones, ones], offsets=[-1, 1], shape=(size, size)).tocsr()
    children, *_ = ward_tree(embeddings, connectivity=neighbours)
    first = np.concatenate([np.arange(size), np.zeros(size - 1, int)])  # first sample of each node
    borders = []
    for node, (one, other) in enumerate(children, start=size):
        borders.append(int(max(first[one], first[other])))
        first[node] = min(first[one], first[other])
    return borders[::-1]
