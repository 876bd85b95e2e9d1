# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Saves and restores a whole training (weights and optimiser) as safetensors, never pickle."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn


def save_state(
    path: Path,
    modules: dict[str, nn.Module],
    optimizer: torch.optim.Optimizer | None,
    *,
    step: int,
) -> None:
    """Write the state after `step` steps; the old file stays until the new one is whole.

    Without an optimizer only the weights are written.
    """
    tensors: dict[str, Tensor] = {}
    for name, module in modules.items():
        for key, value in module.state_dict().items():
            tensors[f'{name}/{key}'] = value.contiguous()
    states = optimizer.state_dict()['state'] if optimizer else {}
    for index, values in states.items():
        for key, value in values.items():
            tensors[f'optimizer/{index}/{key}'] = value.contiguous()
    partial = path.with_suffix('.partial')
    save_file(tensors, partial, metadata={'training': json.dumps({'step': step})})
    partial.rename(path)


def load_state(
    path: Path, modules: dict[str, nn.Module], optimizer: torch.optim.Optimizer | None
) -> int:
    """Restore what `save_state` wrote; return the number of steps done, 0 if there is no file."""
    if not path.is_file():
        return 0
    parts: dict[str, dict[str, Tensor]] = {name: {} for name in modules}
    moments: dict[int, dict[str, Tensor]] = {}
    with safe_open(path, framework='pt') as file:
        for key in file.keys():  # noqa: SIM118 (not a mapping)
            owner, rest = key.split('/', 1)
            if owner == 'optimizer':
                index, name = rest.split('/', 1)
                moments.setdefault(int(index), {})[name] = file.get_tensor(key)
            else:
                parts[owner][rest] = file.get_tensor(key)
        step = int(json.loads(file.metadata()['training'])['step'])
    for name, module in modules.items():
        module.load_state_dict(parts[name])
    if optimizer is not None:
        groups = optimizer.state_dict()['param_groups']
        optimizer.load_state_dict({'state': moments, 'param_groups': groups})
    return step
