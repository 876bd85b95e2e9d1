# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Action inference: which of four actions leads from the initial to the final image?

Protocol of WorldPrediction-WM (arXiv 2506.04363) as used in arXiv 2512.10942, §4.3: the two images
are each repeated to fill half a clip, and the model answers the query 'action'. The candidates are
texts, embedded by the Y-Encoder, or clips of the same actions in other scenes, seen by other
cameras, embedded as the model's answers to the query 'caption'. The nearest wins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from training.evaluation.action_items import CANDIDATES, ActionItem, split_for, wanted_of
from training.evaluation.choices import most_central, nearest
from training.evaluation.classification import Label
from training.evaluation.intervals import exact, rate_score
from training.evaluation.items import Request, SegmentItem
from training.evaluation.measured import Measured, by_frequency
from training.evaluation.observe import answer
from training.evaluation.test_set import Drawer, Job, View, load_all
from training.world.language import caption, draw_phrasing
from vljepa_ros.inference import Engine


def score_choices(
    name: str,
    predicted: np.ndarray,
    candidates: Sequence[np.ndarray],
    items: Sequence[ActionItem],
    *,
    episodes: Sequence[int],
    prior: Mapping[Label, float],
) -> Measured:
    """Score how often the nearest candidate is the right one.

    Args:
        name: of the metric.
        predicted: unit vectors float32 [N, D], the answers to the query 'action'.
        candidates: N arrays of unit vectors float32 [4, D].
        items: N.
        episodes: where each pair of pictures comes from.
        prior: how often training shows each (action, kind); for the blind baseline, which takes
            the most frequent candidate. `blind_central` takes the candidate most like the others.
    """
    chosen = nearest(predicted, candidates)
    central = most_central(candidates)
    labels = [[(one.action, one.kind) for one in item.candidates] for item in items]
    answers = [item.answer for item in items]
    frequent = Counter(own[answer] for own, answer in zip(labels, answers, strict=True))

    def taken(counts: Mapping[Label, float]) -> list[float]:
        pairs = zip(labels, answers, strict=True)
        return [by_frequency(own, counts)[answer] for own, answer in pairs]

    right = [int(a == b) for a, b in zip(chosen, answers, strict=True)]
    result = Measured()
    result.scores[name] = rate_score(right, episodes)
    result.scores[f'{name}:chance'] = exact(1.0 / CANDIDATES)
    result.scores[f'{name}:majority'] = rate_score(taken(frequent), episodes)
    result.scores[f'{name}:blind'] = rate_score(taken(prior), episodes)
    result.scores[f'{name}:blind_central'] = rate_score(
        [int(a == b) for a, b in zip(central, answers, strict=True)], episodes
    )
    result.raw[name] = {
        'episode': list(episodes),
        'answer': [caption(item.candidates[item.answer]) for item in items],
        'chosen': [
            caption(item.candidates[index]) for item, index in zip(items, chosen, strict=True)
        ],
        'fact': [item.fact for item in items],
    }
    return result


def candidate_texts(items: Sequence[ActionItem], *, unseen: bool) -> list[list[str]]:
    """Return the texts of each item's candidates.

    In the split `paraphrase` the four of an item are phrased from the same draw, so that they
    differ in the fact and as little as possible in the wording.
    """
    if not unseen:
        return [[caption(one) for one in item.candidates] for item in items]
    return [
        [
            draw_phrasing(one, np.random.default_rng([item.row, 6]), unseen=True)
            for one in item.candidates
        ]
        for item in items
    ]


def candidate_jobs(
    items: Sequence[ActionItem], *, folder: Path, split: str, seeds: range, view: View
) -> list[list[Job]]:
    """Return for each item the four episodes to draw, each with a seed of its own."""
    numbers = iter(seeds)
    return [
        [
            Job(folder, split_for(one, split), next(numbers), view, wanted_of(one))
            for one in item.candidates
        ]
        for item in items
    ]


def embed_candidate_clips(
    engine: Engine, jobs: Sequence[Sequence[Job]], *, drawer: Drawer, split: str
) -> list[np.ndarray | None]:
    """Draw and embed the candidate clips; None for an item that lacks one of them.

    Returns:
        For each item unit vectors float32 [4, D].
    """
    flat = [job for own in jobs for job in own]
    drawer.draw_missing(flat, title=f'draw candidates {split}')
    found: list[np.ndarray | None] = [None] * len(flat)
    there: list[int] = []

    def requests() -> Iterator[Request]:
        bar = tqdm(load_all(flat), total=len(flat), desc=f'watch candidates {split}')
        for index, episode in enumerate(bar):
            if episode is not None:
                there.append(index)
                item = SegmentItem(episode.seed, episode.segments[0])
                yield Request(episode.frames, ('caption',), (item,))

    for number, (_, answers) in enumerate(answer(engine, requests())):
        found[there[number]] = answers[0]
    results: list[np.ndarray | None] = []
    for start in range(0, len(flat), CANDIDATES):
        own = [vector for vector in found[start : start + CANDIDATES] if vector is not None]
        results.append(np.stack(own) if len(own) == CANDIDATES else None)
    return results
