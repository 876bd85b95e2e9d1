# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""OpenVINO on the CPU: the fastest on x86 processors, in bfloat16 where they have it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vljepa_ros.errors import CheckpointError, EngineError, MissingDependencyError
from vljepa_ros.inference.backend import Backend, EngineInfo
from vljepa_ros.inference.graphs import check_ports, existing_graph, graph_spec
from vljepa_ros.inference.threads import usable_cores
from vljepa_ros.model.config import ModelConfig

try:
    import openvino
except ImportError as error:
    raise MissingDependencyError(
        f'The openvino backend needs OpenVINO, which cannot be imported ({error}). '
        "Install it with: pip install 'vljepa_ros[openvino]'"
    ) from error

HINTS = {'fp32': 'f32', 'bf16': 'bf16'}


class OpenVINOBackend(Backend):
    """Compiles the float32 graphs of a checkpoint for the processor."""

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
            precision: 'fp32', or 'bf16': the matrix products of the float32 graph in bfloat16.
            threads: compute threads; 0 takes a core each.

        Raises:
            CheckpointError: a graph is missing, damaged or of another architecture.
        """
        count = threads or usable_cores()
        core = openvino.Core()
        settings = {
            'INFERENCE_PRECISION_HINT': HINTS[precision],
            'INFERENCE_NUM_THREADS': count,
            'NUM_STREAMS': 1,
            'PERFORMANCE_HINT': 'LATENCY',
        }
        self._requests: dict[str, Any] = {}
        for name in components:
            path = existing_graph(folder, name, 'fp32')
            try:
                model = core.read_model(path)
                compiled = core.compile_model(model, 'CPU', settings)
            except Exception as error:  # RuntimeError and others of its own
                raise CheckpointError(
                    f'{path} cannot be loaded by OpenVINO: {error}. Write it again with: '
                    'vljepa export'
                ) from error
            check_ports(
                path,
                graph_spec(config, name),
                inputs={port.get_any_name(): _shape(port) for port in compiled.inputs},
                outputs={port.get_any_name(): _shape(port) for port in compiled.outputs},
            )
            self._requests[name] = compiled.create_infer_request()
        self.info = EngineInfo('openvino', 'cpu', precision, count)

    def run(self, graph: str, *inputs: Any) -> np.ndarray:
        """Run a graph; the output is an array."""
        request = self._requests[graph]
        try:
            results = request.infer(list(inputs), share_inputs=True)
        except Exception as error:
            raise EngineError(f'OpenVINO failed in {graph}: {error}') from error
        return np.array(results[0])

    def close(self) -> None:
        """Free the compiled graphs."""
        self._requests.clear()


def _shape(port: Any) -> tuple[object, ...]:
    return tuple(
        size.get_length() if size.is_static else str(size) for size in port.get_partial_shape()
    )
