# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The base of every node: lifecycle transitions that explain themselves, and autostart."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.service import Service
from rclpy.subscription import Subscription

from vljepa_ros.errors import EngineNotBuiltError, VljepaError
from vljepa_ros.nodes.health import Health
from vljepa_ros.nodes.parameters import Change, Parameter, Parameters

AUTOSTART = Parameter(
    'autostart',
    True,
    'Configure and activate by itself after the start.',
    change=Change.START,
)
AUTOSTART_POLL_S = 0.01
SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class ManagedNode(LifecycleNode):
    """A lifecycle node whose failures are one clear sentence and leave it alive.

    Subclasses override `configure`, `activate`, `deactivate` and `cleanup`; the first two raise
    what is wrong, and the node goes back to the state before. Topics and services exist from
    construction; services answer with the reason while the node is not active.

    Attributes:
        parameters: the declared parameters.
        health: counters and messages.
        is_active: whether the node is in the state active.
        has_failed: whether the last transition failed; waiting for an engine is no failure.
        tried_to_start: whether it has started by itself, has failed to, or was told not to.
        request_exit: ends the process; the runner sets it.
    """

    def __init__(
        self, name: str, table: Sequence[Parameter], counters: Sequence[str] = (), **options: Any
    ) -> None:
        """Create the node in the state unconfigured.

        Args:
            name: node name.
            table: the node's parameters; AUTOSTART is one of them.
            counters: names of the counters of `health`.
            options: passed to `rclpy.node.Node`.
        """
        super().__init__(name, **options)
        self.is_active = self.has_failed = False
        self.request_exit: Callable[[], None] = lambda: None
        self._state = 'unconfigured'
        self.parameters = Parameters(
            self,
            table,
            is_configured=lambda: self._state != 'unconfigured',
            check_together=self.check_together,
        )
        self.health = Health(self, counters=counters)
        self.health.probe('state', lambda: self._state)
        _answer_impossible_transitions(self)
        self.tried_to_start = not self.parameters['autostart']
        self._starts_after: Sequence[ManagedNode] = ()
        if self.parameters['autostart']:
            # Real time: a simulation clock may not run yet.
            self._autostart = self.create_timer(
                AUTOSTART_POLL_S, self._first_start, clock=Clock(clock_type=ClockType.STEADY_TIME)
            )

    def check_together(self, values: Mapping[str, Any]) -> None:
        """Raise ConfigurationError if parameter values contradict each other."""

    def configure(self) -> None:
        """Load what takes long; raises what is wrong and leaves nothing behind."""

    def activate(self) -> None:
        """Begin to take in data; raises what is wrong and leaves nothing behind."""

    def deactivate(self) -> None:
        """Stop taking in data and publish what is left."""

    def cleanup(self) -> None:
        """Free what `configure` has loaded."""

    @property
    def not_active_reason(self) -> str:
        """Why a service cannot be served now, and what to do."""
        name = self.get_fully_qualified_name()
        steps = 'activate' if self._state == 'inactive' else 'configure` and `… activate'
        if self._state == 'finalized':
            return f'{name} is shut down'
        return f'{name} is {self._state}, not active. Run `ros2 lifecycle set {name} {steps}`'

    def stop(self) -> None:
        """Leave every state in order, as at the end of the process."""
        if self.context.ok():
            if self._state != 'finalized':
                self.trigger_shutdown()
            self.health.close()
        elif self.is_active:
            # Somebody has ended the ROS context: only threads and memory are left to free.
            with contextlib.suppress(Exception):
                self.deactivate()

    def destroy_node(self) -> None:
        """Leave the graph now.

        rclpy does not destroy the lifecycle services and the state machine with the node. They
        hold the DDS participant until the cycle collector runs, and with some thirty participants
        on a machine new ones are not discovered any more.
        """
        super().destroy_node()
        for name, service in vars(self).items():
            if name.startswith('_service_') and isinstance(service, Service):
                service.destroy()
        self._state_machine.destroy_when_not_in_use()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Check the parameters and load."""
        return self._enter('inactive', 'configure', self._checked_configure, state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Open publishers, then inputs."""
        super().on_activate(state)
        self.is_active = True
        result = self._enter('active', 'activate', self.activate, state)
        if result is not SUCCESS:
            self.is_active = False
            super().on_deactivate(state)
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Close inputs, then publishers."""
        self._leave('deactivate', self.deactivate)
        self.is_active = False
        self._set_state('inactive')
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free what is loaded."""
        self._leave('clean up', self.cleanup)
        self._set_state('unconfigured')
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Do what is left to do in the present state."""
        if self.is_active:
            self.on_deactivate(state)
        if self._state == 'inactive':
            self.on_cleanup(state)
        self._set_state('finalized')
        return super().on_shutdown(state)

    def _checked_configure(self) -> None:
        self.parameters.require_valid()
        self.configure()

    def _enter(
        self, goal: str, verb: str, step: Callable[[], None], state: LifecycleState
    ) -> TransitionCallbackReturn:
        try:
            self.has_failed = False
            step()
        except EngineNotBuiltError as wait:  # no failure: it is being built
            self.health.state({'last_failure': ''})
            self.get_logger().info(str(wait))
            return FAILURE
        except Exception as error:
            self.has_failed = True
            self.health.state({'last_failure': str(error)})
            self.get_logger().error(
                f'Could not {verb}: {error}\n'
                f'{self.get_fully_qualified_name()} stays {self._state}. Correct the cause, then '
                f'stop and start it again, or run '
                f'`ros2 lifecycle set {self.get_fully_qualified_name()} {verb}`'
            )
            self._log_unexpected(error)
            self.health.publish()
            return FAILURE
        self.health.state({'last_failure': ''})
        self._set_state(goal)
        self.get_logger().info(f'{goal}')
        return SUCCESS

    def _set_state(self, state: str) -> None:
        self._state = state
        self.health.publish()

    def _leave(self, verb: str, step: Callable[[], None]) -> None:
        """Run a step on the way back, which must not fail: what is left open is only logged."""
        try:
            step()
        except Exception as error:
            self.get_logger().error(f'Problem while trying to {verb}: {error}')
            self._log_unexpected(error)

    def _log_unexpected(self, error: Exception) -> None:
        if not isinstance(error, VljepaError):
            self.get_logger().error(''.join(traceback.format_exception(error)))

    def start_after(self, nodes: Sequence[ManagedNode]) -> None:
        """With autostart, wait until these have started by themselves, or have failed to."""
        self._starts_after = nodes

    def _first_start(self) -> None:
        if not all(node.tried_to_start for node in self._starts_after):
            return
        self._autostart.cancel()
        try:
            self.start()
        finally:
            self.tried_to_start = True

    def start(self) -> None:
        """Configure and activate, if nobody has done it yet."""
        if self._state == 'unconfigured' and self.trigger_configure() is SUCCESS:
            self.trigger_activate()


def take_waiting(subscription: Subscription) -> Iterator[Any]:
    """Yield the messages that have arrived and that no callback has taken.

    At the end of the process nothing spins any more when the nodes are deactivated.
    """
    with subscription.handle:
        while taken := subscription.handle.take_message(subscription.msg_type, subscription.raw):
            yield taken[0]


def _answer_impossible_transitions(node: LifecycleNode) -> None:
    """Make the change_state service say no to an impossible transition.

    rclpy lets the state machine's exception out of the callback instead: the caller waits for
    ever, and the executor ends.
    """
    service = node._service_change_state
    change_state = service.callback

    def answer(request: Any, response: Any) -> Any:
        try:
            return change_state(request, response)
        except Exception as error:
            node.get_logger().error(f'Transition refused: {error}')
            response.success = False
            return response

    service.callback = answer
