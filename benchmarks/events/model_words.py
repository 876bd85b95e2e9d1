# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The model's words, each embedding decoded once however many policies ask for it."""

from __future__ import annotations

import numpy as np

from vljepa_ros.errors import CheckpointError
from vljepa_ros.inference import Engine

AT_ONCE = 64


class ModelWords:
    """Decodes, and tells quiet embeddings."""

    def __init__(self, engine: Engine) -> None:
        """Use an engine with a Y-Decoder."""
        self._engine = engine
        self._known: dict[bytes, str] = {}
        self._quiet: dict[bytes, bool] = {}

    def decode(self, embeddings: np.ndarray) -> list[str]:
        """Return the texts of embeddings [N, D]."""
        vectors = embeddings.astype(np.float32)
        keys = [vector.tobytes() for vector in vectors]
        new = {key: row for row, key in enumerate(keys) if key not in self._known}
        order = list(new.items())
        for at in range(0, len(order), AT_ONCE):
            part = order[at : at + AT_ONCE]
            texts = self._engine.decode(vectors[[row for _, row in part]])
            self._known.update(
                (key, text.text) for (key, _), text in zip(part, texts, strict=True)
            )
        return [self._known[key] for key in keys]

    def quiet(self, embedding: np.ndarray) -> bool:
        """Return whether the phrase nearest to an embedding [D] says that nothing happens."""
        vector = embedding.astype(np.float32)
        key = vector.tobytes()
        if key not in self._quiet:
            self._quiet[key] = self._nearest(vector) in self._engine.config.quiet_texts
        return self._quiet[key]

    def _nearest(self, vector: np.ndarray) -> str:
        try:
            return self._engine.nearest(vector[None])[0].text
        except CheckpointError:  # no phrase bank: everything is decoded
            return ''
