# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Shows on /diagnostics how far a build of engines is."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.clock import Clock, ClockType

from vljepa_ros.inference.tensorrt.background_build import BackgroundBuild
from vljepa_ros.nodes.lifecycle import ManagedNode

PERIOD_S = 0.5
KEY = 'building'


class BuildWatch:
    """Looks at a build from time to time: callbacks never wait for it."""

    def __init__(
        self, node: ManagedNode, build: BackgroundBuild, *, on_done: Callable[[], None]
    ) -> None:
        """Begin to look.

        Args:
            node: whose diagnostics say BUILDING.
            build: what is watched.
            on_done: is called in a callback of the node after a good end.
        """
        self._node, self._build, self._on_done = node, build, on_done
        # Real time: a simulation clock may not run yet.
        self._timer = node.create_timer(
            PERIOD_S, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        self._show()

    @property
    def words(self) -> str:
        """How far it is."""
        return f'BUILDING engines: {self._build.words}'

    def close(self) -> None:
        """Stop looking; the build goes on, maybe for other nodes."""
        self._node.destroy_timer(self._timer)
        self._node.health.resolve(KEY)

    def _look(self) -> None:
        if not self._build.is_done:
            self._show()
            return
        error = self._build.error
        if error is None:
            self._on_done()
            return
        self._node.health.state({'last_failure': str(error)})
        self._node.get_logger().error(f'The engines were not built: {error}')
        self.close()

    def _show(self) -> None:
        self._node.health.trouble(KEY, self.words)
