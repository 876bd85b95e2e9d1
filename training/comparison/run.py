# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
r"""The paper's controlled comparison: predicting embeddings against writing tokens.

    python -m training.comparison.run --data build/data --run build/tiny \
        --x-encoder tiny --json benchmarks/results/comparison.json

Both models see the same frozen X-Encoder, clips, questions, batches and schedule. Progress is
shown; an interrupted run goes on. Afterwards: python -m training.report
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from vljepa_ros.inference.threads import wait_passively

wait_passively()
import numpy as np  # noqa: E402 (torch must find the environment variable set)
import torch  # noqa: E402

from training.comparison.judging import Judged  # noqa: E402
from training.comparison.latency import measure_latency, medians  # noqa: E402
from training.comparison.learning import LearningConfig, Row, learn, read_judged  # noqa: E402
from training.comparison.material import (  # noqa: E402
    Material,
    add_material_arguments,
    load_material,
)
from training.comparison.sizes import parameters  # noqa: E402
from training.comparison.vljepa_learner import VLJEPALearner, VLJEPAOptions  # noqa: E402
from training.comparison.vlm_learner import VLMLearner, vlm_for  # noqa: E402
from training.comparison.vocabulary import Vocabulary  # noqa: E402
from training.evaluation.intervals import exact, mean_score, rate_score  # noqa: E402
from training.evaluation.results import Results, add_result_arguments  # noqa: E402

LATENCY_CLIPS = 31
QUICK_STEPS = 4
QUICK_VAL_CLIPS = 16


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_material_arguments(parser)
    parser.add_argument('--steps', type=int, default=LearningConfig.steps, help='batches')
    parser.add_argument('--batch', type=int, default=LearningConfig.clips, help='clips a batch')
    parser.add_argument('--judge-every', type=int, default=LearningConfig.judge_every)
    parser.add_argument('--decoder-steps', type=int, default=600, help='first Y-Decoder training')
    parser.add_argument('--decoder-follow', type=int, default=200, help='each later one')
    add_result_arguments(parser, quick=f'{QUICK_STEPS} steps, {QUICK_VAL_CLIPS} val clips')
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.steps, arguments.judge_every = QUICK_STEPS, QUICK_STEPS
        arguments.decoder_steps, arguments.decoder_follow = QUICK_STEPS, QUICK_STEPS
        arguments.val_clips = QUICK_VAL_CLIPS
    return arguments


def main() -> None:
    """Train and judge both models from the command line."""
    arguments = _arguments()
    folder = arguments.run / ('comparison-quick' if arguments.quick else 'comparison')
    material = load_material(arguments, folder)
    config = LearningConfig(
        steps=arguments.steps,
        clips=arguments.batch,
        judge_every=arguments.judge_every,
        warmup=min(LearningConfig.warmup, arguments.steps),
        seed=arguments.seed,
    )
    options = VLJEPAOptions(
        decoder_steps=arguments.decoder_steps, decoder_follow=arguments.decoder_follow
    )
    vljepa, vlm = learners(material, folder, options=options, seed=config.seed)
    results = Results(
        'comparison',
        quick=arguments.quick,
        seeds={'seed': config.seed},
        settings={
            'learning': dataclasses.asdict(config),
            'vljepa': dataclasses.asdict(options),
            'vlm': dataclasses.asdict(vlm.model.config),
            'x_encoder': material.x_encoder,
            'training_clips': len(material.source),
            'device': str(material.device),
            'threads': torch.get_num_threads(),
        },
        packages=('pycocoevalcap',),
    )
    for learner in (vljepa, vlm):
        curve = learn(
            learner,
            material.source,
            material.features,
            folder / learner.name,
            config=config,
            encoder=material.x_encoder,
        )
        add_curve(results, learner.name, curve, read_judged(folder / learner.name))
    counts = parameters(vljepa.model, vlm.model)
    for name, count in counts.items():
        results.add(f'parameters.{name}', exact(count))
    results.add('parameters.ratio', exact(counts['vlm.blocks'] / counts['vljepa.predictor']))
    if not vljepa.has_decoder:  # the training was complete before this start
        vljepa.follow(config.steps)
    add_latency(results, material, vljepa, vlm)
    if arguments.json:
        results.write(arguments.json)
        print(f'{arguments.json} written')


def learners(
    material: Material, folder: Path, *, options: VLJEPAOptions, seed: int
) -> tuple[VLJEPALearner, VLMLearner]:
    """Create both models with fresh weights."""
    vljepa = VLJEPALearner(
        'vljepa',
        material.fresh_model(seed=seed),
        material.clips,
        folder / 'vljepa',
        bank=material.bank,
        texts=material.texts.draw,
        options=options,
    )
    words = Vocabulary.train(material.source, folder, seed=seed)
    model = vlm_for(material.config, words, seed=seed).to(material.device)
    caption = material.config.query('caption')
    return vljepa, VLMLearner('vlm', model, material.clips, words=words, caption=caption)


def add_curve(results: Results, name: str, curve: list[Row], judged: Judged) -> None:
    """Add a learning curve, and the scores of its last point with their intervals."""
    for score, values in judged.values.items():
        kind = mean_score if score.startswith('cider') else rate_score
        results.add(f'{score}.{name}', kind(values, judged.episodes[score]))
    for row in curve:
        for score in judged.values:
            results.add(f'{score}.{name}.at_{row["samples"]:.0f}', exact(row[score]))
    results.raw[name] = {'curve': curve, **judged.to_dict()}


def add_latency(
    results: Results, material: Material, vljepa: VLJEPALearner, vlm: VLMLearner
) -> None:
    """Add the median milliseconds of each part, and those of a caption in all."""
    clips, tokens = latency_clips(material)
    for learner in (vljepa, vlm):
        for module in learner.modules.values():
            module.eval()
    taken = measure_latency(vljepa, vlm, material.encoder, clips=clips, tokens=tokens)
    parts = medians(taken)
    for part, value in parts.items():
        results.add(f'latency_ms.{part}' if 'tokens' not in part else part, exact(value))
    totals: dict[str, Any] = {
        'vljepa': ('encoder', 'vljepa.predictor', 'vljepa.decoding'),
        'vlm': ('encoder', 'vlm.prefill', 'vlm.decoding'),
    }
    for name, names in totals.items():
        sums = np.sum([taken[part] for part in names], axis=0)
        results.add(f'latency_ms.{name}.caption', exact(float(np.median(sums))))
    results.raw['latency_ms'] = {
        name: [round(value, 3) for value in values] for name, values in taken.items()
    }


def latency_clips(material: Material) -> tuple[torch.Tensor, torch.Tensor]:
    """Return clips of the training data with their tokens: content does not change the time."""
    count = min(LATENCY_CLIPS, len(material.source))
    clips = np.stack([material.source.clip(number) for number in range(count)])
    tokens = material.features[np.arange(count)]
    return torch.from_numpy(clips).to(material.device), tokens.to(material.device)


if __name__ == '__main__':
    main()
