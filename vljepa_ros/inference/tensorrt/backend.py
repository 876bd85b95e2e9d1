# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""TensorRT on an NVIDIA GPU: engines that were built and checked before.

What was run without a GPU: the builds, by `tensorrt_rtx`; all around TensorRT's runtime and CUDA,
with doubles of these two in the tests. No engine has run on a GPU there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from vljepa_ros.errors import EngineError, EngineNotBuiltError
from vljepa_ros.inference.backend import Backend, EngineInfo
from vljepa_ros.inference.cuda_driver import Gpu, cuda_driver
from vljepa_ros.inference.graphs import graph_spec
from vljepa_ros.inference.tensorrt.cuda_memory import CudaMemory
from vljepa_ros.inference.tensorrt.device_memory import BufferPool, DeviceTensor
from vljepa_ros.inference.tensorrt.library import load_library, require_gpu
from vljepa_ros.inference.tensorrt.loaded_plan import PlanRefusedError, load_plan
from vljepa_ros.inference.tensorrt.parity import LEAST_COSINE, Sample, least_cosine, samples
from vljepa_ros.inference.tensorrt.plan_cache import Target
from vljepa_ros.inference.tensorrt.plans import Plans, plans_folder
from vljepa_ros.inference.tensorrt.progress import OnProgress
from vljepa_ros.inference.tensorrt.ranges import dynamic_ranges
from vljepa_ros.inference.tensorrt.runner import Runner
from vljepa_ros.inference.tensorrt.tensors import run_in_parts
from vljepa_ros.model.config import ModelConfig


def _log(sentence: str) -> None:
    logging.getLogger('vljepa_ros').warning(sentence)


