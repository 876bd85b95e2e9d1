# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Chooses the change detector's settings on the val split, never on test.

    python -m training.evaluation.tune_events --model models/tiny --episodes 60

One row a setting, the best last: best are the segments named rightly, less the surplus events.
"""

from __future__ import annotations

import argparse
import itertools

from training.evaluation.streams import event_scores, streams
from training.event_scores import summary
from vljepa_ros.inference import load_engine
from vljepa_ros.stream.change_detector import DriftConfig

THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7)
RELEASE_SHARES = (0.6, 0.9)
CONFIRM_S = (0.2, 0.4, 0.6)


def main() -> None:
    """Print every setting with its scores."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--model', default='tiny', help="a shipped model's name or a folder")
    parser.add_argument('--first-seed', type=int, default=10_000)
    parser.add_argument('--episodes', type=int, default=60)
    arguments = parser.parse_args()
    engine = load_engine(arguments.model)
    seen = list(
        streams(
            engine,
            split='val',
            first_seed=arguments.first_seed,
            episodes=arguments.episodes,
        )
    )
    rows = []
    for threshold, share, confirm_s in itertools.product(THRESHOLDS, RELEASE_SHARES, CONFIRM_S):
        config = DriftConfig(
            threshold=threshold, release=round(share * threshold, 3), confirm_s=confirm_s
        )
        scores, found, true = event_scores(engine, seen, config)
        rates = summary(scores)
        named = rates['all_colour_right'].value
        surplus = max(0.0, found / true - 1.0)
        rows.append((named - 0.5 * surplus, config, named, rates, found / true))
    for value, config, named, rates, ratio in sorted(rows, key=lambda row: row[0]):
        print(
            f'threshold {config.threshold:.2f} release {config.release:.2f} '
            f'confirm {config.confirm_s:.1f} s: all {named:.3f}, actions '
            f'{rates["actions_colour_right"].value:.3f}, events per segment {ratio:.2f}, '
            f'value {value:.3f}'
        )


if __name__ == '__main__':
    main()
