# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What one knows of the world without seeing a clip: the frequencies of the training split.

Episodes of training are planned, not drawn: a blind baseline needs no pictures.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from training.evaluation.classification import Label
from training.world import plan_episode
from training.world.language import caption
from training.world.language.questions import Question, questions

PLANS = 400
# So many observations the answers to all questions of a kind weigh beside those to one text.
KIND_WEIGHT = 2.0


@dataclass
class AnswerPrior:
    """How often training gives which answer, by the question's text and by its kind."""

    texts: dict[str, Counter[str]] = field(default_factory=dict)
    kinds: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, question: Question) -> None:
        """Count one question."""
        self.texts.setdefault(question.text, Counter())[question.answer] += 1
        self.kinds.setdefault(question.kind, Counter())[question.answer] += 1

    def weights(self, question: Question) -> dict[str, float]:
        """Return a weight for each candidate; a text never seen falls back to its kind."""
        text = self.texts.get(question.text, Counter())
        kind = self.kinds.get(question.kind, Counter())
        total = max(kind.total(), 1)
        return {
            answer: text[answer] + KIND_WEIGHT * kind[answer] / total
            for answer in question.candidates
        }


@dataclass
class Prior:
    """Frequencies in training.

    Attributes:
        labels: (action, kind) -> how many segments, idle ones left out.
        captions: canonical caption -> how many segments, idle ones left out.
        answers: of the questions, in the words of training.
        unseen_answers: the same in the words of the split `paraphrase`, so that the blind baseline
            is not weak there only because it does not know the words.
    """

    labels: Counter[Label] = field(default_factory=Counter)
    captions: Counter[str] = field(default_factory=Counter)
    answers: AnswerPrior = field(default_factory=AnswerPrior)
    unseen_answers: AnswerPrior = field(default_factory=AnswerPrior)


@cache
def train_prior(plans: int = PLANS) -> Prior:
    """Count what happens in the first episodes of the training split."""
    prior = Prior()
    for seed in range(plans):
        plan = plan_episode(seed=seed, split='train')
        rng = np.random.default_rng([seed, 11])
        for segment in plan.segments:
            if segment.action != 'idle':
                prior.labels[segment.action, segment.kind] += 1
                prior.captions[caption(segment)] += 1
            scene = plan.scene((segment.start_s + segment.end_s) / 2)
            for question in questions(scene, rng):
                prior.answers.add(question)
            for question in questions(scene, rng, unseen=True):
                prior.unseen_answers.add(question)
    return prior
