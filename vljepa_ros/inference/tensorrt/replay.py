# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Work on the GPU that comes again is recorded as a CUDA graph, and launched as one piece."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from vljepa_ros.errors import EngineError
from vljepa_ros.inference.tensorrt.device_memory import DeviceMemory
from vljepa_ros.inference.tensorrt.placement import Addresses

MOST_GRAPHS = 4  # where a caller keeps features, their buffers alternate
MOST_SEEN = 16


class Replay:
    """The CUDA graphs of one engine at one shape, by the addresses that it reads and writes.

    The first call with some addresses runs as it is: what the engine does only once for a shape
    must be over before it is recorded. The second one is recorded.
    """

    def __init__(
        self,
        name: str,
        memory: DeviceMemory,
        *,
        enqueue: Callable[[Addresses], None],
    ) -> None:
        """Begin without graphs.

        Args:
            name: of the engine, for the log.
            memory: whose stream it runs on.
            enqueue: asks for the work at addresses.
        """
        self._name, self._memory, self._enqueue = name, memory, enqueue
        self._captures = True
        self._seen: set[Addresses] = set()
        self._graphs: dict[Addresses, Any] = {}

    def run(self, addresses: Addresses) -> None:
        """Run the engine at these addresses.

        Raises:
            EngineError: the GPU failed.
        """
        graph = self._graphs.get(addresses)
        if graph is None and addresses in self._seen and self._captures:
            graph = self._captured(addresses)
        if graph is not None:
            self._memory.launch(graph)
            return
        self._enqueue(addresses)
        if len(self._seen) >= MOST_SEEN:
            self._seen.clear()
        self._seen.add(addresses)

    def forget(self) -> None:
        """Drop all graphs: the shape changes, or the engine goes."""
        for graph in self._graphs.values():
            self._memory.discard(graph)
        self._graphs.clear()
        self._seen.clear()

    def _captured(self, addresses: Addresses) -> Any:
        try:
            graph = self._memory.capture(lambda: self._enqueue(addresses))
        except EngineError as error:
            logging.getLogger('vljepa_ros').info(
                'The engine of %s runs without a CUDA graph: %s', self._name, error
            )
            self._captures = False
            return None
        if len(self._graphs) >= MOST_GRAPHS:
            self.forget()
        self._graphs[addresses] = graph
        return graph
