# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa eval`: what does a checkpoint understand?

Without --manifest it draws the test splits of the simulated world and runs all tasks on them.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from training.evaluation.results import Results, add_result_arguments
from training.world.splits import SPLIT_CODE, TEST_SPLITS
from vljepa_ros.errors import ConfigurationError
from vljepa_ros.inference import BACKENDS, PRECISIONS, Engine, load_engine

REPORTED = Path(__file__).resolve().parents[2] / 'benchmarks' / 'results' / 'eval.json'
PACKAGES = ('mujoco', 'tokenizers', 'pycocoevalcap')


def parser() -> argparse.ArgumentParser:
    """Return the command's arguments."""
    made = argparse.ArgumentParser(
        prog='vljepa eval',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument('--model', default='tiny', help="a shipped model's name or a folder (tiny)")
    made.add_argument(
        '--split',
        nargs='+',
        choices=('all', *[split for split in SPLIT_CODE if split != 'train']),
        default=['all'],
        help=f'splits to measure; all = {", ".join(TEST_SPLITS)} (all)',
    )
    made.add_argument(
        '--world-seed',
        type=int,
        default=0,
        metavar='N',
        help='another number draws a fresh test set (0, the reported one)',
    )
    made.add_argument(
        '--dual-encoder',
        type=Path,
        metavar='FOLDER',
        help='checkpoint of a CLIP-style dual encoder, measured beside the model',
    )
    made.add_argument(
        '--manifest',
        type=Path,
        metavar='FILE.jsonl',
        help='measure on your own videos instead; docs/evaluation.md says how to list them',
    )
    made.add_argument(
        '--compare',
        type=Path,
        default=None,
        metavar='FILE',
        help='print the scores beside those of an earlier --json file '
        f'(with --world-seed: {REPORTED.name} of benchmarks/results, if it is there)',
    )
    add_result_arguments(made, quick='few episodes of each split, under two minutes on two cores')
    made.add_argument('--backend', choices=BACKENDS, default='auto', help='(auto)')
    made.add_argument('--precision', choices=PRECISIONS, default='auto', help='(auto)')
    made.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N (auto)')
    made.add_argument(
        '--workers',
        type=int,
        default=os.cpu_count() or 1,
        metavar='N',
        help='processes that draw (one a core)',
    )
    made.add_argument(
        '--cache', type=Path, metavar='FOLDER', help='of drawn episodes (build/eval)'
    )
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Measure from the command line.

    Raises:
        VljepaError: a wrong argument, model or file; the caller prints it.
    """
    options = parser().parse_args(argv)
    if options.world_seed < 0 or options.workers < 1:
        raise ConfigurationError(
            f'--world-seed is {options.world_seed}, --workers {options.workers}; '
            'use 0 or more, and 1 or more'
        )
    engine = load_engine(
        options.model,
        backend=options.backend,
        device=options.device,
        precision=options.precision,
    )
    results = Results(
        suite='eval',
        quick=options.quick,
        settings={'model': engine.model_id, 'engine': asdict(engine.info)},
        packages=PACKAGES,
    )
    if options.manifest is not None:
        from training.evaluation.manifest import evaluate_manifest

        results.suite = 'eval_manifest'
        evaluate_manifest(engine, options.manifest, results, quick=options.quick)
    else:
        _world(engine, options, results)
    _show(results, options)
    return 0


def _world(engine: Engine, options: argparse.Namespace, results: Results) -> None:
    from training.evaluation.dual_encoder import load_dual_encoder
    from training.evaluation.suite import FULL, QUICK, Suite
    from training.evaluation.test_set import DEFAULT_CACHE, Drawer, world_folder

    dual = None
    if options.dual_encoder is not None:
        dual = load_dual_encoder(
            options.dual_encoder, backend=options.backend, device=options.device
        )
        results.settings['dual_encoder'] = dual.model_id
    splits = list(TEST_SPLITS) if 'all' in options.split else options.split
    sizes = QUICK if options.quick else FULL
    results.settings |= {'splits': splits, **asdict(sizes)}
    folder = world_folder(options.cache or DEFAULT_CACHE)
    with Drawer(options.workers) as drawer:
        suite = Suite(sizes, drawer, world_seed=options.world_seed, folder=folder)
        suite.run(engine, list(dict.fromkeys(splits)), results, dual)


def _show(results: Results, options: argparse.Namespace) -> None:
    from training.evaluation.table import comparison, read_reported, table

    print(table(results))
    for note in results.notes:
        print(f'note: {note}')
    if options.json is not None:
        results.write(options.json)  # before a comparison that may fail
    reported = options.compare
    if reported is None and options.world_seed and REPORTED.is_file():
        reported = REPORTED
    if reported is not None:
        print(f'\nBeside {reported}:\n{comparison(results, read_reported(reported))}')
