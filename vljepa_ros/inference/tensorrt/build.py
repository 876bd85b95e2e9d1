# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Builds an engine: an ONNX graph becomes a plan, TensorRT's file for one kind of GPU.

`tensorrt_rtx` does so without a GPU for a compute capability that is named; the tests run it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vljepa_ros.errors import EngineError
from vljepa_ros.inference.graphs import GraphSpec, check_ports
from vljepa_ros.inference.tensorrt.library import Library, bridged_logger, require_gpu
from vljepa_ros.inference.tensorrt.progress import OnProgress, Reporter, progress_monitor
from vljepa_ros.inference.tensorrt.ranges import Range, port_shapes

Capability = tuple[int, int]
RECIPE = 1  # counts up whenever the build is told something else: old plans are then not loaded


@dataclass(frozen=True)
class BuiltPlan:
    """What a build gave.

    Attributes:
        plan: the engine's file.
        timings: what the next build need not measure again; None where that is not kept.
    """

    plan: bytes
    timings: bytes | None


class _Construction:
    """The objects of a build, which refer to each other without keeping each other alive.

    They go in the order of `close`: a parser whose network is gone ends the process.
    """

    def __init__(self, library: Library) -> None:
        module = library.module
        self.logger = bridged_logger(module)
        self.logger.take_errors()
        self.builder = module.Builder(self.logger)
        self.network = self.builder.create_network(library.network_flags)
        self.parser = module.OnnxParser(self.network, self.logger)
        self.builder_config = self.builder.create_builder_config()
        self.monitor: Any = None
        self.timing_cache: Any = None

    def close(self) -> None:
        self.parser = self.builder_config = self.timing_cache = None
        self.network = None
        self.builder = None
        self.monitor = None


def build_plan(
    library: Library,
    graph: Path,
    spec: GraphSpec,
    ranges: Mapping[str, Range],
    *,
    capability: Capability | None = None,
    timings: bytes | None = None,
    on_progress: OnProgress = lambda progress: None,
) -> BuiltPlan:
    """Build the engine of a graph. It takes seconds to minutes, and several times its weights.

    Args:
        library: what builds.
        graph: the ONNX file; its weights lie beside it.
        spec: what the graph is to be.
        ranges: of the dimensions that calls choose.
        capability: compute capability to build for; None is the GPU of this machine. Only
            libraries that build ahead of time can be told.
        timings: measured by an earlier build, b'' by none; None neither uses nor keeps any.
        on_progress: is told how far it is; False cancels.

    Raises:
        CheckpointError: the graph is another one's.
        EngineError: there is no GPU for it, the graph cannot be read, or TensorRT does not build
            it; the message holds TensorRT's own.
    """
    if capability is None or not library.builds_ahead_of_time:
        require_gpu(f'Building an engine with {library}')
    construction = _Construction(library)
    try:
        _read_graph(construction, graph, spec)
        _add_profile(construction, spec, ranges)
        _configure(construction, library, capability=capability, timings=timings)
        reporter = Reporter(spec.name, on_progress)
        construction.monitor = progress_monitor(library.module, reporter)
        construction.builder_config.progress_monitor = construction.monitor
        built = _build(construction, graph, library, reporter)
        reporter.complete()
        return built
    finally:
        construction.close()


def capability_member(library: Library, capability: Capability) -> Any:
    """Return the library's name for a compute capability.

    Raises:
        EngineError: it does not build for it.
    """
    known = library.module.ComputeCapability.__members__
    name = f'SM{capability[0]}{capability[1]}'
    if name not in known:
        numbers = [member[2:] for member in known if member.startswith('SM')]
        allowed = ', '.join(f'{number[:-1]}.{number[-1]}' for number in numbers)
        raise EngineError(
            f'{library} builds no engines for compute capability {capability[0]}.{capability[1]}; '
            f'allowed are {allowed}. For other GPUs install tensorrt on the machine with the GPU'
        )
    return known[name]


def _read_graph(construction: _Construction, graph: Path, spec: GraphSpec) -> None:
    parser, network = construction.parser, construction.network
    if not parser.parse_from_file(str(graph)):
        # The parser knows the reason, and the log the node or the file.
        log = construction.logger.take_errors()
        errors = [parser.get_error(index).desc() for index in range(parser.num_errors)]
        reasons = dict.fromkeys(' '.join(error.split()) for error in errors)
        said = '; '.join([*(reason for reason in reasons if reason not in log), log])
        raise EngineError(
            f'{graph} cannot be read by TensorRT: {said}. Write it again with: vljepa export'
        )
    check_ports(
        graph,
        spec,
        inputs=_shapes(network.get_input, network.num_inputs),
        outputs=_shapes(network.get_output, network.num_outputs),
    )


def _shapes(get: Callable[[int], Any], count: int) -> dict[str, tuple[object, ...]]:
    tensors = [get(index) for index in range(count)]
    return {
        tensor.name: tuple('?' if size == -1 else size for size in tensor.shape)
        for tensor in tensors
    }


def _add_profile(
    construction: _Construction, spec: GraphSpec, ranges: Mapping[str, Range]
) -> None:
    profile = construction.builder.create_optimization_profile()
    try:
        for port in spec.inputs:
            profile.set_shape(port.name, *port_shapes(port, ranges))
    except ValueError as error:
        raise EngineError(f'TensorRT refuses the sizes of {spec.name}: {error}') from error
    if construction.builder_config.add_optimization_profile(profile) < 0:
        raise EngineError(
            f'TensorRT refuses the sizes of {spec.name}: {construction.logger.take_errors()}'
        )


def _configure(
    construction: _Construction,
    library: Library,
    *,
    capability: Capability | None,
    timings: bytes | None,
) -> None:
    builder_config = construction.builder_config
    if capability is not None and library.builds_ahead_of_time:
        member = capability_member(library, capability)
        builder_config.num_compute_capabilities = 1
        if not builder_config.set_compute_capability(member, 0):
            raise EngineError(
                f'{library} refuses compute capability {capability[0]}.{capability[1]}: '
                f'{construction.logger.take_errors()}'
            )
    if timings is not None:
        construction.timing_cache = builder_config.create_timing_cache(timings)
        # Timings of another version or GPU are refused; then the build measures anew.
        builder_config.set_timing_cache(construction.timing_cache, False)


def _build(
    construction: _Construction, graph: Path, library: Library, reporter: Reporter
) -> BuiltPlan:
    plan = construction.builder.build_serialized_network(
        construction.network, construction.builder_config
    )
    said = construction.logger.take_errors()
    if reporter.error is not None:
        raise reporter.error
    if reporter.cancelled:
        raise EngineError(f'The build of the engine of {graph.name} was cancelled')
    if plan is None:
        raise EngineError(
            f'{library} cannot build an engine of {graph}: {said}. If memory is short, close '
            'other programs; else use another precision or backend'
        )
    timings = None
    if construction.timing_cache is not None:
        timing_cache = construction.builder_config.get_timing_cache()
        timings = bytes(timing_cache.serialize()) if timing_cache is not None else None
    return BuiltPlan(bytes(plan), timings)
