# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether an engine gives the answers of the checkpoint's float32 graph on ONNX Runtime.

The expected answers are worked out once and kept: an engine is checked at every start, and a large
graph on the processor would take longer than all else.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vljepa_ros.inference.graphs import GraphSpec, existing_graph, graph_spec
from vljepa_ros.inference.sealed_file import (
    digest_of,
    file_digest,
    read_sealed,
    write_sealed,
)
from vljepa_ros.inference.tensorrt.ranges import Range
from vljepa_ros.model.config import ModelConfig

LEAST_COSINE = {'fp32': 0.999, 'fp16': 0.99, 'bf16': 0.99}
RECIPE = 1  # counts up whenever other inputs are drawn
SEVERAL = 3


@dataclass(frozen=True)
class Sample:
    """Inputs of a graph, and what it is to answer."""

    inputs: tuple[np.ndarray, ...]
    expected: np.ndarray


def samples(
    checkpoint: Path,
    config: ModelConfig,
    component: str,
    ranges: Mapping[str, Range],
    *,
    weights_digest: str,
    folder: Path,
) -> list[Sample]:
    """Return drawn inputs with the answers of the float32 graph.

    Args:
        checkpoint: its folder.
        config: its configuration.
        component: the network.
        ranges: what its engine takes.
        weights_digest: SHA-256 of the network's weights.
        folder: where the answers are kept.

    Raises:
        CheckpointError: there is no float32 graph, or it is damaged.
        MissingDependencyError: ONNX Runtime is not installed.
    """
    spec = graph_spec(config, component)
    drawn = [
        draw_inputs(spec, config, sizes, seed=seed)
        for seed, sizes in enumerate(_sizes(spec, ranges))
    ]
    graph = file_digest(existing_graph(checkpoint, component, 'fp32'))
    key = digest_of([RECIPE, graph, weights_digest, [_shapes(inputs) for inputs in drawn]])
    path = folder / f'{component}.{key[:16]}.expected'
    expected = _kept(path, key)
    if expected is None:
        from vljepa_ros.inference.onnxruntime_backend import OnnxRuntimeBackend

        reference = OnnxRuntimeBackend(
            checkpoint, config, (component,), precision='fp32', threads=0
        )
        expected = [reference.run(component, *inputs) for inputs in drawn]
        reference.close()
        _keep(path, key, expected)
    return [Sample(*pair) for pair in zip(drawn, expected, strict=True)]


def least_cosine(tests: Sequence[Sample], run: Callable[..., np.ndarray]) -> float:
    """Return the lowest cosine of answers with what is expected; 0 where one is no number."""
    cosines = []
    for sample in tests:
        output = run(*sample.inputs).astype(np.float64)
        products = (output * sample.expected).sum(-1)
        lengths = np.linalg.norm(output, axis=-1) * np.linalg.norm(sample.expected, axis=-1)
        cosines.append(float((products / np.maximum(lengths, 1e-30)).min()))
    return min(cosines) if np.isfinite(cosines).all() else 0.0


def draw_inputs(
    spec: GraphSpec, config: ModelConfig, sizes: Mapping[str, int], *, seed: int
) -> tuple[np.ndarray, ...]:
    """Draw pictures of noise, unit vectors, ids of the vocabulary and masks, always the same."""
    rng = np.random.default_rng(seed)
    inputs: list[np.ndarray] = []
    for port in spec.inputs:
        shape = tuple(sizes[size] if isinstance(size, str) else size for size in port.shape)
        value: Any
        if port.dtype == 'uint8':
            value = rng.integers(0, 256, shape, dtype=np.uint8)
        elif port.dtype == 'int64':
            value = rng.integers(0, config.vocab_size(spec.name), shape)
        elif port.dtype == 'bool':
            value = np.arange(shape[1]) < rng.integers(1, shape[1] + 1, shape[:1])[:, None]
        else:
            value = rng.normal(size=shape).astype(np.float32)
            if port.name != 'tokens':
                value /= np.linalg.norm(value, axis=-1, keepdims=True)
        inputs.append(value)
    return tuple(inputs)


def _sizes(spec: GraphSpec, ranges: Mapping[str, Range]) -> list[dict[str, int]]:
    """Return the usual sizes, and others: kernels may differ."""
    batches = {size for size in spec.output.shape if isinstance(size, str)}
    usual = {name: sizes.usual for name, sizes in ranges.items()}
    others = {
        name: min(SEVERAL if name in batches else sizes.usual + 1, sizes.most)
        for name, sizes in ranges.items()
    }
    return [usual, others]


def _shapes(inputs: Sequence[np.ndarray]) -> list[list[int]]:
    return [list(value.shape) for value in inputs]


def _kept(path: Path, key: str) -> list[np.ndarray] | None:
    content = read_sealed(path, key)
    if content is None:
        return None
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return [arrays[name] for name in sorted(arrays)]
    except (ValueError, KeyError, zipfile.BadZipFile):
        return None


def _keep(path: Path, key: str, expected: Sequence[np.ndarray]) -> None:
    buffer = io.BytesIO()
    arrays = {f'answer{index}': array for index, array in enumerate(expected)}
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    try:
        write_sealed(path, key, buffer.getvalue())
    except OSError:
        return  # worked out again at the next start; that the folder is full is said with plans
