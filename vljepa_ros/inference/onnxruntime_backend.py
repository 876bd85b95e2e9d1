# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime on the CPU: needs no PyTorch, and is there on every processor."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vljepa_ros.errors import MissingDependencyError
from vljepa_ros.inference.backend import EngineInfo
from vljepa_ros.inference.graph_files import GraphFileBackend, LoadedGraph
from vljepa_ros.inference.threads import usable_cores
from vljepa_ros.model.config import ModelConfig

try:
    import onnxruntime
except ImportError as error:
    raise MissingDependencyError(
        'The onnxruntime backend needs ONNX Runtime, which cannot be imported '
        f'({error}). Install it with: pip install onnxruntime'
    ) from error

PROVIDERS = ('CPUExecutionProvider',)


class OnnxRuntimeBackend(GraphFileBackend):
    """Runs the ONNX graphs of a checkpoint."""

    library = 'ONNX Runtime'

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
        self._options = options
        super().__init__(folder, config, components, precision=precision)
        self.info = EngineInfo('onnxruntime', 'cpu', precision, count)

    def load(self, path: Path) -> LoadedGraph:
        """Make a session."""
        session = onnxruntime.InferenceSession(path, self._options, providers=PROVIDERS)
        inputs = {value.name: tuple(value.shape) for value in session.get_inputs()}

        def run(*values: np.ndarray) -> np.ndarray:
            (output,) = session.run(None, dict(zip(inputs, values, strict=True)))
            array: np.ndarray = output
            return array

        return LoadedGraph(
            run, inputs, {value.name: tuple(value.shape) for value in session.get_outputs()}
        )
