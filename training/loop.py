# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the stages of training share: the schedule, drawing ahead, the choice of precision."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Drawn = TypeVar('Drawn')


def cosine_rate(step: int, *, steps: int, warmup: int) -> float:
    """Return the share of the peak learning rate at a step, in [0, 1]."""
    warm = min(1.0, (step + 1) / warmup)
    return warm * 0.5 * (1.0 + math.cos(math.pi * min(1.0, step / steps)))


def bf16_is_faster(device: torch.device | None = None) -> bool:
    """Measure whether a device multiplies bfloat16 matrices faster than float32 ones.

    Args:
        device: None is the processor.
    """
    where = device or torch.device('cpu')

    def seconds(dtype: torch.dtype) -> float:
        matrix = torch.ones(512, 512, dtype=dtype, device=where)
        for repeats in (3, 20):  # the first ones warm up
            if where.type == 'cuda':
                torch.cuda.synchronize(where)
            start = time.perf_counter()
            for _ in range(repeats):
                matrix @ matrix
        if where.type == 'cuda':
            torch.cuda.synchronize(where)
        return time.perf_counter() - start

    return seconds(torch.bfloat16) < 0.8 * seconds(torch.float32)


def drawn_ahead(steps: range, draw: Callable[[int], Drawn]) -> Generator[Drawn, None, None]:
    """Yield the batches of the steps, the next two drawn in the background."""
    with ThreadPoolExecutor(1) as pool:
        waiting = [pool.submit(draw, step) for step in itertools.islice(steps, 2)]
        for step in steps:
            batch = waiting.pop(0).result()
            if step + 2 in steps:
                waiting.append(pool.submit(draw, step + 2))
            yield batch
