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
import json
import time
from pathlib import Path

import numpy as np

from benchmarks.graph import camera, pipeline, prepare, process
from training.machine import describe
from vljepa_ros.resources import find_resource

RATES_HZ = (10.0, 15.0, 30.0)
SAME_MOMENT_S = 0.06


def watch(video: Path, *, model: str, rate_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """Play the video once; return the embeddings [N, D] and their times in the video [N]."""
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


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--video', type=Path, default=find_resource('samples/tabletop.mp4'))
    parser.add_argument('--model', default='tiny')
    parser.add_argument('--json', type=Path, help='file for the result')
    arguments = parser.parse_args()
    prepare(domain_id=92)
    plays = {
        rate: watch(arguments.video, model=arguments.model, rate_hz=rate) for rate in RATES_HZ
    }
    record: dict[str, object] = {'machine': describe(), 'video': arguments.video.name}
    for one, two in itertools.combinations(RATES_HZ, 2):
        (vectors, times_s), (others, other_times_s) = plays[one], plays[two]
        nearest = np.abs(times_s[:, None] - other_times_s[None, :]).argmin(1)
        near = np.abs(times_s - other_times_s[nearest]) < SAME_MOMENT_S
        cosines = np.einsum('nd,nd->n', vectors[near], others[nearest[near]])
        record[f'{one:g} Hz and {two:g} Hz'] = {
            'compared': int(near.sum()),
            'cosine_median': round(float(np.median(cosines)), 4),
            'cosine_p10': round(float(np.percentile(cosines, 10)), 4),
            'cosines': [round(float(cosine), 4) for cosine in cosines],
        }
    print(json.dumps(record, indent=2))
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(record) + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()
