# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Discriminative VQA: the candidate answer that is nearest to the prediction, by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from training.evaluation.baselines import AnswerPrior
from training.evaluation.choices import nearest
from training.evaluation.intervals import mean_score, rate_score
from training.evaluation.measured import Measured, by_frequency
from training.world.language import Question


def score_vqa(
    predicted: np.ndarray,
    questions: Sequence[Question],
    candidates: Sequence[np.ndarray],
    *,
    episodes: Sequence[int],
    prior: AnswerPrior,
) -> Measured:
    """Score the share of right answers, overall and for each kind of question.

    Args:
        predicted: unit vectors float32 [N, D], the answers to the questions; NaN where a question
            is too long for the model, which is as wrong as any other wrong answer.
        questions: N.
        candidates: for each the embeddings float32 [C, D] of its candidates.
        episodes: where each comes from.
        prior: the answers of training; the blind baseline gives the most frequent one to the
            question's text.
    """
    chosen = nearest(predicted, candidates)
    read = np.isfinite(predicted).all(-1)
    right = [
        bool(known) and question.candidates[index] == question.answer
        for question, index, known in zip(questions, chosen, read, strict=True)
    ]
    frequent: dict[str, Counter[str]] = {}
    for question in questions:
        frequent.setdefault(question.kind, Counter())[question.answer] += 1
    lines: dict[str, Sequence[float]] = {
        '': right,
        ':chance': [1.0 / len(question.candidates) for question in questions],
        ':majority': [_taken(question, frequent[question.kind]) for question in questions],
        ':blind': [_taken(question, prior.weights(question)) for question in questions],
    }
    result = Measured()
    kinds = list(dict.fromkeys(question.kind for question in questions))
    for metric, kind in [('vqa', None), *((f'vqa_{kind}', kind) for kind in kinds)]:
        rows = [r for r, q in enumerate(questions) if kind is None or q.kind == kind]
        of = [episodes[row] for row in rows]
        for suffix, values in lines.items():
            score = mean_score if suffix == ':chance' else rate_score
            result.scores[metric + suffix] = score([values[row] for row in rows], of)
    result.raw['vqa'] = {
        'episode': list(episodes),
        'kind': [kinds.index(question.kind) for question in questions],
        'right': [int(value) for value in right],
    }
    return result


def _taken(question: Question, weights: dict[str, float] | Counter[str]) -> float:
    """Return how likely the most frequent candidate is the right one."""
    shares = by_frequency(question.candidates, weights)
    return shares[question.candidates.index(question.answer)]
