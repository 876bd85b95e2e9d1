# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Second stage: X-Encoder, Predictor and Y-Encoder learn jointly."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from training.batches import Batch, BatchSampler, augment_colours
from training.loop import bf16_is_faster, cosine_rate, drawn_ahead
from training.objective import caption_accuracy, losses
from training.state_file import load_state, save_state
from training.state_head import StateHead
from vljepa_ros.model.vl_jepa import VLJEPA

SAVE_EVERY = 100
VALIDATE_EVERY = 250


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of the joint training.

    Attributes:
        steps: batches in all.
        warmup: steps until the full learning rate.
        learning_rate: peak of the cosine schedule.
        y_encoder_scale: the Y-Encoder's share of the learning rate. The paper takes 0.05 for a
            pretrained text encoder; one that starts from nothing takes 1.
        weight_decay: of AdamW.
        temperature: of InfoNCE.
        clips: clips a batch.
        transitions: image pairs a batch.
        states: clips of a batch whose state is asked for too.
        seed: of weights, batches and augmentation.
    """

    steps: int = 1200
    warmup: int = 200
    learning_rate: float = 6e-4
    y_encoder_scale: float = 1.0
    weight_decay: float = 0.05
    temperature: float = 0.07
    clips: int = 24
    transitions: int = 8
    states: int = 8
    seed: int = 0


def draw(sampler: BatchSampler, step: int, *, config: TrainingConfig) -> Batch:
    """Return the augmented batch of a step."""
    batch = sampler.batch(step)
    frames = augment_colours(batch.frames, np.random.default_rng([config.seed, step, 1]))
    states = batch.states[: config.states]
    return Batch(**{**vars(batch), 'frames': frames, 'states': states})


def train(
    model: VLJEPA,
    head: StateHead,
    sampler: BatchSampler,
    validation: Batch,
    folder: Path,
    *,
    config: TrainingConfig,
    validation_pairs: int,
) -> None:
    """Train the X-Encoder, Predictor and Y-Encoder jointly; goes on where it was interrupted.

    Args:
        model: on the CPU.
        head: read-outs of the X-Encoder's tokens, for the dense part of the loss.
        sampler: draws the training batches.
        validation: clips, then `validation_pairs` transitions, of the val split.
        folder: holds the training state and `log.jsonl`.
        config: settings; those of an interrupted training must not change.
        validation_pairs: number of transitions in `validation`.
    """
    modules = {'model': model, 'head': head}
    slow = list(model.network('y_encoder').parameters())
    slow_ids = {id(parameter) for parameter in slow}
    fast = [p for m in modules.values() for p in m.parameters() if id(p) not in slow_ids]
    optimizer = torch.optim.AdamW(
        [{'params': fast, 'scale': 1.0}, {'params': slow, 'scale': config.y_encoder_scale}],
        lr=config.learning_rate,
        betas=(0.9, 0.98),
        weight_decay=config.weight_decay,
        fused=True,
    )
    state_path = folder / 'training_state.safetensors'
    done = load_state(state_path, modules, optimizer)
    half = bf16_is_faster()
    bar = tqdm(total=config.steps, initial=done, desc='train', unit='step', dynamic_ncols=True)
    steps = range(done, config.steps)
    batches = drawn_ahead(steps, lambda step: draw(sampler, step, config=config))
    for step, batch in zip(steps, batches, strict=True):
        for group in optimizer.param_groups:
            rate = cosine_rate(step, steps=config.steps, warmup=config.warmup)
            group['lr'] = config.learning_rate * group['scale'] * rate
        with torch.autocast('cpu', torch.bfloat16, enabled=half):
            parts = losses(
                model,
                head,
                batch,
                transitions=config.transitions,
                temperature=config.temperature,
                rng=np.random.default_rng([config.seed, step, 2]),
            )
        optimizer.zero_grad(set_to_none=True)
        (parts.contrastive + parts.dense).backward()
        parameters = [p for group in optimizer.param_groups for p in group['params']]
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        bar.update()
        bar.set_postfix(nce=f'{parts.contrastive:.2f}', dense=f'{parts.dense:.2f}')
        if (step + 1) % VALIDATE_EVERY == 0 or step + 1 == config.steps:
            with torch.autocast('cpu', torch.bfloat16, enabled=half):
                clips, pairs = caption_accuracy(model, validation, transitions=validation_pairs)
            row = {
                'step': step + 1,
                'contrastive': round(parts.contrastive.item(), 4),
                'dense': round(parts.dense.item(), 4),
                'val_caption_top1': round(clips, 4),
                'val_action_top1': round(pairs, 4),
            }
            with (folder / 'log.jsonl').open('a', encoding='utf-8') as log:
                log.write(json.dumps(row) + '\n')
            bar.write(json.dumps(row))
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == config.steps:
            save_state(state_path, modules, optimizer, step=step + 1)
    bar.close()
