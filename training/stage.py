# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The loop of every stage of training: it goes on where it was interrupted.

    stage = Stage('clips', modules, optimizer, schedule=Schedule(6000, 5e-4), path=path)
    for step, batch in stage.batches(draw):
        with stage.autocast():
            loss = loss_of(batch)
        stage.descend(loss)
        stage.note(loss=loss.item())

What a step draws must follow from its number alone. Then a training that was interrupted ends with
the weights of one that was not, bit for bit on the same machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from training.journal import Journal
from training.loop import bf16_is_faster, cosine_rate, drawn_ahead
from training.processes import ONE, Processes
from training.state_file import load_state, save_state

SAVE_EVERY = 100
DIGITS = 4
Drawn = TypeVar('Drawn')


@dataclass(frozen=True)
class Schedule:
    """How long a stage learns, and how fast.

    Attributes:
        steps: of the optimiser, in all.
        learning_rate: the peak.
        warmup: steps until the peak.
        shape: after the warm-up: 'cosine' to zero, or 'constant'.
    """

    steps: int
    learning_rate: float
    warmup: int = 100
    shape: Literal['cosine', 'constant'] = 'cosine'

    def share(self, step: int) -> float:
        """Return the share of the peak at a step, in [0, 1]."""
        if self.shape == 'constant':
            return min(1.0, (step + 1) / self.warmup)
        return cosine_rate(step, steps=self.steps, warmup=self.warmup)


class Stage:
    """Steps of an optimiser, with a progress bar, saved states and a journal.

    Attributes:
        done: steps that an earlier start has done.
        learning_rate: that of the present step.
    """

    def __init__(
        self,
        name: str,
        modules: dict[str, nn.Module],
        optimizer: torch.optim.Optimizer,
        *,
        schedule: Schedule,
        path: Path | None = None,
        journal: Journal | None = None,
        save_every: int | None = None,
        max_norm: float = 1.0,
        processes: Processes = ONE,
    ) -> None:
        """Restore what an earlier start has saved.

        Args:
            name: in the progress bar and the journal.
            modules: what is saved, by name: all that the steps change.
            optimizer: its groups may have a `scale` of the learning rate.
            schedule: of the learning rate; that of an interrupted stage must not change.
            path: of the saved state; None saves nothing.
            journal: is told the means of what was noted, at each saved state; None tells nobody.
            save_every: steps between two saved states; None takes `SAVE_EVERY`.
            max_norm: longest gradient; longer ones are shortened, `math.inf` leaves all.
            processes: they share the work; only the first saves and shows progress.
        """
        self._name, self._modules, self._optimizer = name, modules, optimizer
        self._schedule, self._path, self._journal = schedule, path, journal
        self._save_every = save_every or SAVE_EVERY
        self._max_norm, self._processes = max_norm, processes
        self._parameters: list[nn.Parameter] = [
            parameter for group in optimizer.param_groups for parameter in group['params']
        ]
        self._noted: dict[str, list[float]] = {}
        self._keep_now = False
        self.done = 0 if path is None else load_state(path, modules, optimizer)
        self.learning_rate = 0.0

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return self._parameters[0].device

    @cached_property
    def _half(self) -> bool:
        return bf16_is_faster(self.device)

    def autocast(self) -> torch.autocast:
        """Return the context in which a step computes: bfloat16 where that is faster."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self._half)

    def steps(self) -> Iterator[int]:
        """Yield the number of each step that is left; when the loop comes back, it is done."""
        total = self._schedule.steps
        with tqdm(
            total=total,
            initial=self.done,
            desc=self._name,
            unit='step',
            dynamic_ncols=True,
            disable=not self._processes.main,
        ) as bar:
            for step in range(self.done, total):
                self._set_learning_rate(step)
                yield step
                bar.update()
                due = (step + 1) % self._save_every == 0 or step + 1 == total
                if due or self._keep_now:
                    self._keep(step + 1, bar)

    def batches(self, draw: Callable[[int], Drawn]) -> Iterator[tuple[int, Drawn]]:
        """Yield each step that is left with its batch; the next two are drawn meanwhile."""
        with closing(drawn_ahead(range(self.done, self._schedule.steps), draw)) as drawn:
            for step in self.steps():
                yield step, next(drawn)

    def _set_learning_rate(self, step: int) -> None:
        peak, share = self._schedule.learning_rate, self._schedule.share(step)
        self.learning_rate = peak * share
        for group in self._optimizer.param_groups:
            group['lr'] = peak * group.get('scale', 1.0) * share

    def descend(self, loss: Tensor) -> Tensor:
        """Take a step down the gradient of a loss; return the gradient's length before."""
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._processes.average_gradients(self._parameters)
        norm = torch.nn.utils.clip_grad_norm_(self._parameters, self._max_norm)
        self._optimizer.step()
        return norm

    def note(self, **values: float) -> None:
        """Remember numbers of this step; their means are told with the next saved state."""
        for name, value in values.items():
            self._noted.setdefault(name, []).append(value)

    def keep(self) -> None:
        """Have the state saved at the end of this step, whatever its number."""
        self._keep_now = True

    def write(self, text: str) -> None:
        """Print a line above the progress bar."""
        if self._processes.main:
            tqdm.write(text)

    def _keep(self, done: int, bar: Any) -> None:
        means = {name: round(float(np.mean(all_)), DIGITS) for name, all_ in self._noted.items()}
        self._noted.clear()
        self._keep_now = False
        bar.set_postfix(means)
        if self._path is not None and self._processes.main:
            save_state(self._path, self._modules, self._optimizer, step=done)
        if self._journal is not None and means:
            self._journal.row(self._name, {'step': done, **means})
