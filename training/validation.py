# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a training is watched with, and its checkpoint chosen by: retrieval on the val split."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from training.objective import embed_sorted
from training.sources import ClipSource, QueryAnswer
from vljepa_ros.model.vl_jepa import VLJEPA

BATCH = 32


@dataclass(frozen=True)
class Validation:
    """Encoded clips of the val split with fixed questions.

    Attributes:
        tokens: float16 [M, N, D_vision].
        asked: for each question the number of its clip.
    """

    tokens: Tensor
    asked: list[tuple[int, QueryAnswer]]

    @classmethod
    def draw(cls, source: ClipSource, encoder: nn.Module, *, count: int) -> Validation:
        """Encode clips spread evenly over a source, and draw their questions once."""
        chosen = np.linspace(0, len(source) - 1, min(count, len(source))).round().astype(int)
        tokens, asked = [], []
        for start in range(0, len(chosen), BATCH):
            part = chosen[start : start + BATCH].tolist()
            clips = np.stack([source.clip(index) for index in part])
            device = next(encoder.parameters()).device
            with torch.inference_mode():
                tokens.append(encoder(torch.from_numpy(clips).to(device)).half().cpu())
        for number, index in enumerate(chosen.tolist()):
            rng = np.random.default_rng([11, index])
            asked += [(number, pair) for pair in source.pairs(index, rng)]
        return cls(torch.cat(tokens), asked)


@torch.inference_mode()
def scores(model: VLJEPA, validation: Validation) -> dict[str, float]:
    """Return the scores, each in [0, 1].

    `retrieval` is the mean over both directions of R@1 among the distinct answers that are
    sentences (captions, actions, states; all answers where none is); `choice` the share of
    questions whose right answer beats its wrong ones.
    """
    predicted = _predict(model, validation)
    everything = range(len(validation.asked))
    sentences = [n for n in everything if validation.asked[n][1].answer.count(' ') > 2]
    first: dict[str, int] = {}
    for number in sentences or everything:
        first.setdefault(validation.asked[number][1].meaning, number)
    pool = list(first.values())
    texts = embed_sorted(model, [validation.asked[number][1].answer for number in pool])
    cosine = predicted[pool] @ texts.float().cpu().T  # [K, K]
    truth = torch.arange(len(pool))
    to_text = (cosine.argmax(1) == truth).float().mean()
    to_video = (cosine.argmax(0) == truth).float().mean()
    return {
        'retrieval': round(float(to_text + to_video) / 2, 4),
        'retrieval_pool': float(len(pool)),
        'choice': round(_choices(model, validation, predicted), 4),
    }


def _predict(model: VLJEPA, validation: Validation) -> Tensor:
    parts = []
    for start in range(0, len(validation.asked), BATCH):
        part = validation.asked[start : start + BATCH]
        ids, mask = model.tokenize('predictor', [pair.query for _, pair in part])
        tokens = validation.tokens[[row for row, _ in part]].to(model.device).float()
        parts.append(model.network('predictor')(tokens, ids, mask).float().cpu())
    return torch.cat(parts)


def _choices(model: VLJEPA, validation: Validation, predicted: Tensor) -> float:
    texts = list(
        dict.fromkeys(t for _, pair in validation.asked for t in (pair.answer, *pair.negatives))
    )
    place = {text: number for number, text in enumerate(texts)}
    embedded = embed_sorted(model, texts).float().cpu()
    right = total = 0
    for (_, pair), answer in zip(validation.asked, predicted, strict=True):
        if pair.negatives:
            options = embedded[[place[text] for text in (pair.answer, *pair.negatives)]]
            right += int((options @ answer).argmax() == 0)
            total += 1
    return right / max(total, 1)
