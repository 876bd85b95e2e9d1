# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The tasks of one split: from what a model answered to the scores.

In the split `composition` only unseen combinations are scored; clips of seen ones serve as
distractors of the retrieval, and the questions are asked about whole scenes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from training.evaluation.action_choice import (
    candidate_jobs,
    candidate_texts,
    embed_candidate_clips,
    score_choices,
)
from training.evaluation.action_items import action_items
from training.evaluation.baselines import Prior
from training.evaluation.captions import score_captions
from training.evaluation.classification import Label, score_classification
from training.evaluation.dual_encoder import DualEncoder, answer_text
from training.evaluation.items import EARLY_S
from training.evaluation.measured import Measured
from training.evaluation.observe import Answered, Observed, embed_texts
from training.evaluation.retrieval import POOL_SIZE, draw_pools, score_retrieval
from training.evaluation.test_set import Drawer, View
from training.evaluation.vqa import score_vqa
from training.world.language import action_phrases, caption, draw_phrasing
from training.world.splits import SPLIT_CODE, is_unseen
from training.world.symbols import Segment
from vljepa_ros.errors import CheckpointError
from vljepa_ros.inference import Engine

# Seconds between the end of the clip and the beginning of the action.
ANTICIPATION = {'anticipation': 0.0, 'anticipation_early': EARLY_S}


@dataclass
class SplitContext:
    """One model on one split."""

    engine: Engine
    split: str
    prior: Prior
    observed: Observed
    notes: list[str] = field(default_factory=list)

    @property
    def unseen_words(self) -> bool:
        """Whether texts are in words that training never shows."""
        return self.split == 'paraphrase'

    def scored(self, segment: Segment) -> bool:
        """Tell whether a segment is scored, not only shown."""
        return self.split != 'composition' or is_unseen(segment)

    def note(self, text: str) -> None:
        """Keep what a reader of the scores must know."""
        self.notes.append(f'{self.split}: {text}')


def simple_tasks(context: SplitContext) -> list[Measured]:
    """Score everything that needs no further clips."""
    observed = context.observed
    actions = [
        item.segment.action != 'idle' and context.scored(item.segment)
        for item in observed.segments.items
    ]
    shown = observed.segments.where(actions)
    tasks = [
        _labels(context, 'classification', shown),
        retrieval(context),
        vqa(context),
    ]
    for name, before_s in ANTICIPATION.items() if 'next' in context.engine.config.queries else ():
        coming = observed.nexts.where(
            [
                item.before_s == before_s and context.scored(item.segment)
                for item in observed.nexts.items
            ]
        )
        tasks.append(_labels(context, name, coming))
    return tasks + captions(context, shown)


def _labels(context: SplitContext, name: str, shown: Answered) -> Measured:
    phrases = action_phrases(unseen=context.unseen_words)
    labels: list[Label] = [(phrase.action, phrase.kind) for phrase in phrases]
    found = embed_texts(context.engine, [phrase.text for phrase in phrases])
    return score_classification(
        name,
        shown.embeddings,
        [(item.segment.action, item.segment.kind) for item in shown.items],
        episodes=[item.episode for item in shown.items],
        labels=labels,
        label_embeddings=np.stack([found[phrase.text] for phrase in phrases]),
        prior=context.prior.labels,
    )


def retrieval(context: SplitContext) -> Measured:
    """Score retrieval among all segments, idle ones too."""
    shown = context.observed.segments
    segments = [item.segment for item in shown.items]
    queried = [context.scored(segment) for segment in segments]
    pools = draw_pools([caption(segment) for segment in segments], preferred=queried)
    if len(pools[0]) < POOL_SIZE:
        context.note(f'retrieval among {len(pools[0])} clips, as there are no more captions')
    code = SPLIT_CODE[context.split]
    texts = [
        draw_phrasing(segment, np.random.default_rng([code, row]), unseen=True)
        if context.unseen_words
        else caption(segment)
        for row, segment in enumerate(segments)
    ]
    found = embed_texts(context.engine, texts)
    return score_retrieval(
        shown.embeddings,
        np.stack([found[text] for text in texts]),
        pools,
        episodes=[item.episode for item in shown.items],
        queried=queried,
    )


