# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""CIDEr of many sets of texts against the same references, whose document frequencies stay."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from training.evaluation.captions import cider_library, tokens


class FixedCider:
    """Scores as `captions.cider_scores` does, but each pair of text and reference only once."""

    def __init__(self, references: Sequence[Sequence[str]]) -> None:
        """Count the words of the references.

        Args:
            references: of each item; all items that are ever scored together.

        Raises:
            MissingDependencyError: pycocoevalcap is not installed.
        """
        library = cider_library('cider_scorer')
        self._cook = library.cook_test
        counted = library.CiderScorer()
        groups: dict[tuple[str, ...], Any] = {}
        self._groups = [tuple(tokens(text) for text in own) for own in references]
        for group in self._groups:
            if group not in groups:
                groups[group] = library.cook_refs(group)
            counted.crefs.append(groups[group])
        counted.compute_doc_freq()
        self._cooked = groups
        self._scorer = _fixed(library.CiderScorer, counted, documents=len(references))
        self._known: dict[tuple[tuple[str, ...], str], float] = {}

    def scores(self, texts: Sequence[str]) -> np.ndarray:
        """Return CIDEr float64 [N], one text for each item's references."""
        given = [tokens(text) for text in texts]
        pairs = list(zip(self._groups, given, strict=True))
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self._known]
        if new:
            self._score(new)
        return np.array([self._known[pair] for pair in pairs])

    def _score(self, new: Sequence[tuple[tuple[str, ...], str]]) -> None:
        self._scorer.crefs = [self._cooked[group] for group, _ in new]
        self._scorer.ctest = [self._cook(text) for _, text in new]
        self._known.update(zip(new, map(float, self._scorer.compute_cider()), strict=True))


def _fixed(kind: Any, counted: Any, *, documents: int) -> Any:
    """Return a scorer that keeps the frequencies of other references than those it scores."""

    class Fixed(kind):
        # compute_cider() sets it from the number of items that it scores.
        ref_len = property(lambda self: math.log(documents), lambda self, value: None)

    scorer = Fixed()
    scorer.document_frequency = counted.document_frequency
    return scorer
