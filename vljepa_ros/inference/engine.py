# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The Engine: what every backend offers, in NumPy arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vljepa_ros.errors import ConfigurationError, EngineError
from vljepa_ros.resources import resolve_model

if TYPE_CHECKING:
    from vljepa_ros.model.config import ModelConfig

ALL_COMPONENTS = ('x_encoder', 'predictor', 'y_encoder', 'y_decoder', 'transition', 'inverse')
BACKENDS = ('auto', 'torch')


@dataclass(frozen=True)
class EngineInfo:
    """What runs where; `threads` is 0 where the backend decides."""

    backend: str
    device: str
    precision: str
    threads: int


@dataclass(frozen=True)
class DecodedText:
    """A text with a score in [0, 1].

    `Engine.decode` scores by the mean token probability, `Engine.nearest` by the cosine (where it
    is negative, by 0). The two cannot be compared.
    """

    text: str
    score: float


class Engine(ABC):
    """A loaded model. Not thread-safe: one thread runs it at a time.

    Attributes:
        config: sizes, clip timing and queries of the checkpoint.
        model_id: identity of the embedding space, `<name>@<hash of all that gives it meaning>`.
        info: backend, device, precision and threads.
    """

    config: ModelConfig
    model_id: str
    info: EngineInfo

    @abstractmethod
    def encode(self, clips: np.ndarray) -> Any:
        """Encode clips once for any number of queries.

        Args:
            clips: uint8 [B, T, H, W, 3], RGB, T = `config.clip_frames`, H = W =
                `config.image_size`.

        Returns:
            Features, opaque to the caller; their first dimension is B.

        Raises:
            EngineError: wrong shape or type, or the component is not loaded.
        """

    @abstractmethod
    def predict(self, features: Any, queries: Sequence[str]) -> np.ndarray:
        """Predict the embedding of each query's answer.

        Args:
            features: what `encode` returned.
            queries: Q names of `config.queries`, or free texts.

        Returns:
            Unit vectors float32 [B, Q, D].
        """

    @abstractmethod
    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts into unit vectors float32 [N, D].

        Raises:
            ConfigurationError: a text is empty or too long.
        """

    @abstractmethod
    def decode(self, embeddings: np.ndarray) -> list[DecodedText]:
        """Turn embeddings float32 [N, D] into texts, written by the Y-Decoder."""

    @abstractmethod
    def nearest(self, embeddings: np.ndarray) -> list[DecodedText]:
        """Turn embeddings float32 [N, D] into the nearest texts of the checkpoint's phrase bank.

        Needs no component. The bank is read at the first call.

        Raises:
            CheckpointError: the checkpoint has no phrase bank.
            EngineError: wrong shape.
        """

    @abstractmethod
    def transition(self, states: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Predict the state after each action in each state.

        Args:
            states: unit vectors float32 [B, D], the answers to the query `state`.
            actions: unit vectors float32 [N, D], of action texts or answers to `action`.

        Returns:
            Unit vectors float32 [B, N, D].

        Raises:
            EngineError: wrong shape, or the checkpoint has no such head, or it is not loaded.
        """

    @abstractmethod
    def inverse(self, initial: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """Predict the action that leads from each initial state to its goal state.

        Args:
            initial: unit vectors float32 [B, D], as `states` of `transition`.
            goal: unit vectors float32 [B, D].

        Returns:
            Embeddings of actions, unit vectors float32 [B, D].

        Raises:
            EngineError: wrong shape, or the checkpoint has no such head, or it is not loaded.
        """

    @abstractmethod
    def close(self) -> None:
        """Free the memory of the model; the engine cannot be used afterwards."""


def check_embeddings(name: str, array: np.ndarray, dim: int) -> None:
    """Raise an EngineError unless the array called `name` has the shape [N, dim]."""
    if array.ndim != 2 or array.shape[1] != dim:
        raise EngineError(f'{name} must have the shape [N, {dim}], not {list(array.shape)}')


def load_engine(
    model: str | Path,
    *,
    backend: str = 'auto',
    device: str = 'auto',
    threads: int = 0,
    components: Collection[str] = ALL_COMPONENTS,
) -> Engine:
    """Load a checkpoint.

    Args:
        model: a shipped model's name ('tiny') or a checkpoint folder.
        backend: one of `BACKENDS`; 'auto' takes the best that is present.
        device: 'auto', 'cpu', 'cuda' or 'cuda:N'.
        threads: compute threads on the CPU; 0 leaves the library's default.
        components: the networks to load, subset of `ALL_COMPONENTS`. The planning heads
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
    # The backend's module imports its heavy library, so it is imported when it is chosen.
    from vljepa_ros.inference.torch_engine import TorchEngine

    return TorchEngine(folder, device=device, threads=threads, components=components)
