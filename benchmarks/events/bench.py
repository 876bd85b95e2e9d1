# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa bench events`: decodings saved at equal quality, by the protocol of arXiv 2512.10942.

Streams of five minutes from the held-out splits, half of them idle. Every annotation is matched
to the decode nearest in time and scored by CIDEr; every call of the decoder counts. The node's
default detector is compared with uniform decoding, with Ward's method that has seen the whole
stream, and with an oracle that knows every border.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.events.compute import add_compute
from benchmarks.events.curves import curve_reduction, knee, reduction
from benchmarks.events.decodes import Policy
from benchmarks.events.model_words import ModelWords
from benchmarks.events.quiet_streams import HOUR_S, QuietKind, quiet_streams
from benchmarks.events.real_videos import add_real_borders, find_videos
from benchmarks.events.scoring import (
    WITHIN_S,
    Point,
    Scorer,
    border_scores,
    matched,
    true_borders,
)
from benchmarks.events.streams import (
    FIRST_SEED,
    PER_SPLIT,
    SECONDS,
    annotation_rate,
    idle_share,
    test_streams,
    watched,
)
from benchmarks.events.sweeps import RATES_HZ, SENSITIVITIES, Make, Sweeps
from training.evaluation.intervals import exact, mean_score
from training.evaluation.results import Results
from training.evaluation.streams import Stream
from training.evaluation.test_set import DEFAULT_CACHE
from vljepa_ros.inference import Engine, load_engine
from vljepa_ros.stream.changes.choice import DEFAULT, DETECTORS
from vljepa_ros.stream.changes.detector import CommonConfig

QUICK = 'one stream a split, half of the settings, the default detector'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the suite."""
    parser.add_argument('--model', default='tiny', help="a shipped model's name or a folder")
    parser.add_argument(
        '--per-split', type=int, default=PER_SPLIT, metavar='N', help=f'streams ({PER_SPLIT})'
    )
    parser.add_argument(
        '--workers', type=int, default=os.cpu_count() or 1, help='processes that draw'
    )
    parser.add_argument('--cache', type=Path, default=DEFAULT_CACHE, help='(build/eval)')
    parser.add_argument(
        '--real-videos', type=Path, metavar='FOLDER', help='with the files of real_videos.json'
    )
    parser.add_argument('--plot', type=Path, metavar='PNG', help='draw the curves')


def run(options: argparse.Namespace) -> Results:
    """Measure everything."""
    # What is missing is said before an hour has passed.
    real = find_videos(options.real_videos) if options.real_videos is not None else {}
    engine = load_engine(options.model)
    names = test_streams(1 if options.quick else options.per_split)
    place = {'cache': options.cache, 'workers': options.workers}
    streams = watched(engine, names, title='streams', **place)
    words = ModelWords(engine)
    scorer = Scorer(streams, words.decode, unseen=[name.split == 'paraphrase' for name in names])
    results = Results(
        'events',
        quick=options.quick,
        seeds={'streams': [FIRST_SEED, FIRST_SEED + len(names) // 4 - 1]},
        settings={
            'model': engine.model_id,
            'backend': engine.info.backend,
            'precision': engine.info.precision,
            'detector': DEFAULT,
            'seconds': SECONDS,
        },
        packages=('mujoco', 'pycocoevalcap', 'scikit-learn'),
    )
    _add_streams(results, streams)
    sweeps = Sweeps(streams, scorer, words)
    rates = RATES_HZ[2::4] if options.quick else RATES_HZ
    sensitivities = SENSITIVITIES[2:7:2] if options.quick else SENSITIVITIES[::2]
    chosen = {DEFAULT: DETECTORS[DEFAULT]} if options.quick else dict(DETECTORS)
    curves = _curves(sweeps, chosen, rates, sensitivities)
    _add_reductions(results, curves, sweeps)
    policies = sweeps.policies(DETECTORS[DEFAULT], pooled=True, quiet=True)
    _add_borders(results, policies, streams, half_clip_s=_half_clip_s(engine))
    for kind in QuietKind:
        still = quiet_streams(engine, kind, count=1 if options.quick else 12, **place)
        _add_false_events(results, kind, still)
    if real:
        add_real_borders(results, engine, real)
    rate_hz = results.scores['events.rate_hz.both_texts'].value
    add_compute(results, engine, streams[0], decodes_per_hour=HOUR_S * rate_hz)
    results.raw['curves'] = {
        name: [[point.setting, point.rate_hz, point.cider] for point in points]
        for name, points in curves.items()
    }
    if options.plot is not None:
        from benchmarks.events.plot import draw_curves

        draw_curves(curves, options.plot)
    return results


def _add_streams(results: Results, streams: Sequence[Stream]) -> None:
    """Say what the streams are like."""
    rates = [annotation_rate(stream.segments) for stream in streams]
    idle = [idle_share(stream.segments) for stream in streams]
    numbers = list(range(len(streams)))
    results.add('events.streams', exact(len(streams)))
    results.add('events.annotations_per_active_s', mean_score(rates, numbers), raw=rates)
    results.add('events.idle_share', mean_score(idle, numbers), raw=idle)


def _curves(
    sweeps: Sweeps,
    chosen: dict[str, Make],
    rates: Sequence[float],
    sensitivities: Sequence[float],
) -> dict[str, list[Point]]:
    curves = {}
    for pooled in (False, True):
        way = 'pooled' if pooled else 'exact'
        curves[f'uniform.{way}'] = sweeps.uniform(pooled=pooled, rates=rates)
        curves[f'offline.{way}'] = sweeps.offline(pooled=pooled, quiet=True, rates=rates)
        curves[f'oracle.{way}'] = [sweeps.oracle(pooled=pooled)]
        for name, make in chosen.items():
            curves[f'{name}.{way}'] = sweeps.causal(
                make, pooled=pooled, quiet=True, sensitivities=sensitivities, name=name
            )
    curves['offline_all.pooled'] = sweeps.offline(pooled=True, quiet=False, rates=rates)
    curves[f'{DEFAULT}_all.pooled'] = sweeps.causal(
        chosen[DEFAULT], pooled=True, quiet=False, sensitivities=sensitivities, name=DEFAULT
    )
    return curves


def _add_reductions(results: Results, curves: dict[str, list[Point]], sweeps: Sweeps) -> None:
    """Compare at equal CIDEr with uniform decoding of exact embeddings, the paper's baseline."""
    uniform = curves['uniform.exact']
    hertz = next(point for point in uniform if point.setting == 1.0)
    bend = knee(uniform)
    (one,) = sweeps.causal(
        DETECTORS[DEFAULT], pooled=True, quiet=True, sensitivities=(1.0,), name=DEFAULT
    )
    (two,) = sweeps.causal(
        DETECTORS[DEFAULT],
        pooled=True,
        quiet=True,
        both=True,
        sensitivities=(1.0,),
        name='both texts',
    )
    oracle = curves['oracle.pooled'][0]
    saved = 'events.decode_reduction'
    results.add(f'{saved}.causal', exact(reduction(one, uniform, hertz)))
    results.add(f'{saved}.both_texts', exact(reduction(two, uniform, hertz)))
    results.add(f'{saved}.knee', exact(reduction(one, uniform, bend)))
    results.add(f'{saved}.offline', exact(curve_reduction(curves['offline.pooled'], hertz)))
    results.add(f'{saved}.oracle', exact(reduction(oracle, uniform, hertz)))
    for name in (*DETECTORS, 'offline_all', f'{DEFAULT}_all'):
        if f'{name}.pooled' in curves:
            score = exact(curve_reduction(curves[f'{name}.pooled'], hertz))
            results.add(f'{saved}.curve.{name}', score)
    for name, point in {
        'uniform_1hz': hertz,
        'knee': bend,
        'causal': one,
        'both_texts': two,
        'oracle': oracle,
    }.items():
        results.add(f'events.cider.{name}', mean_score(point.scores, point.streams))
        results.add(f'events.rate_hz.{name}', exact(point.rate_hz))