class TensorRTBackend(Backend):
    """Runs the engines of a checkpoint; what they return stays on the GPU until it is read."""

    def __init__(
        self,
        folder: Path,
        config: ModelConfig,
        components: tuple[str, ...],
        *,
        precision: str = 'fp16',
        device: str = 'auto',
        build: bool = False,
        plans: Path | None = None,
        cuda_graphs: bool = True,
        say: Callable[[str], None] = _log,
        on_progress: OnProgress = lambda progress: None,
    ) -> None:
        """Load engines, and check their answers.

        Args:
            folder: the checkpoint.
            config: its configuration.
            components: the networks to load.
            precision: 'fp16', 'bf16' or 'fp32' (whose matrix products TensorRT runs in TF32).
            device: 'auto', 'cuda' or 'cuda:N'.
            build: whether to build what is not there, which takes minutes.
            plans: where engines are kept; None is the folder of this user's cache.
            cuda_graphs: whether what comes again is recorded and replayed.
            say: is told what is rebuilt, and where engines cannot be kept.
            on_progress: is told how far a build is; False cancels it.

        Raises:
            CheckpointError: a graph is missing or damaged.
            MissingDependencyError: TensorRT, CUDA's bindings or ONNX Runtime is not installed.
            EngineNotBuiltError: an engine is not there, and `build` is False.
            EngineError: there is no GPU, or an engine gives wrong answers.
        """
        gpu = find_gpu(device)
        library = load_library()
        self._folder, self._config, self._precision = folder, config, precision
        self._library, self._say, self._cuda_graphs = library, say, cuda_graphs
        self._on_progress = on_progress if build else None
        self._plans_folder = plans or plans_folder()
        self._plans = Plans(
            folder,
            config,
            library=library,
            precision=precision,
            target=Target(gpu.capability, gpu),
            folder=self._plans_folder,
            say=say,
        )
        self._memory = CudaMemory(gpu.index)
        self._pool = BufferPool(self._memory)
        self._downloads: np.ndarray | None = None
        self._downloaded: Any = None  # event
        self._runners: dict[str, Runner] = {}
        self.info = EngineInfo('tensorrt', f'cuda:{gpu.index} ({gpu.name})', precision, threads=0)
        try:
            for component in components:
                self._runners[component] = self._load(component)
        except BaseException:
            self.close()
            raise

    def run(self, graph: str, *inputs: Any) -> Any:
        """Run a graph; the output stays on the GPU unless the batch was cut."""
        runner = self._runners[graph]
        return run_in_parts(
            runner.spec, runner.most, inputs, run=runner.run, to_numpy=self.to_numpy
        )

    def to_numpy(self, output: Any) -> np.ndarray:
        """Wait for the GPU; return a copy in the memory of the processor."""
        if isinstance(output, np.ndarray):
            return output
        tensor: DeviceTensor = output
        address = tensor.address
        self._memory.use()
        if self._downloads is None or len(self._downloads) < tensor.size:
            if self._downloads is not None:
                self._memory.free_pinned(self._downloads)
                self._downloads = None
            self._downloads = self._memory.pinned(tensor.size)
        part = self._downloads[: tensor.size]
        self._memory.download(part, address)
        self._downloaded = self._memory.record(self._downloaded)
        self._memory.wait(self._downloaded)
        return part.view(tensor.dtype).reshape(tensor.shape).copy()

    def tests(self, component: str) -> list[Sample]:
        """Return drawn inputs of a network with the answers of its float32 graph.

        Raises:
            CheckpointError: there is no float32 graph, or it is damaged.
            MissingDependencyError: ONNX Runtime is not installed.
        """
        return samples(
            self._folder,
            self._config,
            component,
            dynamic_ranges(self._config, graph_spec(self._config, component)),
            weights_digest=self._plans.weights_digest(component),
            folder=self._plans_folder,
        )

    def close(self) -> None:
        """Free the engines and the memory of the GPU; a second call does nothing."""
        for runner in self._runners.values():
            runner.close()
        self._runners.clear()
        if not self._pool.closed:
            self._pool.close()
            self._downloads = None
            self._memory.close()

    def _load(self, component: str) -> Runner:
        """Return the checked engine of a network: one that is kept, or a new one."""
        for key, plan in self._plans.cached(component):
            try:
                return self._checked(component, plan)
            except PlanRefusedError as error:
                self._plans.cache.remove(key)
                self._say(f'A kept engine is not used, and is removed: {error}')
        if self._on_progress is None:
            raise EngineNotBuiltError(
                f'There is no engine of {component} in {self._precision} for {self.info.device} '
                f'and {self._library}. Build the engines once with: vljepa build-engine '
                f'{self._folder} --precision {self._precision}'
            )
        plan = self._plans.build(component, self._on_progress)
        runner = self._checked(component, plan)
        self._plans.cache.store(self._plans.key(component), plan)
        return runner

    def _checked(self, component: str, plan: bytes) -> Runner:
        """Load a plan and compare its answers with those of the float32 graph.

        Raises:
            PlanRefusedError: they differ.
        """
        spec = graph_spec(self._config, component)
        tests = self.tests(component)
        self._memory.use()
        loaded = load_plan(self._library, plan, spec)
        runner = Runner(
            spec,
            self._library,
            loaded,
            self._memory,
            self._pool,
            cuda_graphs=self._cuda_graphs,
        )
        least = LEAST_COSINE[self._precision]
        try:
            found = least_cosine(tests, lambda *inputs: self.to_numpy(runner.run(*inputs)))
            if found < least:
                raise PlanRefusedError(
                    f'The engine of {component} in {self._precision} gives other answers than the '
                    f'float32 graph: their cosine is {found:.4f}, allowed is {least} or more. Use '
                    'another precision or backend'
                )
        except BaseException:
            runner.close()
            raise
        return runner


def find_gpu(device: str) -> Gpu:
    """Return a GPU by the name of the device.

    Args:
        device: 'auto', 'cuda' or 'cuda:N'.

    Raises:
        EngineError: there is none.
    """
    require_gpu('The tensorrt backend')
    gpus = cuda_driver().gpus
    index = device.partition(':')[2] if device.startswith('cuda') else '0'
    for gpu in gpus:
        if str(gpu.index) == (index or '0'):
            return gpu
    seen = ', '.join(f'cuda:{gpu.index} ({gpu.name})' for gpu in gpus)
    raise EngineError(f'There is no device {device!r}; the driver sees {seen}')
