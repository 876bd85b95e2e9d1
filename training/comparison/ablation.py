# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
r"""A small ablation: losses, the Predictor's mask, the Y-Encoder's first weights.

    python -m training.comparison.ablation --data build/data --run build/tiny \
        --x-encoder tiny --json benchmarks/results/ablation.json

Every variant has the same frozen X-Encoder, clips, batches and schedule. An interrupted run goes
on. Afterwards: python -m training.report
"""

from __future__ import annotations

import argparse
import dataclasses
from dataclasses import dataclass

from vljepa_ros.inference.threads import wait_passively

wait_passively()
import torch  # noqa: E402 (it must find the environment variable set)

from training.comparison.learning import LearningConfig, learn, read_judged  # noqa: E402
from training.comparison.material import (  # noqa: E402
    add_material_arguments,
    load_material,
)
from training.comparison.run import QUICK_STEPS, QUICK_VAL_CLIPS, add_curve  # noqa: E402
from training.comparison.vljepa_learner import VLJEPALearner, VLJEPAOptions  # noqa: E402
from training.evaluation.results import Results, add_result_arguments  # noqa: E402

STEPS = 320


@dataclass(frozen=True)
class Variant:
    """One run of the ablation.

    Attributes:
        name: in files and tables.
        options: of the learner.
        projection: False leaves out the Y-Encoder's head: its own vectors are predicted.
    """

    name: str
    options: VLJEPAOptions
    projection: bool = True


def _frozen(loss: str) -> Variant:
    # As the paper's Tab. 7c: without negatives only a frozen Y-Encoder keeps texts apart.
    options = VLJEPAOptions(loss=loss, y_encoder='frozen')
    return Variant(f'frozen_{loss}', options, projection=False)


VARIANTS = (
    Variant('reference', VLJEPAOptions()),
    Variant('causal', VLJEPAOptions(causal=True)),
    # Random weights would hardly move at the reference's 0.05 of the learning rate.
    Variant('random_y_encoder', VLJEPAOptions(start='random', y_encoder_scale=1.0)),
    *(_frozen(loss) for loss in ('infonce', 'cosine', 'l1', 'l2')),
)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_material_arguments(parser)
    parser.add_argument('--steps', type=int, default=STEPS, help='batches of each variant')
    parser.add_argument('--batch', type=int, default=LearningConfig.clips, help='clips a batch')
    parser.add_argument(
        '--variants',
        nargs='+',
        choices=[variant.name for variant in VARIANTS],
        default=[variant.name for variant in VARIANTS],
    )
    add_result_arguments(parser, quick=f'{QUICK_STEPS} steps, {QUICK_VAL_CLIPS} val clips')
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.steps, arguments.val_clips = QUICK_STEPS, QUICK_VAL_CLIPS
    return arguments


def main() -> None:
    """Train and judge all variants from the command line."""
    arguments = _arguments()
    folder = arguments.run / ('ablation-quick' if arguments.quick else 'ablation')
    material = load_material(arguments, folder)
    config = LearningConfig(
        steps=arguments.steps,
        clips=arguments.batch,
        judge_every=arguments.steps,
        warmup=max(1, arguments.steps // 8),
        seed=arguments.seed,
    )
    variants = [variant for variant in VARIANTS if variant.name in arguments.variants]
    results = Results(
        'ablation',
        quick=arguments.quick,
        seeds={'seed': config.seed},
        settings={
            'learning': dataclasses.asdict(config),
            'variants': {variant.name: dataclasses.asdict(variant) for variant in variants},
            'x_encoder': material.x_encoder,
            'training_clips': len(material.source),
            'device': str(material.device),
            'threads': torch.get_num_threads(),
        },
        packages=('pycocoevalcap',),
    )
    for variant in variants:
        options = variant.options
        learner = VLJEPALearner(
            variant.name,
            material.fresh_model(
                seed=config.seed, start=options.start, projection=variant.projection
            ),
            material.clips,
            folder / variant.name,
            bank=material.bank,
            texts=material.texts.draw,
            options=options,
        )
        own = folder / variant.name
        curve = learn(
            learner,
            material.source,
            material.features,
            own,
            config=config,
            encoder=material.x_encoder,
        )
        add_curve(results, variant.name, curve, read_judged(own))
        if arguments.json:
            results.write(arguments.json)
    if arguments.json:
        print(f'{arguments.json} written')


if __name__ == '__main__':
    main()
