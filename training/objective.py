# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The objective of one batch: InfoNCE over captions, states and actions, plus the state head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.batches import Batch
from training.state_head import StateHead, dense_targets
from training.texts import captions, draw_phrasing
from vljepa_ros.model.loss import info_nce
from vljepa_ros.model.vl_jepa import VLJEPA

QUERIES = ('caption', 'action', 'state')


@dataclass(frozen=True)
class Losses:
    """The two parts of the loss, scalars."""

    contrastive: Tensor
    dense: Tensor


def losses(
    model: VLJEPA,
    head: StateHead,
    batch: Batch,
    *,
    transitions: int,
    temperature: float,
    rng: np.random.Generator,
) -> Losses:
    """Compute the losses of a batch whose last `transitions` examples are image pairs.

    Besides the other answers of the batch, every prediction has all captions of the world as hard
    negatives: other colour, other object, other verb.
    """
    total = len(batch.captions)
    features = model.encode(torch.from_numpy(batch.frames))  # [B, N, D]
    names = ['caption'] * (total - transitions) + ['action'] * transitions
    names += ['state'] * len(batch.states)
    ids, mask = model.tokenize('predictor', [model.config.query(name) for name in QUERIES])
    rows = torch.tensor([QUERIES.index(name) for name in names])
    visual = torch.cat((features, features[: len(batch.states)]))
    predicted = model.network('predictor')(visual, ids[rows], mask[rows])  # [P, E]

    known = len(captions())
    meanings = [int(meaning) for meaning in batch.captions]
    texts = [draw_phrasing(meaning, rng) for meaning in meanings]
    numbers: dict[str, int] = {}
    meanings += [known + numbers.setdefault(text, len(numbers)) for text in batch.states]
    meanings += range(known)
    negatives = [draw_phrasing(meaning, rng) for meaning in range(known)]
    # States are three times as long; padding all texts to their length would cost too much.
    short = model.embed_text(texts + negatives)
    target = torch.cat((short[:total], model.embed_text(batch.states), short[total:]))  # [M, E]
    meaning = torch.tensor(meanings)
    same = meaning[: len(names), None] == meaning[None, :]
    targets = dense_targets(
        batch,
        patch=model.config.vision.patch_size,
        tubelet=model.config.vision.tubelet_size,
    )
    return Losses(
        contrastive=info_nce(
            predicted.float(), target.float(), temperature=temperature, ignore=same
        ),
        dense=head(features, targets),
    )


@torch.inference_mode()
def caption_accuracy(model: VLJEPA, batch: Batch, *, transitions: int) -> tuple[float, float]:
    """Return top-1 among all captions: of the clips, and of the transitions, each in [0, 1]."""
    features = model.encode(torch.from_numpy(batch.frames))
    answers = model.predict(features, ['caption', 'action']).float()  # [B, 2, E]
    texts = model.embed_text(list(captions())).float()
    best = (answers @ texts.T).argmax(-1).numpy()  # [B, 2]
    clips = len(batch.captions) - transitions
    right_clips = best[:clips, 0] == batch.captions[:clips]
    right_pairs = best[clips:, 1] == batch.captions[clips:]
    return float(right_clips.mean()), float(right_pairs.mean())
