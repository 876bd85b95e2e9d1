# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""memory: keeps embeddings and events on disk, and finds when something was seen."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription

from vljepa_ros.errors import EngineError, StoreError, StreamError
from vljepa_ros.inference import Engine
from vljepa_ros.interfaces import Embedding, Search, SemanticEvent
from vljepa_ros.memory.intake.remembering import Remembering
from vljepa_ros.memory.intake.thinning import ThinningConfig
from vljepa_ros.nodes import qos
from vljepa_ros.nodes.cameras import check_cameras
from vljepa_ros.nodes.engine_host import EngineHost
from vljepa_ros.nodes.lifecycle import take_waiting
from vljepa_ros.nodes.memory_messages import event_of, row_of, search_of, to_hit
from vljepa_ros.nodes.memory_parameters import PARAMETERS
from vljepa_ros.nodes.model_call import ModelCall
from vljepa_ros.nodes.model_node import ModelNode
from vljepa_ros.nodes.newest_images import NewestImages
from vljepa_ros.nodes.runner import run

if TYPE_CHECKING:
    from vljepa_ros.memory.memory import Memory

MEGABYTE = 1_000_000
# Who starts later must not take the events before for new ones.
NEW_EVENTS = QoSProfile(depth=qos.EVENTS.depth, reliability=ReliabilityPolicy.RELIABLE)


