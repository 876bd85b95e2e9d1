# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The one engine that the nodes of a process share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass

from vljepa_ros.errors import ConfigurationError, EngineError
from vljepa_ros.inference import COMPONENTS, Engine, load_engine
from vljepa_ros.inference.tensorrt.background_build import BackgroundBuild
from vljepa_ros.inference.tensorrt.plans import plans_folder
from vljepa_ros.nodes.worker import Worker
from vljepa_ros.resources import resolve_model


@dataclass(frozen=True)
class EngineSettings:
    """Which model runs where; see `load_engine`."""

    model: str
    backend: str
    device: str
    precision: str
    threads: int

    def __str__(self) -> str:
        """Return the settings as the parameters are written."""
        return (
            f'model {self.model!r}, backend {self.backend!r}, device {self.device!r}, precision '
            f'{self.precision!r}, threads {self.threads}'
        )


class EngineHost:
    """Loads one engine for all nodes of a process and frees it after the last one.

    Only `worker` may call the engine's methods: engines are not thread-safe, and PyTorch's number
    of threads belongs to the thread that sets it.
    """

    def __init__(self, *, components: Collection[str] = COMPONENTS) -> None:
        """Create a host without an engine.

        Args:
            components: what the nodes of this process need of the model.
        """
        self.worker = Worker()
        self._components = tuple(components)
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._settings: EngineSettings | None = None
        self._users = 0
        self._build: BackgroundBuild | None = None
        self._build_settings: EngineSettings | None = None

    def acquire(
        self, settings: EngineSettings, *, say: Callable[[str], None] = lambda sentence: None
    ) -> Engine:
        """Return the engine, loading it for the first user; each user releases it once.

        Args:
            settings: what to load.
            say: is told how the backend was chosen.

        Raises:
            ConfigurationError: another node of this process loaded it with other settings.
            EngineNotBuiltError: it needs engines that are not there; see `build`.
            VljepaError: whatever `load_engine` raises.
        """
        with self._lock:
            if self._engine is None:
                load = self.worker.submit(lambda: self._load(settings, say), bounded=False)
                self._engine = load.result()
                self._settings = settings
            elif settings != self._settings:
                raise ConfigurationError(
                    f'The nodes of one process share one model. Loaded is {self._settings}; asked '
                    f'for is {settings}. Give these parameters the same values in all nodes, and '
                    'clean up all of them to change the model'
                )
            self._users += 1
            return self._engine

    def release(self) -> None:
        """Give the engine back; the last user frees it."""
        with self._lock:
            self._users -= 1
            if self._users == 0 and self._engine is not None:
                self.worker.submit(self._engine.close, bounded=False).result()
                self._engine = None

    def build(self, settings: EngineSettings, *, say: Callable[[str], None]) -> BackgroundBuild:
        """Build the engines that `acquire` misses; nodes with the same settings share one build.

        Args:
            settings: whose engines.
            say: is told what is rebuilt, and where engines cannot be kept.

        Raises:
            ConfigurationError: a build with other settings is still running.
            EngineError: they were built just now, and could not be kept.
        """
        with self._lock:
            build, same = self._build, settings == self._build_settings
            if build is not None and not build.is_done:
                if not same:
                    raise ConfigurationError(
                        f'Engines are being built for {self._build_settings}; asked for is '
                        f'{settings}. Wait until that is done, or take another backend'
                    )
                return build
            if build is not None and same and build.error is None:
                raise EngineError(
                    'The engines were built and are not there any more. Look into the log for why '
                    f'they could not be kept in {plans_folder()}, make it writable or make room '
                    'there, or take another backend; then start the node again'
                )
            self._build = BackgroundBuild(
                resolve_model(settings.model),
                precision=settings.precision,
                device=settings.device,
                say=say,
            )
            self._build_settings = settings
            return self._build

    def close(self, *, timeout_s: float = 5.0) -> None:
        """Stop a build and the worker."""
        if self._build is not None:
            self._build.cancel(timeout_s=timeout_s)
        self.worker.close(timeout_s=timeout_s)

    def _load(self, settings: EngineSettings, say: Callable[[str], None]) -> Engine:
        return load_engine(
            settings.model,
            backend=settings.backend,
            device=settings.device,
            precision=settings.precision,
            threads=settings.threads,
            components=self._components,
            say=say,
        )
