# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Text-to-video retrieval: a caption is the query, the clips of a pool are ranked.

A pool holds clips whose captions all differ, so exactly one clip is right. Where there are more
captions than places, several pools are drawn and each query's results are averaged.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.evaluation.intervals import exact, rate_score
from training.evaluation.measured import Measured

POOL_SIZE = 300
POOLS = 5
RANKS = (1, 5)


def draw_pools(
    captions: Sequence[str], *, size: int = POOL_SIZE, preferred: Sequence[bool] | None = None
) -> list[np.ndarray]:
    """Draw pools of clip numbers, always the same ones for the same captions.

    Args:
        captions: of each clip.
        size: clips a pool; fewer if there are not so many different captions.
        preferred: clips that come into a pool before others (those that will be queried).
    """
    by_caption: dict[str, list[int]] = {}
    first = [False] * len(captions) if preferred is None else list(preferred)
    for index, text in enumerate(captions):
        by_caption.setdefault(text, []).append(index)
    pools = []
    for number in range(POOLS if len(by_caption) > size else 1):
        rng = np.random.default_rng([number, size])
        order = rng.permutation(len(by_caption))
        groups = [list(by_caption.values())[index] for index in order]
        groups.sort(key=lambda group: not any(first[index] for index in group))
        pool = []
        for group in groups[:size]:
            wanted = [index for index in group if first[index]] or group
            pool.append(wanted[int(rng.integers(len(wanted)))])
        pools.append(np.array(pool))
    return pools


def ranks_in_pool(text_embeddings: np.ndarray, clip_embeddings: np.ndarray) -> np.ndarray:
    """Return for each text the rank int [N] of its own clip, 0 the best; ties count against it.

    Args:
        text_embeddings: unit vectors [N, D].
        clip_embeddings: unit vectors [N, D], row i belongs to text i.
    """
    similarities = text_embeddings @ clip_embeddings.T  # [texts, clips]
    own = np.diag(similarities)[:, None]
    return np.asarray((similarities >= own).sum(1) - 1)


def score_retrieval(
    clip_embeddings: np.ndarray,
    text_embeddings: np.ndarray,
    pools: Sequence[np.ndarray],
    *,
    episodes: Sequence[int],
    queried: Sequence[bool] | None = None,
) -> Measured:
    """Score R@1 and R@5.

    Args:
        clip_embeddings: float32 [N, D], the answers to the caption query.
        text_embeddings: float32 [N, D], the embeddings of the true captions.
        pools: from `draw_pools`.
        episodes: where each clip comes from.
        queried: whose captions are used as queries; None for all. The others are distractors.
    """
    chosen = np.ones(len(clip_embeddings), bool) if queried is None else np.asarray(queried, bool)
    clips, ranks = [], []
    for pool in pools:
        found = ranks_in_pool(text_embeddings[pool], clip_embeddings[pool])
        clips.append(pool[chosen[pool]])
        ranks.append(found[chosen[pool]])
    clip, rank = np.concatenate(clips), np.concatenate(ranks)
    groups = np.asarray(episodes)[clip]
    different = len(np.unique(clip))
    size = len(pools[0])
    result = Measured()
    for limit in RANKS:
        name = f'retrieval_r{limit}'
        # A clip that is in several pools is one sample: its results are averaged first.
        numbers, member = np.unique(clip, return_inverse=True)
        hits = np.bincount(member, weights=rank < limit) / np.bincount(member)
        result.scores[name] = rate_score(hits, np.asarray(episodes)[numbers])
        # Whoever does not see the clips ranks them alike for every text.
        for baseline in ('chance', 'majority', 'blind'):
            result.scores[f'{name}:{baseline}'] = exact(min(1.0, limit / size), different)
    result.raw['retrieval'] = {
        'pool_size': [size],
        'clip': clip.tolist(),
        'episode': groups.tolist(),
        'rank': rank.tolist(),
    }
    return result
