# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A GPU's memory and TensorRT's runtime without a GPU, as strict as the real ones.

The memory does nothing before it is waited for, so that a missing wait shows; it refuses what is
freed, what is not pinned, and what a capture forbids. The engine runs ONNX Runtime on what lies at
the bound addresses, and returns False where TensorRT does: `test_tensorrt_double.py` shows it.
What the code uses of it is there in TensorRT: `test_tensorrt_api.py` looks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import tensorrt_rtx

from vljepa_ros.errors import EngineError
from vljepa_ros.inference.graphs import GraphSpec, Port
from vljepa_ros.inference.tensorrt.device_memory import ALIGNMENT
from vljepa_ros.inference.tensorrt.library import Library, bridged_logger
from vljepa_ros.inference.tensorrt.ranges import Range, port_shapes

POISON = 0xCD
Work = Callable[[], None]
DATA_TYPES = {
    'float32': tensorrt_rtx.DataType.FLOAT,
    'uint8': tensorrt_rtx.DataType.UINT8,
    'int64': tensorrt_rtx.DataType.INT64,
    'bool': tensorrt_rtx.DataType.BOOL,
}


def failed(reason: str) -> EngineError:
    return EngineError(f'CUDA failed: {reason}')


@dataclass(eq=False)
class Event:
    position: int


@dataclass(eq=False)
class Graph:
    work: list[Work] = field(default_factory=list)
    discarded: bool = False


class HostMemory:
    """`DeviceMemory` on the memory of the processor."""

    stream = 7

    def __init__(self, index: int = 0) -> None:
        self.index = index
        self.launches = self.uploads = self.downloads = 0
        self.closed = False
        self.elsewhere: list[Work] = []  # on the streams of other libraries
        self._threads: set[int] = set()
        self._live: dict[int, np.ndarray] = {}
        self._freed: list[np.ndarray] = []  # never used again, so an old address stays wrong
        self._pinned: dict[int, np.ndarray] = {}
        self._queue: list[Work] = []
        self._done = 0
        self._capturing: Graph | None = None
        self._graphs: list[Graph] = []

    @property
    def capturing(self) -> bool:
        return self._capturing is not None

    @property
    def graphs(self) -> int:
        return len(self._graphs)

    @property
    def allocated(self) -> int:
        return len(self._live)

    def use(self) -> None:
        self._threads.add(threading.get_ident())

    def allocate(self, size: int) -> int:
        self._allowed('cudaMalloc')
        space = np.full(size + ALIGNMENT, POISON, np.uint8)
        first = -space.ctypes.data % ALIGNMENT
        block = space[first : first + size]
        self._live[block.ctypes.data] = block
        return int(block.ctypes.data)

    def free(self, address: int) -> None:
        self._allowed('cudaFree')
        if address not in self._live:
            raise failed('invalid argument')
        self._run(len(self._queue))
        self._freed.append(self._live.pop(address))

    def pinned(self, size: int) -> np.ndarray:
        self._allowed('cudaHostAlloc')
        array = np.full(size, POISON, np.uint8)
        self._pinned[array.ctypes.data] = array
        return array

    def free_pinned(self, array: np.ndarray) -> None:
        self._allowed('cudaFreeHost')
        del self._pinned[array.ctypes.data]

    def upload(self, address: int, source: np.ndarray) -> None:
        self._require_pinned(source)
        self.uploads += 1
        self._ask(lambda: np.copyto(self.bytes_at(address, source.nbytes), source))

    def download(self, target: np.ndarray, address: int) -> None:
        self._require_pinned(target)
        self.downloads += 1
        self._ask(lambda: np.copyto(target, self.bytes_at(address, target.nbytes)))

    def copy(self, target: int, source: int, size: int) -> None:
        self._ask(lambda: np.copyto(self.bytes_at(target, size), self.bytes_at(source, size)))

    def record(self, event: Event | None = None) -> Event:
        self._allowed('cudaEventRecord')
        event = event or Event(0)
        event.position = self._done + len(self._queue)
        return event

    def wait(self, event: Event) -> None:
        self._allowed('cudaEventSynchronize')
        self._run(event.position - self._done)

    def wait_for_all(self) -> None:
        self._allowed('cudaDeviceSynchronize')
        self._run(len(self._queue))
        while self.elsewhere:  # as late as may be
            self.elsewhere.pop(0)()

    def capture(self, work: Work) -> Graph:
        self._allowed('cudaStreamBeginCapture')
        graph = self._capturing = Graph()
        try:
            work()
        finally:
            self._capturing = None
        self._graphs.append(graph)
        return graph

    def launch(self, graph: Graph) -> None:
        self._allowed('cudaGraphLaunch')
        if graph not in self._graphs:
            raise failed('invalid argument: the graph was destroyed')
        self.launches += 1
        for work in graph.work:
            self._ask(work)

    def discard(self, graph: Graph) -> None:
        self._graphs.remove(graph)

    def close(self) -> None:
        assert not self.closed
        self._run(len(self._queue))
        self.closed = True
        self._freed += self._live.values()
        self._live.clear()
        self._pinned.clear()

    # What only the doubles use.

    def ask(self, work: Work) -> None:
        self._ask(work, capturable=True)

    def bytes_at(self, address: int, size: int) -> np.ndarray:
        for first, block in self._live.items():
            if first <= address and address + size <= first + len(block):
                return block[address - first : address - first + size]
        raise failed('an illegal memory access was encountered')

    def _ask(self, work: Work, *, capturable: bool = False) -> None:
        if self._capturing is not None and capturable:
            self._capturing.work.append(work)
            return
        self._allowed('a copy')
        self._queue.append(work)

    def _allowed(self, call: str) -> None:
        if self.closed:
            raise failed(f'invalid device context in {call}')
        if threading.get_ident() not in self._threads:
            raise failed(f'{call} on a device that this thread has not chosen')
        if self._capturing is not None:
            raise failed(f'operation not permitted when stream is capturing: {call}')

    def _require_pinned(self, array: np.ndarray) -> None:
        first = array.ctypes.data
        if not any(
            start <= first and first + array.nbytes <= start + len(block)
            for start, block in self._pinned.items()
        ):
            raise failed('the memory is not pinned')

    def _run(self, count: int) -> None:
        for _ in range(count):
            work = self._queue.pop(0)
            self._done += 1
            work()


