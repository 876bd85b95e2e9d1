# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Spins nodes in threads; an exception in one callback does not end the others."""

from __future__ import annotations

import threading
import traceback

from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor, ShutdownException
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.task import Future


class Spinner:
    """An executor with its threads; spinning begins with the first node."""

    def __init__(self, *, threads: int, context: Context | None = None) -> None:
        """Create an executor.

        Args:
            threads: callbacks that may run at once.
            context: the nodes' context; None is the default one.
        """
        self._executor = MultiThreadedExecutor(num_threads=threads, context=context)
        self._stop = Future()
        self._thread: threading.Thread | None = None

    def add(self, node: Node) -> None:
        """Serve a node from now on."""
        self._executor.add_node(node)
        if self._thread is None:
            logger = node.get_logger()
            self._thread = threading.Thread(
                target=self._spin, args=(logger,), name='vljepa_spin', daemon=True
            )
            self._thread.start()

    def wake(self) -> None:
        """Notice new entities of the nodes at once."""
        self._executor.wake()

    def close(self) -> None:
        """Stop, after the callbacks that have begun."""
        self._stop.set_result(None)
        if self._thread is not None:
            self._thread.join()
        # Else a callback that waits for a thread would meet a destroyed executor (rclpy of
        # Humble to Kilted).
        self._executor._executor.shutdown(wait=True)
        self._executor.shutdown(timeout_sec=5.0)

    def _spin(self, logger: object) -> None:
        while not self._stop.done():
            try:
                self._executor.spin_until_future_complete(self._stop)
            except (ExternalShutdownException, ShutdownException):
                return
            except rclpy_implementation.InvalidHandle:
                continue  # another thread has just destroyed an entity, as deactivate does
            except Exception:
                logger.error(  # type: ignore[attr-defined]
                    f'Unexpected error in a callback\n{traceback.format_exc()}'
                )
            if not self._executor.context.ok():
                return
