# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Brings the inputs of a graph to the GPU, and says where they lie."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vljepa_ros.inference.graphs import GraphSpec, Port
from vljepa_ros.inference.tensorrt.device_memory import (
    ALIGNMENT,
    Buffer,
    BufferPool,
    DeviceMemory,
    DeviceTensor,
)
from vljepa_ros.inference.tensorrt.loaded_plan import Bounds
from vljepa_ros.inference.tensorrt.tensors import ForeignTensor

Value = np.ndarray | DeviceTensor | ForeignTensor
Addresses = tuple[int, ...]


@dataclass
class _Place:
    """Where an input lies that comes from elsewhere: on the GPU, and on its way there."""

    port: Port
    size: int
    buffer: Buffer | None = None
    staging: np.ndarray | None = None


class Placement:
    """The inputs of one graph. Each has the same address in every call, unless it is there."""

    def __init__(
        self,
        spec: GraphSpec,
        bounds: Mapping[str, Bounds],
        memory: DeviceMemory,
        pool: BufferPool,
    ) -> None:
        """Begin without memory; it is taken for the largest shape, once it is needed."""
        self._memory, self._pool = memory, pool
        self._places = [
            _Place(port, math.prod(bounds[port.name].most) * np.dtype(port.dtype).itemsize)
            for port in spec.inputs
        ]
        self._uploaded: object = None  # event

    def place(self, values: Sequence[Value]) -> Addresses:
        """Ask for the copies that are needed; return the addresses.

        Raises:
            EngineError: the GPU failed.
        """
        addresses = []
        staged = False
        for place, value in zip(self._places, values, strict=True):
            if isinstance(value, DeviceTensor) and value.address % ALIGNMENT == 0:
                addresses.append(value.address)  # what an earlier graph left: no copy at all
                continue
            if place.buffer is None:
                place.buffer = self._pool.take(place.size)
            addresses.append(place.buffer.address)
            if isinstance(value, np.ndarray):
                if not staged and self._uploaded is not None:
                    self._memory.wait(self._uploaded)  # the last call's inputs are on their way
                staged = True
                self._upload(place, place.buffer.address, value)
            elif isinstance(value, DeviceTensor):
                self._memory.copy(place.buffer.address, value.address, value.size)
            else:
                self._copy_foreign(place.buffer.address, value)
        if staged:
            self._uploaded = self._memory.record(self._uploaded)
        return tuple(addresses)

    def _upload(self, place: _Place, address: int, value: np.ndarray) -> None:
        if place.staging is None:
            place.staging = self._memory.pinned(place.size)
        part = place.staging[: value.nbytes]
        np.copyto(part.view(value.dtype).reshape(value.shape), value)
        self._memory.upload(address, part)

    def _copy_foreign(self, address: int, value: ForeignTensor) -> None:
        """Copy what another library owns: it may still write it now, and again after the call."""
        self._memory.wait_for_all()
        self._memory.copy(address, value.address, value.size)
        self._memory.wait_for_all()