class ContextDouble:
    """TensorRT's IExecutionContext."""

    def __init__(self, engine: EngineDouble) -> None:
        self._engine, self._memory = engine, engine.memory
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._addresses: dict[str, int] = {}
        self._ran: tuple[Any, ...] = ()

    def set_input_shape(self, name: str, shape: Sequence[int]) -> bool:
        ports = {port.name: port for port in self._engine.spec.inputs}
        if name not in ports:
            return self._refuse(f'setInputShape: {name} is no input')
        least, _, most = self._engine.get_tensor_profile_shape(name, 0)
        if len(shape) != len(most) or not all(
            low <= size <= high for low, size, high in zip(least, shape, most, strict=True)
        ):
            return self._refuse(f'setInputShape: {shape} does not satisfy the profile of {name}')
        self._shapes[name] = tuple(shape)
        return True

    def infer_shapes(self) -> list[str]:
        return [port.name for port in self._engine.spec.inputs if port.name not in self._shapes]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        if name in self._shapes:
            return self._shapes[name]
        sizes = self._sizes()
        return tuple(
            sizes.get(size, -1) if isinstance(size, str) else size
            for size in self._engine.port(name).shape
        )

    def set_tensor_address(self, name: str, memory: int) -> bool:
        if name not in self._engine.names:
            return self._refuse(f'setTensorAddress: there is no tensor {name}')
        if memory % ALIGNMENT:
            return self._refuse(f'setTensorAddress: the address of {name} is not aligned')
        self._addresses[name] = memory
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        engine = self._engine
        if stream_handle != self._memory.stream:
            return self._refuse('enqueueV3: invalid stream')
        if self.infer_shapes():
            return self._refuse(f'enqueueV3: the shapes of {self.infer_shapes()} are not set')
        unset = [name for name in engine.names if name not in self._addresses]
        if unset:
            return self._refuse(f'enqueueV3: the addresses of {unset} are not set')
        shapes, addresses = dict(self._shapes), dict(self._addresses)
        if self._memory.capturing and self._ran != tuple(shapes.items()):
            return self._refuse('enqueueV3: operation not permitted while capturing: first run')
        if not engine.capturable and self._memory.capturing:
            return self._refuse('enqueueV3: operation not permitted while capturing: allocation')
        self._ran = tuple(shapes.items())
        self._memory.ask(lambda: engine.compute(shapes, addresses))
        return True

    def _sizes(self) -> dict[str, int]:
        return {
            name: size
            for port in self._engine.spec.inputs
            for name, size in zip(port.shape, self._shapes.get(port.name, ()), strict=False)
            if isinstance(name, str)
        }

    def _refuse(self, reason: str) -> bool:
        severity = tensorrt_rtx.ILogger.ERROR
        bridged_logger(self._engine.module).log(severity, reason)
        return False


