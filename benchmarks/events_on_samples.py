# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Do the events of the real demo name what happens? Fresh episodes and a still camera.

    python -m benchmarks.events_on_samples --episodes 20 --json benchmarks/results/events.json

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
from pathlib import Path

from training.event_scores import SegmentScore, TimedText, score_segments, summary
from training.machine import describe
from training.world import Segment

STILL_SECONDS = 60
FIELDS = ('start_s', 'end_s', 'action', 'kind', 'colour', 'target')


def sample(folder: Path, *, seed: int, options: tuple[str, ...] = ()) -> list[Segment]:
    """Render an episode and return its true segments."""
    command = [sys.executable, '-m', 'training.sample', '--seed', str(seed), '--out', str(folder)]
    subprocess.run([*command, *options], check=True)
    labels = json.loads((folder / 'labels.json').read_text(encoding='utf-8'))
    return [Segment(*(row[field] for field in FIELDS)) for row in labels['segments']]


def demo(folder: Path, *, model: str) -> dict[str, list[dict[str, object]]]:
    """Play an episode through the demo and return its record."""
    out = folder / 'demo.json'
    command = [sys.executable, '-m', 'vljepa_ros.cli', 'demo', '--no-loop', '--model', model]
    command += ['--video', str(folder / 'camera.mp4'), '--json', str(out)]
    subprocess.run(command, check=True)
    record: dict[str, list[dict[str, object]]] = json.loads(out.read_text(encoding='utf-8'))
    return record


def timed(events: list[dict[str, object]], phase: str) -> list[TimedText]:
    """Return the texts of one phase with the whole time of their segments."""
    ends = {event['id']: event['end_s'] for event in events if event['phase'] == 'ENDED'}
    return [
        TimedText(
            float(str(event['start_s'])),
            float(str(ends.get(event['id'], event['end_s']))),
            str(event['text']),
        )
        for event in events
        if event['phase'] == phase
    ]


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--model', default='tiny')
    parser.add_argument('--first-seed', type=int, default=50_000)
    parser.add_argument('--episodes', type=int, default=20)
    parser.add_argument('--json', type=Path, help='file for the result')
    arguments = parser.parse_args()
    scores: dict[str, list[SegmentScore]] = {'STARTED': [], 'ENDED': []}
    episodes = []
    with tempfile.TemporaryDirectory() as name:
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.episodes):
            folder = Path(name) / str(seed)
            truth = sample(folder, seed=seed)
            record = demo(folder, model=arguments.model)
            for phase in scores:
                scores[phase] += score_segments(truth, timed(record['events'], phase))
            episodes.append({'seed': seed, 'truth': [vars(s) for s in truth], **record})
        still = Path(name) / 'still'
        options = ('--actions', '0', '--seconds', str(STILL_SECONDS))
        sample(still, seed=arguments.first_seed, options=options)
        quiet = demo(still, model=arguments.model)
    result = {
        'machine': describe(),
        'segments': {
            phase: {name: rate.to_dict() for name, rate in summary(rows).items()}
            for phase, rows in scores.items()
        },
        f'events_in_{STILL_SECONDS}_s_of_a_still_camera': len(
            {event['id'] for event in quiet['events']}
        ),
        'still': quiet,
        'episodes': episodes,
    }
    print(json.dumps({key: result[key] for key in list(result)[:3]}, indent=2))
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(result) + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()
