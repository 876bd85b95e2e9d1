# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs nodes until a signal, and flushes everything at the end."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from typing import Any

import rclpy
from rclpy.signals import SignalHandlerOptions

from vljepa_ros.nodes.lifecycle import ManagedNode
from vljepa_ros.nodes.spinner import Spinner
from vljepa_ros.process_environment import missing_environment

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
    os.environ.update(missing_environment())
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
    spinner = Spinner(threads=EXECUTOR_THREADS)
    nodes = list(create())
    for node in nodes:
        node.request_exit = stop.set
        spinner.add(node)
    stop.wait()
    spinner.close()
    for node in nodes:
        node.stop()
    for node in nodes:
        node.destroy_node()
    rclpy.try_shutdown()
