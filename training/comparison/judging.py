# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The val clips that all models are judged on, and the scores of what a model says about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from training.clips import ClipIndex
from training.evaluation.captions import cider_scores, facts_in, facts_of
from training.world.language.captions import phrasings
from training.world.language.labels import action_phrases
from training.world.symbols import Segment

BATCH = 32
Label = tuple[str, str | None]


@dataclass(frozen=True)
class JudgedClips:
    """Clips of the val split, each of which shows one segment, with plain views.

    Attributes:
        tokens: float16 [M, N, D_vision].
        segments: what they show.
        episodes: where they come from.
    """

    tokens: Tensor
    segments: tuple[Segment, ...]
    episodes: tuple[int, ...]

    @classmethod
    def draw(cls, index: ClipIndex, encoder: nn.Module, *, count: int, seed: int) -> JudgedClips:
        """Draw and encode `count` clips, the actions in balance."""
        episodes = index.episodes
        ends = index.draw_ends(np.random.default_rng([seed, 14]), count)
        device = next(encoder.parameters()).device
        tokens = []
        for start in range(0, count, BATCH):
            rows = [index.clip(int(end)) for end in ends[start : start + BATCH]]
            frames = np.stack([[episodes.frame(int(frame)) for frame in row] for row in rows])
            with torch.inference_mode():
                tokens.append(encoder(torch.from_numpy(frames).to(device)).half().cpu())
        return cls(
            torch.cat(tokens).clone(),
            tuple(episodes.segment(int(index.segment_of[end])) for end in ends),
            tuple(int(episodes.episode_of[end]) for end in ends),
        )

    @property
    def acting(self) -> list[int]:
        """Numbers of the clips that show an action: idle time has no label."""
        return [n for n, segment in enumerate(self.segments) if segment.action != 'idle']


LABELS: tuple[Label, ...] = tuple((phrase.action, phrase.kind) for phrase in action_phrases())


def label_texts() -> list[str]:
    """Return the phrases of `LABELS`, which a clip is classified among."""
    return [phrase.text for phrase in action_phrases()]


def label_of(segment: Segment) -> int:
    """Return the number of the label of a segment that is no idle time."""
    return LABELS.index((segment.action, segment.kind))


@dataclass
class Judged:
    """Scores clip by clip.

    Attributes:
        values: name of the score -> one number a clip.
        episodes: name of the score -> the episode of each of these clips.
        texts: what was written, by the name of the way.
    """

    values: dict[str, list[float]] = field(default_factory=dict)
    episodes: dict[str, list[int]] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)

    def add_texts(self, clips: JudgedClips, texts: Sequence[str], *, suffix: str = '') -> None:
        """Score written captions: CIDEr, and whether all facts are right."""
        references = [phrasings(segment) for segment in clips.segments]
        right = [
            facts_in(text) == facts_of(segment)
            for text, segment in zip(texts, clips.segments, strict=True)
        ]
        self._add(f'cider{suffix}', cider_scores(texts, references), clips.episodes)
        self._add(f'facts{suffix}', right, clips.episodes)
        self.texts[f'texts{suffix}'] = list(texts)

    def add_labels(
        self, clips: JudgedClips, chosen: Sequence[int], *, name: str = 'classification'
    ) -> None:
        """Score the chosen labels int [len(clips.acting)]."""
        right = [
            label_of(clips.segments[number]) == label
            for number, label in zip(clips.acting, chosen, strict=True)
        ]
        self._add(name, right, [clips.episodes[number] for number in clips.acting])

    def _add(
        self, name: str, values: Sequence[float] | np.ndarray, episodes: Sequence[int]
    ) -> None:
        self.values[name] = [float(value) for value in values]
        self.episodes[name] = list(episodes)

    def means(self) -> dict[str, float]:
        """Return the mean of each score."""
        return {name: float(np.mean(values)) for name, values in self.values.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return everything for a JSON file."""
        return dict(vars(self))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Judged:
        """Restore what `to_dict` returned."""
        return cls(**values)
