# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs all tasks on the splits and gathers their scores."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from training.evaluation.action_items import CANDIDATES
from training.evaluation.baselines import train_prior
from training.evaluation.dual_encoder import DualEncoder
from training.evaluation.items import Request, requests_of
from training.evaluation.measured import Measured
from training.evaluation.observe import Observed, embed_texts, observe
from training.evaluation.results import Results
from training.evaluation.split_tasks import SplitContext, action_choice, simple_tasks
from training.evaluation.test_set import (
    DEFAULT_CACHE,
    Drawer,
    Job,
    View,
    load_all,
    seeds_of,
    world_folder,
)
from training.evaluation.triplets import score_triplets
from training.world.language.triplets import triplets
from vljepa_ros.errors import ConfigurationError
from vljepa_ros.inference import Engine


@dataclass(frozen=True)
class Sizes:
    """How much is measured.

    Attributes:
        episodes: of each split.
        choices: action inferences of each split; each draws four candidate clips.
        triplets: text triplets.
        plans: training episodes that the blind baselines count.
    """

    episodes: int
    choices: int
    triplets: int
    plans: int


# Queries that a checkpoint may lack, and the tasks that need them.
ASKED = {
    'next': 'anticipation, anticipation_early',
    'action': 'action4_text, action4_clip',
}
FULL = Sizes(episodes=120, choices=300, triplets=2000, plans=400)
QUICK = Sizes(episodes=8, choices=6, triplets=300, plans=60)


@dataclass(frozen=True)
class Suite:
    """What to measure, and where the episodes are kept.

    Attributes:
        sizes: how much.
        drawer: draws what is missing.
        world_seed: 0 for the reported test set, another one for a fresh one.
        folder: of the drawn episodes.
    """

    sizes: Sizes
    drawer: Drawer
    world_seed: int = 0
    folder: Path = field(default_factory=lambda: world_folder(DEFAULT_CACHE))

    @property
    def candidate_seeds(self) -> range:
        """Seeds of the candidate clips."""
        return seeds_of(self.world_seed, CANDIDATES * self.sizes.choices, wanted=True)

    def run(
        self, engine: Engine, splits: list[str], results: Results, dual: DualEncoder | None = None
    ) -> None:
        """Measure a model, and a dual encoder beside it, on some splits and on the triplets.

        Raises:
            ConfigurationError: the two models want different clips.
        """
        view = view_of(engine)
        if dual is not None and view_of(dual) != view:
            raise ConfigurationError(
                f'The dual encoder wants {view_of(dual)}, the model {view}; they are compared on '
                'the same clips, so train one with the clip settings of the other'
            )
        results.seeds = {
            'world_seed': self.world_seed,
            'episodes': _ends(seeds_of(self.world_seed, self.sizes.episodes)),
            'candidate_clips': _ends(self.candidate_seeds),
            'training_plans': _ends(range(self.sizes.plans)),
        }
        results.notes += [
            f'{tasks} left out: the model has no query {query!r}'
            for query, tasks in ASKED.items()
            if query not in engine.config.queries
        ]
        models: list[tuple[str, Engine]] = [('', engine)]
        if dual is None:
            results.notes.append('dual_encoder: no checkpoint was given (--dual-encoder FOLDER)')
        else:
            models.append(('dual_encoder', dual))
        for split in splits:
            for baseline, model in models:
                self.split(model, split, results, baseline=baseline)
        for baseline, model in models:
            add(results, self.triplets(model), baseline=baseline)

    def split(self, engine: Engine, split: str, results: Results, *, baseline: str = '') -> None:
        """Measure one model on one split."""
        observed = self.observe(engine, split)
        prior = train_prior(self.sizes.plans)
        context = SplitContext(engine, split, prior, observed)
        tasks = simple_tasks(context)
        if 'action' in engine.config.queries:
            tasks += action_choice(
                context,
                limit=self.sizes.choices,
                seeds=self.candidate_seeds,
                world_seed=self.world_seed,
                folder=self.folder,
                drawer=self.drawer,
                view=view_of(engine),
            )
        for measured in tasks:
            add(results, measured, split=split, baseline=baseline)
        results.notes += [note for note in context.notes if note not in results.notes]

    def observe(self, engine: Engine, split: str) -> Observed:
        """Draw what is missing of a split and run it through a model."""
        view = view_of(engine)
        seeds = seeds_of(self.world_seed, self.sizes.episodes)
        jobs = [Job(self.folder, split, seed, view) for seed in seeds]
        self.drawer.draw_missing(jobs, title=f'draw {split}')

        def requests() -> Iterator[Request]:
            for episode in tqdm(load_all(jobs), total=len(jobs), desc=f'watch {split}'):
                if episode is not None:
                    yield from requests_of(
                        episode,
                        clip_frames=view.clip_frames,
                        queries=frozenset(engine.config.queries),
                    )

        return observe(engine, requests())

    def triplets(self, engine: Engine) -> Measured:
        """Measure the Y-Encoder alone."""
        rng = np.random.default_rng([self.world_seed, 3])
        drawn = list(triplets(rng, self.sizes.triplets))
        texts = [[t.positive1, t.positive2, t.negative] for t in drawn]
        found = embed_texts(engine, [text for row in texts for text in row])
        embeddings = np.stack([np.stack([found[text] for text in row]) for row in texts])
        return score_triplets(embeddings, drawn)


def _ends(seeds: range) -> list[int]:
    return [seeds.start, seeds.stop - 1]


def view_of(engine: Engine) -> View:
    """Return what clips a model wants."""
    config = engine.config
    return View(config.clip_fps, config.image_size, config.clip_frames)


def add(results: Results, measured: Measured, *, split: str = '', baseline: str = '') -> None:
    """Add a task's scores under their full names, `<metric>.<split>:<baseline>`.

    Of a baseline model only its own scores are added: chance is the same for all.
    """
    ending = f'.{split}' if split else ''
    for name, score in measured.scores.items():
        metric, _, own = name.partition(':')
        # Where nothing was measured, a baseline has nothing to stand beside.
        if own and (baseline or math.isnan(measured.scores[metric].value)):
            continue
        suffix = own or baseline
        results.add(f'{metric}{ending}' + (f':{suffix}' if suffix else ''), score)
    if not baseline:
        results.raw.update({f'{name}{ending}': rows for name, rows in measured.raw.items()})
