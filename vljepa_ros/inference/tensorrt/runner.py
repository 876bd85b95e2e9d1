# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs one engine: binds addresses, asks for the work, and replays it where it comes again.

Tests drive it by a double of TensorRT's engine that runs ONNX Runtime on the bound addresses.
"""

from __future__ import annotations

import logging
import math
from typing import Any

import numpy as np

from vljepa_ros.errors import EngineError
from vljepa_ros.inference.graphs import GraphSpec
from vljepa_ros.inference.tensorrt.device_memory import BufferPool, DeviceMemory, DeviceTensor
from vljepa_ros.inference.tensorrt.library import Library, bridged_logger
from vljepa_ros.inference.tensorrt.loaded_plan import LoadedPlan
from vljepa_ros.inference.tensorrt.placement import Addresses, Placement
from vljepa_ros.inference.tensorrt.replay import Replay
from vljepa_ros.inference.tensorrt.tensors import as_input

Shapes = tuple[tuple[int, ...], ...]


class Runner:
    """One engine with its execution context. Not thread-safe."""

    def __init__(
        self,
        spec: GraphSpec,
        library: Library,
        loaded: LoadedPlan,
        memory: DeviceMemory,
        pool: BufferPool,
        *,
        cuda_graphs: bool = True,
    ) -> None:
        """Create the execution context.

        Args:
            spec: the graph.
            library: what reads the plan.
            loaded: the plan; closed with the runner.
            memory: of the GPU.
            pool: where outputs are taken from.
            cuda_graphs: whether what comes again is recorded and replayed.

        Raises:
            EngineError: the GPU has too little memory.
        """
        self.spec = spec
        self._loaded, self._memory, self._pool = loaded, memory, pool
        self._logger = bridged_logger(library.module)
        context = _context(library, loaded.engine, cuda_graphs=cuda_graphs)
        if context is None:
            raise EngineError(
                f'The GPU cannot run {spec.name}: {self._logger.take_errors()}. Close other '
                'programs that use it, or load fewer components'
            )
        self._context: Any = context
        self._names = [port.name for port in (*spec.inputs, spec.output)]
        self._placement = Placement(spec, loaded.bounds, memory, pool)
        self._replay = Replay(spec.name, memory, enqueue=self._enqueue)
        replays = cuda_graphs and not library.records_by_itself
        self._run = self._replay.run if replays else self._enqueue
        self._shapes: Shapes | None = None
        self._output_shape: tuple[int, ...] = ()

    @property
    def most(self) -> dict[str, int]:
        """The largest size of each dimension that calls choose."""
        return {
            size: most
            for port in self.spec.inputs
            for size, most in zip(port.shape, self._loaded.bounds[port.name].most, strict=True)
            if isinstance(size, str)
        }

    def run(self, *inputs: Any) -> DeviceTensor:
        """Run the graph; returns before the GPU is done.

        Args:
            inputs: NumPy arrays, device tensors, or tensors that have `data_ptr()`.

        Raises:
            EngineError: a wrong type or shape, which is seen before anything runs; or the GPU
                failed.
        """
        if self._context is None:
            raise EngineError('The backend is closed; load the model again')
        values = [
            as_input(port, value) for port, value in zip(self.spec.inputs, inputs, strict=True)
        ]
        shapes = tuple(tuple(value.shape) for value in values)
        sizes = self._sizes(shapes)
        self._memory.use()
        addresses = self._placement.place(values)
        self._set_shapes(shapes, sizes)
        port = self.spec.output
        dtype = np.dtype(port.dtype)
        buffer = self._pool.take(math.prod(self._output_shape) * dtype.itemsize)
        self._run((*addresses, buffer.address))
        return DeviceTensor(buffer, self._output_shape, dtype)

    def close(self) -> None:
        """Free the context and the engine once the GPU is done; a second call does nothing."""
        if self._context is None:
            return
        try:
            self._memory.use()
            self._memory.wait(self._memory.record())
            self._replay.forget()
        except EngineError as error:  # it failed before; nothing more runs there
            logging.getLogger('vljepa_ros').debug('%s', error)
        self._context = None
        self._loaded.close()

    def _sizes(self, shapes: Shapes) -> dict[str, int]:
        """Check the shapes of inputs; return the sizes of the dimensions that they chose."""
        sizes: dict[str, int] = {}
        for port, shape in zip(self.spec.inputs, shapes, strict=True):
            bounds = self._loaded.bounds[port.name]
            fits = len(shape) == len(port.shape) and all(
                least <= size <= most
                for least, size, most in zip(bounds.least, shape, bounds.most, strict=True)
            )
            if not fits:
                raise EngineError(
                    f'{self.spec.name} takes {port.name} of shapes {list(bounds.least)} to '
                    f'{list(bounds.most)}, not {list(shape)}'
                )
            for name, size in zip(port.shape, shape, strict=True):
                if isinstance(name, str) and sizes.setdefault(name, size) != size:
                    raise EngineError(
                        f'The inputs of {self.spec.name} have {sizes[name]} and {size} {name}; '
                        'they must be the same'
                    )
        return sizes

    def _set_shapes(self, shapes: Shapes, sizes: dict[str, int]) -> None:
        if shapes == self._shapes:
            return
        self._replay.forget()
        self._shapes = None
        context = self._context
        for port, shape in zip(self.spec.inputs, shapes, strict=True):
            if not context.set_input_shape(port.name, shape):
                raise self._failed(f'does not take {port.name} of shape {list(shape)}')
        try:
            unknown = context.infer_shapes()
        except RuntimeError as error:
            raise self._failed(f'does not take these shapes ({error})') from error
        if unknown:
            raise self._failed(f'does not know the shapes of {unknown}')
        port = self.spec.output
        expected = tuple(sizes[size] if isinstance(size, str) else size for size in port.shape)
        found = tuple(context.get_tensor_shape(port.name))
        if found != expected:
            raise self._failed(f'gives {port.name} of shape {list(found)}, not {list(expected)}')
        self._shapes, self._output_shape = shapes, found

    def _enqueue(self, addresses: Addresses) -> None:
        context = self._context
        for name, address in zip(self._names, addresses, strict=True):
            if not context.set_tensor_address(name, address):
                raise self._failed(f'does not take an address for {name}')
        if not context.execute_async_v3(self._memory.stream):
            raise self._failed('did not run')

    def _failed(self, what: str) -> EngineError:
        return EngineError(f'The engine of {self.spec.name} {what}: {self._logger.take_errors()}')


def _context(library: Library, engine: Any, *, cuda_graphs: bool) -> Any:
    """Return an execution context, None where the GPU has no memory for it."""
    if not (library.records_by_itself and cuda_graphs):
        return engine.create_execution_context()
    runtime_config = engine.create_runtime_config()
    strategy = library.module.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
    runtime_config.cuda_graph_strategy = strategy
    return engine.create_execution_context(runtime_config)
