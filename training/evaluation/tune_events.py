# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Chooses the change detector's settings on the val split, never on test.

    python -m training.evaluation.tune_events --model models/tiny --json out.json
    python -m training.evaluation.tune_events --quick

One row a setting, the best last: best are the segments whose action, object and colour are named
rightly, less half of the share of surplus events. The node `event` has them as parameters.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from training.evaluation.event_scores import summary
from training.evaluation.intervals import Score, exact
from training.evaluation.results import Results, add_result_arguments
from training.evaluation.streams import Stream, event_scores, streams
from training.evaluation.suite import view_of
from training.evaluation.test_set import DEFAULT_CACHE, Drawer, Job, world_folder
from vljepa_ros.errors import ConfigurationError, VljepaError
from vljepa_ros.inference import Engine, load_engine
from vljepa_ros.stream.change_detector import DriftConfig

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.7)
RELEASE_SHARES = (0.6, 0.9)
CONFIRM_S = (0.2, 0.4, 0.6)
FIRST_SEED = 10_000  # later than any episode that checkpoints are chosen by
EPISODES = 60
QUICK_EPISODES = 2
QUICK_SETTINGS = 4
NAMED = 'colour.all'
SURPLUS_WEIGHT = 0.5


@dataclass(frozen=True)
class Tried:
    """One setting and how well it does.

    Attributes:
        config: the setting.
        scores: `event_scores.summary`.
        events_per_segment: 1 is right.
    """

    config: DriftConfig
    scores: dict[str, Score]
    events_per_segment: float

    @property
    def value(self) -> float:
        """What is to be as high as possible."""
        surplus = max(0.0, self.events_per_segment - 1.0)
        return self.scores[NAMED].value - SURPLUS_WEIGHT * surplus

    def __str__(self) -> str:
        """Return a row for a reader."""
        config = self.config
        return (
            f'threshold {config.threshold:.2f} release {config.release:.2f} '
            f'confirm {config.confirm_s:.1f} s: all {self.scores[NAMED].value:.3f}, actions '
            f'{self.scores["colour.actions"].value:.3f}, events per segment '
            f'{self.events_per_segment:.2f}, value {self.value:.3f}'
        )


def settings() -> Iterator[DriftConfig]:
    """Yield the settings that are tried."""
    for threshold, share, confirm_s in itertools.product(THRESHOLDS, RELEASE_SHARES, CONFIRM_S):
        yield DriftConfig(
            threshold=threshold, release=round(share * threshold, 3), confirm_s=confirm_s
        )


def tried(engine: Engine, seen: Sequence[Stream], configs: Sequence[DriftConfig]) -> list[Tried]:
    """Return all settings with their scores, the best last."""
    found = []
    for config in tqdm(configs, desc='settings'):
        scores, events = event_scores(engine, seen, config)
        found.append(Tried(config, summary(scores), events / max(len(scores), 1)))
    return sorted(found, key=lambda one: one.value)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--model', default='tiny', help="a shipped model's name or a folder")
    parser.add_argument('--first-seed', type=int, default=FIRST_SEED, help='of the val split')
    parser.add_argument('--episodes', type=int, default=EPISODES, help=f'({EPISODES})')
    parser.add_argument(
        '--workers', type=int, default=os.cpu_count() or 1, help='processes that draw'
    )
    parser.add_argument(
        '--cache', type=Path, default=DEFAULT_CACHE, help='of drawn episodes (build/eval)'
    )
    add_result_arguments(
        parser, quick=f'{QUICK_EPISODES} episodes and {QUICK_SETTINGS} of the settings'
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Print every setting with its scores.

    Raises:
        VljepaError: a wrong argument or model; the caller prints it.
    """
    options = _parser().parse_args(argv)
    if options.first_seed < 0 or options.episodes < 1 or options.workers < 1:
        raise ConfigurationError('Use --first-seed 0 or more, --episodes and --workers 1 or more')
    engine = load_engine(options.model)
    episodes = QUICK_EPISODES if options.quick else options.episodes
    configs = list(settings())
    if options.quick:
        configs = configs[:: len(configs) // QUICK_SETTINGS][:QUICK_SETTINGS]
    seeds = range(options.first_seed, options.first_seed + episodes)
    folder, view = world_folder(options.cache), view_of(engine)
    jobs = [Job(folder, 'val', seed, view) for seed in seeds]
    with Drawer(options.workers) as drawer:
        drawer.draw_missing(jobs, title='draw val')
    rows = tried(engine, list(streams(engine, jobs)), configs)
    for row in rows:
        print(row)
    if options.json is not None:
        _results(rows, engine, seeds=seeds, quick=options.quick).write(options.json)
    return 0


def _results(rows: Sequence[Tried], engine: Engine, *, seeds: range, quick: bool) -> Results:
    """Return the scores of the best setting; the others are among the samples."""
    best = rows[-1]
    results = Results(
        'tune_events',
        quick=quick,
        seeds={'val': [seeds.start, seeds.stop - 1]},
        settings={'model': engine.model_id, 'best': asdict(best.config), 'chosen_by': NAMED},
        packages=('mujoco',),
    )
    for name, score in best.scores.items():
        results.add(name, score)
    results.add('events_per_segment', exact(best.events_per_segment))
    results.raw['settings'] = [
        {
            **asdict(row.config),
            'value': round(row.value, 4),
            'events_per_segment': round(row.events_per_segment, 4),
            **{name: round(score.value, 4) for name, score in row.scores.items()},
        }
        for row in rows
    ]
    return results


if __name__ == '__main__':
    try:
        sys.exit(main())
    except VljepaError as error:
        sys.exit(f'error: {error}')
