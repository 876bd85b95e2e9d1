# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Trains the two planning heads with all else frozen.

States are the Predictor's answers to the state query about the images before and after an action,
actions the Y-Encoder's embeddings of what was done; failed tries are among them, so the outcome of
an action that may fail lies between.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from training.batches import cut_out
from training.clips import ClipIndex, may_mirror, mirror_segment
from training.journal import Journal
from training.loop import bf16_is_faster
from training.objective import embed_sorted
from training.stage import Schedule, Stage
from training.world.language.captions import caption
from vljepa_ros.model.loss import info_nce
from vljepa_ros.model.planning import Transition
from vljepa_ros.model.vl_jepa import VLJEPA

BATCH = 32
SAVE_EVERY = 500


@dataclass(frozen=True)
class PlanningConfig:
    """Settings of the planning heads' training.

    Attributes:
        transitions: pairs of states to train on.
        steps: batches in all.
        pairs: pairs of states a batch.
        learning_rate: peak of the cosine schedule.
        temperature: of InfoNCE.
        seed: of pairs and batches.
    """

    transitions: int = 12_000
    steps: int = 4000
    pairs: int = 256
    learning_rate: float = 1e-3
    temperature: float = 0.05
    seed: int = 0


@dataclass(frozen=True)
class Transitions:
    """N actions in the shared space.

    Attributes:
        initial: unit vectors [N, D], the states before.
        goal: unit vectors [N, D], the states after.
        action: unit vectors [N, D].
        meaning: int64 [N], equal for equal actions.
    """

    initial: Tensor
    goal: Tensor
    action: Tensor
    meaning: Tensor


# Clips uint8 [T, S, S, 3] of the image before an action and of that after it, and what was done.
TransitionClips = tuple[np.ndarray, np.ndarray, str]


def simulated_transitions(index: ClipIndex, *, count: int, seed: int) -> Iterator[TransitionClips]:
    """Draw transitions of rendered episodes; those of failed actions are among them."""
    rng = np.random.default_rng([seed, 12])
    for row in index.draw_transitions(rng, count):
        segment = index.episodes.segment(int(row[0]))
        chosen = index.transition(row, rng)
        frames, view = cut_out(index.episodes, chosen, rng, mirror=may_mirror(segment))
        # A still image fills a clip of its own.
        before, after = (np.repeat(frames[[at]], len(frames), axis=0) for at in (0, -1))
        yield before, after, caption(mirror_segment(segment) if view.mirrored else segment)


def embed_transitions(
    model: VLJEPA, transitions: Iterable[TransitionClips], *, count: int, query: str = 'state'
) -> Transitions:
    """Embed the states and actions of `count` transitions, with a progress bar."""
    device = model.device
    half = bf16_is_faster(device)
    states: list[Tensor] = []
    texts: list[str] = []
    clips: list[np.ndarray] = []

    def answer() -> None:
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=half):
            features = model.encode(torch.from_numpy(np.stack(clips)).to(device))
            states.append(model.predict(features, [query])[:, 0].float())
        clips.clear()

    bar = tqdm(transitions, total=count, desc='states', unit='action', dynamic_ncols=True)
    for before, after, text in bar:
        clips += [before, after]
        texts.append(text)
        if len(clips) == 2 * BATCH:
            answer()
    if clips:
        answer()
    known = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    with torch.inference_mode():
        unique = [embed_sorted(model, part) for part in _parts(list(known), 256)]
    meaning = torch.tensor([known[text] for text in texts], device=device)
    both = torch.cat(states).unflatten(0, (-1, 2))
    return Transitions(
        both[:, 0].clone(), both[:, 1].clone(), torch.cat(unique).float()[meaning], meaning
    )


def _parts(texts: list[str], size: int) -> list[list[str]]:
    return [texts[start : start + size] for start in range(0, len(texts), size)]


def planning_loss(
    model: VLJEPA, data: Transitions, chosen: Tensor, *, temperature: float
) -> Tensor:
    """Return the sum of both heads' InfoNCE on some transitions.

    The outcome is told from the other outcomes and from every initial state (nothing changed); the
    action from the other actions.
    """
    initial, goal, action = data.initial[chosen], data.goal[chosen], data.action[chosen]
    meaning = data.meaning[chosen]
    transition = model.network('transition')
    assert isinstance(transition, Transition)
    outcome = transition.pairs(initial, action)
    to_outcome = info_nce(outcome, torch.cat((goal, initial)), temperature=temperature)
    guess = model.network('inverse')(initial, goal)
    same = meaning[:, None] == meaning[None, :]
    to_action = info_nce(guess, action, temperature=temperature, ignore=same)
    return to_outcome + to_action


def train_planning(
    model: VLJEPA,
    data: Transitions,
    folder: Path,
    *,
    config: PlanningConfig,
    journal: Journal | None = None,
) -> None:
    """Train both heads; goes on where it was interrupted."""
    journal = journal or Journal(folder)
    modules = {name: model.network(name) for name in ('transition', 'inverse')}
    parameters = [p for module in modules.values() for p in module.parameters()]
    optimizer = torch.optim.AdamW(
        parameters, lr=config.learning_rate, weight_decay=0.05, fused=True
    )
    stage = Stage(
        'planning',
        modules,
        optimizer,
        schedule=Schedule(config.steps, config.learning_rate),
        path=folder / 'planning_state.safetensors',
        journal=journal,
        save_every=SAVE_EVERY,
        max_norm=math.inf,
    )
    for step in stage.steps():
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
        chosen = torch.randperm(len(data.meaning), generator=generator)[: config.pairs]
        loss = planning_loss(model, data, chosen, temperature=config.temperature)
        stage.descend(loss)
        stage.note(loss=loss.item())
