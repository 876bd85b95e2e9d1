# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Do the events of the real demo name what happens? Fresh episodes and a still camera.

    python -m benchmarks.events_on_samples --json benchmarks/results/events_on_samples.json

Each episode is rendered as `make sample` does it, played by `vljepa demo --no-loop` through a real
camera topic, and the events are held against the labels: a segment is judged by the event that
shares most time with it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.evaluation.event_scores import SegmentScore, TimedText, score_segments, summary
from training.evaluation.intervals import exact
from training.evaluation.results import Results, add_result_arguments
from training.world import ObjectInfo, Segment

STILL_SECONDS = 60
EPISODES = 20
QUICK_STILL_SECONDS = 10
QUICK_EPISODES = 2
PHASES = ('STARTED', 'ENDED')
FIELDS = ('start_s', 'end_s', 'action', 'kind', 'colour', 'target', 'success')
Record = dict[str, Any]


def sample(folder: Path, *, seed: int, options: tuple[str, ...] = ()) -> list[Record]:
    """Render an episode and return its true segments, as `labels.json` has them."""
    command = [sys.executable, '-m', 'training.sample', '--seed', str(seed), '--out', str(folder)]
    subprocess.run([*command, *options], check=True)
    labels = json.loads((folder / 'labels.json').read_text(encoding='utf-8'))
    return [{field: row[field] for field in (*FIELDS, 'reference')} for row in labels['segments']]


def segment_of(row: Record) -> Segment:
    """Return a segment of a label."""
    known = {field: row[field] for field in FIELDS if field in row}
    other = row.get('reference')
    return Segment(**known, reference=ObjectInfo(**other) if other else None)


def demo(folder: Path, *, model: str) -> Record:
    """Play an episode through the demo and return its record."""
    out = folder / 'demo.json'
    command = [sys.executable, '-m', 'vljepa_ros.cli', 'demo', '--no-loop', '--model', model]
    command += ['--video', str(folder / 'camera.mp4'), '--json', str(out)]
    subprocess.run(command, check=True)
    record: Record = json.loads(out.read_text(encoding='utf-8'))
    return record


def timed(events: Sequence[Record], phase: str) -> list[TimedText]:
    """Return the texts of one phase with the whole time of their segments."""
    # A segment's ENDED comes after its STARTED, and replaces its end.
    ends: Record = {event['id']: event['end_s'] for event in events}
    return [
        TimedText(event['start_s'], ends[event['id']], event['text'])
        for event in events
        if event['phase'] == phase
    ]


def add_scores(results: Results, episodes: Sequence[Record], still: Record) -> None:
    """Add how often texts are right, `<level>.<which segments>.<phase>`, and the false alarms.

    Args:
        results: to add to.
        episodes: records of the demo, each with `seed` and `truth`.
        still: the record of a camera before which nothing happens.
    """
    for phase in PHASES:
        scores: list[SegmentScore] = []
        for record in episodes:
            truth = [segment_of(row) for row in record['truth']]
            texts = timed(record['events'], phase)
            scores += score_segments(truth, texts, episode=record['seed'])
        for name, score in summary(scores).items():
            results.add(f'{name}.{phase.lower()}', score)
    results.add('still_events', exact(len({event['id'] for event in still['events']})))
    results.raw |= {'episodes': list(episodes), 'still': still}


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--model', default='tiny')
    parser.add_argument('--first-seed', type=int, default=50_000)
    parser.add_argument('--episodes', type=int, default=EPISODES)
    add_result_arguments(
        parser, quick=f'{QUICK_EPISODES} episodes, {QUICK_STILL_SECONDS} s of a still camera'
    )
    options = parser.parse_args()
    count = QUICK_EPISODES if options.quick else options.episodes
    seconds = QUICK_STILL_SECONDS if options.quick else STILL_SECONDS
    seeds = range(options.first_seed, options.first_seed + count)
    episodes = []
    with tempfile.TemporaryDirectory() as name:
        for seed in seeds:
            folder = Path(name) / str(seed)
            truth = sample(folder, seed=seed)
            episodes.append({'seed': seed, 'truth': truth, **demo(folder, model=options.model)})
        still = Path(name) / 'still'
        sample(still, seed=seeds.start, options=('--actions', '0', '--seconds', str(seconds)))
        quiet = demo(still, model=options.model)
    results = Results(
        'events_on_samples',
        quick=options.quick,
        seeds={'iid': [seeds.start, seeds.stop - 1]},
        settings={'model': quiet['model_id'], 'still_seconds': seconds},
        packages=('mujoco',),
    )
    add_scores(results, episodes, quiet)
    for metric, score in results.scores.items():
        print(f'{metric} {score.value:.3f}')
    if options.json is not None:
        results.write(options.json)


if __name__ == '__main__':
    main()
