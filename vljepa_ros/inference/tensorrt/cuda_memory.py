# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The memory of a GPU through NVIDIA's own Python bindings: no PyTorch is needed.

Without a GPU only this was run: the import, and every call up to the driver's refusal.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from vljepa_ros.errors import EngineError, MissingDependencyError
from vljepa_ros.inference.tensorrt.library import require_gpu

try:
    from cuda.bindings import runtime
except ImportError as error:
    raise MissingDependencyError(
        f"The tensorrt backend needs NVIDIA's bindings of CUDA ({error}). "
        'Install them with: pip install cuda-bindings'
    ) from error


class CudaMemory:
    """A GPU's memory and one stream; see `DeviceMemory`."""

    def __init__(self, index: int) -> None:
        """Open a GPU.

        Args:
            index: its number.

        Raises:
            EngineError: there is none, or the driver refuses it.
        """
        require_gpu('The tensorrt backend')
        self._index = index
        self._addresses: set[int] = set()
        self._pinned: dict[int, int] = {}
        self._graphs: list[Any] = []
        self._events: list[Any] = []
        self.use()
        # Not bound to the default stream, which other libraries use and capturing forbids.
        self._stream = _checked(runtime.cudaStreamCreateWithFlags(runtime.cudaStreamNonBlocking))
        self.stream = int(self._stream)

    def use(self) -> None:
        """Make the GPU that of the calling thread."""
        _checked(runtime.cudaSetDevice(self._index))

    def allocate(self, size: int) -> int:
        """Return the address of so many bytes."""
        address = int(_checked(runtime.cudaMalloc(size)))
        self._addresses.add(address)
        return address

    def free(self, address: int) -> None:
        """Give memory back; the driver waits for the work that uses it."""
        self._addresses.discard(address)
        _checked(runtime.cudaFree(address))

    def pinned(self, size: int) -> np.ndarray:
        """Return bytes of the processor that the GPU reads and writes itself."""
        pointer = int(_checked(runtime.cudaHostAlloc(size, runtime.cudaHostAllocDefault)))
        array = np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(pointer))
        self._pinned[array.ctypes.data] = pointer
        return array

    def free_pinned(self, array: np.ndarray) -> None:
        """Give such bytes back."""
        _checked(runtime.cudaFreeHost(self._pinned.pop(array.ctypes.data)))

    def upload(self, address: int, source: np.ndarray) -> None:
        """Copy pinned bytes to the GPU."""
        kind = runtime.cudaMemcpyKind.cudaMemcpyHostToDevice
        self._copy(address, source.ctypes.data, source.nbytes, kind)

    def download(self, target: np.ndarray, address: int) -> None:
        """Copy from the GPU to pinned bytes."""
        kind = runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost
        self._copy(target.ctypes.data, address, target.nbytes, kind)

    def copy(self, target: int, source: int, size: int) -> None:
        """Copy between two addresses of the GPU."""
        self._copy(target, source, size, runtime.cudaMemcpyKind.cudaMemcpyDeviceToDevice)

    def record(self, event: Any = None) -> Any:
        """Return an event that comes when all that was asked for is done."""
        if event is None:
            # Who waits for it sleeps, and leaves the core to other processes.
            flags = runtime.cudaEventBlockingSync | runtime.cudaEventDisableTiming
            event = _checked(runtime.cudaEventCreateWithFlags(flags))
            self._events.append(event)
        _checked(runtime.cudaEventRecord(event, self._stream))
        return event

    def wait(self, event: Any) -> None:
        """Sleep until an event has come."""
        _checked(runtime.cudaEventSynchronize(event))

    def wait_for_all(self) -> None:
        """Sleep until the GPU has done everything, that of other libraries too."""
        _checked(runtime.cudaDeviceSynchronize())

    def capture(self, work: Callable[[], None]) -> Any:
        """Return what `work` asks for as a graph, without doing it."""
        mode = runtime.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        _checked(runtime.cudaStreamBeginCapture(self._stream, mode))
        try:
            work()
        except BaseException:
            runtime.cudaStreamEndCapture(self._stream)  # the stream must leave the capture
            raise
        graph = _checked(runtime.cudaStreamEndCapture(self._stream))
        try:
            executable = _checked(runtime.cudaGraphInstantiate(graph, 0))
        finally:
            _checked(runtime.cudaGraphDestroy(graph))
        self._graphs.append(executable)
        return executable

    def launch(self, graph: Any) -> None:
        """Do what a graph holds."""
        _checked(runtime.cudaGraphLaunch(graph, self._stream))

    def discard(self, graph: Any) -> None:
        """Give a graph back."""
        self._graphs.remove(graph)
        _checked(runtime.cudaGraphExecDestroy(graph))

    def close(self) -> None:
        """Give everything back, whatever the driver says to each: it may have failed before."""
        runtime.cudaSetDevice(self._index)
        runtime.cudaStreamSynchronize(self._stream)
        for graph in self._graphs:
            runtime.cudaGraphExecDestroy(graph)
        for event in self._events:
            runtime.cudaEventDestroy(event)
        for address in self._addresses:
            runtime.cudaFree(address)
        for pointer in self._pinned.values():
            runtime.cudaFreeHost(pointer)
        runtime.cudaStreamDestroy(self._stream)
        self._graphs, self._events = [], []
        self._addresses, self._pinned = set(), {}

    def _copy(self, target: int, source: int, size: int, kind: Any) -> None:
        _checked(runtime.cudaMemcpyAsync(target, source, size, kind, self._stream))


def _checked(results: tuple[Any, ...]) -> Any:
    """Return what a call of the runtime gave.

    Raises:
        EngineError: it failed.
    """
    status, *values = results
    if status != runtime.cudaError_t.cudaSuccess:
        text = runtime.cudaGetErrorString(status)[1]
        said = text.decode() if isinstance(text, bytes) else str(text)
        raise EngineError(
            f'CUDA failed: {said} ({status.name}). If memory is short, close other programs or '
            'load fewer components; else use another backend'
        )
    return values[0] if values else None
