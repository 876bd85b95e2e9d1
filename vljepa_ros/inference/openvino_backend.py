# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""OpenVINO on the CPU: the fastest on x86 processors, in bfloat16 where they have it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vljepa_ros.errors import MissingDependencyError
from vljepa_ros.inference.backend import EngineInfo
from vljepa_ros.inference.graph_files import GraphFileBackend, LoadedGraph
from vljepa_ros.inference.threads import usable_cores
from vljepa_ros.model.config import ModelConfig

try:
    import openvino
except ImportError as error:
    raise MissingDependencyError(
        f'The openvino backend needs OpenVINO, which cannot be imported ({error}). '
        'Install it with: pip install openvino'
    ) from error

HINTS = {'fp32': 'f32', 'bf16': 'bf16'}


class OpenVINOBackend(GraphFileBackend):
    """Compiles the float32 graphs of a checkpoint for the processor."""

    library = 'OpenVINO'

    def __init__(
        self,
        folder: Path,
        config: ModelConfig,
        components: tuple[str, ...],
        *,
        precision: str,
        threads: int,
    ) -> None:
        """Load and compile the graphs.

        Args:
            folder: the checkpoint.
            config: its configuration.
            components: the graphs to load.
            precision: 'fp32'; 'bf16': the matrix products of the float32 graphs in bfloat16;
                'int8': the graphs in 8 bits, the rest of them in bfloat16 where the processor has
                it.
            threads: compute threads; 0 takes a core each.

        Raises:
            CheckpointError: a graph is missing, damaged or of another architecture.
        """
        count = threads or usable_cores()
        self._core = openvino.Core()
        self._settings = {
            'INFERENCE_PRECISION_HINT': self._hint(precision),
            'INFERENCE_NUM_THREADS': count,
            'NUM_STREAMS': 1,
            'PERFORMANCE_HINT': 'LATENCY',
        }
        files = 'int8' if precision == 'int8' else 'fp32'
        super().__init__(folder, config, components, precision=files)
        self.info = EngineInfo('openvino', 'cpu', precision, count)

    def _hint(self, precision: str) -> str:
        if precision != 'int8':
            return HINTS[precision]
        abilities = self._core.get_property('CPU', 'OPTIMIZATION_CAPABILITIES')
        return HINTS['bf16' if 'BF16' in abilities else 'fp32']

    def load(self, path: Path) -> LoadedGraph:
        """Read and compile a graph."""
        compiled = self._core.compile_model(self._core.read_model(path), 'CPU', self._settings)
        request = compiled.create_infer_request()
        return LoadedGraph(
            lambda *values: np.array(request.infer(list(values), share_inputs=True)[0]),
            {port.get_any_name(): _shape(port) for port in compiled.inputs},
            {port.get_any_name(): _shape(port) for port in compiled.outputs},
        )


def _shape(port: Any) -> tuple[object, ...]:
    return tuple(
        size.get_length() if size.is_static else str(size) for size in port.get_partial_shape()
    )
