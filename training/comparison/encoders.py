# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
r"""Ways to pretrain the X-Encoder, for equal time, judged by the same short probe.

    python -m training.comparison.encoders --data build/data --run build/encoders \
        --minutes 60 --json benchmarks/results/encoders.json

exact state: the simulator tells each token what it shows (training/pretraining.py);
self-supervised: masked latents, as V-JEPA (training/vjepa_pretraining.py);
distilled: EfficientNet-Lite0's features (training/distillation.py);
untrained: random weights, the floor.

The time of a step is measured first, and the number of steps follows from it; it is written down,
so an interrupted run goes on with it. Afterwards: python -m training.report
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import json
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vljepa_ros.inference.threads import wait_passively

wait_passively()
import torch  # noqa: E402 (it must find the environment variable set)

from training.batches import BatchSampler  # noqa: E402
from training.clips import ClipIndex  # noqa: E402
from training.comparison.judging import Judged  # noqa: E402
from training.comparison.probe import ProbeConfig, probe  # noqa: E402
from training.comparison.sizes import parameter_count  # noqa: E402
from training.dataset import load  # noqa: E402
from training.distillation import DistillationConfig, distil  # noqa: E402
from training.evaluation.intervals import exact, mean_score, rate_score  # noqa: E402
from training.evaluation.results import Results, add_result_arguments  # noqa: E402
from training.pretraining import PretrainingConfig, pretrain  # noqa: E402
from training.run_config import SimulatorData  # noqa: E402
from training.vjepa_pretraining import VJEPAConfig, pretrain_vjepa  # noqa: E402
from vljepa_ros.errors import ConfigurationError  # noqa: E402
from vljepa_ros.model.config import ModelConfig  # noqa: E402
from vljepa_ros.model.presets import tiny_config  # noqa: E402
from vljepa_ros.model.x_encoder import XEncoder  # noqa: E402

WARM_STEPS = 2
TIMED_STEPS = 8
TUBELET_SHARE = 0.3  # of the time of the exact state's two stages
QUICK_STEPS = 2
Steps = dict[str, int]


@dataclass(frozen=True)
class Way:
    """A way to pretrain.

    Attributes:
        shares: its stages, and the share of the time that each gets.
        run: trains an X-Encoder for given steps of each stage in a folder.
    """

    shares: Mapping[str, float]
    run: Callable[[XEncoder, BatchSampler, Path, Steps], None]


def ways(config: ModelConfig, *, seed: int) -> dict[str, Way]:
    """Return the ways by name."""
    vision = config.vision

    def exact_state(encoder: XEncoder, data: BatchSampler, folder: Path, steps: Steps) -> None:
        settings = PretrainingConfig(
            tubelet_steps=steps['tubelets'], clip_steps=steps['clips'], seed=seed
        )
        pretrain(encoder, vision, data, folder, config=settings)

    def vjepa(encoder: XEncoder, data: BatchSampler, folder: Path, steps: Steps) -> None:
        settings = VJEPAConfig(steps=steps['clips'], seed=seed)
        pretrain_vjepa(encoder, vision, data, folder, config=settings)

    def distilled(encoder: XEncoder, data: BatchSampler, folder: Path, steps: Steps) -> None:
        settings = DistillationConfig(steps=steps['clips'], seed=seed)
        distil(encoder, vision, data, folder, config=settings)

    two = {'tubelets': TUBELET_SHARE, 'clips': 1.0 - TUBELET_SHARE}
    return {
        'exact_state': Way(two, exact_state),
        'vjepa': Way({'clips': 1.0}, vjepa),
        'distilled': Way({'clips': 1.0}, distilled),
        'untrained': Way({}, lambda *_: None),
    }


def measured_steps(way: Way, encoder: XEncoder, data: BatchSampler, *, minutes: float) -> Steps:
    """Return how many steps of each stage take the given time on this machine as it is now."""
    steps: Steps = {}
    for stage, share in way.shares.items():
        seconds = []
        for count in (WARM_STEPS, WARM_STEPS + TIMED_STEPS):
            trial = {other: count if other == stage else 0 for other in way.shares}
            with tempfile.TemporaryDirectory() as folder:
                start = time.perf_counter()
                way.run(copy.deepcopy(encoder), data, Path(folder), trial)
                seconds.append(time.perf_counter() - start)
        a_step = max(1e-4, (seconds[1] - seconds[0]) / TIMED_STEPS)
        steps[stage] = max(1, round(60.0 * minutes * share / a_step))
    return steps


def settled_steps(folder: Path, minutes: float, measure: Callable[[], Steps]) -> Steps:
    """Return the steps that `folder` holds from an earlier start, or measure and keep them.

    Raises:
        ConfigurationError: the earlier start was for another time.
    """
    path = folder / 'steps.json'
    if path.is_file():
        kept = json.loads(path.read_text(encoding='utf-8'))
        if kept['minutes'] != minutes:
            raise ConfigurationError(
                f'{folder} holds a training of {kept["minutes"]} minutes, not {minutes}. Name '
                'another folder, or remove this one'
            )
        return dict(kept['steps'])
    steps = measure()
    path.write_text(json.dumps({'minutes': minutes, 'steps': steps}), encoding='utf-8')
    return steps


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--data', type=Path, default=Path('build/data'), help='rendered episodes')
    parser.add_argument('--run', type=Path, default=Path('build/encoders'), help='training states')
    parser.add_argument(
        '--episodes', type=int, default=SimulatorData.episodes, help='training episodes'
    )
    parser.add_argument('--val-episodes', type=int, default=200, help='validation episodes')
    parser.add_argument('--minutes', type=float, default=60.0, help='of each way')
    parser.add_argument('--probe-steps', type=int, default=ProbeConfig.steps)
    parser.add_argument('--seed', type=int, default=0, help='of weights and batches')
    names = list(ways(tiny_config(), seed=0))
    parser.add_argument('--ways', nargs='+', choices=names, default=names)
    add_result_arguments(parser, quick=f'{QUICK_STEPS} steps of each way and of the probe')
    return parser.parse_args()


def main() -> None:
    """Pretrain in all ways and judge each from the command line."""
    arguments = _arguments()
    config, seed, quick = tiny_config(), arguments.seed, arguments.quick
    train, val = (
        BatchSampler(
            ClipIndex(
                load(arguments.data, split=split, episodes=count), clip_frames=config.clip_frames
            ),
            seed=seed,
        )
        for split, count in (('train', arguments.episodes), ('val', arguments.val_episodes))
    )
    probing = ProbeConfig(
        steps=QUICK_STEPS if quick else arguments.probe_steps,
        val_batches=1 if quick else ProbeConfig.val_batches,
        seed=seed,
    )
    results = Results(
        'encoders',
        quick=quick,
        seeds={'seed': seed},
        settings={
            'minutes': 0 if quick else arguments.minutes,
            'probe': dataclasses.asdict(probing),
            'threads': torch.get_num_threads(),
        },
    )
    for name in arguments.ways:
        way = ways(config, seed=seed)[name]
        torch.manual_seed(seed)
        encoder = XEncoder(config)
        folder = arguments.run / (f'{name}-quick' if quick else name)
        folder.mkdir(parents=True, exist_ok=True)
        if quick:
            steps = dict.fromkeys(way.shares, QUICK_STEPS)
        else:
            minutes = arguments.minutes
            steps = settled_steps(
                folder,
                minutes,
                lambda way=way, encoder=encoder, minutes=minutes: measured_steps(  # type: ignore[misc]
                    way, encoder, train, minutes=minutes
                ),
            )
        way.run(encoder, train, folder, steps)
        encoder.eval().requires_grad_(False)
        judged = probe(name, encoder, config.vision, train=train, val=val, config=probing)
        _add(results, name, judged, steps)
        results.settings['parameters'] = parameter_count(encoder)
        if arguments.json:
            results.write(arguments.json)
    if arguments.json:
        print(f'{arguments.json} written')


def _add(results: Results, name: str, judged: Judged, steps: Steps) -> None:
    for score, values in judged.values.items():
        kind = rate_score if score in ('action', 'all_facts') else mean_score
        results.add(f'{score}.{name}', kind(values, judged.episodes[score]))
    results.raw[name] = judged.values
    for stage, count in steps.items():
        results.add(f'steps.{name}.{stage}', exact(count))


if __name__ == '__main__':
    main()
