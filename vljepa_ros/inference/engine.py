# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The Engine: what every backend offers, in NumPy arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vljepa_ros.inference.backend import EngineInfo
from vljepa_ros.model.config import ModelConfig


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
