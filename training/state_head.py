# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Dense supervision of the X-Encoder with the simulator's exact state.

V-JEPA 2 is pretrained on millions of videos; here every visual token is told instead what it
shows: which object, which colour, how it moves, whether it is held, how far the drawer is open.
The head is thrown away after training.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.batches import Batch
from training.world import COLOURS, KINDS

NOTHING = 0  # class of a token without an object; kinds and colours count from 1
MIN_OVERLAP = 0.2


class StateHead(nn.Module):
    """Linear read-outs of the visual tokens."""

    def __init__(self, hidden_size: int) -> None:
        """Create the read-outs for tokens of width `hidden_size`."""
        super().__init__()
        self.kind = nn.Linear(hidden_size, len(KINDS) + 1)
        self.colour = nn.Linear(hidden_size, len(COLOURS) + 1)
        self.motion = nn.Linear(hidden_size, 2)
        self.held = nn.Linear(hidden_size, 1)
        self.drawer = nn.Linear(hidden_size, 1)

    def forward(self, tokens: Tensor, targets: dict[str, Tensor]) -> Tensor:
        """Return the mean loss of tokens [B, N, D] against `dense_targets` of the same clips."""
        tokens = tokens.float()
        has_object = targets['kind'] != NOTHING  # [B, N]
        classes = functional.cross_entropy(
            self.kind(tokens).transpose(1, 2), targets['kind']
        ) + functional.cross_entropy(self.colour(tokens).transpose(1, 2), targets['colour'])
        seen = tokens[has_object]  # [M, D]
        motion = functional.smooth_l1_loss(self.motion(seen), targets['motion'][has_object])
        held = functional.binary_cross_entropy_with_logits(
            self.held(seen)[:, 0], targets['held'][has_object]
        )
        drawer_tokens = tokens.unflatten(1, (targets['drawer'].shape[1], -1)).mean(2)
        drawer = functional.mse_loss(self.drawer(drawer_tokens)[..., 0], targets['drawer'])
        loss: Tensor = 3.0 * classes + motion + 0.3 * held + drawer
        return loss


def dense_targets(batch: Batch, *, patch: int, tubelet: int) -> dict[str, Tensor]:
    """Turn the objects' places in the picture into a target for each token.

    A token shows an object if the object's box covers more than a fifth of the patch; of several
    objects the one that covers most.

    Args:
        batch: B clips of T frames of side S.
        patch: side of a patch in pixels.
        tubelet: frames of a token.

    Returns:
        kind, colour int64 [B, N]; motion float [B, N, 2], movement of the object over a tubelet
        in patches; held float [B, N]; drawer float [B, T/tubelet]. N = T/tubelet·(S/patch)².
    """
    clips, _, size = batch.frames.shape[:3]
    where = batch.pixels.reshape(clips, -1, tubelet, *batch.pixels.shape[2:])  # [B, t, 2, O, 3]
    moved = np.gradient(where.mean(2), axis=1)[..., :2] / patch  # [B, t, O, 2]
    middle, radius = where.mean(2)[..., :2], where.mean(2)[..., 2:]
    low, high = middle - radius, middle + radius  # [B, t, O, 2] in (u, v)
    edges = np.arange(0, size, patch)
    covered = [
        np.clip(
            np.minimum(high[..., axis, None], edges + patch)
            - np.maximum(low[..., axis, None], edges),
            0,
            patch,
        )
        / patch
        for axis in (0, 1)
    ]
    overlap = covered[1][..., :, None] * covered[0][..., None, :]  # [B, t, O, rows, columns]
    overlap = np.nan_to_num(overlap).transpose(0, 1, 3, 4, 2)  # [B, t, rows, columns, O]
    overlap = overlap.reshape(clips, -1, overlap.shape[-1])  # [B, N, O]
    best = overlap.argmax(-1)
    present = np.take_along_axis(overlap, best[..., None], -1)[..., 0] > MIN_OVERLAP
    rows = np.arange(clips)[:, None]
    steps = np.repeat(np.arange(where.shape[1]), len(edges) ** 2)[None, :]
    held = batch.held.reshape(clips, -1, tubelet)[..., -1]  # [B, t]
    return {
        'kind': torch.from_numpy(np.where(present, batch.kind[rows, best] + 1, NOTHING)).long(),
        'colour': torch.from_numpy(
            np.where(present, batch.colour[rows, best] + 1, NOTHING)
        ).long(),
        'motion': torch.from_numpy(np.nan_to_num(moved[rows, steps, best])).float(),
        'held': torch.from_numpy(held[rows, steps] == best).float(),
        'drawer': torch.from_numpy(batch.drawer.reshape(clips, -1, tubelet).mean(-1)).float(),
    }
