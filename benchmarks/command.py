# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa bench SUITE`: how fast is it, and what does it take?

Speeds are compared by ratios within one run, in which everything is measured in turns.
docs/benchmarks.md says what each suite measures.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence

from training.evaluation.results import Results, add_result_arguments

# Each module has add_arguments(parser), run(options) -> Results, and QUICK: what --quick leaves.
SUITES = {
    'clips': ('benchmarks.clips', 'what a quiet camera costs on the disk'),
    'engines': (
        'benchmarks.engines',
        'all backends beside the classes of transformers',
    ),
    'events': ('benchmarks.events.bench', 'decodings saved at equal quality, and borders found'),
    'memory': ('benchmarks.memory', 'searches through a million embeddings'),
    'node': ('benchmarks.node', 'the nodes end to end, beside a plain node with transformers'),
}


def parser() -> argparse.ArgumentParser:
    """Return the command's arguments."""
    made = argparse.ArgumentParser(
        prog='vljepa bench',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    suites = made.add_subparsers(dest='suite', required=True, metavar='SUITE')
    for name, (module, description) in SUITES.items():
        suite = importlib.import_module(module)
        own = suites.add_parser(name, help=description, description=suite.__doc__)
        suite.add_arguments(own)
        add_result_arguments(own, quick=suite.QUICK)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Measure from the command line.

    Raises:
        VljepaError: a wrong argument, or what is measured failed; the caller prints it.
    """
    options = parser().parse_args(argv)
    results = importlib.import_module(SUITES[options.suite][0]).run(options)
    show(results)
    if options.json is not None:
        results.write(options.json)
    return 0


def show(results: Results) -> None:
    """Print the metrics, and what is to be said about them."""
    width = max(map(len, results.scores), default=0)
    for name, score in results.scores.items():
        print(f'{name:{width}} {score.value:10.3f}')
    for note in results.notes:
        print(f'note: {note}')
