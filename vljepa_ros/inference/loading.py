# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Loads a checkpoint on one of the backends."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.inference.backend import Backend
from vljepa_ros.inference.engine import Engine
from vljepa_ros.inference.graph_engine import GraphEngine
from vljepa_ros.model.checkpoint_folder import chosen_components, load_config
from vljepa_ros.model.components import COMPONENTS
from vljepa_ros.resources import resolve_model

BACKENDS = ('auto', 'torch')


def load_engine(
    model: str | Path,
    *,
    backend: str = 'auto',
    device: str = 'auto',
    threads: int = 0,
    components: Collection[str] = COMPONENTS,
) -> Engine:
    """Load a checkpoint.

    Args:
        model: a shipped model's name ('tiny') or a checkpoint folder.
        backend: one of `BACKENDS`; 'auto' takes the best that is present.
        device: 'auto', 'cpu', 'cuda' or 'cuda:N'.
        threads: compute threads on the CPU; 0 leaves the library's default.
        components: the networks to load, subset of `COMPONENTS`. The planning heads
            'transition' and 'inverse' are left out where the checkpoint has none.

    Raises:
        ResourceNotFoundError: no such model.
        CheckpointError: the checkpoint is incomplete, damaged or foreign.
        ConfigurationError: unknown backend, device or component.
        MissingDependencyError: a library is missing; the message names the command.
    """
    if backend not in BACKENDS:
        raise ConfigurationError(f'Unknown backend {backend!r}; allowed are {list(BACKENDS)}')
    if threads < 0:
        raise ConfigurationError(f'threads is {threads}; allowed is 0 (automatic) or more')
    folder = resolve_model(model)
    config = load_config(folder)
    chosen = chosen_components(folder, config, components)
    runs: Backend = _torch(folder, chosen, device=device, threads=threads)
    return GraphEngine(folder, config, runs, components=chosen)


def _torch(folder: Path, components: tuple[str, ...], *, device: str, threads: int) -> Backend:
    # The backend's module imports its heavy library, so it is imported when it is chosen.
    from vljepa_ros.inference.torch_backend import TorchBackend

    return TorchBackend(folder, components, device=device, threads=threads)
