# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime on the CPU: needs no PyTorch, and is there on every processor."""

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
    import onnxruntime
except ImportError as error:
    raise MissingDependencyError(
        'The onnxruntime backend needs ONNX Runtime, which cannot be imported '
        f"({error}). Install it with: pip install 'vljepa_ros[cpu]'"
    ) from error

PROVIDERS = ('CPUExecutionProvider',)


class OnnxRuntimeBackend(Backend):
    """Runs the ONNX graphs of a checkpoint."""

    def __init__(
        self,
        folder: Path,
        config: ModelConfig,
        components: tuple[str, ...],
        *,
        precision: str,
        threads: int,
    ) -> None:
        """Load the graphs.

        Args:
            folder: the checkpoint.
            config: its configuration.
            components: the graphs to load.
            precision: of the graphs' files.
            threads: compute threads; 0 takes a core each.

        Raises:
            CheckpointError: a graph is missing, damaged or of another architecture.
        """
        count = threads or usable_cores()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = count
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Waiting threads would take the cores of the other processes.
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        if precision != 'int8':
            # The only quantised weights are tables of words: widened once, not at every call.
            options.add_session_config_entry('session.disable_quant_qdq', '1')
        self._sessions = {}
        for name in components:
            path = existing_graph(folder, name, precision)
            try:
                session = onnxruntime.InferenceSession(path, options, providers=PROVIDERS)
            except Exception as error:  # its own exceptions have no common base
                raise CheckpointError(
                    f'{path} cannot be loaded by ONNX Runtime: {error}. Write it again with: '
                    'vljepa export'
                ) from error
            check_ports(
                path,
                graph_spec(config, name),
                inputs={value.name: tuple(value.shape) for value in session.get_inputs()},
                outputs={value.name: tuple(value.shape) for value in session.get_outputs()},
            )
            self._sessions[name] = session
        self.info = EngineInfo('onnxruntime', 'cpu', precision, count)

    def run(self, graph: str, *inputs: Any) -> np.ndarray:
        """Run a graph; the output is an array."""
        session = self._sessions[graph]
        names = [value.name for value in session.get_inputs()]
        try:
            (output,) = session.run(None, dict(zip(names, inputs, strict=True)))
        except Exception as error:
            raise EngineError(f'ONNX Runtime failed in {graph}: {error}') from error
        array: np.ndarray = output
        return array

    def close(self) -> None:
        """Free the sessions."""
        self._sessions.clear()
