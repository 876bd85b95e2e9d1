# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Classes that a loss must not call wrong, as the data never shows them with what is there."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.episodes import FACTS
from training.pairings import Pairings

IGNORE_INDEX = -100  # a class that no loss is to tell, as in `torch.nn.functional.cross_entropy`
# Which fact each fact is held against, and by which of the tables below.
_HELD_AGAINST = {
    'action': (('kind', 'action_by_kind'),),
    'kind': (('colour', 'kind_by_colour'), ('action', 'kind_by_action')),
    'colour': (('kind', 'colour_by_kind'),),
    'reference_kind': (('reference_colour', 'kind_by_colour'),),
    'reference_colour': (('reference_kind', 'colour_by_kind'),),
}


class PairingMasks:
    """The masks of a batch; class 0 is "none", which all go with."""

    def __init__(self, pairings: Pairings, device: torch.device) -> None:
        """Take what occurs together."""
        tables = {
            'kind_by_colour': pairings.kind_colour.T,
            'colour_by_kind': pairings.kind_colour,
            'kind_by_action': pairings.action_kind,
            'action_by_kind': pairings.action_kind.T,
        }
        self._never = {
            name: torch.from_numpy(np.pad(~table, ((1, 0), (1, 0)))).to(device)
            for name, table in tables.items()
        }

    def of_tokens(self, targets: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return `never_kind` bool [B, N, kinds + 1] and `never_colour` for `dense_targets`."""
        return {
            'never_kind': self._never['kind_by_colour'][targets['colour'].clamp(min=0)],
            'never_colour': self._never['colour_by_kind'][targets['kind'].clamp(min=0)],
        }

    def of_facts(self, facts: Tensor) -> dict[str, Tensor]:
        """Return for some of the facts bool [B, classes + 1], given facts int64 [B, 7]."""
        column = {name: (facts[:, place] + 1).clamp(min=0) for place, name in enumerate(FACTS)}
        masks: dict[str, Tensor] = {}
        for name, others in _HELD_AGAINST.items():
            for other, table in others:
                never = self._never[table][column[other]]
                masks[name] = masks[name] | never if name in masks else never
        return masks


def cross_entropy(logits: Tensor, target: Tensor, never: Tensor | None) -> Tensor:
    """Return the mean cross entropy among the classes that are not masked.

    Args:
        logits: [..., classes].
        target: int64 [...], `IGNORE_INDEX` where nothing is to be told.
        never: bool [..., classes], True for the masked ones; the target counts even if masked.

    Returns:
        Scalar, 0 where nothing is told.
    """
    if bool((target == IGNORE_INDEX).all()):
        return logits.sum() * 0.0
    if never is not None:
        places = torch.arange(logits.shape[-1], device=logits.device)
        logits = logits.masked_fill(never & (places != target[..., None]), -torch.inf)
    return functional.cross_entropy(
        logits.flatten(0, -2), target.flatten(), ignore_index=IGNORE_INDEX
    )
