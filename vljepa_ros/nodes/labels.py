# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The open vocabulary of a node: labels that may change at any time, with their embeddings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vljepa_ros.inference import Engine
from vljepa_ros.nodes.model_call import TEXTS_AT_ONCE


class Labels:
    """Embeds labels in portions, so that new ones hold up no stream."""

    def __init__(self, engine: Engine) -> None:
        """Begin with none; only the engine's thread may call `vectors`."""
        self._engine = engine
        self._known: dict[str, np.ndarray] = {}
        self._matrix: tuple[tuple[str, ...], np.ndarray] | None = None

    def vectors(self, labels: Sequence[str]) -> np.ndarray | None:
        """Return the unit vectors float32 [N, D] of labels, embedding a portion of new ones.

        Returns:
            None while some are still to be embedded: call again.

        Raises:
            ConfigurationError: a label is too long.
        """
        wanted = tuple(labels)
        if self._matrix is not None and self._matrix[0] == wanted:
            return self._matrix[1]
        self._known = {label: self._known[label] for label in wanted if label in self._known}
        missing = [label for label in dict.fromkeys(wanted) if label not in self._known]
        portion = missing[:TEXTS_AT_ONCE]
        if portion:
            embedded = self._engine.embed_text(portion)
            self._known.update(zip(portion, embedded, strict=True))
        if len(missing) > len(portion):
            return None
        self._matrix = wanted, np.stack([self._known[label] for label in wanted])
        return self._matrix[1]
