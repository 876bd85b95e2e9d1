# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Decoded captions: are the facts right, and how close is the wording (CIDEr)?

CIDEr is pycocoevalcap's `Cider()`. Its tokens here: lower case, words and digits only, split at
spaces. The references of a clip are all phrasings of its segment in the split's words; the
document frequencies come from the references of the clips that are scored together. The number is
the library's own, ten for a perfect match of a single reference.
"""

from __future__ import annotations

import importlib
import re
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from training.evaluation.intervals import exact, mean_score, rate_score
from training.evaluation.measured import Measured, majority_share
from training.world.language import caption, parse_caption, phrasings
from training.world.symbols import Segment
from vljepa_ros.errors import MissingDependencyError

Facts = tuple[Hashable, ...]


def facts_of(segment: Segment) -> Facts:
    """Return what a caption must say: verb, object, colour, target and reference."""
    other = segment.reference
    reference = (other.kind, other.colour) if other else None
    return segment.action, segment.kind, segment.colour, segment.target, reference


def facts_in(text: str) -> Facts:
    """Return what a text says; facts that it does not name are None."""
    found = parse_caption(text)
    return found.action, found.kind, found.colour, found.target, found.reference


def tokens(text: str) -> str:
    """Return a text as CIDEr gets it: lower case, words and digits only, single spaces."""
    return ' '.join(re.findall(r'[a-z0-9]+', text.lower()))


def cider_library(module: str) -> Any:
    """Return a module of pycocoevalcap's CIDEr.

    Raises:
        MissingDependencyError: pycocoevalcap is not installed.
    """
    try:
        return importlib.import_module(f'pycocoevalcap.cider.{module}')
    except ImportError as error:
        raise MissingDependencyError(
            'CIDEr needs pycocoevalcap, which is not installed. Install it with: '
            'pip install pycocoevalcap'
        ) from error


def cider_scores(texts: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """Return CIDEr float64 [N] of texts against their references.

    Raises:
        MissingDependencyError: pycocoevalcap is not installed.
    """
    scorer = cider_library('cider').Cider()
    truth = {row: [tokens(text) for text in own] for row, own in enumerate(references)}
    given = {row: [tokens(text)] for row, text in enumerate(texts)}
    return np.asarray(scorer.compute_score(truth, given)[1])


def score_captions(
    texts: Sequence[str],
    segments: Sequence[Segment],
    *,
    episodes: Sequence[int],
    unseen: bool,
    prior: Mapping[str, float],
    decoder: str = '',
) -> Measured:
    """Score decoded texts.

    Args:
        texts: N.
        segments: what the clips show.
        episodes: where each comes from.
        unseen: references in the words of the split `paraphrase`.
        prior: canonical caption -> how often training shows it; the blind baseline always gives
            the most frequent one.
        decoder: '' for the Y-Decoder, else a suffix of the metrics, such as '_nearest'.
    """
    truth = [facts_of(segment) for segment in segments]
    references = [phrasings(segment, unseen=unseen) for segment in segments]
    canonical = [caption(segment) for segment in segments]
    right = [facts_in(text) == true for text, true in zip(texts, truth, strict=True)]
    result = Measured()
    facts, cider = f'facts{decoder}', f'cider{decoder}'
    result.scores[facts] = rate_score(right, episodes)
    result.scores[cider] = mean_score(cider_scores(texts, references), episodes)
    common = max(prior, key=lambda text: prior[text], default='')
    if not decoder:
        counts = Counter(truth)
        # Chance: the right texts, dealt to the clips at random.
        dealt = sum(count * count for count in counts.values()) / max(len(truth), 1) ** 2
        order = np.random.default_rng(0).permutation(len(texts))
        constants = {
            'chance': [canonical[index] for index in order],
            'majority': [Counter(canonical).most_common(1)[0][0]] * len(texts) if texts else [],
            'blind': [common] * len(texts),
        }
        for baseline, given in constants.items():
            score = mean_score(cider_scores(given, references), episodes)
            result.scores[f'{cider}:{baseline}'] = score
        blind = facts_in(common)
        result.scores[f'{facts}:chance'] = exact(dealt)
        result.scores[f'{facts}:majority'] = exact(majority_share(truth))
        result.scores[f'{facts}:blind'] = rate_score([true == blind for true in truth], episodes)
    result.raw[facts] = {
        'episode': list(episodes),
        'right': [int(value) for value in right],
        'truth': list(canonical),
        'text': list(texts),
    }
    return result
