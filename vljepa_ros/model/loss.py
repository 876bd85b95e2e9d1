# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Bidirectional InfoNCE between predicted and target embeddings (arXiv 2512.10942, §2)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def info_nce(
    predicted: Tensor,
    target: Tensor,
    *,
    temperature: float | Tensor,
    ignore: Tensor | None = None,
) -> Tensor:
    """Pull each prediction to its target and away from the others, in both directions.

    Args:
        predicted: unit vectors [B, D].
        target: unit vectors [M, D], M ≥ B: first the B answers, then M - B hard negatives that
            belong to no prediction.
        temperature: divides the cosines; the paper does not state its value.
        ignore: boolean [B, M], True where target j answers prediction i as well (the same
            meaning in other words); such a pair is no negative. The positives are never ignored.

    Returns:
        Scalar loss.
    """
    batch = predicted.shape[0]
    logits = predicted @ target.T / temperature  # [B, M]
    labels = torch.arange(batch, device=logits.device)
    if ignore is not None:
        positive = labels[:, None] == torch.arange(target.shape[0], device=logits.device)
        logits = logits.masked_fill(ignore & ~positive, float('-inf'))
    video_to_text = functional.cross_entropy(logits, labels)
    text_to_video = functional.cross_entropy(logits[:, :batch].T, labels)
    return (video_to_text + text_to_video) / 2