class MemoryNode(ModelNode):
    """Subscribes to embeddings and events, and serves `search`."""

    def __init__(self, *, host: EngineHost | None = None, **options: Any) -> None:
        """Create the node.

        Args:
            host: the engine of the process; None makes one of its own.
            options: passed to `rclpy.node.Node`.
        """
        super().__init__(
            'memory',
            PARAMETERS,
            components=('x_encoder', 'predictor', 'y_encoder'),
            host=host,
            counters=('embeddings_in', 'events_in', 'ignored', 'rows', 'rows_lost', 'searches'),
            **options,
        )
        self._group = MutuallyExclusiveCallbackGroup()
        self._lock = threading.Lock()
        self._memory: Memory | None = None
        self._remembering: Remembering | None = None
        self._inputs: list[tuple[Subscription, Callable[[Any], None]]] = []
        self._images = NewestImages(self)
        self.add_service(Search, 'search', self._on_search)
        self.health.probe('disk_mb', self._disk_mb)
        self.health.probe('rows_waiting', self._rows_waiting)

    def check_together(self, values: Mapping[str, Any]) -> None:
        """Check the cameras' names, and the times of rows."""
        super().check_together(values)
        check_cameras(values)
        _thinning(values)

    def configure(self) -> None:
        """Open the memory and load the model."""
        from vljepa_ros.memory.bounds import Bounds
        from vljepa_ros.memory.memory import Memory  # needs lancedb

        self._memory = Memory(
            self.parameters['memory_uri'],
            bounds=Bounds(
                max_age_days=self.parameters['max_age_days'],
                max_bytes=self.parameters['max_size_mb'] * MEGABYTE,
            ),
            on_problem=self._on_problem,
            on_recovery=self._on_recovery,
        )
        try:
            super().configure()
        except BaseException:
            self._close_memory()
            raise

    def cleanup(self) -> None:
        """Give memory and model back."""
        self._close_memory()
        super().cleanup()

    def warm_up(self, engine: Engine) -> None:
        """Embed a text."""
        engine.embed_text(['a text'])

    def activate(self) -> None:
        """Subscribe."""
        assert self._memory is not None
        self._remembering = Remembering(self._memory)
        if self.parameters['thumbnail_px']:
            self._images.open()
        self._inputs = [
            self._input(Embedding, 'embedding', self._take_embedding, qos.EMBEDDING),
            self._input(SemanticEvent, 'events', self._take_event, NEW_EVENTS),
        ]

    def deactivate(self) -> None:
        """Take what has arrived, and save it."""
        with self._lock:  # a callback may be running in another thread
            for inlet, take in self._inputs:
                for message in take_waiting(inlet):
                    take(message)
                self.destroy_subscription(inlet)
            self._inputs, self._remembering = [], None
        self._images.close()
        if self._memory is not None:
            with contextlib.suppress(StoreError):  # `_on_problem` has said it
                self._memory.save()

    def _close_memory(self) -> None:
        if self._memory is not None:
            self._memory.close()
            self._memory = None

    def _input(
        self, kind: Any, topic: str, take: Callable[[Any], None], profile: QoSProfile
    ) -> tuple[Subscription, Callable[[Any], None]]:
        def heard(message: Any) -> None:
            with self._lock:
                if self._remembering is not None:
                    take(message)

        inlet = self.create_subscription(kind, topic, heard, profile, callback_group=self._group)
        return inlet, take

    def _take_embedding(self, message: Embedding) -> None:
        self.health.count('embeddings_in')
        assert self._remembering is not None
        with self._said(f'An embedding of camera {message.camera!r}'):
            self._check_model(message.model_id)
            self._check_width(message)
            sample = row_of(message)
            picture = functools.partial(self._images.thumbnail, sample.camera, sample.stamp_ns)
            thinning = _thinning(self.parameters.values())
            if self._remembering.embedding(sample, thinning, thumbnail=picture):
                self.health.count('rows')

    def _take_event(self, message: SemanticEvent) -> None:
        self.health.count('events_in')
        assert self._remembering is not None
        with self._said(f'An event of camera {message.camera!r}'):
            self._check_model(message.model_id)
            event = event_of(message)
            picture = functools.partial(self._images.thumbnail, event.camera, event.stamp_ns)
            self._remembering.event(event, thumbnail=picture)

    def _check_model(self, model_id: str) -> None:
        """Raise StreamError if no search of this node could ever find what the model made."""
        assert self.engine is not None
        if model_id != self.engine.model_id:
            raise StreamError(
                f'it is of model {model_id!r}, this node has loaded {self.engine.model_id!r}. '
                'Use the same model in all nodes'
            )

    def _check_width(self, message: Embedding) -> None:
        """Raise StreamError if an embedding has not as many values as those of the model."""
        assert self.engine is not None
        width = self.engine.config.embedding_dim
        if len(message.data) != width:
            raise StreamError(f'it has {len(message.data)} values, the model has {width}')

    @contextlib.contextmanager
    def _said(self, what: str) -> Iterator[None]:
        """Say what cannot be remembered; the stream goes on."""
        try:
            yield
        except StreamError as error:
            self.health.count('ignored')
            self.health.error(what, f'{what} was ignored: {error}')
        except StoreError as error:
            self.health.count('rows_lost')
            self.health.error(what, f'{what} is lost: {error}')

    def _on_problem(self, what: str, error: StoreError) -> None:
        """Take what the memory says, from its threads."""
        if what == 'damage':
            self.health.warn(str(error))
        else:
            self.health.trouble(f'memory {what}', str(error))

    def _on_recovery(self, what: str) -> None:
        self.health.resolve(f'memory {what}', 'The memory works again')

    def _on_search(self, request: Search.Request, response: Search.Response) -> Search.Response:
        def answer(call: ModelCall) -> None:
            memory = self._memory
            if memory is None:
                raise EngineError(self.not_active_reason)
            hits = memory.search(search_of(request, call))
            response.model_id = call.model_id
            response.hits = [to_hit(hit) for hit in hits]
            self.health.count('searches')

        begun_s = time.monotonic()
        self.serve(response, answer)
        self.health.measure('search', time.monotonic() - begun_s)
        return response

    def _disk_mb(self) -> str:
        return '' if self._memory is None else f'{self._memory.used_bytes / MEGABYTE:.1f}'

    def _rows_waiting(self) -> str:
        return '' if self._memory is None else str(self._memory.rows_waiting)


def _thinning(values: Mapping[str, Any]) -> ThinningConfig:
    return ThinningConfig(
        min_interval_s=values['min_interval_s'],
        max_interval_s=values['max_interval_s'],
        min_change=values['min_change'],
    )


def main(args: Sequence[str] | None = None) -> None:
    """Run the node until a signal."""
    run(lambda: [MemoryNode()], args=args)


if __name__ == '__main__':
    main()
