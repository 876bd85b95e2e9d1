# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The base of the nodes that use the model."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, NoReturn

from rclpy.callback_groups import ReentrantCallbackGroup

from vljepa_ros.errors import EngineError, EngineNotBuiltError, VljepaError
from vljepa_ros.inference import Engine
from vljepa_ros.inference.queries import check_queries
from vljepa_ros.nodes.build_watch import BuildWatch
from vljepa_ros.nodes.engine_host import EngineHost, EngineSettings
from vljepa_ros.nodes.lifecycle import ManagedNode
from vljepa_ros.nodes.model_call import ModelCall
from vljepa_ros.nodes.parameters import Parameter

# Service callbacks wait for the model, each in a thread of the executor; the runner keeps more
# threads than that, so that images and transitions are always served.
MAX_WAITING_SERVICES = 4


class ModelNode(ManagedNode):
    """Holds a share of the process's engine from configure to cleanup."""

    def __init__(
        self,
        name: str,
        table: Sequence[Parameter],
        *,
        components: Collection[str],
        host: EngineHost | None,
        counters: Sequence[str] = (),
        **options: Any,
    ) -> None:
        """Create the node.

        Args:
            name: node name.
            table: its parameters, MODEL_PARAMETERS among them.
            components: what it needs of the model if it runs alone.
            host: the engine of the process; None makes one of its own.
            counters: names of its counters.
            options: passed to `rclpy.node.Node`.
        """
        self._owns_host = host is None
        self.host = host or EngineHost(components=components)
        self.engine: Engine | None = None
        self._building: BuildWatch | None = None
        self._free_places = threading.BoundedSemaphore(MAX_WAITING_SERVICES)
        self._service_group = ReentrantCallbackGroup()
        super().__init__(name, table, counters, **options)

    def configure(self) -> None:
        """Load the model, and run it once so that the first answer is not the slowest.

        Raises:
            EngineNotBuiltError: its engines are not there; they are being built from now on.
            VljepaError: the model cannot be loaded.
        """
        settings = EngineSettings(
            **{field.name: self.parameters[field.name] for field in fields(EngineSettings)}
        )
        self._stop_watching()
        try:
            engine = self.host.acquire(settings, say=self.get_logger().info)
        except EngineNotBuiltError:
            self._build(settings)
        self.engine = engine
        try:
            self.check_together(self.parameters.values())
            self.host.worker.submit(lambda: self.warm_up(engine), bounded=False).result()
        except BaseException:
            self.cleanup()
            raise
        info = engine.info
        self.health.state(
            {
                'model_id': engine.model_id,
                'backend': info.backend,
                'device': info.device,
                'precision': info.precision,
            }
        )
        self.get_logger().info(
            f'model {engine.model_id} on {info.backend}, {info.device}, {info.precision}, '
            f'{info.threads} threads'
        )

    def _build(self, settings: EngineSettings) -> NoReturn:
        """Begin to build the engines, and to say so on /diagnostics."""
        build = self.host.build(settings, say=self.get_logger().info)
        self._building = BuildWatch(self, build, on_done=self._built)
        name = self.get_fully_qualified_name()
        afterwards = (
            'the node starts by itself afterwards'
            if self.parameters['autostart']
            else f'run `ros2 lifecycle set {name} configure` afterwards'
        )
        raise EngineNotBuiltError(
            'The engines of TensorRT are being built, which takes minutes. /diagnostics says how '
            f'far it is; {afterwards}'
        )

    def _built(self) -> None:
        self._stop_watching()
        self.get_logger().info('The engines are built')
        if self.parameters['autostart']:
            self.start()

    def _stop_watching(self) -> None:
        if self._building is not None:
            self._building.close()
            self._building = None

    @property
    def not_active_reason(self) -> str:
        """Why a service cannot be served now, and what to do."""
        if self._building is not None:
            return f'{self.get_fully_qualified_name()} is not active: {self._building.words}'
        return super().not_active_reason

    def warm_up(self, engine: Engine) -> None:
        """Run the model once in the worker."""

    def check_together(self, values: Mapping[str, Any]) -> None:
        """Check queries, if the node has any, against the model, if it is loaded."""
        if self.engine is not None and 'queries' in values:
            check_queries(values['queries'], self.engine.config, self.engine.model_id)

    def cleanup(self) -> None:
        """Give the model back."""
        if self.engine is not None:
            self.engine = None
            self.host.release()

    def add_service(self, kind: Any, name: str, callback: Callable[[Any, Any], Any]) -> None:
        """Create a service whose callback may wait for the model."""
        self.create_service(kind, name, callback, callback_group=self._service_group)

    def serve(self, response: Any, answer: Callable[[ModelCall], None]) -> Any:
        """Answer a service call by the model.

        Args:
            response: has `success` and `message`.
            answer: writes the rest of the response.

        Returns:
            The response; on any error success is False and message says why.
        """
        try:
            with self._call() as call:
                answer(call)
        except VljepaError as error:
            response.success, response.message = False, str(error)
        except Exception as error:
            self.health.error('service', f'Unexpected {type(error).__name__}: {error}')
            response.success, response.message = False, f'{type(error).__name__}: {error}'
        else:
            response.success, response.message = True, ''
        return response

    @contextlib.contextmanager
    def _call(self) -> Iterator[ModelCall]:
        """Take one of the places for calls that wait."""
        engine = self.engine
        if not self.is_active or engine is None:
            raise EngineError(self.not_active_reason)
        if not self._free_places.acquire(blocking=False):
            raise EngineError(
                f'The model is busy: {MAX_WAITING_SERVICES} calls wait already. Try again later'
            )
        try:
            timeout_s = self.parameters['service_timeout_s']
            yield ModelCall(engine, self.host.worker, timeout_s=timeout_s)
        finally:
            self._free_places.release()

    def destroy_node(self) -> None:
        """Free the engine's thread with the node that owns it."""
        if self._owns_host:
            self.host.close()
        super().destroy_node()
