# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the Predictor is trained on: clips, and for each some questions with their answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from training.concepts import NOTHING, Concepts


@dataclass(frozen=True)
class QueryAnswer:
    """A question about a clip and its answer.

    Attributes:
        query: The text that the Predictor reads.
        answer: The text whose embedding it is to predict.
        meaning: Equal for answers that mean the same; such answers are no negatives of each other.
        negatives: Wrong answers that are easily taken for the right one.
        shown: What is known of what is asked about, as far as `Pairings` needs it.
        said: What the answer says of it.
        negatives_said: What each negative says; empty where nothing is known of them.
    """

    query: str
    answer: str
    meaning: str
    negatives: tuple[str, ...] = ()
    shown: Concepts = NOTHING
    said: Concepts = NOTHING
    negatives_said: tuple[Concepts, ...] = ()


class ClipSource(Protocol):
    """A fixed list of clips; the texts are drawn anew each time.

    Attributes:
        fingerprint: Changes when any clip changes; cached features are kept under it.
        skipped: Broken clips that were left out.
    """

    fingerprint: str
    skipped: int

    def __len__(self) -> int:
        """Return the number of clips."""

    def clip(self, index: int) -> np.ndarray:
        """Return a clip, uint8 [T, S, S, 3], the same each time."""

    def pairs(self, index: int, rng: np.random.Generator) -> list[QueryAnswer]:
        """Draw one or more questions about a clip."""
