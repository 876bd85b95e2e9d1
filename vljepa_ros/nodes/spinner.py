# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Spins nodes in threads; an exception in one callback does not end the others."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor, ShutdownException
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node


class _HandoverPool(ThreadPoolExecutor):
    """Hands a callback over to a thread before the executor goes on.

    rclpy (Humble to Kilted) hands over every callback that has not begun again with each step,
    and each message is a step. On busy cores these repetitions keep the threads from beginning,
    and the process does little else from then on.
    """

    def submit(self, function: Callable[..., Any], /, *args: Any, **more: Any) -> Future[Any]:
        """Return as soon as a thread has taken the callback."""
        begun = threading.Event()

        def run() -> Any:
            begun.set()
            return function(*args, **more)

        future = super().submit(run)
        begun.wait()
        return future


class Spinner:
    """An executor with its threads; spinning begins with the first node.

    The executor's own ways to stop spinning either poll or (`spin_until_future_complete` of
    Jazzy) leave a callback behind with every step, so a guard condition ends the last step.
    """

    def __init__(self, *, threads: int, context: Context | None = None) -> None:
        """Create an executor.

        Args:
            threads: callbacks that may run at once.
            context: the nodes' context; None is the default one.
        """
        self._executor = MultiThreadedExecutor(num_threads=threads, context=context)
        self._executor._executor.shutdown()
        self._executor._executor = _HandoverPool(threads)
        self._stopped = False
        self._stop_signal: Any = None
        self._thread: threading.Thread | None = None

    def add(self, node: Node) -> None:
        """Serve a node from now on."""
        if self._thread is None:
            self._stop_signal = node.create_guard_condition(
                lambda: None, callback_group=ReentrantCallbackGroup()
            )
            self._thread = threading.Thread(
                target=self._spin, args=(node.get_logger(),), name='vljepa_spin', daemon=True
            )
            self._thread.start()
        self._executor.add_node(node)

    def wake(self) -> None:
        """Notice new entities of the nodes at once."""
        self._executor.wake()

    def close(self) -> None:
        """Stop, after the callbacks that have begun."""
        self._stopped = True
        if self._thread is not None:
            self._stop_signal.trigger()
            self._thread.join()
        # Else a callback that waits for a thread would meet a destroyed executor (rclpy of
        # Humble to Kilted).
        self._executor._executor.shutdown(wait=True)
        self._executor.shutdown(timeout_sec=5.0)

    def _spin(self, logger: Any) -> None:
        while not self._stopped and self._executor.context.ok():
            try:
                self._executor.spin_once()
            except (ExternalShutdownException, ShutdownException):
                return
            except rclpy_implementation.InvalidHandle:
                continue  # another thread has just destroyed an entity, as deactivate does
            except Exception:
                logger.error(f'Unexpected error in a callback\n{traceback.format_exc()}')
