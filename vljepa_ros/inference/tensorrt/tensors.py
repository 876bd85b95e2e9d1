# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a runner takes as an input, and how a large batch is cut into several runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vljepa_ros.errors import EngineError
from vljepa_ros.inference.graphs import GraphSpec, Port
from vljepa_ros.inference.tensorrt.device_memory import DeviceTensor


@dataclass(frozen=True)
class ForeignTensor:
    """An array on the GPU that another library owns.

    Attributes:
        address: where it begins.
        shape: its dimensions, one row after another.
        size: its bytes.
        owner: keeps it.
    """

    address: int
    shape: tuple[int, ...]
    size: int
    owner: Any


def as_input(port: Port, value: Any) -> np.ndarray | DeviceTensor | ForeignTensor:
    """Check the type of an input's elements; PyTorch's tensors are known by their address.

    Raises:
        EngineError: it is neither an array nor a tensor, or has elements of another type.
    """
    if hasattr(value, 'data_ptr'):
        return _foreign(port, value)
    if not isinstance(value, np.ndarray | DeviceTensor):
        raise EngineError(f'{port.name} must be an array or a tensor, not {type(value).__name__}')
    _check_type(port, str(value.dtype))
    return value


def _foreign(port: Port, tensor: Any) -> np.ndarray | ForeignTensor:
    _check_type(port, str(tensor.dtype).removeprefix('torch.'))
    if not tensor.is_cuda:
        array: np.ndarray = tensor.detach().numpy()
        return array
    whole = tensor.detach().contiguous()
    size = whole.numel() * whole.element_size()
    return ForeignTensor(whole.data_ptr(), tuple(whole.shape), size, whole)


def _check_type(port: Port, dtype: str) -> None:
    if dtype != port.dtype:
        raise EngineError(f'{port.name} must be {port.dtype}, not {dtype}')


def run_in_parts(
    spec: GraphSpec,
    most: Mapping[str, int],
    inputs: tuple[Any, ...],
    *,
    run: Callable[..., Any],
    to_numpy: Callable[[Any], np.ndarray],
) -> Any:
    """Run a graph on batches that are larger than its engine takes.

    Args:
        spec: the graph.
        most: the largest size of each dimension.
        inputs: of any batch size.
        run: runs the graph on as much as it takes.
        to_numpy: turns its output into an array.

    Returns:
        What `run` returned where it ran once, else an array.
    """
    too_large = {
        name: size
        for port, value in zip(spec.inputs, inputs, strict=True)
        for name, size in zip(port.shape, getattr(value, 'shape', ()), strict=False)
        if name in spec.output.shape and isinstance(name, str) and size > most[name]
    }
    if not too_large:
        return run(*inputs)
    name, size = next(iter(too_large.items()))
    outputs = []
    for first in range(0, size, most[name]):
        last = min(size, first + most[name])
        part = tuple(
            _rows(value, first, last) if port.shape[0] == name else value
            for port, value in zip(spec.inputs, inputs, strict=True)
        )
        output = run_in_parts(spec, most, part, run=run, to_numpy=to_numpy)
        outputs.append(to_numpy(output))
    return np.concatenate(outputs, axis=spec.output.shape.index(name))


def _rows(value: Any, first: int, last: int) -> Any:
    return value.rows(first, last) if isinstance(value, DeviceTensor) else value[first:last]