def _add_borders(
    results: Results, policies: Sequence[Policy], streams: Sequence[Stream], *, half_clip_s: float
) -> None:
    """Compare the borders with the true ones; a delay is that of the newest image."""
    found = [policy.borders_s for policy in policies]
    truth = [true_borders(stream) for stream in streams]
    precision, recall, f1 = border_scores(found, truth, within_s=WITHIN_S)
    results.add('events.boundary_precision', exact(precision, sum(map(len, found))))
    results.add('events.boundary_recall', exact(recall, sum(map(len, truth))))
    results.add('events.boundary_f1', exact(f1))
    delays = [
        policy.borders_s[mine] + policy.delays_s[mine] + half_clip_s - true[theirs]
        for policy, true in zip(policies, truth, strict=True)
        for mine, theirs in matched(policy.borders_s, true, within_s=WITHIN_S)
    ]
    for share in (50, 90):
        value = float(np.percentile(delays, share)) if delays else float('nan')
        results.add(f'events.delay_p{share}_s', exact(value, len(delays)))


def _add_false_events(results: Results, kind: QuietKind, streams: Sequence[Stream]) -> None:
    """Count what the detector finds where nothing happens."""
    counts, hours = [], 0.0
    for stream in streams:
        found = DETECTORS[DEFAULT](CommonConfig())
        changes = [
            found.update(round(time_s * 1e9), embedding)
            for time_s, embedding in zip(stream.centres_s, stream.embeddings, strict=True)
        ]
        counts.append(sum(change is not None for change in changes[1:]))
        hours += (stream.centres_s[-1] - stream.centres_s[0]) / HOUR_S
    score = exact(sum(counts) / hours, len(counts))
    results.add(f'events.false_per_hour.{kind.value}', score, raw=counts)


def _half_clip_s(engine: Engine) -> float:
    return (engine.config.clip_frames - 1) / engine.config.clip_fps / 2
