# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""First stage: the X-Encoder learns from single tubelets what things are and where.

A tubelet costs a tenth of a clip, and neighbouring tubelets show the same scene, so objects and
colours are learned much faster from many single tubelets than from few whole clips.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from training.batches import Batch, BatchSampler, augment_colours
from training.loop import bf16_is_faster, cosine_rate, drawn_ahead
from training.state_file import load_state, save_state
from training.state_head import NOTHING, StateHead, dense_targets
from vljepa_ros.model.vl_jepa import VLJEPA

TUBELETS = 128
LEARNING_RATE = 1e-3
WARMUP = 100
SAVE_EVERY = 100
STATE_FILE = 'pretraining_state.safetensors'


def draw(sampler: BatchSampler, step: int, *, seed: int, frames: int) -> Batch:
    """Return the augmented tubelets of a step."""
    batch = sampler.tubelets(step, count=TUBELETS, frames=frames)
    changed = augment_colours(batch.frames, np.random.default_rng([seed, step, 6]))
    return Batch(**{**vars(batch), 'frames': changed})


@torch.no_grad()
def accuracy(tokens: torch.Tensor, head: StateHead, targets: dict[str, torch.Tensor]) -> float:
    """Return how many of the tokens that show an object name its kind rightly, in [0, 1]."""
    seen = targets['kind'] != NOTHING
    right = head.kind(tokens.float()).argmax(-1) == targets['kind']
    return float(right[seen].float().mean())


def pretrain(
    model: VLJEPA, head: StateHead, sampler: BatchSampler, folder: Path, *, steps: int, seed: int
) -> None:
    """Train the X-Encoder and the read-outs; goes on where it was interrupted.

    Args:
        model: on the CPU.
        head: the read-outs, kept for the joint training.
        sampler: draws the tubelets.
        folder: holds the training state and `log.jsonl`.
        steps: batches in all.
        seed: of the batches.
    """
    modules = {'x_encoder': model.network('x_encoder'), 'head': head}
    parameters = [p for module in modules.values() for p in module.parameters()]
    optimizer = torch.optim.AdamW(
        parameters, lr=LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.05, fused=True
    )
    done = load_state(folder / STATE_FILE, modules, optimizer)
    half = bf16_is_faster()
    vision = model.config.vision
    bar = tqdm(total=steps, initial=done, desc='pretrain', unit='step', dynamic_ncols=True)
    todo = range(done, steps)
    batches = drawn_ahead(
        todo, lambda step: draw(sampler, step, seed=seed, frames=vision.tubelet_size)
    )
    for step, batch in zip(todo, batches, strict=True):
        for group in optimizer.param_groups:
            group['lr'] = LEARNING_RATE * cosine_rate(step, steps=steps, warmup=WARMUP)
        targets = dense_targets(batch, patch=vision.patch_size, tubelet=vision.tubelet_size)
        with torch.autocast('cpu', torch.bfloat16, enabled=half):
            tokens = model.encode(torch.from_numpy(batch.frames))
            loss = head(tokens, targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        bar.update()
        if (step + 1) % 20 == 0:
            bar.set_postfix(loss=f'{loss:.2f}', kind=f'{accuracy(tokens, head, targets):.2f}')
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == steps:
            save_state(folder / STATE_FILE, modules, optimizer, step=step + 1)
            row = {
                'pretrain_step': step + 1,
                'loss': round(loss.item(), 4),
                'kind_accuracy': round(accuracy(tokens, head, targets), 4),
            }
            with (folder / 'log.jsonl').open('a', encoding='utf-8') as log:
                log.write(json.dumps(row) + '\n')
    bar.close()
