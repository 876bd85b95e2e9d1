# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A CLIP-style baseline: one embedding a clip, whatever is asked; the text side gets the question.

Radford et al. 2021 (arXiv 2103.00020): video and text are embedded apart and compared. As such a
model cannot be asked anything, a question is put before each candidate answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vljepa_ros.inference import DecodedText, Engine, load_engine

VIDEO_QUERY = 'caption'


class DualEncoder(Engine):
    """A checkpoint of the same form whose answer to any query is its caption embedding."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.config = engine.config
        self.model_id = engine.model_id
        self.info = engine.info

    def encode(self, clips: np.ndarray) -> Any:
        """Encode clips as the engine does."""
        return self._engine.encode(clips)

    def predict(self, features: Any, queries: Sequence[str]) -> np.ndarray:
        """Return the clip's one embedding for every query, float32 [B, Q, D]."""
        clip = self._engine.predict(features, [VIDEO_QUERY])
        return np.repeat(clip, len(queries), axis=1)

    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts into unit vectors float32 [N, D]."""
        return self._engine.embed_text(texts)

    def decode(self, embeddings: np.ndarray) -> list[DecodedText]:
        """Turn embeddings into texts, if the checkpoint can."""
        return self._engine.decode(embeddings)

    def transition(self, states: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Predict states, if the checkpoint can."""
        return self._engine.transition(states, actions)

    def inverse(self, initial: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """Predict actions, if the checkpoint can."""
        return self._engine.inverse(initial, goal)

    def nearest(self, embeddings: np.ndarray) -> list[DecodedText]:
        """Rank the phrase bank, if the checkpoint has one."""
        return self._engine.nearest(embeddings)

    def close(self) -> None:
        """Free the memory."""
        self._engine.close()


def answer_text(engine: Engine, question: str, candidate: str) -> str:
    """Return the text of a candidate answer as this model is to compare it with the clip."""
    return f'{question} {candidate}' if isinstance(engine, DualEncoder) else candidate


def load_dual_encoder(folder: str | Path, *, backend: str, device: str) -> DualEncoder:
    """Load a dual encoder's checkpoint; arguments and errors as in `load_engine`."""
    components = ('x_encoder', 'predictor', 'y_encoder')
    return DualEncoder(load_engine(folder, backend=backend, device=device, components=components))
