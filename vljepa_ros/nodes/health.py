# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a node counts, measures and complains about: its log and its part of /diagnostics."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.node import Node

THROTTLE_S = 5.0
TIME_SAMPLES = 1000
MAX_KEYS = 100


class Health:
    """Thread-safe counters and messages of one node, published once a second."""

    def __init__(self, node: Node, *, counters: Sequence[str] = ()) -> None:
        """Create the publisher.

        Args:
            node: the node.
            counters: names of counters that are shown from the start.
        """
        self._node = node
        self._lock = threading.Lock()
        self._counters = dict.fromkeys(counters, 0)
        self._facts: dict[str, str] = {}
        self._probes: dict[str, Callable[[], str]] = {}
        self._troubles: dict[str, str] = {}
        self._last_error = ''
        self._last_warning = ''
        self._logged: dict[str, float] = {}
        self._times: dict[str, deque[float]] = {}
        self._publisher = node.create_publisher(DiagnosticArray, '/diagnostics', 10)
        # Real time, and a group of its own: a paused simulation or a loading model is no reason
        # to fall silent.
        node.create_timer(
            1.0,
            self.publish,
            callback_group=MutuallyExclusiveCallbackGroup(),
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    def count(self, name: str, amount: int = 1) -> None:
        """Add to a counter."""
        with self._lock:
            self._counters[name] = self._counters.get(name, 0) + amount

    def measure(self, name: str, seconds: float) -> None:
        """Add a sample of a time; the percentiles of the last ones are shown."""
        with self._lock:
            self._times.setdefault(name, deque(maxlen=TIME_SAMPLES)).append(seconds)

    def forget(self, name: str) -> None:
        """Forget the samples of a time."""
        with self._lock:
            self._times.pop(name, None)

    def state(self, facts: Mapping[str, str]) -> None:
        """Set facts, such as the model's identity."""
        with self._lock:
            self._facts.update(facts)

    def probe(self, name: str, read: Callable[[], str]) -> None:
        """Show a value that is read at each publishing."""
        self._probes[name] = read

    def error(self, key: str, sentence: str) -> None:
        """Log an error, at most every few seconds for one key, and remember it."""
        now = time.monotonic()
        with self._lock:
            self._counters['errors'] = self._counters.get('errors', 0) + 1
            self._last_error = sentence
            if now - self._logged.get(key, -THROTTLE_S) < THROTTLE_S:
                return
            if len(self._logged) >= MAX_KEYS:  # keys can come from the network
                self._logged.clear()
            self._logged[key] = now
        self._node.get_logger().error(sentence)

    def warn(self, sentence: str) -> None:
        """Log a warning about something that has happened and is over, and remember it."""
        with self._lock:
            self._last_warning = sentence
        self._node.get_logger().warning(sentence)

    def trouble(self, key: str, sentence: str) -> None:
        """Open a lasting trouble: one warning in the log, WARN on /diagnostics until resolved."""
        with self._lock:
            known = key in self._troubles
            self._troubles[key] = sentence
        if not known:
            self._node.get_logger().warning(sentence)

    def resolve(self, key: str, sentence: str = '') -> None:
        """Close a trouble, with a line in the log."""
        with self._lock:
            known = self._troubles.pop(key, None) is not None
        if known and sentence:
            self._node.get_logger().info(sentence)

    def publish(self) -> None:
        """Publish the present state."""
        status = self._status()
        array = DiagnosticArray(status=[status])
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(array)

    def close(self) -> None:
        """Publish for the last time, and wait a moment until it has arrived."""
        self.publish()
        self._publisher.wait_for_all_acked(Duration(seconds=1))

    def _status(self) -> DiagnosticStatus:
        probed = {name: read() for name, read in self._probes.items()}
        with self._lock:
            values = {name: str(count) for name, count in self._counters.items()}
            values.update(self._facts)
            values.update(probed)
            for name, times in self._times.items():
                p50, p99 = np.percentile(np.array(times) * 1000.0, [50, 99])
                values.update({f'{name}_p50_ms': f'{p50:.1f}', f'{name}_p99_ms': f'{p99:.1f}'})
            values['last_error'] = self._last_error
            values['last_warning'] = self._last_warning
            troubles = '; '.join(self._troubles.values())
        # A node that could not be configured or activated does nothing at all.
        failure = values.get('last_failure', '')
        level = DiagnosticStatus.WARN if troubles else DiagnosticStatus.OK
        return DiagnosticStatus(
            level=DiagnosticStatus.ERROR if failure else level,
            name=self._node.get_fully_qualified_name(),
            message=failure or troubles or values.get('state', 'ok'),
            hardware_id=values.get('model_id', ''),
            values=[KeyValue(key=key, value=value) for key, value in values.items()],
        )