class EngineDouble:
    """TensorRT's ICudaEngine, over a graph on ONNX Runtime."""

    def __init__(
        self,
        graph: Path,
        spec: GraphSpec,
        ranges: dict[str, Range],
        memory: HostMemory,
        *,
        module: Any,
        wrong: float = 0.0,
    ) -> None:
        self.spec, self.memory, self.module = spec, memory, module
        self.capturable = True
        self.enough_memory = True
        self.ports = {port.name: port for port in (*spec.inputs, spec.output)}
        self.runs = 0
        self._ranges, self._wrong = ranges, wrong
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            graph, options, providers=['CPUExecutionProvider']
        )

    @property
    def names(self) -> list[str]:
        return list(self.ports)

    def port(self, name: str) -> Port:
        return self.ports[name]

    @property
    def num_io_tensors(self) -> int:
        return len(self.ports)

    def get_tensor_name(self, index: int) -> str:
        return self.names[index]

    def get_tensor_mode(self, name: str) -> Any:
        mode = tensorrt_rtx.TensorIOMode
        return mode.OUTPUT if name == self.spec.output.name else mode.INPUT

    def get_tensor_dtype(self, name: str) -> Any:
        return DATA_TYPES[self.port(name).dtype]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return tuple(-1 if isinstance(size, str) else size for size in self.port(name).shape)

    def get_tensor_profile_shape(self, name: str, profile_index: int) -> list[tuple[int, ...]]:
        assert profile_index == 0
        return list(port_shapes(self.port(name), self._ranges))

    def create_execution_context(self) -> ContextDouble | None:
        if self.enough_memory:
            return ContextDouble(self)
        bridged_logger(self.module).log(tensorrt_rtx.ILogger.ERROR, 'OutOfMemory')
        return None

    def compute(self, shapes: dict[str, tuple[int, ...]], addresses: dict[str, int]) -> None:
        """Read the inputs where they lie now, and write the output."""
        self.runs += 1
        feeds = {}
        for port in self.spec.inputs:
            shape, dtype = shapes[port.name], np.dtype(port.dtype)
            size = int(np.prod(shape)) * dtype.itemsize
            part = self.memory.bytes_at(addresses[port.name], size)
            feeds[port.name] = part.view(dtype).reshape(shape)
        (output,) = self._session.run(None, feeds)
        if self._wrong:
            output = output + self._wrong * np.random.default_rng(0).normal(size=output.shape)
        found = np.ascontiguousarray(output, np.float32)
        target = self.memory.bytes_at(addresses[self.spec.output.name], found.nbytes)
        np.copyto(target, found.reshape(-1).view(np.uint8))


class RuntimeConfigDouble:
    """IRuntimeConfig of tensorrt_rtx."""

    cuda_graph_strategy = tensorrt_rtx.CudaGraphStrategy.DISABLED


class RtxEngineDouble(EngineDouble):
    """That of tensorrt_rtx, which makes CUDA graphs itself where it is asked to."""

    records = False

    def create_runtime_config(self) -> RuntimeConfigDouble:
        return RuntimeConfigDouble()

    def create_execution_context(
        self, runtime_config: RuntimeConfigDouble | None = None
    ) -> ContextDouble | None:
        config = runtime_config or RuntimeConfigDouble()
        strategy = tensorrt_rtx.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
        self.records = config.cuda_graph_strategy == strategy
        self.capturable = False
        return super().create_execution_context()


class Disguise:
    """The module `tensorrt_rtx` as if it were `tensorrt`: without what only the former has."""

    hidden = ('ComputeCapability', 'CudaGraphStrategy')

    def __getattr__(self, name: str) -> Any:
        if name in self.hidden:
            raise AttributeError(name)
        return getattr(tensorrt_rtx, name)


TENSORRT = Library(Disguise(), 'tensorrt', '10.3.0')
RTX = Library(tensorrt_rtx, 'tensorrt_rtx', tensorrt_rtx.__version__)
