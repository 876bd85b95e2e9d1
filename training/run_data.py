# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The data of a run, from the simulator or from recordings, for all stages of a training."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from training.augmentation import NARROW, WIDE, Variety
from training.pairings import Pairings
from training.planning_training import TransitionClips, simulated_transitions
from training.processes import Processes
from training.recording_source import RecordingSource, split_recordings
from training.recordings import Recording, Skipped, prepare
from training.run_config import RunConfig
from training.simulator_source import SimulatorSource, SourceSizes
from training.sources import ClipSource
from vljepa_ros.errors import ConfigurationError
from vljepa_ros.model.config import ModelConfig

VALIDATION_SIZES = SourceSizes(clips=700, transitions=300, stills=200, nexts=200)
VALIDATION_SEED = 1


class RunData(ABC):
    """What every kind of data gives to the stages; first `open`, then `draw_clips`.

    Attributes:
        train: clips to train on.
        val: clips to choose the checkpoint by.
        skipped: what could not be used.
        pairings: what the clips show together, where only that is to be told apart; None
            takes all for negatives of each other.
    """

    train: ClipSource
    val: ClipSource

    def __init__(self) -> None:
        """Begin with nothing skipped."""
        self.skipped = Skipped()
        self.pairings: Pairings | None = None

    @abstractmethod
    def open(self, model: ModelConfig) -> None:
        """Find clips as a model wants them."""

    @abstractmethod
    def draw_clips(self, model: ModelConfig) -> None:
        """Draw the clips of both splits."""

    @abstractmethod
    def draw_text(self, rng: np.random.Generator) -> tuple[str, str]:
        """Return a sentence to embed and the one to write."""

    @abstractmethod
    def transitions(self, count: int) -> tuple[Iterator[TransitionClips], int]:
        """Return at most `count` images before and after actions, and their number."""

    @abstractmethod
    def phrases(self) -> list[str]:
        """Return the distinct captions of the training data, for the phrase bank."""

    @abstractmethod
    def contents(self) -> dict[str, Any]:
        """Return what the data shows, for `training.json` and the card."""


class SimulatorRunData(RunData):
    """Episodes of the simulated world, rendered where they are missing."""

    def __init__(self, config: RunConfig, processes: Processes) -> None:
        """Render and load them."""
        from training.dataset import build, load
        from training.texts import SimulatorTexts

        super().__init__()
        assert config.data.simulator is not None
        self._config = config
        self.settings = config.data.simulator
        self._folder = Path(self.settings.folder).expanduser()
        self._seed = config.seed
        sizes = {'val': self.settings.val_episodes, 'train': self.settings.episodes}
        with processes.main_first():
            if processes.main:
                for split, episodes in sizes.items():
                    build(self._folder, split=split, episodes=episodes)
        if config.stop_after == 'render':
            return
        self.episodes = load(self._folder, split='train', episodes=sizes['train'])
        self.texts = SimulatorTexts(self.episodes)
        if self.settings.seen_pairs:
            self.pairings = Pairings.of(self.episodes)

    @property
    def variety(self) -> Variety:
        """How far the pictures are varied."""
        return WIDE if self.settings.variety == 'wide' else NARROW

    def open(self, model: ModelConfig) -> None:
        """Find the clips.

        Raises:
            ConfigurationError: the model's clips have another rate or size than the data.
        """
        from training.clips import ClipIndex
        from training.dataset import FPS

        side = self.episodes.frame(0).shape[0]
        if (model.clip_fps, model.image_size) != (FPS, side):
            raise ConfigurationError(
                f'The simulated data has {FPS:g} frames a second of {side} pixels, the model '
                f'wants {model.clip_fps:g} of {model.image_size}'
            )
        self.index = ClipIndex(self.episodes, clip_frames=model.clip_frames)

    def draw_clips(self, model: ModelConfig) -> None:
        """Draw the clips."""
        from training.clips import ClipIndex
        from training.dataset import load

        scale = self.settings.clips / SourceSizes.clips
        sizes = SourceSizes(*(int(scale * size) for size in vars(SourceSizes()).values()))
        variety = self.variety
        self._source = SimulatorSource(self.index, sizes=sizes, seed=self._seed, variety=variety)
        self.train = self._source
        val = load(self._folder, split='val', episodes=self.settings.val_episodes)
        index = ClipIndex(val, clip_frames=model.clip_frames)
        self.val = SimulatorSource(
            index, sizes=VALIDATION_SIZES, seed=VALIDATION_SEED, reworded=0.0
        )

    def draw_text(self, rng: np.random.Generator) -> tuple[str, str]:
        """Return a sentence of the seen language and its canonical form."""
        return self.texts.draw(rng)

    def transitions(self, count: int) -> tuple[Iterator[TransitionClips], int]:
        """Draw transitions, failed ones among them."""
        return simulated_transitions(self.index, count=count, seed=self._seed), count

    def phrases(self) -> list[str]:
        """Return the canonical captions of the training clips."""
        return self._source.phrases()

    def contents(self) -> dict[str, Any]:
        """Return the manifest of the training split and what all texts of the training name."""
        from training.manifest import MANIFEST_FILE
        from training.text_manifest import text_contents

        path = self._folder / 'train' / MANIFEST_FILE
        shown = dict(json.loads(path.read_text(encoding='utf-8')))
        named = text_contents(self._config, source=self._source, sentences=self.draw_text)
        return {**shown, 'texts': named}


class RecordedRunData(RunData):
    """Videos with texts, from a manifest or a LeRobot data set."""

    def __init__(self, config: RunConfig, processes: Processes) -> None:
        """Read the list of recordings."""
        super().__init__()
        self._run, self._seed, self._processes = config.run_folder, config.seed, processes
        if config.data.manifest is not None:
            from training.manifest_source import read_manifest

            self.settings = config.data.manifest
            path = Path(config.data.manifest.file).expanduser()
            self._recordings: list[Recording] = read_manifest(path, self.skipped)
            self._name = f'manifest {path.name}'
        else:
            from training.lerobot_source import read_lerobot

            assert config.data.lerobot is not None
            lerobot = config.data.lerobot
            self.settings = lerobot  # type: ignore[assignment]  # both are RecordingSettings
            path = Path(lerobot.folder).expanduser()
            self._recordings = read_lerobot(path, self.skipped, cameras=lerobot.cameras)
            self._name = f'LeRobot data set {path.name}'

    def open(self, model: ModelConfig) -> None:
        """Decode the videos.

        Raises:
            ConfigurationError: too little is usable.
        """
        self._usable = prepare(
            self._recordings,
            self._run / 'frames',
            fps=model.clip_fps,
            size=model.image_size,
            skipped=self.skipped,
            processes=self._processes,
        )
        meanings = {recording.meaning for recording, _ in self._usable}
        if len(meanings) < 2:
            raise ConfigurationError(
                f'All {len(self._usable)} recordings have the same text, '
                f'{next(iter(meanings))!r}. Contrastive training tells texts apart: record two '
                f'tasks or more. {self.skipped.report()}'
            )

    def draw_clips(self, model: ModelConfig) -> None:
        """Divide the recordings and draw the clips.

        Raises:
            ConfigurationError: one of the splits is empty.
        """
        parts = split_recordings(self._usable, share=self.settings.val_share, seed=self._seed)
        sources = [
            RecordingSource(
                part,
                self.settings,
                clip_frames=model.clip_frames,
                queries=model.queries,
                seed=self._seed,
                augment=training and self.settings.augment,
                skipped=len(self.skipped),
            )
            for part, training in zip(parts, (True, False), strict=True)
        ]
        self.train = self._source = sources[0]
        self.val = sources[1]
        self._counts = [len(part) for part in parts]

    def draw_text(self, rng: np.random.Generator) -> tuple[str, str]:
        """Return a text of the training recordings and the first one of the same meaning."""
        return self._source.draw_text(rng)

    def transitions(self, count: int) -> tuple[Iterator[TransitionClips], int]:
        """Return the first and the last image of each training recording with an action."""
        count = min(count, self._source.transition_count)
        return islice(self._source.transitions(), count), count

    def phrases(self) -> list[str]:
        """Return the texts of the training recordings."""
        return self._source.phrases()

    def contents(self) -> dict[str, Any]:
        """Return the numbers of recordings and the texts."""
        return {
            'data': self._name,
            'recordings_train': self._counts[0],
            'recordings_val': self._counts[1],
            'skipped': self.skipped.reasons,
            'texts': self.phrases(),
        }


def open_run_data(config: RunConfig, processes: Processes) -> RunData:
    """Read the data that a configuration names."""
    kind = SimulatorRunData if config.data.simulator is not None else RecordedRunData
    return kind(config, processes)
