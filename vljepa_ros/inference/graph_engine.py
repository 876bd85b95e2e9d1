# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The Engine over the graphs of any backend: all that is not a network, in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vljepa_ros.errors import EngineError
from vljepa_ros.inference.backend import Backend
from vljepa_ros.inference.engine import DecodedText, Engine
from vljepa_ros.model.checkpoint_folder import load_tokenizers
from vljepa_ros.model.components import max_tokens, require_loaded
from vljepa_ros.model.config import ModelConfig
from vljepa_ros.model.decoding import greedy
from vljepa_ros.model.phrases import PhraseBank, load_phrases


class GraphEngine(Engine):
    """Checks the arguments, reads and writes texts, and lets the backend run the networks."""

    def __init__(
        self,
        folder: Path,
        config: ModelConfig,
        backend: Backend,
        *,
        model_id: str,
        components: tuple[str, ...],
    ) -> None:
        """Take a backend that has loaded the components.

        Args:
            folder: the checkpoint.
            config: its configuration.
            backend: closed with the engine.
            model_id: the checkpoint's identity.
            components: the loaded ones.

        Raises:
            CheckpointError: a tokenizer is missing or damaged.
            MissingDependencyError: the library `tokenizers` is not installed.
        """
        self.config = config
        self.info = backend.info
        self.model_id = model_id
        self._tokenizers = load_tokenizers(folder, config, components)
        self._backend: Backend | None = backend
        self._components = components
        self._folder = folder
        self._phrases: PhraseBank | None = None

    def encode(self, clips: np.ndarray) -> Any:
        """Encode clips uint8 [B, T, H, W, 3] into visual tokens, where the backend keeps them."""
        size = self.config.image_size
        expected = (self.config.clip_frames, size, size, 3)
        if clips.dtype != np.uint8 or clips.shape[1:] != expected or not len(clips):
            raise EngineError(
                f'clips must be uint8 of shape [B, {", ".join(map(str, expected))}] with B >= 1, '
                f'not {clips.dtype} {list(clips.shape)}'
            )
        return self._run('x_encoder', np.ascontiguousarray(clips))

    def predict(self, features: Any, queries: Sequence[str]) -> np.ndarray:
        """Predict unit vectors float32 [B, Q, D]."""
        ids, mask = self._read('predictor', [self.config.query(query) for query in queries])
        return self._result('predictor', features, ids, mask)

    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts into unit vectors float32 [N, D]."""
        prompt = self.config.y_encoder.prompt
        ids, mask = self._read('y_encoder', [text.strip() and prompt + text for text in texts])
        return self._result('y_encoder', ids, mask)

    def decode(self, embeddings: np.ndarray) -> list[DecodedText]:
        """Turn embeddings float32 [N, D] into texts."""
        vectors = self._vectors('embeddings', embeddings)
        require_loaded(self.config, 'y_decoder', self._components)
        if not len(vectors):
            return []
        tokenizer = self._tokenizers['y_decoder']
        texts, scores = greedy(
            lambda rows, ids: self._result('y_decoder', vectors[rows], ids),
            batch=len(vectors),
            max_tokens=self.config.y_decoder.max_tokens,
            bos=tokenizer.bos,
            eos=tokenizer.eos,
            pad=tokenizer.pad,
        )
        return [
            DecodedText(tokenizer.decode(row), score)
            for row, score in zip(texts, scores.tolist(), strict=True)
        ]

    def nearest(self, embeddings: np.ndarray) -> list[DecodedText]:
        """Turn embeddings float32 [N, D] into the nearest texts of the phrase bank."""
        vectors = self._vectors('embeddings', embeddings)
        _ = self._opened  # a closed engine has no phrases either
        if self._phrases is None:
            self._phrases = load_phrases(
                self._folder, model_id=self.model_id, dim=self.config.embedding_dim
            )
        return [
            DecodedText(text, min(1.0, max(0.0, cosine)))
            for text, cosine in self._phrases.nearest(vectors)
        ]

    def transition(self, states: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Predict the states float32 [B, N, D] after actions [N, D] in states [B, D]."""
        before = self._vectors('states', states)
        done = self._vectors('actions', actions)
        require_loaded(self.config, 'transition', self._components)
        if not (len(before) and len(done)):
            return np.zeros((len(before), len(done), self.config.embedding_dim), np.float32)
        return self._result('transition', before, done)

    def inverse(self, initial: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """Predict the actions float32 [B, D] from initial [B, D] and goal states [B, D]."""
        first = self._vectors('initial', initial)
        last = self._vectors('goal', goal)
        require_loaded(self.config, 'inverse', self._components)
        if len(first) != len(last):
            raise EngineError(
                f'initial and goal must have the same length: each initial state has its goal. '
                f'They have {len(first)} and {len(last)}'
            )
        return self._result('inverse', first, last) if len(first) else first

    def close(self) -> None:
        """Free the memory of the backend; a second call does nothing."""
        if self._backend is not None:
            self._backend.close()
        self._backend = self._phrases = None

    @property
    def _opened(self) -> Backend:
        if self._backend is None:
            raise EngineError('The engine is closed; load the model again with load_engine')
        return self._backend

    def _run(self, graph: str, *inputs: Any) -> Any:
        backend = self._opened
        require_loaded(self.config, graph, self._components)
        return backend.run(graph, *inputs)

    def _result(self, graph: str, *inputs: Any) -> np.ndarray:
        output = self._opened.to_numpy(self._run(graph, *inputs))
        if np.isnan(output).any():
            raise EngineError(
                f'{graph} gives no numbers on {self.info.backend} in {self.info.precision}. Use '
                'another precision or backend'
            )
        return output

    def _read(self, component: str, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return token ids int64 [N, L] and mask bool [N, L] of texts."""
        _ = self._opened
        require_loaded(self.config, component, self._components)
        limit = max_tokens(self.config, component)
        return self._tokenizers[component].encode(texts, max_tokens=limit)

    def _vectors(self, name: str, array: np.ndarray) -> np.ndarray:
        """Return embeddings as float32 [N, D]; `name` stands in the error for another shape."""
        width = self.config.embedding_dim
        if array.ndim != 2 or array.shape[1] != width:
            raise EngineError(f'{name} must have the shape [N, {width}], not {list(array.shape)}')
        return np.ascontiguousarray(array, dtype=np.float32)
