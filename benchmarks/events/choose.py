# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Chooses the detectors' settings on the val split; the test streams are not looked at.

    python -m benchmarks.events.choose --json out.json

For every setting of every detector the threshold is swept. Best is what needs the fewest decodes
for the CIDEr that uniform decoding reaches at 1 Hz; the F1 of its borders stands beside it.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.events.curves import curve_reduction
from benchmarks.events.model_words import ModelWords
from benchmarks.events.scoring import WITHIN_S, Point, Scorer, border_scores, true_borders
from benchmarks.events.streams import VAL_STREAMS, val_streams, watched
from benchmarks.events.sweeps import Make, Sweeps
from training.evaluation.test_set import DEFAULT_CACHE
from vljepa_ros.errors import VljepaError
from vljepa_ros.inference import load_engine
from vljepa_ros.stream.changes.cusum import CusumConfig, CusumDetector
from vljepa_ros.stream.changes.detector import CommonConfig
from vljepa_ros.stream.changes.drift import DriftConfig, DriftDetector
from vljepa_ros.stream.changes.surprise import SurpriseConfig, SurpriseDetector
from vljepa_ros.stream.changes.variance import VarianceConfig, VarianceDetector
from vljepa_ros.stream.changes.ward import WardConfig, WardDetector

BLURS_S = (0.2, 0.4, 0.7)


@dataclass(frozen=True)
class Trial:
    """One setting of one detector."""

    name: str
    config: Any
    blur_s: float

    @property
    def make(self) -> Make:
        """What makes the detector."""
        kinds: dict[str, Any] = {
            'ward': WardDetector,
            'drift': DriftDetector,
            'cusum': CusumDetector,
            'variance': VarianceDetector,
            'surprise': SurpriseDetector,
        }
        kind, config = kinds[self.name], self.config
        return lambda common: kind(config, common)


@dataclass(frozen=True)
class Chosen:
    """A trial and its best threshold."""

    trial: Trial
    reduction: float
    point: Point
    f1: float

    def row(self) -> dict[str, Any]:
        """Return it for a file."""
        return {
            'detector': self.trial.name,
            'config': dataclasses.asdict(self.trial.config),
            'blur_s': self.trial.blur_s,
            'sensitivity': self.point.setting,
            'reduction': round(self.reduction, 3),
            'rate_hz': round(self.point.rate_hz, 4),
            'cider': round(self.point.cider, 4),
            'f1': round(self.f1, 4),
        }


def trials(*, quick: bool) -> Iterator[Trial]:
    """Yield the settings that are tried; their thresholds are swept besides."""
    configs: list[tuple[str, Any]] = [
        *(
            ('ward', WardConfig(threshold=1.0, least=least, most_before=most))
            for least, most in itertools.product((1, 2, 3), (4, 8, 16))
        ),
        *(
            ('drift', DriftConfig(threshold=0.3, release=release, confirm_s=confirm_s))
            for release, confirm_s in itertools.product((0.7, 0.9), (0.2, 0.4, 0.6))
        ),
        *(
            ('cusum', CusumConfig(allowance=allowance, threshold=threshold))
            for allowance, threshold in itertools.product((0.1, 0.2, 0.3), (0.3, 0.6, 1.2))
        ),
        *(('variance', VarianceConfig(samples=samples)) for samples in (4, 6, 8)),
        *(
            ('surprise', SurpriseConfig(deviations=deviations, smoothing=smoothing))
            for deviations, smoothing in itertools.product((2.0, 3.0), (0.3, 0.5, 1.0))
        ),
    ]
    blurs = BLURS_S[:1] if quick else BLURS_S
    for name, config in configs[::6] if quick else configs:
        for blur_s in blurs:
            yield Trial(name, config, blur_s)


def tried(trial: Trial, sweeps: Sweeps, reference: Point) -> Chosen:
    """Sweep one trial's threshold."""
    common = CommonConfig(blur_s=trial.blur_s)
    points = sweeps.causal(trial.make, pooled=True, quiet=True, common=common, name=trial.name)
    enough = [point for point in points if point.cider >= reference.cider]
    best = (
        min(enough, key=lambda point: point.rate_hz)
        if enough
        else max(points, key=lambda point: point.cider)
    )
    settings = dataclasses.replace(common, sensitivity=best.setting)
    policies = sweeps.policies(trial.make, pooled=True, quiet=True, common=settings)
    *_, f1 = border_scores(
        [policy.borders_s for policy in policies],
        [true_borders(stream) for stream in sweeps.streams],
        within_s=WITHIN_S,
    )
    return Chosen(trial, curve_reduction(points, reference), best, f1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--model', default='tiny', help="a shipped model's name or a folder")
    parser.add_argument('--streams', type=int, default=VAL_STREAMS, help=f'({VAL_STREAMS})')
    parser.add_argument(
        '--workers', type=int, default=os.cpu_count() or 1, help='processes that draw'
    )
    parser.add_argument('--cache', type=Path, default=DEFAULT_CACHE, help='(build/eval)')
    parser.add_argument('--quick', action='store_true', help='few settings')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write all settings to FILE')
    return parser


def main(argv: list[str] | None = None) -> int:
    """Print the best setting of each detector, the best last."""
    options = _parser().parse_args(argv)
    engine = load_engine(options.model)
    names = val_streams(options.streams)
    streams = watched(engine, names, cache=options.cache, workers=options.workers, title='val')
    words = ModelWords(engine)
    scorer = Scorer(streams, words.decode, unseen=[False] * len(streams))
    sweeps = Sweeps(streams, scorer, words)
    (reference,) = sweeps.uniform(pooled=False, rates=(1.0,))
    chosen = [
        tried(trial, sweeps, reference)
        for trial in tqdm(list(trials(quick=options.quick)), desc='settings')
    ]
    chosen.sort(key=lambda one: one.reduction)
    best = {one.trial.name: one for one in chosen}
    print(f'uniform at 1 Hz: CIDEr {reference.cider:.3f}')
    for one in sorted(best.values(), key=lambda one: one.reduction):
        print(json.dumps(one.row()))
    if options.json is not None:
        rows = [one.row() for one in chosen]
        options.json.write_text(json.dumps({'reference': reference.cider, 'rows': rows}, indent=1))
    return 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except VljepaError as error:
        sys.exit(f'error: {error}')
