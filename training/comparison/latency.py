# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How long one clip takes, split as in the paper's Fig. 3: encoder, query and model, decoding."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from training.comparison.vljepa_learner import VLJEPALearner
from training.comparison.vlm_learner import VLMLearner

Milliseconds = dict[str, list[float]]


@torch.inference_mode()
def measure_latency(
    vljepa: VLJEPALearner, vlm: VLMLearner, encoder: nn.Module, *, clips: Tensor, tokens: Tensor
) -> Milliseconds:
    """Return the milliseconds of each part for each clip, one clip at a time, in float32.

    The two models take turns, so that whatever else the machine does hits both.

    Args:
        vljepa: with a trained Y-Decoder, else what it writes has no meaningful length.
        vlm: the token-writing model; it keeps keys and values of earlier tokens.
        encoder: the X-Encoder.
        clips: uint8 [R, T, S, S, 3]; the first is a warm-up and is not counted.
        tokens: their visual tokens [R, N, D].

    Returns:
        `encoder`; `vljepa.predictor` (query included), `vljepa.decoding` (one embedding);
        `vlm.prefill` (visual tokens and query), `vlm.decoding`; and, as numbers of tokens,
        `vljepa.tokens`, `vlm.tokens`.
    """
    taken: Milliseconds = {}

    def timed(name: str, run: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        start = time.perf_counter()
        result = run(*arguments, **more)
        if tokens.device.type == 'cuda':
            torch.cuda.synchronize()
        taken.setdefault(name, []).append(1e3 * (time.perf_counter() - start))
        return result

    model = vljepa.model
    for clip, seen in zip(clips.split(1), tokens.float().split(1), strict=True):
        timed('encoder', encoder, clip)
        answer = timed('vljepa.predictor', model.predict, seen, ['caption'])[:, 0]
        texts, _ = timed('vljepa.decoding', model.decode, answer)
        taken.setdefault('vljepa.tokens', []).append(_length(model.tokenizers['y_decoder'], texts))
        cache = timed('vlm.prefill', vlm.read, seen)
        rows = timed('vlm.decoding', vlm.model.generate, cache, **vlm.special)
        taken.setdefault('vlm.tokens', []).append(float(len(rows[0]) + 1))
    return {name: values[1:] for name, values in taken.items()}


def _length(tokenizer: Any, texts: list[str]) -> float:
    """Return how many tokens a text has, the one that ends it included."""
    if not texts[0]:
        return 1.0
    ids, _ = tokenizer.encode(texts, max_tokens=10_000)
    return float(ids.shape[1] + 1)


def medians(taken: Milliseconds) -> dict[str, float]:
    """Return the median of each part."""
    return {name: float(np.median(values)) for name, values in taken.items()}