def vqa(context: SplitContext) -> Measured:
    """Score the answers to all questions."""
    asked = context.observed.questions
    questions = [item.question for item in asked.items]
    texts = [
        [
            answer_text(context.engine, question.text, candidate)
            for candidate in question.candidates
        ]
        for question in questions
    ]
    found = embed_texts(context.engine, [text for row in texts for text in row])
    prior = context.prior
    unread = int(np.isnan(asked.embeddings).any(-1).sum())
    if unread:
        context.note(
            f'{unread} of {len(questions)} questions are too long for the model and count as wrong'
        )
    return score_vqa(
        asked.embeddings,
        questions,
        [np.stack([found[text] for text in row]) for row in texts],
        episodes=[item.episode for item in asked.items],
        prior=prior.unseen_answers if context.unseen_words else prior.answers,
    )


def captions(context: SplitContext, shown: Answered) -> list[Measured]:
    """Score the texts of the Y-Decoder and of the nearest decoder, where there are such."""
    engine = context.engine
    if isinstance(engine, DualEncoder):
        return []  # it has no decoder
    texts = {'': [decoded.text for decoded in engine.decode(shown.embeddings)]}
    try:
        texts['_nearest'] = [decoded.text for decoded in engine.nearest(shown.embeddings)]
    except CheckpointError:  # whose message names a folder of this machine
        context.note('facts_nearest, cider_nearest left out: the model has no usable phrase bank')
    return [
        score_captions(
            given,
            [item.segment for item in shown.items],
            episodes=[item.episode for item in shown.items],
            unseen=context.unseen_words,
            prior=context.prior.captions,
            decoder=suffix,
        )
        for suffix, given in texts.items()
    ]


def action_choice(
    context: SplitContext,
    *,
    limit: int,
    seeds: range,
    world_seed: int,
    folder: Path,
    drawer: Drawer,
    view: View,
) -> list[Measured]:
    """Score action inference among texts and among clips, on the same choices.

    Args:
        context: the model and the split.
        limit: choices at most.
        seeds: of the candidate clips, four for each choice.
        world_seed: of the test set; it draws other choices too.
        folder: where drawn episodes are kept.
        drawer: draws the clips.
        view: what clips the model wants.
    """
    kept = [context.scored(item.segment) for item in context.observed.transitions.items]
    seen = context.observed.transitions.where(kept)
    items = action_items(seen.items, limit=limit, seed=world_seed, split=context.split)
    jobs = candidate_jobs(items, folder=folder, split=context.split, seeds=seeds, view=view)
    clips = embed_candidate_clips(context.engine, jobs, drawer=drawer, split=context.split)
    there = [row for row, found in enumerate(clips) if found is not None]
    if len(there) < len(items):
        context.note(
            f'{len(items) - len(there)} of {len(items)} choices were left out: the world cannot '
            'show one of their candidates'
        )
    items = [items[row] for row in there]
    if items:
        symmetric = sum(item.fact != 'mixed' for item in items)
        context.note(f'{symmetric} of {len(items)} choices differ in one and the same fact')
    texts = candidate_texts(items, unseen=context.unseen_words)
    found = embed_texts(context.engine, [text for row in texts for text in row])
    candidates = {
        'action4_text': [np.stack([found[text] for text in row]) for row in texts],
        'action4_clip': [clip for clip in clips if clip is not None],
    }
    predicted = seen.embeddings[np.array([item.row for item in items], int)]
    return [
        score_choices(
            name,
            predicted,
            own,
            items,
            episodes=[seen.items[item.row].episode for item in items],
            prior=context.prior.labels,
        )
        for name, own in candidates.items()
    ]
