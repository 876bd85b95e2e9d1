# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the gate for still views saves, and what it overlooks.

    python -m benchmarks.still_gate --json benchmarks/results/still_gate.json

Episodes of the val split pass the gate clip by clip, as in the node. A clip that the gate holds
back is a miss if the answer that stands for it is wrong: farther from what the model would have
said than the change detector takes for the same meaning.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from training.evaluation.intervals import exact, rate_score
from training.evaluation.results import Results, add_result_arguments
from training.evaluation.stored import StoredEpisode
from training.evaluation.streams import watch
from training.evaluation.suite import view_of
from training.evaluation.test_set import DEFAULT_CACHE, Drawer, Job, load_all, world_folder
from vljepa_ros.errors import VljepaError
from vljepa_ros.inference import Engine, load_engine
from vljepa_ros.stream.changes.drift import DriftConfig
from vljepa_ros.stream.clip_buffer import Clip
from vljepa_ros.stream.stamps import SECOND_NS
from vljepa_ros.stream.still_gate import StillGate

THRESHOLDS = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
EPISODES = 60
QUICK_EPISODES = 4
FIRST_SEED = 10_000
WRONG = DriftConfig.release * DriftConfig.threshold
COST_ROUNDS = 30


@dataclass(frozen=True)
class Watched:
    """An episode's clips, what the model says of each, and where nothing happens."""

    clips: list[Clip]
    embeddings: np.ndarray  # [N, D]
    idle: np.ndarray  # bool [N]


def watch_clips(engine: Engine, episode: StoredEpisode) -> Watched:
    """Run all clips of an episode through the model."""
    length = engine.config.clip_frames
    parts = [slice(end - length, end) for end in range(length, len(episode.frames) + 1)]
    clips = [
        Clip(episode.frames[part], tuple(round(t * SECOND_NS) for t in episode.times_s[part]))
        for part in parts
    ]
    busy = [segment for segment in episode.segments if segment.action != 'idle']
    idle = [
        all(
            segment.end_s <= episode.times_s[part][0]
            or segment.start_s >= episode.times_s[part][-1]
            for segment in busy
        )
        for part in parts
    ]
    return Watched(clips, watch(engine, episode).embeddings, np.array(idle))


def passed(watched: Watched, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Return bool [N], held back, and float [N], how far the standing answer is off."""
    gate = StillGate()
    held, distance, said = [], [], watched.embeddings[0]
    for clip, embedding in zip(watched.clips, watched.embeddings, strict=True):
        held.append(gate.is_still(clip, threshold=threshold))
        said = said if held[-1] else embedding
        distance.append(1.0 - float(said @ embedding))
    return np.array(held), np.array(distance)


def add_scores(results: Results, seen: Sequence[Watched]) -> None:
    """Add what each threshold holds back of idle and of busy clips, and what of all is wrong."""
    idle = np.concatenate([one.idle for one in seen])
    episode = np.repeat(np.arange(len(seen)), [len(one.clips) for one in seen])
    for threshold in THRESHOLDS:
        parts = [passed(one, threshold) for one in seen]
        held = np.concatenate([part[0] for part in parts])
        wrong = held & (np.concatenate([part[1] for part in parts]) > WRONG)
        name = f'{threshold:g}'
        results.add(f'held.idle.{name}', rate_score(held[idle], episode[idle]))
        results.add(f'held.busy.{name}', rate_score(held[~idle], episode[~idle]))
        results.add(f'missed.{name}', rate_score(wrong, episode))


def cost(engine: Engine, clip: Clip) -> tuple[float, float]:
    """Return seconds of the gate and of the model for a clip, medians of alternating runs."""
    gate = StillGate()
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(COST_ROUNDS):
        start_s = time.perf_counter()
        gate.is_still(clip, threshold=1.0)
        middle_s = time.perf_counter()
        engine.predict(engine.encode(clip.frames[None]), ['caption'])
        taken[0].append(middle_s - start_s)
        taken[1].append(time.perf_counter() - middle_s)
    gate_s, model_s = (float(np.median(times)) for times in taken)
    return gate_s, model_s


def main() -> int:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--model', default='tiny', help="a shipped model's name or a folder")
    parser.add_argument('--episodes', type=int, default=EPISODES, help=f'({EPISODES})')
    parser.add_argument(
        '--workers', type=int, default=os.cpu_count() or 1, help='processes that draw'
    )
    parser.add_argument(
        '--cache', type=Path, default=DEFAULT_CACHE, help='of drawn episodes (build/eval)'
    )
    add_result_arguments(parser, quick=f'{QUICK_EPISODES} episodes')
    options = parser.parse_args()
    engine = load_engine(options.model)
    count = QUICK_EPISODES if options.quick else options.episodes
    seeds = range(FIRST_SEED, FIRST_SEED + count)
    folder, view = world_folder(options.cache), view_of(engine)
    jobs = [Job(folder, 'val', seed, view) for seed in seeds]
    with Drawer(options.workers) as drawer:
        drawer.draw_missing(jobs, title='draw val')
    drawn = (episode for episode in load_all(jobs) if episode is not None)
    seen = [watch_clips(engine, episode) for episode in tqdm(drawn, total=len(jobs), desc='watch')]
    results = Results(
        'still_gate',
        quick=options.quick,
        seeds={'val': [seeds.start, seeds.stop - 1]},
        settings={'model': engine.model_id, 'wrong_beyond': WRONG},
        packages=('mujoco',),
    )
    add_scores(results, seen)
    gate_s, model_s = cost(engine, seen[0].clips[0])
    results.add('cost_over_model', exact(gate_s / model_s))
    results.raw['seconds'] = {'gate': gate_s, 'model': model_s}
    for name, score in results.scores.items():
        print(f'{name} {score.value:.4f}')
    if options.json is not None:
        results.write(options.json)
    return 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except VljepaError as error:
        sys.exit(f'error: {error}')
