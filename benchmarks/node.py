# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa bench node`: the nodes as processes of their own, over real DDS."""

from __future__ import annotations

import argparse
import itertools
import tempfile
from pathlib import Path

from benchmarks.graph import own_domain
from benchmarks.models import with_graphs
from benchmarks.node_setup import SIZES, TRANSPORTS, Setup
from training.evaluation.results import Results
from vljepa_ros.errors import ConfigurationError
from vljepa_ros.model.checkpoint_folder import load_config, model_id

QUICK = '1 and 4 cameras of 640x480, raw, for seconds instead of half a minute; one start'
PARTS = ('cases', 'start', 'baseline')
PACKAGES = ('transformers', 'onnxruntime', 'openvino')
CAMERA_RATE_HZ, RATE_HZ = 15.0, 5.0
OFFERED_HZ, MOST_RATE_HZ = 60.0, 100.0
SECONDS, QUICK_SECONDS = 30.0, 6.0
STARTS, ROUNDS = 3, 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the suite."""
    parser.add_argument('--model', default='tiny', help='name or folder (tiny)')
    parser.add_argument(
        '--part', nargs='+', choices=PARTS, default=list(PARTS), help='what to measure (all)'
    )
    parser.add_argument(
        '--cameras', nargs='+', type=int, choices=(1, 2, 3, 4), metavar='N', help='(1 2 4)'
    )
    parser.add_argument('--size', nargs='+', choices=tuple(SIZES), help='(all)')
    parser.add_argument('--form', nargs='+', choices=tuple(TRANSPORTS), help='(all)')
    parser.add_argument(
        '--rate', type=float, default=CAMERA_RATE_HZ, metavar='HZ', help='of each camera (15)'
    )
    parser.add_argument(
        '--embedding-rate',
        type=float,
        default=RATE_HZ,
        metavar='HZ',
        help='embeddings a second that are asked for, for each camera (5)',
    )
    parser.add_argument(
        '--offered-rate',
        type=float,
        default=OFFERED_HZ,
        metavar='HZ',
        help='images, and embeddings asked for, a second beside the plain node (60)',
    )
    parser.add_argument(
        '--threads', type=int, default=0, metavar='N', help='compute threads (one a core)'
    )
    parser.add_argument(
        '--seconds', type=float, default=0.0, metavar='S', help=f'for each case ({SECONDS:g})'
    )


def run(options: argparse.Namespace) -> Results:
    """Measure.

    Raises:
        VljepaError: a wrong argument or model, or a node that does not start.
    """
    _check(options)
    model = with_graphs(options.model)
    seconds = options.seconds or (QUICK_SECONDS if options.quick else SECONDS)
    results = Results(
        'node',
        quick=options.quick,
        settings={
            'model': model_id(model, load_config(model)),
            'threads': options.threads,
            'camera_rate_hz': options.rate,
            'embedding_rate_hz': options.embedding_rate,
            'seconds': seconds,
        },
        packages=PACKAGES,
    )
    # ROS starts in these modules, which needs the domain first.
    with tempfile.TemporaryDirectory() as folder, own_domain():
        setup = Setup(model=model, threads=options.threads, folder=Path(folder))
        if 'cases' in options.part:
            _cases(results, setup, options, seconds)
        if 'start' in options.part:
            from benchmarks.node_start import measure_environment, measure_start

            measure_start(
                results,
                setup,
                starts=1 if options.quick else STARTS,
                rate_hz=options.embedding_rate,
                settle_s=seconds / 2,
            )
            measure_environment(results)
        if 'baseline' in options.part:
            from benchmarks.node_baseline import measure_baseline

            measure_baseline(
                results,
                setup,
                offered_hz=options.offered_rate,
                rounds=1 if options.quick else ROUNDS,
                seconds=seconds / 2,
            )
    return results


def _check(options: argparse.Namespace) -> None:
    rates = {
        '--rate': options.rate,
        '--embedding-rate': options.embedding_rate,
        '--offered-rate': options.offered_rate,
    }
    for name, rate in rates.items():
        if not 0.0 < rate <= MOST_RATE_HZ:
            raise ConfigurationError(f'{name} is {rate}; allowed is more than 0, up to 100')
    if options.threads < 0 or options.seconds < 0.0:
        raise ConfigurationError(
            f'--threads is {options.threads}, --seconds {options.seconds}; use 0 or more'
        )


def _cases(results: Results, setup: Setup, options: argparse.Namespace, seconds: float) -> None:
    from benchmarks.node_cases import Case, measure_cases

    cameras = options.cameras or ([1, 4] if options.quick else [1, 2, 4])
    sizes = options.size or (['640x480'] if options.quick else list(SIZES))
    forms = options.form or (['raw'] if options.quick else list(TRANSPORTS))
    measure_cases(
        results,
        [Case(*chosen) for chosen in itertools.product(cameras, sizes, forms)],
        setup,
        camera_rate_hz=options.rate,
        rate_hz=options.embedding_rate,
        seconds=seconds,
    )
