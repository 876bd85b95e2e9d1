# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""event: the stream of embeddings in; words, only when the meaning changes, out."""

from __future__ import annotations

import concurrent.futures
import functools
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.subscription import Subscription
from rclpy.timer import Timer
from std_msgs.msg import Header

from vljepa_ros.inference import Engine
from vljepa_ros.interfaces import Embedding, SemanticEvent
from vljepa_ros.nodes import qos
from vljepa_ros.nodes.embedding_stream import EmbeddingStream, moment_of, vector_of
from vljepa_ros.nodes.engine_host import EngineHost
from vljepa_ros.nodes.event_markers import EventMarkers
from vljepa_ros.nodes.event_parameters import PARAMETERS, common_config, words_config
from vljepa_ros.nodes.event_view import EventView
from vljepa_ros.nodes.lifecycle import take_waiting
from vljepa_ros.nodes.model_node import ModelNode
from vljepa_ros.nodes.rule_watcher import RuleWatcher
from vljepa_ros.nodes.runner import run
from vljepa_ros.stream.segment_tracker import Phase, SegmentUpdate
from vljepa_ros.stream.words import Said, Source, Words

FLUSH_TIMEOUT_S = 10.0
IDLE_CHECK_S = 0.5


class EventNode(ModelNode):
    """Follows each stream of embeddings and runs the Y-Decoder at changes only."""

    def __init__(self, *, host: EngineHost | None = None, **options: Any) -> None:
        """Create the node.

        Args:
            host: the engine of the process; None makes one of its own.
            options: passed to `rclpy.node.Node`.
        """
        super().__init__(
            'event',
            PARAMETERS,
            components=('y_decoder', 'y_encoder'),
            host=host,
            counters=(
                *('embeddings_in', 'embeddings_ignored', 'decodes', 'events', 'alerts'),
                'images_drawn',
            ),
            **options,
        )
        self._publisher = self.create_lifecycle_publisher(SemanticEvent, 'events', qos.EVENTS)
        self._group = MutuallyExclusiveCallbackGroup()
        self._lock = threading.Lock()
        self._streams: dict[tuple[str, str], EmbeddingStream] = {}
        self._subscription: Subscription | None = None
        self._idle_check: Timer | None = None
        self._pending: list[Future[None]] = []
        self._words: Words | None = None
        self._view, self._markers = EventView(self), EventMarkers(self)
        self._rules = RuleWatcher(self, tell=self._view.alert)

    def check_together(self, values: Mapping[str, Any]) -> None:
        """Check the intervals against each other, and the queries against the model."""
        super().check_together(values)
        common_config(values)

    def warm_up(self, engine: Engine) -> None:
        """Decode once, and read the rules."""
        engine.decode(np.eye(1, engine.config.embedding_dim, dtype=np.float32))
        self._rules.load(engine)

    def activate(self) -> None:
        """Subscribe to the embeddings."""
        assert self.engine is not None
        self._words = Words(self.engine)
        self._subscription = self.create_subscription(
            Embedding, 'embedding', self._on_embedding, qos.EMBEDDING, callback_group=self._group
        )
        self._idle_check = self.create_timer(
            IDLE_CHECK_S,
            self._end_idle_streams,
            callback_group=self._group,
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )
        self._view.open()

    def deactivate(self) -> None:
        """Take the embeddings that have arrived, end all segments and publish what is left."""
        if self._idle_check is not None:
            self.destroy_timer(self._idle_check)
        with self._lock:  # a callback may be running in another thread
            if self._subscription is not None:
                for message in take_waiting(self._subscription):
                    self._take(message)
                self.destroy_subscription(self._subscription)
            self._subscription = self._idle_check = None
            for stream in self._streams.values():
                self._announce(stream, stream.flush())
            self._streams = {}
            self._rules.end()
        concurrent.futures.wait(self._pending, FLUSH_TIMEOUT_S)
        self._view.close()
        self._publisher.wait_for_all_acked(Duration(seconds=1))

    def _on_embedding(self, message: Embedding) -> None:
        with self._lock:
            if self._subscription is not None:
                self._take(message)

    def _take(self, message: Embedding) -> None:
        is_told, is_watched = (
            message.query in self.parameters['queries'],
            self._rules.asks(message),
        )
        if not is_told and not is_watched:
            return
        self.health.count('embeddings_in')
        problem = self._problem_of(message)
        if problem:
            self.health.count('embeddings_ignored')
            self.health.error(f'embedding {message.camera} {message.query}', problem)
            return
        if is_watched:
            self._rules.take(message)
        if is_told:
            self._follow(message)

    def _follow(self, message: Embedding) -> None:
        """Follow the meaning of a stream."""
        key = (message.camera, message.query)
        if key not in self._streams:
            name = self.parameters['detector']
            self._streams[key] = EmbeddingStream(message, detector_name=name)
        stream = self._streams[key]
        updates = stream.take(message, common_config(self.parameters.values()))
        self._view.sample(*key, moment_of(message), stream.distance)
        self._announce(stream, updates)

    def _problem_of(self, message: Embedding) -> str:
        """Return why an embedding cannot be used, or an empty text."""
        assert self.engine is not None
        who = f'An embedding of camera {message.camera!r} was ignored'
        if message.model_id != self.engine.model_id:
            return (
                f'{who}: it is of model {message.model_id!r}, this node has loaded '
                f'{self.engine.model_id!r}. Use the same model in both nodes'
            )
        width = self.engine.config.embedding_dim
        if len(message.data) != width:
            return f'{who}: it has {len(message.data)} values, the model has {width}'
        if not np.isfinite(vector_of(message)).all():
            return f'{who}: it holds NaN or infinity'
        return ''

    def _end_idle_streams(self) -> None:
        oldest_s = time.monotonic() - self.parameters['idle_timeout_s']
        with self._lock:
            for key, stream in list(self._streams.items()):
                if stream.received_s < oldest_s:
                    self._announce(stream, stream.flush())
                    del self._streams[key]
            self._rules.end(received_before_s=oldest_s)

    def _announce(self, stream: EmbeddingStream, updates: Sequence[SegmentUpdate]) -> None:
        """Have the worker decode and publish; the events keep their order."""
        self._pending = [future for future in self._pending if not future.done()]
        for update in updates:
            is_last = update is updates[-1] and update.phase is Phase.ENDED
            publish = functools.partial(
                self._publish, stream, stream.header, update, is_last=is_last
            )
            self._pending.append(self.host.worker.submit(publish, bounded=False))

    def _publish(
        self, stream: EmbeddingStream, header: Header, update: SegmentUpdate, *, is_last: bool
    ) -> None:
        try:
            said = self._say(update)
        except Exception as error:
            said = Said('', 0.0, Source.DECODER, decoded=False)
            self.health.error('decode', f'An event goes out without words: {error}')
        event = stream.event(update, header, said)
        self._publisher.publish(event)
        self.health.count('events')
        self._markers.take(event, is_last=is_last)
        self._view.event(event, is_last=is_last)

    def _say(self, update: SegmentUpdate) -> Said:
        assert self._words is not None
        self._words.config = words_config(self.parameters.values())
        said = self._words.say(update)
        if said.decoded:
            self.health.count('decodes')
        return said


def main(args: Sequence[str] | None = None) -> None:
    """Run the node until a signal."""
    run(lambda: [EventNode()], args=args)


if __name__ == '__main__':
    main()
