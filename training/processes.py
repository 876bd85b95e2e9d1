# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One training in several processes, each with its own GPU: what they share and exchange.

All processes draw the same batch, each computes its part of the embeddings, and all compute the
loss on the gathered whole. So the loss, and after `average_gradients` the gradient, are those of
one process on the same batch, whatever the number of processes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, distributed, nn

from vljepa_ros.errors import ConfigurationError, MissingDependencyError

# The first process may render or pretrain for hours while the others wait.
PATIENCE = timedelta(days=2)
DEVICES = ('auto', 'cpu', 'cuda')


@dataclass(frozen=True)
class Processes:
    """This process among those of one training.

    Attributes:
        index: number of this process, 0 for the one that writes files.
        count: number of processes.
        device: where this process computes.
    """

    index: int = 0
    count: int = 1
    device: torch.device = torch.device('cpu')

    @property
    def main(self) -> bool:
        """Whether this process writes files and shows progress."""
        return self.index == 0

    def share(self, total: int, index: int | None = None) -> range:
        """Return which of `total` things a process (default: this one) computes."""
        index = self.index if index is None else index
        return range(total * index // self.count, total * (index + 1) // self.count)

    def gather(self, rows: Tensor, total: int) -> Tensor:
        """Join the rows of all processes, with gradients: [n, D] of each `share` to [total, D]."""
        if self.count == 1:
            return rows
        sizes = [len(self.share(total, index)) for index in range(self.count)]
        padded = nn.functional.pad(rows.float(), (0, 0, 0, max(sizes) - len(rows)))
        parts = _Gather.apply(padded, self.index, self.count)  # [count, n, D]
        return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace the gradients by their mean over all processes."""
        if self.count == 1:
            return
        used = [parameter for parameter in parameters if parameter.requires_grad]
        for parameter in used:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        flat = torch.cat([p.grad.flatten() for p in used if p.grad is not None])
        distributed.all_reduce(flat)
        flat /= self.count
        place = 0
        for parameter in used:
            assert parameter.grad is not None
            size = parameter.numel()
            parameter.grad.copy_(flat[place : place + size].view_as(parameter))
            place += size

    def wait(self) -> None:
        """Wait until all processes have come here."""
        if self.count > 1:
            distributed.barrier()

    @contextmanager
    def main_first(self) -> Iterator[None]:
        """Run a block in the first process, then in the others, which find what it wrote."""
        if not self.main:
            self.wait()
        yield
        if self.main:
            self.wait()


ONE = Processes()


class _Gather(torch.autograd.Function):
    """[n, D] of each process to [count, n, D]; the gradient is summed over the processes."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, index: int, count: int) -> Tensor:
        ctx.index = index
        parts = [torch.empty_like(rows) for _ in range(count)]
        distributed.all_gather(parts, rows.contiguous())
        return torch.stack(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        summed = gradients[0].contiguous()
        distributed.all_reduce(summed)
        return summed[ctx.index], None, None


def start_processes(device: str) -> Processes:
    """Join the processes that `accelerate launch` started, or stay alone.

    Args:
        device: 'auto' takes a GPU where PyTorch sees one.

    Raises:
        ConfigurationError: an unknown device, or 'cuda' without a GPU.
        MissingDependencyError: there are several processes and accelerate is not installed.
    """
    if device not in DEVICES:
        raise ConfigurationError(f'device is {device!r}; allowed are {", ".join(DEVICES)}')
    if device == 'cuda' and not torch.cuda.is_available():
        raise ConfigurationError(
            "device is 'cuda', but PyTorch sees no GPU. Use 'auto' or 'cpu', or install PyTorch "
            'with CUDA'
        )
    on_gpu = device != 'cpu' and torch.cuda.is_available()
    if int(os.environ.get('WORLD_SIZE', '1')) == 1:
        return Processes(device=torch.device('cuda' if on_gpu else 'cpu'))
    try:
        from accelerate import PartialState
    except ImportError as error:
        raise MissingDependencyError(
            "Training in several processes needs the library 'accelerate'. Install it with: "
            'pip install accelerate'
        ) from error
    state = PartialState(cpu=not on_gpu, timeout=PATIENCE)
    return Processes(state.process_index, state.num_processes, state.device)
