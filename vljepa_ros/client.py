# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a planner imports: embeddings, events and answers without writing a node.

Example:
    with VljepaClient() as vljepa:
        vljepa.on_event(lambda event: print(event.phase, event.text))
        ranked = vljepa.infer_action(before, after, ['open the drawer', 'close the drawer'])
"""

from __future__ import annotations

# Before ROS: missing interfaces are then one clear error.
from vljepa_ros.interfaces import (  # isort: skip
    Answer,
    Classify,
    Embedding,
    EmbedText,
    InferAction,
    Search,
    SemanticEvent,
    SetRules,
)
from vljepa_ros.interfaces import Alert as AlertMessage  # isort: skip

import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.context import Context
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from std_msgs.msg import Header

from vljepa_ros.client_types import Alert, EmbeddingSample, Event, Hit, rule_message
from vljepa_ros.errors import ConfigurationError, ServiceError
from vljepa_ros.nodes import qos
from vljepa_ros.nodes.images import to_message
from vljepa_ros.nodes.spinner import Spinner
from vljepa_ros.nodes.stamps import to_stamp
from vljepa_ros.stream.rules import Rule

__all__ = ['Alert', 'EmbeddingSample', 'Event', 'Hit', 'Rule', 'ServiceError', 'VljepaClient']

SEARCH_KINDS = ('ALL', 'EMBEDDINGS', 'EVENTS')
TRANSITIONS = {
    'configure': Transition.TRANSITION_CONFIGURE,
    'activate': Transition.TRANSITION_ACTIVATE,
    'deactivate': Transition.TRANSITION_DEACTIVATE,
    'cleanup': Transition.TRANSITION_CLEANUP,
}


class VljepaClient:
    """Talks to the nodes; threads of its own do the ROS work, so every call may block.

    Callbacks run in those threads one after another; a slow one delays the next.
    """

    def __init__(
        self,
        *,
        namespace: str = '/vljepa',
        name: str = 'vljepa_client',
        context: Context | None = None,
    ) -> None:
        """Join the ROS graph, initialising rclpy if nobody has.

        Args:
            namespace: the namespace of the vljepa nodes.
            name: the name of the client's own node.
            context: the rclpy context; None is the default one if it is in use, else a new one.
        """
        if context is None and rclpy.ok():
            context = rclpy.get_default_context()
        # A context cannot be initialised twice, so a second client gets a new one.
        self._context = context or Context()
        self._owns_context = not self._context.ok()
        if self._owns_context:
            # Signals stay the caller's: ROS would leave the graph before the caller can react.
            rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self._namespace = '/' + namespace.strip('/')
        self._node = Node(name, namespace=self._namespace, context=self._context)
        self._changed = threading.Condition()
        self._latest: dict[tuple[str, str], EmbeddingSample] = {}
        self._health: dict[str, dict[str, str]] = {}
        self._on_embedding: list[Callable[[EmbeddingSample], None]] = []
        self._on_event: list[Callable[[Event], None]] = []
        self._on_alert: list[Callable[[Alert], None]] = []
        self._clients: dict[str, Any] = {}
        self._group = ReentrantCallbackGroup()
        self._node.create_subscription(Embedding, 'embedding', self._embedding, qos.EMBEDDING)
        self._node.create_subscription(DiagnosticArray, '/diagnostics', self._diagnostics, 10)
        self._spinner = Spinner(threads=4, context=self._context)
        self._spinner.add(self._node)

    def close(self) -> None:
        """Leave the graph."""
        self._spinner.close()
        self._node.destroy_node()
        if self._owns_context:
            rclpy.try_shutdown(context=self._context)

    def __enter__(self) -> VljepaClient:
        """Return the client."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def on_embedding(self, callback: Callable[[EmbeddingSample], None]) -> None:
        """Call back for every embedding from now on."""
        self._on_embedding.append(callback)

    def on_event(self, callback: Callable[[Event], None]) -> None:
        """Call back for the last 50 events, and for every one from now on."""
        first = not self._on_event
        self._on_event.append(callback)
        if first:
            self._node.create_subscription(SemanticEvent, 'events', self._event, qos.EVENTS)
            self._spinner.wake()

    def on_alert(self, callback: Callable[[Alert], None]) -> None:
        """Call back for the last 50 alerts of the rules, and for every one from now on."""
        first = not self._on_alert
        self._on_alert.append(callback)
        if first:
            self._node.create_subscription(AlertMessage, 'alerts', self._alert, qos.EVENTS)
            self._spinner.wake()

    def set_rules(self, rules: Sequence[Rule], *, timeout_s: float = 15.0) -> None:
        """Watch for these things from now on, and for nothing else.

        Raises:
            ServiceError: the node refused, with its reason, or did not answer in time.
        """
        request = SetRules.Request(rules=[rule_message(rule) for rule in rules])
        self._ask(SetRules, 'set_rules', request, timeout_s)

    def latest_embedding(
        self, *, camera: str = 'camera', query: str = 'caption', timeout_s: float = 0.0
    ) -> EmbeddingSample | None:
        """Return the newest embedding of a camera and a query.

        Args:
            camera: the camera's name.
            query: the query's name.
            timeout_s: how long to wait for the first one.

        Returns:
            None if there is none yet.
        """
        with self._changed:
            self._changed.wait_for(lambda: (camera, query) in self._latest, timeout_s)
            return self._latest.get((camera, query))

    def embed_text(self, texts: Sequence[str], *, timeout_s: float = 15.0) -> np.ndarray:
        """Embed texts into the space of the embeddings.

        Returns:
            Unit vectors float32 [N, D]; the dot product with an embedding is the cosine.

        Raises:
            ServiceError: the node refused, with its reason, or did not answer in time.
        """
        request = EmbedText.Request(texts=list(texts))
        answer = self._ask(EmbedText, 'embed_text', request, timeout_s)
        return np.array(answer.data, dtype=np.float32).reshape(len(texts), answer.dim)

    def infer_action(
        self,
        initial: np.ndarray,
        goal: np.ndarray,
        candidates: Sequence[str],
        *,
        timeout_s: float = 15.0,
    ) -> list[tuple[str, float]]:
        """Rank the actions that may lead from one state to another.

        Args:
            initial: the state before, RGB uint8 [H, W, 3].
            goal: the state after, RGB uint8 [H, W, 3].
            candidates: descriptions of actions.
            timeout_s: how long to wait for the answer.

        Returns:
            (text, cosine) of all candidates, the best first.

        Raises:
            ServiceError: the node refused, with its reason, or did not answer in time.
            ImageError: a picture is something else.
        """
        request = InferAction.Request(
            initial=to_message(initial, Header(), name='initial'),
            goal=to_message(goal, Header(), name='goal'),
            candidates=list(candidates),
        )
        answer = self._ask(InferAction, 'infer_action', request, timeout_s)
        return [(item.text, item.score) for item in answer.ranked]

    def classify(
        self,
        labels: Sequence[str],
        *,
        image: np.ndarray | None = None,
        camera: str = '',
        query: str = '',
        timeout_s: float = 15.0,
    ) -> list[tuple[str, float]]:
        """Rank labels of an open vocabulary against what a camera sees now, or an image shows.

        Args:
            labels: any texts.
            image: RGB uint8 [H, W, 3] to look at instead of a camera.
            camera: the camera's name; may be empty where there is only one.
            query: what the labels are answers to, a query's name or a question; 'caption' if
                empty.
            timeout_s: how long to wait for the answer.

        Returns:
            (label, cosine) of all labels, the best first.

        Raises:
            ServiceError: the node refused, with its reason, or did not answer in time.
        """
        request = Classify.Request(labels=list(labels), query=query, camera=camera)
        if image is not None:
            request.image = to_message(image, Header())
        answer = self._ask(Classify, 'classify', request, timeout_s)
        return [(item.text, item.score) for item in answer.ranked]

    def answer(
        self,
        question: str,
        candidates: Sequence[str],
        *,
        image: np.ndarray | None = None,
        camera: str = '',
        timeout_s: float = 15.0,
    ) -> list[tuple[str, float]]:
        """Rank candidate answers to a question about what a camera sees, or an image shows.

        Args:
            question: several words or with a question mark.
            candidates: possible answers.
            image: as in `classify`.
            camera: as in `classify`.
            timeout_s: how long to wait for the answer.

        Returns:
            (answer, cosine) of all candidates, the best first.

        Raises:
            ServiceError: the node refused, with its reason, or did not answer in time.
        """
        request = Answer.Request(question=question, candidates=list(candidates), camera=camera)
        if image is not None:
            request.image = to_message(image, Header())
        answer = self._ask(Answer, 'answer', request, timeout_s)
        return [(item.text, item.score) for item in answer.ranked]

    def search(
        self,
        text: str = '',
        *,
        image: np.ndarray | None = None,
        query: str = '',
        camera: str = '',
        since_ns: int = 0,
        until_ns: int = 0,
        kind: str = 'ALL',
        limit: int = 10,
        min_score: float = 0.0,
        newest_first: bool = False,
        timeout_s: float = 15.0,
    ) -> list[Hit]:
        """Find when something was seen, in the memory (`memory:=true`).

        Args:
            text: what is looked for, such as 'a red cup on the table'.
            image: RGB uint8 [H, W, 3] of what is looked for, instead of a text.
            query: only embeddings that answer this; may be empty.
            camera: only this one; may be empty.
            since_ns: only what lasted until then or longer; 0 is no bound.
            until_ns: only what had begun by then; 0 is no bound.
            kind: 'ALL', 'EMBEDDINGS' or 'EVENTS'.
            limit: hits at most, 1 to 100.
            min_score: hits of a lower score are left out; 0 is no bound.
            newest_first: the newest hits instead of the best, of those with `min_score`; without
                it, of those that are about as good as the best. The first one says when it was
                seen last.
            timeout_s: how long to wait for the answer.

        Returns:
            The moments that fit best, in that order.

        Raises:
            ServiceError: the node refused, with its reason, or did not answer in time.
            ConfigurationError: there is no such kind.
        """
        if kind not in SEARCH_KINDS:
            raise ConfigurationError(f'kind is {kind!r}; allowed are {SEARCH_KINDS}')
        request = Search.Request(
            text=text,
            query=query,
            camera=camera,
            since=to_stamp(since_ns),
            until=to_stamp(until_ns),
            kind=getattr(Search.Request, kind),
            limit=limit,
            min_score=min_score,
            order=Search.Request.NEWEST if newest_first else Search.Request.BEST,
        )
        if image is not None:
            request.image = to_message(image, Header())
        answer = self._ask(Search, 'search', request, timeout_s)
        return [Hit.from_message(hit) for hit in answer.hits]

    def state(self, node: str, *, timeout_s: float = 5.0) -> str:
        """Return the lifecycle state of a node ('perception', …), such as 'active'."""
        answer = self._call(GetState, f'{node}/get_state', GetState.Request(), timeout_s)
        return str(answer.current_state.label)

    def change_state(self, node: str, transition: str, *, timeout_s: float = 60.0) -> bool:
        """Send a node through a lifecycle transition; return whether it went."""
        request = ChangeState.Request(transition=Transition(id=TRANSITIONS[transition]))
        answer = self._call(ChangeState, f'{node}/change_state', request, timeout_s)
        return bool(answer.success)

    def wait_until_active(self, node: str, *, timeout_s: float = 60.0) -> bool:
        """Wait until a node is active; return whether it is."""
        end_s = time.monotonic() + timeout_s
        while (left_s := end_s - time.monotonic()) > 0.0:
            try:
                if self.state(node, timeout_s=min(left_s, 2.0)) == 'active':
                    return True
            except ServiceError:
                continue
            time.sleep(0.1)
        return False

    def diagnostics(self, node: str) -> dict[str, str]:
        """Return the newest counters and facts of a node; empty before the first."""
        with self._changed:
            return dict(self._health.get(f'{self._namespace.rstrip("/")}/{node}', {}))

    def _ask(self, kind: Any, name: str, request: Any, timeout_s: float) -> Any:
        answer = self._call(kind, name, request, timeout_s)
        if not answer.success:
            raise ServiceError(f'{name} was refused: {answer.message}')
        return answer

    def _call(self, kind: Any, name: str, request: Any, timeout_s: float) -> Any:
        if name not in self._clients:
            self._clients[name] = self._node.create_client(kind, name, callback_group=self._group)
            self._spinner.wake()
        client = self._clients[name]
        full_name = self._node.resolve_service_name(name)
        end_s = time.monotonic() + timeout_s
        if not client.wait_for_service(timeout_sec=timeout_s):
            raise ServiceError(
                f'There is no service {full_name} within {timeout_s:g} s. Is the node started, '
                'with the same ROS_DOMAIN_ID and namespace?'
            )
        done = threading.Event()
        future = client.call_async(request)
        future.add_done_callback(lambda _: done.set())
        if not done.wait(max(0.0, end_s - time.monotonic())):
            client.remove_pending_request(future)
            raise ServiceError(f'{full_name} did not answer within {timeout_s:g} s')
        return future.result()

    def _embedding(self, message: Embedding) -> None:
        sample = EmbeddingSample.from_message(message)
        with self._changed:
            self._latest[sample.camera, sample.query] = sample
            self._changed.notify_all()
        for callback in self._on_embedding:
            callback(sample)

    def _event(self, message: SemanticEvent) -> None:
        event = Event.from_message(message)
        for callback in self._on_event:
            callback(event)

    def _alert(self, message: AlertMessage) -> None:
        alert = Alert.from_message(message)
        for callback in self._on_alert:
            callback(alert)

    def _diagnostics(self, message: DiagnosticArray) -> None:
        with self._changed:
            for status in message.status:
                self._health[status.name] = {item.key: item.value for item in status.values}
            self._changed.notify_all()
