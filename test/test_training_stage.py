# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The loop of every stage of training."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

pytest.importorskip('torch', reason='training needs PyTorch: make setup')

import torch

from training.journal import Journal
from training.processes import Processes
from training.stage import Schedule, Stage

STEPS = 7


def batch_of(step: int) -> torch.Tensor:
    return torch.randn(8, 3, generator=torch.Generator().manual_seed(step))


class Follower:
    """A stage with a slow copy that changes after the optimiser's step."""

    def __init__(self, folder: Path, **options) -> None:
        torch.manual_seed(0)
        self.fast, self.slow = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
        groups = [
            {'params': [self.fast.weight], 'scale': 1.0},
            {'params': [self.fast.bias], 'scale': 0.5},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=0.1)
        self.stage = Stage(
            'follow',
            {'fast': self.fast, 'slow': self.slow},
            self.optimizer,
            schedule=Schedule(STEPS, 0.1, warmup=2),
            path=folder / 'follow.safetensors',
            journal=Journal(folder),
            **{'save_every': 3} | options,
        )

    def learn(self, *, until: int = STEPS) -> list[int]:
        """Take the steps that are left; be interrupted in step `until`."""
        taken = []
        for step, batch in self.stage.batches(batch_of):
            if step == until:
                raise KeyboardInterrupt
            taken.append(step)
            loss = (self.fast(batch) - batch[:, :2]).square().mean()
            self.stage.descend(loss)
            with torch.no_grad():
                for slow, fast in zip(self.slow.parameters(), self.fast.parameters(), strict=True):
                    slow.lerp_(fast, 0.5)
            self.stage.note(loss=loss.item(), number=step)
        return taken

    def weights(self) -> list[torch.Tensor]:
        return [*self.fast.parameters(), *self.slow.parameters()]


def rows(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / 'log.jsonl').read_text().splitlines()]


@pytest.mark.parametrize(('until', 'left'), [(2, 7), (3, 4), (5, 4), (6, 1)])
def test_an_interrupted_stage_ends_with_the_same_bits(tmp_path, until, left):
    (tmp_path / 'whole').mkdir()
    (tmp_path / 'parts').mkdir()
    whole = Follower(tmp_path / 'whole')
    assert whole.learn() == list(range(STEPS))
    with pytest.raises(KeyboardInterrupt):
        Follower(tmp_path / 'parts').learn(until=until)
    resumed = Follower(tmp_path / 'parts')
    assert resumed.stage.done == STEPS - left
    assert resumed.learn() == list(range(STEPS - left, STEPS))
    for one, other in zip(whole.weights(), resumed.weights(), strict=True):
        assert torch.equal(one, other)
    names = ('whole', 'parts')
    assert len({(tmp_path / n / 'follow.safetensors').read_bytes() for n in names}) == 1
    assert rows(tmp_path / 'whole') == rows(tmp_path / 'parts')
    assert Follower(tmp_path / 'parts').learn() == []  # it is over


def test_the_journal_is_told_the_means_since_the_last_row(tmp_path):
    Follower(tmp_path).learn()
    told = rows(tmp_path)
    assert [row.pop('loss') > 0 for row in told] == [True] * 3
    assert told == [
        {'stage': 'follow', 'step': 3, 'number': 1.0},
        {'stage': 'follow', 'step': 6, 'number': 4.0},
        {'stage': 'follow', 'step': 7, 'number': 6.0},
    ]


def test_the_learning_rate_of_each_group_follows_the_schedule(tmp_path):
    follower = Follower(tmp_path)
    schedule = Schedule(STEPS, 0.1, warmup=2)
    for step in follower.stage.steps():
        fast, slow = (group['lr'] for group in follower.optimizer.param_groups)
        assert fast == follower.stage.learning_rate == 0.1 * schedule.share(step)
        assert slow == 0.5 * fast
    assert schedule.share(0) == 0.5  # half of the warm-up
    assert schedule.share(STEPS) == pytest.approx(0.0)
    assert Schedule(STEPS, 0.1, warmup=2, shape='constant').share(STEPS) == 1.0


def test_long_gradients_are_shortened_unless_any_length_is_allowed(tmp_path):
    lengths = []
    for limit in (1e-3, math.inf):
        follower = Follower(tmp_path, max_norm=limit)
        for _ in follower.stage.steps():
            before = follower.stage.descend((1e3 * follower.fast(batch_of(0))).square().mean())
            gradients = [p.grad for p in follower.fast.parameters() if p.grad is not None]
            after = torch.cat([gradient.flatten() for gradient in gradients]).norm()
            lengths.append((float(before), float(after)))
            break
    (first, shortened), (second, whole) = lengths
    assert first == second > 1.0
    assert shortened == pytest.approx(1e-3, rel=1e-2)
    assert whole == pytest.approx(second)


def test_a_state_is_kept_when_a_step_asks_for_it(tmp_path):
    follower = Follower(tmp_path, save_every=100)
    for step in follower.stage.steps():
        if step == 1:
            follower.stage.keep()
        if step == 3:
            break
    assert Follower(tmp_path).stage.done == 2


def test_only_the_first_process_writes(tmp_path, capsys):
    follower = Follower(tmp_path, processes=Processes(index=1, count=2))
    for _ in follower.stage.steps():
        follower.stage.write('a line')
    assert not (tmp_path / 'follow.safetensors').exists()
    assert 'a line' not in capsys.readouterr().out


def test_what_a_draw_raises_is_raised_in_its_step(tmp_path):
    follower = Follower(tmp_path, save_every=1)

    def draw(step: int) -> int:
        if step == 2:
            raise ValueError('no batch')
        return step

    taken = []
    with pytest.raises(ValueError, match='no batch'):
        for step, batch in follower.stage.batches(draw):
            taken.append((step, batch))
    assert taken == [(0, 0), (1, 1)]
    assert Follower(tmp_path).stage.done == 2
