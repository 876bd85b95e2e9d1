# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Inputs for a graph, and how alike two outputs are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from vljepa_ros.inference.graphs import GraphSpec

# One of all, as a node with one camera asks, and several.
SIZES: tuple[dict[str, int], ...] = (
    {
        'clips': 1,
        'queries': 1,
        'query_length': 7,
        'texts': 1,
        'text_length': 5,
        'written_length': 1,
        'states': 1,
        'actions': 1,
        'pairs': 1,
    },
    {
        'clips': 2,
        'queries': 3,
        'query_length': 12,
        'texts': 5,
        'text_length': 9,
        'written_length': 6,
        'states': 2,
        'actions': 4,
        'pairs': 3,
    },
)


def graph_inputs(spec: GraphSpec, sizes: dict[str, int], *, seed: int = 0) -> list[np.ndarray]:
    """Draw inputs of a graph: pictures of noise, unit vectors, ids of words and letters."""
    rng = np.random.default_rng(seed)
    inputs: list[np.ndarray] = []
    for port in spec.inputs:
        shape = tuple(sizes[size] if isinstance(size, str) else size for size in port.shape)
        value: np.ndarray
        if port.dtype == 'uint8':
            value = rng.integers(0, 256, shape, dtype=np.uint8)
        elif port.dtype == 'int64':
            value = rng.integers(4, 60, shape)
        elif port.dtype == 'bool':
            value = np.arange(shape[1]) < rng.integers(2, shape[1] + 1, shape[:1])[:, None]
        else:
            value = rng.normal(size=shape).astype(np.float32)
            if port.name != 'tokens':
                value = value / np.linalg.norm(value, axis=-1, keepdims=True)
        inputs.append(value)
    return inputs


def least_cosine(first: np.ndarray, second: np.ndarray) -> float:
    """Return the lowest cosine between vectors of the last dimension."""
    products = (first * second).sum(-1)
    lengths = np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1)
    return float((products / lengths).min())
