# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Memory of a GPU as the runner uses it, apart from what provides it.

`cuda_memory` does so on a GPU. Tests drive the runner with a double on the memory of the
processor, which runs its work only when it is waited for, as a GPU may.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from vljepa_ros.errors import EngineError

ALIGNMENT = 256  # of the addresses that TensorRT takes
KEPT_BUFFERS = 16


class DeviceMemory(Protocol):
    """Memory of a GPU and one stream of work on it.

    Addresses are numbers; work is done in the order in which it is asked for. All methods raise
    EngineError with what the system says.
    """

    stream: int

    def use(self) -> None:
        """Make the GPU that of the calling thread."""

    def allocate(self, size: int) -> int:
        """Return the address of so many bytes, a multiple of `ALIGNMENT`."""

    def free(self, address: int) -> None:
        """Give memory back, once the work that uses it is done."""

    def pinned(self, size: int) -> np.ndarray:
        """Return bytes uint8 [size] of the processor that the GPU reads and writes itself."""

    def free_pinned(self, array: np.ndarray) -> None:
        """Give such bytes back."""

    def upload(self, address: int, source: np.ndarray) -> None:
        """Copy pinned bytes to the GPU; they must not change before that is done."""

    def download(self, target: np.ndarray, address: int) -> None:
        """Copy from the GPU to pinned bytes; they are there when it has been waited for."""

    def copy(self, target: int, source: int, size: int) -> None:
        """Copy between two addresses of the GPU."""

    def record(self, event: Any = None) -> Any:
        """Return an event that comes when all that was asked for is done; it can be reused."""

    def wait(self, event: Any) -> None:
        """Sleep until an event has come."""

    def wait_for_all(self) -> None:
        """Sleep until the GPU has done everything, that of other libraries too."""

    def capture(self, work: Callable[[], None]) -> Any:
        """Return what `work` asks for as a graph, without doing it."""

    def launch(self, graph: Any) -> None:
        """Do what a graph holds."""

    def discard(self, graph: Any) -> None:
        """Give a graph back."""

    def close(self) -> None:
        """Give everything back."""


class BufferPool:
    """Buffers that outputs leave free are taken again, so that nothing is allocated per call."""

    def __init__(self, memory: DeviceMemory) -> None:
        """Begin without buffers."""
        self._memory = memory
        self._free: list[tuple[int, int]] = []  # size, address; the last one was used last
        self._closed = False

    def take(self, size: int) -> Buffer:
        """Return a buffer of at least so many bytes.

        Raises:
            EngineError: no memory is left.
        """
        rounded = max(1, math.ceil(size / ALIGNMENT)) * ALIGNMENT
        for index in range(len(self._free) - 1, -1, -1):
            if self._free[index][0] == rounded:
                return Buffer(self, *self._free.pop(index))
        # Trimmed here and not where they come back, which may be in any thread.
        while len(self._free) >= KEPT_BUFFERS:
            self._memory.free(self._free.pop(0)[1])
        return Buffer(self, rounded, self._memory.allocate(rounded))

    def give_back(self, size: int, address: int) -> None:
        """Take a buffer back that nobody refers to any more."""
        if not self._closed:
            self._free.append((size, address))

    @property
    def closed(self) -> bool:
        """Whether the memory of its buffers is gone."""
        return self._closed

    def close(self) -> None:
        """Note that the memory is given back as a whole."""
        self._closed = True
        self._free.clear()


class Buffer:
    """Bytes of a GPU, which go back to the pool when the last reference goes."""

    def __init__(self, pool: BufferPool, size: int, address: int) -> None:
        """Own the bytes at an address."""
        self.size, self.address = size, address
        self.pool = pool

    def __del__(self) -> None:
        """Give them back."""
        self.pool.give_back(self.size, self.address)


class DeviceTensor:
    """An array in the memory of a GPU: what a graph returned and another may take.

    Attributes:
        shape: its dimensions.
        dtype: NumPy type.
    """

    def __init__(
        self, buffer: Buffer, shape: tuple[int, ...], dtype: np.dtype, *, offset: int = 0
    ) -> None:
        """Refer to a part of a buffer, which is kept as long as this is."""
        self._buffer, self._offset = buffer, offset
        self.shape, self.dtype = shape, dtype

    @property
    def address(self) -> int:
        """Where it begins.

        Raises:
            EngineError: the backend that returned it is closed.
        """
        if self._buffer.pool.closed:
            raise EngineError('The backend that holds these features is closed; encode again')
        return self._buffer.address + self._offset

    @property
    def size(self) -> int:
        """Its bytes."""
        return math.prod(self.shape) * self.dtype.itemsize

    def rows(self, first: int, last: int) -> DeviceTensor:
        """Return a part along the first dimension, without a copy."""
        width = self.size // self.shape[0]
        shape = (last - first, *self.shape[1:])
        return DeviceTensor(self._buffer, shape, self.dtype, offset=self._offset + first * width)
