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
from rclpy.clock import Clock, ClockType
from rclpy.signals import SignalHandlerOptions

from vljepa_ros.nodes.lifecycle import ManagedNode
from vljepa_ros.nodes.spinner import Spinner
from vljepa_ros.process_environment import missing_environment

# More than the service calls that may wait for the model at once (model_node).
EXECUTOR_THREADS = 12
UP_POLL_S = 0.05


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
    if len(nodes) > 1:
        _tell_when_up(nodes)
    stop.wait()
    spinner.close()
    for node in nodes:
        node.stop()
    for node in nodes:
        node.destroy_node()
    rclpy.try_shutdown()


def _tell_when_up(nodes: Sequence[ManagedNode]) -> None:
    """Log one line when all nodes that start by themselves are active, or which are not.

    A node that waits for its engine to be built starts later; the line comes then.
    """
    expected = [node for node in nodes if node.parameters['autostart']]
    teller = nodes[-1]

    def tell() -> None:
        if not all(node.tried_to_start for node in expected):
            return
        missing = [node for node in expected if not node.is_active]
        if missing and all(not node.has_failed for node in missing):
            return
        timer.cancel()
        names = ', '.join(node.get_fully_qualified_name() for node in missing or expected)
        if missing:
            teller.get_logger().warning(f'Not active: {names}')
        else:
            teller.get_logger().info(f'Up and running: {names}')

    # Real time: a simulation clock may not run yet.
    clock = Clock(clock_type=ClockType.STEADY_TIME)
    timer = teller.create_timer(UP_POLL_S, tell, clock=clock)
