# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes a checkpoint's model card from its measured scores.

python -m training.evaluate --model models/tiny --json test.json
python -m training.card --model models/tiny --scores test.json --log build/tiny/log.jsonl
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from vljepa_ros.model.checkpoint import load_checkpoint, model_id

CARD = """# {name}

`{model_id}`: a VL-JEPA of {total:.1f} M parameters for the simulated tabletop of this repository,
trained on two CPU cores. It shows that every joint of the package works; on real video its words
mean nothing.

| network | parameters | architecture |
|---|---|---|
{networks}

Clips: {frames} frames at {fps:g} Hz, {size}×{size} pixels. Embeddings: {dim} numbers. Queries:
{queries}.

## Scores

{episodes} {split} episodes (seeds from {first_seed}), which no training and no choice of a setting
saw, drawn at the model's size and given to it without a camera topic. In brackets the
95 % Wilson interval. Command: `python -m training.evaluate --model
models/{name} --split {split} --first-seed {first_seed} --episodes {episodes}`

| what | score | for comparison |
|---|---|---|
{scores}

Events were found with threshold {threshold}, release {release}, confirm_s {confirm_s}, chosen on
the val split (`python -m training.tune_events`). {found} events were found for {true} true
segments.

## Training

`make train`. {training}

No test episode can be among the training episodes: the split goes into the seed of each episode.
What is missing: unseen objects, colours, words, cameras and real video are not tested. Weights are
stored in half precision and run in float32. Licence: Apache-2.0; all training data was rendered by
this repository.
"""
ARCHITECTURES = {
    'x_encoder': 'V-JEPA 2 vision transformer',
    'predictor': 'Llama blocks with full attention',
    'y_encoder': 'bidirectional Gemma 3 blocks',
    'y_decoder': 'causal Llama blocks',
}
EVENT_ROWS = (
    ('event text names action and object', 'actions_object_right'),
    ('event text names action, object and colour', 'actions_colour_right'),
    ('the same, with the times in which nothing happens', 'all_colour_right'),
)


def shown(rate: dict[str, Any]) -> str:
    """Return a rate with its interval as text."""
    low, high = rate['interval95']
    return f'{rate["rate"]:.1%} [{low:.1%}, {high:.1%}] of {rate["total"]}'


def score_rows(scores: dict[str, Any]) -> str:
    """Return the rows of the table of scores."""
    rows = [
        # Neighbouring clips overlap, so an interval that counts each of them would be too narrow.
        f'| clip: nearest of 50 captions | {scores["clip_top1"]["rate"]:.1%} of '
        f'{scores["clip_top1"]["total"]} | chance 2.0%, always the '
        f'same answer {scores["clip_majority"]:.1%} |',
        f'| action between two images, of 4 texts that differ in verb, object or colour | '
        f'{shown(scores["action4_text"])} | chance 25.0% |',
    ]
    rows += [f'| {what} | {shown(scores["events"][key])} | |' for what, key in EVENT_ROWS]
    return '\n'.join(rows)


def training_text(log: Path, *, notes: str) -> str:
    """Sum up the log of a training."""
    rows = [json.loads(line) for line in log.read_text(encoding='utf-8').splitlines()]
    pretrained = max((row['pretrain_step'] for row in rows if 'pretrain_step' in row), default=0)
    joint = [row for row in rows if 'step' in row][-1]
    decoder = max((row['decoder_step'] for row in rows if 'decoder_step' in row), default=0)
    return (
        f'{notes} {pretrained} steps of single tubelets, {joint["step"]} joint steps, '
        f'{decoder} decoder steps. At the end of the joint training, on clips of the val split: '
        f'caption top-1 {joint["val_caption_top1"]:.1%}, action top-1 '
        f'{joint["val_action_top1"]:.1%} of 50.'
    )


def main() -> None:
    """Write the card from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--model', type=Path, required=True, help='checkpoint folder')
    parser.add_argument('--scores', type=Path, required=True, help='from training.evaluate')
    parser.add_argument('--log', type=Path, required=True, help='log.jsonl of the training')
    parser.add_argument('--notes', default='', help='what else is to be said of the training')
    arguments = parser.parse_args()
    scores = json.loads(arguments.scores.read_text(encoding='utf-8'))
    model = load_checkpoint(arguments.model)
    config = model.config
    identity = model_id(arguments.model, config)
    if identity != scores['model_id']:
        raise SystemExit(f'The scores are of {scores["model_id"]}, the model is {identity}')
    sizes = {
        name: sum(parameter.numel() for parameter in network.parameters()) / 1e6
        for name, network in model.networks.items()
    }
    card = CARD.format(
        name=config.name,
        model_id=identity,
        total=sum(sizes.values()),
        networks='\n'.join(
            f'| {name} | {size:.2f} M | {ARCHITECTURES[name]} |' for name, size in sizes.items()
        ),
        frames=config.clip_frames,
        fps=config.clip_fps,
        size=config.image_size,
        dim=config.embedding_dim,
        queries=', '.join(f'`{name}` ({text})' for name, text in config.queries.items()),
        episodes=scores['episodes'],
        split=scores['split'],
        first_seed=scores['first_seed'],
        scores=score_rows(scores),
        found=scores['events_found'],
        true=scores['true_segments'],
        training=training_text(arguments.log, notes=arguments.notes),
        **scores['detector'],
    )
    (arguments.model / 'card.md').write_text(card, encoding='utf-8')


if __name__ == '__main__':
    main()
