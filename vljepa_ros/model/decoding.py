# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Greedy decoding: the most likely text, token by token, whatever computes the probabilities."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

NextToken = Callable[[np.ndarray, np.ndarray], np.ndarray]


def greedy(
    next_token: NextToken, *, batch: int, max_tokens: int, bos: int, eos: int, pad: int
) -> tuple[list[list[int]], np.ndarray]:
    """Write the most likely texts.

    Texts are a dozen tokens and events are rare, so all tokens are read again for each new one:
    no cache has to be carried through the graphs.

    Args:
        next_token: numbers of the texts that are not complete int64 [n], and their token ids
            int64 [n, L], the first one [BOS] → the logarithms of the probabilities of the tokens
            that follow, float [n, vocab_size].
        batch: texts at once.
        max_tokens: the most tokens of a text, [BOS] and [EOS] included.
        bos: id of the token that begins a text.
        eos: id of the token that ends it.
        pad: id of the token that fills up; like `bos` it is never written.

    Returns:
        The token ids of each text without [BOS] and [EOS], and the geometric mean of its token
        probabilities, float32 [batch] in [0, 1].
    """
    texts: list[list[int]] = [[] for _ in range(batch)]
    total = np.zeros(batch, dtype=np.float32)  # of the logarithms
    count = np.zeros(batch, dtype=np.float32)
    rows = np.arange(batch)
    ids = np.full((batch, 1), bos, dtype=np.int64)
    for _ in range(max_tokens - 1):
        scores = np.array(next_token(rows, ids), dtype=np.float32)  # [n, vocab_size]
        scores[:, [bos, pad]] = -np.inf
        token = scores.argmax(axis=1)
        best = scores[np.arange(len(rows)), token]
        # What is never written takes its share from the others.
        total[rows] += best - np.logaddexp.reduce(scores, axis=1)
        count[rows] += 1
        goes_on = token != eos
        ids = np.concatenate((ids, token[:, None]), axis=1)[goes_on]
        rows = rows[goes_on]
        for row, own in zip(rows, token[goes_on].tolist(), strict=True):
            texts[row].append(own)
        if not len(rows):
            break
    return texts, np.exp(total / np.maximum(count, 1.0))
