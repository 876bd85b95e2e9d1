# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The reference backend: PyTorch, on the CPU or a CUDA device."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from vljepa_ros.errors import ConfigurationError, EngineError, MissingDependencyError
from vljepa_ros.inference.engine import (
    ALL_COMPONENTS,
    DecodedText,
    Engine,
    EngineInfo,
    check_embeddings,
)
from vljepa_ros.inference.threads import wait_passively

wait_passively()
try:
    import torch
except ImportError as error:
    raise MissingDependencyError(
        'The torch backend needs PyTorch, which is not installed. '
        "Install it with: pip install 'vljepa_ros[cpu]' (or [gpu])"
    ) from error

from vljepa_ros.model.checkpoint import load_checkpoint, model_id  # noqa: E402 (needs torch)
from vljepa_ros.model.phrases import PhraseBank, load_phrases  # noqa: E402
from vljepa_ros.model.vl_jepa import VLJEPA  # noqa: E402


class TorchEngine(Engine):
    """Runs the PyTorch modules as they are, in float32."""

    def __init__(
        self,
        folder: Path,
        *,
        device: str = 'auto',
        threads: int = 0,
        components: Collection[str] = ALL_COMPONENTS,
    ) -> None:
        """Load a checkpoint folder; arguments and errors as in `load_engine`."""
        chosen = _device(device)
        if threads:
            torch.set_num_threads(threads)
        model = load_checkpoint(folder, components=components).to(chosen)
        self._loaded: VLJEPA | None = model
        self._folder = folder
        self._phrases: PhraseBank | None = None
        self.config = model.config
        self.model_id = model_id(folder, self.config)
        self.info = EngineInfo('torch', str(chosen), 'fp32', torch.get_num_threads())

    def encode(self, clips: np.ndarray) -> torch.Tensor:
        """Encode clips uint8 [B, T, H, W, 3] into visual tokens [B, N, D_vision]."""
        size = self.config.image_size
        expected = (self.config.clip_frames, size, size, 3)
        if clips.dtype != np.uint8 or clips.shape[1:] != expected or not len(clips):
            raise EngineError(
                f'clips must be uint8 of shape [B, {", ".join(map(str, expected))}] with B >= 1, '
                f'not {clips.dtype} {list(clips.shape)}'
            )
        with torch.inference_mode():
            return self._model.encode(self._tensor(clips))

    def predict(self, features: torch.Tensor, queries: Sequence[str]) -> np.ndarray:
        """Predict unit vectors float32 [B, Q, D]."""
        with torch.inference_mode():
            return self._model.predict(features, queries).cpu().numpy()

    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts into unit vectors float32 [N, D]."""
        with torch.inference_mode():
            return self._model.embed_text(texts).cpu().numpy()

    def decode(self, embeddings: np.ndarray) -> list[DecodedText]:
        """Turn embeddings float32 [N, D] into texts."""
        check_embeddings('embeddings', embeddings, self.config.embedding_dim)
        if not len(embeddings):
            return []
        texts, scores = self._model.decode(self._vectors(embeddings))
        return [
            DecodedText(text, score) for text, score in zip(texts, scores.tolist(), strict=True)
        ]

    def nearest(self, embeddings: np.ndarray) -> list[DecodedText]:
        """Turn embeddings float32 [N, D] into the nearest texts of the phrase bank."""
        check_embeddings('embeddings', embeddings, self.config.embedding_dim)
        _ = self._model  # a closed engine has no phrases either
        if self._phrases is None:
            self._phrases = load_phrases(
                self._folder, model_id=self.model_id, dim=self.config.embedding_dim
            )
        return [
            DecodedText(text, min(1.0, max(0.0, cosine)))
            for text, cosine in self._phrases.nearest(embeddings)
        ]

    def transition(self, states: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Predict the states float32 [B, N, D] after actions [N, D] in states [B, D]."""
        check_embeddings('states', states, self.config.embedding_dim)
        check_embeddings('actions', actions, self.config.embedding_dim)
        with torch.inference_mode():
            after = self._model.transition(self._vectors(states), self._vectors(actions))
            return after.cpu().numpy()

    def inverse(self, initial: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """Predict the actions float32 [B, D] from initial [B, D] and goal states [B, D]."""
        check_embeddings('initial', initial, self.config.embedding_dim)
        check_embeddings('goal', goal, self.config.embedding_dim)
        if len(initial) != len(goal):
            raise EngineError(
                f'initial and goal must have the same length: each initial state has its goal. '
                f'They have {len(initial)} and {len(goal)}'
            )
        with torch.inference_mode():
            actions = self._model.inverse(self._vectors(initial), self._vectors(goal))
            return actions.cpu().numpy()

    def close(self) -> None:
        """Free the weights, on a GPU its cached memory too; a second call does nothing."""
        self._loaded = None
        self._phrases = None
        if self.info.device.startswith('cuda'):
            torch.cuda.empty_cache()

    @property
    def _model(self) -> VLJEPA:
        if self._loaded is None:
            raise EngineError('The engine is closed; load the model again with load_engine')
        return self._loaded

    def _vectors(self, array: np.ndarray) -> torch.Tensor:
        return self._tensor(array.astype(np.float32))

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        own = np.require(array, requirements=['C', 'W'])  # torch warns of read-only memory
        return torch.from_numpy(own).to(self._model.device)


def _device(name: str) -> torch.device:
    if name == 'auto':
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigurationError(
            f"Unknown device {name!r}; allowed are 'auto', 'cpu', 'cuda' and 'cuda:N'"
        ) from error
    if device.type == 'cuda' and not torch.cuda.is_available():
        raise ConfigurationError(
            f"The device {name!r} was asked for, but PyTorch sees no CUDA device. Use 'auto' or "
            "'cpu', or install a CUDA build of PyTorch and a driver"
        )
    if device.type == 'cuda' and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigurationError(
            f'There is no device {name!r}; PyTorch sees {torch.cuda.device_count()} CUDA devices, '
            'counted from 0'
        )
    if device.type not in ('cpu', 'cuda'):
        raise ConfigurationError(
            f"The device {name!r} is not supported; allowed are 'auto', 'cpu', 'cuda' and 'cuda:N'"
        )
    return device
