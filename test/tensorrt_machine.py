# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A machine with a pretended GPU: real builds, and doubles of TensorRT's runtime and of CUDA."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import Any

import pytest
import tensorrt_rtx
from tensorrt_checkpoint import pretend_gpu
from tensorrt_double import RTX, TENSORRT, EngineDouble, HostMemory, RtxEngineDouble

from vljepa_ros.inference.graphs import graph_spec
from vljepa_ros.inference.tensorrt import backend as backend_module
from vljepa_ros.inference.tensorrt import plans
from vljepa_ros.inference.tensorrt.backend import TensorRTBackend
from vljepa_ros.inference.tensorrt.build import build_plan
from vljepa_ros.inference.tensorrt.library import Library
from vljepa_ros.inference.tensorrt.ranges import dynamic_ranges
from vljepa_ros.model.checkpoint_folder import load_config


class RuntimeDouble:
    """TensorRT's Runtime: it knows the plans that were really built, and refuses all others."""

    def __init__(self, machine: Machine, logger: Any) -> None:
        self._machine, self._logger = machine, logger

    def deserialize_cuda_engine(self, plan: bytes) -> EngineDouble | None:
        machine = self._machine
        graph = machine.built.get(hashlib.sha256(plan).hexdigest())
        if graph is None or machine.refuse_all:
            self._logger.log(tensorrt_rtx.ILogger.ERROR, 'the plan has a wrong magic')
            return None
        component = graph.name.partition('.')[0]
        config = load_config(graph.parent)
        spec = graph_spec(config, component)
        kind = RtxEngineDouble if machine.library.records_by_itself else EngineDouble
        engine = kind(
            graph,
            spec,
            dynamic_ranges(config, spec),
            machine.opened[threading.get_ident()],  # as a context of CUDA's is a thread's
            module=machine.library.module,
            wrong=machine.wrong,
        )
        engine.enough_memory = machine.enough_memory
        machine.engines.append(engine)
        return engine


class Machine:
    """A machine with a pretended GPU, on which `tensorrt_rtx` really builds."""

    def __init__(
        self, folder: Path, cache: Path, patch: pytest.MonkeyPatch, *, rtx: bool = True
    ) -> None:
        self.folder, self.cache, self._patch = folder, cache, patch
        self.config = load_config(folder)
        self.built: dict[str, Path] = {}
        self.builds: list[str] = []
        self.options: list[dict[str, Any]] = []
        self.engines: list[EngineDouble] = []
        self.said: list[str] = []
        self.memory = HostMemory()
        self.opened: dict[int, HostMemory] = {}  # by thread
        self.wrong, self.refuse_all, self.enough_memory = 0.0, False, True
        machine = self

        class Module:
            """The real one with another runtime; without what only tensorrt_rtx has, if asked."""

            def __init__(self, original: Any) -> None:
                self._original = original

            def __getattr__(self, name: str) -> Any:
                return getattr(self._original, name)

            def Runtime(self, logger: Any) -> RuntimeDouble:  # noqa: N802 (TensorRT's name)
                return RuntimeDouble(machine, logger)

        like = RTX if rtx else TENSORRT
        self.library = Library(Module(like.module), like.distribution, like.version)
        original = build_plan

        def build(library: Library, graph: Path, *arguments: Any, **options: Any) -> Any:
            self.builds.append(graph.name)
            self.options.append(options)
            result = original(library, graph, *arguments, **options)
            self.built[hashlib.sha256(result.plan).hexdigest()] = graph
            return result

        def open_memory(index: int) -> HostMemory:
            self.memory = self.opened[threading.get_ident()] = HostMemory(index)
            return self.memory

        pretend_gpu(patch)
        patch.setattr(plans, 'build_plan', build)
        patch.setattr(backend_module, 'CudaMemory', open_memory)
        patch.setattr(backend_module, 'load_library', lambda: self.library)

    def load(self, *components: str, **options: Any) -> TensorRTBackend:
        return TensorRTBackend(
            self.folder,
            self.config,
            components or ('inverse',),
            **{'plans': self.cache, 'say': self.said.append, **options},
        )

    def plans(self) -> list[Path]:
        return sorted(self.cache.glob('*.plan'))
