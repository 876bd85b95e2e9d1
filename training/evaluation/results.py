# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The one form of results: what every `vljepa eval` and `vljepa bench` command writes.

A file is a JSON object with

* `suite`: which command wrote it; `quick`: whether it was the subset of `--quick`;
* `metrics`: name -> number, flat. A baseline of a metric is called `<metric>:<baseline>`;
* `intervals`: name -> [low, high], 95 %, for the metrics that are estimates;
* `samples`: name -> how many samples, `episodes`: name -> from how many episodes;
* `machine`, `versions`, `seeds`, `settings`: what is needed to repeat the measurement;
* `notes`: what was left out, and why;
* `raw`: the samples themselves.
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from training.evaluation.intervals import Score
from training.machine import describe

DIGITS = 4


def add_result_arguments(parser: argparse.ArgumentParser, *, quick: str) -> None:
    """Add `--json FILE` and `--quick` to a command; `quick` says what the subset is."""
    parser.add_argument(
        '--json', type=Path, metavar='FILE', help='write metrics, machine and samples to FILE'
    )
    parser.add_argument('--quick', action='store_true', help=f'a subset: {quick}')


@dataclass
class Results:
    """Metrics of one run, gathered one after another.

    Attributes:
        suite: name of the command.
        quick: whether it measures the subset only.
        seeds: name -> number or range of numbers.
        settings: everything else that was chosen.
        packages: distributions whose versions matter beside those that are always named.
    """

    suite: str
    quick: bool
    seeds: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    scores: dict[str, Score] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    raw: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, score: Score, *, raw: object = None) -> None:
        """Add a metric; one without a single sample is left out and noted.

        Raises:
            ValueError: the name is taken: two metrics would overwrite each other.
        """
        if name in self.scores:
            raise ValueError(f'The metric {name!r} is there twice')
        if not math.isfinite(score.value):
            self.notes.append(f'{name}: no sample')
            return
        self.scores[name] = score
        if raw is not None:
            self.raw[name] = raw

    def to_dict(self) -> dict[str, Any]:
        """Return what goes into the file."""
        machine = describe()
        versions: Any = machine.pop('versions')
        return {
            'suite': self.suite,
            'quick': self.quick,
            'metrics': {name: _rounded(score.value) for name, score in self.scores.items()},
            'intervals': {
                name: [_rounded(bound) for bound in score.interval]
                for name, score in self.scores.items()
                if score.interval is not None
            },
            'samples': {name: s.samples for name, s in self.scores.items() if s.samples},
            'episodes': {name: s.episodes for name, s in self.scores.items() if s.episodes},
            'machine': machine,
            'versions': dict(versions) | _versions(self.packages),
            'seeds': self.seeds,
            'settings': self.settings,
            'notes': self.notes,
            'raw': self.raw,
        }

    def write(self, path: Path) -> None:
        """Write the file, its folder too; one line a key, so that a diff stays readable."""
        lines = [
            f'{json.dumps(key)}: {json.dumps(value, separators=(", ", ": "))}'
            for key, value in self.to_dict().items()
        ]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{\n' + ',\n'.join(lines) + '\n}\n', encoding='utf-8')


def _rounded(value: float) -> float:
    return round(float(value), DIGITS)


def _versions(packages: tuple[str, ...]) -> dict[str, str]:
    versions = {}
    for package in packages:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions
