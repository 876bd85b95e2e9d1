# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recordings as a source of clips with questions and answers."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from training.augmentation import augment_colours, draw_view
from training.planning_training import TransitionClips
from training.recordings import Frames, Recording
from training.run_config import RecordingSettings
from training.sources import QueryAnswer
from vljepa_ros.errors import ConfigurationError
from vljepa_ros.model.presets import TINY_QUERIES

LABEL_SHARE = 0.25  # of the captions, where a recording has both
Usable = tuple[Recording, Frames]


def split_recordings(
    usable: Sequence[Usable], *, share: float, seed: int
) -> tuple[list[Usable], list[Usable]]:
    """Divide recordings into those to train on and those to choose the checkpoint by.

    Where one of them names its split, those named 'val' are that split. Else every text that
    several groups have gives `share` of its groups, one at least; of the texts that only one group
    has, every 1/share-th is taken.

    Raises:
        ConfigurationError: one of the two would be empty.
    """
    if any(recording.split for recording, _ in usable):
        chosen = {recording.group for recording, _ in usable if recording.split == 'val'}
        # A group is of one split; else the val split would show what training saw.
        mixed = chosen & {r.group for r, _ in usable if r.split == 'train'}
        if mixed:
            raise ConfigurationError(
                f'Parts of the same video are in both splits: {sorted(mixed)[:3]}. Give them one'
            )
    else:
        chosen = _drawn_groups(usable, share=share, seed=seed)
    val = [item for item in usable if item[0].group in chosen]
    train = [item for item in usable if item[0].group not in chosen]
    if not train or not val:
        raise ConfigurationError(
            f'{len(usable)} usable recordings give {len(train)} to train on and {len(val)} to '
            'choose the checkpoint by; both need one. Record more, or raise val_share'
        )
    return train, val


def _drawn_groups(usable: Sequence[Usable], *, share: float, seed: int) -> set[str]:
    meaning_of: dict[str, str] = {}
    for recording, _ in usable:
        meaning_of.setdefault(recording.group, recording.meaning)
    groups_of: dict[str, list[str]] = defaultdict(list)
    for group, meaning in meaning_of.items():
        groups_of[meaning].append(group)
    rng = np.random.default_rng([seed, 13])
    chosen: set[str] = set()
    single: list[str] = []
    for groups in groups_of.values():
        if len(groups) == 1:
            single += groups
            continue
        count = min(len(groups) - 1, max(1, round(share * len(groups))))
        chosen |= {groups[number] for number in rng.permutation(len(groups))[:count]}
    order = [single[number] for number in rng.permutation(len(single))]
    chosen |= {
        group for n, group in enumerate(order) if int((n + 1) * share) > int(n * share)
    }  # fmt: skip
    return chosen


class RecordingSource:
    """Clips drawn once from recordings.

    Each recording with a caption, a label or questions gives `settings.clips` clips, each with an
    action one more: its first image for half of the clip, then its last one.
    """

    def __init__(
        self,
        usable: Sequence[Usable],
        settings: RecordingSettings,
        *,
        clip_frames: int,
        queries: Mapping[str, str],
        seed: int,
        augment: bool = False,
        skipped: int = 0,
    ) -> None:
        """Draw the clips.

        Args:
            usable: of one split.
            settings: how clips are drawn.
            clip_frames: T.
            queries: of the model; 'caption' and 'action' are asked.
            seed: of clips and augmentation.
            augment: vary the pictures.
            skipped: recordings that were left out.
        """
        self.skipped = skipped
        self._usable = usable
        self._queries = {**TINY_QUERIES, **queries}
        self._seed, self._augment = seed, augment
        self._length = clip_frames
        rng = np.random.default_rng([seed, 14])
        self._clips: list[tuple[int, bool, np.ndarray]] = []  # recording, transition?, frames [T]
        for number, (recording, frames) in enumerate(usable):
            if recording.captions or recording.label or recording.questions:
                rows = _inside(recording, frames)
                for clip in draw_clips(rows, clip_frames, settings, rng):
                    self._clips.append((number, False, clip))
            if recording.action:
                ends = _ends(recording, frames)
                later = clip_frames // 2
                self._clips.append((number, True, np.repeat(ends, [clip_frames - later, later])))
        digest = hashlib.sha256(f'{seed} {augment}'.encode())
        for number, _, clip in self._clips:
            digest.update(usable[number][1].path.stem.encode())
            digest.update(clip.astype(np.int64).tobytes())
        self.fingerprint = digest.hexdigest()[:16]

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self._clips)

    def clip(self, index: int) -> np.ndarray:
        """Return a clip, uint8 [T, S, S, 3]."""
        number, _, rows = self._clips[index]
        clip = self._usable[number][1].read(rows.tolist())
        if not self._augment:
            return clip
        rng = np.random.default_rng([self._seed, 15, index])
        # Not mirrored: a text may say left or right.
        view = draw_view(rng, size=clip.shape[1], mirror=False)
        return augment_colours(np.stack([view.frame(frame) for frame in clip])[None], rng)[0]

    def pairs(self, index: int, rng: np.random.Generator) -> list[QueryAnswer]:
        """Draw the main question about a clip, and one of the recording's own."""
        number, transition, _ = self._clips[index]
        recording = self._usable[number][0]
        if transition:
            action = recording.action
            return [QueryAnswer(self._queries['action'], action, action.casefold())]
        pairs = []
        short = recording.label and (not recording.captions or rng.random() < LABEL_SHARE)
        if short or recording.captions:
            text = recording.label if short else str(rng.choice(recording.captions))
            meaning = recording.label if short else recording.captions[0]
            pairs.append(QueryAnswer(self._queries['caption'], text, meaning.casefold()))
        if recording.questions:
            asked = recording.questions[int(rng.integers(len(recording.questions)))]
            wrong = tuple(text for text in asked.candidates if text != asked.answer)
            pairs.append(QueryAnswer(asked.text, asked.answer, asked.answer.casefold(), wrong))
        return pairs

    def phrases(self) -> list[str]:
        """Return the distinct texts that say what happens."""
        texts = [
            ' '.join(text.split())
            for recording, _ in self._usable
            for text in (*recording.captions[:1], recording.label, recording.action)
            if text
        ]
        return list(dict.fromkeys(texts))

    def draw_text(self, rng: np.random.Generator) -> tuple[str, str]:
        """Return a text to embed and the text to write: the first of the same meaning."""
        recording = self._usable[int(rng.integers(len(self._usable)))][0]
        pools = [
            [(text, recording.captions[0]) for text in recording.captions],
            [(text, text) for text in (recording.label, recording.action) if text],
            [(question.answer, question.answer) for question in recording.questions],
        ]
        pools = [pool for pool in pools if pool]
        pool = pools[int(rng.integers(len(pools)))]
        return pool[int(rng.integers(len(pool)))]

    @property
    def transition_count(self) -> int:
        """How many recordings have an action."""
        return sum(bool(recording.action) for recording, _ in self._usable)

    def transitions(self) -> Iterator[TransitionClips]:
        """Yield the images before and after each action."""
        for recording, frames in self._usable:
            if recording.action:
                ends = _ends(recording, frames)
                before, after = (frames.read([row]) for row in ends.tolist())
                yield (
                    np.repeat(before, self._length, axis=0),
                    np.repeat(after, self._length, axis=0),
                    recording.action,
                )


def _inside(recording: Recording, frames: Frames) -> np.ndarray:
    rows = np.flatnonzero(
        (frames.times_s >= recording.start_s - 1e-6) & (frames.times_s <= recording.end_s + 1e-6)
    )
    return rows if len(rows) else np.arange(len(frames.times_s))


def _ends(recording: Recording, frames: Frames) -> np.ndarray:
    last = len(frames.times_s) - 1
    goal = np.abs(frames.times_s - recording.goal_s).argmin()
    initial = np.abs(frames.times_s - recording.initial_s).argmin()
    return np.array([initial, last if np.isinf(recording.goal_s) else goal])


def draw_clips(
    rows: np.ndarray, length: int, settings: RecordingSettings, rng: np.random.Generator
) -> list[np.ndarray]:
    """Draw clips int64 [length] from the frame numbers of a recording.

    A recording shorter than a clip, and 'uniform' sampling, spread the frames over it all.
    """
    if len(rows) <= length or settings.sampling == 'uniform':
        return [rows[np.linspace(0, len(rows) - 1, length).round().astype(int)]]
    starts = len(rows) - length + 1
    count = min(settings.clips, starts)
    # One in each of `count` equal stretches of time.
    drawn = ((np.arange(count) + rng.random(count)) * starts / count).astype(int)
    return [rows[start : start + length] for start in drawn]
