# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scores on a user's own videos, from embeddings alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.evaluation.choices import nearest
from training.evaluation.intervals import exact, mean_score, rate_score
from training.evaluation.manifest_file import Line
from training.evaluation.measured import Measured, majority_share

Texts = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Answer:
    """What a model says about one line; embeddings are unit vectors float32 [D].

    Attributes:
        line: of the manifest.
        video: number of its video.
        caption: answer to the query 'caption'.
        answer: to the question; None if there is none.
        action: between the two pictures; None if none is asked for.
    """

    line: Line
    video: int
    caption: np.ndarray
    answer: np.ndarray | None
    action: np.ndarray | None


def score_answers(answers: Sequence[Answer], texts: Texts) -> Measured:
    """Score every task that the lines hold.

    Args:
        answers: one a line.
        texts: text -> embedding, of all texts of the lines.
    """
    result = Measured()
    labels = _different(a.line.label for a in answers)
    _choice(
        result, 'classification', [(a, a.caption, a.line.label, labels) for a in answers], texts
    )
    retrieval(result, [a for a in answers if a.line.captions], texts)
    replies = _different(a.line.answer for a in answers)
    asked = [
        (a, a.answer, a.line.answer, a.line.candidates or replies)
        for a in answers
        if a.answer is not None
    ]
    _choice(result, 'vqa', asked, texts)
    actions = _different(a.line.action for a in answers)
    acted = [
        (a, a.action, a.line.action, (not a.line.question and a.line.candidates) or actions)
        for a in answers
        if a.action is not None
    ]
    _choice(result, 'action_inference', acted, texts)
    return result


def _different(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(text for text in dict.fromkeys(texts) if text)


def _choice(
    result: Measured,
    name: str,
    rows: Sequence[tuple[Answer, np.ndarray, str, tuple[str, ...]]],
    texts: Texts,
) -> None:
    """Score a choice among texts: (line, prediction, right text, candidates) each."""
    rows = [row for row in rows if row[2]]
    if not rows:
        return
    videos = [answer.video for answer, *_ in rows]
    chosen = nearest(
        np.stack([predicted for _, predicted, _, _ in rows]),
        [np.stack([texts[text] for text in candidates]) for *_, candidates in rows],
    )
    given = [candidates[index] for (*_, candidates), index in zip(rows, chosen, strict=True)]
    truth = [right for _, _, right, _ in rows]
    result.scores[name] = rate_score(
        [int(one == other) for one, other in zip(given, truth, strict=True)], videos
    )
    result.scores[f'{name}:chance'] = mean_score(
        [1.0 / len(candidates) for *_, candidates in rows], videos
    )
    result.scores[f'{name}:majority'] = exact(majority_share(truth))
    result.raw[name] = {
        'line': [answer.line.number for answer, *_ in rows],
        'truth': list(truth),
        'answer': list(given),
    }


def retrieval(result: Measured, answers: Sequence[Answer], texts: Texts) -> None:
    """Score text-to-video retrieval among all lines with a caption.

    Every caption of a line is a query. Lines that share the caption are all right, so they do not
    count against each other.
    """
    if not answers:
        return
    clips = np.stack([answer.caption for answer in answers])
    owners: Counter[int] = Counter()
    hits = {1: np.zeros(len(answers)), 5: np.zeros(len(answers))}
    for row, answer in enumerate(answers):
        for text in answer.line.captions:
            similar = clips @ texts[text]
            others = [text not in other.line.captions for other in answers]
            rank = int((similar[np.array(others)] >= similar[row]).sum())
            owners[row] += 1
            for limit, counts in hits.items():
                counts[row] += rank < limit
    for limit, counts in hits.items():
        shares = [counts[row] / owners[row] for row in range(len(answers))]
        name = f'retrieval_r{limit}'
        result.scores[name] = rate_score(shares, [answer.video for answer in answers])
        result.scores[f'{name}:chance'] = exact(min(1.0, limit / len(answers)))
    result.raw['retrieval'] = {
        'line': [answer.line.number for answer in answers],
        'in_first_place': (hits[1] / [owners[row] for row in range(len(answers))]).tolist(),
    }
