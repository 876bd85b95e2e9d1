# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Weights as files store them: in half precision, large tables of tokens in 8 bits a number.

Reading gives float32 again. A table row is rounded to 127 steps of its largest number, which the
tensor `<name>.scale` beside it holds a 127th of.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

SCALE = '.scale'
LARGE_TABLE = 4096  # rows; smaller tables are not worth the rounding


def compacted(
    network: nn.Module, *, dtype: torch.dtype | None, int8_tables: bool
) -> dict[str, Tensor]:
    """Return a network's weights for storing.

    Args:
        network: in any precision.
        dtype: of the stored weights; None keeps the present one.
        int8_tables: whether to store tables of `LARGE_TABLE` tokens or more in 8 bits.
    """
    tables = {
        f'{name}.weight'
        for name, part in network.named_modules()
        if isinstance(part, nn.Embedding) and part.num_embeddings >= LARGE_TABLE
    }
    state = {}
    for name, value in network.state_dict().items():
        if int8_tables and name in tables:
            wide = value.float()
            scale = wide.abs().amax(dim=1, keepdim=True) / 127.0  # [rows, 1]
            state[name] = (wide / scale.clamp(min=1e-12)).round().to(torch.int8)
            state[name + SCALE] = scale
        else:
            state[name] = (value if dtype is None else value.to(dtype)).contiguous()
    return state


def expanded(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return stored weights with the 8-bit tables as float32."""
    scales = {name: value for name, value in state.items() if name.endswith(SCALE)}
    return {
        name: value.float() * scales[name + SCALE] if name + SCALE in scales else value
        for name, value in state.items()
        if name not in scales
    }
