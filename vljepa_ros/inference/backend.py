# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What runs a checkpoint's graphs: one module a backend implements this."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class EngineInfo:
    """What runs where; `threads` is 0 where the backend decides."""

    backend: str
    device: str
    precision: str
    threads: int


class Backend(ABC):
    """The loaded graphs of a checkpoint. Not thread-safe: one thread runs it at a time.

    Attributes:
        info: backend, device, precision and threads.
    """

    info: EngineInfo

    @abstractmethod
    def run(self, graph: str, *inputs: Any) -> Any:
        """Run a graph that is loaded.

        Args:
            graph: its name.
            inputs: in the order of `graphs.graph_spec`: contiguous NumPy arrays of the right
                type and shape, or what an earlier `run` returned.

        Returns:
            The output, where the backend keeps it; `to_numpy` turns it into an array.

        Raises:
            EngineError: the backend failed.
        """

    def to_numpy(self, output: Any) -> np.ndarray:
        """Return what `run` returned as an array of the caller's."""
        array: np.ndarray = output
        return array

    @abstractmethod
    def close(self) -> None:
        """Free its memory; it is not run again."""
