# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One video at 10, 15 and 30 Hz: do the embeddings stay the same?

    python -m benchmarks.camera_rates --json benchmarks/results/camera_rates.json

The same nodes watch three plays of one video. Embeddings of the same moment of the video are
compared by cosine.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.graph import camera, pipeline, prepare, process
from training.evaluation.intervals import exact
from training.evaluation.results import Results, add_result_arguments
from vljepa_ros.resources import find_resource

RATES_HZ = (10.0, 15.0, 30.0)
QUICK_RATES_HZ = (10.0, 30.0)
Watched = tuple[np.ndarray, np.ndarray]  # embeddings [N, D] and their times in the video [N]
SAME_MOMENT_S = 0.06


def watch(video: Path, *, model: str, rate_hz: float) -> Watched:
    """Play the video once and return what the nodes said about it."""
    from vljepa_ros.client import EmbeddingSample, VljepaClient

    seen: list[EmbeddingSample] = []
    with process(*pipeline(model)), VljepaClient(name='benchmark') as client:
        if not client.wait_until_active('perception', timeout_s=120.0):
            raise SystemExit('The node perception did not become active')
        client.on_embedding(seen.append)
        with process(*camera(video, rate_hz=rate_hz)) as player:
            player.wait()
        time.sleep(2.0)
        first_ns = int(client.diagnostics('camera')['first_stamp_ns'])
    times_s = np.array([(sample.stamp_ns - first_ns) / 1e9 for sample in seen])
    return np.stack([sample.vector for sample in seen]), times_s


def add_cosines(results: Results, plays: Mapping[float, Watched]) -> None:
    """Add how alike the embeddings of the same moment are, for each pair of plays."""
    for one, two in itertools.combinations(plays, 2):
        (vectors, times_s), (others, other_times_s) = plays[one], plays[two]
        nearest = np.abs(times_s[:, None] - other_times_s[None, :]).argmin(1)
        near = np.abs(times_s - other_times_s[nearest]) < SAME_MOMENT_S
        cosines = np.einsum('nd,nd->n', vectors[near], others[nearest[near]])
        pair = f'{one:g}_{two:g}'
        results.add(f'compared.{pair}', exact(near.sum()))
        results.add(f'cosine_median.{pair}', exact(float(np.median(cosines))))
        results.add(f'cosine_p10.{pair}', exact(float(np.percentile(cosines, 10))))
        results.raw[f'cosines.{pair}'] = [round(float(cosine), 4) for cosine in cosines]


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--video', type=Path, default=find_resource('samples/tabletop.mp4'))
    parser.add_argument('--model', default='tiny')
    add_result_arguments(parser, quick='two of the three rates')
    options = parser.parse_args()
    prepare(domain_id=92)
    rates = QUICK_RATES_HZ if options.quick else RATES_HZ
    settings = {'video': options.video.name, 'model': options.model, 'rates_hz': list(rates)}
    results = Results('camera_rates', quick=options.quick, settings=settings)
    plays = {rate: watch(options.video, model=options.model, rate_hz=rate) for rate in rates}
    add_cosines(results, plays)
    for name, score in results.scores.items():
        print(f'{name} {score.value:.4f}')
    if options.json is not None:
        results.write(options.json)


if __name__ == '__main__':
    main()
