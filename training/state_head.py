# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Dense supervision of the X-Encoder with the simulator's exact state.

V-JEPA 2 is pretrained on millions of videos; here every visual token is told instead what it
shows: which object, which colour, where that object is, whether it lies, which furniture, where
the gripper is, how both move, how far the drawer is open. The head is thrown away after training.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.batches import Batch
from training.pairing_masks import IGNORE_INDEX, cross_entropy
from training.world.symbols import COLOURS, FURNITURE, KINDS, PLACES

NOTHING = 0  # class of a token without an object; kinds, colours, furniture count from 1
MIN_OVERLAP = 0.2


class StateHead(nn.Module):
    """Linear read-outs of the visual tokens."""

    def __init__(self, hidden_size: int) -> None:
        """Create the read-outs for tokens of width `hidden_size`."""
        super().__init__()
        self.kind = nn.Linear(hidden_size, len(KINDS) + 1)
        self.colour = nn.Linear(hidden_size, len(COLOURS) + 1)
        self.furniture = nn.Linear(hidden_size, len(FURNITURE) + 1)
        self.place = nn.Linear(hidden_size, len(PLACES))
        self.lying = nn.Linear(hidden_size, 1)
        self.gripper = nn.Linear(hidden_size, 1)
        self.motion = nn.Linear(hidden_size, 2)
        self.drawer = nn.Linear(hidden_size, 1)

    def forward(self, tokens: Tensor, targets: dict[str, Tensor]) -> Tensor:
        """Return the mean loss of tokens [B, N, D] against `dense_targets` of the same clips.

        `targets` may also hold the masks of `PairingMasks.of_tokens`.
        """
        tokens = tokens.float()
        classes = sum(
            weight * cross_entropy(head(tokens), targets[name], targets.get(f'never_{name}'))
            for name, head, weight in (
                ('kind', self.kind, 3.0),
                ('colour', self.colour, 3.0),
                ('furniture', self.furniture, 1.0),
            )
        )
        gripper = functional.binary_cross_entropy_with_logits(
            self.gripper(tokens)[..., 0], targets['gripper']
        )
        seen = targets['kind'] != NOTHING  # [B, N]
        place = functional.cross_entropy(self.place(tokens[seen]), targets['place'][seen])
        lying = functional.binary_cross_entropy_with_logits(
            self.lying(tokens[seen])[:, 0], targets['lying'][seen]
        )
        moving = seen | (targets['gripper'] > 0)
        motion = functional.smooth_l1_loss(
            self.motion(tokens[moving]), targets['motion'][moving], beta=0.1
        )
        drawer_tokens = tokens.unflatten(1, (targets['drawer'].shape[1], -1)).mean(2)
        there = targets['drawer'].isfinite()
        drawer = functional.mse_loss(
            self.drawer(drawer_tokens[there])[..., 0], targets['drawer'][there]
        )
        drawer = drawer if bool(there.any()) else tokens.new_zeros(())
        loss: Tensor = classes + 3.0 * gripper + place + 0.3 * lying + motion + drawer
        return loss


def dense_targets(batch: Batch, *, patch: int, tubelet: int) -> dict[str, Tensor]:
    """Turn the places of things in the picture into a target for each token.

    A token shows an object if the object's box covers more than a fifth of the patch; of several
    objects the one that covers most; likewise the furniture. The gripper counts as a thing of half
    a patch around the fingertips; where it is, the motion is its own.

    Args:
        batch: B clips of T frames of side S.
        patch: side of a patch in pixels.
        tubelet: frames of a token.

    Returns:
        kind, colour, furniture, place int64 [B, N], colour `IGNORE_INDEX` in grey clips; motion
        float [B, N, 2], in patches from the tubelet's first to its last frame; lying, gripper
        float [B, N]; drawer float [B, T/tubelet], NaN without a drawer. N = T/tubelet·(S/patch)².
    """
    clips, frames, size = batch.frames.shape[:3]
    tip = np.concatenate((batch.gripper, np.full((clips, frames, 1), patch / 4)), -1)
    things = np.concatenate((batch.pixels, tip[:, :, None]), 2)  # [B, T, O+1, 3]
    where = things.reshape(clips, -1, tubelet, *things.shape[2:])  # [B, t, tubelet, O+1, 3]
    moved = (where[:, :, -1] - where[:, :, 0])[..., :2] / patch  # [B, t, O+1, 2]
    overlap = _overlap(where.mean(2), size=size, patch=patch)  # [B, N, O+1]
    gripper = overlap[..., -1] > 0
    best = overlap[..., :-1].argmax(-1)  # [B, N]
    present = np.take_along_axis(overlap, best[..., None], -1)[..., 0] > MIN_OVERLAP
    rows = np.arange(clips)[:, None]
    steps = np.repeat(np.arange(where.shape[1]), (size // patch) ** 2)[None, :]
    mover = np.where(gripper, things.shape[2] - 1, best)
    last = batch.places.reshape(clips, -1, tubelet, batch.places.shape[2])[:, :, -1]  # [B, t, O]
    lying = batch.lying.reshape(clips, -1, tubelet, batch.lying.shape[2])[:, :, -1]
    pieces = batch.furniture_pixels.reshape(clips, -1, tubelet, *batch.furniture_pixels.shape[2:])
    pieces = _overlap(pieces.mean(2), size=size, patch=patch)  # [B, N, furniture]
    piece = pieces.argmax(-1)
    shown = np.take_along_axis(pieces, piece[..., None], -1)[..., 0] > MIN_OVERLAP
    targets = {
        'kind': np.where(present, batch.kind[rows, best] + 1, NOTHING).astype(np.int64),
        'colour': np.where(present, batch.colour[rows, best] + 1, NOTHING).astype(np.int64),
        'furniture': np.where(shown, batch.furniture[rows, piece] + 1, NOTHING).astype(np.int64),
        'place': np.where(present, last[rows, steps, best], 0).astype(np.int64),
        'lying': lying[rows, steps, best].astype(np.float32),
        'motion': np.nan_to_num(moved[rows, steps, mover]).astype(np.float32),
        'gripper': gripper.astype(np.float32),
        'drawer': batch.drawer.reshape(clips, -1, tubelet).mean(-1).astype(np.float32),
    }
    targets['colour'][batch.grey] = IGNORE_INDEX
    return {name: torch.from_numpy(values) for name, values in targets.items()}


def _overlap(things: np.ndarray, *, size: int, patch: int) -> np.ndarray:
    """Return which share of each patch the box of each thing covers.

    Args:
        things: u, v and radius [B, t, O, 3], NaN where there is none.
        size: side of the picture in pixels.
        patch: side of a patch in pixels.

    Returns:
        Shares [B, t·(S/patch)², O], 0 where there is no thing.
    """
    low, high = things[..., :2] - things[..., 2:], things[..., :2] + things[..., 2:]
    edges = np.arange(0, size, patch)
    columns, rows = (
        np.minimum(high[..., axis, None], edges + patch) - np.maximum(low[..., axis, None], edges)
        for axis in (0, 1)
    )  # [B, t, O, S/patch] each
    share = rows.clip(0)[..., :, None] * columns.clip(0)[..., None, :] / patch**2
    share = np.nan_to_num(share).transpose(0, 1, 3, 4, 2)  # [B, t, rows, columns, O]
    return share.reshape(len(share), -1, share.shape[-1])
