# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs nodes until a signal: one executor, errors logged, everything flushed at the end."""

from __future__ import annotations

import signal
import threading
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor, ShutdownException
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.signals import SignalHandlerOptions

from vljepa_ros.nodes.lifecycle import ManagedNode

# More than the service calls that may wait for the model at once (model_node).
EXECUTOR_THREADS = 12


def run(create: Callable[[], Sequence[ManagedNode]], *, args: Sequence[str] | None = None) -> None:
    """Spin nodes until SIGINT, SIGTERM, the end of the context or a node's request.

    rclpy's own signal handling ends the context at once, and the last events could not be
    published any more; so signals are handled here. A second signal ends the process.

    Args:
        create: makes the nodes, after ROS is initialised.
        args: command line; None takes the process's own.
    """
    rclpy.init(
        args=None if args is None else list(args), signal_handler_options=SignalHandlerOptions.NO
    )
    stop = threading.Event()

    def on_signal(number: int, frame: Any) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    rclpy.get_default_context().on_shutdown(stop.set)
    executor = MultiThreadedExecutor(num_threads=EXECUTOR_THREADS)
    nodes = list(create())
    for node in nodes:
        node.request_exit = stop.set
        executor.add_node(node)
    thread = threading.Thread(target=_spin, args=(executor, stop, nodes[0]), name='vljepa_spin')
    thread.start()
    stop.wait()
    executor.wake()
    thread.join()
    _drain(executor)
    if rclpy.ok():
        for node in nodes:
            node.stop()
    for node in nodes:
        node.destroy_node()
    rclpy.try_shutdown()


def _drain(executor: MultiThreadedExecutor) -> None:
    """Let the callbacks that have begun end.

    Without the first line a callback that waits for a thread would meet a destroyed executor
    (rclpy of Humble to Kilted).
    """
    executor._executor.shutdown(wait=True)
    executor.shutdown(timeout_sec=5.0)


def _spin(executor: MultiThreadedExecutor, stop: threading.Event, node: ManagedNode) -> None:
    """Spin; an exception in one callback must not end the others."""
    while not stop.is_set():
        try:
            executor.spin_once()
        except (ExternalShutdownException, ShutdownException):
            return
        except rclpy_implementation.InvalidHandle:
            continue  # another thread has just destroyed an entity, as deactivate does
        except Exception:
            node.get_logger().error(f'Unexpected error in a callback\n{traceback.format_exc()}')
