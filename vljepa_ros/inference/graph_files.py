# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the backends that run a checkpoint's ONNX files on the processor have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vljepa_ros.errors import CheckpointError, EngineError
from vljepa_ros.inference.backend import Backend
from vljepa_ros.inference.graph_weights import check_weights, weights_digest
from vljepa_ros.inference.graphs import check_ports, existing_graph, graph_spec
from vljepa_ros.model.checkpoint_folder import existing, weights_file
from vljepa_ros.model.config import ModelConfig

Shapes = Mapping[str, tuple[object, ...]]


@dataclass(frozen=True)
class LoadedGraph:
    """A graph that a library has loaded.

    Attributes:
        run: inputs in the order of its spec → its output.
        inputs: shapes by name, as the library tells them.
        outputs: likewise.
    """

    run: Callable[..., np.ndarray]
    inputs: Shapes
    outputs: Shapes


class GraphFileBackend(Backend):
    """Loads graphs by a library, checks what they say of themselves, and runs them.

    Attributes:
        library: its name, for error messages.
    """

    library: str

    def __init__(
        self, folder: Path, config: ModelConfig, components: tuple[str, ...], *, precision: str
    ) -> None:
        """Load the graphs; what `load` needs must be there already.

        Args:
            folder: the checkpoint.
            config: its configuration.
            components: the graphs to load.
            precision: of the graphs' files.

        Raises:
            CheckpointError: a graph is missing, damaged, of another architecture, or was written
                for other weights.
        """
        self._graphs: dict[str, Callable[..., np.ndarray]] = {}
        for name in components:
            path = existing_graph(folder, name, precision)
            try:
                loaded = self.load(path)
            except Exception as error:  # the libraries' own exceptions have no common base
                raise CheckpointError(
                    f'{path} cannot be loaded by {self.library}: {error}. Write it again with: '
                    'vljepa export'
                ) from error
            check_ports(
                path, graph_spec(config, name), inputs=loaded.inputs, outputs=loaded.outputs
            )
            check_weights(path, weights_digest(existing(folder / weights_file(name))))
            self._graphs[name] = loaded.run

    @abstractmethod
    def load(self, path: Path) -> LoadedGraph:
        """Load one graph; any exception means that it cannot be loaded."""

    def run(self, graph: str, *inputs: Any) -> np.ndarray:
        """Run a graph; the output is an array."""
        try:
            return self._graphs[graph](*inputs)
        except Exception as error:
            raise EngineError(f'{self.library} failed in {graph}: {error}') from error

    def close(self) -> None:
        """Free the graphs."""
        self._graphs.clear()
