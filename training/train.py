# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Trains a model as a configuration says; without one, `models/tiny` on the simulated world.

    vljepa train --config training/configs/lerobot.yaml
    python -m training.train --data build/data --run build/tiny --out models/tiny
    accelerate launch --num_processes 4 -m training.train --config FILE.yaml

Every stage shows its progress and goes on where it was interrupted. docs/training.md explains the
configuration.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.primitive_cache import keep_few_primitives
from vljepa_ros.inference.threads import wait_passively

wait_passively()  # torch must find the environment variables set
keep_few_primitives()
from training.config_file import parse_value, read_run_config  # noqa: E402
from training.run import run  # noqa: E402
from training.run_config import STAGES, RunConfig  # noqa: E402
from training.start_model import new_model  # noqa: E402
from vljepa_ros.errors import ConfigurationError, VljepaError  # noqa: E402

__all__ = ['main', 'new_model', 'read_arguments']

DEFAULT_CONFIG = Path(__file__).parent / 'configs' / 'tiny.yaml'
# Options that stand for a key of the configuration: name, key, type, help.
OPTIONS: tuple[tuple[str, str, type, str], ...] = (
    ('--data', 'data.simulator.folder', str, 'folder of the rendered episodes'),
    ('--episodes', 'data.simulator.episodes', int, 'training episodes'),
    ('--val-episodes', 'data.simulator.val_episodes', int, 'validation episodes'),
    ('--clips', 'data.simulator.clips', int, 'simulated clips with captions'),
    ('--run', 'run', str, 'folder of the state, caches and logs'),
    ('--out', 'out', str, 'checkpoint to write (default: RUN/checkpoint)'),
    ('--init', 'init', str, 'checkpoint to start from'),
    ('--device', 'device', str, 'auto, cpu or cuda'),
    ('--tubelet-steps', 'pretraining.tubelet_steps', int, 'steps of single tubelets'),
    ('--clip-steps', 'pretraining.clip_steps', int, 'steps of clips in the pretraining'),
    ('--steps', 'training.steps', int, 'steps of Predictor and Y-Encoder'),
    ('--decoder-steps', 'decoder.steps', int, 'steps of the Y-Decoder'),
    ('--planning-steps', 'planning.steps', int, 'steps of the planning heads'),
    ('--seed', 'seed', int, 'of weights, clips and batches'),
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='vljepa train',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        '--config',
        type=Path,
        default=DEFAULT_CONFIG,
        metavar='FILE',
        help='YAML file with the settings (default: training/configs/tiny.yaml)',
    )
    for name, key, kind, text in OPTIONS:
        parser.add_argument(
            name, dest=key, type=kind, metavar=key.split('.')[-1].upper(), help=text
        )
    parser.add_argument('--stop-after', choices=STAGES, dest='stop_after', help='last stage')
    parser.add_argument(
        '--set',
        action='append',
        default=[],
        metavar='KEY=VALUE',
        help='any other setting, for instance --set training.learning_rate=1e-4',
    )
    return parser


def read_arguments(argv: Sequence[str] | None = None) -> RunConfig:
    """Read the configuration that the command line names, with its changes.

    Raises:
        ResourceNotFoundError: there is no such file.
        ConfigurationError: a setting is wrong.
    """
    arguments = vars(_parser().parse_args(argv))
    keys = [key for _, key, _, _ in OPTIONS] + ['stop_after']
    changes: dict[str, Any] = {key: arguments[key] for key in keys if arguments[key] is not None}
    for text in arguments['set']:
        key, equals, value = text.partition('=')
        if not (key and equals):
            raise ConfigurationError(f'--set {text}: write KEY=VALUE')
        changes[key] = parse_value(value)
    return read_run_config(arguments['config'], changes)


def main(argv: Sequence[str] | None = None) -> int:
    """Train; return the exit status."""
    run(read_arguments(argv))
    return 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except VljepaError as error:
        sys.exit(f'error: {error}')
