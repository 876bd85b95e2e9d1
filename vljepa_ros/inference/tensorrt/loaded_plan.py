# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A plan that TensorRT has read, checked against what the graph should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from vljepa_ros.errors import EngineError
from vljepa_ros.inference.graphs import GraphSpec, Port
from vljepa_ros.inference.tensorrt.library import Library, bridged_logger, require_gpu


class PlanRefusedError(EngineError):
    """A plan is damaged, another graph's, or computes something else."""


@dataclass(frozen=True)
class Bounds:
    """The least and the largest shape of an input that an engine takes."""

    least: tuple[int, ...]
    most: tuple[int, ...]


@dataclass
class LoadedPlan:
    """TensorRT's objects of one plan, which must go in the order of `close`.

    Attributes:
        runtime: TensorRT's Runtime.
        engine: its ICudaEngine.
        bounds: of each input, by name.
    """

    runtime: Any
    engine: Any
    bounds: dict[str, Bounds]

    def close(self) -> None:
        """Give the weights on the GPU back."""
        self.engine = None
        self.runtime = None


def load_plan(library: Library, plan: bytes, spec: GraphSpec) -> LoadedPlan:
    """Read a plan; the GPU that it is for must be the thread's.

    Raises:
        EngineError: there is no GPU.
        PlanRefusedError: TensorRT cannot read it, or it is not the graph's.
    """
    require_gpu('Loading an engine')
    logger = bridged_logger(library.module)
    logger.take_errors()
    runtime = library.module.Runtime(logger)
    engine = runtime.deserialize_cuda_engine(plan)
    if engine is None:
        raise PlanRefusedError(
            f'{library} cannot load the engine of {spec.name}: {logger.take_errors()}. Build it '
            'again with: vljepa build-engine'
        )
    loaded = LoadedPlan(runtime, engine, {})
    try:
        loaded.bounds = _bounds(library, engine, spec)
    except BaseException:
        del engine
        loaded.close()
        raise
    return loaded


def _bounds(library: Library, engine: Any, spec: GraphSpec) -> dict[str, Bounds]:
    """Check names, types and fixed dimensions; return the shapes that the inputs may have."""
    module = library.module
    names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
    modes = {name: engine.get_tensor_mode(name) for name in names}
    wanted = {port.name: module.TensorIOMode.INPUT for port in spec.inputs}
    wanted[spec.output.name] = module.TensorIOMode.OUTPUT
    if modes != wanted:
        raise PlanRefusedError(
            f'The engine of {spec.name} has the inputs and outputs {sorted(names)}; expected are '
            f'{sorted(wanted)}. Build it again with: vljepa build-engine'
        )
    for port in (*spec.inputs, spec.output):
        _check_port(module, engine, port)
    bounds = {}
    for port in spec.inputs:
        least, _, most = (tuple(shape) for shape in engine.get_tensor_profile_shape(port.name, 0))
        bounds[port.name] = Bounds(least, most)
    return bounds


def _check_port(module: Any, engine: Any, port: Port) -> None:
    shape = tuple(engine.get_tensor_shape(port.name))
    try:
        dtype = str(np.dtype(module.nptype(engine.get_tensor_dtype(port.name))))
    except TypeError:  # NumPy has no such type
        dtype = str(engine.get_tensor_dtype(port.name))
    fits = len(shape) == len(port.shape) and all(
        size == (-1 if isinstance(wanted, str) else wanted)
        for size, wanted in zip(shape, port.shape, strict=True)
    )
    if not fits or dtype != port.dtype:
        raise PlanRefusedError(
            f'The engine has {port.name} as {dtype} {list(shape)}; expected is {port.dtype} '
            f'{list(port.shape)}. Build it again with: vljepa build-engine'
        )
