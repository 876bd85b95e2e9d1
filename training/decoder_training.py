# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Trains the Y-Decoder on text alone: the Y-Encoder's embedding of a sentence → the sentence.

Predicted embeddings lie beside those of texts; noise on the embeddings makes the decoder read
them too. Whatever the phrasing, the canonical sentence is to be written, so equal meanings are
told in equal words.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional
from tqdm import tqdm

from training.state_file import load_state, save_state
from training.texts import captions, draw_phrasing, draw_state
from vljepa_ros.model.vl_jepa import VLJEPA

BATCH = 64
STATE_SHARE = 0.35
SAVE_EVERY = 200


def draw_texts(step: int, *, seed: int) -> tuple[list[str], list[str]]:
    """Return the sentences to embed and the sentences to write."""
    rng = np.random.default_rng([seed, step, 3])
    sources, targets = [], []
    for _ in range(BATCH):
        if rng.random() < STATE_SHARE:
            sources.append(draw_state(rng))
            targets.append(sources[-1])
        else:
            meaning = int(rng.integers(len(captions())))
            sources.append(draw_phrasing(meaning, rng))
            targets.append(captions()[meaning])
    return sources, targets


def train_decoder(
    model: VLJEPA, folder: Path, *, steps: int, noise: float = 0.6, seed: int = 0
) -> None:
    """Train the Y-Decoder with everything else frozen; goes on where it was interrupted.

    Args:
        model: with a trained Y-Encoder.
        folder: holds the training state.
        steps: batches in all.
        noise: largest length of the noise vector, relative to the unit embedding.
        seed: of texts and noise.
    """
    decoder = model.network('y_decoder')
    optimizer = torch.optim.AdamW(decoder.parameters(), lr=1e-3, weight_decay=0.05, fused=True)
    path = folder / 'decoder_state.safetensors'
    done = load_state(path, {'decoder': decoder}, optimizer)
    tokenizer = model.tokenizers['y_decoder']
    bar = tqdm(total=steps, initial=done, desc='decoder', unit='step', dynamic_ncols=True)
    for step in range(done, steps):
        for group in optimizer.param_groups:
            group['lr'] = 1e-3 * min(1.0, (step + 1) / 100) * (1.0 - step / steps)
        sources, targets = draw_texts(step, seed=seed)
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        with torch.no_grad():
            embeddings = model.embed_text(sources)
            direction = torch.randn(embeddings.shape, generator=generator)
            length = noise * torch.rand(len(sources), 1, generator=generator)
            noisy = embeddings + length * functional.normalize(direction, dim=-1)
            noisy = functional.normalize(noisy, dim=-1)
        ids, mask = model.tokenize('y_decoder', targets)
        bos = ids.new_full((len(targets), 1), tokenizer.bos)
        ended = torch.cat((ids, ids.new_full((len(targets), 1), tokenizer.pad)), dim=1)
        # [EOS] goes right behind each text; what follows is not scored.
        ended.scatter_(1, mask.sum(1, keepdim=True), tokenizer.eos)
        logits = decoder(noisy, torch.cat((bos, ids), dim=1))
        loss = functional.cross_entropy(logits.transpose(1, 2), ended, ignore_index=tokenizer.pad)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
        optimizer.step()
        bar.update()
        bar.set_postfix(loss=f'{loss:.3f}')
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == steps:
            save_state(path, {'decoder': decoder}, optimizer, step=step + 1)
            with (folder / 'log.jsonl').open('a', encoding='utf-8') as log:
                row = {'decoder_step': step + 1, 'decoder_loss': round(loss.item(), 4)}
                log.write(json.dumps(row) + '\n')
    bar.close()
